"""The timeline by example: what each verb answers, what it refuses, and the mistakes of others that it avoids."""

from __future__ import annotations

from typing import Any

import pytest

from promise.capacity.blocks import BOUND
from promise.capacity.timeline import Opening, Shortfall, Timeline
from promise.resources import FOREVER, LARGEST, Window

ALWAYS = Window(0, FOREVER)


@pytest.fixture
def timeline() -> Timeline:
    """100 cores for ever, 30 of them promised from 60 to 120, and 2 of those in use until 90."""
    made = Timeline()
    made.add(ALWAYS, total={"cores": 100})
    made.add(Window(60, 120), reserved={"cores": 30})
    made.add(Window(60, 90), reserved={"cores": -2}, usage={"cores": 2})
    return made


# ---- levels


def test_usage_under_a_claim_moves_out_of_what_is_reserved(timeline: Timeline) -> None:
    now = timeline.at(60)
    assert (now.total, now.reserved, now.usage) == ({"cores": 100}, {"cores": 28}, {"cores": 2})
    assert (now.headroom, now.available, now.overdrawn) == ({"cores": 70}, {"cores": 70}, {"cores": 0})
    assert timeline.at(90).reserved == {"cores": 30}
    assert timeline.available_at(59) == timeline.available_at(120) == {"cores": 100}


def test_nothing_is_there_before_the_first_contribution(timeline: Timeline) -> None:
    assert timeline.at(-1).total == {"cores": 0}
    assert timeline.available_during(Window(-1, 1)) == {"cores": 0}
    assert not timeline.fits(Window(-1, 1), {"cores": 1})


def test_extremes_are_taken_over_every_instant_of_a_window(timeline: Timeline) -> None:
    timeline.add(Window(80, 100), total={"cores": -80})
    over = timeline.over(Window(0, 200))
    assert over.total == {"cores": 20}
    assert over.reserved == {"cores": 30}
    assert over.usage == {"cores": 2}
    assert (over.headroom, over.available, over.overdrawn) == ({"cores": -10}, {"cores": 0}, {"cores": 10})


def test_a_snapshot_stays_what_it_was(timeline: Timeline) -> None:
    before = timeline.at(70)
    timeline.add(ALWAYS, total=dict.fromkeys([f"CUSTOM_{letter}" for letter in "ABCDEFGHIJKL"], 5), usage={"ram": 1})
    assert before.total == {"cores": 100}
    assert before != timeline.at(70)


def test_a_resource_that_comes_late_is_zero_at_the_breakpoints_that_were_there(timeline: Timeline) -> None:
    names = [f"CUSTOM_{number}" for number in range(40)]
    for number, name in enumerate(names):
        timeline.add(Window(70, 80), total={name: number + 1})
    assert timeline.at(60).total == {"cores": 100} | dict.fromkeys(names, 0)
    assert timeline.at(75).total == {"cores": 100} | {name: number + 1 for number, name in enumerate(names)}
    assert timeline.at(75).reserved["cores"] == 28


def test_a_resource_is_known_while_something_of_it_changes(timeline: Timeline) -> None:
    timeline.add(Window(0, 10), total={"PCPU": 4}, usage={"PCPU": 4})
    assert set(timeline.resources) == {"cores", "PCPU"}
    timeline.remove(Window(0, 10), total={"PCPU": 4})
    assert set(timeline.resources) == {"cores", "PCPU"}
    timeline.remove(Window(0, 10), usage={"PCPU": 4})
    assert set(timeline.resources) == {"cores"}
    assert timeline.at(5).total == {"cores": 100}


def test_the_place_of_a_forgotten_resource_is_given_to_another_clean() -> None:
    timeline = Timeline()
    for number in range(100):
        timeline.add(Window(number, number + 10), total={f"CUSTOM_{number}": 7}, reserved={f"CUSTOM_{number}": 3})
        assert timeline.at(number + 1).headroom == {f"CUSTOM_{number}": 4}
        timeline.remove(Window(number, number + 10), total={f"CUSTOM_{number}": 7}, reserved={f"CUSTOM_{number}": 3})
    assert timeline == Timeline()
    assert timeline._blocks.width == 8, "memory is bounded by what is live"


# ---- changes


