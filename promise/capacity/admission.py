"""Whether a request fits, and if not, why and when it would: the arithmetic of design section 4; pure.

A request must fit in each of several scopes (a provider, and a zone of it) at every instant of its window.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from promise.capacity.refusal import Alternative, Reason, Refusal, Shortfall
from promise.resources import FOREVER, Window, in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from promise.capacity.book import CapacityBook
    from promise.capacity.model import Scope
    from promise.capacity.timeline import Timeline


def window_of(start: int | None, end: int | None, now: int) -> Window | Refusal:
    """Return the effective window of a request (design section 5, windows), or why there is none.

    A start at or before now is now; no end is open. An end before the start that was asked is invalid even where
    both are past.
    """
    if start is not None and end is not None and end <= start:
        return Refusal(Reason.WINDOW_INVALID, "end must be later than start")
    if end is not None and end <= now:
        return Refusal(Reason.WINDOW_PAST, "end must be later than now")
    return Window(now if start is None else max(start, now), FOREVER if end is None else end)


def fits(book: CapacityBook, scopes: Iterable[Scope], window: Window, request: Mapping[str, int]) -> bool:
    """Tell whether the request is available in all the scopes throughout the window."""
    return all(book.timeline(scope).fits(window, request) for scope in scopes)


def available(book: CapacityBook, scopes: Iterable[Scope], window: Window, names: Iterable[str]) -> dict[str, int]:
    """Return the most of these resources that is available together throughout the window."""
    least: dict[str, int] = {}
    wanted = in_order(names)
    for scope in scopes:
        found = book.timeline(scope).available_during(window)
        for name in wanted:
            least[name] = min(least.get(name, FOREVER), max(0, found.get(name, 0)))
    return least


def shortfalls(
    book: CapacityBook, scopes: Iterable[Scope], window: Window, request: Mapping[str, int]
) -> tuple[Shortfall, ...]:
    """Return one shortfall for each resource that is short: the earliest interval of its least availability."""
    lines = [book.timeline(scope) for scope in scopes]
    found = worst(Shortfall(*short) for line in lines for short in line.shortfalls(window, request))
    return tuple(_to_its_end(lines, short, window.end) for short in found)


def worst(short: Iterable[Shortfall]) -> tuple[Shortfall, ...]:
    """Return one shortfall for each resource: that of the least availability, the earliest of several."""
    found: dict[str, Shortfall] = {}
    for one in short:
        known = found.get(one.resource)
        if known is None or (one.available, one.start) < (known.available, known.start):
            found[one.resource] = one
    return tuple(found[name] for name in in_order(found))


def _to_its_end(lines: Sequence[Timeline], short: Shortfall, end: int) -> Shortfall:
    """Return a shortfall until more is available in all the scopes: one may take over from another."""
    until = short.end
    while until < end:
        least = {short.resource: short.available + 1}
        found = [part for line in lines for part in line.shortfalls(Window(until, end), least)]
        further = [part.end for part in found if part.start == until and part.available == short.available]
        if not further:
            break
        until = max(further)
    return replace(short, end=until)


def alternatives(
    book: CapacityBook,
    scopes: Sequence[Scope],
    request: Mapping[str, int],
    duration: int,
    start: int,
    latest: int,
    limit: int,
) -> tuple[Alternative, ...]:
    """Return the first windows of this duration in which the request fits, one for each run of feasible starts.

    `duration` is FOREVER for an open request, which has at most one such window: from its start on it fits for
    ever. Starts are searched from `start` to `latest`, both included.
    """
    found: list[Alternative] = []
    for first, last in _runs(book, scopes, request, duration, start, latest):
        if len(found) >= limit:
            break
        if duration >= FOREVER:
            return (Alternative(first, FOREVER, None),)
        found.append(Alternative(first, first + duration, last))
    return tuple(found)


def _runs(
    book: CapacityBook,
    scopes: Sequence[Scope],
    request: Mapping[str, int],
    duration: int,
    start: int,
    latest: int,
) -> Iterator[tuple[int, int]]:
    """Yield the maximal runs of starts, first and last, that are feasible in all the scopes."""
    timelines = [book.timeline(scope) for scope in scopes]
    while start <= latest:
        runs = []
        for line in timelines:
            run = line.earliest(request, duration, start, latest=latest, limit=1)
            if not run:
                return
            runs += run
        first, last = max(run.start for run in runs), min(run.latest for run in runs)
        if first <= last:
            yield first, last
        start = max(first, last + 1)
