"""Lines of capacity against an oracle that looks at every second: what is measured, and when it is crossed."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from promise.capacity.timeline import Timeline
from promise.resources import FOREVER, Window
from promise.subscription.model import ALWAYS, Threshold
from promise.subscription.threshold import Flip, Line

LATEST = 60
"""Everything happens in so many seconds; later nothing changes."""

METRICS = ("total", "reserved", "usage", "available", "overdrawn")
windows = st.tuples(st.integers(0, 40), st.integers(1, 20)).map(lambda w: Window(w[0], w[0] + w[1]))
parts = st.lists(
    st.tuples(windows, st.sampled_from(["total", "reserved", "usage"]), st.integers(1, 6), st.sampled_from(["a", "b"])),
    max_size=8,
)
thresholds = st.builds(
    Threshold,
    metric=st.sampled_from(METRICS),
    resource=st.just("a"),
    lower=st.booleans(),
    value=st.integers(0, 8),
    hysteresis=st.integers(0, 2),
    horizon=st.integers(0, 25),
)


def level(parts: list[tuple[Window, str, int, str]], metric: str, second: int) -> int:
    """Return a column of resource a at a second, the naive way."""
    sums = {"total": 5, "reserved": 0, "usage": 0}
    for window, column, amount, resource in parts:
        if resource == "a" and window.start <= second < window.end:
            sums[column] += amount
    headroom = sums["total"] - sums["reserved"] - sums["usage"]
    return {**sums, "available": max(0, headroom), "overdrawn": max(0, -headroom)}[metric]


def built(parts: list[tuple[Window, str, int, str]]) -> Timeline:
    timeline = Timeline(block_size=4)
    timeline.add(Window(-FOREVER + 1, FOREVER), total={"a": 5})
    for window, column, amount, resource in parts:
        timeline.add(window, **{column: {resource: amount}})
    return timeline


def oracle(parts: list[tuple[Window, str, int, str]], asked: Threshold, within: Window) -> list[tuple[int, bool, int]]:
    """Return the flips of every second, by the words of the YANG."""
    crossed, found = False, []
    for now in range(LATEST + 30):
        seconds = [at for at in range(now, now + max(1, asked.horizon)) if within.start <= at < within.end]
        if not seconds:
            continue
        measured = (min if asked.lower else max)(level(parts, asked.metric, at) for at in seconds)
        if asked.lower:
            over, clear = measured <= asked.value - asked.hysteresis, measured >= asked.value + asked.hysteresis
        else:
            over, clear = measured >= asked.value + asked.hysteresis, measured <= asked.value - asked.hysteresis
        if over != crossed and (over or clear):
            crossed = over
            found.append((now, crossed, measured))
    return found


@settings(max_examples=300)
@given(parts, thresholds, st.one_of(st.just(ALWAYS), windows))
@example([(Window(3, 4), "reserved", 5, "a")], Threshold("available", "a", True, 0, 0, 25), ALWAYS)
def test_every_crossing_is_foreseen_to_the_second(
    parts: list[tuple[Window, str, int, str]], asked: Threshold, within: Window
) -> None:
    line = Line(asked, built(parts), within)
    found: list[Flip] = []
    at: int | None = 0
    before = False
    while at is not None:
        flips, until = line.outlook(at, before=before, steps=3)
        assert until is None or until > at
        found += flips
        before = flips[-1].crossed if flips else before
        at = until
    assert [(flip.at, flip.crossed, flip.measured) for flip in found] == oracle(parts, asked, within)
    for flip in found:
        column = [level(parts, asked.metric, second) for second in range(200)]
        assert column[flip.seen.start] == flip.measured
        assert all(value != flip.measured for value in column[max(flip.at, within.start) : flip.seen.start])
        rest = column[flip.seen.start : min(flip.seen.end, 200)]
        assert set(rest) == {flip.measured}
        assert flip.seen.end >= FOREVER or column[flip.seen.end] != flip.measured


@given(st.integers(0, 20), st.integers(0, 5), st.booleans(), st.booleans(), st.integers(0, 30))
def test_between_crossing_and_clearing_nothing_changes(
    value: int, hysteresis: int, lower: bool, before: bool, measured: int
) -> None:
    asked = Threshold("available", "a", lower, value, hysteresis)
    after = asked.beyond(measured, before=before)
    assert asked.beyond(measured, before=after) is after  # it does not flutter
    if value - hysteresis < measured < value + hysteresis:
        assert after is before
    elif measured != value:
        assert after is ((measured < value) is lower)
    else:
        assert after  # hysteresis 0 and on the line


def test_an_unknown_resource_is_none_of() -> None:
    line = Line(Threshold("available", "x", True, 0), Timeline())
    assert line.measured(5) == 0
    flips, until = line.outlook(5, before=False)
    assert [(flip.at, flip.crossed, flip.seen) for flip in flips] == [(5, True, Window(5, FOREVER))]
    assert until is None
