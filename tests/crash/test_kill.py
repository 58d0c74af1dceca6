"""kill -9 of the server under load, and start again: every acknowledged decision is there, and no other.

PROMISE_KILLS says how often (10), PROMISE_SEED repeats a run: what is asked for and when the server is killed, counted
in requests and answers, follow from it; how far the server had come by then does not.
"""

from __future__ import annotations

import asyncio
import os
import random
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import pytest
from crash.book import Book, Offered
from crash.consumer import FRAGILE, Consumer, Market
from crash.deployment import ADMIN, USERS, Deployment
from crash.kept import Ledger
from crash.processes import Died, Executed
from crash.asking import Increase
from crash.verification import ZONES, check_ledger, quiet, verify

from promise.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crash.processes import Cradle, Process

AT_ONCE: Final = 25
"""Kills of one run, at most: more are several runs, so that no run's ledger grows beyond what is looked through."""
KILLS: Final = int(os.environ.get("PROMISE_KILLS", "10"))
RUNS: Final = [min(AT_ONCE, KILLS - first) for first in range(0, KILLS, AT_ONCE)]
CONSUMERS: Final = 6
EARLY: Final = 0.15
"""The share of the starts that are killed before the server is ready."""
OFFER: Final = {"cores": 40, "ram": 81920, "instances": 40}
"""What is offered in each zone at the beginning: little enough that consumers are refused."""

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
    """Kills the server a moment after so many things were heard: requests that were sent, and answers."""

    def __init__(self, heard: int, delay: float, kill: Callable[[], None]) -> None:
        self._left = heard
        self._delay = delay
        self._kill = kill

    def heard(self) -> None:
        self._left -= 1
        if self._left == 0:
            asyncio.get_running_loop().call_later(self._delay, self._kill)


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
        self.market = Market("", (), {}, self.clock.now())
        self.kills = 0
        self.found = 0

    async def begin(self) -> None:
        """Start a server as everybody does, and offer something."""
        await self.deployment.start(Executed())
        await self.deployment.spoil(**POST, body=FRAGILE, action="error", status=403)
        client = await self.deployment.session()
        self.market.provider, self.market.needs = await self.deployment.add_provider(client)
        self.market.zones = tuple(zone for zone in ZONES if zone)
        for zone in self.market.zones:
            offered = Offered(f"offer-{zone}", ADMIN, self.clock.now(), capacity=OFFER, zone=zone)
            self.book.offered[offered.name] = offered
            request = Increase(offered, self.market.provider)
            request.answered(await client.rpc(request.xml), self.clock.now())
        await client.close()
        self.consumers = [
            Consumer(f"c{number}", USERS[number % len(USERS)], self.market, self.book, self.clock)
            for number in range(CONSUMERS)
        ]

    async def live_and_die(self) -> None:
        """Put the server under load, kill it, start it again, and look at what is there."""
        rng, deployment = self.rng, self.deployment
        troubles = rng.choices(TROUBLE, k=rng.choice((0, 1, 2)))
        rules = [await deployment.spoil(**rng.choice((POST, POST, DELETE)), **trouble) for trouble in troubles]
        sessions = [await deployment.session(consumer.user) for consumer in self.consumers]
        shot = Countdown(rng.randint(1, 150), rng.choice((0, rng.uniform(0, 0.03))), deployment.server.kill)
        life = f"{self.seed}/{self.kills}"
        async with asyncio.TaskGroup() as tasks:
            for consumer, session in zip(self.consumers, sessions, strict=True):
                tasks.create_task(consumer.work(session, life, shot))
        assert await deployment.server.ended() == -9
        self.kills += 1
        for session in sessions:
            await session.close()
        await deployment.heal(*rules)
        await self.start_again()
        await self.verify()

    async def start_again(self) -> None:
        """Start the server; now and then it is killed before it is ready, and started once more."""
        if self.rng.random() < EARLY:
            await self.deployment.launch(self.cradle)
            asyncio.get_running_loop().call_later(self.rng.uniform(0, 0.5), self.deployment.server.kill)
            assert await self.deployment.server.ended() == -9
            self.kills += 1
        await self.deployment.start(self.cradle)

    async def verify(self) -> None:
        """Look at everything over NETCONF."""
        client = await self.deployment.session()
        _, found = await verify(client, self.book, self.market.provider, self.clock)
        self.found += found
        await client.close()

    async def end(self) -> None:
        """Wait until the cloud is quiet, stop the server as everybody does, and look into the ledger."""
        client = await self.deployment.session()
        await quiet(self.deployment, client)
        shown, _ = await verify(client, self.book, self.market.provider, self.clock)
        await client.close()
        await self.deployment.stop()
        ledger = Ledger(self.deployment.state / "ledger.sqlite")
        check_ledger(ledger.journal(), ledger.tables(), shown, self.book)
        assert ledger.lives() <= self.kills + 1
        ledger.close()

    def __str__(self) -> str:
        times = self.deployment.restarts[1:] or [0.0]
        return (
            f"PROMISE_SEED={self.seed}: {self.kills} kills, {self.book.sent} requests, {self.book.answered} answers, "
            f"{len(self.book)} things asked for, {self.found} found unacknowledged; "
            f"ready again after {median(times):.2f} s (median), {max(times):.2f} s (longest)"
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
