"""Who bears it when a scope has less than is promised: degrading and healing are one function of state and time.

Pure (design section 4). At each instant the deficit is what is claimed, and for reservations that have started also
what is loose, less the total; an instance that was told to go is no shortage for a while. The reservations over that
instant take it in order: low priority first, then the youngest, then by id; each no more than what remains of it. The
shortfall of a reservation is, per resource, the most that it takes at any instant of its window, in any of its scopes.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from promise.events import fact
from promise.reservation.model import PRIORITIES, State
from promise.resources import FOREVER, Window, in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from promise.capacity.model import Scope
    from promise.capacity.timeline import Snapshot
    from promise.events import Event
    from promise.reservation.book import ReservationBook
    from promise.reservation.model import Reservation


class Change(NamedTuple):
    """A reservation, and the shortfall that it has from now on."""

    reservation: Reservation
    shortfall: Mapping[str, int]


class _Span(NamedTuple):
    """From `start` to `end` the columns of a scope are `snapshot`, and it has less than is promised or used."""

    start: int
    end: int
    snapshot: Snapshot


def changes(book: ReservationBook, scopes: Iterable[Scope], now: int) -> list[Change]:
    """Return the reservations of these scopes whose shortfall is not what it has to be."""
    shares: dict[Scope, dict[str, dict[str, int]]] = {}
    found: dict[str, Change] = {}
    for scope in scopes:
        shares[scope] = _shares(book, scope, now)
        degraded = {held.id: held for held in book.degraded_in(scope)}
        for key in sorted(degraded.keys() | shares[scope].keys()):
            held = degraded.get(key) or book.reservations[key]
            shortfall = _worst(book, held, shares, now)
            if shortfall != held.shortfall:
                found[key] = Change(held, shortfall)
    return list(found.values())


def events(changed: Iterable[Change], now: int) -> Iterator[Event]:
    """Yield what tells the owners: degraded where it lacks more than before, or an element; else healed."""
    for held, shortfall in changed:
        worse = any(amount > held.shortfall.get(name, 0) for name, amount in shortfall.items())
        kind = "reservation-degraded" if worse or held.missing else "reservation-healed"
        yield fact(kind, replace(held, shortfall=shortfall, modified=now))


def _worst(
    book: ReservationBook, held: Reservation, shares: dict[Scope, dict[str, dict[str, int]]], now: int
) -> dict[str, int]:
    """Return the shortfall of a reservation: the most that it takes in any of its scopes."""
    worst: dict[str, int] = {}
    for scope in held.scopes:
        if scope not in shares:
            shares[scope] = _shares(book, scope, now)
        for name, amount in shares[scope].get(held.id, {}).items():
            worst[name] = max(worst.get(name, 0), amount)
    return {name: worst[name] for name in in_order(worst)}


def _shares(book: ReservationBook, scope: Scope, now: int) -> dict[str, dict[str, int]]:
    """Return, per reservation that takes anything in a scope from now on, the most that it takes of each resource."""
    least = book.timeline(scope).available_during(Window(now, FOREVER))
    short = [name for name, amount in least.items() if amount < 0]
    taken: dict[str, dict[str, int]] = {}
    if not short:
        return taken
    live = _Live(book.live_in(scope))
    going = book.going_in(scope)
    for span in _spans(book, scope, short, now):
        present = live.over(span.start)
        for name in short:
            for key, amount in _taken(book, present, span.snapshot, going, name):
                most = taken.setdefault(key, {})
                most[name] = max(most.get(name, 0), amount)
    return taken


def _spans(book: ReservationBook, scope: Scope, names: list[str], now: int) -> Iterator[_Span]:
    """Yield the spans from now on in which a resource is short; a claim that begins or ends divides them."""
    timeline = book.timeline(scope)
    moments = sorted({moment for held in book.live_in(scope) for moment in held.window if now < moment < FOREVER})
    for window in timeline.overdrawn_during(Window(now, FOREVER), names):
        snapshots = dict(timeline.series(window, resources=names))
        inside = moments[bisect_right(moments, window.start) : bisect_left(moments, window.end)]
        edges = sorted({*inside, *snapshots})
        snapshot = snapshots[window.start]
        for start, end in zip(edges, [*edges[1:], window.end], strict=True):
            snapshot = snapshots.get(start, snapshot)
            yield _Span(start, end, snapshot)


class _Live:
    """The reservations over ascending instants, in the order in which they take."""

    def __init__(self, held: Iterable[Reservation]) -> None:
        self._waiting = sorted(held, key=lambda each: each.window.start, reverse=True)
        self._present: dict[str, Reservation] = {}
        self._ends: list[tuple[int, str]] = []

    def over(self, instant: int) -> list[Reservation]:
        while self._waiting and self._waiting[-1].window.start <= instant:
            each = self._waiting.pop()
            self._present[each.id] = each
            heapq.heappush(self._ends, (each.window.end, each.id))
        while self._ends and self._ends[0][0] <= instant:
            del self._present[heapq.heappop(self._ends)[1]]
        return sorted(self._present.values(), key=lambda each: (-PRIORITIES[each.priority], -each.created, each.id))


def _taken(
    book: ReservationBook, present: list[Reservation], snapshot: Snapshot, going: Mapping[str, int], name: str
) -> Iterator[tuple[str, int]]:
    """Yield how much of the deficit of a resource each reservation over an instant takes."""
    total = snapshot.total.get(name, 0)
    of_claims = sum(held.capacity.get(name, 0) for held in present) - total
    of_all = -snapshot.headroom.get(name, 0) - going.get(name, 0)
    borne = 0
    for held in present:
        deficit = (of_all if held.state is State.ACTIVE else of_claims) - borne
        remaining = held.capacity.get(name, 0) - book.kept_by(held.id).get(name, 0)
        amount = min(deficit, remaining)
        if amount > 0:
            borne += amount
            yield held.id, amount
