"""The decisions on what a cloud did, or did not do, with the volumes and addresses of an instance; pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from promise.allocation.model import Progress
from promise.allocation.part import PartKind
from promise.allocation.plan import answering, closed, cover, follow
from promise.allocation.server import older
from promise.events import Decision
from promise.resources import minus, named

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from promise.allocation.address import Address
    from promise.allocation.book import AllocationBook
    from promise.allocation.model import Allocation, Operation
    from promise.allocation.part import Part
    from promise.allocation.volume import Volume

T = TypeVar("T", bound="Volume | Address")
_NOTHING: Decision[None] = Decision(None)


def made(book: AllocationBook, operation: str, thing: Volume | Address, now: int) -> Decision[str]:
    """Record that the cloud has made a part, and return which one the instance has: the first one recorded.

    A volume is made when it is available: until then its operation stays open, unless the instance goes already.
    """
    found = book.open_operations.get(operation)
    instance = book.allocations.get(found.instance) if found else None
    part = instance.part(found.part) if found and instance else None
    if found is None or instance is None or part is None:
        return Decision(_recorded(book, operation) or thing.id)
    if part.id is not None:
        return Decision(part.id)
    changed = instance.with_part(replace(part, id=thing.id, address=getattr(thing, "address", None)))
    if part.kind is PartKind.VOLUME and not instance.leaving:
        step = replace(found, progress=Progress.UNCERTAIN, result="accepted, not available yet", not_before=0)
    else:
        step = closed(found, Progress.DONE, f"{part.kind} {thing.id}", now)
    return answering(thing.id, follow(book, instance, changed, now, [step]))


def _recorded(book: AllocationBook, operation: str) -> str | None:
    """Return which part the instance of an operation that is through has; None when that is not known any more."""
    past = book.operations.get(operation)
    instance = book.allocations.get(past.instance) if past else None
    part = instance.part(past.part) if past and instance else None
    return part.id if part else None


def made_for(book: AllocationBook, asked: Operation, things: Iterable[T]) -> list[T]:
    """Return those of a cloud's volumes or addresses that were made for an operation, the oldest first.

    Somebody may have copied the marks to what was there before, or what is another instance's by now.
    """
    others = {
        part.id for found in book.with_parts(asked.provider) if found.id != asked.instance for part in found.parts
    }
    ours = [
        thing
        for thing in things
        if thing.allocation_id == asked.instance and f"{thing.kind}/{thing.part}" == asked.part
        if thing.id not in others and not older(thing, asked.created)
    ]
    return sorted(ours, key=lambda thing: (thing.created, thing.id))


def ready(book: AllocationBook, operation: str, now: int) -> Decision[None]:
    """Record that a volume is available: when it was the last one, the server follows."""
    found = book.open_operations.get(operation)
    if found is None:
        return _NOTHING
    instance = book.allocations[found.instance]
    part = instance.part(found.part)
    done = closed(found, Progress.DONE, f"volume {part.id if part else ''}", now)
    return answering(None, follow(book, instance, instance, now, [done]))


def gone(book: AllocationBook, instance_id: str, key: str, now: int) -> Decision[None]:
    """Record that the cloud has a part no more; what it took is free, and a kept volume is over with it."""
    instance = book.allocations.get(instance_id)
    part = instance.part(key) if instance else None
    if instance is None or part is None or not part.there or not instance.counted:
        return _NOTHING
    ended = [
        closed(one, Progress.DONE, "gone", now)
        for one in book.asked_for(instance_id)
        if one.part == key and not one.asked.makes
    ]
    changed = instance.with_part(replace(part, gone=True))
    if instance.kept_from:
        changed = replace(changed, server_gone=True)
    elif not instance.leaving:
        changed = _without(changed, part)
    return answering(None, follow(book, instance, changed, now, ended))


def _without(instance: Allocation, part: Part) -> Allocation:
    """Return an instance that goes on without a part of it."""
    left = named(minus(instance.capacity, part.takes))
    whole = instance.whole or instance.capacity
    return replace(instance, capacity=left, covered=cover(left, instance), whole=whole)


def there(book: AllocationBook, provider: str, kind: PartKind) -> Mapping[str, tuple[str, str]]:
    """Return the instance and the key of every part of a kind that the cloud should have, by its id there.

    Those of instances that are still being made are the worker's: their absence has a meaning of its own.
    """
    return {
        part.id: (instance.id, part.key)
        for instance in book.with_parts(provider)
        if instance.counted and (instance.server is not None or instance.kept_from)
        for part in instance.parts
        if part.kind is kind and part.there and part.id is not None
    }


def superfluous(book: AllocationBook, provider: str, listed: Iterable[Volume | Address]) -> Sequence[str]:
    """Return the ids of what was made for an instance that has another one, or needs none any more.

    What carries the mark of no instance that we know is nobody's to delete.
    """
    recorded = {part.id for found in book.with_parts(provider) if found.counted for part in found.parts}
    return [
        thing.id
        for thing in listed
        if thing.id not in recorded and _is_left_over(book, provider, f"{thing.kind}/{thing.part}", thing)
    ]


def _is_left_over(book: AllocationBook, provider: str, key: str, thing: Volume | Address) -> bool:
    instance = book.allocations.get(thing.allocation_id or "")
    if instance is None or instance.provider != provider or instance.part(key) is None:
        return False
    if older(thing, instance.created):
        return False
    return not any(one.part == key and one.asked.makes for one in book.asked_for(instance.id))
