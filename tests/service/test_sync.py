"""Servers made directly in a cloud, and all that can lie between a listing and a record."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cloudwork.cloud import DISCOVERY, NEEDS, MemoryCloud
from cloudwork.house import ALICE, HERE, House, house
from cloudwork.steps import Steps

from promise.actor import SYSTEM, Actor
from promise.allocation import listing
from promise.allocation.model import Asked, Progress, VmState
from promise.allocation.removal import Removed, in_use, remove
from promise.allocation.server import ServerState
from promise.capacity.model import Scope
from promise.errors import CloudUnreachable
from promise.events import Decision, fact
from promise.resources import Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promise.allocation.model import Allocation
    from promise.allocation.server import Server
    from promise.events import Event
    from promise.ledger.state import State


pytestmark = pytest.mark.usefixtures("quiet")


async def found(here: House, server: Server) -> Allocation:
    return await here.instance(listing.found_id(HERE, server.id))


async def compare(here: House, *servers: Server) -> Sequence[str]:
    """Hold a listing, however old, against the records."""
    return await here.ledger.submit(lambda book, now: listing.compared(book, HERE, servers, now), actor="test")


async def kinds(here: House) -> list[str]:
    return [entry.event.kind for entry in await here.ledger.journal(0, 1000)]


async def test_a_server_made_directly_is_recorded_and_counts_loose(here: House) -> None:
    by_hand = here.cloud.appear(None, name="by-hand", image="i1", state=ServerState.ACTIVE)
    await here.sync.look(HERE)
    record = await found(here, by_hand)
    assert (record.ours, record.owner, record.project, record.priority) == (False, "", "", "low")
    assert (record.name, record.flavor, record.image, record.server) == ("by-hand", "f1", "i1", by_hand.id)
    assert (record.vm_state, record.zone, record.host, record.capacity) == (VmState.ACTIVE, "az1", "h1", NEEDS)
    assert (record.loose, record.covered, record.start) == (NEEDS, {}, here.clock.now())
    columns = await here.columns()
    assert (columns["usage"]["cores"], columns["available"]["cores"]) == (2, 38)
    zone = await here.ledger.read(lambda book, now: book.timeline(Scope(HERE, "az1")).at(now).usage)
    assert zone["cores"] == 2
    assert SYSTEM.sees(record)
    assert not any(actor.sees(record) for actor in (ALICE, Actor("dave", "")))


async def test_a_look_that_finds_no_difference_writes_nothing(here: House) -> None:
    here.cloud.appear(None, state=ServerState.ACTIVE)
    here.cloud.appear("somebody-else-s-id", state=ServerState.STOPPED)
    await here.create()
    await here.rest()
    before = here.ledger.seq
    for _ in range(3):
        await here.sync.look(HERE)
    assert here.ledger.seq == before
    assert (await kinds(here)).count("allocation-found") == 2


async def test_it_is_followed_to_its_end(here: House) -> None:
    by_hand = here.cloud.appear(None)
    await here.sync.look(HERE)
    assert (await found(here, by_hand)).vm_state is VmState.BUILD
    bigger = {"instances": 1, "cores": 4, "ram": 1024}
    here.cloud.there[by_hand.id] = replace(by_hand, state=ServerState.STOPPED, needs=bigger, name="renamed", zone="az2")
    await here.sync.look(HERE)
    record = await found(here, by_hand)
    assert (record.vm_state, record.capacity, record.name, record.zone) == (VmState.STOPPED, bigger, "renamed", "az2")
    assert (await here.columns())["usage"]["cores"] == 4
    del here.cloud.there[by_hand.id]
    await here.sync.look(HERE)
    record = await found(here, by_hand)
    assert (record.vm_state, record.counted, record.end) == (VmState.DELETED, False, here.clock.now())
    assert (await here.columns())["usage"] == {"cores": 0, "ram": 0, "instances": 0}
    assert [kind for kind in await kinds(here) if kind.startswith("allocation")] == [
        "allocation-found", "allocation-state", "allocation-gone",
    ]  # fmt: skip


async def test_only_when_somebody_asks_is_it_destroyed(here: House) -> None:
    by_hand = here.cloud.appear(None)
    await here.sync.look(HERE)
    await here.rest()
    assert by_hand.id in here.cloud.there
    await here.destroy(listing.found_id(HERE, by_hand.id))
    await here.rest()
    assert here.cloud.there == {}
    assert (await found(here, by_hand)).vm_state is VmState.DELETED


async def test_a_server_that_comes_back_is_loose(here: House) -> None:
    instance = await here.create()
    await here.rest()
    server = here.cloud.there.pop((await here.instance(instance.id)).server or "")
    await here.sync.look(HERE)
    assert (await here.instance(instance.id)).counted is False
    here.cloud.there[server.id] = server
    await here.sync.look(HERE)
    back = await here.instance(instance.id)
    assert (back.vm_state, back.counted, back.end, back.reservation) == (VmState.ACTIVE, True, None, None)
    assert (await here.columns())["usage"]["cores"] == 2


async def test_a_server_that_outlives_its_end_is_deleted_again(here: House) -> None:
    instance = await here.create()
    await here.rest()
    server = here.cloud.there[(await here.instance(instance.id)).server or ""]
    await here.destroy(instance.id)
    await here.rest()
    here.cloud.there[server.id] = server
    await here.sync.look(HERE)
    assert here.cloud.there[server.id].state is ServerState.DELETING
    assert (await here.instance(instance.id)).vm_state is VmState.DELETED


async def test_a_cell_that_is_down_leaves_what_is_known(here: House) -> None:
    instance = await here.create()
    by_hand = here.cloud.appear(None, name="by-hand")
    await here.rest()
    known = [await here.instance(instance.id), await found(here, by_hand)]
    for server in list(here.cloud.there.values()):
        down = replace(server, name="", flavor="", needs={}, zone=None, host=None, allocation_id=None)
        here.cloud.there[server.id] = replace(down, state=ServerState.UNKNOWN)
    here.cloud.appear(None, name="", flavor="", needs={}, zone=None, host=None, state=ServerState.UNKNOWN)
    await here.sync.look(HERE)
    seen = [await here.instance(one.id) for one in known]
    assert seen == [replace(one, vm_state=VmState.UNKNOWN, modified=here.clock.now()) for one in known]
    assert len(await here.ledger.read(lambda book, _now: list(book.allocations))) == 2


async def test_a_server_with_the_id_of_a_create_in_doubt_is_its_server() -> None:
    cloud = MemoryCloud()
    async with house(cloud) as here:
        instance = await here.create()
        adopted = cloud.appear(instance.id)
        assert await compare(here, adopted) == ()
        record = await here.instance(instance.id)
        operation = await here.ledger.read(lambda book, _now: book.operations["vm-create"])
        assert (record.server, record.vm_state, record.ours) == (adopted.id, VmState.BUILD, True)
        assert operation.progress is Progress.DONE
        await here.rest()
        assert list(cloud.there) == [adopted.id]


async def test_an_old_listing_takes_nothing_back(here: House) -> None:
    """What is listed may have been recorded, destroyed and gone since."""
    instance = await here.create()
    await here.rest()
    record = await here.instance(instance.id)
    old = here.cloud.there[record.server or ""]
    assert await compare(here, old) == ()
    assert await here.instance(instance.id) == record
    await here.destroy(instance.id)
    assert await compare(here, old) == ()
    assert (await here.instance(instance.id)).vm_state is VmState.DELETING
    await here.rest()
    gone = await here.instance(instance.id)
    assert await compare(here, old) == (old.id,)
    assert await here.instance(instance.id) == gone


async def test_absence_counts_only_for_what_was_recorded_before(here: House) -> None:
    """The listing is made before the server is there, and held against the record of it."""
    listed = asyncio.Event()
    goes_on = asyncio.Event()

    class Slow:
        async def discover(self, source: str | None = None) -> Any:
            del source
            return DISCOVERY

        async def servers(self) -> list[Server]:
            found = list(here.cloud.there.values())
            listed.set()
            await goes_on.wait()
            return found

        async def server(self, server_id: str) -> Server | None:
            raise AssertionError(server_id)

    async def clouds(_provider: str) -> Any:
        return Slow()

    here.sync._clouds = clouds
    looking = asyncio.create_task(here.sync.look(HERE))
    await listed.wait()
    instance = await here.create()
    while (await here.instance(instance.id)).server is None:
        await here.turn()
    goes_on.set()
    await looking
    assert (await here.instance(instance.id)).counted


@pytest.mark.parametrize("listed", [True, False])
async def test_a_direct_look_has_the_last_word(here: House, listed: bool) -> None:
    instance = await here.create()
    await here.rest()
    if not listed:
        server = here.cloud.there[(await here.instance(instance.id)).server or ""]

        class Forgetful:
            async def discover(self, source: str | None = None) -> Any:
                del source
                return DISCOVERY

            async def servers(self) -> list[Server]:
                return []

            async def server(self, server_id: str) -> Server | None:
                assert server_id == server.id
                return server

        async def clouds(_provider: str) -> Any:
            return Forgetful()

        here.sync._clouds = clouds
    before = here.ledger.seq
    await here.sync.look(HERE)
    assert here.ledger.seq == before
    assert (await here.instance(instance.id)).vm_state is VmState.ACTIVE


async def test_the_same_id_on_another_server_is_one_too_many(here: House) -> None:
    instance = await here.create()
    await here.rest()
    record = await here.instance(instance.id)
    late = here.cloud.appear(instance.id)
    await here.sync.look(HERE)
    assert here.cloud.there[late.id].state is ServerState.DELETING
    assert await here.instance(instance.id) == record
    assert (await here.columns())["usage"]["cores"] == 2


async def test_what_is_destroyed_directly_may_be_restored_or_destroyed_by_us(here: House) -> None:
    """Soft deletion: the server is leaving, nobody has asked us for it, and it can come back."""
    instance = await here.create()
    await here.rest()
    record = await here.instance(instance.id)
    server = here.cloud.there[record.server or ""]
    assert await compare(here, replace(server, state=ServerState.DELETING)) == ()
    assert (await here.instance(instance.id)).vm_state is VmState.DELETING
    assert await compare(here, server) == ()
    assert (await here.instance(instance.id)).vm_state is VmState.ACTIVE
    assert await compare(here, replace(server, state=ServerState.DELETING)) == ()
    await here.destroy(instance.id)
    operations = await here.ledger.read(lambda book, _now: list(book.open_operations.values()))
    assert [operation.asked for operation in operations] == [Asked.DELETE]
    await here.rest()
    assert here.cloud.there == {}


async def test_a_cloud_that_forgets_a_deletion_is_asked_again(here: House) -> None:
    instance = await here.create()
    await here.rest()
    record = await here.instance(instance.id)
    await here.destroy(instance.id)
    await here.calm()
    server = here.cloud.there[record.server or ""]
    assert server.state is ServerState.DELETING
    here.cloud.there[server.id] = replace(server, state=ServerState.ACTIVE)  # its compute host was restarted
    await here.rest()
    assert here.cloud.there == {}
    asked = await here.ledger.read(lambda book, _now: book.operations[f"{instance.id}-delete"])
    assert (asked.progress, asked.attempts) == (Progress.DONE, 2)


async def test_of_many_who_want_a_look_one_looks() -> None:
    steps = Steps()
    async with house(steps=steps) as here:
        await asyncio.gather(*(here.sync.look(HERE) for _ in range(10)))
        assert steps.taken.count("discover") <= 2  # one may have been under way


async def test_nothing_that_a_cloud_does_stops_the_watching(here: House) -> None:
    failures = [ZeroDivisionError("?"), CloudUnreachable("no route"), KeyError("x"), RuntimeError()]

    async def clouds(_provider: str) -> Any:
        raise failures.pop(0)

    sound, here.sync._clouds = here.sync._clouds, clouds
    while failures:
        await here.sync.look(HERE)
        provider = await here.ledger.read(lambda book, _now: book.providers[HERE])
        assert not provider.reachable
        assert provider.last_error
    here.sync._clouds = sound
    here.cloud.appear(None)
    await here.rest()
    assert here.failure() is None
    assert (await here.ledger.read(lambda book, _now: book.providers[HERE])).reachable


async def test_servers_made_directly_do_not_keep_a_provider(here: House) -> None:
    here.cloud.appear(None)
    await here.sync.look(HERE)
    await here.ledger.submit(lambda book, now: Decision(None, (_over(book, now),)), actor="test")
    assert await here.ledger.read(lambda book, _now: in_use(book, HERE)) is None
    removed = await here.ledger.submit(lambda book, now: remove(book, HERE, now, force=False), actor="test")
    assert isinstance(removed, Removed)
    assert await here.ledger.read(lambda book, _now: dict(book.allocations)) == {}


def _over(book: State, now: int) -> Event:
    pool = next(iter(book.pools.values()))
    return fact("pool-ended", replace(pool, window=Window(pool.window.start, now), finished=True))


async def test_a_provider_that_is_forgotten_meanwhile(here: House) -> None:
    by_hand = here.cloud.appear(None)
    seen = await here.ledger.read(lambda book, now: listing.compared(book, "nowhere", [by_hand], now))
    assert (seen.answer, seen.events) == ((), ())


async def test_a_thousand_servers_are_recorded_at_once(here: House) -> None:
    for number in range(1200):
        here.cloud.appear(None, state=ServerState.ACTIVE, name=f"n{number}")
    await here.sync.look(HERE)
    assert (await here.columns())["usage"]["instances"] == 1200
    for server in list(here.cloud.there)[:600]:
        del here.cloud.there[server]
    await here.sync.look(HERE)
    assert (await here.columns())["usage"]["instances"] == 600


async def test_destroying_what_waits_for_a_second_try_is_immediate(here: House) -> None:
    here.cloud.busy = 1
    instance = await here.create()
    await here.calm()
    assert here.cloud.busy == 0
    await here.destroy(instance.id)
    assert (await here.instance(instance.id)).vm_state is VmState.DELETED
    await here.rest()
    assert here.cloud.orders == 0


class Diary(MemoryCloud):
    """A cloud that notes when it is looked at as a whole."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self._house = house
        self.looks: list[int] = []

    async def discover(self, source: str | None = None) -> Any:
        del source
        self.looks.append(self._house.clock.now())
        return DISCOVERY

    async def servers(self) -> Sequence[Server]:
        return []


async def test_regular_looks_drift_apart_and_are_never_late() -> None:
    """Two houses that begin at once look at the same moments, as the sum over provider and time is the same."""
    diaries = []
    for _ in range(2):
        running = House()
        diary = Diary(running)
        running._driver = diary  # type: ignore[assignment]  # it only has to be looked at
        await running.start(Steps())
        while len(diary.looks) < 40:
            await running.turn()
        await running.stop()
        diaries.append(diary.looks[:40])
    pauses = [later - sooner for sooner, later in zip(diaries[0], diaries[0][1:], strict=False)]
    assert diaries[0] == diaries[1]
    assert set(pauses) <= set(range(54, 61))
    assert len(set(pauses)) > 3
