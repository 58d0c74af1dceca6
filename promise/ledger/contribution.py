"""What a record adds to which timelines: the four columns are sums of these, and of nothing else (design section 4).

Pure. Because a record says by itself what it adds, taking a change back is adding what the old record says, and a
rebuild from the tables is the sum over all records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from promise.capacity.model import Pool
from promise.reservation.model import Reservation
from promise.resources import FOREVER, Window, named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from promise.allocation.model import Allocation
    from promise.capacity.model import Scope


class Contribution(NamedTuple):
    """What is added over a window to the `reserved` and `usage` columns of a scope."""

    scope: Scope
    window: Window
    reserved: Mapping[str, int]
    usage: Mapping[str, int]


NOTHING: Mapping[str, int] = {}


def of_reservation(reservation: Reservation) -> Iterator[Contribution]:
    """Yield the claim of a live reservation."""
    if reservation.live and reservation.capacity:
        for scope in reservation.scopes:
            yield Contribution(scope, reservation.window, reservation.capacity, NOTHING)


def of_allocation(allocation: Allocation) -> Iterator[Contribution]:
    """Yield the usage of an instance that counts.

    What is covered moves from reserved to usage until the claim ends. A reservation without a zone has no claim in
    the zone where its instance is, so there the cover is plain usage for that time.
    """
    if not allocation.counted:
        return
    covered, loose = named(allocation.covered), allocation.loose
    for scope in allocation.scopes:
        if covered and allocation.covered_until > allocation.start:
            window = Window(allocation.start, allocation.covered_until)
            claimed_here = scope.zone is None or scope.zone == allocation.reserved_zone
            back = {name: -amount for name, amount in covered.items()} if claimed_here else NOTHING
            yield Contribution(scope, window, back, covered)
        if loose:
            yield Contribution(scope, Window(allocation.start, FOREVER), NOTHING, loose)


def live_window(record: Pool | Reservation | Allocation) -> Window | None:
    """Return when a record is live as its own start and end say, None when it is no more; an instance has no end."""
    if isinstance(record, Pool):
        return None if record.finished else record.window
    if isinstance(record, Reservation):
        return record.window if record.live else None
    if not record.counted:
        return None
    return Window(record.start, FOREVER)
