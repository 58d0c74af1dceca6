"""The side of Aodh that acts: as time passes it lets the world go on, and calls whom alarms name, in order."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, Final

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout

if TYPE_CHECKING:
    from promise.vim.simulator.control import Clock
    from promise.vim.simulator.world.alarms import Firing
    from promise.vim.simulator.world.world import World

log = structlog.get_logger(__name__)
_PATIENCE: Final = ClientTimeout(total=5.0)


class Notifier:
    """Wakes when something falls due, so that alarms ring without anybody asking; calls that fail are not repeated."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock
        self._changed = asyncio.Event()
        self._calls: asyncio.Queue[Firing] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._awaited: float | None = None

    def start(self) -> None:
        """Begin to watch the clock and to call."""
        self._tasks = [asyncio.create_task(self._watch()), asyncio.create_task(self._call())]

    async def stop(self) -> None:
        """Stop at once; calls that were not made are dropped."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def look(self) -> None:
        """Judge what has happened by the alarms, after something may have."""
        for firing in self._world.alarms.judge(self._world.events.fetch(), self._clock.now()):
            self._calls.put_nowait(firing)
        if self._world.agenda.next() != self._awaited:
            self._changed.set()

    async def idle(self) -> None:
        """Return once every call that is owed has been made or has failed."""
        await self._calls.join()

    async def _watch(self) -> None:
        while True:
            self._changed.clear()
            self._awaited = self._world.agenda.next()
            waits: list[asyncio.Task[Any]] = [asyncio.create_task(self._changed.wait())]
            if self._awaited is not None:
                waits.append(asyncio.create_task(self._reach(self._awaited)))
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
            self._world.advance(self._clock.now())
            self.look()

    async def _reach(self, moment: float) -> None:
        """Wait for a moment; a clock of whole seconds reaches a fraction one only with the next second."""
        await self._clock.sleep_until(moment)
        await self._clock.sleep_until(math.ceil(moment) if self._clock.now() < moment else moment)

    async def _call(self) -> None:
        async with ClientSession(timeout=_PATIENCE) as http:
            while True:
                firing = await self._calls.get()
                try:
                    async with http.post(firing.url, json=firing.body, allow_redirects=False) as reply:
                        log.debug("simulator.alarm", url=firing.url, status=reply.status)
                except (ClientError, TimeoutError, ValueError) as error:
                    log.warning("simulator.alarm-lost", url=firing.url, error=str(error))
                finally:
                    self._calls.task_done()
