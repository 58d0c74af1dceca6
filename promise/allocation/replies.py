"""Lets a reply to create-instance wait for what the cloud says, but not for ever (design section 5)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from promise.allocation.model import Allocation, VmState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promise.allocation.book import AllocationBook
    from promise.capacity.ledger import Decisions
    from promise.events import Entry


@dataclass(slots=True)
class _Awaited:
    """What those who wait for an instance share: whether the cloud has answered, and the record as it was last."""

    answered: asyncio.Event = field(default_factory=asyncio.Event)
    last: Allocation | None = None


class Replies:
    """Knows who waits for which instance; `longest` is in seconds."""

    def __init__(self, ledger: Decisions[AllocationBook], longest: float) -> None:
        self._ledger = ledger
        self._longest = longest
        self._waiting: dict[str, _Awaited] = {}

    def heard(self, entries: Sequence[Entry]) -> None:
        """Let those go on whose instance the cloud has answered for."""
        for entry in entries:
            record = entry.event.record
            forgotten = record is None and entry.event.table == Allocation.table
            waiting = self._waiting.get(entry.event.key)
            if waiting is None:
                continue
            if isinstance(record, Allocation):
                waiting.last = record
            if forgotten or (isinstance(record, Allocation) and not _waited_for(record)):
                waiting.answered.set()

    async def settled(self, instance: str) -> Allocation | None:
        """Return when the cloud has accepted or refused the instance, or when the time is over.

        The record is as it was heard of last, also when it was forgotten at once (policy retention 0); None = nothing
        was heard.
        """
        waiting = self._waiting.setdefault(instance, _Awaited())
        try:
            found = await self._ledger.read(lambda book, _now: book.allocations.get(instance))
            if found is not None and _waited_for(found):
                async with asyncio.timeout(self._longest):
                    await waiting.answered.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting.pop(instance, None)
        return waiting.last


def _waited_for(found: Allocation) -> bool:
    """Tell whether the cloud may still say more: also of what was refused, until what was made for it is gone."""
    return found.vm_state is VmState.INITIALIZED or (found.undone and found.counted and found.server is None)
