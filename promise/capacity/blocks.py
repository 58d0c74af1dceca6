"""Step functions over time in blocks of breakpoints: every change touches two blocks, every search skips whole ones.

A `Blocks` holds `planes` x `width` rows (one step function each) over one common, sorted set of breakpoints. A
breakpoint stands where at least one row changes; before the first one every row is 0.

    block b      times[b]    n instants, ascending             firsts[b] = times[b][0]
                 levels[b]   rows x n: the level from each instant on, relative to base[:, b]
    index        base[:, b]  the level just before the block: the sum of all earlier changes
                 lows[:, b], highs[:, b]   least and greatest relative level in the block, refreshed when asked for

So a change on [start, end) adds to a slice of the blocks of start and end, and to the base of the blocks between;
extremes over a window come from two slices and the index; a search looks into those blocks alone that the index cannot
decide. Plane p owns the rows [p * width, (p + 1) * width).

All values are exact while the variation of a row (the sum of the absolute changes at its breakpoints) stays within
`BOUND`; `add` refuses to go beyond.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Final

import numpy as np

from promise.resources import FOREVER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Matrix = NDArray[np.int64]

SIZE: Final = 256
"""Breakpoints for which a block has room; measured best between 128 and 512 for 8 resources."""

BOUND: Final = 1 << 62
"""Largest variation of a row; levels and their differences then fit in 64 bits."""


class Blocks:
    """`planes` x `width` integer step functions of time, in blocks of `size` breakpoints; see the head of this module.

    A block with more than size - 2 breakpoints is halved, as one change may bring two; one with less than a quarter is
    joined to a neighbour when both together fill no more than half.
    """

    def __init__(self, planes: int, width: int, size: int = SIZE) -> None:
        self.size = size
        self.planes = planes
        self.width = width
        self.firsts: list[int] = []
        self.times: list[array[int]] = []
        self.levels: list[Matrix] = []
        self.variation = [0] * (planes * width)
        self._peak = 0
        self._index: Matrix = np.zeros((3, planes * width, 4), np.int64)
        self.base, self.lows, self.highs = self._index
        self._stale: list[set[int]] = [set() for _ in range(planes)]

    def __len__(self) -> int:
        return sum(map(len, self.times))

    def rows(self, plane: int) -> slice:
        """Return the rows that belong to a plane."""
        return slice(plane * self.width, (plane + 1) * self.width)

    # ---- changes

    def add(self, start: int, end: int, terms: Sequence[tuple[int, int]]) -> bool:
        """Add `amount` to `row` over [start, end) for each (row, amount), amount != 0; each row at most once.

        Returns whether a breakpoint was met that stood there before, which is when rows may have become flat.

        Raises:
            OverflowError: a row's variation would exceed BOUND; nothing is changed.
        """
        self._guard(terms)
        delta = np.zeros((self.planes * self.width, 1), np.int64)
        for row, amount in terms:
            delta[row, 0] = amount
        top = (terms[-1][0] // self.width + 1) * self.width
        first = self._block(start)
        i, met_start = self._mark(first, start)
        if end < FOREVER:
            last = self._block(end)
            j, met_end = self._mark(last, end)
        else:
            last, j, met_end = len(self.firsts) - 1, len(self.times[-1]), False
        self._raise(first, i, last, j, delta[:top])
        for plane in {row // self.width for row, _ in terms}:
            self._stale[plane] |= {first, last}
        if end < FOREVER:
            self._settle(last, j, met_end, [(row, -amount) for row, amount in terms])
        self._settle(first, i, met_start, terms)
        self._balance(last)
        if first != last:
            self._balance(first)
        return met_start or met_end

    def _guard(self, terms: Sequence[tuple[int, int]]) -> None:
        """Refuse a change after which 64 bits might not do; `_peak` is never less than the largest variation."""
        growth = 2 * max(abs(amount) for _, amount in terms)
        if self._peak + growth > BOUND:
            self._peak = max(self.variation)
            if self._peak + growth > BOUND:
                raise OverflowError(f"sum of changes beyond {BOUND}")
        self._peak += growth

    def _block(self, instant: int) -> int:
        """Return the block that holds or would hold a breakpoint at the instant; makes the first one."""
        if not self.firsts:
            self._insert(0, array("q"), np.zeros((self.planes * self.width, self.size), np.int64))
        return max(0, bisect_right(self.firsts, instant) - 1)

    def _mark(self, b: int, instant: int) -> tuple[int, bool]:
        """Make sure that block b has a breakpoint at the instant; return its place and whether it was there."""
        times, levels = self.times[b], self.levels[b]
        i, n = bisect_left(times, instant), len(times)
        if i < n and times[i] == instant:
            return i, True
        if i < n:
            levels[:, i + 1 : n + 1] = levels[:, i:n]
        if i:
            levels[:, i] = levels[:, i - 1]
        else:  # only ever before everything else: nowhere else does an instant lie before its block
            levels[:, 0] = 0
            self.firsts[b] = instant
            self._spoil(b)
        times.insert(i, instant)
        return i, False

    def _raise(self, first: int, i: int, last: int, j: int, delta: Matrix) -> None:
        """Add delta to the levels from place i of block `first` to place j of block `last`."""
        top = len(delta)
        if first == last:
            self.levels[first][:top, i:j] += delta
            return
        self.levels[first][:top, i : len(self.times[first])] += delta
        self.levels[last][:top, j : len(self.times[last])] -= delta
        self.base[:top, first + 1 : last + 1] += delta

    def _settle(self, b: int, i: int, met: bool, terms: Sequence[tuple[int, int]]) -> None:
        """Keep `variation` after the breakpoint changed by terms; drop the breakpoint if nothing changes there now."""
        variation = self.variation
        if not met:
            for row, amount in terms:
                variation[row] += abs(amount)
            return
        levels = self.levels[b]
        change = (levels[:, i] - levels[:, i - 1] if i else levels[:, 0]).tolist()
        for row, amount in terms:
            now = change[row]
            variation[row] += abs(now) - abs(now - amount)
        if not any(change):
            self._drop(b, i)

    def _drop(self, b: int, i: int) -> None:
        times, levels = self.times[b], self.levels[b]
        n = len(times)
        levels[:, i : n - 1] = levels[:, i + 1 : n]
        del times[i]
        if not i and times:
            self.firsts[b] = times[0]
        self._spoil(b)

    # ---- blocks

    def _spoil(self, b: int) -> None:
        for stale in self._stale:
            stale.add(b)

    def refresh(self, plane: int) -> None:
        """Bring the lows and highs of a plane up to date."""
        stale = self._stale[plane]
        if not stale:
            return
        rows = self.rows(plane)
        for b in stale:
            levels = self.levels[b][rows, : len(self.times[b])]
            np.minimum.reduce(levels, 1, None, self.lows[rows, b])
            np.maximum.reduce(levels, 1, None, self.highs[rows, b])
        stale.clear()

    def _balance(self, b: int) -> None:
        """Halve a full block; join a sparse one to a neighbour; drop the last empty one."""
        n = len(self.times[b])
        if n > self.size - 2:
            self._split(b)
        elif 4 * n < self.size:
            neighbours = [a for a in (b - 1, b) if 0 <= a < len(self.firsts) - 1]
            for a in neighbours:
                if 2 * (len(self.times[a]) + len(self.times[a + 1])) <= self.size or not n:
                    self._join(a)
                    return
            if not n and not neighbours:
                self._delete(b)

    def _split(self, b: int) -> None:
        times, levels = self.times[b], self.levels[b]
        n, half = len(times), len(times) // 2
        before = levels[:, half - 1 : half].copy()
        right = np.zeros_like(levels)
        right[:, : n - half] = levels[:, half:n] - before
        self._insert(b + 1, times[half:], right)
        del times[half:]
        self.base[:, b + 1] = self.base[:, b] + before[:, 0]
        self._spoil(b)

    def _join(self, b: int) -> None:
        """Move what block b + 1 holds to the end of block b."""
        n, more = len(self.times[b]), len(self.times[b + 1])
        if more:
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
        self.firsts.insert(b, times[0] if times else 0)
        self.times.insert(b, times)
        self.levels.insert(b, levels)
        self._stale = [{a + (a >= b) for a in stale} for stale in self._stale]
        self._spoil(b)

    def _delete(self, b: int) -> None:
        n = len(self.firsts)
        self._index[:, :, b : n - 1] = self._index[:, :, b + 1 : n]
        del self.firsts[b], self.times[b], self.levels[b]
        self._stale = [{a - (a > b) for a in stale if a != b} for stale in self._stale]
        if 16 < 4 * n < self._index.shape[2]:
            self._resize(2 * n)

    def _resize(self, room: int) -> None:
        """Give the index room for that many blocks."""
        n = min(room, self._index.shape[2])
        index = np.zeros((3, self.planes * self.width, room), np.int64)
        index[:, :, :n] = self._index[:, :, :n]
        self._index = index
        self.base, self.lows, self.highs = index

    def widen(self, width: int) -> None:
        """Give each plane `width` rows (not fewer than it has), the new ones zero everywhere."""
        planes, old = self.planes, self.width

        def widened(matrix: Matrix) -> Matrix:
            wide = np.zeros((planes, width, matrix.shape[-1]), np.int64)
            wide[:, :old] = matrix.reshape(planes, old, -1)
            return wide.reshape(planes * width, -1)

        self.levels = [widened(levels) for levels in self.levels]
        self._index = np.stack([widened(matrix) for matrix in self._index])
        self.base, self.lows, self.highs = self._index
        held = self.variation
        self.variation = [held[p * old + row] if row < old else 0 for p in range(planes) for row in range(width)]
        self.width = width

    def load(self, times: Matrix, changes: Matrix) -> None:
        """Fill an empty structure: breakpoints ascending, and rows x breakpoints what changes at each (not all 0)."""
        self.variation = np.abs(changes).sum(axis=1).tolist()
        self._peak = max(self.variation, default=0)
        levels = changes.cumsum(axis=1)
        step = self.size * 3 // 4
        self._resize(max(4, 2 * (len(times) // step + 1)))
        for b, at in enumerate(range(0, len(times), step)):
            held = levels[:, at : at + step]
            if at:
                self.base[:, b] = levels[:, at - 1]
            block = np.zeros((len(levels), self.size), np.int64)
            block[:, : held.shape[1]] = held - self.base[:, b : b + 1]
            self.levels.append(block)
            self.times.append(array("q", times[at : at + step].tobytes()))
            self.firsts.append(int(times[at]))
            self._spoil(b)

    # ---- questions

    def at(self, instant: int) -> list[int]:
        """Return the level of every row at the instant."""
        b = bisect_right(self.firsts, instant) - 1
        if b < 0:
            return [0] * (self.planes * self.width)
        i = bisect_right(self.times[b], instant) - 1
        found: list[int] = (self.levels[b][:, i] + self.base[:, b]).tolist()
        return found

    def lowest(self, start: int, end: int, plane: int) -> list[int]:
        """Return the minimum of every row of the plane over [start, end)."""
        return self._extreme(np.minimum, self.lows, start, end, plane)

    def highest(self, start: int, end: int, plane: int) -> list[int]:
        """Return the maximum of every row of the plane over [start, end)."""
        return self._extreme(np.maximum, self.highs, start, end, plane)

    def _extreme(self, pick: np.ufunc, index: Matrix, start: int, end: int, plane: int) -> list[int]:
        rows, base, firsts = self.rows(plane), self.base, self.firsts
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
            self.refresh(plane)
            pick(found, pick.reduce(base[rows, b + 1 : last] + index[rows, b + 1 : last], 1), out=found)
        if first < 0:
            pick(found, 0, out=found)
        extremes: list[int] = found.tolist()
        return extremes

    def seek(self, row: int, level: int, start: int, *, above: bool) -> int:
        """Return the first instant from start on at which the row is above the level (or: at most it); else FOREVER."""
        b = bisect_right(self.firsts, start) - 1
        if b < 0:
            if (level < 0) == above:
                return start
            b = i = 0
        else:
            i = bisect_right(self.times[b], start) - 1
        self.refresh(row // self.width)
        bounds = self.base[row, b : len(self.firsts)] + (self.highs if above else self.lows)[row, b : len(self.firsts)]
        for k in (b + np.flatnonzero((bounds > level) == above)).tolist():
            after = i if k == b else 0
            held = self.levels[k][row, after : len(self.times[k])] > level - self.base[row, k]
            hits = np.flatnonzero(held == above)
            if hits.size:
                return max(start, self.times[k][after + int(hits[0])])
        return FOREVER

    def pieces(self, start: int, end: int) -> Iterator[tuple[list[int], Matrix]]:
        """Yield the change points in [start, end), clipped, a block at a time: n instants, and rows x n levels.

        The first instant is start, whether or not something changes there.
        """
        instant = start
        while instant < end:
            b = bisect_right(self.firsts, instant) - 1
            if b < 0:
                yield [instant], np.zeros((self.planes * self.width, 1), np.int64)
            else:
                times = self.times[b]
                i, j = bisect_right(times, instant) - 1, bisect_left(times, end)
                yield [instant, *times[i + 1 : j]], self.levels[b][:, i:j] + self.base[:, b : b + 1]
            instant = self.firsts[b + 1] if b + 1 < len(self.firsts) else end
