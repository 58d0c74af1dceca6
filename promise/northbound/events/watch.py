"""Watches the lines that subscriptions draw: after every commit that moves a column, and as time passes.

What time alone will do is planned ahead from the timeline (`subscription.threshold`); a commit that touches a line ends
its plan, having seen to it that what was planned for earlier moments is told first. So a line is crossed at the right
second however late we wake. The book is only looked at while everything in it is durable.
"""

from __future__ import annotations

import heapq
import itertools
from asyncio import Event, Task, create_task
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from promise.capacity.model import Scope
from promise.capacity.query import levels_at
from promise.clock import first_of
from promise.subscription.threshold import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from promise.capacity.book import CapacityBook
    from promise.capacity.query import Levels
    from promise.clock import Clock
    from promise.events import Entry
    from promise.northbound.events.stream import Log
    from promise.subscription.model import Filter, Threshold
    from promise.subscription.threshold import Flip


class Crossing(NamedTuple):
    """A line that was crossed or cleared, and the columns at the first instant of what was seen."""

    scope: Scope
    threshold: Threshold
    flip: Flip
    levels: Levels

    @property
    def line(self) -> str:
        """Which line of its subscription it is."""
        return line_of(self.scope, self.threshold)


@dataclass(eq=False, slots=True)
class Watched:
    """The lines of one subscription; `crossed` says how those stand that are known already, from an earlier life."""

    wanted: Filter
    thresholds: tuple[Threshold, ...]
    tell: Callable[[Crossing], None]
    crossed: Mapping[str, bool] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class _Track:
    """One line in one scope: how it stands, what is planned, and until when."""

    owner: Watched
    scope: Scope
    threshold: Threshold
    crossed: bool = False
    planned: deque[Crossing] = field(default_factory=deque)
    until: int | None = None

    @property
    def due(self) -> int | None:
        """The moment at which there is something to do."""
        return self.planned[0].flip.at if self.planned else self.until


class Watch:
    """All lines; `heard` is to be subscribed at the ledger, `run` goes on for ever."""

    def __init__(self, log: Log, book: CapacityBook, clock: Clock) -> None:
        self._log = log
        self._book = book
        self._clock = clock
        self._tracks: dict[Scope, list[_Track]] = {}
        self._watched: dict[Watched, None] = {}
        self._due: list[tuple[int, int, _Track]] = []
        self._count = itertools.count()
        self._changed = Event()

    async def add(self, watched: Watched) -> None:
        """Begin to watch; a line that is crossed already is told at once."""
        await self._durable()
        self._watched[watched] = None
        for scope in self._scopes(watched.wanted):
            self._begin(watched, scope)

    def remove(self, watched: Watched) -> None:
        """Watch no more."""
        self._watched.pop(watched, None)
        for scope, tracks in list(self._tracks.items()):
            self._keep(scope, [track for track in tracks if track.owner is not watched])

    def heard(self, entries: Sequence[Entry]) -> None:
        """Look again at the lines in those scopes whose columns a commit has moved."""
        if not self._watched:
            return
        now = entries[-1].at
        for scope in _touched(entries):
            for track in self._tracks.get(scope, ()):
                self._tell(track, now - 1)
                self._plan(track, now)
            for watched in self._watched:
                if _concerns(watched.wanted, scope):
                    self._begin(watched, scope)
            if scope.provider not in self._book.providers:
                self._tracks.pop(scope, None)

    async def run(self) -> None:
        """Tell what time brings about, for ever."""
        while True:
            self._changed.clear()
            await self._pass(self._log.now())
            moment = self._next()
            waits: list[Task[Any]] = [create_task(self._changed.wait())]
            if moment is not None:
                waits.append(create_task(self._clock.sleep_until(moment)))
            await first_of(waits)

    async def _pass(self, now: int) -> None:
        while (moment := self._next()) is not None and moment <= now:
            track = self._due[0][2]
            if not track.planned:
                await self._durable()
                if self._next() != moment or self._due[0][2] is not track or track.planned:
                    continue
            heapq.heappop(self._due)
            if track.planned:
                self._tell(track, now)
                self._push(track)
            else:
                self._plan(track, moment)

    def _next(self) -> int | None:
        """Return the first moment at which there is something to do; what is out of date is forgotten."""
        while self._due and self._due[0][0] != self._due[0][2].due:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def _begin(self, watched: Watched, scope: Scope) -> None:
        """Watch those lines of a scope that are not watched yet; where a resource is not managed there is no line."""
        known = {track.threshold for track in self._tracks.get(scope, ()) if track.owner is watched}
        managed = self._book.supply(scope).managed
        for threshold in watched.thresholds:
            resource = threshold.resource
            if threshold in known or (watched.wanted.resources and resource not in watched.wanted.resources):
                continue
            stood = watched.crossed.get(line_of(scope, threshold))
            if stood is not None or resource in managed:
                track = _Track(watched, scope, threshold, bool(stood))
                self._tracks.setdefault(scope, []).append(track)
                self._plan(track, self._log.now())

    def _plan(self, track: _Track, now: int) -> None:
        """Foresee what happens to a line from now on, and tell what has happened."""
        line = Line(track.threshold, self._book.timeline(track.scope), track.owner.wanted.window)
        flips, track.until = line.outlook(now, before=track.crossed)
        track.planned = deque(
            Crossing(track.scope, track.threshold, flip, levels_at(self._book, [track.scope], flip.seen.start))
            for flip in flips
        )
        self._tell(track, now)
        self._push(track)

    def _tell(self, track: _Track, until: int) -> None:
        while track.planned and track.planned[0].flip.at <= until:
            crossing = track.planned.popleft()
            track.crossed = crossing.flip.crossed
            track.owner.tell(crossing)

    def _push(self, track: _Track) -> None:
        due = track.due
        if due is not None:
            heapq.heappush(self._due, (due, next(self._count), track))
            self._changed.set()

    def _keep(self, scope: Scope, tracks: list[_Track]) -> None:
        for track in self._tracks.pop(scope):
            if track not in tracks:
                track.planned.clear()
                track.until = None
        if tracks:
            self._tracks[scope] = tracks

    def _scopes(self, wanted: Filter) -> Iterator[Scope]:
        for provider in self._book.providers:
            scope = Scope(provider, wanted.zone)
            if _concerns(wanted, scope) and (scope.zone is None or scope.zone in self._book.zones_of(provider)):
                yield scope

    async def _durable(self) -> None:
        """Wait for a moment at which nothing in the book can still be lost."""
        while self._log.seq != self._log.durable_seq:
            await self._log.read(lambda _book, _now: None)


def line_of(scope: Scope, threshold: Threshold) -> str:
    """Return which line of its subscription a threshold in a scope is."""
    return f"{scope.provider} {scope.zone or ''} {threshold.key}"


def _touched(entries: Sequence[Entry]) -> list[Scope]:
    """Return the scopes in which a commit has moved a column, each once."""
    moved: list[Any] = [entry.event.detail.get("columns", ()) for entry in entries]
    return list(dict.fromkeys(Scope(one["provider"], one["zone"]) for columns in moved for one in columns))


def _concerns(wanted: Filter, scope: Scope) -> bool:
    """Tell whether the lines of a filter are drawn in a scope: its zone, or the provider as a whole."""
    return wanted.zone == scope.zone and wanted.provider in {None, scope.provider}
