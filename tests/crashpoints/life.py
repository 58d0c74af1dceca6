"""One life of the controller: built on what was left, played, settled; it ends only when all is done.

Everything behind the doors is the product's own (`promise.app.build`), on a loop whose time is ours.
"""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crashpoints.cloud import Door
from crashpoints.disk import StoppingStore
from crashpoints.judge import columns_wrong
from crashpoints.script import play, repeat
from crashpoints.stops import Stops, World, write_disk
from crashpoints.virtual import VirtualClock, VirtualLoop

from promise.allocation.model import UNSETTLED
from promise.app import App, build
from promise.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from crashpoints.script import Step

    from promise.capacity.provider import Access
    from promise.events import Entry
    from promise.ledger.state import State

BEGIN = 100.0
"""Seconds after T0 at which the scripts begin."""

LONGEST = 1000
"""Seconds after which nothing may be under way any more: longer than all patience of the worker."""

SYNC = 70
"""Seconds in which each provider is looked at once."""

_EACH = 200
_lives = 0


@dataclass(frozen=True)
class Workflow:
    """What is played: after `given`, which is not disturbed, the `script`. `policy` is that of the first start.

    `clouds` makes the clouds, each reached under its name as endpoint. `calm` is how long to watch at the end.
    `keys_last` tells that all records are there then, so that each request that has a key can be asked once more.
    """

    name: str
    script: Sequence[Step]
    given: Sequence[Step] = ()
    policy: Mapping[str, Any] = field(default_factory=dict)
    clouds: Callable[[], dict[str, Any]] = dict
    calm: int = SYNC
    keys_last: bool = True
    reply_wait: float = 5.0


@dataclass
class Ended:
    """How a life ended that was not stopped: what it leaves, and what a judge may look at."""

    world: World
    state: State
    kinds: list[tuple[str, str]]
    columns: list[str]


def live(world: World, workflow: Workflow, script: Sequence[Step], folder: Path, stops: Stops | None = None) -> Ended:
    """Let the controller live on what is left, until the script is done and all has settled."""
    _tidy()
    if not world.lies_there:
        write_disk(folder, world.disk)
    stops = stops or Stops(world, folder)
    loop = VirtualLoop(world.elapsed)
    asyncio.set_event_loop(None)
    try:
        return loop.run_until_complete(_Life(world, workflow, stops, folder).run(script))
    finally:
        stops.over = True
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


class _Life:
    def __init__(self, world: World, workflow: Workflow, stops: Stops, folder: Path) -> None:
        self._world = world
        self._workflow = workflow
        self._stops = stops
        self._folder = folder
        self._store: StoppingStore | None = None

    async def run(self, script: Sequence[Step]) -> Ended:
        said = {"policy": self._workflow.policy, "cloud": {"reply_wait": self._workflow.reply_wait}}
        config = Config.model_validate({"state_dir": self._folder, **said})
        app = await build(config, VirtualClock(), self._driver, store=self._open)
        try:
            app.ledger.subscribe(self._told)
            app.run()
            await play(script, app, self._stops)
            await self._settle(app)
            if self._workflow.keys_last and not self._world.late:
                await repeat(script, app, self._stops)
            kinds = [(one.event.kind, one.event.key) for one in await app.ledger.journal(0, 10_000)]
            columns = await columns_wrong(app)
        finally:
            self._stops.over = True
            await app.stop()
        return Ended(self._world, app.state, kinds, columns)

    def _open(self) -> StoppingStore:
        self._store = StoppingStore(self._folder / "ledger.sqlite", self._stops)
        return self._store

    def _driver(self, access: Access, password: str) -> Any:
        name = access.endpoint.removeprefix("http://").partition("/")[0]
        return Door(name, self._world.clouds[name], password, self._stops)

    def _told(self, entries: Sequence[Entry]) -> None:
        self._stops.reach(f"everybody is told of {', '.join(one.event.kind for one in entries)}")

    async def _settle(self, app: App) -> None:
        """Go on until nothing is under way, and for some time after that."""
        loop = asyncio.get_running_loop()
        last = loop.time() + LONGEST
        while (under_way := _under_way(app.state)) or any(cloud.orphans for cloud in self._world.clouds.values()):
            assert loop.time() < last, f"still under way after {LONGEST} s: {under_way}"
            await self._wait(1)
        await self._wait(self._workflow.calm)

    async def _wait(self, seconds: float) -> None:
        """Let time go by, in the clouds too when nobody asks them."""
        await asyncio.sleep(seconds)
        for cloud in self._world.clouds.values():
            cloud.pass_time(asyncio.get_running_loop().time())


def _under_way(state: State) -> list[str]:
    return [
        *(f"{asked}" for asked in state.open_operations.values()),
        *(f"{one}" for one in state.allocations.values() if one.counted and one.vm_state in UNSETTLED),
    ]


def _tidy() -> None:
    """Collect what former lives have left: each one freezes what is there."""
    global _lives  # noqa: PLW0603 - it counts
    _lives += 1
    if _lives % _EACH == 0:
        gc.unfreeze()
        gc.collect()
