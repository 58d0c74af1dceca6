"""One subscription with a callback-uri at work: posts what it is told, one after the other, until each is taken.

What was posted is noted in the ledger now and then, so after a crash the last few are posted again: at least once, with
the same event-ids. A receiver that takes nothing for too long is given up, and that is told to whoever it belongs to.
"""

from __future__ import annotations

from asyncio import create_task, shield
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog

from promise.actor import Actor
from promise.clock import first_of
from promise.northbound.events.crossing import plain
from promise.northbound.events.feed import Feed, Member
from promise.northbound.events.initial import initial
from promise.northbound.events.post import NotTaken, signature
from promise.northbound.events.watch import Watched
from promise.subscription import decisions
from promise.subscription.decisions import Progress

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Callable, Mapping

    from promise.events import Decision
    from promise.northbound.events.notice import Notice
    from promise.northbound.events.stream import EventStream, Log
    from promise.northbound.events.watch import Crossing, Watch
    from promise.subscription.model import Subscription

OFTEN: Final = 64
"""So many posts are not noted, at most."""

FAR: Final = 10_000
"""Nor so many entries of the journal that are passed without a post."""

_log: Final = structlog.get_logger(__name__)


class Decides(Protocol):
    """The ledger, as far as it decides here."""

    async def submit(self, decide: Callable[[Any, int], Decision[Any]], *, actor: str) -> Any:
        """Decide, make it durable, and return the answer."""

    async def secret(self, key: str) -> str | None:
        """Return an entry of the secret store."""


class Posts(Protocol):
    """Who posts."""

    async def post(self, uri: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Return when it was taken; raises NotTaken."""

    async def close(self) -> None:
        """Let go of all receivers."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: the first pause after a failure, the longest (each is twice the last), and when to give up.

    `noted`: what was posted is noted in the ledger when so much time has passed.
    """

    first: int = 1
    longest: int = 300
    give_up: int = 86_400
    noted: int = 10


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all callbacks share."""

    ledger: Decides
    stream: EventStream
    watch: Watch
    posts: Posts
    patience: Patience


class Callback:
    """The work for one record; `record` is how it was when the work began."""

    def __init__(self, record: Subscription, around: Surroundings) -> None:
        self.record = record
        self.retrying = False
        self.last_error = record.last_error
        self._around = around
        self._feed = Feed(around.stream)
        actor = around.stream.current(Actor(record.owner, record.project, operator=record.operator))
        self._member = Member(record.id, actor, record.kind, record.wanted, record.after)
        self._member.thresholds = record.thresholds
        self._watched = Watched(record.wanted, record.thresholds, self._crossed, record.crossed)
        self._noted_after = record.after
        self._noted_error = record.last_error
        self._sent = 0  # since it was last noted
        self._begun = not record.fresh
        self._note_at: int | None = None
        self._tasks: set[Task[Any]] = set()

    @property
    def sent(self) -> int:
        """How many were taken that are not noted yet."""
        return self._sent

    async def run(self) -> None:
        """Post, until the receiver is given up."""
        try:
            await self._begin()
            while True:
                step = await self._feed.step()
                if step is None:
                    await self._pause()
                    continue
                for notice, _ in step.told:
                    if not await self._deliver(notice):
                        return
                step.passed()
                self._begun = True
                if self._sent >= OFTEN or self._member.after - self._noted_after >= FAR:
                    await self._note()
        finally:
            self._around.watch.remove(self._watched)
            self._feed.close()

    async def stop(self) -> None:
        """Note what was posted, for whoever goes on."""
        await self._note()

    async def _begin(self) -> None:
        aside: tuple[Notice, ...] = ()
        log, record = self._around.stream.log, self.record
        if record.after < 0:
            self._member.after = self._noted_after = await _created(log, record)
        if record.fresh:
            found = await log.read(
                lambda book, now: initial(book, self._member.actor, record.kind, record.wanted, (log.seq, now))
            )
            assert isinstance(found, tuple)
            aside = found
        self._feed.add(self._member, aside)
        if record.thresholds:
            await self._around.watch.add(self._watched)

    def _crossed(self, crossing: Crossing) -> None:
        """Let a crossing be decided, so that it is in the journal, from where it is posted like everything else."""
        scope, line, flip, levels = crossing
        decide = partial(decisions.crossed, key=self.record.id, line=crossing.line)
        said = plain(scope, line, flip, levels)
        task = create_task(
            self._around.ledger.submit(lambda book, _now: decide(book, crossing=said), actor=self.record.owner)
        )
        self._tasks.add(task)
        task.add_done_callback(self._settled)

    def _settled(self, task: Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("crossing-not-noted", subscription=self.record.id, error=str(error))

    async def _deliver(self, notice: Notice) -> bool:
        """Post one notification until it is taken; False when the receiver is given up."""
        body = notice.json_for([self.record.id])
        patience, clock = self._around.patience, self._around.stream.clock
        pause, since = patience.first, clock.now()
        while True:
            try:
                await self._post(notice, body)
            except NotTaken as failure:
                self.last_error = str(failure)
                _log.warning("callback-failed", subscription=self.record.id, error=self.last_error)
                if failure.final or clock.now() - since >= patience.give_up:
                    await self._note(gave_up=True)
                    return False
                self.retrying = True
                await clock.sleep_until(clock.now() + pause)
                pause = min(2 * pause, patience.longest)
            else:
                self.retrying, self.last_error = False, None
                self._sent += 1
                return True

    async def _post(self, notice: Notice, body: bytes) -> None:
        record = self.record
        headers = {
            "Promise-Subscription": record.id,
            "Promise-Event": notice.event_id,
            "Promise-Sequence": str(notice.seq),
        }
        if record.secret is not None:
            key = await self._around.ledger.secret(record.secret)
            if key is None:
                raise NotTaken(f"there is no key {record.credential} in the secret store to sign with")
            headers["Promise-Signature"] = signature(key, self._around.stream.clock.now(), body)
        await self._around.posts.post(record.callback, body, headers)

    async def _pause(self) -> None:
        """Wait for something to tell, or for the time to note what was told."""
        clock = self._around.stream.clock
        if self._unnoted and self._note_at is None:
            self._note_at = clock.now() + self._around.patience.noted
        waits: list[Task[Any]] = [create_task(self._feed.news())]
        if self._note_at is not None:
            waits.append(create_task(clock.sleep_until(self._note_at)))
        await first_of(waits)
        if self._note_at is not None and clock.now() >= self._note_at:
            await self._note()

    @property
    def _unnoted(self) -> bool:
        return self._sent > 0 or self.last_error != self._noted_error

    async def _note(self, *, gave_up: bool = False) -> None:
        """Note in the ledger how far the receiver was told."""
        self._note_at = None
        done = Progress(self._member.after, self._sent, self._member.dropped, self.last_error, self._begun)
        if done == Progress(self._noted_after, last_error=self._noted_error, begun=self._begun) and not gave_up:
            return
        decide = partial(decisions.delivered, key=self.record.id, done=done, gave_up=gave_up)
        self._sent = self._member.dropped = 0
        self._noted_after, self._noted_error = done.after, done.last_error
        await shield(self._around.ledger.submit(lambda book, _now: decide(book), actor=self.record.owner))


async def _created(log: Log, record: Subscription) -> int:
    """Return the seq of the entry with which a subscription began."""
    after = max(await log.seq_before(record.created), (await log.base()).seq)
    while entries := await log.journal(after, 64):
        for entry in entries:
            if entry.event.key == record.id and entry.event.table == record.table:
                return entry.seq
        after = entries[-1].seq
    return after
