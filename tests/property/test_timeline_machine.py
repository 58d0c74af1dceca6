"""The timeline answers every question as brute force does, whatever was added, removed and lifted before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule
from oracle.naive_timeline import METRICS, Levels, NaiveTimeline

from promise.capacity.timeline import Snapshot, Timeline
from promise.resources import FOREVER, LARGEST, Window

if TYPE_CHECKING:
    from promise.capacity.blocks import Blocks

NAMES = ("cores", "ram", "PCPU", "CUSTOM_GOLD", "volumes")
FAR = 10**9

near = st.integers(0, 40)
instants = near | st.sampled_from([-5, FAR, FAR + 1, FOREVER - 1])
amounts = st.integers(-4, 12) | st.sampled_from([LARGEST, -LARGEST])
capacities = st.dictionaries(st.sampled_from(NAMES), amounts, max_size=4)
parts = st.dictionaries(st.sampled_from(["total", "reserved", "usage"]), capacities, min_size=1)
requests = st.dictionaries(st.sampled_from([*NAMES, "unheard"]), st.integers(-1, 15), max_size=4)
durations = st.integers(1, 30) | st.sampled_from([FAR, FOREVER])


@st.composite
def windows(draw: st.DrawFn) -> Window:
    start = draw(instants)
    end = draw(st.integers(start + 1, start + 20) | st.sampled_from([FAR + 2, FOREVER]).filter(lambda end: end > start))
    return Window(start, min(end, FOREVER))


def told(snapshot: Snapshot) -> Levels:
    return {metric: getattr(snapshot, metric) for metric in METRICS}


def check_blocks(blocks: Blocks) -> None:
    """Every rule in the head of `promise.capacity.blocks`."""
    level = [0] * (blocks.planes * blocks.width)
    variation = [0] * len(level)
    before = -FOREVER
    assert len(blocks.firsts) == len(blocks.times) == len(blocks.levels)
    for plane in range(blocks.planes):
        blocks.refresh(plane, 0, len(blocks.firsts))
    for b, times in enumerate(blocks.times):
        assert 0 < len(times) <= blocks.size - 2
        assert blocks.firsts[b] == times[0]
        assert blocks.base[:, b].tolist() == level
        held = blocks.levels[b][:, : len(times)]
        assert blocks.lows[:, b].tolist() == held.min(axis=1).tolist()
        assert blocks.highs[:, b].tolist() == held.max(axis=1).tolist()
        for instant, column in zip(times, (held + blocks.base[:, b : b + 1]).T.tolist(), strict=True):
            assert instant > before, "breakpoints ascend"
            assert column != level, "something changes at every breakpoint"
            variation = [v + abs(new - old) for v, new, old in zip(variation, column, level, strict=True)]
            before, level = instant, column
    assert blocks.variation.tolist() == variation


class TimelineMachine(RuleBasedStateMachine):
    """Both timelines side by side; small blocks, so that they split, join and vanish all the time."""

    live = Bundle("live")

    def __init__(self) -> None:
        super().__init__()
        self.timeline = Timeline(block_size=8)
        self.naive = NaiveTimeline()

    # ---- changes

    @rule(target=live, window=windows(), part=parts)
    def add(self, window: Window, part: dict[str, dict[str, int]]) -> Any:
        self.timeline.add(window, **part)
        self.naive.add(window, part)
        return window, part

    @rule(target=live, window=windows(), amount=st.integers(1, 9), resource=st.sampled_from(NAMES))
    def reserve(self, window: Window, amount: int, resource: str) -> Any:
        return self.add(window, {"reserved": {resource: amount}})

    @rule(target=live, window=windows(), amount=st.integers(5, 20))
    def supply(self, window: Window, amount: int) -> Any:
        return self.add(window, {"total": dict.fromkeys(NAMES[:3], amount)})

    @rule(gone=consumes(live))
    def remove(self, gone: tuple[Window, dict[str, dict[str, int]]]) -> None:
        window, part = gone
        self.timeline.remove(window, **part)
        self.naive.remove(window, part)

    @rule(start=instants, back=st.integers(0, 5), part=parts)
    def refuse_window(self, start: int, back: int, part: dict[str, dict[str, int]]) -> None:
        with pytest.raises(ValueError, match="a window has start < end"):
            self.timeline.add(Window(start, start - back), **part)

    @rule(window=windows(), part=parts, amount=st.sampled_from([LARGEST + 1, -LARGEST - 1, 1 << 70]))
    def refuse_amount(self, window: Window, part: dict[str, dict[str, int]], amount: int) -> None:
        with pytest.raises(ValueError, match="the amount of ram is an int"):
            self.timeline.add(window, **(part | {"usage": {"cores": 1, "ram": amount}}))

    # ---- questions

    @rule(instant=instants)
    def at(self, instant: int) -> None:
        seen = self.timeline.at(instant)
        expected = self.naive.at(instant)
        assert told(seen) == expected
        assert self.timeline.available_at(instant) == expected["headroom"]
        for name in expected["total"]:
            assert seen.total[name] + seen.overdrawn[name] == (
                seen.available[name] + seen.reserved[name] + seen.usage[name]
            )

    @rule(window=windows())
    def over(self, window: Window) -> None:
        seen, expected = self.timeline.over(window), self.naive.over(*window)
        assert {metric: getattr(seen, metric) for metric in expected} == expected
        assert self.timeline.available_during(window) == expected["headroom"]

    @rule(window=windows(), request=requests)
    def fits(self, window: Window, request: dict[str, int]) -> None:
        assert self.timeline.fits(window, request) == self.naive.fits(*window, request)
        assert self.timeline.shortfalls(window, request) == self.naive.shortfalls(*window, request)

    @rule(window=windows(), names=st.none() | st.sets(st.sampled_from([*NAMES, "unheard"])))
    def overdrawn(self, window: Window, names: set[str] | None) -> None:
        expected = self.naive.overdrawn_during(*window, NAMES if names is None else names)
        assert self.timeline.overdrawn_during(window, names) == expected

    @rule(window=windows())
    def fits_exactly(self, window: Window) -> None:
        least = self.timeline.available_during(window)
        assert self.timeline.fits(window, least)
        for name, amount in least.items():
            assert self.timeline.fits(window, {name: amount + 1}) == (amount < 0)

    @rule(request=requests, duration=durations, start=instants, latest=st.none() | st.integers(0, 60))
    def earliest(self, request: dict[str, int], duration: int, start: int, latest: int | None) -> None:
        expected = self.naive.earliest(request, duration, start, latest)
        assert self.timeline.earliest(request, duration, start, latest) == expected
        assert self.timeline.earliest(request, duration, start, latest, 1) == expected[:1]

    @rule(start=st.integers(-5, -1), end=st.integers(FOREVER - 3, FOREVER - 1), amount=st.integers(1, 5))
    def earliest_for_ever(self, start: int, end: int, amount: int) -> None:
        """Nearly all of time is not for ever."""
        window, part = Window(start, end), {"total": {"volumes": 10**6}}
        self.timeline.add(window, **part)
        self.naive.add(window, part)
        expected = self.naive.earliest({"volumes": amount}, FOREVER, start, None)
        assert self.timeline.earliest({"volumes": amount}, FOREVER, start) == expected
        self.timeline.remove(window, **part)
        self.naive.remove(window, part)

    @rule(
        window=windows(),
        names=st.none() | st.sets(st.sampled_from(NAMES)),
        metrics=st.sets(st.sampled_from([*METRICS, "available", "overdrawn"]), min_size=1),
    )
    def series(self, window: Window, names: set[str] | None, metrics: set[str]) -> None:
        expected = self.naive.series(*window, NAMES if names is None else names, metrics)
        seen = list(self.timeline.series(window, resources=names, metrics=metrics))
        assert [(instant, told(snapshot)) for instant, snapshot in seen] == expected

    @rule(
        start=instants, length=st.integers(1, 60), resolution=st.integers(1, 15), names=st.sets(st.sampled_from(NAMES))
    )
    def buckets(self, start: int, length: int, resolution: int, names: set[str]) -> None:
        end = min(start + length, FOREVER)
        seen = list(self.timeline.series(Window(start, end), resources=names, resolution=resolution))
        assert [(instant, told(point)) for instant, point in seen] == self.naive.buckets(start, end, resolution, names)

    @rule(start=instants, resolution=st.integers(FAR // 7, FAR))
    def open_buckets(self, start: int, resolution: int) -> None:
        if self.naive.changes()[-1:] < [FAR * 10]:
            seen = list(self.timeline.series(Window(start, FOREVER), resolution=resolution))
            expected = self.naive.buckets(start, FOREVER, resolution, NAMES)
            assert [(instant, told(point)) for instant, point in seen] == expected

    @rule(window=windows(), page=st.integers(1, 5), resolution=st.none() | st.integers(1, 9))
    def paging(self, window: Window, page: int, resolution: int | None) -> None:
        window = Window(window.start, min(window.end, window.start + 60))
        whole = list(self.timeline.series(window, resolution=resolution))
        paged = []
        start: int | None = window.start
        while start is not None:
            found = list(self.timeline.series(Window(start, window.end), resolution=resolution, limit=page + 1))
            paged += found[:page]
            start = found[page][0] if len(found) > page else None
        assert paged == whole

    @precondition(lambda self: self.naive.live)
    @rule(data=st.data(), window=windows(), request=requests)
    def lifted(self, data: st.DataObject, window: Window, request: dict[str, int]) -> None:
        out = data.draw(st.lists(st.sampled_from(self.naive.live), unique_by=id, max_size=3))
        before = self.timeline.canonical()
        taken = [(Window(live.start, live.end), live.amounts) for live in out]
        without = NaiveTimeline()
        without.live = [live for live in self.naive.live if not any(live is gone for gone in out)]
        with self.timeline.lifted(taken):
            assert self.timeline.fits(window, request) == without.fits(*window, request)
            assert told(self.timeline.at(window.start)) == without.at(window.start)
            assert len(self.timeline) == len(without.changes())
        assert self.timeline.canonical() == before

    # ---- what always holds

    @invariant()
    def bounded_by_what_is_live(self) -> None:
        assert len(self.timeline) == len(self.naive.changes())
        assert sorted(self.timeline.resources) == self.naive.resources()

    @invariant()
    def blocks_keep_their_rules(self) -> None:
        check_blocks(self.timeline._blocks)

    def teardown(self) -> None:
        contributions = [(Window(live.start, live.end), live.amounts) for live in self.naive.live]
        assert Timeline.build(contributions) == self.timeline
        half = len(contributions) // 2
        loaded = Timeline(block_size=8)
        assert loaded._load(contributions[:half])
        check_blocks(loaded._blocks)
        assert loaded._load(contributions[half:])
        check_blocks(loaded._blocks)
        assert loaded == self.timeline
        for window, part in contributions:
            self.timeline.remove(window, **part)
        assert len(self.timeline) == 0
        assert not self.timeline.resources
        assert self.timeline == Timeline()


TestTimelineMachine = TimelineMachine.TestCase
TestTimelineMachine.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
