"""The moves of the random histories as rules of a hypothesis state machine, which shrinks what fails by itself."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from oracle.model_history import History, history
from oracle.model_moves import MIXED, QUERIES
from oracle.model_play import world_of
from oracle.model_trial import Call
from oracle.model_weather import AROUND, Weather
from oracle.still_loop import StillLoop

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

REQUESTS = sorted(MIXED.keys() - QUERIES.keys())
AROUND_THEM = sorted(AROUND.keys() - {"days"})
chances = st.randoms(use_true_random=False)


class HistoryMachine(RuleBasedStateMachine):
    """One history: each rule is one step, and its choices are hypothesis's."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=StillLoop)
        self.sound = True

    @initialize(chance=chances)
    def a_world(self, chance: Random) -> None:
        clouds, policy = world_of(chance)
        self.opened = history(clouds, policy, 1)
        self.court: History = self.runner.run(self.opened.__aenter__())
        self.moves = Weather(Random(1), self.court)
        for name in clouds.by_name:
            self.plays(self.court.step(Call(f"p-{name}", "add-provider", {"name": name})))
        for call in self.moves.opening:
            self.plays(self.court.step(call))

    @rule(chance=chances, operation=st.sampled_from(REQUESTS))
    def somebody_asks(self, chance: Random, operation: str) -> None:
        self.happens(chance, operation)

    @rule(chance=chances, operation=st.sampled_from(AROUND_THEM))
    def something_happens(self, chance: Random, operation: str) -> None:
        self.happens(chance, operation)

    def happens(self, chance: Random, operation: str) -> None:
        if operation == "add-provider":
            return
        self.moves.chance = chance
        self.moves.made += 1
        query = getattr(self.moves, operation.replace("-", "_"))()
        self.plays(self.court.step(Call(f"c{self.moves.made}", operation, query)))

    def plays(self, step: Coroutine[Any, Any, object]) -> None:
        self.sound = False
        self.runner.run(step)
        self.sound = True

    def teardown(self) -> None:
        try:
            if self.sound and hasattr(self, "court"):
                self.plays(self.court.end())
        finally:
            if hasattr(self, "opened"):
                self.runner.run(self.opened.__aexit__(None, None, None))
            self.runner.close()


TestHistories = HistoryMachine.TestCase
TestHistories.settings = settings(
    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
