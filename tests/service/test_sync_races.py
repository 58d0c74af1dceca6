"""All that can lie between a listing and our own commits: who is whose, whenever the listing began.

A listing is taken at one moment and held against records of another. Each test tells what a cloud shows, what was
recorded before and what after, and which servers then stay, go and count.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cloudwork.clock import START
from cloudwork.cloud import DISCOVERY, NEEDS, MemoryCloud, NoParts
from cloudwork.house import HERE, House
from cloudwork.steps import Steps

from promise.allocation import listing, outcome
from promise.allocation.model import Progress, VmState
from promise.allocation.removal import Removed, remove
from promise.allocation.server import ServerState
from promise.events import Decision, fact

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from promise.allocation.model import Allocation
    from promise.allocation.server import Server, ServerSpec
    from promise.reservation.elements import Look

OTHER = "22222222-2222-4222-8222-222222222222"
LONG_AGO = START - 301


pytestmark = pytest.mark.usefixtures("quiet")


class Gated(NoParts):
    """A door to the same cloud whose listings, or whose answers to a create, wait until they are let through."""

    def __init__(self, cloud: MemoryCloud, *, lists: bool = False, creates: bool = False) -> None:
        self._cloud = cloud
        self._lists, self._creates = lists, creates
        self.there = asyncio.Event()
        self.through = asyncio.Event()

    async def _wait(self, waits: bool) -> None:
        if waits:
            self.there.set()
            await self.through.wait()

    async def discover(self, source: str | None = None) -> Any:
        del source
        return DISCOVERY

    async def servers(self) -> Sequence[Server]:
        found = list(self._cloud.there.values())
        await self._wait(self._lists)
        return found

    async def servers_of(self, allocation_id: str) -> Sequence[Server]:
        return [server for server in self._cloud.there.values() if server.allocation_id == allocation_id]

    async def elements(self, ids: Sequence[str]) -> Mapping[str, Look]:
        return self._cloud.elements(ids)

    async def server(self, server_id: str) -> Server | None:
        return self._cloud.there.get(server_id)

    async def create_server(self, spec: ServerSpec) -> Server:
        made = self._cloud.appear(spec.allocation_id, name=spec.name)
        await self._wait(self._creates)
        return made

    async def delete_server(self, server_id: str) -> None:
        self._cloud.there.pop(server_id, None)


@asynccontextmanager
async def held_listing(here: House) -> AsyncIterator[Gated]:
    """Begin a look whose listing is taken now, and held against the records when the block ends."""
    door, sound = Gated(here.cloud, lists=True), here.sync._clouds

    async def clouds(_provider: str) -> Any:
        return door

    here.sync._clouds = clouds
    looking = asyncio.create_task(here.sync.look(HERE))
    await door.there.wait()
    here.sync._clouds = sound
    yield door
    door.through.set()
    await looking


async def settled(here: House, instance: Allocation) -> Allocation:
    """Let the cloud accept what was asked, and no more."""
    while (await here.instance(instance.id)).server is None:
        await here.turn()
    return await here.instance(instance.id)


async def everything(here: House) -> list[Allocation]:
    return await here.ledger.read(lambda book, _now: list(book.allocations.values()))


async def counted(here: House) -> dict[str | None, str]:
    """Return the instance of each server that counts; no server counts twice."""
    found = [one for one in await everything(here) if one.counted]
    assert len({one.server for one in found}) == len(found)
    return {one.server: one.id for one in found}


async def compare(here: House, *servers: Server) -> Sequence[str]:
    return await here.ledger.submit(lambda book, now: listing.compared(book, HERE, servers, now), actor="test")


async def test_begun_before_the_create_is_recorded_it_misses_nothing(here: House) -> None:
    async with held_listing(here):
        instance = await settled(here, await here.create())
    assert await counted(here) == {instance.server: instance.id}


async def test_begun_between_the_create_and_its_answer_it_is_the_answer() -> None:
    cloud = MemoryCloud()
    door = Gated(cloud, creates=True)
    running = House(cloud, door)
    await running.start(Steps())
    try:
        instance = await running.create()
        await door.there.wait()
        await running.sync.look(HERE)
        seen = await running.instance(instance.id)
        operation = await running.ledger.read(lambda book, _now: book.operations["vm-create"])
        assert (seen.server, operation.progress) == (next(iter(cloud.there)), Progress.DONE)
        door.through.set()
        await running.rest()
        assert await counted(running) == {seen.server: instance.id}
        assert list(cloud.there) == [seen.server]
    finally:
        await running.stop()


async def test_begun_before_the_server_went_it_is_put_right_by_the_next(here: House) -> None:
    instance = await settled(here, await here.create())
    async with held_listing(here):
        here.cloud.there.clear()
    assert (await here.instance(instance.id)).counted
    await here.sync.look(HERE)
    assert ((await here.instance(instance.id)).vm_state, await counted(here)) == (VmState.DELETED, {})


async def test_begun_before_a_destroy_it_takes_nothing_back(here: House) -> None:
    instance = await settled(here, await here.create())
    await here.rest()
    async with held_listing(here):
        await here.destroy(instance.id)
    assert (await here.instance(instance.id)).vm_state is VmState.DELETING
    async with held_listing(here):
        await here.rest()
    assert ((await here.instance(instance.id)).vm_state, await counted(here)) == (VmState.DELETED, {})
    await here.rest()
    assert here.cloud.there == {}


async def test_begun_before_a_refusal_it_finds_nobody(here: House) -> None:
    async with held_listing(here):
        await here.create()
        await here.ledger.submit(lambda book, now: outcome.refused(book, "vm-create", "no", now), actor="test")
    assert await counted(here) == {}


async def test_a_server_that_turns_up_after_it_was_given_up_goes(here: House) -> None:
    instance = await here.create()
    await here.ledger.submit(lambda book, now: outcome.refused(book, "vm-create", "given up", now), actor="test")
    late = here.cloud.appear(instance.id)
    assert await compare(here, late) == (late.id,)
    await here.sync.look(HERE)
    assert here.cloud.there.get(late.id, replace(late, state=ServerState.DELETING)).state is ServerState.DELETING
    assert (await here.instance(instance.id)).fault == "given up"
    assert await counted(here) == {}


async def test_found_twice_it_is_one(here: House) -> None:
    """Two looks, or two processes, that saw the same server before either had recorded it."""
    by_hand = here.cloud.appear(None)
    for _ in range(2):
        assert await compare(here, by_hand, by_hand) == ()
    assert await counted(here) == {by_hand.id: listing.found_id(HERE, by_hand.id)}
    assert (await here.columns())["usage"]["cores"] == NEEDS["cores"]
    journal = [entry.event.kind for entry in await here.ledger.journal(0, 100)]
    assert journal.count("allocation-found") == 1


@pytest.mark.parametrize("order", [1, -1])
async def test_of_two_with_one_id_one_stays(here: House, order: int) -> None:
    instance = await here.create()
    twins = [here.cloud.appear(instance.id) for _ in range(2)][::order]
    assert await compare(here, *twins) == (twins[1].id,)
    assert await compare(here, *twins[::-1]) == (twins[1].id,)
    assert await counted(here) == {twins[0].id: instance.id}
    await here.rest()
    assert list(here.cloud.there) == [twins[0].id]


async def test_an_id_that_was_copied_to_an_older_server_is_no_id(here: House) -> None:
    """Somebody copies the metadata of an instance to a server of his own: that one is his, and stays."""
    instance = await settled(here, await here.create())
    his = here.cloud.appear(instance.id, created=LONG_AGO, name="his")
    await here.rest()
    assert await counted(here) == {instance.server: instance.id, his.id: listing.found_id(HERE, his.id)}
    assert his.id in here.cloud.there


async def test_an_id_that_is_copied_while_the_create_is_in_doubt_deceives_nobody(here: House) -> None:
    instance = await here.create()
    asked = await here.ledger.read(lambda book, _now: book.operations["vm-create"])
    his = here.cloud.appear(None, created=LONG_AGO)
    other = here.cloud.appear(None)
    assert await compare(here, his, other) == ()
    found = set(await counted(here)) - {None}
    copies = [replace(one, allocation_id=instance.id) for one in (his, other)]
    younger, older_one = (here.cloud.appear(instance.id, created=START + at) for at in (9, 5))
    made = await here.ledger.read(lambda book, _now: outcome.made_for(book, asked, [younger, *copies, older_one]))
    assert [one.id for one in made] == [older_one.id, younger.id]
    assert found == {his.id, other.id}


@pytest.mark.parametrize(("early", "his"), [(300, False), (301, True)])
async def test_clocks_may_differ_by_five_minutes(here: House, early: int, his: bool) -> None:
    instance = await here.create()
    server = here.cloud.appear(instance.id, created=instance.created - early)
    await compare(here, server)
    assert ((await here.instance(instance.id)).server is None) is his
    assert ((await counted(here))[server.id] == instance.id) is not his


async def test_the_id_of_a_found_one_makes_nothing_ours(here: House) -> None:
    by_hand = here.cloud.appear(None)
    await compare(here, by_hand)
    copy = here.cloud.appear(listing.found_id(HERE, by_hand.id))
    assert await compare(here, copy) == ()
    assert set(await counted(here)) == {by_hand.id, copy.id}


async def test_the_id_of_an_instance_elsewhere_is_none_here(here: House) -> None:
    """Two providers, and a server in one cloud that carries the id of an instance in the other."""
    instance = await here.create()

    def elsewhere(book: Any, _now: int) -> Decision[None]:
        moved = replace(book.allocations[instance.id], provider=OTHER)
        return Decision(None, (fact("provider-added", replace(book.providers[HERE], id=OTHER, position=2)),
                               fact("allocation-state", moved)))  # fmt: skip

    await here.ledger.submit(elsewhere, actor="test")
    copy = here.cloud.appear(instance.id)
    assert await compare(here, copy) == ()
    assert (await counted(here))[copy.id] == listing.found_id(HERE, copy.id)
    assert (await here.instance(instance.id)).server is None


async def test_the_server_of_a_forgotten_instance_is_like_any_other(here: House) -> None:
    instance = await settled(here, await here.create())
    await here.rest()
    provider = await here.ledger.read(lambda book, _now: book.providers[HERE])
    removed = await here.ledger.submit(lambda book, now: remove(book, HERE, now, force=True), actor="test")
    assert isinstance(removed, Removed)
    assert await everything(here) == []
    again = Decision(None, (fact("provider-added", provider),))
    await here.ledger.submit(lambda _book, _now: again, actor="test")
    await compare(here, here.cloud.there[instance.server or ""])
    (found,) = await everything(here)
    assert (found.id, found.ours) == (listing.found_id(HERE, instance.server or ""), False)


async def test_begun_before_its_provider_went_it_records_nothing(here: House) -> None:
    here.cloud.appear(None)
    async with held_listing(here):
        await here.ledger.submit(lambda book, now: remove(book, HERE, now, force=True), actor="test")
    assert await everything(here) == []


async def test_a_resize_is_followed_whichever_look_is_first(here: House) -> None:
    """Without a reservation all of it is loose; an old look that shows the old size is put right by the next."""
    instance = await settled(here, await here.create())
    await here.rest()
    bigger = {"instances": 1, "cores": 6, "ram": 512}
    async with held_listing(here):
        server = here.cloud.there[instance.server or ""]
        here.cloud.there[server.id] = replace(server, needs=bigger, flavor="large")
    assert (await here.columns())["usage"]["cores"] == 2
    await here.sync.look(HERE)
    seen = await here.instance(instance.id)
    assert (seen.capacity, seen.flavor) == ({**bigger, "ports": 1}, "large")
    assert (await here.columns())["usage"]["cores"] == 6
    here.cloud.there[server.id] = server
    await here.sync.look(HERE)
    assert (await here.instance(instance.id)).capacity == {**NEEDS, "ports": 1}
    assert (await here.instance(instance.id)).flavor == "f1"