def test_removing_restores_the_same_state_whatever_the_order() -> None:
    timeline = Timeline()
    parts = [(Window(number % 7, 20 + number % 5), {"cores": number + 1}) for number in range(30)]
    states = []
    for window, capacity in parts:
        states.append(timeline.canonical())
        timeline.add(window, reserved=capacity)
    for window, capacity in reversed(parts):
        timeline.remove(window, reserved=capacity)
        assert timeline.canonical() == states.pop()
    assert len(timeline) == 0


def test_breakpoints_at_which_nothing_changes_any_more_are_dropped(timeline: Timeline) -> None:
    assert len(timeline) == 4
    timeline.add(Window(120, 150), reserved={"cores": 30})
    assert len(timeline) == 4, "the end of one claim is the start of the next: nothing changes there"
    timeline.add(Window(0, 9), reserved={"cores": 0}, usage={})
    assert len(timeline) == 4


@pytest.mark.parametrize(
    "window",
    [
        Window(5, 5),
        Window(5, 4),
        Window(5, FOREVER + 1),
        Window(FOREVER, FOREVER),
        Window(-FOREVER, 5),
        Window(FOREVER + 5, FOREVER + 9),
        Window(1.5, 9),  # type: ignore[arg-type]
        Window(5, "9"),  # type: ignore[arg-type]
    ],
)
def test_a_window_without_an_instant_or_beyond_all_time_is_refused(timeline: Timeline, window: Window) -> None:
    before = timeline.canonical()
    asks: list[Any] = [
        lambda: timeline.add(window, usage={"cores": 1}),
        lambda: timeline.remove(window, usage={"cores": 1}),
        lambda: timeline.add_many([(ALWAYS, {"usage": {"cores": 1}}), (window, {})]),
        lambda: timeline.fits(window, {"cores": 1}),
        lambda: timeline.available_during(window),
        lambda: timeline.over(window),
        lambda: timeline.shortfalls(window, {}),
        lambda: timeline.overdrawn_during(window),
        lambda: timeline.series(window),
    ]
    for ask in asks:
        with pytest.raises(ValueError, match=r"a window has start < end <= FOREVER"):
            ask()
    assert timeline.canonical() == before


@pytest.mark.parametrize("amount", [LARGEST + 1, -LARGEST - 1, 1 << 70, 1.0, "1", None])
def test_an_amount_that_cannot_be_counted_is_refused_and_named(timeline: Timeline, amount: Any) -> None:
    before = timeline.canonical()
    with pytest.raises(ValueError, match=rf"the amount of ram is an int of at most {LARGEST}"):
        timeline.add(Window(0, 9), total={"cores": 1, "PCPU": 2}, usage={"ram": amount})
    assert timeline.canonical() == before
    assert set(timeline.resources) == {"cores"}


def test_the_largest_amounts_are_exact() -> None:
    timeline = Timeline()
    for number in range(2000):
        timeline.add(Window(number, 5000 - number), total={"ram": LARGEST}, usage={"ram": LARGEST - number})
    assert timeline.at(2500).total == {"ram": 2000 * LARGEST}
    assert timeline.at(2500).headroom == {"ram": sum(range(2000))}
    assert timeline.fits(Window(2000, 3000), {"ram": sum(range(2000))})
    assert not timeline.fits(Window(2000, 3000), {"ram": sum(range(2000)) + 1})


def test_sums_that_might_not_be_exact_are_refused(timeline: Timeline) -> None:
    timeline._blocks.variation[timeline._rows["cores"]] = BOUND - 9
    timeline._blocks._peak = BOUND
    before = timeline.canonical()
    with pytest.raises(OverflowError, match="would sum to more than"):
        timeline.add(Window(0, 9), total={"cores": 5, "ram": 1})
    assert timeline.canonical() == before
    timeline.add(Window(0, 9), total={"cores": 4})
    assert timeline.at(3).total["cores"] == 104
    timeline.remove(Window(0, 9), total={"cores": 4})
    assert timeline.canonical() == before, "taking back makes sums smaller"


def test_a_load_of_many_is_as_careful_with_its_sums(timeline: Timeline) -> None:
    timeline._blocks.variation[timeline._rows["cores"]] = BOUND - 9
    timeline._blocks._peak = BOUND
    before = timeline.canonical()
    with pytest.raises(OverflowError, match="would sum to more than"):
        timeline.add_many([(Window(number, number + 9), {"total": {"cores": 4}}) for number in range(100)])
    assert timeline.canonical() == before


