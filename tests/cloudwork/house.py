"""Ledger, worker and sync as the controller has them, over a cloud in memory; may end at any step and start again."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from cloudwork.clock import StepClock
from cloudwork.cloud import DISCOVERY, CloudDoor, MemoryCloud
from cloudwork.steps import Crash, Steps
from unit.ledger.memory import Disk, MemoryStore

from promise.actor import Actor
from promise.allocation import outcome
from promise.allocation.create import create
from promise.allocation.requests import Admitted, CreateInstance
from promise.allocation.sync import Sync, Watched
from promise.allocation.worker import Patience, Worker
from promise.capacity.model import Pool, Scope
from promise.capacity.provider import Access, Provider
from promise.capacity.query import levels_at
from promise.events import Decision, fact
from promise.ledger.state import CODECS, State
from promise.ledger.writer import Ledger
from promise.resources import FOREVER, Window

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from promise.allocation.model import Allocation

T = TypeVar("T")
ALICE = Actor("alice", "red")
HERE = "11111111-1111-4111-8111-111111111111"
POOL = {"cores": 40, "ram": 20_000, "instances": 20}
ROUNDS = 15
"""So many turns of the loop are enough for all that needs no time."""


class SteppedLedger:
    """The ledger with a step before each decision, and one when it is durable."""

    def __init__(self, ledger: Ledger[State], steps: Steps) -> None:
        self._ledger = ledger
        self._steps = steps

    async def submit(self, decide: Callable[[State, int], Decision[T]], *, actor: str) -> T:
        await self._steps.decide(f"a decision of {actor}")
        answer = await self._ledger.submit(decide, actor=actor)
        await self._steps.decided(f"a decision of {actor}")
        return answer

    async def read(self, query: Callable[[State, int], T]) -> T:
        return await self._ledger.read(query)

    async def secret(self, key: str) -> str | None:
        return await self._ledger.secret(key)


class House:
    """What outlives a process: the disk, the cloud and the time; and the process that runs now."""

    def __init__(
        self,
        cloud: MemoryCloud | None = None,
        driver: Watched | None = None,
        pool: Mapping[str, int] = POOL,
    ) -> None:
        self.pool = pool
        self.cloud = cloud or MemoryCloud()
        self._driver = driver
        self.clock = StepClock()
        self.disk = Disk()
        self.ledger: Ledger[State]
        self.sync: Sync
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, steps: Steps) -> None:
        """Start a process; the first one knows one provider with one pool."""
        self.ledger = await Ledger.open(
            lambda: MemoryStore(self.disk), State(), clock=self.clock, codecs=CODECS, advance=State.advance,
            load=State.load,
        )  # fmt: skip
        if self.ledger.durable_seq == 0:
            await self.ledger.submit(lambda _book, now: Decision(None, _provider(now, self.pool)), actor="root")
        door = self._driver or CloudDoor(self.cloud, steps)

        async def clouds(provider: str) -> Watched:
            assert provider == HERE
            await steps.read("the driver")
            return door

        stepped = SteppedLedger(self.ledger, steps)
        worker = Worker(stepped, stepped, clouds, self.clock, Patience())
        self.sync = Sync(stepped, clouds, self.clock)
        for listener in (worker.heard, self.sync.heard):
            self.ledger.subscribe(listener)
        self._tasks = [asyncio.create_task(worker.run()), asyncio.create_task(self.sync.run())]

    async def stop(self) -> None:
        """End the process; what was not durable is lost, and nothing else."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.ledger.close()

    def failure(self) -> BaseException | None:
        """Return what has stopped the worker or the sync."""
        return next((error for task in self._tasks if task.done() and (error := task.exception())), None)

    async def calm(self) -> None:
        """Let everything be done that needs no time."""
        for _ in range(ROUNDS):
            await self.ledger.read(lambda _book, _now: None)
            await asyncio.sleep(0)

    async def turn(self) -> None:
        """Let everything be done that needs no time, then let time go on."""
        await self.calm()
        self.cloud.pass_time()
        self.clock.leap()

    async def rest(self, longest: int = 400) -> None:
        """Go on until nothing is under way, or the process has ended."""
        for _ in range(longest):
            if self.failure() or not await self.ledger.read(lambda book, _now: unrest(book, self.cloud)):
                return
            await self.turn()
        raise AssertionError(await self.ledger.read(lambda book, _now: unrest(book, self.cloud)))

    async def create(self, name: str = "vm", **said: Any) -> Allocation:
        """Decide on an instance."""
        request = CreateInstance(f"{name}-instance", f"{name}-create", HERE, name, "image", "small", ("net",))
        request = replace(request, **said)
        answer = await self.ledger.submit(lambda book, now: create(book, request, ALICE, now), actor="alice")
        assert isinstance(answer, Admitted)
        return answer.allocation

    async def destroy(self, instance: str) -> None:
        """Decide on its end."""
        await self.ledger.submit(
            lambda book, now: outcome.destroy(book, book.allocations[instance], f"{instance}-delete", now),
            actor="alice",
        )

    async def instance(self, instance: str) -> Allocation:
        return await self.ledger.read(lambda book, _now: book.allocations[instance])

    async def columns(self) -> Mapping[str, Mapping[str, int]]:
        """Return usage, available and total of the provider at this moment."""

        def look(book: State, now: int) -> Mapping[str, Mapping[str, int]]:
            levels: Any = levels_at(book, [Scope(HERE)], now)
            return {"usage": levels.usage, "available": levels.available, "total": levels.total}

        return await self.ledger.read(look)


def unrest(book: State, cloud: MemoryCloud) -> list[str]:
    """Return what is not yet as it has to be in the end: records, operations and the cloud say the same."""
    counted = [found for found in book.allocations.values() if found.counted]
    recorded = {found.server: found for found in counted if not found.kept_from}
    parts = {part.id for found in counted for part in found.parts if part.there}
    held = cloud.volumes.keys() | cloud.addresses.keys()
    return [
        *(f"part: {part}" for part in parts ^ held),
        *(f"open: {asked}" for asked in book.open_operations.values()),
        *(f"not there: {found}" for found in recorded.values() if found.server not in cloud.there),
        *(f"not recorded: {server}" for server in cloud.there.values() if server.id not in recorded),
        *(
            f"{found.vm_state} is {server.state}"
            for server in cloud.there.values()
            if (found := recorded.get(server.id)) and found.vm_state.value != server.state.value
        ),
    ]


def _provider(now: int, capacity: Mapping[str, int]) -> tuple[Any, ...]:
    access = Access("http://127.0.0.1:1", "u", project_name="p")
    provider = Provider(HERE, "here", "openstack", access, HERE, 1, discovery=DISCOVERY, reachable=True, last_sync=now)
    pool = Pool("pool", HERE, None, Window(now, FOREVER), decrease=False, capacity=capacity, started=True)
    return fact("provider-added", provider), fact("pool-added", pool)


@asynccontextmanager
async def house(cloud: MemoryCloud | None = None, steps: Steps | None = None) -> AsyncIterator[House]:
    """Run one process."""
    running = House(cloud)
    await running.start(steps or Steps())
    try:
        yield running
    finally:
        with suppress(Crash):
            await running.stop()
