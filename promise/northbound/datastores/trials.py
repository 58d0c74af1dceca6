"""Takes back commits that nobody has confirmed in time; it decides nothing itself (RFC 6241 section 8.4.1)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from promise.clock import first_of
from promise.configuration.model import Revision
from promise.errors import LedgerBroken, PromiseError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from promise.clock import Clock
    from promise.configuration.model import Trial
    from promise.events import Entry
    from promise.northbound.datastores.service import DatastoreService

RETRY: Final = 1
"""Seconds after which it is tried again when the ledger cannot take a decision."""

log = structlog.get_logger(__name__)


class Trials:
    """Sleeps until the open trial ends. `current` tells which one is open, None = none."""

    def __init__(self, datastores: DatastoreService, current: Callable[[], Trial | None], clock: Clock) -> None:
        self._datastores = datastores
        self._current = current
        self._clock = clock
        self._changed = asyncio.Event()

    def heard(self, entries: Sequence[Entry]) -> None:
        """Look again when a trial began, was extended or is over."""
        if any(entry.event.table == Revision.table for entry in entries):
            self._changed.set()

    async def run(self) -> None:
        """Take back one trial after the other, for ever."""
        while True:
            self._changed.clear()
            trial = self._current()
            if trial is not None and trial.deadline <= self._clock.now():
                await self._take_back(trial)
            else:
                await self._until(None if trial is None else trial.deadline)

    async def _take_back(self, trial: Trial) -> None:
        try:
            await self._datastores.back("timeout", trial)
        except LedgerBroken:
            raise
        except PromiseError as error:
            log.warning("rollback-delayed", why=str(error))
            await self._clock.sleep_until(self._clock.now() + RETRY)

    async def _until(self, moment: int | None) -> None:
        waits: set[asyncio.Future[object]] = {asyncio.ensure_future(self._changed.wait())}
        if moment is not None:
            waits.add(asyncio.ensure_future(self._clock.sleep_until(moment)))
        await first_of(waits)
