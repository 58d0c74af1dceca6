"""Which reservations have an instant in a window, against a look at every one of them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from promise.capacity.model import Scope
from promise.events import fact
from promise.ledger.state import State
from promise.reservation.model import Reservation
from promise.reservation.model import State as Stands
from promise.resources import FOREVER, Window

HERE = Scope("p")
NOW = 1_893_456_000


def _window(start: int, length: int) -> Window:
    return Window(start, start + length if length < 1 << 30 else FOREVER)


starts = st.integers(NOW, NOW + 40).map(lambda at: at * 977 % (1 << 31)) | st.integers(0, 1 << 26)
lengths = st.sampled_from([1, 4095, 4096, 4097, 65_536, 65_537, 1 << 20, (1 << 24) + 1, 1 << 30]) | st.integers(
    1, 1 << 25
)
windows = st.builds(_window, starts, lengths)


def _held(number: int, window: Window) -> Reservation:
    return Reservation(
        id=f"r{number}", owner="a", project="", provider="p", zone="z" if number % 2 else None, window=window,
        capacity={"cores": 1}, state=Stands.INITIALIZED, created=NOW, modified=NOW,
    )  # fmt: skip


@given(st.lists(windows, max_size=40), st.lists(st.tuples(st.integers(0, 39), windows), max_size=10), windows)
def test_it_finds_all_that_overlap_and_no_others(
    first: list[Window], moved: list[tuple[int, Window]], asked: Window
) -> None:
    state = State()
    held = {number: _held(number, window) for number, window in enumerate(first)}
    for each in held.values():
        state.apply(fact("reservation-accepted", each))
    for number, window in moved:
        if number in held:
            held[number] = replace(held[number], window=window)
            state.apply(fact("reservation-updated", held[number]))
    if held:
        held[0] = replace(held[0], state=Stands.CANCELLED)
        state.apply(fact("reservation-cancelled", held[0]))
    for scope in (HERE, Scope("p", "z")):
        expected = {
            each.id for each in held.values() if each.live and scope in each.scopes and each.window.overlaps(asked)
        }
        found = [each.id for each in state.overlapping(scope, asked)]
        assert sorted(found) == sorted(expected)
