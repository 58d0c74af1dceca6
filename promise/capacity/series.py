"""The course of step functions over a window: their change points, or their extremes per bucket of time."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

import numpy as np

from promise.capacity.snapshot import HEADROOM, PLANES
from promise.resources import FOREVER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from promise.capacity.blocks import Blocks, Matrix
    from promise.resources import Window

    Point = tuple[int, list[int]]

BUCKETS: Final = 64
"""Buckets made in one go."""

MANY: Final = 2
"""With more blocks than this in a bucket, skipping them is cheaper than reading all of them."""


def change_points(blocks: Blocks, start: int, end: int, asked: Callable[[Matrix], Matrix]) -> Iterator[Point]:
    """Yield start, and every later instant before end at which a row of asked(levels) changes, with all levels."""
    before: Matrix | None = None
    for times, levels in blocks.pieces(start, end):
        seen = asked(levels)
        if before is None:
            yield start, levels[:, 0].tolist()
            before = seen[:, :1]
        at = np.flatnonzero((seen != np.concatenate([before, seen[:, :-1]], axis=1)).any(axis=0))
        before = seen[:, -1:]
        yield from zip(times[at].tolist(), levels[:, at].T.tolist(), strict=True)


def extremes(blocks: Blocks, start: int, end: int, least: Collection[int]) -> list[int]:
    """Return the extreme of every row over [start, end): the minimum in the planes of `least`, else the maximum."""
    found: list[int] = []
    for plane in range(blocks.planes):
        found += (blocks.lowest if plane in least else blocks.highest)(start, end, plane)
    return found


def extreme(blocks: Blocks, window: Window, column: tuple[str, int], *, most: bool) -> int:
    """Return the most, or the least, of a metric (also "available", "overdrawn") of a row over the window."""
    metric, row = column
    if metric in PLANES:
        return (blocks.highest if most else blocks.lowest)(*window, PLANES.index(metric))[row]
    sign = -1 if metric == "overdrawn" else 1  # overdrawn is most where headroom is least
    found = (blocks.highest if most == (sign > 0) else blocks.lowest)(*window, HEADROOM)[row]
    return max(0, sign * found)


def buckets(blocks: Blocks, start: int, end: int, resolution: int, least: Collection[int]) -> Iterator[Point]:
    """Yield the starts of the buckets of `resolution` seconds in [start, end), each with the extremes over it.

    When end is FOREVER, the last bucket is the first after whose start nothing changes.
    """
    if end >= FOREVER:
        last = max(blocks.times[-1][-1], start) if blocks.firsts else start
        end = min(FOREVER, start - (start - last) // resolution * resolution + resolution)
    for at in range(start, end, BUCKETS * resolution):
        stop = min(end, at + BUCKETS * resolution)
        crossed = bisect_left(blocks.firsts, stop) - bisect_left(blocks.firsts, at)
        if crossed > MANY * BUCKETS:
            for begin in range(at, stop, resolution):
                yield begin, extremes(blocks, begin, min(stop, begin + resolution), least)
        else:
            yield from _gathered(blocks, at, stop, resolution, least)


def _gathered(blocks: Blocks, start: int, end: int, resolution: int, least: Collection[int]) -> Iterator[Point]:
    """Yield the buckets of [start, end) from one reading of all levels in it."""
    pieces = list(blocks.pieces(start, end))
    times = np.concatenate([held for held, _ in pieces])
    levels = np.concatenate([held for _, held in pieces] + [pieces[-1][1][:, -1:]], axis=1)
    begins = np.arange(start, end, resolution)
    first = np.searchsorted(times, begins, "right") - 1
    beyond = np.searchsorted(times, np.minimum(begins + resolution, end), "left")
    bounds = np.stack([first, beyond], axis=1).ravel()
    found = [
        (np.minimum if plane in least else np.maximum).reduceat(levels[rows], bounds, axis=1)[:, ::2]
        for plane, rows in enumerate(blocks.rows)
    ]
    yield from zip(begins.tolist(), np.concatenate(found).T.tolist(), strict=True)
