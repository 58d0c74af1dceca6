"""Lines of capacity while time and commits go on, against an oracle that looks at every second."""

from __future__ import annotations

import asyncio
from itertools import accumulate
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from promise.capacity.model import Scope
from promise.capacity.timeline import Timeline
from promise.clock import ManualClock
from promise.events import Entry, Event
from promise.northbound.events.watch import Crossing, Watch, Watched
from promise.resources import FOREVER, Window
from promise.subscription.model import EVERYTHING, Threshold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SCOPE = Scope("p")
TOTAL = 10


class Book:
    """One provider with a timeline."""

    def __init__(self) -> None:
        self.providers: Mapping[str, Any] = {"p": None}
        self.line = Timeline(block_size=4)
        self.line.add(Window(-FOREVER + 1, FOREVER), total={"cores": TOTAL})

    def timeline(self, scope: Scope) -> Timeline:
        assert scope == SCOPE
        return self.line

    def supply(self, _scope: Scope) -> Any:
        return SimpleNamespace(managed=frozenset({"cores"}))

    def zones_of(self, _provider: str) -> list[str]:
        return []


class Log:
    """A journal that is always durable."""

    def __init__(self, clock: ManualClock) -> None:
        self.seq = self.durable_seq = 0
        self.now = clock.now

    async def read(self, query: Callable[[Any, int], object]) -> object:
        return query(None, self.now())


def commit(at: int) -> Entry:
    return Entry(1, at, "a", Event("x", "t", "k", None, {"columns": [{"provider": "p", "zone": None}]}))


claims = st.tuples(st.integers(0, 30), st.integers(1, 12), st.integers(1, 9))
steps = st.lists(st.tuples(st.integers(0, 25), st.one_of(st.none(), claims)), min_size=1, max_size=7)
thresholds = st.builds(
    Threshold,
    metric=st.just("available"),
    resource=st.just("cores"),
    lower=st.booleans(),
    value=st.integers(0, TOTAL),
    hysteresis=st.integers(0, 2),
    horizon=st.integers(0, 15),
)


def oracle(asked: Threshold, told: list[tuple[int, Window, int]], last: int) -> list[tuple[int, bool, int]]:
    """Return what must be told, having looked at every second with what was committed by then."""
    crossed, found = False, []
    for now in range(last + 1):
        known = [(window, cores) for at, window, cores in told if at <= now]
        levels = [
            max(0, TOTAL - sum(cores for window, cores in known if window.start <= second < window.end))
            for second in range(now, now + max(1, asked.horizon))
        ]
        measured = min(levels) if asked.lower else max(levels)
        low, high = asked.value - asked.hysteresis, asked.value + asked.hysteresis
        over, clear = (measured <= low, measured >= high) if asked.lower else (measured >= high, measured <= low)
        if over != crossed and (over or clear):
            crossed = over
            found.append((now, crossed, measured))
    return found


async def play(
    asked: Threshold, steps: list[tuple[int, Any]]
) -> tuple[list[Crossing], list[tuple[int, Window, int]], int]:
    clock, book, heard, told = ManualClock(0), Book(), list[Crossing](), list[tuple[int, Window, int]]()
    watch = Watch(Log(clock), book, clock)  # type: ignore[arg-type]
    await watch.add(Watched(EVERYTHING, (asked,), heard.append))
    running = asyncio.create_task(watch.run())
    for jump, claim in steps:
        await asyncio.sleep(0)
        await clock.advance(jump)
        if claim is not None:
            now = clock.now()
            window = Window(now + claim[0], now + claim[0] + claim[1])
            told.append((now, window, claim[2]))
            book.line.add(window, reserved={"cores": claim[2]})
            watch.heard([commit(now)])
    for _ in range(10):
        await asyncio.sleep(0)
    running.cancel()
    return heard, told, clock.now()


def standing(flips: list[tuple[int, bool, int]], last: int) -> list[bool]:
    """Return whether the line is crossed as each second ends."""
    after = {at: crossed for at, crossed, _ in flips}
    return list(accumulate(range(last + 1), lambda crossed, now: after.get(now, crossed), initial=False))[1:]


TWO_IN_A_SECOND = Threshold("available", "cores", lower=False, value=10, hysteresis=0, horizon=0)


@settings(max_examples=200, deadline=None)
@given(thresholds, steps)
@example(TWO_IN_A_SECOND, [(1, (0, 1, 1)), (0, (0, 1, 1))])
def test_whatever_is_committed_and_however_late_we_wake_every_second_counts(
    asked: Threshold, steps: list[tuple[int, Any]]
) -> None:
    heard, told, last = asyncio.run(play(asked, steps))
    found = [(each.flip.at, each.flip.crossed, each.flip.measured) for each in heard]
    wanted = oracle(asked, told, last)
    committed = {at for at, _, _ in told}
    assert [each for each in found if each[0] not in committed] == [each for each in wanted if each[0] not in committed]
    # the oracle sees a second as it ends; what was so between two commits of it is told as well
    assert standing(found, last) == standing(wanted, last)


async def test_what_is_not_watched_any_more_is_not_told() -> None:
    clock, book, heard = ManualClock(0), Book(), list[Crossing]()
    watch = Watch(Log(clock), book, clock)  # type: ignore[arg-type]
    watched = Watched(EVERYTHING, (Threshold("available", "cores", True, 3, 0, 5),), heard.append)
    await watch.add(watched)
    book.line.add(Window(20, 30), reserved={"cores": 9})
    watch.heard([commit(0)])
    watch.remove(watched)
    running = asyncio.create_task(watch.run())
    await clock.advance(100)
    watch.heard([commit(100)])
    for _ in range(10):
        await asyncio.sleep(0)
    running.cancel()
    assert heard == []
