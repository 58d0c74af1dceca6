"""Volumes and addresses of an instance: what turns up late, what vanishes, what is kept aside, what is tried again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cloudwork.clock import START
from cloudwork.cloud import NEEDS, MemoryCloud
from cloudwork.house import HERE, House, house

from promise.allocation.address import AddressSpec
from promise.allocation.model import Allocation, Asked, Operation, Progress, VmState
from promise.allocation.part import Part, PartKind, addresses
from promise.allocation.server import ServerState
from promise.allocation.volume import VolumeSpec
from promise.errors import CloudUnreachable, CredentialsRejected, OutcomeUnknown

DATA = Part(PartKind.VOLUME, "data", 7)
LOG = Part(PartKind.VOLUME, "log", 2, ends=True)


pytestmark = pytest.mark.usefixtures("quiet")


async def operations(here: House) -> list[Operation]:
    return await here.ledger.read(lambda book, _now: list(book.operations.values()))


async def look(here: House) -> None:
    """Look at the whole cloud, twice: what is found superfluous at first is gone after that."""
    for _ in range(2):
        await here.sync.look(HERE)
        here.cloud.pass_time()


async def test_what_turns_up_late_goes(here: House) -> None:
    instance = await here.create(parts=(DATA, *addresses(1)))
    await here.rest()
    recorded = await here.instance(instance.id)
    late = here.cloud.new_volume(VolumeSpec(instance.id, "data", 7))
    address = here.cloud.new_address(AddressSpec(instance.id, "1", "s"))
    here.cloud.pass_time()
    await look(here)
    assert late.id not in here.cloud.volumes
    assert address.id not in here.cloud.addresses
    assert {part.id for part in recorded.parts} == {*here.cloud.volumes, *here.cloud.addresses}
    await here.destroy(instance.id)
    await here.rest()
    after = here.cloud.new_volume(VolumeSpec(instance.id, "data", 7))  # that one may be a copy of the kept one
    await look(here)
    assert after.id in here.cloud.volumes


async def test_what_others_marked_stays(here: House) -> None:
    instance = await here.create(parts=(LOG,))
    await here.rest()
    strangers = [
        here.cloud.new_volume(VolumeSpec("no-instance-of-ours", "log", 1)),
        here.cloud.new_volume(VolumeSpec(instance.id, "another-name", 1)),
        here.cloud.new_volume(VolumeSpec(instance.id, "log", 1)),
    ]
    old = strangers[-1]  # copied to a volume that was there long before
    here.cloud.volumes[old.id] = replace(old, created=START - 1000)
    await look(here)
    assert {volume.id for volume in strangers} <= here.cloud.volumes.keys()


async def test_a_volume_that_was_there_before_is_not_taken_for_ours() -> None:
    cloud = MemoryCloud()
    old = cloud.new_volume(VolumeSpec("vm-instance", "log", 2))
    cloud.volumes[old.id] = replace(old, created=START - 1000)
    async with house(cloud) as here:
        instance = await here.create(parts=(LOG,))
        for _ in range(50):
            await here.turn()
        (part,) = (await here.instance(instance.id)).parts
        assert part.id not in {None, old.id}


async def test_a_part_that_vanishes_counts_no_more(here: House) -> None:
    instance = await here.create(parts=(DATA, LOG, *addresses(1)))
    await here.rest()
    data = next(volume for volume in here.cloud.volumes.values() if volume.name == "data")
    del here.cloud.volumes[data.id]
    here.cloud.addresses.clear()
    await look(here)
    found = await here.instance(instance.id)
    assert found.vm_state is VmState.ACTIVE
    assert found.capacity == {**NEEDS, "ports": 1, "volumes": 1, "gigabytes": 2}
    assert [part.name for part in found.parts if part.gone] == ["data", "1"]
    await here.destroy(instance.id)
    await here.rest()
    assert not await here.ledger.read(lambda book, _now: [one for one in book.allocations.values() if one.counted])


async def test_a_server_that_is_there_again_counts_without_its_parts(here: House) -> None:
    instance = await here.create(parts=(DATA, LOG, *addresses(1)))
    await here.rest()
    server = (await here.instance(instance.id)).server or ""
    shown = here.cloud.there[server]
    here.cloud.lose(server)
    await here.rest()
    assert (await here.instance(instance.id)).vm_state is VmState.DELETED
    here.cloud.there[server] = replace(shown, state=ServerState.ACTIVE)
    await look(here)
    found = await here.instance(instance.id)
    assert (found.vm_state, found.counted, found.parts) == (VmState.ACTIVE, True, ())
    assert found.capacity == {**NEEDS, "ports": 1}


@pytest.mark.parametrize("refused", [None, "server", "volume log"])
async def test_user_data_are_kept_only_until_the_server_is_made(here: House, refused: str | None) -> None:
    if refused:
        here.cloud.refusing.add(refused)
    instance = await here.create(parts=(LOG,), user_data="c2VjcmV0")
    assert await here.ledger.secret(f"user-data/{instance.id}") == "c2VjcmV0"
    await here.rest()
    assert await here.ledger.secret(f"user-data/{instance.id}") is None
    assert (await here.instance(instance.id)).user_data


async def test_nothing_is_asked_for_twice_until_there_was_no_trace_for_long() -> None:
    async with house() as here:
        door = await here.sync._clouds(HERE)
        sound = door.create_volume
        asked: list[int] = []

        async def lost(spec: VolumeSpec) -> object:
            asked.append(here.clock.now())
            if len(asked) == 1:
                here.cloud.asked.append("nothing, and the reply is lost")
                raise OutcomeUnknown("no answer")
            return await sound(spec)

        door.create_volume = lost  # type: ignore[method-assign,assignment]
        await here.create(parts=(LOG,))
        await here.rest()
        assert len(asked) == 2
        assert asked[1] - asked[0] >= 120


async def test_a_volume_that_is_never_made_goes_with_its_instance(here: House) -> None:
    here.cloud.stuck.add("log")
    instance = await here.create(parts=(LOG,))
    for _ in range(100):
        await here.turn()
    found = await here.instance(instance.id)
    assert (found.vm_state, here.cloud.asked) == (VmState.INITIALIZED, ["volume log"])
    await here.destroy(instance.id)
    for _ in range(30):
        await here.turn()
    assert (await here.instance(instance.id)).vm_state is VmState.DELETING  # the cloud refuses to delete it
    (ending,) = (one for one in await operations(here) if one.asked is Asked.DELETE_VOLUME)
    assert (ending.progress, ending.part, "400" in (ending.result or "")) == (Progress.PENDING, "volume/log", True)
    here.cloud.stuck.clear()
    await here.rest()
    assert (await here.instance(instance.id)).vm_state is VmState.DELETED
    assert here.cloud.volumes == {}


async def test_addresses_come_one_by_one_once_the_server_runs(here: House) -> None:
    await here.create(parts=(LOG, *addresses(3)))
    await here.rest()
    assert here.cloud.asked == ["volume log", "server", "address 1", "address 2", "address 3"]


async def test_a_network_service_that_is_away_for_long_takes_no_server_down(here: House) -> None:
    door = await here.sync._clouds(HERE)
    sound, away = door.create_address, [CloudUnreachable("no Neutron"), CredentialsRejected("who?")] * 10

    async def late(spec: AddressSpec) -> object:
        if away:
            raise away.pop()
        return await sound(spec)

    door.create_address = late  # type: ignore[method-assign,assignment]
    instance = await here.create(parts=(LOG, *addresses(1)))
    await here.rest()
    found = await here.instance(instance.id)
    assert (found.vm_state, found.addresses[0].there, found.fault) == (VmState.ACTIVE, True, None)
    (asked,) = (one for one in await operations(here) if one.asked is Asked.CREATE_ADDRESS)
    assert (asked.progress, asked.attempts) == (Progress.DONE, 21)


async def test_a_server_in_error_gets_no_address_and_goes_with_its_volumes(here: House) -> None:
    instance = await here.create(parts=(LOG, *addresses(1)))
    for _ in range(20):
        await here.turn()
        for server in list(here.cloud.there.values()):
            here.cloud.there[server.id] = replace(server, state=ServerState.ERROR, fault="no valid host")
    found = await here.instance(instance.id)
    assert (found.vm_state, found.counted, found.fault) == (VmState.ERROR, True, "no valid host")
    assert here.cloud.addresses == {}
    await here.destroy(instance.id)
    await here.rest()
    assert (here.cloud.volumes, here.cloud.there) == ({}, {})


def test_records_of_before_are_read() -> None:
    allocation = Allocation(
        "a", "vm", "alice", "red", HERE, None, "f", "i", {"cores": 1}, START, VmState.ACTIVE, START, START
    )
    asked = Operation("o", "a", HERE, Asked.CREATE, Progress.DONE, START)
    for record, added in (
        (allocation, ("parts", "undone", "server_gone", "whole", "kept_from")),
        (asked, ("part",)),
    ):
        written = record.to_json()
        for name in added:
            del written[name]
        assert type(record).from_json(written) == record
    whole = replace(allocation, parts=(replace(DATA, id="v1"), *addresses(2)), whole={"cores": 2}, kept_from="b")
    assert Allocation.from_json(whole.to_json()) == whole
