"""Searches along the timeline, from left to right, that look into as few blocks as they can."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Final

import numpy as np

from promise.resources import FOREVER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from promise.capacity.blocks import Blocks, Matrix

MET, UNMET = np.array([True]), np.array([False])

ENDLESS: Final = 4 * FOREVER
"""Longer than from any instant to any other."""

BATCH: Final = 2
"""Blocks that are looked into before we first ask whether enough was found."""

STRIDE: Final = 128
"""Blocks whose index is read at first."""


def strides(start: int, stop: int, stride: int = STRIDE) -> Iterator[tuple[int, int]]:
    """Yield ranges, ever longer, that make up start..stop: the answer is often near, and else we hurry."""
    while start < stop:
        yield start, min(stop, start + stride)
        start, stride = start + stride, 4 * stride


def first_instant(blocks: Blocks, row: int, level: int, window: tuple[int, int], *, above: bool) -> int:
    """Return the first instant of the window at which the row is above the level (or: at most it); else its end."""
    start, end = window
    b = bisect_right(blocks.firsts, start) - 1
    if b < 0 and (level < 0) == above:
        return start
    entered, b = b, max(b, 0)
    bounds = blocks.highs if above else blocks.lows
    for at, stop in strides(b, bisect_left(blocks.firsts, end)):
        blocks.refresh(row // blocks.width, at, stop)
        promising = (blocks.base[row, at:stop] + bounds[row, at:stop] > level) == above
        for k in (promising.nonzero()[0] + at).tolist():
            times = blocks.times[k]
            i = bisect_right(times, start) - 1 if k == entered else 0
            hits = ((blocks.levels[k][row, i : len(times)] > level - blocks.base[row, k]) == above).nonzero()[0]
            if hits.size:
                found: int = times[i + int(hits[0])]
                return max(start, min(end, found))
    return end


class Openings:
    """The openings of a window: maximal intervals, of `duration` or more, in which a need is met.

    The need is a column with a row for each of the first plane: it is met where no level is below. An opening that
    reaches FOREVER is of any duration, and only such a one is of FOREVER. `find` may be called once.

    Per block the index tells that the need is met throughout (the block is *open*), or at no instant (*shut*); others
    are *mixed*. An opening lies inside one mixed block, or begins in or after one that is not open, runs through open
    ones, and ends in or before the next that is not. So two neighbours among those that are not open bound the length
    of what can lie between them, and only those are looked into between which there may be room enough.
    """

    def __init__(self, blocks: Blocks, need: Matrix, window: tuple[int, int], duration: int) -> None:
        self._blocks = blocks
        self._need = need
        self._start, self._end = window
        self._duration = duration if duration < FOREVER else ENDLESS
        self._entered = bisect_right(blocks.firsts, self._start) - 1
        self._last = -1  # the block come to so far
        self._since: int | None = None  # where the opening began in which we are there
        self._found: list[tuple[int, int]] = []

    def find(self, limit: int) -> list[tuple[int, int]]:
        """Return the first `limit` openings as (start, end), clipped to the window."""
        firsts = self._blocks.firsts
        stop = bisect_left(firsts, self._end)
        if self._entered < 0 and (self._need <= 0).all():
            self._since = self._start
        first = max(self._entered, 0)
        if self._duration == ENDLESS:
            first = self._last_obstacle(first, stop)
        waiting = [(first, False, True)] if stop else []
        self._last = first - 1
        for at, beyond in strides(first + 1, stop if self._duration < ENDLESS else first):
            waiting += self._obstacles(at, beyond)
            for begin, end in strides(0, len(waiting), BATCH):
                self._pass(waiting[begin:end])
                if len(self._found) >= limit:
                    return self._found[:limit]
            waiting = []
        self._pass(waiting)
        if self._since is None and self._last + 1 < stop:
            self._since = firsts[self._last + 1]
        if self._since is not None and (self._end - self._since >= self._duration or self._end >= FOREVER):
            self._found.append((self._since, self._end))
        return self._found[:limit]

    def _last_obstacle(self, first: int, stop: int) -> int:
        """Return the last of these blocks that is not open, where the only endless opening begins; else the first."""
        for at, beyond in strides(0, stop - first):
            low, high = stop - beyond, stop - at
            obstacles = self._not_open(low, high)
            if obstacles.size:
                return low + int(obstacles[-1])
        return first

    def _not_open(self, at: int, stop: int) -> NDArray[np.intp]:
        """Return which of the blocks at..stop are not open, counted from at."""
        blocks, rows = self._blocks, self._blocks.rows[0]
        blocks.refresh(0, at, stop)
        lows = blocks.base[rows, at:stop] + blocks.lows[rows, at:stop]
        found: NDArray[np.intp] = np.logical_or.reduce(lows < self._need, axis=0).nonzero()[0]
        return found

    def _obstacles(self, at: int, stop: int) -> Iterator[tuple[int, bool, bool]]:
        """Yield of the blocks at..stop those that are not open and matter: (block, shut, next to the one before).

        One matters when there may be room enough between it and a neighbour among them.
        """
        blocks, rows, obstacles = self._blocks, self._blocks.rows[0], self._not_open(at, stop)
        if not obstacles.size:
            return iter(())
        peaks = (blocks.base[rows, at:stop] + blocks.highs[rows, at:stop])[:, obstacles]
        shut: NDArray[np.bool_] = np.logical_or.reduce(peaks < self._need, axis=0)
        edges = np.array(blocks.firsts[at : stop + 1] + array("q", [FOREVER]))
        begin, finish = edges[obstacles], edges[obstacles + 1]
        mixed = (finish - begin) * ~shut
        wide = np.ones(len(obstacles) + 1, np.bool_)  # how much there is beyond both ends is not known
        np.greater_equal(begin[1:] - finish[:-1] + mixed[1:] + mixed[:-1], self._duration, out=wide[1:-1])
        chosen = (wide[1:] | wide[:-1]).nonzero()[0]
        adjacent = [True, *(chosen[1:] - chosen[:-1] == 1).tolist()]
        return zip((obstacles[chosen] + at).tolist(), shut[chosen].tolist(), adjacent, strict=True)

    def _pass(self, obstacles: Sequence[tuple[int, bool, bool]]) -> None:
        """Go on to the end of these blocks: a course of instants, and whether the need is met from each on."""
        instants, course = array("q"), []
        for k, shut, adjacent in obstacles:
            if k > self._last + 1:  # what lies between is open; or had no room, and what we are in cannot be an opening
                instants.append(self._blocks.firsts[self._last + 1])
                course.append(MET if adjacent else UNMET)
            if shut:
                instants.append(self._blocks.firsts[k])
                course.append(UNMET)
            else:
                times, met = self._look_into(k)
                instants.extend(times)
                course.append(met)
            self._last = k
        if course:
            self._collect(np.array(instants), np.concatenate(course))

    def _look_into(self, b: int) -> tuple[array[int], NDArray[np.bool_]]:
        """Return the instants of a block in the window, and whether the need is met from each on."""
        blocks, rows = self._blocks, self._blocks.rows[0]
        times = blocks.times[b]
        i, j = bisect_right(times, self._start) - 1 if b == self._entered else 0, bisect_left(times, self._end)
        held = times[i:j]
        held[0] = max(held[0], self._start)
        levels = blocks.levels[b][rows, i:j]
        return held, np.logical_and.reduce(levels >= self._need - blocks.base[rows, b, None], axis=0)

    def _collect(self, instants: Matrix, met: NDArray[np.bool_]) -> None:
        """Keep the openings that end in this course, and where the one began in which it ends."""
        flips = instants[met != np.concatenate([UNMET if self._since is None else MET, met[:-1]])]
        if self._since is not None:
            flips = np.concatenate([[self._since], flips])
        begins, ends = flips[::2], flips[1::2]
        for k in (ends - begins[: len(ends)] >= self._duration).nonzero()[0].tolist():
            self._found.append((int(begins[k]), int(ends[k])))
        self._since = int(begins[-1]) if len(begins) > len(ends) else None
