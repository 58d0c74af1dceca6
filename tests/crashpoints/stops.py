"""Where the process may be stopped, and what is left of the world when it is.

A stop is reached wherever something that outlives the process changes or is about to change: the disk, a cloud, what a
client knows. What is left is a copy of all three: taking it is what a kill does, and going on from it is what a
restart does. So one undisturbed run yields every stop of it, and each restart begins with exactly what was left.
"""

from __future__ import annotations

import asyncio
import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from crashpoints.cloud import EFFECTS, MemoryCloud, Orphan

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LATE: Final = (2.0, 130.0)
"""Seconds after which a request arrives whose sender died: while its server is looked for, and after that is over."""

FILES: Final = ("ledger.sqlite", "ledger.sqlite-wal")


class Stopped(Exception):
    """This life of the controller is over; whoever still runs may change nothing any more."""


@dataclass
class World:
    """What outlives the process. `said` is what clients know: what came of the steps of the script so far.

    `asked` are the steps that were begun, `words` the ids that clients have learnt.
    `history` tells at which stops earlier lives have ended, for whoever has to understand a failure.
    """

    clouds: dict[str, MemoryCloud]
    disk: Mapping[str, bytes] = field(default_factory=dict)
    said: dict[int, object] = field(default_factory=dict)
    asked: set[int] = field(default_factory=set)
    words: dict[str, str] = field(default_factory=dict)
    elapsed: float = 0.0
    history: tuple[str, ...] = ()


class Stops:
    """The stops of one life of a world: `left` has what each of them leaves, if it `keeps` that."""

    def __init__(self, world: World, folder: Path, *, keeps: bool = False) -> None:
        self._keeps = keeps
        self.world = world
        self.left: list[World] = []
        self.over = False
        self._folder = folder
        self._passed = 0
        self._writes = 0
        self._disk: tuple[int, Mapping[str, bytes]] = (-1, {})
        self._seen: set[object] = set()

    def alive(self) -> None:
        """Let nobody go on whose process is dead."""
        if self.over:
            raise Stopped

    def wrote(self, name: str) -> None:
        """Be at a stop where the disk is another one."""
        self._writes += 1
        self.reach(name)

    def reach(self, name: str, orphan: tuple[str, Orphan] | None = None) -> None:
        """Be at a stop. What leaves the same as a stop before, but for the time, is the same stop."""
        self.alive()
        if not self._keeps:
            return
        self._passed += 1
        clouds = {key: (cloud.servers_there, cloud.orphans) for key, cloud in self.world.clouds.items()}
        left = repr((self._writes, len(self.world.said), clouds, orphan))
        if left not in self._seen:
            self._seen.add(left)
            self.left.append(self._copied(name, orphan))

    def sending(self, what: str, cloud: str, asked: str, said: tuple[Any, ...]) -> None:
        """Be where a request leaves; one with an effect may arrive although its sender dies."""
        self.reach(f"before {what}")
        if asked in EFFECTS:
            for late in LATE:
                due = asyncio.get_running_loop().time() + late
                self.reach(f"{what} on its way, {late:.0f} s late", (cloud, Orphan(due, asked, said)))

    def _copied(self, name: str, orphan: tuple[str, Orphan] | None) -> World:
        world = self.world
        if self._disk[0] != self._writes:
            self._disk = self._writes, read_disk(self._folder)
        left = World(
            clouds=copy.deepcopy(world.clouds),
            disk=self._disk[1],
            said=dict(world.said),
            asked=set(world.asked),
            words=dict(world.words),
            elapsed=asyncio.get_running_loop().time(),
            history=(*world.history, f"{name} (stop {self._passed})"),
        )
        if orphan is not None:
            left.clouds[orphan[0]].orphans.append(orphan[1])
        return left


def read_disk(folder: Path) -> Mapping[str, bytes]:
    """Return what a kill leaves of the ledger's files."""
    return {name: (folder / name).read_bytes() for name in FILES if (folder / name).exists()}


def write_disk(folder: Path, disk: Mapping[str, bytes]) -> None:
    """Put back what was left."""
    for old in folder.iterdir():
        old.unlink()
    for name, content in disk.items():
        (folder / name).write_bytes(content)
