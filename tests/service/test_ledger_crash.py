"""kill -9 at any moment loses no acknowledged decision."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from unit.ledger.toy import CODECS, Toy, open_toy

from promise.ledger import recovery
from promise.ledger.sqlite import SqliteStore
from promise.ledger.writer import Settings

if TYPE_CHECKING:
    from promise.events import Event

VICTIM = Path(__file__).parents[1] / "unit" / "ledger" / "victim.py"


def run_and_kill(path: Path, name: str, acknowledgements: int) -> list[str]:
    """Kill a server after so many acknowledgements, and return all that it gave."""
    paths = os.pathsep.join(entry for entry in sys.path if entry)
    process = subprocess.Popen(
        [sys.executable, str(VICTIM), str(path), name], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths}
    )
    assert process.stdout
    with process, process.stdout as output:
        lines = [output.readline() for _ in range(acknowledgements)]
        process.send_signal(signal.SIGKILL)
        lines += output.readlines()
    assert process.returncode == -signal.SIGKILL
    return [line.decode().strip() for line in lines if line.endswith(b"\n")]


@pytest.mark.parametrize("seed", range(3))
async def test_killed_servers_lose_nothing_that_they_acknowledged(tmp_path: Path, seed: int) -> None:
    path, chance = tmp_path / "ledger.db", random.Random(seed)
    said: list[str] = []
    for life in range(3):
        said += run_and_kill(path, f"life{life}", chance.randint(1, 250))

    store, state = SqliteStore(path), Toy()
    given: set[str] = set()

    def apply(event: Event) -> None:
        state.apply(event)
        assert state.taken <= 1000
        if event.table == "reservation":
            given.add(("+" if event.record else "-") + event.key)

    recovery.replay(store, CODECS, apply)
    store.close()
    assert said
    assert set(said) <= given
    assert len(given - set(said)) <= 3 * 20  # each client had at most one decision that was not yet acknowledged

    after = Toy()
    await (await open_toy(f"sqlite:///{path}", after, settings=Settings(verify_all=True))).close()
    assert after == state
