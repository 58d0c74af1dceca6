"""Step functions over time in blocks of breakpoints: a change touches two blocks, a question skips whole ones.

A `Blocks` holds `planes` x `width` rows (one step function each) over one common, sorted set of breakpoints. A
breakpoint stands where at least one row changes; before the first one every row is 0. Plane p owns the rows
[p * width, (p + 1) * width).

    block b   times[b]    n instants, ascending; firsts[b] is the first of them
              levels[b]   rows x n: the level from each instant on, relative to base[:, b]
    index     base[:, b]  the level just before the block: the sum of all earlier changes
              lows[:, b], highs[:, b]   least and greatest relative level in the block, brought up to date when asked

So a change on [start, end) adds to a slice of the blocks of start and end, and to the base of the blocks between;
extremes over a window come from two slices and the index; a search looks only into blocks that the index cannot decide.

All is exact while the variation of each row (the sum of its absolute changes) stays within `BOUND`; `add` goes no
further.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Final

import numpy as np

from promise.resources import FOREVER, LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Matrix = NDArray[np.int64]

SIZE: Final = 256
"""Breakpoints for which a block has room."""

BOUND: Final = 1 << 62
"""Largest variation of a row: levels, and the differences between them, then fit in 64 bits."""

GROWTH: Final = 6 * LARGEST
"""By how much one change makes the variation of a row grow at most: its amount, of three metrics, comes and goes."""

MANY: Final = 3
"""With so many blocks in a window, their index alone is worth a first look."""

FEWEST: Final = 4
"""Blocks for which the index has room at least."""


class Blocks:
    """`planes` x `width` integer step functions of time, in blocks of up to `size` breakpoints.

    A block with more than size - 2 is halved, as one change may bring two; one with less than a quarter is joined to a
    neighbour when both together fill no more than half.
    """

    def __init__(self, planes: int, width: int, size: int = SIZE) -> None:
        self.planes = planes
        self.width = width
        self.size = size
        self.rows = [slice(plane * width, (plane + 1) * width) for plane in range(planes)]
        self.firsts = array("q")
        self.times: list[array[int]] = []
        self.levels: list[Matrix] = []
        self.variation: Matrix = np.zeros(planes * width, np.int64)
        self._peak = 0  # never less than any variation
        self._index: Matrix = np.zeros((3, planes * width, FEWEST), np.int64)
        self.base, self.lows, self.highs = self._index
        self._stale_lows = [bytearray() for _ in range(planes)]  # per block, whether its lows are out of date
        self._stale_highs = [bytearray() for _ in range(planes)]

    def __len__(self) -> int:
        return sum(map(len, self.times))

    # ---- changes

    def add(self, start: int, end: int, amounts: Sequence[int], planes: Sequence[int]) -> bool:
        """Add one amount per row over [start, end); only in `planes`, ascending, are there others than 0.

        Returns whether a breakpoint was met that stood there before, which is when a row may have become flat.

        Raises:
            OverflowError: the variation of a row would exceed BOUND; nothing is changed.
        """
        delta = np.array(amounts, np.int64)
        size = np.abs(delta)
        self._guard(start, end, delta)
        first = self._block(start)
        i, met_start = self._mark(first, start)
        if end < FOREVER:
            last = self._block(end)
            j, met_end = self._mark(last, end)
        else:
            last, met_end = len(self.firsts) - 1, False
            j = len(self.times[last])
        self._raise(first, i, last, j, delta[: (planes[-1] + 1) * self.width, None])
        for plane in planes:
            self._stale_lows[plane][first] = self._stale_lows[plane][last] = 1
            self._stale_highs[plane][first] = self._stale_highs[plane][last] = 1
        if end < FOREVER:
            self._settle(last, j, -delta if met_end else None, size)
        self._settle(first, i, delta if met_start else None, size)
        self._balance(last)
        if first != last:
            self._balance(first)
        return met_start or met_end

    def _guard(self, start: int, end: int, delta: Matrix) -> None:
        """Refuse a change that brings a variation beyond BOUND; worked out only when that is near."""
        self._peak += GROWTH
        if self._peak <= BOUND:
            return
        variation = self.variation.copy()
        for instant, change in ((start, delta), (end, -delta)):
            if instant < FOREVER:
                now = np.array(self.at(instant)) - np.array(self.at(instant - 1))
                variation += np.abs(now + change) - np.abs(now)
        self._peak = int(variation.max())
        if self._peak > BOUND:
            raise OverflowError(f"the changes of a metric would sum to more than {BOUND}")

    def _block(self, instant: int) -> int:
        """Return the block that holds or would hold a breakpoint at the instant; makes the first one."""
        if not self.firsts:
            self._insert(0, array("q"), np.zeros((len(self.variation), self.size), np.int64))
        return max(0, bisect_right(self.firsts, instant) - 1)

    def _mark(self, b: int, instant: int) -> tuple[int, bool]:
        """Make sure that block b has a breakpoint at the instant; return its place and whether it was there."""
        times, levels = self.times[b], self.levels[b]
        i, n = bisect_left(times, instant), len(times)
        if i < n:
            if times[i] == instant:
                return i, True
            levels[:, i + 1 : n + 1] = levels[:, i:n]
        if i:
            levels[:, i] = levels[:, i - 1]
        else:  # before all others: nowhere else does an instant lie before its block
            levels[:, 0] = 0
            self.firsts[b] = instant
            self._spoil(b)
        times.insert(i, instant)
        return i, False

    def _raise(self, first: int, i: int, last: int, j: int, delta: Matrix) -> None:
        """Add delta to the levels from place i of block `first` to place j of block `last`."""
        top = len(delta)
        held = self.levels[first]
        if first == last:
            part = held[:top, i:j]
            np.add(part, delta, part)
            return
        part = held[:top, i : len(self.times[first])]
        np.add(part, delta, part)
        part = self.levels[last][:top, j : len(self.times[last])]
        np.subtract(part, delta, part)
        part = self.base[:top, first + 1 : last + 1]
        np.add(part, delta, part)

    def _settle(self, b: int, i: int, delta: Matrix | None, size: Matrix) -> None:
        """Count the variation of a breakpoint: a new one, or by what an old one changed, dropped if it is flat now."""
        if delta is None:
            self.variation += size
            return
        levels = self.levels[b]
        now = levels[:, i] - levels[:, i - 1] if i else levels[:, 0]
        if now.any():
            self.variation += np.abs(now) - np.abs(now - delta)
        else:
            self.variation -= size
            self._drop(b, i)

    def _drop(self, b: int, i: int) -> None:
        times, levels = self.times[b], self.levels[b]
        n = len(times)
        levels[:, i : n - 1] = levels[:, i + 1 : n]
        del times[i]
        if not i:  # the block begins later now, where lows and highs may be others
            self.firsts[b] = times[0] if times else FOREVER
            self._spoil(b)

    # ---- blocks

    def _spoil(self, b: int) -> None:
        for stale in (*self._stale_lows, *self._stale_highs):
            stale[b] = 1

    def _balance(self, b: int) -> None:
        """Halve a full block; join a sparse one to a neighbour; delete the last empty one."""
        n, count = len(self.times[b]), len(self.firsts)
        if n > self.size - 2:
            self._split(b)
        elif 4 * n < self.size and count > 1:
            for a in (b - 1, b):
                if 0 <= a < count - 1:
                    both = len(self.times[a]) + len(self.times[a + 1])
                    if 2 * both <= self.size or not n:
                        self._join(a)
                        return
        elif not n:
            self._delete(b)

    def _split(self, b: int) -> None:
        times, levels = self.times[b], self.levels[b]
        n, half = len(times), len(times) // 2
        before = levels[:, half - 1 : half]
        right = np.zeros_like(levels)
        right[:, : n - half] = levels[:, half:n] - before
        self._insert(b + 1, times[half:], right)
        del times[half:]
        self.base[:, b + 1] = self.base[:, b] + before[:, 0]
        self._spoil(b)

    def _join(self, b: int) -> None:
        """Move what block b + 1 holds to the end of block b."""
        n, more = len(self.times[b]), len(self.times[b + 1])
        before = self.levels[b][:, n - 1 : n] if n else 0
        self.levels[b][:, n : n + more] = self.levels[b + 1][:, :more] + before
        self.times[b].extend(self.times[b + 1])
        self.firsts[b] = self.times[b][0]
        self._delete(b + 1)
        self._spoil(b)

    def _insert(self, b: int, times: array[int], levels: Matrix) -> None:
        n = len(self.firsts)
        if n == self._index.shape[2]:
            self._resize(2 * n)
        self._index[:, :, b + 1 : n + 1] = self._index[:, :, b:n]
        self._index[:, :, b] = 0
        self.firsts.insert(b, times[0] if times else FOREVER)
        self.times.insert(b, times)
        self.levels.insert(b, levels)
        for stale in (*self._stale_lows, *self._stale_highs):
            stale.insert(b, 1)

    def _delete(self, b: int) -> None:
        n = len(self.firsts)
        self._index[:, :, b : n - 1] = self._index[:, :, b + 1 : n]
        del self.firsts[b], self.times[b], self.levels[b]
        for stale in (*self._stale_lows, *self._stale_highs):
            del stale[b]
        if 4 * n < self._index.shape[2]:
            self._resize(max(FEWEST, 2 * n))

    def _resize(self, room: int) -> None:
        """Give the index room for that many blocks."""
        index = np.zeros((3, len(self.variation), room), np.int64)
        n = min(room, self._index.shape[2])
        index[:, :, :n] = self._index[:, :, :n]
        self._index = index
        self.base, self.lows, self.highs = index

    def widen(self, width: int) -> None:
        """Give each plane `width` rows, not fewer than it has; the new ones are 0 everywhere."""
        planes, old = self.planes, self.width

        def widened(matrix: Matrix) -> Matrix:
            wide = np.zeros((planes, width, matrix.shape[-1]), np.int64)
            wide[:, :old] = matrix.reshape(planes, old, -1)
            return wide.reshape(planes * width, -1)

        self.levels = [widened(levels) for levels in self.levels]
        self._index = np.stack([widened(matrix) for matrix in self._index])
        self.base, self.lows, self.highs = self._index
        self.variation = widened(self.variation[:, None])[:, 0].copy()
        self.rows = [slice(plane * width, (plane + 1) * width) for plane in range(planes)]
        self.width = width

    # ---- all at once

    def changes(self) -> tuple[Matrix, Matrix]:
        """Return all breakpoints, and breakpoints x rows by how much each row changes there."""
        times = np.array([instant for held in self.times for instant in held], np.int64)
        levels = np.concatenate([held.T for _, held in self.pieces(-FOREVER, FOREVER)])
        return times, levels[1:] - levels[:-1]

    def load(self, times: Matrix, changes: Matrix) -> None:
        """Become what these changes say: breakpoints x rows, not all 0 at any. Takes `changes` over."""
        count, step = len(times), self.size * 3 // 4
        for at in range(0, count, step):
            self.variation += np.abs(changes[at : at + step]).sum(axis=0)
        self._peak = int(self.variation.max())
        levels = np.cumsum(changes, axis=0, out=changes)
        self._resize(max(FEWEST, 2 * (count // step + 1)))
        for b, at in enumerate(range(0, count, step)):
            held = levels[at : at + step].T
            if at:
                self.base[:, b] = levels[at - 1]
            block = np.zeros((len(held), self.size), np.int64)
            np.subtract(held, self.base[:, b, None], out=block[:, : held.shape[1]])
            self.levels.append(block)
            self.times.append(array("q", times[at : at + step].tobytes()))
            self.firsts.append(int(times[at]))
        for plane in range(self.planes):
            self._stale_lows[plane] = bytearray([1]) * len(self.firsts)
            self._stale_highs[plane] = bytearray([1]) * len(self.firsts)
            self.refresh(plane, 0, len(self.firsts))

    # ---- questions

    def refresh(self, plane: int, start: int, stop: int) -> None:
        """Bring the lows and highs of the blocks start..stop up to date."""
        self._refresh(np.minimum, self.lows, self._stale_lows[plane], self.rows[plane], start, stop)
        self._refresh(np.maximum, self.highs, self._stale_highs[plane], self.rows[plane], start, stop)

    def _refresh(self, pick: np.ufunc, index: Matrix, stale: bytearray, rows: slice, start: int, stop: int) -> None:
        b = stale.find(1, start, stop)
        while b >= 0:
            pick.reduce(self.levels[b][rows, : len(self.times[b])], 1, None, index[rows, b])
            stale[b] = 0
            b = stale.find(1, b + 1, stop)

    def changing(self) -> list[bool]:
        """Tell of each row of a plane whether it, or one like it in another plane, changes at all."""
        found: list[bool] = np.logical_or.reduce(self.variation.reshape(self.planes, -1)).tolist()
        return found

    def at(self, instant: int) -> list[int]:
        """Return the level of every row at the instant."""
        b = bisect_right(self.firsts, instant) - 1
        if b < 0:
            return [0] * len(self.variation)
        i = bisect_right(self.times[b], instant) - 1
        found: list[int] = (self.levels[b][:, i] + self.base[:, b]).tolist()
        return found

    def lowest(self, start: int, end: int, plane: int) -> list[int]:
        """Return the minimum of every row of the plane over [start, end)."""
        return self._extreme(np.minimum, self.lows, self._stale_lows[plane], self.rows[plane], start, end)

    def highest(self, start: int, end: int, plane: int) -> list[int]:
        """Return the maximum of every row of the plane over [start, end)."""
        return self._extreme(np.maximum, self.highs, self._stale_highs[plane], self.rows[plane], start, end)

    def floor(self, start: int, end: int, plane: int) -> list[int] | None:
        """Return for every row of the plane a level that it is nowhere below in [start, end): often the lowest.

        It is the minimum over whole blocks; None where there are so few that the lowest costs no more.
        """
        first, last = bisect_right(self.firsts, start) - 1, bisect_left(self.firsts, end)
        if first < 0 or last - first < MANY:
            return None
        rows = self.rows[plane]
        self._refresh(np.minimum, self.lows, self._stale_lows[plane], rows, first, last)
        found: list[int] = np.minimum.reduce(self.base[rows, first:last] + self.lows[rows, first:last], 1).tolist()
        return found

    def _extreme(self, pick: np.ufunc, index: Matrix, stale: bytearray, rows: slice, start: int, end: int) -> list[int]:
        base, firsts = self.base, self.firsts
        first, last = bisect_right(firsts, start) - 1, bisect_left(firsts, end) - 1
        if last < 0:
            return [0] * self.width
        i = bisect_right(self.times[first], start) - 1 if first >= 0 else 0
        b = max(first, 0)
        j = bisect_left(self.times[last], end)
        stop = j if b == last else len(self.times[b])
        found = pick.reduce(self.levels[b][rows, i:stop], 1) + base[rows, b]
        if last > b:
            pick(found, pick.reduce(self.levels[last][rows, :j], 1) + base[rows, last], out=found)
        if last > b + 1:
            self._refresh(pick, index, stale, rows, b + 1, last)
            pick(found, pick.reduce(base[rows, b + 1 : last] + index[rows, b + 1 : last], 1), out=found)
        if first < 0:
            pick(found, 0, out=found)
        extremes: list[int] = found.tolist()
        return extremes

    def pieces(self, start: int, end: int) -> Iterator[tuple[Matrix, Matrix]]:
        """Yield the breakpoints in [start, end), a block at a time: n instants, and rows x n levels.

        The first instant is start, whether or not something changes there.
        """
        instant = start
        while instant < end:
            b = bisect_right(self.firsts, instant) - 1
            if b < 0:
                yield np.array([instant], np.int64), np.zeros((len(self.variation), 1), np.int64)
            else:
                i, j = bisect_right(self.times[b], instant) - 1, bisect_left(self.times[b], end)
                times = np.array(self.times[b][i:j], np.int64)
                times[0] = instant
                yield times, self.levels[b][:, i:j] + self.base[:, b : b + 1]
            instant = self.firsts[b + 1] if b + 1 < len(self.firsts) else end
