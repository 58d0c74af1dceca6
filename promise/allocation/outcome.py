"""The decisions on what a cloud did, or did not do, with what it was asked; pure (design sections 3 and 5)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from promise.allocation.model import USER_DATA, Allocation, Asked, Operation, Progress, VmState
from promise.allocation.plan import answering, closed, follow, told
from promise.allocation.server import BESIDE_FLAVORS, older
from promise.events import Decision, fact
from promise.resources import minus, only, total_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promise.allocation.book import AllocationBook
    from promise.allocation.server import Server

_NOTHING: Decision[None] = Decision(None)


def attempt(book: AllocationBook, operation: str, now: int) -> Decision[Operation | None]:
    """Claim an operation for one attempt; None when somebody else has it, or it is not due or through.

    What makes something for an instance that has to go is stopped: until now it certainly had no effect.
    """
    found = book.open_operations.get(operation)
    if found is None or found.progress is not Progress.PENDING or found.not_before > now:
        return Decision(None)
    allocation = book.allocations[found.instance]
    if found.asked.makes and _goes(allocation):
        stopped = closed(found, Progress.STOPPED, "destroyed before it was made", now)
        return answering(None, follow(book, allocation, _going(allocation, now), now, [stopped]))
    running = replace(found, progress=Progress.RUNNING, attempts=found.attempts + 1, attempted=now)
    return Decision(running, (fact("operation-attempted", running),))


def again(book: AllocationBook, operation: str, why: str, not_before: int) -> Decision[None]:
    """Let an operation that certainly had no effect be tried again, not before a moment."""
    return _progressed(book, operation, Progress.PENDING, why, not_before)


def uncertain(book: AllocationBook, operation: str, why: str, not_before: int) -> Decision[None]:
    """Record that nobody knows whether the operation had its effect; look-ups will tell."""
    return _progressed(book, operation, Progress.UNCERTAIN, why, not_before)


def _progressed(book: AllocationBook, operation: str, progress: Progress, why: str, not_before: int) -> Decision[None]:
    found = book.open_operations.get(operation)
    if found is None:
        return _NOTHING
    changed = replace(found, progress=progress, result=why, not_before=not_before)
    return Decision(None, (fact("operation-deferred", changed),))


def created(book: AllocationBook, operation: str, server: Server, now: int) -> Decision[str | None]:
    """Record that the cloud has made the server, and return which server the instance has: the first one recorded.

    An instance to be destroyed meanwhile stays so. Of one that was forgotten, with its provider, nothing is touched.
    What was kept aside for the making is kept no longer.
    """
    found = book.open_operations.get(operation)
    if found is None:
        past = book.operations.get(operation)
        return Decision(book.allocations[past.instance].server if past else server.id)
    allocation = book.allocations[found.instance]
    state = allocation.vm_state if _goes(allocation) else VmState(server.state)
    changed = replace(_seen(allocation, server), server=server.id, vm_state=state)
    done = closed(found, Progress.DONE, f"server {server.id}", now)
    aside = {USER_DATA + allocation.id: None} if allocation.user_data else {}
    return Decision(server.id, follow(book, allocation, changed, now, [done]).events, aside)


def made_for(book: AllocationBook, asked: Operation, servers: Sequence[Server]) -> list[Server]:
    """Return those of the servers with the id of an instance that were made for it, the oldest first.

    Somebody may have copied the id to a server that was there before, or that belongs to another instance.
    """
    owners = {server.id: book.allocation_of(asked.provider, server.id) for server in servers}
    ours = [
        server
        for server in servers
        if not older(server, asked.created) and ((owner := owners[server.id]) is None or owner.id == asked.instance)
    ]
    return sorted(ours, key=lambda server: (server.created, server.id))


def refused(book: AllocationBook, operation: str, why: str, now: int) -> Decision[None]:
    """Record that the cloud said no to something of an instance: then there shall be nothing of it (design section 5).

    What was made before goes first; the instance counts until it has gone.
    """
    found = book.open_operations.get(operation)
    if found is None:
        return _NOTHING
    allocation = book.allocations[found.instance]
    if _goes(allocation):
        changed = replace(_going(allocation, now), fault=why)
    else:
        changed = replace(allocation, vm_state=VmState.ERROR, fault=why, undone=True)
    return answering(None, follow(book, allocation, changed, now, [closed(found, Progress.FAILED, why, now)]))


def leaving(book: AllocationBook, operation: str) -> Decision[None]:
    """Record that the cloud has accepted to delete something; it counts until it is gone."""
    return uncertain(book, operation, "accepted, not gone yet", 0)


def through(book: AllocationBook, operation: str, now: int) -> Decision[None]:
    """Record that there is nothing left to delete."""
    found = book.open_operations.get(operation)
    return Decision(None, (told(closed(found, Progress.DONE, "gone", now)),)) if found else _NOTHING


def destroy(book: AllocationBook, allocation: Allocation, operation: str, now: int) -> Decision[Allocation]:
    """Ask for the end of an instance; one whose end was asked for before changes nothing.

    What certainly had no effect until now is stopped; what was made goes, what may have been made is looked for first.
    """
    waiting = asked_of(book, allocation.id)
    if allocation.vm_state is VmState.DELETED or (
        allocation.vm_state is VmState.DELETING
        and (allocation.leaving or any(asked.asked is Asked.DELETE for asked in waiting))
    ):
        return Decision(allocation)
    if not allocation.counted:
        gone = replace(allocation, vm_state=VmState.DELETED, end=now, modified=now)
        return Decision(gone, (fact("allocation-state", gone, old_vm_state=allocation.vm_state.value),))
    ending = replace(allocation, vm_state=VmState.DELETING, told=now)
    return follow(book, allocation, ending, now, delete=operation)


def asked_of(book: AllocationBook, instance: str) -> list[Operation]:
    """Return what was asked of the cloud for an instance and is not through."""
    return list(book.asked_for(instance))


def observed(book: AllocationBook, allocation_id: str, server: Server | None, now: int) -> Decision[None]:
    """Record how the cloud shows the server of an instance, None = it is gone; no difference changes nothing."""
    old = book.allocations.get(allocation_id)
    if old is None or not old.counted or old.server is None or (server and server.id != old.server) or old.server_gone:
        return _NOTHING
    if server is None:
        ended = [asked for asked in asked_of(book, old.id) if asked.asked is Asked.DELETE]
        changes = [closed(asked, Progress.DONE, "gone", now) for asked in ended]
        state = old.vm_state if old.undone else VmState.DELETING
        gone = replace(old, server_gone=True, vm_state=state)
        return answering(None, follow(book, old, gone, now, changes))
    new = replace(_resized(book, _seen(old, server), server), vm_state=_state_of(book, old, server))
    return _NOTHING if new == old else answering(None, follow(book, old, new, now))


def _state_of(book: AllocationBook, old: Allocation, server: Server) -> VmState:
    """Return the state as the cloud shows it; what has to go is on its way whatever it shows."""
    if old.leaving:
        return old.vm_state
    if old.vm_state is VmState.DELETING and any(asked.asked is Asked.DELETE for asked in asked_of(book, old.id)):
        return VmState.DELETING
    return VmState(server.state)


def _goes(allocation: Allocation) -> bool:
    return allocation.leaving or allocation.vm_state is VmState.DELETING


def _going(allocation: Allocation, now: int) -> Allocation:
    """Return an instance that has to go, also as an earlier release has recorded it."""
    return allocation if allocation.leaving else replace(allocation, told=now)


def _seen(allocation: Allocation, server: Server) -> Allocation:
    """Return the allocation with what the cloud tells of the server's place and fault, and of what others made of it.

    Of a server in a cell that is down the cloud tells nothing: what is known stays. So does why it has to go.
    """
    if not server.needs:
        return allocation
    zone = server.zone or allocation.zone
    fault = allocation.fault if allocation.undone else server.fault
    new = replace(allocation, zone=zone, host=server.host or allocation.host, fault=fault)
    return new if allocation.ours else replace(new, name=server.name or server.id)


def _resized(book: AllocationBook, allocation: Allocation, server: Server) -> Allocation:
    """Return the allocation with what its server takes by now: somebody may have resized it in the cloud.

    Of what no flavor tells (ports, volumes) an instance of ours takes what was decided.
    """
    decided = only(allocation.capacity, BESIDE_FLAVORS) if allocation.ours else {}
    taken = {**server.takes, **decided}
    if server.needs and taken != allocation.capacity:
        flavor = book.providers[allocation.provider].flavor(server.flavor)
        allocation = replace(allocation, capacity=taken, flavor=flavor.id if flavor else server.flavor)
    return _covered(book, allocation)


def _covered(book: AllocationBook, allocation: Allocation) -> Allocation:
    """Return the allocation with as much of it under the claim as the other instances there leave of that."""
    reservation = book.reservations.get(allocation.reservation or "")
    if reservation is None or only(allocation.capacity, reservation.capacity) == allocation.covered:
        return allocation
    others = total_of(one.drawn for one in book.records_of(reservation.id) if one.id != allocation.id)
    left = minus(reservation.capacity, only(others, reservation.capacity))
    claimed = only(allocation.capacity, reservation.capacity)
    return replace(allocation, covered={name: max(0, min(claimed[name], left[name])) for name in claimed})
