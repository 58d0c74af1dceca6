"""What the reservation room needs to know of the ledger's state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from promise.capacity.book import CapacityBook

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from promise.capacity.model import Scope
    from promise.events import Event, Record
    from promise.reservation.model import Reservation
    from promise.reservation.policy import Policy
    from promise.resources import Window


class ReservationBook(CapacityBook, Protocol):
    """Reservations, the policy, and what is allocated under each reservation."""

    @property
    def policy(self) -> Policy:
        """Return the rules in force."""

    @property
    def reservations(self) -> Mapping[str, Reservation]:
        """Return every reservation by id, those that are over included while they are kept."""

    def live_in(self, scope: Scope) -> Iterable[Reservation]:
        """Return the live reservations with a claim in a scope, in no order."""

    def holding(self, provider: str, element: str) -> Iterable[Reservation]:
        """Return the live reservations of a provider that hold an element, each over its own window."""

    def holders_on(self, provider: str) -> Iterable[Reservation]:
        """Return the live reservations of a provider that hold any element."""

    def overlapping(self, scope: Scope, window: Window) -> Iterable[Reservation]:
        """Return the live reservations with a claim in a scope at some instant of a window, in no order."""

    def degraded_in(self, scope: Scope) -> Iterable[Reservation]:
        """Return the live reservations with a claim in a scope that have a shortfall."""

    def used_of(self, reservation: str) -> Mapping[str, int]:
        """Return what the instances of a reservation take of it, and of the resources that it does not name."""

    def standing_under(self, reservation: str) -> Mapping[Scope, Mapping[str, int]]:
        """Return what its instances take under a reservation in zones in which it has no claim (decision 7)."""

    def instances_of(self, reservation: str) -> Sequence[str]:
        """Return the ids of the instances that count and belong to a reservation, oldest first."""

    def reclaimed(self, reservation: Reservation, now: int, since: int | None = None) -> Sequence[Event]:
        """Return how its instances stand once the reservation stands like this, `since` then (default: now).

        Their cover follows its window and the resources that it names; when it is over they become loose.
        """

    def going_in(self, scope: Scope) -> Mapping[str, int]:
        """Return what the instances of a scope take without a claim that were told to go and need not be gone yet."""

    def kept_by(self, reservation: str) -> Mapping[str, int]:
        """Return what the instances of a reservation take of it, but for those that were told to go."""

    def making_room(self, reservation: Reservation, now: int, start: int) -> Sequence[Event]:
        """Return which instances would have to leave as this reservation starts, at `start`, and the cloud is short.

        They are named; policy preempt tells them to go.
        """

    def records_of(self, reservation: str) -> Sequence[Record]:
        """Return the records of the instances that count and belong to a reservation."""
