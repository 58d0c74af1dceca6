"""Where a need is met for long enough: one walk from left to right that looks into as few blocks as it can.

Per block the index tells that the need is met throughout (*open*), or that at no instant it is (*shut*); the rest is
*mixed*. An opening, a maximal interval in which the need is met, lies inside one block that is not open, or begins in
one, runs through open blocks, and ends in the next that is not. So two neighbours among the blocks that are not open
bound the length of what can lie between them, and only those are looked into between which it may be long enough.
"""

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
"""Blocks whose index is read at first; four times as many each time after."""


class Openings:
    """The intervals of [start, end) of at least `duration` in which the first plane is nowhere below `need`.

    `need` has one column, and a row for each of the plane. An interval that reaches FOREVER is of any duration.
    Iterating yields (start, end) in order; each is maximal in [start, end).
    """

    def __init__(self, blocks: Blocks, need: Matrix, window: tuple[int, int], duration: int) -> None:
        self._blocks = blocks
        self._need = need
        self._start, self._end = window
        self._duration = duration
        self._since: int | None = None  # where the opening began that reaches the instant we have come to

    def __iter__(self) -> Iterator[tuple[int, int]]:
        firsts = self._blocks.firsts
        limit = bisect_left(firsts, self._end)
        b = bisect_right(firsts, self._start) - 1
        if b < 0 and (self._need <= 0).all():
            self._since = self._start
        if limit:
            first = max(b, 0)
            yield from self._inside(first, max(b, 0) == b)
            yield from self._beyond(first, limit)
        if self._since is not None and self._enough(self._since, self._end):
            yield self._since, self._end

    def _enough(self, since: int, until: int) -> bool:
        return until - since >= self._duration or until >= FOREVER

    def _inside(self, b: int, clipped: bool = False) -> Iterator[tuple[int, int]]:
        """Look into one block."""
        blocks = self._blocks
        times, rows = blocks.times[b], blocks.rows(0)
        i = bisect_right(times, self._start) - 1 if clipped else 0
        met = (blocks.levels[b][rows, i : len(times)] >= self._need - blocks.base[rows, b : b + 1]).all(axis=0)
        if met[0]:
            if self._since is None:
                self._since = max(self._start, times[i])
        else:
            yield from self._shut(times[i])
        for flip in (np.flatnonzero(met[1:] != met[:-1]) + i + 1).tolist():
            if times[flip] >= self._end:
                return
            if self._since is None:
                self._since = times[flip]
            else:
                yield from self._shut(times[flip])

    def _shut(self, instant: int) -> Iterator[tuple[int, int]]:
        """At the instant the need is not met."""
        since, self._since = self._since, None
        if since is not None and self._enough(since, instant):
            yield since, instant

    def _beyond(self, b: int, limit: int) -> Iterator[tuple[int, int]]:
        """Go through the blocks after b and before limit."""
        last, at, stride = b, b + 1, STRIDE
        while at < limit:
            stop = min(limit, at + stride)
            for k, shut, adjacent in self._obstacles(at, stop):
                if not adjacent:
                    self._since = None  # what began before could not have been long enough
                elif self._since is None and last + 1 < k:
                    self._since = self._blocks.firsts[last + 1]
                if shut:
                    yield from self._shut(self._blocks.firsts[k])
                else:
                    yield from self._inside(k)
                last = k
            at, stride = stop, stride * 4
        if self._since is None and last + 1 < limit:
            self._since = self._blocks.firsts[last + 1]

    def _obstacles(self, at: int, stop: int) -> list[tuple[int, bool, bool]]:
        """Return of the blocks at..stop those that are not open and matter: (block, shut, next to the one before).

        One matters when what may lie between it and a neighbour among them can be long enough.
        """
        blocks, rows = self._blocks, self._blocks.rows(0)
        blocks.refresh(0)
        base = blocks.base[rows, at:stop]
        obstacles = np.flatnonzero((base + blocks.lows[rows, at:stop] < self._need).any(axis=0))
        if not obstacles.size:
            return []
        shut: NDArray[np.bool_] = (base + blocks.highs[rows, at:stop] < self._need).any(axis=0)[obstacles]
        edges = np.array([*blocks.firsts[at : stop + 1], FOREVER], np.int64)
        begin, finish = edges[obstacles], edges[obstacles + 1]
        between = np.where(shut, begin, finish)[1:] - np.where(shut, finish, begin)[:-1]
        matters = np.ones(len(obstacles) + 1, np.bool_)  # what lies beyond both ends is not known
        matters[1:-1] = (between >= self._duration) | (finish[1:] == FOREVER)
        chosen = np.flatnonzero(matters[1:] | matters[:-1])
        adjacent = np.diff(chosen, prepend=-1) == 1
        return list(zip((obstacles[chosen] + at).tolist(), shut[chosen].tolist(), adjacent.tolist(), strict=True))
