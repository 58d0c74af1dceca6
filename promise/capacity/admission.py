"""Whether a request fits, and if not, why and when it would: the arithmetic of design section 4; pure.

A request must fit in each of several scopes (a provider, and a zone of it) at every instant of its window.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from promise.capacity.refusal import Alternative, Reason, Refusal, Shortfall
from promise.resources import FOREVER, Window, in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from promise.capacity.book import CapacityBook
    from promise.capacity.model import Scope
    from promise.capacity.timeline import Timeline

Course: TypeAlias = Callable[[int], "tuple[int, int] | None"]
"""Tells the first run of feasible starts, first and last, at or after an instant; None when there is none."""

ALWAYS: Final = Window(0, FOREVER)


class Search(NamedTuple):
    """Where to look: for a window of `duration` (FOREVER: an open one) that starts in start..latest.

    It has to lie inside one of `within`, which are ascending and apart.
    """

    duration: int
    start: int
    latest: int
    within: Sequence[Window] = (ALWAYS,)


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
    search: Search,
    limit: int,
) -> tuple[Alternative, ...]:
    """Return the first windows in which the request fits, one for each run of feasible starts.

    An open request has at most one such window: from its start on it fits for ever.
    """
    duration = search.duration
    courses: list[Course] = [partial(_next_fit, book.timeline(scope), request, search) for scope in scopes]
    courses.append(partial(_next_within, search))
    found: list[Alternative] = []
    for first, last in _runs(courses, search.start, search.latest):
        if len(found) >= limit:
            break
        if duration >= FOREVER:
            return (Alternative(first, FOREVER, None),)
        found.append(Alternative(first, first + duration, last))
    return tuple(found)


def _runs(courses: Sequence[Course], start: int, latest: int) -> Iterator[tuple[int, int]]:
    """Yield the maximal runs of starts, first and last, that are feasible in all the courses."""
    while start <= latest:
        runs = []
        for course in courses:
            run = course(start)
            if run is None:
                return
            runs.append(run)
        first, last = max(first for first, _ in runs), min(last for _, last in runs)
        if first <= last:
            yield first, last
        start = max(first, last + 1)


def _next_fit(line: Timeline, request: Mapping[str, int], search: Search, start: int) -> tuple[int, int] | None:
    """Return the first run of starts from `start` on at which the request fits into a timeline."""
    found = line.earliest(request, search.duration, start, latest=search.latest, limit=1)
    return (found[0].start, found[0].latest) if found else None


def _next_within(search: Search, start: int) -> tuple[int, int] | None:
    """Return the first run of starts from `start` on at which the duration fits into one of the windows."""
    within = search.within
    for index in range(bisect_right(within, start, key=lambda each: each.end), len(within)):
        window = within[index]
        first = max(start, window.start)
        last = search.latest if window.end >= FOREVER else min(search.latest, window.end - search.duration)
        if first <= last:
            return first, last
    return None
