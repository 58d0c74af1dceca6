"""What a consumer asks of a reservation, in our own words: absent is None, moments are whole seconds of UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promise.reservation.elements import Sight
    from promise.reservation.model import Reservation


@dataclass(frozen=True, slots=True)
class CreateReservation:
    """A request for capacity and elements over a window; `id` is the id that the reservation gets if it is accepted.

    `sights` is what the clouds of the providers say of the elements, by provider.
    """

    id: str
    capacity: Mapping[str, int]
    start: int | None = None
    end: int | None = None
    zone: str | None = None
    provider: str | None = None
    name: str | None = None
    priority: str | None = None
    expiry: int | None = None
    containers: tuple[tuple[str, int], ...] = ()
    elements: tuple[str, ...] = ()
    sights: Mapping[str, Sight] = field(default_factory=dict)
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class UpdateReservation:
    """Changes to merge: None = unchanged, a capacity of 0 = no longer named, `remove` = leaves to clear.

    `elements` replace those held so far; none given = unchanged. `sights` as above.
    """

    id: str
    capacity: Mapping[str, int] = field(default_factory=dict)
    start: int | None = None
    end: int | None = None
    zone: str | None = None
    provider: str | None = None
    name: str | None = None
    priority: str | None = None
    expiry: int | None = None
    containers: tuple[tuple[str, int], ...] = ()
    elements: tuple[str, ...] = ()
    sights: Mapping[str, Sight] = field(default_factory=dict)
    remove: frozenset[str] = frozenset()
    if_version: int | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    """The reservation as it stands after the request."""

    reservation: Reservation


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The reservation is cancelled; these instances were live under it."""

    reservation: Reservation
    instances: tuple[str, ...]
