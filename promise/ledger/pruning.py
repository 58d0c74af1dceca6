"""Keeps the journal from growing for ever: what is older than configured is forgotten (design section 3, retention).

The records stay. Whoever replays events from before that moment gets those that are left, and can see where they begin.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from promise.errors import LedgerFailure

if TYPE_CHECKING:
    from promise.clock import Clock

log = structlog.get_logger(__name__)

DAY: Final = 86_400
EVERY: Final = 3600
"""Seconds between two prunings."""


class Journal(Protocol):
    """What is pruned; see `ledger.writer.Ledger`."""

    def now(self) -> int:
        """Return the later of the clock and the last event's time."""

    async def prune(self, before: int) -> None:
        """Forget the journal's entries earlier than the moment `before`, some at a time; the records stay."""


class Pruning:
    """Prunes once an hour; with `days` 0 never."""

    def __init__(self, journal: Journal, clock: Clock, days: int) -> None:
        self._journal = journal
        self._clock = clock
        self._days = days

    async def run(self) -> None:
        """Go on for ever. What cannot be pruned now is tried again with the next hour."""
        if not self._days:
            await asyncio.Event().wait()
        while True:
            now = self._journal.now()
            try:
                await self._journal.prune(now - self._days * DAY)
            except LedgerFailure as error:
                log.warning("journal not pruned", why=str(error))
            await self._clock.sleep_until(now + EVERY)
