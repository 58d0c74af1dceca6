"""Random histories of calls, judged step by step by the model: over the NETCONF door, and without doors, with faults.

`PROMISE_HISTORIES=500` plays more of them than `make test` does, from the seed `PROMISE_SEED` on; `PROMISE_STEPS` says
how long each is. A failure prints the fewest calls that show it, as Python for `oracle.model_play.replay`. `make
histories` plays thousands (docs/how-to/play-random-histories.md).
"""

from __future__ import annotations

import os

import pytest
from oracle.model_history import history
from oracle.model_play import play, shrink, told
from oracle.model_weather import Weather
from oracle.still_loop import run

FIRST = int(os.environ.get("PROMISE_SEED", "1"))


def seeds(usual: int) -> range:
    return range(FIRST, FIRST + int(os.environ.get("PROMISE_HISTORIES", str(usual))))


def steps(usual: int) -> int:
    return int(os.environ.get("PROMISE_STEPS", str(usual)))


@pytest.mark.parametrize("seed", seeds(4))
async def test_controller_and_model_give_the_same_answers(seed: int) -> None:
    outcome = await play(seed, steps(60))
    if outcome.failure is not None:
        pytest.fail(told(seed, await shrink(seed, outcome)), pytrace=False)


@pytest.mark.parametrize("seed", seeds(8))
def test_whatever_happens_controller_and_model_agree(seed: int) -> None:
    outcome = run(play(seed, steps(120), history, Weather))
    if outcome.failure is not None:
        pytest.fail(told(seed, run(shrink(seed, outcome, history))), pytrace=False)


def test_a_seed_always_plays_the_same_history() -> None:
    first, second = (run(play(3, 80, history, Weather)) for _ in range(2))
    assert (first.calls, str(first.failure)) == (second.calls, str(second.failure))
    assert len(first.calls) > 80
