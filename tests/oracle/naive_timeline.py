"""The timeline by brute force: a list of contributions, and every answer worked out anew from all of them.

Deliberately naive, and built on nothing of the product but FOREVER: levels are sums over the contributions that hold at
an instant, and every question looks at every instant at which something begins or ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from promise.resources import FOREVER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

METRICS = ("total", "reserved", "usage", "headroom")
LEAST = ("total", "headroom", "available")

Level = dict[str, int]
Levels = dict[str, Level]


class Live(NamedTuple):
    """One contribution: amounts per metric and resource over [start, end)."""

    start: int
    end: int
    amounts: Mapping[str, Mapping[str, int]]


class NaiveTimeline:
    """Every verb of the timeline, as its definition says it."""

    def __init__(self) -> None:
        self.live: list[Live] = []
        self._resources: tuple[list[Live], list[str]] = ([], [])

    def add(self, window: tuple[int, int], amounts: Mapping[str, Mapping[str, int]]) -> None:
        self.live.append(Live(*window, amounts))

    def remove(self, window: tuple[int, int], amounts: Mapping[str, Mapping[str, int]]) -> None:
        self.live.remove(Live(*window, amounts))

    # ---- levels

    def instants(self, start: int = -FOREVER, end: int = FOREVER) -> list[int]:
        """Return start, and all later instants before end at which a contribution begins or ends."""
        edges = {edge for live in self.live for edge in (live.start, live.end)}
        return [start, *sorted(edge for edge in edges if start < edge < end)]

    def resources(self) -> list[str]:
        """Return the resources of which some metric is not always 0; told again as long as nothing changes."""
        if self._resources[0] != self.live:
            names = {name for live in self.live for part in live.amounts.values() for name in part}
            places = [(metric, instant) for instant in self.instants() for metric in METRICS]
            known = [name for name in names if any(self.sum(metric, name, instant) for metric, instant in places)]
            self._resources = ([*self.live], sorted(known))
        return self._resources[1]

    def sum(self, metric: str, name: str, instant: int) -> int:
        if metric == "headroom":
            total, reserved, usage = (self.sum(each, name, instant) for each in METRICS[:3])
            return total - reserved - usage
        if metric == "available":
            return max(0, self.sum("headroom", name, instant))
        if metric == "overdrawn":
            return max(0, -self.sum("headroom", name, instant))
        return sum(live.amounts.get(metric, {}).get(name, 0) for live in self.live if live.start <= instant < live.end)

    # ---- the verbs

    def at(self, instant: int) -> Levels:
        return {metric: {name: self.sum(metric, name, instant) for name in self.resources()} for metric in METRICS}

    def over(self, start: int, end: int) -> Levels:
        return {
            metric: {
                name: (min if metric in LEAST else max)(
                    self.sum(metric, name, instant) for instant in self.instants(start, end)
                )
                for name in self.resources()
            }
            for metric in (*METRICS, "available", "overdrawn")
        }

    def fits(self, start: int, end: int, request: Level) -> bool:
        return all(
            amount <= 0 or self.sum("headroom", name, instant) >= amount
            for instant in self.instants(start, end)
            for name, amount in request.items()
        )

    def shortfalls(self, start: int, end: int, request: Level) -> list[tuple[str, int, int, int, int]]:
        found = []
        for name, amount in request.items():
            course = [(instant, self.sum("available", name, instant)) for instant in self.instants(start, end)]
            least = min(level for _, level in course)
            if least < amount:
                begin = next(instant for instant, level in course if level == least)
                finish = next((instant for instant, level in course if instant > begin and level != least), end)
                found.append((name, amount, least, begin, finish))
        return found

    def overdrawn_during(self, start: int, end: int, resources: Collection[str]) -> list[tuple[int, int]]:
        course = self.instants(start, end)
        found: list[tuple[int, int]] = []
        for instant, after in zip(course, [*course[1:], end], strict=True):
            if any(self.sum("overdrawn", name, instant) for name in resources):
                since = found.pop()[0] if found and found[-1][1] == instant else instant
                found.append((since, after))
        return found

    def earliest(self, request: Level, duration: int, start: int, latest: int | None) -> list[tuple[int, int]]:
        """Try every start at which the answer can change: there, a window comes to touch or to leave an instant."""
        edges = self.instants()[1:]
        bound = FOREVER if latest is None else latest
        starts = {start, *edges, *(edge - duration + 1 for edge in edges)}
        tries = sorted(each for each in starts if start <= each <= bound)
        afters = [*tries[1:], FOREVER if latest is None else bound + 1]
        runs: list[tuple[int, int]] = []
        going = False
        for begin, after in zip(tries, afters[-len(tries) :] if tries else [], strict=True):
            end = FOREVER if duration >= FOREVER else min(FOREVER, begin + duration)
            fits = self.fits(begin, end, request)
            last = after if after == FOREVER else after - 1
            if fits and going:
                runs[-1] = (runs[-1][0], last)
            elif fits:
                runs.append((begin, last))
            going = fits
        return runs

    def series(
        self, start: int, end: int, resources: Collection[str], metrics: Iterable[str]
    ) -> list[tuple[int, Levels]]:
        asked = list(metrics)
        course: list[tuple[int, Levels]] = []
        before: object = None
        for instant in self.instants(start, end):
            seen = [[self.sum(metric, name, instant) for name in resources] for metric in asked]
            if seen != before:
                course.append((instant, self._only(self.at(instant), resources)))
            before = seen
        return course

    def buckets(self, start: int, end: int, resolution: int, resources: Collection[str]) -> list[tuple[int, Levels]]:
        if end == FOREVER:
            last = self.changes(start, end)[-1:] or [start]
            end = start
            while end < last[0]:
                end += resolution
            end = min(FOREVER, end + resolution)
        return [
            (begin, self._only(self.over(begin, min(end, begin + resolution)), resources))
            for begin in range(start, end, resolution)
        ]

    def changes(self, start: int = -FOREVER, end: int = FOREVER) -> list[int]:
        """Return the instants in (start, end) at which any metric of any resource changes."""
        names = {name for live in self.live for part in live.amounts.values() for name in part}
        found, before = [], None
        for instant in self.instants(start, end):
            seen = [self.sum(metric, name, instant) for metric in METRICS for name in names]
            if before is not None and seen != before:
                found.append(instant)
            before = seen
        return found

    @staticmethod
    def _only(levels: Levels, resources: Collection[str]) -> Levels:
        return {
            metric: {name: level for name, level in level_of.items() if name in resources}
            for metric, level_of in levels.items()
            if metric in METRICS
        }
