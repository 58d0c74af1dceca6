"""Plays a workflow undisturbed, then goes on from everything that any stop of it leaves, and from their stops."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crashpoints.judge import final, wrong
from crashpoints.life import BEGIN, Workflow, live
from crashpoints.stops import Stops, World, read_disk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass
class Explorer:
    """Explores one workflow in a folder of its own; `lives` counts the restarts, `away` is how long nobody is there."""

    workflow: Workflow
    folder: Path
    away: float = 0.0
    lives: int = 0
    expected: list[str] = field(default_factory=list)

    def explore(self, depth: int = 1) -> int:
        """Stop at each stop, and at each of those that come after that, to a depth; return how many lives that were."""
        left = self._lived(self._beginning(), depth)
        self._restart(left, depth)
        return self.lives

    def _beginning(self) -> World:
        """Return the world in which the workflow begins."""
        world = World(clouds=self.workflow.clouds())
        if self.workflow.given:
            live(world, self.workflow, self.workflow.given, self.folder)
            world.disk = read_disk(self.folder)
        return World(world.clouds, world.disk, words=world.words, elapsed=BEGIN)

    def _restart(self, left: Sequence[World], depth: int) -> None:
        for world in left:
            world.elapsed += self.away
            self.lives += 1
            self._restart(self._lived(world, depth - 1), depth - 1)

    def _lived(self, world: World, depth: int) -> Sequence[World]:
        """Live on from a world, judge how that ended, and return what its stops leave."""
        where = " | ".join(world.history) or "undisturbed"
        stops = Stops(world, self.folder, keeps=depth > 0)
        try:
            ended = live(world, self.workflow, self.workflow.script, self.folder, stops)
        except Exception as error:
            raise AssertionError(f"{self.workflow.name}, {where}: {error!r}") from error
        found = list(wrong(ended, self.folder))
        records = final(ended.state)
        self.expected = self.expected or records
        found += [f"lost: {line}" for line in self.expected if line not in records]
        found += [f"new: {line}" for line in records if line not in self.expected]
        assert not found, f"{self.workflow.name}, {where}:\n" + "\n".join(found)
        return stops.left
