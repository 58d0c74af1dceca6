"""What time does to a reservation: its start, expiry, notice of the end, and end; pure (design sections 3 and 5)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from promise.capacity.due import Due
from promise.events import fact
from promise.reservation.model import State
from promise.resources import FOREVER, only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promise.events import Event
    from promise.reservation.book import ReservationBook
    from promise.reservation.model import Reservation


class FellDue(Protocol):
    """Which transition, and the moment at which it fell due."""

    @property
    def due(self) -> Due:
        """What it is."""

    @property
    def moment(self) -> int:
        """When, in seconds."""


def of_reservation(reservation: Reservation) -> Iterator[tuple[int, Due]]:
    """Yield the moments at which a live reservation has a transition before it."""
    if not reservation.live:
        return
    if reservation.state is State.INITIALIZED:
        yield reservation.window.start, Due.RESERVATION_START
    if reservation.expiry is not None:
        yield reservation.expiry, Due.RESERVATION_EXPIRY
    if reservation.window.end < FOREVER:
        yield reservation.window.end, Due.RESERVATION_END
    if reservation.notice is not None:
        yield reservation.notice, Due.BEFORE_END


def reservation_events(book: ReservationBook, reservation: Reservation, fell: FellDue, now: int) -> Iterator[Event]:
    """Yield the transition of a reservation that fell due, and what it does to its instances.

    After a long stop that was long ago. The record tells when; but what has to leave is told so `now`.
    """
    due, moment = fell.due, fell.moment
    if due is Due.RESERVATION_START:
        leaving = book.making_room(reservation, now, moment)
        yield fact("reservation-started", replace(reservation, state=State.ACTIVE))
        yield from leaving
    elif due is Due.BEFORE_END:
        yield fact("reservation-before-end", replace(reservation, notice=None))
    elif due is Due.RESERVATION_END:
        yield from _over(book, reservation, State.ENDED, moment, now)
    else:
        yield from _expired(book, reservation, moment, now)


def _over(book: ReservationBook, reservation: Reservation, state: State, moment: int, now: int) -> Iterator[Event]:
    new = reservation.over(state, moment)
    instances = book.reclaimed(new, now, since=moment)
    yield fact(f"reservation-{state.value}", new, old_state=reservation.state.value)
    yield from instances


def _expired(book: ReservationBook, reservation: Reservation, moment: int, now: int) -> Iterator[Event]:
    """Release what is not allocated: all of it, or down to what the instances use."""
    if not book.instances_of(reservation.id):
        yield from _over(book, reservation, State.EXPIRED, moment, now)
        return
    used = book.used_of(reservation.id)
    kept = {name: amount for name, amount in only(used, reservation.capacity).items() if amount}
    new = replace(
        reservation, capacity=kept, containers=(), expiry=None, modified=moment, version=reservation.version + 1
    )
    yield fact("reservation-released", new)