def test_a_contribution_to_what_is_no_metric_is_refused(timeline: Timeline) -> None:
    before = timeline.canonical()
    with pytest.raises(ValueError, match="not to headroom"):
        timeline.add_many([(Window(0, 9), {"headroom": {"cores": 4}})] * 100)
    assert timeline.canonical() == before


# ---- as if it were not there


def test_what_is_lifted_is_not_there_for_a_while(timeline: Timeline) -> None:
    before = timeline.canonical()
    claim = (Window(60, 120), {"reserved": {"cores": 30}})
    with timeline.lifted([claim, (ALWAYS, {"total": {"cores": 50}})]):
        assert timeline.available_during(Window(0, 200)) == {"cores": 50}
        with timeline.lifted([(ALWAYS, {"total": {"cores": 50}})]):
            assert timeline.at(0).headroom == {"cores": 0}
    assert timeline.canonical() == before


def test_what_is_lifted_comes_back_whatever_happens(timeline: Timeline) -> None:
    before = timeline.canonical()
    claim = (Window(60, 120), {"reserved": {"cores": 30}})
    with pytest.raises(KeyError), timeline.lifted([claim]):
        raise KeyError
    assert timeline.canonical() == before
    with pytest.raises(ValueError, match="a window has"), timeline.lifted([claim, (Window(3, 2), {})]):
        pytest.fail("there is nothing to run the body for")
    assert timeline.canonical() == before


# ---- what does not fit


def test_only_resources_that_are_asked_for_are_compared(timeline: Timeline) -> None:
    timeline.add(ALWAYS, usage={"ports": 5})
    assert timeline.fits(Window(0, 60), {"cores": 100})
    assert timeline.fits(Window(0, 60), {"cores": 100, "ports": 0})
    assert timeline.fits(Window(0, 60), {"ports": -5, "unheard": 0})
    assert not timeline.fits(Window(0, 60), {"ports": 1})
    assert not timeline.fits(Window(0, 60), {"unheard": 1})


def test_more_than_can_be_counted_does_not_fit(timeline: Timeline) -> None:
    assert not timeline.fits(Window(0, 60), {"cores": 1 << 70})
    assert timeline.earliest({"cores": 1 << 70}, 5, 0) == []
    assert timeline.shortfalls(Window(0, 60), {"cores": 1 << 70}) == [Shortfall("cores", 1 << 70, 100, 0, 60)]


def test_a_shortfall_is_where_least_is_available_first() -> None:
    timeline = Timeline()
    timeline.add(Window(0, 100), total={"cores": 9, "ram": 9})
    for start, end in ((20, 30), (50, 60), (60, 70)):
        timeline.add(Window(start, end), reserved={"cores": 4})
    timeline.add(Window(52, 56), usage={"ram": 1})
    assert timeline.shortfalls(Window(0, 100), {"ram": 8, "cores": 6}) == [Shortfall("cores", 6, 5, 20, 30)]
    assert timeline.shortfalls(Window(25, 100), {"cores": 6}) == [Shortfall("cores", 6, 5, 25, 30)], "clipped"
    assert timeline.shortfalls(Window(30, 65), {"cores": 6}) == [Shortfall("cores", 6, 5, 50, 65)]
    assert timeline.shortfalls(Window(30, 50), {"cores": 10, "PCPU": 1}) == [
        Shortfall("cores", 10, 9, 30, 50),
        Shortfall("PCPU", 1, 0, 30, 50),
    ]
    assert timeline.shortfalls(Window(80, FOREVER), {"ram": 1}) == [Shortfall("ram", 1, 0, 100, FOREVER)]


def test_nothing_is_available_wherever_a_scope_is_full_or_overdrawn() -> None:
    """Availability is what a consumer sees: 0 from the moment that the scope is full."""
    timeline = Timeline()
    timeline.add(ALWAYS, total={"cores": 4})
    timeline.add(Window(10, 40), reserved={"cores": 4})
    timeline.add(Window(20, 30), total={"cores": -3})
    assert timeline.available_during(Window(0, 50)) == {"cores": -3}
    assert timeline.shortfalls(Window(0, 50), {"cores": 2}) == [Shortfall("cores", 2, 0, 10, 40)]
    assert timeline.overdrawn_during(ALWAYS) == [Window(20, 30)]
    assert timeline.overdrawn_during(Window(25, 28)) == [Window(25, 28)]
    assert timeline.overdrawn_during(Window(30, 90)) == []


