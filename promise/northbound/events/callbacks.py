"""All subscriptions with a callback-uri: each has its work, which begins, changes and ends with its record."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import structlog

from promise.errors import PromiseError
from promise.northbound.events.callback import Callback
from promise.subscription.model import Subscription

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promise.events import Entry
    from promise.northbound.events.callback import Surroundings

_log: Final = structlog.get_logger(__name__)

_RETRY: Final = 1
"""Seconds after which work that failed by our own fault is begun again."""


class Callbacks:
    """The work; `heard` is to be subscribed at the ledger, `run` goes on for ever."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._work: dict[str, tuple[Callback, asyncio.Task[None]]] = {}
        self._changed = asyncio.Event()

    def heard(self, entries: Sequence[Entry]) -> None:
        """See to it that the work is what the records say."""
        if any(entry.event.table == Subscription.table for entry in entries):
            self._changed.set()

    def callback(self, key: str) -> Callback | None:
        """Return the work for a subscription, None where there is none."""
        found = self._work.get(key)
        return found[0] if found else None

    async def run(self) -> None:
        """Begin and end work, for ever."""
        try:
            while True:
                self._changed.clear()
                records = await self._around.stream.log.read(lambda book, _now: dict(book.subscriptions))
                await self._reconcile(records)
                await self._changed.wait()
        finally:
            for _, task in self._work.values():
                task.cancel()
            await asyncio.gather(*(task for _, task in self._work.values()), return_exceptions=True)

    async def stop(self) -> None:
        """Note what was posted, once `run` has ended, and let go of all receivers."""
        for callback, _ in self._work.values():
            with suppress(PromiseError):
                await callback.stop()
        await self._around.posts.close()

    async def _reconcile(self, records: Any) -> None:
        wanted: dict[str, Subscription] = {key: each for key, each in records.items() if not each.suspended}
        for key, (callback, task) in list(self._work.items()):
            known = wanted.get(key)
            if known is None or _asks(known) != _asks(callback.record) or task.done():
                del self._work[key]
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                if known is not None:
                    await callback.stop()
                    del wanted[key]  # it begins again with the record that says how far it was told
                    self._changed.set()
        for key, record in wanted.items():
            if key not in self._work:
                callback = Callback(record, self._around)
                task = asyncio.create_task(self._hold(callback), name=f"callback {key}")
                self._work[key] = callback, task

    async def _hold(self, callback: Callback) -> None:
        try:
            await callback.run()
        except PromiseError as error:
            _log.warning("callback-stopped", subscription=callback.record.id, error=str(error))
            asyncio.get_running_loop().call_later(_RETRY, self._changed.set)


def _asks(record: Subscription) -> tuple[object, ...]:
    """Return what of a record the work depends on."""
    return record.kind, record.wanted, record.thresholds, record.callback, record.credential
