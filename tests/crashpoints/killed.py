"""Plays a workflow again and again in processes of its own, each of which is killed at the next of its stops.

    python killed.py WORKFLOW FOLDER    the n-th leaves its state in FOLDER/n, and the world around it in FOLDER/n.world

What clients know and what is in the clouds lives in the process here, so it is written down just before the kill.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from crashpoints.life import BEGIN, live
from crashpoints.stops import Stops, World, read_disk
from crashpoints.workflows import WORKFLOWS

from promise.northbound.datastore import schema

if TYPE_CHECKING:
    from crashpoints.cloud import Orphan
    from crashpoints.life import Workflow

ENDED = 3
"""The exit status of a process that was never killed: there is no such stop any more."""


class Killing(Stops):
    """Stops of which the one with a number is the last."""

    def __init__(self, world: World, folder: Path, last: int) -> None:
        super().__init__(world, folder, set())
        self._last = last

    def reach(self, name: str, orphan: tuple[str, Orphan] | None = None) -> None:
        """Be at a stop, and die there if it is the last."""
        super().reach(name, orphan)
        if len(self.left) > self._last:
            self.folder.with_suffix(".world").write_bytes(pickle.dumps(self.left[-1]))
            os.kill(os.getpid(), signal.SIGKILL)


def play(workflow: Workflow, folder: Path, last: int) -> None:
    """Play in this process; it is killed on the way, or ends."""
    folder.mkdir()
    world = World(clouds=workflow.clouds())
    if workflow.given:
        live(world, workflow, workflow.given, folder)
        world = World(world.clouds, read_disk(folder), words=world.words, elapsed=BEGIN)
    live(world, workflow, workflow.script, folder, Killing(world, folder, last))
    os._exit(ENDED)


def main(name: str, folder: Path) -> None:
    """Kill one process after the other, until one ends."""
    schema()  # once, and not in each process
    workflow = next(one for one in WORKFLOWS if one.name == name)
    for number in count():
        process = os.fork()
        if not process:
            play(workflow, folder / str(number), number)
        _, status = os.waitpid(process, 0)
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
