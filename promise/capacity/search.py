"""Searches along the timeline, from left to right, that look into as few blocks as they can."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Final

import numpy as np

from promise.resources import FOREVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from promise.capacity.blocks import Blocks, Matrix

STRIDE: Final = 32
"""Blocks whose index is read at first; then four times as many each time."""


def strides(start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges, ever longer, in which blocks start..stop are looked through."""
    stride = STRIDE
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
    reaches FOREVER is of any duration. `find` may be called once.

    Per block the index tells that the need is met throughout (the block is *open*), or at no instant (*shut*); others
    are *mixed*. An opening lies inside one mixed block, or begins in or after one that is not open, runs through open
    ones, and ends in or before the next that is not. So two neighbours among those that are not open bound the length
    of what can lie between them, and only those are looked into between which there may be room enough.
    """

    def __init__(self, blocks: Blocks, need: Matrix, window: tuple[int, int], duration: int) -> None:
        self._blocks = blocks
        self._need = need
        self._start, self._end = window
        self._duration = duration
        self._since: int | None = None  # where the opening began in which we are
        self._found: list[tuple[int, int]] = []

    def find(self, limit: int) -> list[tuple[int, int]]:
        """Return the first `limit` openings as (start, end), clipped to the window."""
        firsts = self._blocks.firsts
        stop = bisect_left(firsts, self._end)
        b = bisect_right(firsts, self._start) - 1
        if b < 0 and (self._need <= 0).all():
            self._since = self._start
        last = max(b, 0)
        if stop:
            self._look_into(last, bisect_right(self._blocks.times[last], self._start) - 1 if b >= 0 else 0)
        for at, beyond in strides(last + 1, stop):
            for k, shut, adjacent in self._obstacles(at, beyond):
                if len(self._found) >= limit:
                    return self._found[:limit]
                if not adjacent:
                    self._since = None  # not long enough, or its neighbour would have been here
                elif self._since is None and last + 1 < k:
                    self._since = firsts[last + 1]
                if shut:
                    self._close(firsts[k])
                else:
                    self._look_into(k, 0)
                last = k
        if self._since is None and last + 1 < stop:
            self._since = firsts[last + 1]
        self._close(self._end)
        return self._found[:limit]

    def _close(self, instant: int) -> None:
        """End the opening in which we are."""
        if self._since is not None and (instant - self._since >= self._duration or instant >= FOREVER):
            self._found.append((self._since, instant))
        self._since = None

    def _look_into(self, b: int, i: int) -> None:
        """Go through the breakpoints of a block, from place i on."""
        blocks, rows = self._blocks, self._blocks.rows[0]
        j = bisect_left(blocks.times[b], self._end)
        levels = blocks.levels[b][rows, i:j]
        met = np.logical_and.reduce(levels >= self._need - blocks.base[rows, b, None], axis=0)
        times = np.array(blocks.times[b][i:j], np.int64)
        if met[0] != (self._since is not None):
            if met[0]:
                self._since = max(self._start, int(times[0]))
            else:
                self._close(int(times[0]))
        flips = times[1:][met[1:] != met[:-1]]
        if self._since is not None and flips.size:
            self._close(int(flips[0]))
            flips = flips[1:]
        begins, ends = flips[::2], flips[1::2]
        for k in (ends - begins[: len(ends)] >= self._duration).nonzero()[0].tolist():
            self._found.append((int(begins[k]), int(ends[k])))
        if len(begins) > len(ends):
            self._since = int(begins[-1])

    def _obstacles(self, at: int, stop: int) -> Iterator[tuple[int, bool, bool]]:
        """Yield of the blocks at..stop those that are not open and matter: (block, shut, next to the one before).

        One matters when there may be room enough between it and a neighbour among them.
        """
        blocks, rows, need = self._blocks, self._blocks.rows[0], self._need
        blocks.refresh(0, at, stop)
        base = blocks.base[rows, at:stop]
        obstacles = np.logical_or.reduce(base + blocks.lows[rows, at:stop] < need, axis=0).nonzero()[0]
        if not obstacles.size:
            return iter(())
        peaks = base + blocks.highs[rows, at:stop]
        shut: NDArray[np.bool_] = np.logical_or.reduce(peaks[:, obstacles] < need, axis=0)
        edges = np.array([*blocks.firsts[at : stop + 1], FOREVER], np.int64)
        begin, finish = edges[obstacles], edges[obstacles + 1]
        room = np.where(shut, begin, finish)[1:] - np.where(shut, finish, begin)[:-1]
        wide = np.ones(len(obstacles) + 1, np.bool_)  # how much there is beyond both ends is not known
        wide[1:-1] = (room >= self._duration) | (finish[1:] == FOREVER)
        chosen = (wide[1:] | wide[:-1]).nonzero()[0]
        adjacent = [True, *(chosen[1:] - chosen[:-1] == 1).tolist()]
        return zip((obstacles[chosen] + at).tolist(), shut[chosen].tolist(), adjacent, strict=True)
