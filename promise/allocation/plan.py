"""What is to be asked of the cloud next for an instance, and when it is through; pure (design section 3).

An instance comes together in this order: its volumes, its server, and once that runs its addresses, one by one. It
comes apart in the other: the server, then the addresses, then the volumes. Every decision on an instance ends here, so
that what follows is the same whatever happened: an operation that is open is waited for, a part that is missing is
asked for, and what has to go does when nothing that hangs on it is there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID, uuid5

from promise.allocation.model import USER_DATA, Allocation, Asked, Operation, Progress, VmState
from promise.events import Decision, Event, fact
from promise.resources import total_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from promise.allocation.book import AllocationBook
    from promise.allocation.part import Part

T = TypeVar("T")

_IDS: Final = UUID("5a3c9c1e-2a3d-5f0b-8d0e-8a4d0b6e5f52")
"""The namespace of the ids of what follows from a decision, so that it stays a pure function."""


def follow(
    book: AllocationBook,
    old: Allocation,
    new: Allocation,
    now: int,
    changes: Sequence[Operation] = (),
    delete: str | None = None,
) -> Decision[Allocation]:
    """Return the decision that lets `new` stand for `old`, with what follows from it, and the instance after it.

    `changes` are operations of the instance as this decision leaves them. `delete` is the id of the operation that ends
    the server, if there is to be one.
    """
    changed = {one.id for one in changes}
    waiting = [one for one in book.asked_for(old.id) if one.id not in changed]
    waiting += [one for one in changes if one.open]
    kept: tuple[Allocation, ...] = ()
    stopped: list[Operation] = []
    if new.leaving:
        stopped = [closed(one, Progress.STOPPED, "destroyed before it was made", now) for one in _idle(new, waiting)]
        ended = {one.id for one in stopped}
        waiting = [one for one in waiting if one.id not in ended]
        new, kept = _apart(new, waiting, now)
        asked = list(_endings(new, waiting, now))
        asked = [replace(one, id=delete) if delete and one.asked is Asked.DELETE else one for one in asked]
    else:
        asked = list(onward(new, waiting, now))
    events = [told(one) for one in (*changes, *stopped)]
    if new != old:
        new = replace(new, modified=now)
        events.append(fact(_kind(new), new, old_vm_state=old.vm_state.value))
    events += [fact("allocation-kept", one) for one in kept]
    events += [fact("operation-asked", one) for one in asked]
    never_made = new.user_data and not new.counted and new.server is None
    return Decision(new, tuple(events), {USER_DATA + new.id: None} if never_made else {})


def answering(answer: T, followed: Decision[Allocation]) -> Decision[T]:
    """Return the same decision with another answer."""
    return Decision(answer, followed.events, followed.secrets)


def onward(instance: Allocation, waiting: Iterable[Operation], now: int) -> Iterator[Operation]:
    """Yield what is to be made next, while these operations are open."""
    making = {(one.asked, one.part) for one in waiting}
    volumes = [part for part in instance.volumes if part.id is None]
    if volumes:
        missing = [part for part in volumes if (Asked.CREATE_VOLUME, part.key) not in making]
        yield from (_operation(instance, Asked.CREATE_VOLUME, now, part) for part in missing)
    elif any(asked is Asked.CREATE_VOLUME for asked, _ in making) or instance.kept_from:
        return
    elif instance.server is None:
        if (Asked.CREATE, None) not in making:
            yield _operation(instance, Asked.CREATE, now)
    elif instance.vm_state is VmState.ACTIVE:
        addresses = [part for part in instance.addresses if part.id is None]
        if addresses and not any(asked is Asked.CREATE_ADDRESS for asked, _ in making):
            yield _operation(instance, Asked.CREATE_ADDRESS, now, addresses[0])


def _idle(instance: Allocation, waiting: Iterable[Operation]) -> Iterator[Operation]:
    """Yield what makes something and need not be waited for: it had no effect yet, or its effect is known."""
    for one in waiting:
        part = instance.part(one.part)
        if one.asked.makes and (one.progress is Progress.PENDING or (part is not None and part.id is not None)):
            yield one


def _apart(instance: Allocation, waiting: Sequence[Operation], now: int) -> tuple[Allocation, tuple[Allocation, ...]]:
    """Return what is left of an instance that goes, and the volumes that outlive it, each a record of its own.

    While its server is there, or something may yet turn up, all of it counts.
    """
    if _has_server(instance) or any(one.asked.makes for one in waiting):
        return instance, ()
    stay = [] if instance.undone or instance.server is None else [
        part for part in instance.volumes if part.there and not part.ends
    ]  # fmt: skip
    kept = tuple(_kept(instance, part, now) for part in stay)
    instance = replace(instance, parts=tuple(part for part in instance.parts if part not in stay))
    there = [part for part in instance.parts if part.there]
    if there:
        left = total_of(part.takes for part in there)
        whole = instance.whole or instance.capacity
        return replace(instance, capacity=left, covered=cover(left, instance), whole=whole), kept
    failed = instance.undone and instance.told is None
    return replace(
        instance,
        vm_state=VmState.ERROR if failed else VmState.DELETED,
        capacity=instance.whole or instance.capacity,
        whole={},
        counted=False,
        end=now,
    ), kept


def cover(left: Mapping[str, int], instance: Allocation) -> Mapping[str, int]:
    """Return how much of what is left of an instance is under its claim: no more than was before."""
    covered = instance.covered
    return {name: min(amount, covered[name]) for name, amount in left.items() if name in covered}


def _endings(instance: Allocation, waiting: Sequence[Operation], now: int) -> Iterator[Operation]:
    """Yield what is to be ended next."""
    asked = {(one.asked, one.part) for one in waiting}
    if _has_server(instance) or (Asked.CREATE, None) in asked:
        if (Asked.DELETE, None) not in asked:
            yield _operation(instance, Asked.DELETE, now)
        return
    if not instance.counted or any(one.asked.makes for one in waiting):
        return
    addresses = [part for part in instance.addresses if part.there]
    verb = Asked.DELETE_ADDRESS if addresses else Asked.DELETE_VOLUME
    for part in addresses or [part for part in instance.volumes if part.there]:
        if (verb, part.key) not in asked:
            yield _operation(instance, verb, now, part)


def _has_server(instance: Allocation) -> bool:
    return instance.server is not None and not instance.server_gone


def _kept(instance: Allocation, part: Part, now: int) -> Allocation:
    """Return the record of a volume that outlives its instance: loose, and counted for as long as it exists."""
    return Allocation(
        id=str(uuid5(_IDS, f"{instance.id} keeps {part.key}")),
        name=part.name,
        owner=instance.owner,
        project=instance.project,
        provider=instance.provider,
        zone=instance.zone,
        flavor="",
        image="",
        capacity=part.takes,
        start=now,
        vm_state=VmState.STOPPED,
        created=now,
        modified=now,
        parts=(part,),
        kept_from=instance.id,
    )


def _operation(instance: Allocation, asked: Asked, now: int, part: Part | None = None) -> Operation:
    key = part.key if part else None
    id_ = str(uuid5(_IDS, f"{instance.id} {asked} {key or ''}"))
    return Operation(id_, instance.id, instance.provider, asked, Progress.PENDING, now, part=key)


def closed(operation: Operation, progress: Progress, result: str, now: int) -> Operation:
    """Return an operation that is through."""
    return replace(operation, progress=progress, finished=now, result=result)


def told(operation: Operation) -> Event:
    """Return the event that says how an operation stands from now on."""
    kinds = {
        Progress.RUNNING: "operation-attempted",
        Progress.DONE: "operation-done",
        Progress.FAILED: "operation-failed",
        Progress.STOPPED: "operation-stopped",
    }
    return fact(kinds.get(operation.progress, "operation-deferred"), operation)


def _kind(instance: Allocation) -> str:
    return "allocation-gone" if not instance.counted and instance.server_gone else "allocation-state"
