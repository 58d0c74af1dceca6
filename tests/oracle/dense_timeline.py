"""The timeline second by second: an array with one column for each second, and one for all time after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from promise.resources import FOREVER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

METRICS = ("total", "reserved", "usage")


class DenseTimeline:
    """Levels of metrics x resources x seconds, for seconds 0..horizon; the last one lasts for ever."""

    def __init__(self, names: Sequence[str], horizon: int) -> None:
        self.names = list(names)
        self.horizon = horizon
        self.levels = np.zeros((len(METRICS), len(names), horizon + 1), np.int64)

    def add(self, window: tuple[int, int], amounts: Mapping[str, Mapping[str, int]], sign: int = 1) -> None:
        start, end = window
        last = self.horizon + 1 if end == FOREVER else end
        for metric, capacity in amounts.items():
            for name, amount in capacity.items():
                self.levels[METRICS.index(metric), self.names.index(name), start:last] += sign * amount

    def _seconds(self, window: tuple[int, int]) -> slice:
        return slice(min(window[0], self.horizon), min(window[1], self.horizon + 1))

    def headroom(self) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        total, reserved, usage = self.levels
        return total - reserved - usage

    def over(self, window: tuple[int, int]) -> dict[str, dict[str, int]]:
        seconds = self._seconds(window)
        total, reserved, usage = self.levels[:, :, seconds]
        extremes = {
            "total": total.min(axis=1),
            "headroom": self.headroom()[:, seconds].min(axis=1),
            "reserved": reserved.max(axis=1),
            "usage": usage.max(axis=1),
        }
        return {metric: dict(zip(self.names, found.tolist(), strict=True)) for metric, found in extremes.items()}

    def met(self, request: Mapping[str, int]) -> list[bool]:
        """Tell of each second whether the request is available then."""
        need = np.array([[request.get(name, -FOREVER)] for name in self.names])
        return [bool(each) for each in np.logical_and.reduce(self.headroom() >= need)]

    def earliest(self, request: Mapping[str, int], duration: int, start: int) -> list[tuple[int, int]]:
        """Walk through the seconds, counting."""
        found = []
        since: int | None = None
        for second, met in enumerate(self.met(request)):
            if second < start:
                continue
            if met and since is None:
                since = second
            if not met and since is not None:
                if second - since >= duration:
                    found.append((since, second - duration))
                since = None
        return found if since is None else [*found, (since, FOREVER)]

    def changes(self, window: tuple[int, int], names: Sequence[str], *, available: bool) -> list[int]:
        """Return the seconds in the window at which something changes, its first always."""
        rows = [self.names.index(name) for name in names]
        kept = np.maximum(self.headroom(), 0)[None] if available else self.levels
        kept = kept[:, rows, self._seconds(window)]
        changed = (kept[:, :, 1:] != kept[:, :, :-1]).any(axis=(0, 1))
        return [window[0], *(np.flatnonzero(changed) + window[0] + 1).tolist()]
