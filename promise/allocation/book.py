"""What the allocation room needs to know of the ledger's state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from promise.reservation.book import ReservationBook

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from promise.allocation.model import Allocation, Operation


class AllocationBook(ReservationBook, Protocol):
    """Instances, and what was asked of clouds for them."""

    @property
    def allocations(self) -> Mapping[str, Allocation]:
        """Return every allocation by id, oldest first, those that are gone included while they are kept."""

    @property
    def operations(self) -> Mapping[str, Operation]:
        """Return everything that was asked of clouds, by id, oldest first."""

    @property
    def open_operations(self) -> Mapping[str, Operation]:
        """Return the operations that are not through, by id, oldest first."""

    def asked_for(self, instance: str) -> Iterable[Operation]:
        """Return the operations for an instance that are not through, oldest first."""

    def records_of(self, reservation: str) -> Sequence[Allocation]:
        """Return the instances that count and belong to a reservation, oldest first."""

    def counted_on(self, provider: str) -> Iterable[Allocation]:
        """Return the instances that count on a provider, oldest first."""

    def with_parts(self, provider: str) -> Iterable[Allocation]:
        """Return the allocations on a provider that have or had volumes or addresses, those that are gone too."""

    def allocation_of(self, provider: str, server: str) -> Allocation | None:
        """Return the allocation that a server of the cloud belongs to."""
