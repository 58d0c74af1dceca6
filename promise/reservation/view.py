"""A reservation as it is shown: with what remains of it, the pools it draws on and its instances; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from promise.resources import minus, only

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promise.reservation.book import ReservationBook
    from promise.reservation.model import Reservation


@dataclass(frozen=True, slots=True)
class ReservationView:
    """A reservation and what follows from the rest of the state."""

    reservation: Reservation
    remaining: Mapping[str, int]
    pools: tuple[str, ...]
    instances: tuple[str, ...]


def view(book: ReservationBook, reservation: Reservation) -> ReservationView:
    """Return the reservation as it is shown now; of one that is over nothing remains."""
    used = only(book.used_of(reservation.id), reservation.capacity)
    remaining = minus(reservation.capacity, used) if reservation.live else {}
    supply = book.supply(reservation.scopes[-1])
    pools = [pool.id for pool in supply.pools if not pool.decrease and pool.window.overlaps(reservation.window)]
    return ReservationView(
        reservation,
        remaining,
        tuple(pools) if reservation.live else (),
        tuple(book.instances_of(reservation.id)),
    )
