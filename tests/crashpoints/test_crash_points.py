"""The controller is stopped at every step of every workflow, and started again: nothing is lost, left over or twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from crashpoints.explore import Explorer
from crashpoints.workflows import CAPACITY, CONFIGURATION, INSTANCES, TIMES, WORKFLOWS

if TYPE_CHECKING:
    from pathlib import Path

    from crashpoints.life import Workflow

TELLING = (*INSTANCES[:4], INSTANCES[8], TIMES[1], TIMES[3], CAPACITY[2], *CONFIGURATION[:2], CONFIGURATION[3])
"""Those that every run of the tests plays, each stopped once."""

SHORT = (*INSTANCES[:4], *INSTANCES[6:12], TIMES[3], *CONFIGURATION)


def named(workflow: Workflow) -> str:
    return workflow.name


@pytest.mark.parametrize("workflow", TELLING, ids=named)
def test_stopped_once_at_every_step(workflow: Workflow, memory: Path) -> None:
    assert Explorer(workflow, memory).explore() >= 10


@pytest.mark.slow
@pytest.mark.parametrize("away", [45.0, 100_000.0])
@pytest.mark.parametrize("workflow", WORKFLOWS, ids=named)
def test_stopped_once_and_away_for_some_time(workflow: Workflow, away: float, memory: Path) -> None:
    assert Explorer(workflow, memory, away, late=away > 100).explore() >= 10


@pytest.mark.slow
@pytest.mark.parametrize("workflow", SHORT, ids=named)
def test_stopped_twice(workflow: Workflow, memory: Path) -> None:
    assert Explorer(workflow, memory).explore(2) >= 100
