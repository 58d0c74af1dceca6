"""Where time comes from: the only module that may read the clock (ruff forbids it elsewhere)."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection


class Clock(Protocol):
    """Time as the controller sees it: whole seconds of UTC, and waiting for a moment."""

    def now(self) -> int:
        """Return seconds since 1970-01-01T00:00:00Z, rounded down."""

    async def sleep_until(self, moment: float) -> None:
        """Return once `now()` has reached `moment`; at once when it is past."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Return seconds since 1970-01-01T00:00:00Z, rounded down."""
        return int(time.time())

    async def sleep_until(self, moment: float) -> None:
        """Sleep in steps of at most a minute, so that a clock that is set is noticed."""
        while (left := moment - time.time()) > 0:
            await asyncio.sleep(min(left, 60.0))


class ManualClock:
    """A clock that only moves when it is told to: tests and the scenario runner own time with it."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._moved = asyncio.Condition()

    def now(self) -> int:
        """Return the moment at which the clock was set."""
        return self._now

    async def advance(self, seconds: int) -> None:
        """Move forward and wake everybody whose moment has come."""
        async with self._moved:
            self._now += seconds
            self._moved.notify_all()

    async def sleep_until(self, moment: float) -> None:
        """Wait until somebody has advanced the clock far enough."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._now >= moment)


class PreciseClock:
    """The machine's clock with its fractions, for the simulated cloud: there, things take less than a second."""

    def now(self) -> float:
        """Return seconds since 1970-01-01T00:00:00Z."""
        return time.time()

    async def sleep_until(self, moment: float) -> None:
        """Sleep in steps of at most a minute, so that a clock that is set is noticed."""
        await SystemClock().sleep_until(moment)


async def first_of(waits: Collection[asyncio.Future[Any]]) -> None:
    """Return when one of these is done; the others are cancelled."""
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
