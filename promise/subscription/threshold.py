"""When a line of capacity is crossed and cleared, as time passes over a timeline that does not change; pure.

What is measured at a moment is the least (lower) or most (upper) of a column over [moment, moment + horizon), as far
as that lies in the window of the filter. It can only change when a step of the column leaves that interval on the left
or comes into it on the right, so only those moments are looked at. Where the interval is empty nothing is measured, and
the line stays as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from promise.resources import FOREVER, Window
from promise.subscription.model import ALWAYS

if TYPE_CHECKING:
    from promise.capacity.timeline import Timeline
    from promise.subscription.model import Threshold

STEPS: Final = 64
"""So many moments are looked at in one go."""


class Flip(NamedTuple):
    """At the moment `at` the line was crossed, or cleared, when `measured` was seen; over `seen` in the future.

    `seen` begins where the column is first as it was measured, and ends with the next change of the column.
    """

    at: int
    crossed: bool
    measured: int
    seen: Window


class Outlook(NamedTuple):
    """What will happen if the timeline stays: the flips, and the moment from which on nobody has looked, if any."""

    flips: tuple[Flip, ...]
    until: int | None


class Line:
    """A threshold over the timeline of one scope, within the window of a filter."""

    def __init__(self, threshold: Threshold, timeline: Timeline, within: Window = ALWAYS) -> None:
        self._threshold = threshold
        self._timeline = timeline
        self._within = within
        self._length = max(1, threshold.horizon)

    def measured(self, moment: int) -> int | None:
        """Return what is measured at a moment, None when the window of the filter is out of sight."""
        seen = self._seen(moment)
        return None if seen is None else self._extreme(seen)

    def outlook(self, moment: int, *, before: bool, steps: int = STEPS) -> Outlook:
        """Return how the line is crossed and cleared from a moment on, where it stood like `before`."""
        flips: list[Flip] = []
        at: int | None = moment
        for _ in range(steps):
            if at is None:
                break
            measured = self.measured(at)
            if measured is not None and self._threshold.beyond(measured, before=before) is not before:
                before = not before
                flips.append(Flip(at, before, measured, self._first(at, measured)))
            at = self._next(at)
        return Outlook(tuple(flips), at)

    def _seen(self, moment: int) -> Window | None:
        start = max(moment, self._within.start)
        end = min(moment + self._length, self._within.end)
        return Window(start, end) if start < end else None

    def _extreme(self, seen: Window) -> int:
        asked = self._threshold
        return self._timeline.extreme(seen, asked.metric, asked.resource, most=not asked.lower)

    def _next(self, moment: int) -> int | None:
        """Return the next moment at which something else may be measured, None when there is none."""
        seen = self._seen(moment)
        if seen is None:
            coming = self._within.start - self._length + 1
            return coming if coming > moment else None
        left = self._change(seen.start, seen.end)
        if left is None:
            left = self._change(seen.end - 1, FOREVER)
        found = [] if left is None or left >= self._within.end else [left]
        if seen.end < self._within.end:
            right = self._change(seen.end - 1, self._within.end)
            if right is not None:
                found.append(right - self._length + 1)
        return min(found, default=None)

    def _change(self, after: int, before: int) -> int | None:
        """Return the first instant later than `after`, and earlier than `before`, at which the column changes."""
        asked = self._threshold
        if after + 1 >= before:
            return None
        window, resources, metrics = Window(after, before), {asked.resource}, [asked.metric]
        steps = self._timeline.series(window, resources=resources, metrics=metrics, limit=2)
        return next((instant for instant, _ in steps if instant > after), None)

    def _first(self, moment: int, measured: int) -> Window:
        """Return from when on the column is as it was measured, until it changes."""
        seen = self._seen(moment)
        assert seen is not None
        low, high = seen.start, seen.end - 1  # the first instant is in [low, high]
        while low < high:
            middle = (low + high) // 2
            if self._extreme(Window(seen.start, middle + 1)) == measured:
                high = middle
            else:
                low = middle + 1
        return Window(low, self._change(low, FOREVER) or FOREVER)
