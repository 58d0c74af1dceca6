"""Forms groups of what is waiting, makes them durable, and answers them or takes them back (design section 3)."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeAlias

import structlog

from promise.errors import LedgerBroken, LedgerFailure, Overloaded
from promise.events import Codec, Entry, Event
from promise.ledger.group import Group, Reading, Request, S
from promise.ledger.journal import Batch, Head, decode, follow

if TYPE_CHECKING:
    from promise.clock import Clock
    from promise.ledger.database import Database
    from promise.ledger.journal import Row

Advance: TypeAlias = Callable[[S, int], Iterator[Event]]

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


@dataclass(frozen=True, slots=True)
class Rules(Generic[S]):
    """What the ledger is told of the state: how records are read, what is due, what time it is, and its limits."""

    clock: Clock
    codecs: Mapping[str, Codec]
    advance: Advance[S]
    settings: Settings


class Committer(Generic[S]):
    """Decides what is waiting, one group in flight; the only code that changes the state.

    `tell` is called with the entries of each commit, in order.
    """

    def __init__(
        self, state: S, database: Database, head: Head, rules: Rules[S], tell: Callable[[Sequence[Entry]], None]
    ) -> None:
        self._state = state
        self._database = database
        self._head = head
        self._rules = rules
        self._tell = tell
        self._origin = secrets.token_hex(8)
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Request[S] | Reading[S]] = deque()
        self._group: Group[S] | None = None
        self._wanted = asyncio.Event()
        self._awake = False
        self._closing = False
        self._broken: BaseException | None = None
        self._retry: asyncio.TimerHandle | None = None

    @property
    def durable(self) -> Head:
        """Where the journal is known to end."""
        return self._head

    @property
    def seen(self) -> Head:
        """Where it ends once what the state has seen is durable."""
        return self._group.batch.head if self._group else self._head

    @property
    def broken(self) -> bool:
        """Tell whether it had to stop."""
        return self._broken is not None

    def now(self) -> int:
        """Return the later of the clock and the last event's time."""
        return max(self._rules.clock.now(), self.seen.at)

    def anything_due(self) -> bool:
        """Tell whether a transition is due that has not been made."""
        return next(self._rules.advance(self._state, self.now()), None) is not None

    def check(self) -> None:
        """Raise what whoever comes now has to be told."""
        if self._broken:
            raise _broken(self._broken)
        if self._closing:
            raise LedgerFailure("the server is stopping")

    def decide(self, request: Request[S]) -> None:
        """Take a decision into the queue."""
        if len(self._queue) >= self._rules.settings.queue:
            raise Overloaded(f"{len(self._queue)} requests are waiting to be decided")
        self._queue.append(request)
        self._wanted.set()

    def answer(self, reading: Reading[S]) -> None:
        """Answer a query once what was asked before is decided, and what it has seen is durable."""
        if self._queue:
            self._queue.append(reading)
        elif self._group:
            self._group.look(reading, self.now())
        else:
            reading.evaluate(self._state, self.now())
            reading.settle()

    def wake(self) -> None:
        """Form a group even if nothing is waiting: something fell due."""
        self._awake = True
        self._wanted.set()

    def stop(self) -> None:
        """Let `run` return once nothing is waiting."""
        self._closing = True
        self._wanted.set()

    async def run(self) -> None:
        """Form group after group; return after `stop`, or when it has to stop by itself."""
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
        finally:
            if self._retry:
                self._retry.cancel()

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
        settings = self._rules.settings
        deadline = self._loop.time() + settings.slice
        batch = Batch(self._head, self.now(), self._origin, self._rules.codecs)
        group = self._group = Group(self._state, batch)
        self._awake = False
        while self._transition(group):
            if len(batch.rows) >= settings.due or self._loop.time() >= deadline:
                self._awake = True
                return group
        for _ in range(min(len(self._queue), settings.group)):
            group.take(self._queue.popleft())
            if self._loop.time() >= deadline:
                break
        return group

    def _transition(self, group: Group[S]) -> bool:
        """Make the next transition that is due, whole; False when there is none."""
        events = tuple(self._rules.advance(self._state, group.batch.at))
        if events:
            group.transition(events, TIME)
        return bool(events)

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
            self.answer(reading)
        if cause is None:
            self.wake()
            return
        self._awake = False  # also where more was due than went into the group: not before the retry
        if not group.requests:
            self._cannot_advance(cause)
        if self._retry is None:
            self._retry = self._loop.call_later(self._rules.settings.retry, self._wake_again)

    def _cannot_advance(self, cause: Exception) -> None:
        """Tell those who wait behind what is due that it cannot be written: nothing of theirs was decided."""
        waiting, self._queue = self._queue, deque()
        for each in waiting:
            if isinstance(each, Request):
                each.fail(_failure(cause))
            else:
                self.answer(each)

    def _wake_again(self) -> None:
        self._retry = None
        self.wake()

    def _catch_up(self, rows: Sequence[Row]) -> None:
        """Apply what others have written."""
        self._head = follow(self._head, rows)
        entries = [decode(row, self._rules.codecs) for row in rows]
        for entry in entries:
            self._state.apply(entry.event)
        self._tell(entries)

    def _break(self, cause: BaseException) -> None:
        """Stop: nobody gets an answer any more."""
        if isinstance(cause, Exception):
            log.critical("the ledger cannot go on", exc_info=cause)
        self._broken = cause
        waiting = [*self._group.requests, *self._group.readings] if self._group else []
        for pending in (*waiting, *self._queue):
            pending.fail(_broken(cause))
        self._queue.clear()


def _failure(cause: Exception) -> LedgerFailure:
    failure = LedgerFailure(f"the decision could not be made durable: {cause}")
    failure.__cause__ = cause
    return failure


def _broken(cause: BaseException) -> LedgerBroken:
    broken = LedgerBroken(f"the ledger cannot go on: {str(cause) or repr(cause)}")
    broken.__cause__ = cause
    return broken
