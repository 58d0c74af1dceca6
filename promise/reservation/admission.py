"""Which window a request means, whether it may be promised, and the refusal that helps when not; pure."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nsmallest
from typing import TYPE_CHECKING

from promise.capacity import admission
from promise.capacity.refusal import Blocking, Reason, Refusal
from promise.reservation.elements import Hold, free_windows, held_by_others
from promise.reservation.policy import DAY
from promise.resources import FOREVER, LAST, Window

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promise.actor import Actor
    from promise.capacity.model import Scope
    from promise.capacity.refusal import Alternative, HeldElement, Shortfall
    from promise.reservation.book import ReservationBook
    from promise.reservation.policy import Policy

MOST_BLOCKING = 20
"""A refusal names at most this many of the reservations that hold what is short."""


def window_of(policy: Policy, start: int | None, end: int | None, now: int) -> Window | Refusal:
    """Return the effective window of a request (design section 5, windows), or why there is none.

    A start at or before now is now; no end is start + max-duration where the policy sets it, else open.
    """
    window = admission.window_of(start, end, now)
    if isinstance(window, Refusal) or end is not None:
        return window
    return Window(window.start, policy.end_of(window.start, None))


def expiry_objection(expiry: int | None, window: Window, now: int) -> Refusal | None:
    """Return why a reservation over this window cannot be held unclaimed until `expiry`, None when it can."""
    if expiry is None:
        return None
    if expiry <= now:
        return Refusal(Reason.WINDOW_PAST, "expiry must be later than now")
    if expiry <= window.start:
        return Refusal(Reason.WINDOW_INVALID, "expiry must be later than start")
    return None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was to be promised; `growth` is what of it must fit, and when. Unless movable no other window helps.

    What `hold` names must be free over the whole window; the reservation that was to stand so (its `instead_of`) is no
    obstacle to itself. `expiry` is the one that was given, and stays where it is: what starts later could not be held
    until then. `standing` is what is short where its instances stand and it has no claim.
    """

    scopes: Sequence[Scope]
    window: Window
    capacity: Mapping[str, int]
    growth: Sequence[tuple[Window, Mapping[str, int]]]
    hold: Hold
    movable: bool = True
    expiry: int | None = None
    standing: Sequence[Shortfall] = ()


def refused(book: ReservationBook, wanted: Wanted, actor: Actor, now: int) -> Refusal:
    """Return the refusal of a request that does not fit, with its numbers and where the whole of it would fit.

    Where capacity is short and an element held as well, the reason is the capacity, and both are told (decision 15).
    """
    scopes = wanted.scopes
    grown = [
        short for window, amounts in wanted.growth for short in admission.shortfalls(book, scopes, window, amounts)
    ]
    shortfalls = admission.worst([*grown, *wanted.standing])
    held = held_by_others(book, wanted.hold, wanted.window, actor)
    return Refusal(
        Reason.INSUFFICIENT_CAPACITY if shortfalls else Reason.ELEMENT_RESERVED,
        _sentence(shortfalls, held),
        provider=scopes[0].provider,
        shortfalls=shortfalls,
        max_capacity=admission.available(book, scopes, wanted.window, wanted.capacity) if shortfalls else None,
        alternatives=_alternatives(book, wanted, now) if wanted.movable else (),
        blocking=_blocking(book, wanted, shortfalls, actor),
        held=held,
    )


def _sentence(shortfalls: Sequence[Shortfall], held: Sequence[HeldElement]) -> str:
    parts = []
    if shortfalls:
        short = [f"{each.resource} (requested {each.requested}, available {each.available})" for each in shortfalls]
        parts.append(f"not enough capacity: {', '.join(short)}")
    parts += [f"element {each.element} is reserved by {each.reservation or 'somebody else'}" for each in held]
    return "; ".join(parts)


def _alternatives(book: ReservationBook, wanted: Wanted, now: int) -> tuple[Alternative, ...]:
    policy, window = book.policy, wanted.window
    duration = FOREVER if window.end >= FOREVER else window.end - window.start
    latest = min(policy.latest_start(window.start, now), LAST - (duration if duration < FOREVER else 0))
    if policy.max_future_end_range is not None:
        latest = min(latest, now + policy.max_future_end_range * DAY - duration)
    if wanted.expiry is not None:
        latest = min(latest, wanted.expiry - 1)
    search = admission.Search(duration, window.start, latest, free_windows(book, wanted.hold))
    return admission.alternatives(book, wanted.scopes, wanted.capacity, search, policy.most_alternatives)


def _blocking(
    book: ReservationBook, wanted: Wanted, shortfalls: Sequence[Shortfall], actor: Actor
) -> tuple[Blocking, ...]:
    found: dict[tuple[str, str], Blocking] = {}
    for short in shortfalls:
        while_short = Window(short.start, short.end)
        for held in (held for scope in wanted.scopes for held in book.overlapping(scope, while_short)):
            amount = held.capacity.get(short.resource, 0)
            if amount and held.id != wanted.hold.instead_of and actor.sees(held):
                found[held.id, short.resource] = Blocking(held.id, short.resource, amount)
    return tuple(
        nsmallest(MOST_BLOCKING, found.values(), key=lambda held: (-held.amount, held.reservation, held.resource))
    )