# ---- where it would fit


def test_runs_of_feasible_starts_are_maximal_and_ascend(timeline: Timeline) -> None:
    timeline.add(Window(200, 300), usage={"cores": 50})
    ask = {"cores": 80}
    assert timeline.earliest(ask, 50, 0) == [Opening(0, 10), Opening(120, 150), Opening(300, FOREVER)]
    assert timeline.earliest(ask, 50, 5, limit=2) == [Opening(5, 10), Opening(120, 150)]
    assert timeline.earliest(ask, 60, 0) == [Opening(0, 0), Opening(120, 140), Opening(300, FOREVER)]
    assert timeline.earliest(ask, 61, 0, limit=1) == [Opening(120, 139)]
    assert timeline.earliest(ask, 50, 0, latest=130) == [Opening(0, 10), Opening(120, 130)]
    assert timeline.earliest(ask, 50, 0, latest=120) == [Opening(0, 10), Opening(120, 120)]
    assert timeline.earliest(ask, 50, 0, latest=119) == [Opening(0, 10)]
    assert timeline.earliest(ask, 50, 0, latest=900)[-1] == Opening(300, 900)
    assert timeline.earliest(ask, 50, 20, latest=19) == []


def test_an_open_window_has_one_run_at_most(timeline: Timeline) -> None:
    assert timeline.earliest({"cores": 80}, FOREVER, 0) == [Opening(120, FOREVER)]
    assert timeline.earliest({"cores": 80}, FOREVER, 500) == [Opening(500, FOREVER)]
    assert timeline.earliest({"cores": 80}, FOREVER, 0, latest=119) == []
    assert timeline.earliest({"cores": 80}, FOREVER, 0, latest=130) == [Opening(120, 130)]
    assert timeline.earliest({"cores": 101}, FOREVER, 0) == []


def test_asking_for_nothing_fits_at_once_and_for_ever(timeline: Timeline) -> None:
    assert timeline.earliest({}, 5, -9) == [Opening(-9, FOREVER)]
    assert timeline.earliest({"cores": 0, "unheard": -1}, FOREVER, 3, latest=9) == [Opening(3, 9)]
    assert timeline.earliest({"unheard": 1}, 5, 0) == []
    assert Timeline().earliest({"cores": 1}, 5, 0) == []
    assert Timeline().fits(ALWAYS, {})


@pytest.mark.parametrize("duration", [0, -5])
def test_a_duration_without_a_second_is_refused(timeline: Timeline, duration: int) -> None:
    with pytest.raises(ValueError, match="at least one second"):
        timeline.earliest({"cores": 1}, duration, 0)
    with pytest.raises(ValueError, match="a window has"):
        timeline.earliest({"cores": 1}, 5, FOREVER)


# ---- the course


def test_a_course_has_the_changes_of_what_is_asked_only(timeline: Timeline) -> None:
    timeline.add(Window(70, 75), total={"ram": 5})

    def instants(**asked: Any) -> list[int]:
        return [at for at, _ in timeline.series(Window(10, FOREVER), **asked)]

    assert instants() == [10, 60, 70, 75, 90, 120]
    assert instants(resources=["cores"]) == [10, 60, 90, 120]
    assert instants(resources=["cores"], metrics=["available"]) == [10, 60, 120], "usage under a claim changes nothing"
    assert instants(resources=["ram"], metrics=["total", "usage"]) == [10, 70, 75]
    assert instants(resources=["cores"], metrics=["overdrawn"]) == [10]
    assert instants(resources=["unheard"]) == [10]


def test_what_is_available_does_not_change_while_a_scope_is_overdrawn() -> None:
    timeline = Timeline()
    timeline.add(Window(0, 10), usage={"cores": 1})
    timeline.add(Window(4, 10), usage={"cores": 1})
    assert [at for at, _ in timeline.series(ALWAYS, metrics=["available"])] == [0]
    assert [at for at, _ in timeline.series(ALWAYS, metrics=["overdrawn"])] == [0, 4, 10]


