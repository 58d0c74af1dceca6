"""Plays a workflow undisturbed, then goes on from everything that any stop of it leaves, and from their stops."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crashpoints.judge import final, wrong
from crashpoints.life import BEGIN, Workflow, live
from crashpoints.stops import Stops, World, read_disk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@dataclass
class Explorer:
    """Explores one workflow in a folder of its own; `lives` counts the restarts.

    `away` is how long nobody is there after a stop, in seconds; `late` tells that this is so long that requests may be
    refused, and all may end otherwise than undisturbed: what must always be true is judged still.
    """

    workflow: Workflow
    folder: Path
    away: float = 0.0
    lives: int = 0
    late: bool = False
    made: dict[str, int] = field(default_factory=dict)
    expected: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def explore(self, depth: int = 1) -> int:
        """Stop at each stop, then at each new one of those that come after it, `depth` times; return how many lives.

        What a stop leaves that was left before, but at another time, is not gone on from again.
        """
        left = self._lived(self._beginning(), keeps=True)
        for stops in range(depth):
            left = [more for world in left for more in self._restarted(world, keeps=stops + 1 < depth)]
        return self.lives

    def go_on(self, world: World, folder: Path) -> None:
        """Go on from what a killed process has left in a folder; `world` is what was around it."""
        assert read_disk(folder) == world.disk, "a stop is not what a kill leaves"
        self.folder, world.lies_there = folder, True
        self._restarted(world, keeps=False)

    def _beginning(self) -> World:
        """Return the world in which the workflow begins."""
        world = World(clouds=self.workflow.clouds())
        if self.workflow.given:
            live(world, self.workflow, self.workflow.given, self.folder)
            world.disk = read_disk(self.folder)
        return World(world.clouds, world.disk, words=world.words, elapsed=BEGIN)

    def _restarted(self, world: World, *, keeps: bool) -> Sequence[World]:
        world.elapsed += self.away
        world.late = self.late
        self.lives += 1
        return self._lived(world, keeps=keeps)

    def _lived(self, world: World, *, keeps: bool) -> Sequence[World]:
        """Live on from a world, judge how that ended, and return what its stops leave."""
        where = " | ".join(world.history) or "undisturbed"
        stops = Stops(world, self.folder, self.seen if keeps else None)
        try:
            ended = live(world, self.workflow, self.workflow.script, self.folder, stops)
        except Exception as error:
            raise AssertionError(f"{self.workflow.name}, {where}: {error!r}") from error
        found = [*wrong(ended, self.folder), *self._asked_twice(world)]
        records = final(ended.state)
        self.expected = self.expected or records
        if not world.late:
            found += [f"lost: {line}" for line in self.expected if line not in records]
            found += [f"new: {line}" for line in records if line not in self.expected]
        assert not found, f"{self.workflow.name}, {where}:\n" + "\n".join(found)
        return stops.left

    def _asked_twice(self, world: World) -> Iterator[str]:
        """Yield that a server was made that nobody had to make: only one that arrives after all patience may be."""
        patient = not any("130 s late" in stop for stop in world.history)
        for name, cloud in world.clouds.items() if patient and not world.late else ():
            most = self.made.setdefault(name, cloud.made)
            if cloud.made > most:
                yield f"{cloud.made} servers were made in {name}, and {most} are enough"
