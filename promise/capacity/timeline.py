"""The timeline of a scope: total, reserved and usage as step functions of time, and what follows from them.

Every contribution (a pool, a claim, an allocation, loose usage) adds amounts to one or more of the three metrics over
a half-open window; `remove` is its exact inverse. headroom = total - reserved - usage is kept beside them, as all
admission asks for it; available = max(0, headroom), overdrawn = max(0, -headroom) (design section 4).

    timeline = Timeline()
    timeline.add(Window(0, FOREVER), total={"cores": 100})
    timeline.add(Window(60, 120), reserved={"cores": 30})
    timeline.add(Window(60, 90), reserved={"cores": -2}, usage={"cores": 2})     # an instance of that reservation
    timeline.fits(Window(0, 90), {"cores": 70})                 -> True
    timeline.at(60).usage                                       -> {"cores": 2}
    timeline.available_at(60)                                   -> {"cores": 70}
    timeline.available_during(Window(0, 90))                    -> {"cores": 70}
    timeline.over(Window(0, 90))                                -> Snapshot of the extremes
    timeline.shortfalls(Window(0, 90), {"cores": 80})           -> [Shortfall("cores", 80, 70, start=60, end=90)]
    timeline.earliest({"cores": 80}, duration=50, start=0)      -> [Opening(0, 10), Opening(120, FOREVER)]
    list(timeline.series(Window(0, FOREVER)))                   -> [(0, Snapshot), (60, Snapshot), ...]
    with timeline.lifted([(Window(60, 120), {"reserved": {"cores": 30}})]):
        ...                                                     # every question as if that were not there
    Timeline.build([(window, {"total": capacity}), ...])        # many at once

A resource is known while some metric of it changes at some instant; an unknown one is 0 everywhere and absent from
answers. All is exact: integers, |amount| <= resources.LARGEST, and the absolute changes of a metric may sum to 2**62
(1.1 million contributions of the largest amount that all stand at once); beyond, `add` raises OverflowError. Nothing is
changed by a call that raises. Not for use from several threads.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import numpy as np

from promise.capacity.blocks import SIZE, Blocks
from promise.capacity.openings import Openings
from promise.capacity.series import buckets, change_points, extremes
from promise.resources import FOREVER, LARGEST, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from promise.capacity.blocks import Matrix

    Capacity: TypeAlias = Mapping[str, int]
    Contribution: TypeAlias = tuple[Window, Mapping[str, Capacity]]

PLANES: Final = ("headroom", "reserved", "usage", "total")
"""The step functions kept of each resource; ascending, as `Blocks.add` wants its terms."""

HEADROOM, RESERVED, USAGE, TOTAL = range(4)

LEAST: Final = (HEADROOM, TOTAL)
"""Those whose minimum over a window is told; of the others, the maximum."""

CLIPPED: Final = {"available": np.maximum, "overdrawn": np.minimum}
"""The metrics that change only where headroom does on one side of 0."""

NOTHING: Final[Mapping[str, int]] = {}
UNASKED: Final = -(1 << 62)


class Snapshot:
    """What there is at an instant, per known resource; or, of a window, the extremes of each metric over it.

    Of a window: total and headroom (so available) at their minimum, reserved, usage and overdrawn at their maximum.
    """

    __slots__ = ("_rows", "_values", "_width")

    def __init__(self, rows: Mapping[str, int], values: list[int]) -> None:
        self._rows = rows
        self._values = values
        self._width = len(values) // len(PLANES)

    def _plane(self, plane: int) -> dict[str, int]:
        offset, values = plane * self._width, self._values
        return {name: values[offset + row] for name, row in self._rows.items()}

    @property
    def headroom(self) -> dict[str, int]:
        """Total - reserved - usage, negative where overdrawn."""
        return self._plane(HEADROOM)

    @property
    def total(self) -> dict[str, int]:
        """What there is."""
        return self._plane(TOTAL)

    @property
    def reserved(self) -> dict[str, int]:
        """What is promised and not yet allocated."""
        return self._plane(RESERVED)

    @property
    def usage(self) -> dict[str, int]:
        """What is used, under a claim or loose."""
        return self._plane(USAGE)

    @property
    def available(self) -> dict[str, int]:
        """Headroom, where there is any."""
        return {name: max(0, amount) for name, amount in self.headroom.items()}

    @property
    def overdrawn(self) -> dict[str, int]:
        """By how much reserved and usage exceed total, where they do."""
        return {name: max(0, -amount) for name, amount in self.headroom.items()}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Snapshot):
            return NotImplemented
        return all(self._plane(plane) == other._plane(plane) for plane in range(len(PLANES)))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Snapshot(total={self.total}, reserved={self.reserved}, usage={self.usage}, headroom={self.headroom})"


class Shortfall(NamedTuple):
    """A resource of which too little is available, and [start, end), the first interval in which it is least."""

    resource: str
    requested: int
    available: int
    start: int
    end: int


class Opening(NamedTuple):
    """A maximal run of feasible starts: from `start` to `latest`, which is one too; FOREVER when there is no last."""

    start: int
    latest: int


class Timeline:
    """The step functions of one scope; see the head of this module."""

    def __init__(self, *, block_size: int = SIZE) -> None:
        self._blocks = Blocks(len(PLANES), 8, block_size)
        self._rows: dict[str, int] = {}  # replaced, never changed: snapshots hold on to it
        self._spare = list(range(7, -1, -1))
        self._version = 0

    @classmethod
    def build(cls, contributions: Iterable[Contribution]) -> Timeline:
        """Return the timeline of all these contributions; the same as adding one by one."""
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

    def add_many(self, contributions: Iterable[Contribution]) -> None:
        """Add many contributions, all or none; the same as adding one by one."""
        for window, amounts in contributions:
            self.add(window, **amounts)

    def remove(
        self, window: Window, *, total: Capacity = NOTHING, reserved: Capacity = NOTHING, usage: Capacity = NOTHING
    ) -> None:
        """Undo an `add` of the same arguments, exactly; raises as `add` does."""
        self._change(window, -1, total, reserved, usage)

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
        parts = [
            (plane, name, sign * amount)
            for plane, capacity in ((RESERVED, reserved), (USAGE, usage), (TOTAL, total))
            for name, amount in capacity.items()
            if within(name, amount)
        ]
        if not parts:
            return
        headroom: dict[str, int] = {}
        for plane, name, amount in parts:
            headroom[name] = headroom.get(name, 0) + (amount if plane == TOTAL else -amount)
        unknown = [name for name in headroom if name not in self._rows]
        if unknown:
            self._learn(unknown)
        rows, width = self._rows, self._blocks.width
        terms = [(rows[name], amount) for name, amount in headroom.items() if amount]
        terms += [(plane * width + rows[name], amount) for plane, name, amount in parts]
        self._version += 1
        met = False
        try:
            met = self._blocks.add(start, end, terms)
        finally:
            if met or unknown:
                self._forget(headroom)

    def _learn(self, names: list[str]) -> None:
        """Give each of these resources a row."""
        width = self._blocks.width
        if len(names) > len(self._spare):
            wider = max(width * 3 // 2, width + len(names))
            self._blocks.widen(wider)
            self._spare = [*range(wider - 1, width - 1, -1), *self._spare]
        self._rows = self._rows | {name: self._spare.pop() for name in names}

    def _forget(self, names: Iterable[str]) -> None:
        """Take the rows back of those that are 0 everywhere; such a row is fit for any other resource."""
        variation, width = self._blocks.variation, self._blocks.width
        gone = [name for name in names if not any(variation[self._rows[name] :: width])]
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
        start, end = checked(window)
        return Snapshot(self._rows, extremes(self._blocks, start, end, LEAST))

    def fits(self, window: Window, request: Capacity) -> bool:
        """Tell whether the headroom covers the request at every instant of the window; amounts <= 0 ask for nothing."""
        found = self._blocks.lowest(*checked(window), HEADROOM)
        rows = self._rows
        for name, amount in request.items():
            if amount > 0:
                row = rows.get(name)
                if row is None or found[row] < amount:
                    return False
        return True

    def shortfalls(self, window: Window, request: Capacity) -> list[Shortfall]:
        """Return of each resource that does not suffice how much is available, and where first so little."""
        start, end = checked(window)
        least = self.available_during(window)
        short: list[Shortfall] = []
        for name, amount in request.items():
            available = max(0, least.get(name, 0))
            if amount > available:
                row = self._rows.get(name)
                begin, finish = start, end
                if row is not None:
                    begin = self._blocks.seek(row, available, start, above=False)
                    finish = min(end, self._blocks.seek(row, available, begin, above=True))
                short.append(Shortfall(name, amount, available, begin, finish))
        return short

    def earliest(
        self, request: Capacity, duration: int, start: int, latest: int | None = None, limit: int | None = None
    ) -> list[Opening]:
        """Return the first `limit` runs of starts s in start..latest such that the request fits in [s, s + duration).

        `duration` FOREVER asks for an open window, of which there is one run at most.

        Raises:
            ValueError: the duration is not positive.
        """
        if duration <= 0:
            raise ValueError(f"a duration is at least one second, not {duration}")
        return list(islice(self._openings(request, duration, start, latest), limit))

    def _openings(self, request: Capacity, duration: int, start: int, latest: int | None) -> Iterator[Opening]:
        last = FOREVER if latest is None else latest
        asked = {name: amount for name, amount in request.items() if amount > 0}
        if last < start or not asked.keys() <= self._rows.keys():
            return
        need = np.full((self._blocks.width, 1), UNASKED, np.int64)
        for name, amount in asked.items():
            need[self._rows[name]] = min(amount, -UNASKED)
        end = min(FOREVER, last + duration)
        for since, until in Openings(self._blocks, need, (start, end), duration):
            if since > last:
                return
            yield Opening(since, last if until >= FOREVER else until - duration)

    def series(
        self,
        window: Window,
        *,
        resources: Collection[str] | None = None,
        metrics: Collection[str] = ("total", "reserved", "usage", "headroom"),
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

    def canonical(self) -> dict[str, dict[str, list[tuple[int, int]]]]:
        """Return of each resource and metric the (instant, level) where it changes: equal for equal functions."""
        found: dict[str, dict[str, list[tuple[int, int]]]] = {
            name: {metric: [] for metric in PLANES} for name in sorted(self._rows)
        }
        before = [0] * (len(PLANES) * self._blocks.width)
        for times, levels in self._blocks.pieces(-FOREVER, FOREVER):
            for instant, column in zip(times, levels.T.tolist(), strict=True):
                for name, row in self._rows.items():
                    for plane, metric in enumerate(PLANES):
                        at = plane * self._blocks.width + row
                        if column[at] != before[at]:
                            found[name][metric].append((instant, column[at]))
                before = column
        return found

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
    if not -FOREVER < start < end <= FOREVER:
        raise ValueError(f"a window has start < end <= FOREVER, not [{start}, {end})")
    return window


def within(name: str, amount: int) -> bool:
    """Tell whether the amount is one to count, that is not 0.

    Raises:
        ValueError: it is no int, or larger than LARGEST.
    """
    if type(amount) is not int:
        raise ValueError(f"the amount of {name} is an int, not {amount!r}")
    if not -LARGEST <= amount <= LARGEST:
        raise ValueError(f"the amount of {name} is at most {LARGEST}, not {amount}")
    return amount != 0
