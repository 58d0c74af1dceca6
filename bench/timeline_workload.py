"""Seeded reservations and streams of operations for one scope: the same for the same variant, size and count.

Eight resources, a horizon of a year. Live reservations start after an exponential lead time (mean 60 days), last a
log-uniform 1 hour to 28 days, and ask for a flavor times a geometric count; the total is 1.1 x the peak.

    arbitrary   windows at random seconds
    aligned     windows at quarters of an hour: many share a breakpoint
    hotspot     nine in ten windows begin inside one week
    staircase   a comb whose gaps are just too short for the request: the worst case of `earliest`
    steps       arbitrary, and the total changes 2,000 times
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from promise.resources import FOREVER, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Capacity = dict[str, int]
    Claim = tuple[Window, Capacity]
    Contribution = tuple[Window, Mapping[str, Capacity]]

HOUR = 3600
DAY = 24 * HOUR
HORIZON = 365 * DAY
BRIEF, LASTING = (HOUR, DAY), (7 * DAY, 28 * DAY)
NAMES = ("cores", "ram", "instances", "gigabytes", "addresses", "ports", "volumes", "DISK_GB")
FLAVORS = (
    (1, 512, 1, 0, 0, 1, 0, 1),
    (1, 2048, 1, 0, 0, 1, 0, 20),
    (2, 4096, 1, 10, 1, 1, 1, 40),
    (4, 8192, 1, 40, 1, 2, 1, 80),
    (8, 16384, 1, 80, 1, 2, 2, 160),
    (16, 65536, 1, 200, 2, 4, 4, 320),
)
SKEW = (0.30, 0.25, 0.20, 0.15, 0.07, 0.03)
VARIANTS = ("arbitrary", "aligned", "hotspot", "staircase", "steps")


class Stream(NamedTuple):
    """A verb, and the arguments of each call of it."""

    name: str
    verb: str
    calls: list[tuple[Any, ...]]


class Workload:
    """What is live, and what is asked and changed then."""

    def __init__(self, variant: str, live: int) -> None:
        self.variant = variant
        self.live = live
        self.random = np.random.default_rng(1 + live)
        self.claims: list[Claim] = list(self._comb() if variant == "staircase" else self._claims(live))
        scale = 2.0 if variant == "staircase" else 1.1
        self.total = {name: int(scale * peak) + 1 for name, peak in zip(NAMES, self._peak(), strict=True)}

    def contributions(self) -> Iterator[Contribution]:
        """Yield the pools and the claims."""
        yield Window(0, FOREVER), {"total": self.total}
        if self.variant == "steps":
            part = {name: amount // 100 for name, amount in self.total.items()}
            for at in self.random.integers(0, HORIZON, min(1000, self.live)).tolist():
                yield Window(at, at + 7 * DAY), {"total": part}
        for window, request in self.claims:
            yield window, {"reserved": request}

    def _windows(self, count: int, shortest: int, longest: int) -> Iterator[Window]:
        lead = self.random.exponential(60 * DAY, count * 3)
        starts = lead[lead < HORIZON][:count].astype(np.int64)
        if self.variant == "hotspot":
            week = self.random.integers(30 * DAY, 37 * DAY, count)
            starts = np.where(self.random.random(count) < 0.9, week, starts)
        grid = 900 if self.variant == "aligned" else 1
        for start, length in zip(starts.tolist(), self._lengths(count, shortest, longest), strict=True):
            yield Window(start // grid * grid, (start + length - 1) // grid * grid + grid)

    def _lengths(self, count: int, shortest: int, longest: int) -> list[int]:
        lengths: list[int] = np.exp(self.random.uniform(np.log(shortest), np.log(longest), count)).astype(int).tolist()
        return lengths

    def _requests(self, count: int) -> Iterator[Capacity]:
        kinds = self.random.choice(len(FLAVORS), count, p=SKEW).tolist()
        counts = np.minimum(self.random.geometric(0.25, count), 32).tolist()
        for kind, times in zip(kinds, counts, strict=True):
            yield {name: amount * times for name, amount in zip(NAMES, FLAVORS[kind], strict=True) if amount}

    def _claims(self, count: int, shortest: int = HOUR, longest: int = 28 * DAY) -> Iterator[Claim]:
        return zip(self._windows(count, shortest, longest), self._requests(count), strict=True)

    def _comb(self) -> Iterator[Claim]:
        """Yield one tooth after the other; between two there is about half a period."""
        period = HORIZON // self.live
        tooth = dict.fromkeys(NAMES, 100)
        for k, jitter in enumerate(self.random.integers(0, max(1, period // 8), self.live).tolist()):
            yield Window(k * period + jitter, k * period + period // 2), tooth

    def _peak(self) -> list[int]:
        """Return the most that is claimed of each resource at once; ends come before starts."""
        amounts = np.array([[request.get(name, 0) for name in NAMES] for _, request in self.claims], np.int64)
        edges = np.array([window for window, _ in self.claims], np.int64)
        order = np.lexsort((np.repeat([1, 0], len(edges)), edges.T.ravel()))
        levels = np.concatenate([amounts, -amounts])[order].cumsum(axis=0)
        peak: list[int] = levels.max(axis=0).tolist()
        return peak

    def _shares(self, count: int, least: float, most: float) -> Iterator[Capacity]:
        if self.variant == "staircase":  # more than there is over a tooth
            least, most = max(least, 0.55), max(most, 0.8)
        for share in self.random.uniform(least, most, count).tolist():
            yield {name: int(share * amount) + 1 for name, amount in self.total.items()}

    def _asks(self, count: int, shortest: int, longest: int) -> list[Claim]:
        """Return windows with requests, every other one for 5 to 60 percent of the total."""
        both = zip(self._requests(count), self._shares(count, 0.05, 0.6), strict=True)
        requests = (pair[k % 2] for k, pair in enumerate(both))
        return list(zip(self._windows(count, shortest, longest), requests, strict=True))

    def _searches(
        self, requests: Iterable[Capacity], shortest: int, within: int
    ) -> list[tuple[Capacity, int, int, None, int]]:
        """Return (request, duration, start, no latest start, one run): up to 7 days, starting in the next `within`."""
        asked = list(requests)
        lengths = self._lengths(len(asked), shortest, 7 * DAY)
        if self.variant == "staircase":
            lengths = [HORIZON // self.live * 3 // 4] * len(asked)
        starts = self.random.integers(0, within, len(asked)).tolist()
        return [(*found, None, 1) for found in zip(asked, lengths, starts, strict=True)]

    def streams(self, count: int) -> Iterator[Stream]:
        """Yield the streams in the order in which they run; each leaves what was there before it or before its pair."""
        for suffix, span in (("short", BRIEF), ("long", LASTING)):
            asks = self._asks(count, *span)
            yield Stream(f"check {suffix}", "check", [(*ask,) for ask in asks])
            yield Stream(f"minimum {suffix}", "minimum", [(window,) for window, _ in asks])
            yield Stream(f"extremes {suffix}", "extremes", [(window,) for window, _ in asks])
            yield Stream(f"shortfalls {suffix}", "shortfalls", [(*ask,) for ask in asks])
            yield Stream(f"admit {suffix}", "admit", [(*ask,) for ask in asks])
            yield Stream(f"release {suffix}", "release", [(*asks[k],) for k in self.random.permutation(count)])
            claims = list(self._claims(count, *span))
            yield Stream(f"add {suffix}", "add", [(*claim,) for claim in claims])
            yield Stream(f"remove {suffix}", "remove", [(*claims[k],) for k in self.random.permutation(count)])
        picked = [self.claims[k] for k in self.random.permutation(self.live)[:count]]
        later = [Window(start, end + DAY) for (start, end), _ in picked]
        yield Stream("modify", "modify", [(*old, new) for old, new in zip(picked, later, strict=True)])
        yield from self._search_streams(count)
        weeks = self.random.integers(0, 90 * DAY, count).tolist()
        yield Stream("series 168 hours", "hourly", [(Window(at, at + 7 * DAY),) for at in weeks[: -(-count // 10)]])
        yield Stream("series 90 days", "exact", [(Window(at, at + 90 * DAY),) for at in weeks[: -(-count // 100)]])

    def _search_streams(self, count: int) -> Iterator[Stream]:
        yield Stream("earliest easy", "earliest", self._searches(self._requests(count), HOUR, 30 * DAY))
        hard = self._searches(self._shares(count, 0.4, 0.8), DAY, 2 * DAY)
        yield Stream("earliest hard", "earliest", hard)
        yield Stream("earliest none", "earliest", self._searches(self._shares(count, 2.0, 3.0), DAY, 2 * DAY))
        yield Stream("earliest open", "earliest", [(request, FOREVER, *more) for request, _, *more in hard])
