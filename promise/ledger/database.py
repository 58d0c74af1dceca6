"""A store on a thread of its own, as the event loop sees it; and what really became of a commit."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, ParamSpec, TypeVar

import structlog

from promise.errors import LedgerBroken, LedgerFailure
from promise.ledger.recovery import PAGE
from promise.ledger.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from promise.ledger.journal import Batch, Row
    from promise.ledger.store import Store

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger(__name__)


class Outcome(NamedTuple):
    """What became of a commit. `others` are the rows that somebody else has written since.

    Not durable without a `cause`: somebody else was faster, and the batch may be decided again.
    """

    durable: bool
    cause: Exception | None = None
    others: Sequence[Row] = ()


class Database:
    """Runs everything that blocks on one thread, one after the other."""

    def __init__(self, patience: Sequence[float]) -> None:
        self._patience = patience
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self.store: Store

    async def open(self, make: Callable[[], tuple[Store, T]]) -> T:
        """Make the store, on its thread, and return what came with it."""
        try:
            self.store, result = await self._run(make)
        except BaseException:
            self._thread.shutdown(wait=False)
            raise
        return result

    async def ask(self, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Read something, behind what is being written; `LedgerFailure` when the database cannot."""
        try:
            return await self._run(partial(question, *args, **kwargs))
        except StoreError as error:
            raise LedgerFailure(f"the ledger cannot be read: {error}") from error

    async def close(self) -> None:
        """Close the store, behind everything that was asked."""
        try:
            await self._run(self.store.close)
        finally:
            self._thread.shutdown(wait=False)

    async def commit(self, batch: Batch) -> Outcome:
        """Write the batch, and return what is certain; `LedgerBroken` when nothing is."""
        try:
            if await self._run(partial(self.store.append, batch)):
                return Outcome(durable=True)
            cause = None
        except Exception as error:  # noqa: BLE001 - whatever it was, the journal tells what became of the batch
            log.warning("a commit failed", error=str(error), seq=batch.head.seq)
            cause = error
        ours = batch.rows
        found = await self._reread(batch.before.seq, len(ours) + PAGE)
        if cause and found[: len(ours)] == ours:
            return Outcome(durable=True, others=found[len(ours) :])
        if not found and not cause:
            raise LedgerBroken("the head of the journal moved, and the journal did not")
        return Outcome(durable=False, cause=cause, others=found)

    async def _reread(self, after: int, limit: int) -> list[Row]:
        for pause in self._patience:
            await asyncio.sleep(pause)
            try:
                return await self._run(partial(self.store.read, after, limit))
            except StoreError as error:
                log.warning("the journal cannot be read", error=str(error))
        raise LedgerBroken("what became of a commit cannot be learned: the journal cannot be read")

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
