"""Time for worker and sync together: it moves to the next moment that somebody waits for, and only when told to."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count

START = 1_800_000_000
"""2027-01-15T08:00:00Z."""


class StepClock:
    """A clock of discrete events."""

    def __init__(self) -> None:
        self._now = START
        self._order = count()
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> int:
        return self._now

    async def sleep_until(self, moment: float) -> None:
        if moment <= self._now:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (moment, next(self._order), future))
        await future

    def leap(self) -> None:
        """Move to the next moment that somebody waits for."""
        while self._waiting:
            moment, _, future = heapq.heappop(self._waiting)
            if not future.done():
                self._now = max(self._now, int(moment))
                future.set_result(None)
                return
