"""The course of capacity over time, of one scope or the sum of several; pure (design section 4, contract).

Sums over providers are information, not promises: nothing is ever admitted on them.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from promise.capacity import admission
from promise.capacity.model import Scope
from promise.capacity.refusal import Reason, Refusal
from promise.resources import FOREVER, Window, only, total_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from promise.capacity.book import CapacityBook, Holding
    from promise.capacity.provider import Provider
    from promise.capacity.timeline import Snapshot

METRICS = ("total", "reserved", "usage", "available", "overdrawn")
"""The columns as answers name them; total + overdrawn = available + reserved + usage at every instant."""

LEAST = frozenset({"total", "available"})
"""Over a window these are told at their minimum, the others at their maximum (contract, metrics)."""

KINDS = {
    "total": ("ResourcePool",),
    "reserved": ("ResourceReservation",),
    "usage": ("ResourceAllocation",),
    "available": ("ResourcePool", "ResourceReservation", "ResourceAllocation"),
}
"""The kinds of records behind each metric that can be asked for."""


@dataclass(frozen=True, slots=True)
class Levels:
    """The columns at an instant, or their extremes over a window; of managed resources only."""

    total: Mapping[str, int]
    reserved: Mapping[str, int]
    usage: Mapping[str, int]
    available: Mapping[str, int]
    overdrawn: Mapping[str, int]

    def metric(self, name: str) -> Mapping[str, int]:
        """Return one column by its name in answers."""
        found: Mapping[str, int] = getattr(self, name)
        return found


class Point(NamedTuple):
    """From `instant` on: the columns, and how many of the records behind them are live."""

    instant: int
    live: int
    levels: Levels


def scopes_of(book: CapacityBook, provider: str | None, zone: str | None) -> list[Scope] | Refusal:
    """Return the scopes whose columns a query shows: of the provider named, else of all, or of their zones."""
    if provider is not None and provider not in book.providers:
        return Refusal(Reason.NOT_FOUND, f"there is no provider {provider}")
    providers = list(book.providers) if provider is None else [provider]
    if zone is None:
        return [Scope(found) for found in providers]
    with_zone = [Scope(found, zone) for found in providers if zone in book.zones_of(found)]
    return with_zone or Refusal(Reason.ZONE_UNKNOWN, f"no such provider has a zone {zone}")


def window_of(start: int | None, end: int | None, now: int) -> Window | Refusal:
    """Return the window of a query: from its start, else now; it may lie in the past."""
    begin = now if start is None else start
    if end is not None and end <= begin:
        if start is None:
            return Refusal(Reason.WINDOW_PAST, "end must be later than now where no start is given")
        return Refusal(Reason.WINDOW_INVALID, "end must be later than start")
    return Window(begin, FOREVER if end is None else end)


def course(
    book: CapacityBook,
    scopes: Sequence[Scope],
    window: Window,
    metrics: Collection[str] = METRICS,
    resolution: int | None = None,
) -> Iterator[tuple[int, Levels]]:
    """Yield (instant, levels) at the window's start and wherever one of these metrics changes; the scopes summed.

    With a resolution: the extremes of each so many seconds. Do not change the timelines meanwhile.
    """
    if len(scopes) == 1:
        for instant, _, levels in _course(book, scopes[0], window, metrics, resolution):
            yield instant, levels
    elif resolution is None:
        yield from _changes(_summed(book, scopes, window, metrics), metrics)
    else:
        yield from _buckets(list(_summed(book, scopes, window, metrics)), window, resolution)


def _summed(
    book: CapacityBook, scopes: Sequence[Scope], window: Window, metrics: Collection[str]
) -> Iterator[tuple[int, Levels]]:
    """Yield the sum of the scopes at the window's start and wherever a metric changes in one of them."""
    now_in: dict[Scope, Levels] = {}
    pending = window.start
    courses = [_course(book, scope, window, metrics, None) for scope in scopes]
    for instant, scope, levels in heapq.merge(*courses, key=lambda step: step[0]):
        if instant != pending:
            yield pending, _sum(now_in.values())
        now_in[scope], pending = levels, instant
    yield pending, _sum(now_in.values())


def _changes(steps: Iterable[tuple[int, Levels]], metrics: Collection[str]) -> Iterator[tuple[int, Levels]]:
    """Yield the first step, and of the others those at which one of the metrics changes."""
    before: list[Mapping[str, int]] | None = None
    for instant, levels in steps:
        seen = [levels.metric(name) for name in metrics]
        if seen != before:
            yield instant, levels
        before = seen


def _buckets(steps: Sequence[tuple[int, Levels]], window: Window, resolution: int) -> Iterator[tuple[int, Levels]]:
    """Yield the extremes of steps, the first of which is at the window's start, for each so many seconds of it.

    Of an open window the last bucket is the first after whose start nothing changes.
    """
    start, end = window
    if end >= FOREVER:
        end = start - (start - steps[-1][0]) // resolution * resolution + resolution
    at, current = 0, steps[0][1]
    for begin in range(start, end, resolution):
        seen = [current]
        while at < len(steps) and steps[at][0] < min(begin + resolution, end):
            current = steps[at][1]
            seen = [current] if steps[at][0] == begin else [*seen, current]
            at += 1
        yield begin, _extreme(seen)


