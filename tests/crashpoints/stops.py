"""Where the process may be stopped, and what is left of the world when it is.

A stop is reached wherever something that outlives the process changes or is about to change: the disk, a cloud, what a
client knows. What is left is a copy of all three: taking it is what a kill does, and going on from it is what a
restart does. So one undisturbed run yields every stop of it, and each restart begins with exactly what was left.
"""

from __future__ import annotations

import asyncio
import copy
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from crashpoints.cloud import EFFECTS, MemoryCloud, Orphan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from promise.ledger.journal import Row

LATE: Final = (2.0, 130.0)
"""Seconds after which a request arrives whose sender died: while its server is looked for, and after that is over."""

_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_WHEN: Final = re.compile(r"(?<=:)18\d{8}\b|(?<=\"attempts\":)\d+")
"""Seconds of 2030, and how often something was tried."""

FILES: Final = ("ledger.sqlite", "ledger.sqlite-wal")


class Stopped(Exception):
    """This life of the controller is over; whoever still runs may change nothing any more."""


@dataclass
class Records:
    """How all records stand, in words that are the same at other times, with other ids and after other attempts."""

    standing: dict[tuple[str, str], str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def add(self, rows: Sequence[Row]) -> None:
        """Take in what a commit writes."""
        for row in rows:
            said = json.loads(self.named(_WHEN.sub("0", row.payload)))
            self.standing.pop((said["table"], said["key"]), None)
            if said["record"] is not None:
                self.standing[said["table"], said["key"]] = json.dumps(said["record"])

    def named(self, text: str) -> str:
        """Return a text with our ids in the order in which they came."""
        return _ID.sub(lambda found: self.ids.setdefault(found[0], f"#{len(self.ids)}"), text)

    def copy(self) -> Records:
        """Return another one that knows as much."""
        return Records(dict(self.standing), dict(self.ids))


@dataclass
class World:
    """What outlives the process. `said` is what clients know: what came of the steps of the script so far.

    `asked` are the steps that were begun, `words` the ids that clients have learnt. `late` tells that nobody was there
    for so long that what is asked then may be refused for good reason. `lies_there` tells that the files are where
    the next life looks for them already.

    `history` tells at which stops earlier lives have ended, for whoever has to understand a failure.
    """

    clouds: dict[str, MemoryCloud]
    disk: Mapping[str, bytes] = field(default_factory=dict)
    said: dict[int, object] = field(default_factory=dict)
    asked: set[int] = field(default_factory=set)
    words: dict[str, str] = field(default_factory=dict)
    elapsed: float = 0.0
    history: tuple[str, ...] = ()
    late: bool = False
    lies_there: bool = False
    records: Records = field(default_factory=Records)


class Stops:
    """The stops of one life of a world: `left` has what each of them leaves.

    Of stops that leave the same only the first counts: `seen` are those of all lives so far; None = nothing is kept.
    """

    def __init__(self, world: World, folder: Path, seen: set[str] | None = None) -> None:
        self._seen = seen
        self.world = world
        self.left: list[World] = []
        self.over = False
        self.folder = folder
        self._passed = 0
        self._writes = 0
        self._opening = True
        self._disk: tuple[int, Mapping[str, bytes]] = (-1, {})

    def alive(self) -> None:
        """Let nobody go on whose process is dead."""
        if self.over:
            raise Stopped

    def wrote(self, name: str, rows: Sequence[Row] = ()) -> None:
        """Be at a stop where the disk is another one."""
        self._writes += 1
        self._opening = not rows
        self.world.records.add(rows)
        self.reach(name)

    def reach(self, name: str, orphan: tuple[str, Orphan] | None = None) -> None:
        """Be at a stop."""
        self.alive()
        if self._seen is None:
            return
        self._passed += 1
        left = self._print(orphan)
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

    def _print(self, orphan: tuple[str, Orphan] | None) -> str:
        """Return what tells what is left here from what is left elsewhere; when it is does not."""
        world = self.world
        opening = self._writes if self._opening and not world.disk else None
        clouds = [(*cloud.things(), [(one.name, one.said) for one in cloud.orphans]) for cloud in world.clouds.values()]
        late = orphan and (orphan[1].name, orphan[1].said, orphan[1].due - asyncio.get_running_loop().time())
        known = sorted(world.said), sorted(world.asked)
        return world.records.named(repr((sorted(world.records.standing.items()), opening, known, clouds, late)))

    def _copied(self, name: str, orphan: tuple[str, Orphan] | None) -> World:
        world = self.world
        if self._disk[0] != self._writes:
            self._disk = self._writes, read_disk(self.folder)
        left = World(
            clouds=copy.deepcopy(world.clouds),
            disk=self._disk[1],
            said=dict(world.said),
            asked=set(world.asked),
            words=dict(world.words),
            elapsed=asyncio.get_running_loop().time(),
            records=world.records.copy(),
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
