"""The state's records by what is asked about them: what the index answers by itself; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from promise.capacity.model import Scope
from promise.ledger import index
from promise.resources import plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from promise.allocation.model import Allocation, Operation
    from promise.capacity.model import Pool
    from promise.events import Record
    from promise.reservation.model import Reservation
    from promise.resources import Window


class Shelves:
    """Questions of the books (`allocation.book.AllocationBook`) that need no more than to look into one bucket."""

    def __init__(self) -> None:
        self._index = index.Index()

    @property
    def open_operations(self) -> Mapping[str, Operation]:
        """Return the operations that are not through, by id, oldest first."""
        return cast("Mapping[str, Operation]", self._index.of(index.OPEN_OPERATIONS))

    def asked_for(self, instance: str) -> Iterable[Operation]:
        """Return the operations for an instance that are not through, oldest first."""
        return cast("Iterable[Operation]", self._index.of(index.asked_for(instance)).values())

    def live_in(self, scope: Scope) -> Iterable[Reservation]:
        """Return the live reservations with a claim in a scope."""
        return cast("Iterable[Reservation]", self._index.of(index.live_in(scope)).values())

    def overlapping(self, scope: Scope, window: Window) -> Iterator[Reservation]:
        """Yield the live reservations with a claim in a scope at some instant of a window."""
        everything = self._index.of(index.live_in(scope))
        slots = list(index.slots_over(window))
        if sum(len(some) for _, some in slots) > len(everything):
            candidates: Iterable[Record] = everything.values()
        else:
            found = (self._index.of(index.begun_in(scope, level, slot)) for level, some in slots for slot in some)
            candidates = (record for bucket in found for record in bucket.values())
        yield from (held for held in cast("Iterable[Reservation]", candidates) if held.window.overlaps(window))

    def pools_in(self, scope: Scope) -> Iterable[Pool]:
        """Return the pools of a scope that are not over."""
        return cast("Iterable[Pool]", self._index.of(index.pools_in(scope)).values())

    def counted_on(self, provider: str) -> Iterable[Allocation]:
        """Return the instances that count on a provider, oldest first."""
        return cast("Iterable[Allocation]", self._index.of(index.counted_on(provider)).values())

    def with_parts(self, provider: str) -> Iterable[Allocation]:
        """Return the allocations on a provider that have or had volumes or addresses, those that are gone too."""
        return cast("Iterable[Allocation]", self._index.of(index.with_parts(provider)).values())

    def degraded_in(self, scope: Scope) -> Iterable[Reservation]:
        """Return the live reservations with a claim in a scope that have a shortfall."""
        return cast("Iterable[Reservation]", self._index.of(index.degraded_in(scope)).values())

    def records_of(self, reservation: str) -> Sequence[Allocation]:
        """Return the instances that count and belong to a reservation, oldest first."""
        return cast("list[Allocation]", list(self._index.of(index.under(reservation)).values()))

    def standing_under(self, reservation: str) -> Mapping[Scope, Mapping[str, int]]:
        """Return what its instances take under a reservation in zones in which it has no claim (decision 7)."""
        found: dict[Scope, dict[str, int]] = {}
        for allocation in self.records_of(reservation):
            if allocation.zone is not None and allocation.reserved_zone is None:
                scope = Scope(allocation.provider, allocation.zone)
                found[scope] = plus(found.get(scope, {}), allocation.covered)
        return found

    def instances_of(self, reservation: str) -> Sequence[str]:
        """Return their ids."""
        return list(self._index.of(index.under(reservation)))

    def allocation_of(self, provider: str, server: str) -> Allocation | None:
        """Return the allocation that a server of the cloud belongs to."""
        return cast("Allocation | None", next(iter(self._index.of(index.server(provider, server)).values()), None))

    def holding(self, provider: str, element: str) -> Iterable[Reservation]:
        """Return the live reservations of a provider that hold an element, each over its own window."""
        return cast("Iterable[Reservation]", self._index.of(index.holding(provider, element)).values())

    def holders_on(self, provider: str) -> Iterable[Reservation]:
        """Return the live reservations of a provider that hold any element."""
        return cast("Iterable[Reservation]", self._index.of(index.holders_on(provider)).values())
