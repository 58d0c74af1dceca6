"""What a filter lets pass, against the sentences of the YANG read instant by instant."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from promise.allocation.model import Allocation, VmState
from promise.reservation.model import Reservation, State
from promise.resources import FOREVER, Window
from promise.subscription.matching import kind_of, passes
from promise.subscription.model import ALWAYS, EVERYTHING, Filter, Kind

DAY = 12
"""All windows lie in so many seconds, so that every instant can be looked at."""

HELD = Reservation("r1", "alice", "red", "p1", "z1", Window(2, 5), {"cores": 1}, State.ACTIVE, 0, 0)
MADE = Allocation("v1", "vm", "alice", "red", "p1", "z1", "f", "i", {"cores": 1}, 2, VmState.ACTIVE, 0, 0)

names = st.sampled_from([None, "1", "2"])
windows = st.tuples(st.integers(0, DAY - 1), st.integers(1, DAY)).map(lambda w: Window(w[0], w[0] + w[1]))
filters = st.builds(
    Filter,
    ids=st.frozensets(st.sampled_from(["r1", "r2"]), max_size=2),
    provider=st.sampled_from([None, "p1", "p2"]),
    zone=st.sampled_from([None, "z1", "z2"]),
    states=st.frozensets(st.sampled_from(["active", "ended"]), max_size=2),
    window=st.one_of(st.just(ALWAYS), windows),
)


def instants(window: Window) -> set[int]:
    return {at for at in range(-1, 3 * DAY) if window.start <= at < window.end}


@given(filters, st.sampled_from(["r1", "r2"]), st.sampled_from(["z1", "z2", None]), st.sampled_from(State), windows)
def test_a_reservation_passes_when_all_that_is_said_holds(
    wanted: Filter, key: str, zone: str | None, state: State, window: Window
) -> None:
    held = replace(HELD, id=key, zone=zone, state=state, window=window)
    conditions = [
        wanted.ids == set() or key in wanted.ids,
        wanted.provider is None or wanted.provider == "p1",
        wanted.zone is None or wanted.zone == zone,
        wanted.states == set() or state.value in wanted.states,
        bool(instants(wanted.window) & instants(window)),
    ]
    assert passes(wanted, held) is all(conditions)


@given(windows, st.integers(0, DAY), st.one_of(st.none(), st.integers(0, DAY)))
def test_an_instance_passes_when_it_lives_in_the_window(window: Window, start: int, length: int | None) -> None:
    made = replace(MADE, start=start, end=None if length is None else start + length)
    lives = Window(start, FOREVER if length is None else start + max(length, 1))
    assert passes(Filter(window=window), made) is bool(instants(window) & instants(lives))


def changed(zone: str | None, window: Window, first: list[str], later: list[str]) -> dict[str, Any]:
    entry: dict[str, Any] = {"provider": "p1", "zone": zone, "from": window.start, "change": {"reserved": {}}}
    entry["change"] = {"reserved": dict.fromkeys(first, 1)}
    if window.end < FOREVER:
        entry["to"] = window.end
    if later:
        entry["later"] = later
    return entry


resources = st.lists(st.sampled_from(["cores", "ram", "VGPU"]), max_size=2, unique=True)


@given(resources, resources, resources, windows, st.one_of(windows, st.just(ALWAYS)), names)
def test_columns_pass_when_a_resource_moves_in_the_window(
    asked: list[str], first: list[str], later: list[str], window: Window, seen: Window, zone: str | None
) -> None:
    wanted = Filter(resources=frozenset(asked), window=seen, zone=zone)
    conditions = [
        not asked or bool({*first, *later} & set(asked)),
        zone is None or zone == "1",
        bool(instants(seen) & instants(window)),
    ]
    assert passes(wanted, changed("1", window, first, later)) is all(conditions)
    assert passes(wanted, changed(None, window, first, later)) is all([*conditions, zone is None])


def test_every_subject_has_its_kind_and_nothing_said_lets_all_pass() -> None:
    columns = changed(None, Window(0, FOREVER), [], [])
    assert [kind_of(each) for each in (HELD, MADE, columns)] == [Kind.RESERVATION, Kind.INSTANCE, Kind.CAPACITY]
    assert all(passes(EVERYTHING, each) for each in (HELD, MADE, columns))
