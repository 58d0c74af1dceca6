"""The controller is stopped at every step of every workflow, and started again: nothing is lost, left over or twice."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from crashpoints.explore import Explorer
from crashpoints.workflows import CAPACITY, CONFIGURATION, INSTANCES, PARTS, TIMES, WORKFLOWS

if TYPE_CHECKING:
    from crashpoints.life import Workflow

TELLING = (*INSTANCES[:4], INSTANCES[8], PARTS[2], CAPACITY[2], *CONFIGURATION[:2], CONFIGURATION[3])
"""Those that every run of the tests plays, each stopped once."""

FEWEST = 8
"""No workflow has fewer stops that leave something else: it would not have been played."""

SHORT = (*INSTANCES[:4], *INSTANCES[6:12], TIMES[3], *CONFIGURATION)


def named(workflow: Workflow) -> str:
    return workflow.name


@pytest.mark.parametrize("workflow", TELLING, ids=named)
def test_stopped_once_at_every_step(workflow: Workflow, memory: Path) -> None:
    assert Explorer(workflow, memory).explore() >= FEWEST


@pytest.mark.slow
@pytest.mark.parametrize("away", [45.0, 100_000.0])
@pytest.mark.parametrize("workflow", WORKFLOWS, ids=named)
def test_stopped_once_and_away_for_some_time(workflow: Workflow, away: float, memory: Path) -> None:
    assert Explorer(workflow, memory, away, late=away > 100).explore() >= FEWEST


@pytest.mark.slow
@pytest.mark.parametrize("name", ["create", "destroy after 2 s", "set-provider-credentials"])
def test_killed_at_every_step(name: str, memory: Path) -> None:
    """What SIGKILL leaves is what a stop leaves, to the byte, and what follows is the same."""
    explorer = Explorer(next(one for one in WORKFLOWS if one.name == name), memory / "undisturbed")
    explorer.folder.mkdir()
    explorer.explore(0)
    tests = Path(__file__).parent.parent
    killer = [sys.executable, str(tests / "crashpoints" / "killed.py"), name, str(memory)]
    path = os.pathsep.join([str(tests), str(tests.parent), os.environ.get("PYTHONPATH", "")])
    ended = subprocess.run(killer, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert ended.returncode == 3, ended.stderr
    left = sorted(memory.glob("*.world"))
    assert len(left) >= 10
    for around in left:
        explorer.go_on(pickle.loads(around.read_bytes()), around.with_suffix(""))  # noqa: S301 - written by ourselves


@pytest.mark.slow
@pytest.mark.parametrize("workflow", SHORT, ids=named)
def test_stopped_twice(workflow: Workflow, memory: Path) -> None:
    assert Explorer(workflow, memory).explore(2) >= FEWEST
