"""The ledger: the only way to change the state, and to read of it nothing that could still be lost.

Decisions queue up and are drained in groups. A group is formed in one go on the event loop: first what fell due, then
each `decide` on the state with the effects of those before it. Then one transaction on the SQL thread, and then the
answers. One group is in flight; what comes meanwhile waits for the next. (Design section 3.)
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

import structlog

from promise.errors import LedgerFailure, LedgerUnusable, Overloaded
from promise.events import Decision, Entry, Event
from promise.ledger import recovery
from promise.ledger.address import open_store
from promise.ledger.committer import TIME, Advance, Committer, Rules, Settings
from promise.ledger.database import Database
from promise.ledger.group import Reading, Request, S, State
from promise.ledger.journal import Head, decode
from promise.ledger.schema import RECORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from promise.clock import Clock
    from promise.events import Codec, Record
    from promise.ledger.store import Store

__all__ = ["TIME", "Ledger", "Settings", "State"]

T = TypeVar("T")

OnCommit: TypeAlias = Callable[[Sequence[Entry]], None]

log = structlog.get_logger(__name__)


class Ledger(Generic[S]):
    """The writer, the journal and the tables, around one state. Lives on the event loop that opened it."""

    def __init__(self, state: S, database: Database, head: Head, rules: Rules[S]) -> None:
        self._database = database
        self._rules = rules
        self._subscribers: list[OnCommit] = []
        self._loop = asyncio.get_running_loop()
        self._committer = Committer(state, database, head, rules, self._tell)
        self._writer = self._loop.create_task(self._committer.run(), name="ledger writer")
        self._closer: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        source: str | Callable[[], Store],
        state: S,
        *,
        clock: Clock,
        codecs: Mapping[str, Codec],
        advance: Advance[S],
        load: Callable[[S, Iterable[Record]], None] | None = None,
        settings: Settings | None = None,
    ) -> Ledger[S]:
        """Open or create the ledger at `source`, rebuild `state`, which is empty, from its tables, start to decide.

        `source` is a URL (`ledger.address`), or makes the store. `codecs` has the table of every record, in the
        order in which they are loaded. `advance` yields the events of the next transition that is due at the given
        moment, and nothing when none is due; it is asked anew until then, and at every read, so it must be cheap
        when nothing is due. `load` takes all records at once,
        oldest first within each table; without it they are applied one by one.

        `LedgerUnusable` and its `LedgerCorrupt` say why it cannot be opened.
        """
        if unknown := sorted(set(codecs).difference(RECORDS)):
            raise LedgerUnusable(f"the ledger has no table for records of kind {', '.join(unknown)}")
        rules = Rules(clock, codecs, advance, settings or Settings())
        database = Database(rules.settings.patience)
        make = partial(open_store, source) if isinstance(source, str) else source
        keep = partial(load or _one_by_one, state)
        head = await database.open(partial(recovery.recover, make, codecs, keep, full=rules.settings.verify_all))
        return cls(state, database, head, rules)

    async def submit(self, decide: Callable[[S, int], Decision[T]], *, actor: str) -> T:
        """Decide, make it durable, and return the decision's answer.

        `decide` is pure: it is given the state and the time, returns events, and may be called again when what it
        has seen was undone. What it raises is raised here. What was submitted is decided, even if the caller is
        cancelled. `LedgerFailure`: nothing happened. `Overloaded`: the queue is full, nothing happened.
        `LedgerBroken`: it may have happened.
        """
        self._committer.check()
        request: Request[S] = Request(decide, actor, self._loop.create_future())
        self._committer.decide(request)
        answer: T = await request.future
        return answer

    async def read(self, query: Callable[[S, int], T]) -> T:
        """Return what the query says of the state and the time, once everything that it saw is durable.

        It never sees a state in which something due has not yet been done, unless that cannot be written.
        """
        self._committer.check()
        if self._committer.anything_due():
            with contextlib.suppress(LedgerFailure, Overloaded):
                await self.submit(_nothing, actor=TIME)
        reading: Reading[S] = Reading(query, self._loop.create_future())
        self._committer.answer(reading)
        answer: T = await reading.future
        return answer

    def subscribe(self, on_commit: OnCommit) -> Callable[[], None]:
        """Call `on_commit` with the entries of each commit, in order, on the loop; return what ends that."""
        self._subscribers.append(on_commit)

        def unsubscribe() -> None:
            with contextlib.suppress(ValueError):
                self._subscribers.remove(on_commit)

        return unsubscribe

    def _tell(self, entries: Sequence[Entry]) -> None:
        for on_commit in tuple(self._subscribers):
            try:
                on_commit(entries)
            except Exception:
                log.exception("a subscriber of the ledger failed", seq=entries[-1].seq)

    def wake(self) -> None:
        """Say that something fell due: a group is formed even if nobody has asked for a decision."""
        self._committer.wake()

    async def journal(self, after: int, limit: int) -> list[Entry]:
        """Return up to `limit` entries behind seq `after`, of those that subscribers have been told by now."""
        self._committer.check()
        limit = min(limit, self.durable_seq - after)
        if limit <= 0:
            return []
        rows = await self._database.ask(self._database.store.read, after, limit)
        return [decode(row, self._rules.codecs) for row in rows]

    async def seq_before(self, at: int) -> int:
        """Return the seq behind which the journal is to be read for everything from the moment `at` on."""
        self._committer.check()
        return await self._database.ask(self._database.store.seq_before, at)

    async def base(self) -> Head:
        """Return behind which entry the journal begins; whoever has seen less of it cannot follow any more."""
        self._committer.check()
        return await self._database.ask(self._database.store.base)

    async def prune(self, before: int) -> None:
        """Forget the journal's entries earlier than the moment `before`, some at a time; the records stay."""
        self._committer.check()
        while await self._database.ask(recovery.prune, self._database.store, before):
            self._committer.check()

    async def secret(self, key: str) -> str | None:
        """Return a secret of the side table, None when there is none."""
        self._committer.check()
        return await self._database.ask(self._database.store.secret, key)

    def now(self) -> int:
        """Return the later of the clock and the last event's time."""
        return self._committer.now()

    @property
    def seq(self) -> int:
        """The seq of the last event that the state has seen."""
        return self._committer.seen.seq

    @property
    def durable_seq(self) -> int:
        """The seq of the last event that is known to be durable."""
        return self._committer.durable.seq

    async def watch(self) -> None:
        """Return when the ledger is closed; raise `LedgerBroken` as soon as it cannot go on."""
        await asyncio.wait([self._writer])
        if self._committer.broken:
            self._committer.check()

    async def close(self) -> None:
        """Decide what is waiting, make it durable, and let go of the database."""
        self._closer = self._closer or self._loop.create_task(self._close(), name="ledger close")
        await asyncio.shield(self._closer)

    async def _close(self) -> None:
        self._committer.stop()
        await asyncio.wait([self._writer])
        await self._database.close()


def _nothing(_state: object, _now: int) -> Decision[None]:
    return Decision(None)


def _one_by_one(state: State, records: Iterable[Record]) -> None:
    for record in records:
        state.apply(Event("loaded", record.table, record.id, record))
