"""Thousands of changes and hundreds of blocks, against an array with a column for each second; and loading at once."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from oracle.dense_timeline import DenseTimeline

from promise.capacity.timeline import Timeline
from promise.resources import FOREVER, LARGEST, Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    Part = tuple[Window, Mapping[str, Mapping[str, int]]]

NAMES = ("cores", "ram", "ports")
HORIZON = 4000


class Trial:
    """A timeline and the dense one beside it, changed at random."""

    def __init__(self, seed: int, block_size: int) -> None:
        self.random = Random(seed)
        self.timeline = Timeline(block_size=block_size)
        self.dense = DenseTimeline(NAMES, HORIZON)
        self.live: list[Part] = []
        self.put(Window(0, FOREVER), {"total": dict.fromkeys(NAMES, 500)})

    def put(self, window: Window, amounts: Mapping[str, Mapping[str, int]]) -> None:
        self.timeline.add(window, **amounts)
        self.dense.add(window, amounts)
        self.live.append((window, amounts))

    def take(self) -> None:
        """Remove anything but the supply, which is the last to go."""
        window, amounts = self.live.pop(self.random.randrange(1, len(self.live)) if len(self.live) > 1 else 0)
        self.timeline.remove(window, **amounts)
        self.dense.add(window, amounts, sign=-1)

    def window(self, longest: int = 300) -> Window:
        start = self.random.randrange(HORIZON - 1)
        if self.random.random() < 0.05:
            return Window(start, FOREVER)
        return Window(start, min(HORIZON, start + self.random.randint(1, longest)))

    def request(self, most: int) -> dict[str, int]:
        return {name: self.random.randint(1, most) for name in NAMES if self.random.random() < 0.8}

    def typical(self) -> dict[str, int]:
        """Return a request that fits at about every other instant: what is available at a random one."""
        place = self.random.randrange(HORIZON)
        names = self.random.sample(NAMES, self.random.choice([1, 1, 2, 3]))
        levels = dict(zip(NAMES, self.dense.headroom()[:, place].tolist(), strict=True))
        return {name: max(1, levels[name]) for name in names}

    def change(self) -> None:
        roll = self.random.random()
        if roll < 0.35 and len(self.live) > 1:
            self.take()
        elif roll < 0.85:
            self.put(self.window(), {"reserved": self.request(12)})
        elif roll < 0.95:
            amounts = self.request(5)
            self.put(self.window(), {"reserved": {n: -a for n, a in amounts.items()}, "usage": amounts})
        else:
            self.put(self.window(), {"total": {n: -a for n, a in self.request(60).items()}})

    def compare(self) -> None:
        for longest in (HORIZON, 100, 50):
            self.compare_window(self.window(longest))
        for _ in range(6):
            start, duration = self.random.randrange(HORIZON), self.random.choice([1, 5, 20, 60, 100, 1000, FOREVER])
            request = self.typical()
            expected = self.dense.earliest(request, duration, start)
            assert self.timeline.earliest(request, duration, start) == expected
            assert self.timeline.earliest(request, duration, start, limit=2) == expected[:2]

    def compare_window(self, window: Window) -> None:
        expected = self.dense.over(window)
        over, request = self.timeline.over(window), self.request(300)
        for metric, levels in expected.items():
            assert getattr(over, metric) == {name: levels[name] for name in over.total}
        short = [name for name, amount in request.items() if amount > max(0, expected["headroom"][name])]
        assert [each.resource for each in self.timeline.shortfalls(window, request)] == short
        assert self.timeline.fits(window, request) == (not short)
        for name, least in expected["headroom"].items():
            assert self.timeline.fits(window, {name: least})
            assert not self.timeline.fits(window, {name: max(0, least) + 1})
        for available in (False, True):
            metrics = ("available",) if available else ("total", "reserved", "usage")
            seen = [at for at, _ in self.timeline.series(window, resources=["cores", "ram"], metrics=metrics)]
            assert seen == self.dense.changes(window, ["cores", "ram"], available=available)
        buckets = list(self.timeline.series(window, resolution=37, limit=100))
        for at, seen_over in buckets[::9]:
            held = self.dense.over((at, min(window.end, at + 37)))
            assert seen_over.headroom == {name: held["headroom"][name] for name in over.total}
            assert seen_over.usage == {name: held["usage"][name] for name in over.total}


@pytest.mark.parametrize(("block_size", "changes"), [(8, 2500), (256, 2500)])
def test_it_agrees_with_every_second_after_thousands_of_changes(block_size: int, changes: int) -> None:
    trial = Trial(block_size, block_size)
    for number in range(changes):
        trial.change()
        if number % 40 == 0:
            trial.compare()
    assert len(trial.timeline._blocks.firsts) > 1000 // block_size
    while trial.live:
        trial.take()
        if len(trial.live) % 40 == 0:
            trial.compare()
        blocks = trial.timeline._blocks
        assert len(blocks.firsts) <= 1 + 8 * len(blocks) // block_size, "blocks are joined as they empty"
    assert len(trial.timeline._blocks.firsts) == 0


def test_a_load_of_many_is_the_same_as_one_after_the_other() -> None:
    trial = Trial(3, 256)
    for _ in range(1500):
        trial.change()
    loaded = Timeline.build(trial.live)
    assert loaded == trial.timeline
    more = [(trial.window(), {"usage": trial.request(9)}) for _ in range(800)]
    loaded.add_many(more)
    for window, amounts in more:
        trial.put(window, amounts)
    assert loaded == trial.timeline
    trial.timeline = loaded
    for _ in range(60):
        trial.change()
        trial.compare()


windows = st.builds(lambda start, length: Window(start, start + length), st.integers(0, 60), st.integers(1, 30))
amounts = st.dictionaries(st.sampled_from(NAMES), st.integers(-5, 5) | st.just(LARGEST))
contributions = st.lists(
    st.tuples(windows, st.dictionaries(st.sampled_from(["total", "reserved", "usage"]), amounts)), max_size=40
)


@given(contributions, contributions)
@settings(max_examples=60, deadline=None)
def test_any_load_is_the_same_as_one_after_the_other(first: list[Part], second: list[Part]) -> None:
    loaded, one_by_one = Timeline(), Timeline()
    for part in (first, second):
        loaded.add_many(part)
        for window, held in part:
            one_by_one.add(window, **held)
        assert loaded == one_by_one
        assert len(loaded) == len(one_by_one)
        assert list(loaded.series(Window(0, FOREVER))) == list(one_by_one.series(Window(0, FOREVER)))


@given(contributions, st.integers(0, 39))
@settings(max_examples=60, deadline=None)
def test_a_load_with_a_fault_in_it_changes_nothing(parts: list[Part], place: int) -> None:
    timeline = Timeline.build(parts[:10])
    before = timeline.canonical()
    faulty = [*parts[:place], (Window(0, 9), {"usage": {"cores": 1, "ram": LARGEST + 1}}), *parts[place:]]
    with pytest.raises(ValueError, match="the amount of ram"):
        timeline.add_many(faulty)
    assert timeline.canonical() == before