def test_buckets_carry_extremes_and_the_last_is_clipped(timeline: Timeline) -> None:
    course = list(timeline.series(Window(50, 125), resolution=30))
    assert [(at, over.available["cores"], over.usage["cores"]) for at, over in course] == [
        (50, 70, 2),
        (80, 70, 2),
        (110, 70, 0),
    ]
    course = list(timeline.series(Window(50, 120), resolution=1000))
    assert [(at, over.reserved["cores"]) for at, over in course] == [(50, 30)]


def test_buckets_of_an_open_window_end_when_nothing_changes_any_more(timeline: Timeline) -> None:
    assert [at for at, _ in timeline.series(Window(0, FOREVER), resolution=50)] == [0, 50, 100, 150]
    assert [at for at, _ in timeline.series(Window(20, FOREVER), resolution=50)] == [20, 70, 120]
    assert [at for at, _ in timeline.series(Window(500, FOREVER), resolution=50)] == [500]
    assert [at for at, _ in Timeline().series(Window(5, FOREVER), resolution=50)] == [5]


def test_a_reader_pages_through_a_course(timeline: Timeline) -> None:
    first = list(timeline.series(ALWAYS, limit=3))
    assert [at for at, _ in first] == [0, 60, 90]
    assert list(timeline.series(Window(first[-1][0], FOREVER), limit=3)) == list(timeline.series(ALWAYS))[2:]
    assert list(timeline.series(ALWAYS, limit=0)) == []


def test_a_course_notices_that_the_timeline_was_changed(timeline: Timeline) -> None:
    course = timeline.series(ALWAYS)
    next(course)
    timeline.add(Window(0, 1), usage={"cores": 1})
    with pytest.raises(RuntimeError, match="was changed while"):
        next(course)


def test_a_course_of_what_there_is_not_is_refused(timeline: Timeline) -> None:
    with pytest.raises(ValueError, match="at least one second"):
        timeline.series(ALWAYS, resolution=0)
    with pytest.raises(ValueError, match="no metric"):
        timeline.series(ALWAYS, metrics=["free"])


# ---- the mistakes of others


def test_a_claim_that_lacks_one_resource_leaves_nothing_of_the_others() -> None:
    """One planner kept what it had booked of the first dimensions when a later one refused."""
    timeline = Timeline()
    timeline.add(ALWAYS, total={"cores": 8, "ram": 8})
    before = timeline.canonical()
    request = {"cores": 4, "ram": 9}
    if timeline.fits(Window(0, 10), request):
        timeline.add(Window(0, 10), reserved=request)
    with pytest.raises(ValueError, match="the amount of ram"):
        timeline.add(Window(0, 10), reserved={"cores": 4, "ram": LARGEST + 1})
    assert timeline.canonical() == before


def test_the_requested_start_is_an_answer() -> None:
    """The same planner looked only at moments at which something changes."""
    timeline = Timeline()
    timeline.add(Window(0, 1000), total={"cores": 8})
    assert timeline.earliest({"cores": 8}, 10, 137) == [Opening(137, 990)]


def test_back_to_back_windows_do_not_conflict() -> None:
    """Two schedulers filtered overlaps inclusively at both ends, and counted neighbours together."""
    timeline = Timeline()
    timeline.add(ALWAYS, total={"cores": 8})
    for start in (0, 20, 10):
        assert timeline.fits(Window(start, start + 10), {"cores": 8})
        timeline.add(Window(start, start + 10), reserved={"cores": 8})
    assert timeline.over(ALWAYS).reserved == {"cores": 8}
    assert timeline.over(ALWAYS).overdrawn == {"cores": 0}


def test_the_total_changes_over_time_and_may_fall_below_what_is_promised() -> None:
    """Two planners knew one total for all time."""
    timeline = Timeline()
    timeline.add(Window(0, 100), total={"cores": 8})
    timeline.add(Window(50, FOREVER), total={"cores": 8})
    timeline.add(Window(0, 80), reserved={"cores": 8})
    assert timeline.earliest({"cores": 8}, 20, 0) == [Opening(50, FOREVER)]
    timeline.add(Window(70, 90), total={"cores": -12})
    assert timeline.available_during(Window(0, 100)) == {"cores": -4}
    assert timeline.overdrawn_during(ALWAYS) == [Window(70, 80)]
    assert timeline.earliest({"cores": 8}, 20, 0) == [Opening(50, 50), Opening(90, FOREVER)]
