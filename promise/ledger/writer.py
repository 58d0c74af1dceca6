"""The ledger: the only way to change the state, and to read of it nothing that could still be lost.

Decisions queue up and are drained in groups. A group is formed in one go on the event loop: first what fell due, then
each `decide` on the state with the effects of those before it. Then one transaction on the SQL thread, and then the
answers. One group is in flight; what comes meanwhile waits for the next. (Design section 3.)
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

import structlog

from promise.errors import LedgerBroken, LedgerFailure, LedgerUnusable, Overloaded
from promise.events import Decision, Entry, Event
from promise.ledger import recovery
from promise.ledger.address import open_store
from promise.ledger.database import Database
from promise.ledger.group import Group, Reading, Request, S, State
from promise.ledger.journal import Batch, Head, decode, follow
from promise.ledger.schema import RECORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from promise.clock import Clock
    from promise.events import Codec, Record
    from promise.ledger.journal import Row
    from promise.ledger.store import Store

__all__ = ["TIME", "Ledger", "Settings", "State"]

T = TypeVar("T")

Advance: TypeAlias = Callable[[S, int], Iterator[Event]]
OnCommit: TypeAlias = Callable[[Sequence[Entry]], None]

TIME: Final = "time"
"""The actor of what fell due."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits of the writer.

    `group` decisions, or `slice` seconds of deciding, and the group goes to the database; of what fell due about
    `due` events go into one group. `queue` decisions may wait. When it is unknown what became of a commit, the
    journal is read after each of `patience` seconds, then the ledger breaks. What fell due and could not be written
    is tried again after `retry` seconds. `verify_all` verifies the whole journal and all records at opening, not
    only the end.
    """

    group: int = 256
    slice: float = 0.005
    due: int = 1000
    queue: int = 10_000
    patience: tuple[float, ...] = (0.0, 0.1, 0.5, 1.0, 3.0)
    retry: float = 1.0
    verify_all: bool = False


class Ledger(Generic[S]):
    """The writer, the journal and the tables, around one state. Lives on the event loop that opened it."""

    def __init__(
        self,
        state: S,
        database: Database,
        head: Head,
        *,
        clock: Clock,
        codecs: Mapping[str, Codec],
        advance: Advance[S],
        settings: Settings,
    ) -> None:
        self._state = state
        self._database = database
        self._head = head
        self._clock = clock
        self._codecs = codecs
        self._advance = advance
        self._settings = settings
        self._origin = secrets.token_hex(8)
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Request[S]] = deque()
        self._subscribers: list[OnCommit] = []
        self._group: Group[S] | None = None
        self._wanted = asyncio.Event()
        self._awake = False
        self._closing = False
        self._broken: BaseException | None = None
        self._closer: asyncio.Task[None] | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._writer = self._loop.create_task(self._write(), name="ledger writer")

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
        moment, each to be applied before it is asked for the next, and nothing when none is due; it is asked anew
        until then, and at every read, so it must be cheap when nothing is due. `load` takes all records at once,
        oldest first within each table; without it they are applied one by one.

        `LedgerUnusable` and its `LedgerCorrupt` say why it cannot be opened.
        """
        if unknown := sorted(set(codecs).difference(RECORDS)):
            raise LedgerUnusable(f"the ledger has no table for records of kind {', '.join(unknown)}")
        chosen = settings or Settings()
        database = Database(chosen.patience)
        make = partial(open_store, source) if isinstance(source, str) else source
        keep = partial(load or _one_by_one, state)
        head = await database.open(partial(recovery.recover, make, codecs, keep, full=chosen.verify_all))
        return cls(state, database, head, clock=clock, codecs=codecs, advance=advance, settings=chosen)

    # What the rooms call

    async def submit(self, decide: Callable[[S, int], Decision[T]], *, actor: str) -> T:
        """Decide, make it durable, and return the decision's answer.

        `decide` is pure: it is given the state and the time, returns events, and may be called again when what it
        has seen was undone. What it raises is raised here. What was submitted is decided, even if the caller is
        cancelled. `LedgerFailure`: nothing happened. `Overloaded`: the queue is full, nothing happened.
        `LedgerBroken`: it may have happened.
        """
        self._usable()
        if len(self._queue) >= self._settings.queue:
            raise Overloaded(f"{len(self._queue)} requests are waiting to be decided")
        request: Request[S] = Request(decide, actor, self._loop.create_future())
        self._queue.append(request)
        self._wanted.set()
        answer: T = await request.future
        return answer

    async def read(self, query: Callable[[S, int], T]) -> T:
        """Return what the query says of the state and the time, once everything that it saw is durable.

        It never sees a state in which something due has not yet been done, unless that cannot be written.
        """
        self._usable()
        if self._anything_due():
            with contextlib.suppress(LedgerFailure, Overloaded):
                await self.submit(_nothing, actor=TIME)
        if self._group is None:
            return query(self._state, self.now())
        reading: Reading[S] = Reading(query, self._loop.create_future())
        reading.evaluate(self._state, self.now())
        self._group.readings.append(reading)
        answer: T = await reading.future
        return answer

    def subscribe(self, on_commit: OnCommit) -> Callable[[], None]:
        """Call `on_commit` with the entries of each commit, in order, on the loop; return what ends that."""
        self._subscribers.append(on_commit)

        def unsubscribe() -> None:
            with contextlib.suppress(ValueError):
                self._subscribers.remove(on_commit)

        return unsubscribe

    def wake(self) -> None:
        """Say that something fell due: a group is formed even if nobody has asked for a decision."""
        self._awake = True
        self._wanted.set()

    async def journal(self, after: int, limit: int) -> list[Entry]:
        """Return up to `limit` entries behind seq `after`, of those that subscribers have been told by now."""
        self._usable()
        limit = min(limit, self._head.seq - after)
        if limit <= 0:
            return []
        rows = await self._database.ask(self._database.store.read, after, limit)
        return [decode(row, self._codecs) for row in rows]

    async def seq_before(self, at: int) -> int:
        """Return the seq behind which the journal is to be read for everything from the moment `at` on."""
        self._usable()
        return await self._database.ask(self._database.store.seq_before, at)

    async def secret(self, key: str) -> str | None:
        """Return a secret of the side table, None when there is none."""
        self._usable()
        return await self._database.ask(self._database.store.secret, key)

    def now(self) -> int:
        """Return the later of the clock and the last event's time."""
        head = self._group.batch.head if self._group else self._head
        return max(self._clock.now(), head.at)

    @property
    def seq(self) -> int:
        """The seq of the last event that the state has seen."""
        return (self._group.batch.head if self._group else self._head).seq

    @property
    def durable_seq(self) -> int:
        """The seq of the last event that is known to be durable."""
        return self._head.seq

    async def watch(self) -> None:
        """Return when the ledger is closed; raise `LedgerBroken` as soon as it cannot go on."""
        await asyncio.wait([self._writer])
        if self._broken:
            self._usable()

    async def close(self) -> None:
        """Decide what is waiting, make it durable, and let go of the database."""
        self._closer = self._closer or self._loop.create_task(self._close(), name="ledger close")
        await asyncio.shield(self._closer)

    async def _close(self) -> None:
        self._closing = True
        self._wanted.set()
        await asyncio.wait([self._writer])
        if self._retry:
            self._retry.cancel()
        await self._database.close()

    # The writer

    async def _write(self) -> None:
        """Form group after group, for ever."""
        try:
            while await self._work():
                group = self._form()
                if group.batch.rows:
                    await self._commit(group)
                else:
                    self._group = None
                    await asyncio.sleep(0)
        except BaseException as error:
            self._break(error)
            if not isinstance(error, Exception):
                raise

    async def _work(self) -> bool:
        """Wait until there is something to do; False when there will be nothing any more."""
        while not self._queue and (self._closing or not self._awake):
            if self._closing:
                return False
            self._wanted.clear()
            await self._wanted.wait()
        return True

    def _form(self) -> Group[S]:
        """Advance to now and, when all that was due is done, decide."""
        settings = self._settings
        deadline = self._loop.time() + settings.slice
        batch = Batch(self._head, self.now(), self._origin, self._codecs)
        group = self._group = Group(self._state, batch)
        self._awake = False
        while self._transition(group):
            if len(batch.rows) >= settings.due or self._loop.time() >= deadline:
                self._awake = True
                return group
        for _ in range(min(len(self._queue), settings.group)):
            group.decide(self._queue.popleft())
            if self._loop.time() >= deadline:
                break
        return group

    def _transition(self, group: Group[S]) -> bool:
        """Make the next transition that is due, whole; False when there is none."""
        found = False
        for event in self._advance(self._state, group.batch.at):
            group.transition(event, TIME)
            found = True
        return found

    async def _commit(self, group: Group[S]) -> None:
        """Make the group durable and answer it, or take it back; then see what others have written."""
        outcome = await self._database.commit(group.batch)
        if outcome.durable:
            self._publish(group)
        else:
            self._take_back(group, outcome.cause)
        if outcome.others:
            self._catch_up(outcome.others)

    def _publish(self, group: Group[S]) -> None:
        """The group is durable: answer and tell."""
        self._head = group.batch.head
        self._group = None
        group.settle()
        self._tell(group.batch.entries)

    def _take_back(self, group: Group[S], cause: Exception | None) -> None:
        """Undo the group. Its decisions fail with `cause`, or are decided again; refusals and queries always are."""
        group.undo()
        self._group = None
        again: list[Request[S]] = []
        for request in group.requests:
            if cause and (request.wrote or request.again):
                request.fail(_failure(cause))
            else:
                request.again = cause is not None
                again.append(request)
        self._queue.extendleft(reversed(again))
        for reading in group.readings:
            reading.evaluate(self._state, self.now())
            reading.settle()
        self._retry = self._retry or self._loop.call_later(self._settings.retry, self._wake_again)

    def _wake_again(self) -> None:
        self._retry = None
        self.wake()

    def _anything_due(self) -> bool:
        return next(self._advance(self._state, self.now()), None) is not None

    def _tell(self, entries: Sequence[Entry]) -> None:
        for on_commit in tuple(self._subscribers):
            try:
                on_commit(entries)
            except Exception:
                log.exception("a subscriber of the ledger failed", seq=entries[-1].seq)

    def _usable(self) -> None:
        if self._broken:
            raise _broken(self._broken)
        if self._closing:
            raise LedgerFailure("the server is stopping")

    def _break(self, cause: BaseException) -> None:
        """Stop: nobody gets an answer any more."""
        if isinstance(cause, Exception):
            log.critical("the ledger cannot go on", exc_info=cause)
        self._broken = cause
        waiting = [*(self._group.requests if self._group else ()), *self._queue]
        for pending in (*waiting, *(self._group.readings if self._group else ())):
            pending.fail(_broken(cause))
        self._queue.clear()

    def _catch_up(self, rows: Sequence[Row]) -> None:
        """Apply what others have written."""
        self._head = follow(self._head, rows)
        entries = [decode(row, self._codecs) for row in rows]
        for entry in entries:
            self._state.apply(entry.event)
        self._tell(entries)


def _nothing(_state: object, _now: int) -> Decision[None]:
    return Decision(None)


def _one_by_one(state: State, records: Iterable[Record]) -> None:
    for record in records:
        state.apply(Event("loaded", record.table, record.id, record))


def _failure(cause: Exception) -> LedgerFailure:
    failure = LedgerFailure(f"the decision could not be made durable: {cause}")
    failure.__cause__ = cause
    return failure


def _broken(cause: BaseException) -> LedgerBroken:
    broken = LedgerBroken(f"the ledger cannot go on: {str(cause) or repr(cause)}")
    broken.__cause__ = cause
    return broken
