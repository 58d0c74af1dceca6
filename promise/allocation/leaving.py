"""Which instances would have to leave when a reservation starts and the cloud is short; pure (design section 4).

First loose instances that Promise made, then instances of degraded reservations up to their shortfall; youngest first,
and none that relieves nothing. Never servers made by others, never volumes that outlived their instance: there are data
in them. Never instances covered by a sound claim.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from promise.allocation.model import VmState
from promise.resources import minus, total_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from promise.allocation.book import AllocationBook
    from promise.allocation.model import Allocation
    from promise.capacity.model import Scope
    from promise.reservation.model import Reservation

END_GRACE = 60
"""Seconds for which an instance that is being deleted is no shortage."""


def leaving(book: AllocationBook, starter: Reservation, now: int) -> list[Allocation]:
    """Return the instances to leave for a reservation that starts now, in the order in which they were chosen."""
    chosen: dict[str, Allocation] = {}
    for scope in starter.scopes:
        short = _shortage(book, starter, scope, now)
        for allocation in chosen.values():
            short = _relieved(short, allocation) if scope in allocation.scopes else short
        for candidate in _candidates(book, starter, scope):
            if not short:
                break
            if candidate.id not in chosen and any(candidate.capacity.get(name, 0) for name in short):
                chosen[candidate.id] = candidate
                short = _relieved(short, candidate)
    return list(chosen.values())


def _shortage(book: AllocationBook, starter: Reservation, scope: Scope, now: int) -> Mapping[str, int]:
    """Return what is missing in a scope now of the resources that the reservation names."""
    headroom = book.timeline(scope).available_at(now)
    going = total_of([book.going_in(scope), *_going_of_degraded(book, scope)])
    missing = {name: -headroom.get(name, 0) - going.get(name, 0) for name in starter.capacity}
    return {name: amount for name, amount in missing.items() if amount > 0}


def _going_of_degraded(book: AllocationBook, scope: Scope) -> Iterator[Mapping[str, int]]:
    """Yield what is on its way out of degraded reservations: these can then bear more of what is short."""
    degraded = {held.id for held in book.degraded_in(scope)}
    for found in book.counted_on(scope.provider) if degraded else ():
        if found.going and found.reservation in degraded:
            yield found.covered


def _relieved(short: Mapping[str, int], allocation: Allocation) -> Mapping[str, int]:
    left = minus(short, allocation.capacity)
    return {name: left[name] for name in short if left[name] > 0}


def _candidates(book: AllocationBook, starter: Reservation, scope: Scope) -> Iterator[Allocation]:
    here = [
        found
        for found in book.counted_on(scope.provider)
        if found.ours and not found.kept_from and found.vm_state is not VmState.DELETING and scope in found.scopes
    ]
    youngest_first = sorted(here, key=lambda found: (-found.created, found.id))
    yield from (found for found in youngest_first if found.reservation is None)
    beyond = {
        found.id
        for held in book.degraded_in(scope)
        if held.id != starter.id
        for found in _beyond(held, [found for found in youngest_first if found.reservation == held.id])
    }
    yield from (found for found in youngest_first if found.id in beyond)


def _beyond(held: Reservation, instances: list[Allocation]) -> Iterator[Allocation]:
    """Yield the instances of a degraded reservation, as long as they do not exceed its shortfall."""
    left: Mapping[str, int] = held.shortfall
    for found in instances:
        if any(found.covered.get(name, 0) for name in left):
            yield found
            left = {name: amount - found.covered.get(name, 0) for name, amount in left.items()}
            left = {name: amount for name, amount in left.items() if amount > 0}
