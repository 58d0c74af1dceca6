"""Lets a reply to create-instance wait for what the cloud says, but not for ever (design section 5)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from promise.allocation.model import Allocation, VmState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promise.allocation.book import AllocationBook
    from promise.capacity.ledger import Decisions
    from promise.events import Entry


class Replies:
    """Knows who waits for which instance; `longest` is in seconds."""

    def __init__(self, ledger: Decisions[AllocationBook], longest: float) -> None:
        self._ledger = ledger
        self._longest = longest
        self._waiting: dict[str, asyncio.Event] = {}

    def heard(self, entries: Sequence[Entry]) -> None:
        """Let those go on whose instance the cloud has answered for."""
        for entry in entries:
            record = entry.event.record
            forgotten = record is None and entry.event.table == Allocation.table
            if forgotten or (isinstance(record, Allocation) and not _waited_for(record)):
                waiting = self._waiting.get(entry.event.key)
                if waiting:
                    waiting.set()

    async def settled(self, instance: str) -> None:
        """Return when the cloud has accepted or refused the instance, or when the time is over."""
        answered = self._waiting.setdefault(instance, asyncio.Event())
        try:
            found = await self._ledger.read(lambda book, _now: book.allocations.get(instance))
            if found is not None and _waited_for(found):
                async with asyncio.timeout(self._longest):
                    await answered.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting.pop(instance, None)


def _waited_for(found: Allocation) -> bool:
    """Tell whether the cloud may still say more: also of what was refused, until what was made for it is gone."""
    return found.vm_state is VmState.INITIALIZED or (found.undone and found.counted and found.server is None)
