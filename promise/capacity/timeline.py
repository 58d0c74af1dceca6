"""The timeline of a scope: total, reserved and usage as step functions of time, and what follows from them.

Every contribution (a pool, a claim, an allocation, loose usage) adds amounts to one or more of the three metrics over
a half-open window; `remove` is its exact inverse. headroom = total - reserved - usage is kept beside them, as all
admission asks for it; available = max(0, headroom), overdrawn = max(0, -headroom) (design section 4).

    timeline = Timeline()
    timeline.add(Window(0, FOREVER), total={"cores": 100})
    timeline.add(Window(60, 120), reserved={"cores": 30})
    timeline.add(Window(60, 90), reserved={"cores": -2}, usage={"cores": 2})    # an instance of that reservation
    timeline.add_many([(Window(150, 160), {"reserved": {"cores": 5}}), ...])    # all or none; Timeline.build([...])
    timeline.fits(Window(0, 90), {"cores": 70})                     -> True
    timeline.at(60).usage                                           -> {"cores": 2}
    timeline.available_at(60)                                       -> {"cores": 70}, the headroom
    timeline.available_during(Window(0, 90))                        -> {"cores": 70}, the least headroom
    timeline.over(Window(0, 90)).reserved                           -> {"cores": 28}, the most
    timeline.shortfalls(Window(0, 90), {"cores": 80})               -> [Shortfall("cores", 80, 70, start=60, end=90)]
    timeline.overdrawn_during(Window(0, FOREVER))                   -> [], the windows in which a resource is overdrawn
    timeline.earliest({"cores": 80}, duration=50, start=0, limit=2) -> [Opening(0, 10), Opening(120, FOREVER)]
    timeline.series(Window(0, FOREVER), metrics=["available"])      -> (0, Snapshot), (60, Snapshot), (120, ...), ...
    with timeline.lifted([(Window(60, 120), {"reserved": {"cores": 30}})]):
        ...                                                         # every question as if that were not there

A resource is known while some metric of it changes at some instant; an unknown one is 0 everywhere and absent from
answers. All is exact: integers, |amount| <= resources.LARGEST, and the absolute changes of a metric of a resource may
sum to 2**62 (two million contributions of the largest amount, standing at once). A call that raises changes nothing.
Not for use from several threads.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np

from promise.capacity.blocks import SIZE, Blocks
from promise.capacity.bulk import Bulk
from promise.capacity.search import Openings, first_instant
from promise.capacity.series import buckets, change_points, extreme, extremes
from promise.capacity.snapshot import HEADROOM, LEAST, PLANES, RESERVED, TOTAL, USAGE, Opening, Shortfall, Snapshot
from promise.resources import FOREVER, LARGEST, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from promise.capacity.blocks import Matrix

    Capacity = Mapping[str, int]
    Contribution = tuple[Window, Mapping[str, Capacity]]
    """A window, and by metric ("total", "reserved", "usage") what is added over it."""

__all__ = ["Opening", "Shortfall", "Snapshot", "Timeline"]

NOTHING: Final[Mapping[str, int]] = {}

BASE: Final = {"reserved": RESERVED, "usage": USAGE, "total": TOTAL}
"""The metrics that contributions add to."""

FEW: Final = 16
"""So many contributions, or fewer than that part of the breakpoints, are added one by one."""

WIDTH: Final = 8
"""Resources for which a timeline has room at first."""

UNASKED: Final = -(1 << 62)
"""A need that is always met."""

CLIPPED: Final = {"available": np.maximum, "overdrawn": np.minimum}
"""The metrics that change only where headroom changes on one side of 0."""


class Timeline:
    """The step functions of one scope; see the head of this module. Small blocks are for tests."""

    def __init__(self, *, block_size: int = SIZE) -> None:
        self._blocks = Blocks(len(PLANES), WIDTH, block_size)
        self._rows: dict[str, int] = {}  # replaced, never changed: snapshots hold on to it
        self._spare = list(range(WIDTH - 1, -1, -1))
        self._version = 0

    @classmethod
    def build(cls, contributions: Iterable[Contribution]) -> Timeline:
        """Return the timeline of all these contributions; raises as `add` does."""
        timeline = cls()
        timeline.add_many(contributions)
        return timeline

    def __len__(self) -> int:
        """Return the number of breakpoints."""
        return len(self._blocks)

    @property
    def resources(self) -> Collection[str]:
        """The known resources."""
        return self._rows.keys()

    # ---- changes

    def add(
        self, window: Window, *, total: Capacity = NOTHING, reserved: Capacity = NOTHING, usage: Capacity = NOTHING
    ) -> None:
        """Add amounts, which may be negative, over the window.

        Raises:
            ValueError: the window is empty or beyond FOREVER, or an amount is no int or larger than LARGEST.
            OverflowError: the sums would leave the exact range.
        """
        self._change(window, 1, total, reserved, usage)

    def remove(
        self, window: Window, *, total: Capacity = NOTHING, reserved: Capacity = NOTHING, usage: Capacity = NOTHING
    ) -> None:
        """Take back what an `add` of the same arguments added, exactly; raises as `add` does."""
        self._change(window, -1, total, reserved, usage)

    def add_many(self, contributions: Iterable[Contribution]) -> None:
        """Add many contributions, all of them or none; raises as `add` does."""
        items = list(contributions)
        if len(items) < FEW or FEW * len(items) < len(self) or not self._load(items):
            with ExitStack() as undo:
                for window, amounts in items:
                    self.add(window, **amounts)
                    undo.callback(self.remove, window, **amounts)
                undo.pop_all()

    def _load(self, items: Iterable[Contribution]) -> bool:
        """Add contributions by way of all that is there; tell whether that could be done."""
        bulk = Bulk()
        for window, amounts in items:
            checked(window)
            for metric, capacity in amounts.items():
                if metric not in BASE:
                    raise ValueError(f"contributions are to total, reserved or usage, not to {metric}")
                check(capacity)
                bulk.put(window, BASE[metric], capacity)
        if not bulk.exact(self._blocks):
            return False
        self._learn(bulk.names)
        self._blocks = bulk.added_to(self._blocks, self._rows)
        self._version += 1
        self._forget(bulk.names)
        return True

    @contextmanager
    def lifted(self, contributions: Iterable[Contribution]) -> Iterator[None]:
        """Take contributions out while the body runs, to ask as if they did not exist; they are always put back."""
        taken: list[Contribution] = []
        try:
            for window, amounts in contributions:
                self.remove(window, **amounts)
                taken.append((window, amounts))
            yield
        finally:
            for window, amounts in reversed(taken):
                self.add(window, **amounts)

    def _change(self, window: Window, sign: int, total: Capacity, reserved: Capacity, usage: Capacity) -> None:
        start, end = checked(window)
        parts = [part for part in ((RESERVED, reserved), (USAGE, usage), (TOTAL, total)) if part[1]]
        unknown = False
        for _, capacity in parts:
            check(capacity)
            unknown |= not capacity.keys() <= self._rows.keys()
        if unknown:
            self._learn(name for _, capacity in parts for name in capacity)
        rows, width = self._rows, self._blocks.width
        amounts = [0] * (len(PLANES) * width)
        planes = [HEADROOM]
        for plane, capacity in parts:
            planes.append(plane)
            offset, against = plane * width, sign if plane == TOTAL else -sign
            for name, amount in capacity.items():
                row = rows[name]
                amounts[row] += against * amount
                amounts[offset + row] = sign * amount
        met = False
        try:
            if any(amounts):
                self._version += 1
                met = self._blocks.add(start, end, amounts, planes)
        finally:
            if met or unknown:
                self._forget(name for _, capacity in parts for name in capacity)

    def _learn(self, names: Iterable[str]) -> None:
        """Give a row to each of these resources that has none."""
        new = sorted(set(names).difference(self._rows))
        width = self._blocks.width
        if len(new) > len(self._spare):
            wider = max(width * 3 // 2, width + len(new))
            self._blocks.widen(wider)
            self._spare = [*range(wider - 1, width - 1, -1), *self._spare]
        self._rows = self._rows | {name: self._spare.pop() for name in new}

    def _forget(self, names: Iterable[str]) -> None:
        """Take the row from each of these resources that is 0 everywhere, so that another may have it."""
        changing = self._blocks.changing()
        gone = {name for name in names if not changing[self._rows[name]]}
        if gone:
            self._spare += [self._rows[name] for name in gone]
            self._rows = {name: row for name, row in self._rows.items() if name not in gone}

    # ---- questions

    def at(self, instant: int) -> Snapshot:
        """Return everything at an instant."""
        return Snapshot(self._rows, self._blocks.at(instant))

    def available_at(self, instant: int) -> dict[str, int]:
        """Return the headroom of each resource at an instant; negative where overdrawn."""
        return self.at(instant).headroom

    def available_during(self, window: Window) -> dict[str, int]:
        """Return the least headroom of each resource over the window; negative where overdrawn."""
        found = self._blocks.lowest(*checked(window), HEADROOM)
        return {name: found[row] for name, row in self._rows.items()}

    def over(self, window: Window) -> Snapshot:
        """Return the extremes over the window: minima of total and headroom, maxima of reserved and usage."""
        return Snapshot(self._rows, extremes(self._blocks, *checked(window), LEAST))

    def extreme(self, window: Window, metric: str, resource: str, *, most: bool) -> int:
        """Return the most, or the least, of a metric (also "available", "overdrawn") of a resource over the window."""
        row = self._rows.get(resource)
        return 0 if row is None else extreme(self._blocks, checked(window), (metric, row), most=most)

    def fits(self, window: Window, request: Capacity) -> bool:
        """Tell whether the headroom covers the request at every instant of the window; amounts <= 0 ask for nothing."""
        start, end = checked(window)
        rows = self._rows
        need: list[tuple[int, int]] = []
        for name, amount in request.items():
            if amount > 0:
                if name not in rows:
                    return False
                need.append((rows[name], amount))
        floor = self._blocks.floor(start, end, HEADROOM)
        if floor is not None and covers(floor, need):
            return True
        return covers(self._blocks.lowest(start, end, HEADROOM), need)

    def shortfalls(self, window: Window, request: Capacity) -> list[Shortfall]:
        """Return for each resource that is short how much is available, and the first interval in which it is least."""
        start, end = checked(window)
        least = self._blocks.lowest(start, end, HEADROOM)
        short: list[Shortfall] = []
        for name, amount in request.items():
            row = self._rows.get(name)
            available = 0 if row is None else max(0, least[row])
            if amount <= available:
                continue
            begin, finish = start, end
            if row is not None:
                begin = first_instant(self._blocks, row, available, (start, end), above=False)
                finish = first_instant(self._blocks, row, available, (begin, end), above=True)
            short.append(Shortfall(name, amount, available, begin, finish))
        return short

    def overdrawn_during(self, window: Window, resources: Collection[str] | None = None) -> list[Window]:
        """Return the maximal intervals of the window in which any of the resources (default: all) is overdrawn."""
        start, end = checked(window)
        need = np.full((self._blocks.width, 1), UNASKED, np.int64)
        need[[row for name, row in self._rows.items() if resources is None or name in resources]] = 0
        sound = Openings(self._blocks, need, (start, end), 1).find(FOREVER)
        edges = [start, *(edge for opening in sound for edge in opening), end]
        return [Window(since, until) for since, until in zip(edges[::2], edges[1::2], strict=True) if since < until]

    def earliest(
        self, request: Capacity, duration: int, start: int, latest: int | None = None, limit: int | None = None
    ) -> list[Opening]:
        """Return the first `limit` runs of starts s in start..latest such that the request fits in [s, s + duration).

        `duration` FOREVER asks for an open window, of which there is one run at most.

        Raises:
            ValueError: the duration is not positive, or the start beyond all time.
        """
        checked(Window(start, FOREVER))
        if duration <= 0:
            raise ValueError(f"a duration is at least one second, not {duration}")
        last = FOREVER if latest is None else min(latest, FOREVER)
        need = np.full((self._blocks.width, 1), UNASKED, np.int64)
        for name, amount in request.items():
            if amount > 0:
                if name not in self._rows:
                    return []
                need[self._rows[name]] = min(amount, -UNASKED)
        if last < start:
            return []
        window = start, min(FOREVER, last + duration)
        found = Openings(self._blocks, need, window, duration).find(FOREVER if limit is None else limit)
        return [
            Opening(since, last if until >= FOREVER else until - duration) for since, until in found if since <= last
        ]

    def series(
        self,
        window: Window,
        *,
        resources: Collection[str] | None = None,
        metrics: Collection[str] = PLANES,
        resolution: int | None = None,
        limit: int | None = None,
    ) -> Iterator[tuple[int, Snapshot]]:
        """Yield the course over the window: (instant, what holds from there on), the first at the window's start.

        Without resolution, the further instants are those at which an asked metric (also "available", "overdrawn")
        of an asked resource changes. With it, they are resolution seconds apart and carry the extremes (see
        Snapshot) until the next; of an open window the last is the first after which nothing changes any more.
        At most `limit` come: to read on, ask for one more than wanted, and begin the next window where that one is.

        Raises:
            ValueError: the resolution is not positive, or a metric is not one.
            RuntimeError: the timeline was changed while the series was being read.
        """
        start, end = checked(window)
        rows = self._rows if resources is None else {name: row for name, row in self._rows.items() if name in resources}
        if resolution is None:
            course = change_points(self._blocks, start, end, self._asked(list(rows.values()), metrics))
        elif resolution > 0:
            course = buckets(self._blocks, start, end, resolution, LEAST)
        else:
            raise ValueError(f"a resolution is at least one second, not {resolution}")
        return islice(self._read(course, rows), limit)

    def _asked(self, rows: list[int], metrics: Collection[str]) -> Callable[[Matrix], Matrix]:
        """Return the function that takes from the levels of all rows those of some metrics and resources."""
        if strange := set(metrics).difference(PLANES, CLIPPED):
            raise ValueError(f"there is no metric {', '.join(sorted(strange))}")
        width = self._blocks.width
        plain = [PLANES.index(metric) * width + row for metric in metrics if metric not in CLIPPED for row in rows]
        clips = [CLIPPED[metric] for metric in metrics if metric in CLIPPED]
        return lambda levels: np.concatenate([levels[plain], *(clip(levels[rows], 0) for clip in clips)])

    def _read(self, course: Iterator[tuple[int, list[int]]], rows: Mapping[str, int]) -> Iterator[tuple[int, Snapshot]]:
        version = self._version
        for instant, values in course:
            yield instant, Snapshot(rows, values)
            if self._version != version:
                raise RuntimeError("the timeline was changed while a series of it was being read")

    # ---- comparing

    def canonical(self) -> dict[str, dict[str, list[tuple[int, int]]]]:
        """Return for each resource and metric the (instant, level) where it changes; equal for equal functions."""
        times, changes = self._blocks.changes()
        return {
            name: {
                metric: list(zip(times[at].tolist(), np.cumsum(held[at]).tolist(), strict=True))
                for metric, held in zip(PLANES, changes.T[row :: self._blocks.width], strict=True)
                for at in [np.flatnonzero(held)]
            }
            for name, row in sorted(self._rows.items())
        }

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Timeline):
            return NotImplemented
        return self.canonical() == other.canonical()

    __hash__ = None  # type: ignore[assignment]


def checked(window: Window) -> Window:
    """Return the window if it holds an instant and lies within what the timeline can tell.

    Raises:
        ValueError: it does not.
    """
    start, end = window
    if type(start) is not int or type(end) is not int or not -FOREVER < start < end <= FOREVER:
        raise ValueError(f"a window has start < end <= FOREVER, in whole seconds, not [{start}, {end})")
    return window


def covers(levels: list[int], need: Iterable[tuple[int, int]]) -> bool:
    """Tell whether every row has the amount that is needed of it."""
    return all(levels[row] >= amount for row, amount in need)


def check(capacity: Capacity) -> None:
    """Let amounts pass that can be counted.

    Raises:
        ValueError: one is no int, or larger than LARGEST.
    """
    for name, amount in capacity.items():
        if type(amount) is not int or not -LARGEST <= amount <= LARGEST:
            raise ValueError(f"the amount of {name} is an int of at most {LARGEST}, not {amount!r}")
