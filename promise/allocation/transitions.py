"""What happens to instances when the reservation above them changes; pure (design sections 4 and 5)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from promise.events import fact
from promise.resources import only

if TYPE_CHECKING:
    from collections.abc import Iterable

    from promise.allocation.model import Allocation
    from promise.events import Event
    from promise.reservation.model import Reservation


def reclaimed(allocations: Iterable[Allocation], reservation: Reservation, now: int) -> list[Event]:
    """Return how these instances of a reservation stand once the reservation stands like this.

    Cover follows the reservation's window and the resources that it names. When it is over, its instances stay:
    loose, low priority, still counted.
    """
    events = []
    for old in allocations:
        new = _under(old, reservation) if reservation.live else loose(old)
        if new != old:
            kind = "allocation-covered" if reservation.live else "allocation-loose"
            events.append(fact(kind, replace(new, modified=now), reservation=reservation.id))
    return events


def _under(allocation: Allocation, reservation: Reservation) -> Allocation:
    return replace(
        allocation,
        covered=only(allocation.capacity, reservation.capacity),
        covered_until=reservation.window.end,
        reserved_zone=reservation.zone,
        priority=reservation.priority,
    )


def loose(allocation: Allocation) -> Allocation:
    """Return an instance that belongs to no reservation any more."""
    return replace(allocation, reservation=None, reserved_zone=None, covered={}, covered_until=0, priority="low")
