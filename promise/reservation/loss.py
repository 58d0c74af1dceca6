"""What a look at the elements that reservations hold says of these: losing one degrades, its return heals; pure.

Design section 5, elements; decision 16. A look counts for the reservations that were there before it began, and for no
element of which the cloud does not say whether it is there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from promise.errors import CloudError
from promise.events import Decision, fact
from promise.reservation.elements import Element

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from promise.events import Event
    from promise.reservation.book import ReservationBook
    from promise.reservation.elements import Look
    from promise.reservation.model import Reservation


def known(book: ReservationBook, provider: str) -> Mapping[str, tuple[str, ...]]:
    """Return the elements of each live reservation of a provider that holds any."""
    return {held.id: held.elements for held in book.holders_on(provider)}


def compared(
    book: ReservationBook, provider: str, before: Mapping[str, tuple[str, ...]], looks: Mapping[str, Look], now: int
) -> Decision[None]:
    """Bring the reservations of `before` up to what was seen of their elements; no difference changes nothing."""
    told = {element: look for element, look in looks.items() if not isinstance(look, CloudError)}
    holders = [held for held in book.holders_on(provider) if held.id in before]
    return Decision(None, tuple(event for held in holders for event in _seen(held, before[held.id], told, now)))


def _seen(held: Reservation, before: tuple[str, ...], told: Mapping[str, Look], now: int) -> Iterator[Event]:
    """Yield how a reservation stands: degraded as long as an element or an amount is missing, else healed."""
    looked_at = {element for element in held.elements if element in told and element in before}
    lost = {element for element in looked_at if not _serves(told[element])}
    missing = tuple(
        element
        for element in held.elements
        if element in lost or (element in held.missing and element not in looked_at)
    )
    if missing != held.missing:
        new = replace(held, missing=missing, modified=now)
        yield fact("reservation-degraded" if new.degraded else "reservation-healed", new)


def _serves(look: Look) -> bool:
    return isinstance(look, Element) and look.up
