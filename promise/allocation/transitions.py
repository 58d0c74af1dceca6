"""What happens to instances when the reservation above them changes; pure (design sections 4 and 5)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from promise.events import fact
from promise.resources import minus, only, plus, total_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from promise.allocation.model import Allocation
    from promise.events import Event
    from promise.reservation.model import Reservation


def reclaimed(allocations: Iterable[Allocation], reservation: Reservation, now: int) -> list[Event]:
    """Return how these instances of a reservation stand once the reservation stands like this.

    Cover follows the reservation's window and the resources that it names. When it is over, its instances stay:
    loose, low priority, still counted.
    """
    events = []
    before = list(allocations)
    for old, cover in zip(before, covers(before, reservation), strict=True):
        new = _under(old, reservation, cover) if reservation.live else loose(old)
        if new != old:
            kind = "allocation-covered" if reservation.live else "allocation-loose"
            events.append(fact(kind, replace(new, modified=now), reservation=reservation.id))
    return events


def covers(instances: Sequence[Allocation], reservation: Reservation) -> list[Mapping[str, int]]:
    """Return how much of each of these instances the claim of their reservation covers.

    All that each takes of what is named, unless that is more than is promised, as after a resize in the cloud: then
    each keeps its cover, and what is left goes to the oldest first. A cover of 0 is one too: nothing of that is drawn.
    """
    wanted = [only(one.capacity, reservation.capacity) for one in instances]
    kept = [
        {name: min(amount, one.covered.get(name, 0)) for name, amount in want.items()}
        for one, want in zip(instances, wanted, strict=True)
    ]
    left = minus(reservation.capacity, total_of(kept))
    covers: list[Mapping[str, int]] = []
    for want, has in zip(wanted, kept, strict=True):
        more = {name: max(0, min(amount - has[name], left[name])) for name, amount in want.items()}
        left = minus(left, more)
        covers.append(plus(has, more))
    return covers


def _under(allocation: Allocation, reservation: Reservation, cover: Mapping[str, int]) -> Allocation:
    return replace(
        allocation,
        covered=cover,
        covered_until=reservation.window.end,
        reserved_zone=reservation.zone,
        priority=reservation.priority,
    )


def loose(allocation: Allocation) -> Allocation:
    """Return an instance that belongs to no reservation any more."""
    return replace(allocation, reservation=None, reserved_zone=None, covered={}, covered_until=0, priority="low")
