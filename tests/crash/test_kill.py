"""kill -9 of the server under load, and start again: every acknowledged decision is there, and no other.

PROMISE_KILLS says how often (6). PROMISE_SEED repeats a run: what consumers ask for, what goes wrong in the cloud, and
when the server is killed, counted in requests and answers, follow from it; how far the server had come does not.
"""

from __future__ import annotations

import asyncio
import os
import random
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import pytest
from crash.book import Book, Market
from crash.consumer import FRAGILE, Consumer
from crash.deployment import USERS, Deployment
from crash.kept import Ledger, Lock
from crash.processes import Executed
from crash.verification import check_ledger, quiet, verify

from promise.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crash.processes import Cradle

AT_ONCE: Final = 25
"""Kills of one run, at most: more are several runs, so that no run's ledger grows beyond what is looked through."""
KILLS: Final = int(os.environ.get("PROMISE_KILLS", "6"))
RUNS: Final = [min(AT_ONCE, KILLS - first) for first in range(0, KILLS, AT_ONCE)]
CONSUMERS: Final = 8
EARLY: Final = 0.15
"""The share of the starts that are killed before the server is ready."""
POST: Final = {"service": "compute", "method": "POST", "path": "/servers$"}
DELETE: Final = {"service": "compute", "method": "DELETE", "path": "/servers/"}
TROUBLE: Final[tuple[dict[str, Any], ...]] = (
    {"action": "delay", "seconds": 0.3},
    {"action": "delay", "seconds": 1.0},
    {"action": "delay", "seconds": 0.5, "after": True},
    {"action": "hang", "after": True, "count": 2},
    {"action": "hang", "count": 2},
    {"action": "drop", "after": True, "count": 2},
    {"action": "drop", "count": 2},
    {"action": "error", "status": 503, "count": 2},
    {"action": "error", "status": 500, "after": True, "count": 2},
    {"action": "error", "status": 429, "count": 2},
)
"""What the cloud may do to requests: before their effect, or `after` it."""


class Countdown:
    """Calls `shoot` when so many things were heard: requests that were sent, and answers."""

    def __init__(self, heard: int, shoot: Callable[[], None]) -> None:
        self._left = heard
        self._shoot = shoot

    def heard(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._shoot()


class Run:
    """One deployment, killed again and again."""

    def __init__(self, deployment: Deployment, cradle: Cradle, seed: int) -> None:
        self.deployment = deployment
        self.cradle = cradle
        self.seed = seed
        self.rng = random.Random(seed)
        self.clock = SystemClock()
        self.book = Book()
        self.consumers: list[Consumer] = []
        self.lock = Lock(deployment.ledger)
        self.market = Market("", (), {}, self.clock.now())
        self.kills = 0
        self.found = 0
        self.under_way = 0

    async def begin(self) -> None:
        """Offer something to the consumers."""
        self.market = await self.deployment.offer(self.book, self.clock)
        await self.deployment.spoil(**POST, body=FRAGILE, action="error", status=403)
        self.consumers = [
            Consumer(f"c{number}", USERS[number % len(USERS)], self.market, self.book, self.clock)
            for number in range(CONSUMERS)
        ]
        next(one for one in self.consumers if not one.user.project).edits = True

    async def live_and_die(self) -> None:
        """Put the server under load, kill it, start it again, and look at what is there."""
        await self.live(self.shoot)
        await self.deployment.killed()
        self.lock.release()
        self.kills += 1
        await self.start_again()
        await self.verify()

    def shoot(self) -> None:
        """Kill the server: at once or a moment later, when it has decided and cannot commit, or when it is stopping."""
        kill, loop = self.deployment.server.kill, asyncio.get_running_loop()
        match self.rng.choice(("now", "soon", "later", "undurable", "stopping")):
            case "now":
                kill()
            case "soon":
                loop.call_later(self.rng.uniform(0, 0.004), kill)
            case "later":
                loop.call_later(self.rng.uniform(0, 0.04), kill)
            case "undurable":
                self.lock.hold()
                loop.call_later(self.rng.uniform(0.01, 0.05), kill)
            case "stopping":
                self.deployment.server.terminate()
                loop.call_later(self.rng.uniform(0, 0.1), kill)

    async def live(self, end: Callable[[], None]) -> None:
        """Let consumers and cloud do what they like until the server is gone; `end` is called at a random moment."""
        rng, deployment = self.rng, self.deployment
        troubles = rng.choices(TROUBLE, k=rng.choice((0, 1, 2)))
        rules = [await deployment.spoil(**rng.choice((POST, POST, DELETE)), **trouble) for trouble in troubles]
        sessions = [await deployment.session(consumer.user) for consumer in self.consumers]
        shot = Countdown(rng.randint(1, 250), end)
        life = f"{self.seed}/{self.kills}"
        async with asyncio.TaskGroup() as tasks:
            for consumer, session in zip(self.consumers, sessions, strict=True):
                tasks.create_task(consumer.work(session, life, shot))
        for session in sessions:
            await session.close()
        await deployment.heal(*rules)

    async def start_again(self) -> None:
        """Start the server; now and then it is killed before it is ready, and started once more."""
        if self.rng.random() < EARLY:
            await self.deployment.launch(self.cradle)
            asyncio.get_running_loop().call_later(self.rng.uniform(0, 0.5), self.deployment.server.kill)
            await self.deployment.killed()
            self.kills += 1
        await self.deployment.launch(self.cradle)
        await self.deployment.ready()

    async def verify(self) -> None:
        """Look at everything over NETCONF."""
        client = await self.deployment.session()
        shown, found = await verify(client, self.book, self.market.provider, self.clock)
        self.found += found
        self.under_way += sum(operation.moving for operation in shown.records.operations.values())
        await client.close()

    async def end(self) -> None:
        """Stop the server as everybody does: under load, and once more when all is quiet; then look into its ledger."""
        await self.live(self.deployment.server.terminate)
        await self.deployment.stopped()
        await self.deployment.launch(Executed())
        await self.deployment.ready()
        client = await self.deployment.session()
        await quiet(self.deployment, client)
        shown, _ = await verify(client, self.book, self.market.provider, self.clock)
        await client.close()
        self.deployment.server.terminate()
        await self.deployment.stopped()
        ledger = Ledger(self.deployment.ledger)
        check_ledger(ledger.journal(), ledger.tables(), shown, self.book)
        assert ledger.lives() <= self.kills + 2
        ledger.close()

    def __str__(self) -> str:
        times = sorted(self.deployment.restarts[1:]) or [0.0]
        return (
            f"PROMISE_SEED={self.seed}: {self.kills} kills, {self.book.sent} requests, {self.book.answered} answers; "
            f"of {len(self.book)} things asked for {self.found} found that nobody had been told of; "
            f"{self.under_way} requests to the cloud resumed; "
            f"ready again after {median(times):.2f} s (median), {times[-1]:.2f} s (the longest, with all imports)"
        )


@pytest.mark.parametrize("number", range(len(RUNS)))
async def test_a_killed_server_keeps_what_it_has_acknowledged_and_nothing_else(
    tmp_path: Path, cradle: Cradle, number: int, record_property: Callable[[str, object], None]
) -> None:
    base = os.environ.get("PROMISE_SEED")
    seed = int(base) + number if base else random.SystemRandom().randrange(10**9)
    async with Deployment.opened(tmp_path, cradle) as deployment:
        run = Run(deployment, cradle, seed)
        try:
            await run.begin()
            while run.kills < RUNS[number]:
                await run.live_and_die()
            await run.end()
        finally:
            record_property("crash", str(run))
