"""Buckets of records, so that a question about some of them does not look at all of them; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from promise.allocation.model import Allocation, Operation
from promise.capacity.idempotency import Key
from promise.capacity.model import Pool
from promise.reservation.model import Reservation

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from promise.capacity.model import Scope
    from promise.events import Record
    from promise.resources import Window

Bucket: TypeAlias = "tuple[Hashable, ...]"

LEVELS: Final = (12, 16, 20, 24)
"""Reservations are also kept by where they begin, in slots of 2**level seconds: 68 minutes to 194 days."""

_LEVEL_OF: Final = tuple(next(level for level in LEVELS if bits <= level) for bits in range(LEVELS[-1] + 1))
"""The level of what is no longer than 2**bits seconds."""

OPEN_OPERATIONS: Bucket = ("operations open",)


def keys_for(subject: str) -> Bucket:
    """Name the bucket of the idempotency keys that stand for a record."""
    return ("keys for", subject)


def pools_in(scope: Scope) -> Bucket:
    """Name the bucket of the pools of a scope that are not over."""
    return ("pools in", scope)


def live_in(scope: Scope) -> Bucket:
    """Name the bucket of the live reservations with a claim in a scope."""
    return ("reservations in", scope)


def begun_in(scope: Scope, level: int, slot: int) -> Bucket:
    """Name the bucket of the live reservations of a scope, no longer than 2**level s, that begin in a slot as long."""
    return ("reservations begun in", scope, level, slot)


def _slot(window: Window) -> tuple[int, int]:
    """Return the level and slot in which a window begins; the longest have one level, and one slot, for themselves."""
    bits = (window.end - window.start - 1).bit_length()
    level = _LEVEL_OF[bits] if bits < len(_LEVEL_OF) else 0
    return level, window.start >> level if level else 0


def slots_over(window: Window) -> Iterator[tuple[int, range]]:
    """Yield per level the slots in which everything begins that has an instant in the window."""
    yield 0, range(1)
    for level in LEVELS:
        yield level, range((window.start >> level) - 1, (window.end - 1 >> level) + 1)


def degraded_in(scope: Scope) -> Bucket:
    """Name the bucket of the live reservations of a scope that have a shortfall."""
    return ("reservations degraded in", scope)


def holding(provider: str, element: str) -> Bucket:
    """Name the bucket of the live reservations of a provider that hold an element."""
    return ("reservations holding", provider, element)


def holders_on(provider: str) -> Bucket:
    """Name the bucket of the live reservations of a provider that hold any element."""
    return ("reservations holding on", provider)


def under(reservation: str) -> Bucket:
    """Name the bucket of the instances that count and belong to a reservation."""
    return ("allocations under", reservation)


def counted_on(provider: str) -> Bucket:
    """Name the bucket of the instances that count on a provider."""
    return ("allocations on", provider)


def with_parts(provider: str) -> Bucket:
    """Name the bucket of the allocations on a provider that have or had volumes or addresses."""
    return ("allocations with parts on", provider)


def going_in(scope: Scope) -> Bucket:
    """Name the bucket of the instances of a scope that were told to go and need not be gone yet."""
    return ("allocations going in", scope)


def server(provider: str, server_id: str) -> Bucket:
    """Name the bucket of the allocation that a server belongs to."""
    return ("allocation of", provider, server_id)


def asked_for(instance: str) -> Bucket:
    """Name the bucket of the operations for an instance that are not through."""
    return ("operations for", instance)


def buckets(record: Record) -> Iterator[Bucket]:
    """Yield the buckets in which a record is found."""
    if isinstance(record, Reservation):
        yield from _of_reservation(record)
    elif isinstance(record, Allocation):
        yield from _of_allocation(record)
    elif isinstance(record, Pool):
        if not record.finished:
            yield from map(pools_in, record.scopes)
    elif isinstance(record, Key):
        yield keys_for(record.subject)
    elif isinstance(record, Operation) and record.open:
        yield OPEN_OPERATIONS
        yield asked_for(record.instance)


def _of_reservation(record: Reservation) -> Iterator[Bucket]:
    if record.live:
        level, slot = _slot(record.window)
        for scope in record.scopes:
            yield live_in(scope)
            yield begun_in(scope, level, slot)
        if record.shortfall:
            yield from map(degraded_in, record.scopes)
        if record.elements:
            yield holders_on(record.provider)
            yield from (holding(record.provider, element) for element in record.held_ids)


def _of_allocation(record: Allocation) -> Iterator[Bucket]:
    if record.counted:
        yield counted_on(record.provider)
        if record.reservation:
            yield under(record.reservation)
        if record.going:
            yield from map(going_in, record.scopes)
    if record.parts:
        yield with_parts(record.provider)
    if record.server:
        yield server(record.provider, record.server)


class Index:
    """The buckets that have something in them. Within a bucket records keep the order in which they came."""

    def __init__(self) -> None:
        self._buckets: dict[Bucket, dict[str, Record]] = {}

    def move(self, old: Record | None, new: Record | None) -> None:
        """Let `new` stand where `old` stood."""
        stays = set(buckets(new)) if new is not None else set()
        if old is not None:
            for bucket in buckets(old):
                if bucket not in stays:
                    self._take(bucket, old.id)
        if new is not None:
            for bucket in stays:
                self._buckets.setdefault(bucket, {})[new.id] = new

    def _take(self, bucket: Bucket, key: str) -> None:
        held = self._buckets[bucket]
        del held[key]
        if not held:
            del self._buckets[bucket]

    def of(self, bucket: Bucket) -> Mapping[str, Record]:
        """Return the records of a bucket by id."""
        return self._buckets.get(bucket, {})
