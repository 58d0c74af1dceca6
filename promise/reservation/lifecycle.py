"""Wakes the ledger's writer when something falls due; it decides nothing itself (design section 3)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from promise.clock import first_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from promise.clock import Clock
    from promise.events import Entry


class Writer(Protocol):
    """What can be woken."""

    def wake(self) -> None:
        """Say that something fell due."""


class Lifecycle:
    """Sleeps until the next transition. `next_due` tells when that is, None = never."""

    def __init__(self, writer: Writer, next_due: Callable[[], int | None], clock: Clock) -> None:
        self._writer = writer
        self._next_due = next_due
        self._clock = clock
        self._changed = asyncio.Event()
        self._awaited: int | None = None

    def heard(self, entries: Sequence[Entry]) -> None:
        """Look again when something falls due earlier than what is waited for; waking too early does no harm."""
        del entries
        due = self._next_due()
        if due is not None and (self._awaited is None or due < self._awaited):
            self._changed.set()

    async def run(self) -> None:
        """Wake the writer at each moment at which something falls due, for ever."""
        while True:
            self._changed.clear()
            due = self._next_due()
            if due is not None and due <= self._clock.now():
                self._writer.wake()
                due = self._clock.now() + 1
            self._awaited = due
            await self._until(due)

    async def _until(self, moment: int | None) -> None:
        waits: set[asyncio.Future[object]] = {asyncio.ensure_future(self._changed.wait())}
        if moment is not None:
            waits.add(asyncio.ensure_future(self._clock.sleep_until(moment)))
        await first_of(waits)
