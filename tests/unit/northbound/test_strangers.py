"""How many may be at a door who have not logged in, and how many sessions there may be."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promise.errors import NoRoom
from promise.northbound.seats import Seats
from promise.northbound.strangers import Room, Strangers


class Guest:
    def __init__(self, name: str = "") -> None:
        self.name = name
        self.gone = False

    def give_way(self) -> None:
        self.gone = True


class Time:
    now = 0

    def __call__(self) -> int:
        return self.now


@pytest.mark.limit(
    "sockets that never speak",
    "who has not logged in after some seconds gives way to those who come, the first one first",
    "access.give_way_after",
)
def test_who_has_waited_for_longest_gives_way_but_not_before_his_time() -> None:
    time = Time()
    door = Strangers(Room(in_all=3, per_address=3, patience=3), time)
    first, second, third, fourth = (Guest() for _ in range(4))
    assert door.admit(first, "192.0.2.1")
    time.now = 1
    assert door.admit(second, "192.0.2.2")
    time.now = 2
    assert door.admit(third, "192.0.2.3")
    assert not door.admit(fourth, "192.0.2.4")
    time.now = 3
    assert door.admit(fourth, "192.0.2.4")
    assert [each.gone for each in (first, second, third, fourth)] == [True, False, False, False]
    assert len(door) == 3
    assert not door.admit(first, "192.0.2.1")
    door.leave(third)
    door.leave(third)
    assert door.admit(first, "192.0.2.1")


@pytest.mark.limit(
    "many connections from one address",
    "an address has its share; an IPv6 network of 64 bits counts as one",
    "netconf.max_unauthenticated_per_address",
    "restconf.max_unauthenticated_per_address",
)
def test_an_address_has_its_share_and_gives_way_to_itself() -> None:
    time = Time()
    door = Strangers(Room(in_all=10, per_address=2, patience=3), time)
    other = Guest()
    assert door.admit(other, "192.0.2.1")
    time.now = 1
    same = [Guest() for _ in range(4)]
    assert [door.admit(each, f"2001:db8::{number}") for number, each in enumerate(same)] == [True, True, False, False]
    assert door.admit(Guest(), "2001:db8:0:1::1")
    time.now = 4
    assert door.admit(same[2], "2001:db8::9")
    assert [each.gone for each in same] == [True, False, False, False]
    assert not other.gone


@given(
    st.lists(st.tuples(st.sampled_from(["come", "go", "wait"]), st.integers(0, 5), st.integers(0, 4)), max_size=60),
    st.integers(1, 5),
    st.integers(1, 5),
)
def test_there_are_never_more_than_there_is_room_for(
    steps: list[tuple[str, int, int]], in_all: int, per_address: int
) -> None:
    time = Time()
    door = Strangers(Room(in_all, per_address, 3), time)
    there: list[Guest] = []
    for what, number, address in steps:
        if what == "wait":
            time.now += number
        elif what == "come":
            guest = Guest(f"192.0.2.{address}")
            if door.admit(guest, guest.name):
                there.append(guest)
        elif number < len(there):
            door.leave(there.pop(number))
        there = [each for each in there if not each.gone]
        assert len(door) == len(there) <= in_all
        assert all(count <= per_address for count in Counter(each.name for each in there).values())


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abc")), max_size=50), st.integers(1, 6), st.integers(1, 6))
def test_seats_are_counted_in_all_and_by_user(steps: list[tuple[bool, str]], in_all: int, per_user: int) -> None:
    seats, taken = Seats(in_all, per_user), Counter[str]()
    for take, user in steps:
        if take:
            full = taken.total() >= in_all or taken[user] >= per_user
            if full:
                with pytest.raises(NoRoom):
                    seats.take(user)
            else:
                seats.take(user)
                taken[user] += 1
        elif taken[user]:
            seats.give(user)
            taken[user] -= 1
        assert seats.taken == taken.total()


@pytest.mark.limit("a log that is flooded by refusals", "one a second is told, with how many there were")
def test_refusals_are_told_once_a_second() -> None:
    time = Time()
    door = Strangers(Room(), time)
    time.now = 5
    assert [door.refused() for _ in range(4)] == [1, 0, 0, 0]
    time.now = 6
    assert [door.refused() for _ in range(2)] == [4, 0]