def _extreme(levels: Iterable[Levels]) -> Levels:
    """Return the least total and available, and the most of the other columns."""
    found: dict[str, dict[str, int]] = {name: {} for name in METRICS}
    for each in levels:
        for name in METRICS:
            pick = min if name in LEAST else max
            kept = found[name]
            for resource, amount in each.metric(name).items():
                kept[resource] = pick(kept.get(resource, amount), amount)
    return Levels(*(found[name] for name in METRICS))


def _course(
    book: CapacityBook, scope: Scope, window: Window, metrics: Collection[str], resolution: int | None
) -> Iterator[tuple[int, Scope, Levels]]:
    managed = book.supply(scope).managed
    timeline = book.timeline(scope)
    for instant, snapshot in timeline.series(window, resources=managed, metrics=metrics, resolution=resolution):
        yield instant, scope, levels_of(snapshot, managed)


def levels_of(snapshot: Snapshot, managed: Collection[str]) -> Levels:
    """Return the columns of the managed resources; one that is named by a pool but not in force yet is 0."""
    zero = dict.fromkeys(managed, 0)
    return Levels(
        total=zero | only(snapshot.total, managed),
        reserved=zero | only(snapshot.reserved, managed),
        usage=zero | only(snapshot.usage, managed),
        available=zero | only(snapshot.available, managed),
        overdrawn=zero | only(snapshot.overdrawn, managed),
    )


def _sum(levels: Iterable[Levels]) -> Levels:
    found = list(levels)
    if len(found) == 1:
        return found[0]
    return Levels(*(total_of(one.metric(name) for one in found) for name in METRICS))


def extremes(book: CapacityBook, scopes: Sequence[Scope], window: Window) -> Levels:
    """Return, over the window, the least total and available and the most reserved, usage and overdrawn."""
    if len(scopes) == 1:
        return levels_of(book.timeline(scopes[0]).over(window), book.supply(scopes[0]).managed)
    return _extreme(levels for _, levels in course(book, scopes, window))


def levels_at(book: CapacityBook, scopes: Sequence[Scope], instant: int) -> Levels:
    """Return the columns at an instant, the scopes summed."""
    return _sum(levels_of(book.timeline(scope).at(instant), book.supply(scope).managed) for scope in scopes)


def counted(holdings: Iterable[Holding], window: Window) -> list[tuple[int, int]]:
    """Return (instant, how many are live from then on), from the window's start and wherever that changes."""
    changes: dict[int, int] = {window.start: 0}
    for holding in holdings:
        if holding.window.overlaps(window):
            begin = max(holding.window.start, window.start)
            changes[begin] = changes.get(begin, 0) + 1
            if holding.window.end < window.end:
                changes[holding.window.end] = changes.get(holding.window.end, 0) - 1
    running, steps = 0, []
    for instant in sorted(changes):
        if changes[instant] or instant == window.start:
            running += changes[instant]
            steps.append((instant, running))
    return steps


def points(levels: Iterable[tuple[int, Levels]], counts: Sequence[tuple[int, int]]) -> Iterator[Point]:
    """Yield the course and the counts as one: a point wherever either changes."""
    steps: Iterable[tuple[int, Levels | int]] = heapq.merge(levels, counts, key=lambda step: step[0])
    level: Levels | None = None
    count = 0
    pending: int | None = None
    for instant, value in steps:
        if pending is not None and instant != pending and level is not None:
            yield Point(pending, count, level)
        pending = instant
        if isinstance(value, int):
            count = value
        else:
            level = value
    if pending is not None and level is not None:
        yield Point(pending, count, level)


def sampled(levels: Iterable[tuple[int, Levels]], counts: Sequence[tuple[int, int]]) -> Iterator[Point]:
    """Yield the course with the count at each of its instants."""
    waiting = list(reversed(counts))
    count = 0
    for instant, level in levels:
        while waiting and waiting[-1][0] <= instant:
            count = waiting.pop()[1]
        yield Point(instant, count, level)


def room(book: CapacityBook, scope: Scope, need: Mapping[str, int], window: Window) -> int:
    """Return how many times the need fits in a scope throughout a window; FOREVER when nothing limits it."""
    managed = only(need, book.supply(scope).managed)
    there = admission.available(book, [scope], window, managed)
    return min((there[name] // amount for name, amount in managed.items() if amount), default=FOREVER)


def room_on(
    book: CapacityBook, provider: Provider, need: Mapping[str, int], zone: str | None, window: Window
) -> int | None:
    """Return how many instances fit on a provider, or in a zone of it, throughout a window; None = no limit.

    Where zones are managed every instance is put into one, so that they limit the provider (design section 4).
    """
    most = room(book, Scope(provider.id), need, window)
    zones = [zone] if zone else book.zones_of(provider.id)
    scopes = [Scope(provider.id, name) for name in zones]
    if zone or (any(book.supply(scope).pools for scope in scopes) and not _unmanaged(book, provider, scopes)):
        most = min(most, sum(room(book, scope, need, window) for scope in scopes if zone or book.supply(scope).pools))
    return most if most < FOREVER else None


def _unmanaged(book: CapacityBook, provider: Provider, scopes: Sequence[Scope]) -> bool:
    """Tell whether there is a zone that is up and has no pool: an instance may go there when the others are full."""
    up = {zone.name for zone in provider.discovery.zones if zone.up} if provider.discovery else set()
    return any(scope.zone in up and not book.supply(scope).pools for scope in scopes)
