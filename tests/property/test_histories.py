"""Random histories of calls, played through the NETCONF door of a controller and judged by the model, answer by answer.

`PROMISE_HISTORIES=500` plays more of them than `make test` does, from the seed `PROMISE_SEED` on; `PROMISE_STEPS` says
how long each is. A failure prints the fewest calls that show it, as Python for `oracle.model_play.replay`.
"""

from __future__ import annotations

import os

import pytest
from oracle.model_play import play, shrink, told

HISTORIES = int(os.environ.get("PROMISE_HISTORIES", "8"))
FIRST = int(os.environ.get("PROMISE_SEED", "1"))
STEPS = int(os.environ.get("PROMISE_STEPS", "60"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + HISTORIES))
async def test_controller_and_model_give_the_same_answers(seed: int) -> None:
    outcome = await play(seed, STEPS)
    if outcome.failure is not None:
        pytest.fail(told(seed, await shrink(seed, outcome)), pytrace=False)
