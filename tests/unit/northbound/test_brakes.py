"""How fast passwords may be guessed, by user and by address; an oracle counts along."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from netconf_server import HASH

from promise.clock import ManualClock
from promise.northbound.brakes import Brake, Brakes, Limits, network
from promise.northbound.users import User, Users

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMITS = Limits(per_user=3, per_address=6, first=1, longest=8)
HERE, THERE = "192.0.2.1:1000", "192.0.2.2:1000"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_000_000)


@pytest.fixture
def users(clock: ManualClock) -> Iterator[Users]:
    found = Users([User("ann", password_hash=HASH)], brakes=Brakes(LIMITS, clock.now))
    yield found
    found.close()


@given(st.lists(st.integers(0, 20), min_size=1, max_size=40))
def test_pauses_double_up_to_the_longest(waits: list[int]) -> None:
    brake, now, failures = Brake(3, LIMITS), 1000, 0
    for wait in waits:
        now += wait
        if not brake.holds("ann", now):
            brake.failed("ann", now)
            failures += 1
            pause = 0 if failures < 3 else min(8, 2 ** (failures - 3))
            assert brake.holds("ann", now) is (pause > 0)
            assert not pause or brake.holds("ann", now + pause - 1)
            assert not brake.holds("ann", now + pause)
    assert brake.failures("ann", now) == failures
    assert brake.failures("ann", now + LIMITS.forget + 1) == 0


async def test_the_right_password_does_not_help_while_the_brake_holds(users: Users, clock: ManualClock) -> None:
    for name in ("ann", "nobody"):
        for number in range(3):
            assert await users.by_password(name, f"guess {number}", HERE) is None
    assert await users.by_password("ann", "secret", HERE) is None
    assert await users.by_password("ann", "secret", THERE) is None  # it was never right before
    await clock.advance(1)
    assert await users.by_password("ann", "secret", THERE) is not None
    assert await users.by_password("ann", "secret", THERE) is not None


async def test_a_user_who_was_in_gets_in_while_others_guess(users: Users) -> None:
    assert await users.by_password("ann", "secret", THERE) is not None
    for number in range(5):
        await users.by_password("ann", f"guess {number}", HERE)
    assert await users.by_password("ann", "secret", THERE) is not None
    assert await users.by_password("ann", "secret", HERE) is None


async def test_an_address_that_guesses_at_many_has_to_wait(users: Users, clock: ManualClock) -> None:
    for number in range(6):
        assert await users.by_password(f"user {number}", "guess", HERE) is None
    assert await users.by_password("ann", "secret", HERE) is None
    assert await users.by_password("ann", "secret", THERE) is not None
    assert await users.by_password("ann", "secret", HERE) is not None  # recognized: it needs no guess
    await clock.advance(1)
    assert await users.by_password("ann", "secret", HERE) is not None


async def test_many_right_ones_at_once_are_no_guesses(users: Users) -> None:
    for _ in range(20):
        assert await users.by_password("ann", "secret", HERE) is not None
    users._proved.clear()
    assert await users.by_password("ann", "secret", HERE) is not None


def test_an_address_of_ipv6_stands_for_its_network() -> None:
    assert network("2001:db8::1") == network("2001:db8::ffff") == "2001:db8::/64"
    assert network("192.0.2.1") == "192.0.2.1"
    assert network("") == ""
