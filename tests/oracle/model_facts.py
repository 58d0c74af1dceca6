"""What clouds did with what they were asked: told by the controller, believed where it is true of the cloud.

When a cloud answers, and which of two things it does first, no rule says; so the model takes that from the journal, and
checks each entry against the cloud itself. Everything else it works out by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oracle.model_cover import cover_again
from oracle.model_instances import shown_instance
from oracle.model_records import Instance
from oracle.model_records import Reservation as Held

from promise.allocation.model import Allocation
from promise.capacity.provider import Provider
from promise.reservation.model import Reservation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oracle.model_cloud import FakeCloud
    from oracle.model_records import World

    from promise.events import Entry

ACTORS = frozenset({"cloud-sync", "cloud-worker"})


def learn(world: World, clouds: Mapping[str, FakeCloud], entry: Entry) -> bool:
    """Take what an entry says of an instance or a provider, and tell whether it said anything."""
    record = entry.event.record
    if isinstance(record, Provider) and entry.event.kind == "provider-synced":
        _seen(world, clouds[record.id], record)
    elif isinstance(record, Reservation) and entry.actor in ACTORS:
        return _missed(world.reservations[record.id], clouds[record.provider], record, entry.at)
    elif isinstance(record, Allocation) and entry.actor in ACTORS:
        _instance(world, clouds[record.provider], record, entry)
    elif isinstance(record, Allocation) and not record.counted and world.instances[record.id].state == "DELETING":
        _gone(world, clouds[record.provider], world.instances[record.id], record, entry.at)  # before it was made
    else:
        return False
    return True


def _seen(world: World, cloud: FakeCloud, record: Provider) -> None:
    assert record.discovery is not None
    assert record.discovery.bound == cloud.bound, "what the cloud gives is not what was seen there"
    if (found := world.providers.get(record.id)) is None:
        return  # removed since
    found.bound = dict(cloud.bound)
    found.zones = {name: dict(capacity) for name, capacity in cloud.zones.items()}


def _missed(found: Held, cloud: FakeCloud, record: Reservation, at: int) -> bool:
    """Something that it holds is lost, or is there again."""
    if (missing := list(record.missing)) == found.missing:
        return False
    for element in {*missing} ^ {*found.missing}:
        assert (element in missing) == cloud.lost(element), f"element {element} of {found.id}"
    found.missing, found.modified = missing, at
    return True


def _instance(world: World, cloud: FakeCloud, record: Allocation, entry: Entry) -> None:
    one = world.instances.get(record.id)
    if one is None:
        _found(world, cloud, record, entry.at)
    elif not record.counted:
        _gone(world, cloud, one, record, entry.at)
    elif not one.counted:
        _back(cloud, one, record, entry.at)
    else:
        seen_before = one.server is not None
        _shown(cloud, one, record, entry.at)
        if seen_before:
            cover_again(world, one)


def _found(world: World, cloud: FakeCloud, record: Allocation, at: int) -> None:
    """Somebody has made a server directly, or one of ours was forgotten with its provider, or is late for it."""
    assert record.server in cloud.ever, f"server {record.server} never was"
    named = world.instances.get(cloud.ever[record.server] or "")
    assert named is None or named.provider != record.provider, f"server {record.server} is ours"
    server = cloud.held[record.server]
    world.instances[record.id] = Instance(
        record.id, "", server.name, record.provider, server.zone, None, server.flavor, dict(server.needs), at, at,
        state=record.vm_state.value, server=server.id, ours=False,
    )  # fmt: skip


def _gone(world: World, cloud: FakeCloud, one: Instance, record: Allocation, at: int) -> None:
    assert record.vm_state in {"DELETED", "ERROR"}, record.vm_state
    assert record.vm_state == "DELETED" or one.server is None, "an instance with a server is not refused"
    carrying = {name for name in cloud.held if one.ours and cloud.ever[name] == one.id}
    if one.server is None:  # one that comes after the last look for it is met by the next look at the whole cloud
        carrying -= cloud.belated
    left = sorted(carrying | {name for name in cloud.held if name == one.server})
    assert not left, f"instance {one.id} is said to be gone, and the cloud has {left}"
    one.priority = shown_instance(world, one)["priority"]
    one.counted, one.state, one.end, one.modified, one.fault = False, record.vm_state.value, at, at, record.fault


def _back(cloud: FakeCloud, one: Instance, record: Allocation, at: int) -> None:
    """A server that was gone is there again."""
    assert record.server in cloud.held, f"server {record.server} is not there"
    one.counted, one.state, one.start, one.end = True, record.vm_state.value, at, None
    one.reservation, one.cover, one.priority, one.told, one.modified, one.fault = None, {}, "low", None, at, None


def _shown(cloud: FakeCloud, one: Instance, record: Allocation, at: int) -> None:
    if record.server is not None:
        assert record.server in cloud.ever, f"server {record.server} never was"
        assert not one.ours or cloud.ever[record.server] == one.id, f"server {record.server} is another's"
    assert one.server in {None, record.server}, "an instance has one server"
    if one.state == "DELETING" and one.told is not None:
        assert record.vm_state == "DELETING", f"instance {one.id} was told to go, and is {record.vm_state}"
    one.server, one.state, one.modified, one.fault = record.server, record.vm_state.value, at, record.fault
    server = cloud.held.get(one.server or "")
    if server is not None and record.capacity != one.needs:  # it was resized; its ports stay
        one.flavor, one.needs = server.flavor, {**server.needs, **({"ports": one.needs["ports"]} if one.ours else {})}
