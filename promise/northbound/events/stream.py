"""The streams: what the journal tells, to whoever has subscribed, at the pace of each one's reading.

The journal is the queue. A subscription is a place in it and a page of what comes next, so a slow reader costs a
bounded amount of memory, loses nothing and delays nobody; what is replayed and what comes live is read at one place,
so there is no seam between them. The last few entries are kept here, with the bytes that were made of them, for
those who keep up: that is nearly everybody, nearly always.
"""

from __future__ import annotations

import asyncio
from collections import deque
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final, Protocol

from promise.errors import Invalid
from promise.northbound.events import about
from promise.northbound.events.bounds import Bounds
from promise.northbound.events.cursor import Cursor, Told
from promise.northbound.events.established import Subscriptions
from promise.northbound.events.notice import document
from promise.northbound.events.selecting import STREAMS
from promise.northbound.xpath import XPathFilter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Sequence

    from lxml.etree import _Element

    from promise.actor import Actor
    from promise.clock import Clock
    from promise.events import Entry
    from promise.northbound.events.notice import Notice
    from promise.northbound.port import Interest
    from promise.northbound.subtree import Selection

NETMOD: Final = "urn:ietf:params:xml:ns:netmod:notification"
"""The namespace of <replayComplete>, <notificationComplete> and the list of streams (RFC 5277 section 3.4)."""

RECENT: Final = 512
"""So many of the last entries are kept for those who keep up."""


class Place(Protocol):
    """A place in the journal."""

    @property
    def seq(self) -> int:
        """The entry."""

    @property
    def at(self) -> int:
        """When it happened."""


class Log(Protocol):
    """The ledger, as far as it is told here; see `ledger.writer.Ledger`."""

    @property
    def durable_seq(self) -> int:
        """Return the seq of the last event that is known to be durable."""

    @property
    def seq(self) -> int:
        """Return the seq of the last event that the state has seen."""

    def now(self) -> int:
        """Return the later of the clock and the last event's time."""

    async def read(self, query: Callable[[Any, int], object]) -> object:
        """Return what the query says, once everything that it saw is durable."""

    async def journal(self, after: int, limit: int) -> list[Entry]:
        """Return up to `limit` entries behind seq `after`."""

    async def seq_before(self, at: int) -> int:
        """Return the seq behind which everything from the moment `at` on stands."""

    async def base(self) -> Place:
        """Return behind which entry the journal begins."""


class EventStream:
    """The stream of all events; `heard` is to be subscribed at the ledger.

    `permits` says whether an actor may be told a notification, by namespace and name; `current` returns an actor with
    what it may see at this moment, `shows` says whether it may see a node of the configuration, by its path.
    """

    def __init__(
        self,
        log: Log,
        clock: Clock,
        recent: int = RECENT,
        permits: Callable[[Actor, str, str], bool] = lambda _actor, _namespace, _name: True,
        current: Callable[[Actor], Actor] = lambda actor: actor,
        shows: Callable[[Actor, str], bool] = lambda _actor, _path: True,
    ) -> None:
        self.log = log
        self.permits = permits
        self.current = current
        self.shows = shows
        self.clock = clock
        self.bounds = Bounds()
        self.established = Subscriptions(clock)
        """The dynamic subscriptions of RFC 8639."""
        self._kept = recent
        self._recent: dict[int, Told] = {}
        self._listeners: dict[object, asyncio.Event] = {}
        self._notes: dict[object, Callable[[Sequence[Entry]], None]] = {}
        self._created: int | None = None
        self.known_times: tuple[int | None, int | None] = (None, None)
        """What `log_times` has said last."""

    def bound(self, bounds: Bounds) -> None:
        """Let subscribers take so much."""
        self.bounds = bounds
        self.established.most = bounds.established

    def heard(self, entries: Sequence[Entry]) -> None:
        """Take the entries of a commit, and wake those who listen; nobody does any work here."""
        if not self._listeners:
            self._recent.clear()
            return
        for entry in entries:
            self._recent[entry.seq] = Told(entry)
        while len(self._recent) > self._kept:
            del self._recent[next(iter(self._recent))]
        for note in self._notes.values():
            note(entries)
        for news in self._listeners.values():
            news.set()

    def recent(self, seq: int) -> Told | None:
        """Return an entry if it is one of the last that were heard."""
        return self._recent.get(seq)

    def listen(self, listener: object, note: Callable[[Sequence[Entry]], None] | None = None) -> asyncio.Event:
        """Return what is set whenever there are new entries, until `ignore`; `note` is given them, and does little."""
        if note is not None:
            self._notes[listener] = note
        return self._listeners.setdefault(listener, asyncio.Event())

    def ignore(self, listener: object) -> None:
        """Tell a listener nothing any more."""
        self._listeners.pop(listener, None)
        self._notes.pop(listener, None)

    def tell(self, notice: Notice) -> None:
        """Tell those who have subscribed to a stream of something that is not in the journal, at its place in time."""
        for listener, news in self._listeners.items():
            if isinstance(listener, Subscription):
                listener.aside.append((self.log.durable_seq, notice))
                news.set()

    async def subscribe(self, actor: Actor, interest: Interest) -> Subscription:
        """Return what the actor is told from now on, or from a moment in the past on.

        What was asked for on the session before is not "from now on": it is decided and durable first.
        """
        await asyncio.sleep(0)
        await self.log.read(lambda _book, _now: None)
        live_from = self.log.durable_seq
        if interest.behind is not None:
            seq, told = interest.behind
            return Subscription(self, actor, interest, min(seq - 1 if told else seq, live_from), live_from)
        if interest.start is None:
            return Subscription(self, actor, interest, live_from, None)
        after = max(await self.log.seq_before(interest.start), (await self.log.base()).seq)
        return Subscription(self, actor, interest, after, live_from)

    def now(self) -> int:
        """Return the moment that counts as now."""
        return self.log.now()

    async def log_times(self) -> tuple[int | None, int | None]:
        """Return when the log was created, and the time of the last entry that is not in it any more (or None)."""
        base = await self.log.base()
        if self._created is None and not base.seq:
            first = await self.log.journal(0, 1)
            self._created = first[0].at if first else None
        self.known_times = (base.at, base.at) if base.seq else (self._created, None)
        return self.known_times


class Subscription:
    """One receiver's way through the journal.

    `after` is the seq behind which it begins. With `live_from` it is a replay: <replayComplete> follows that seq.
    """

    def __init__(
        self, stream: EventStream, actor: Actor, interest: Interest, after: int, live_from: int | None
    ) -> None:
        self._stream = stream
        self._actor = actor
        self._interest = interest
        self._cursor = Cursor(stream, after)
        self._live_from = live_from
        self.aside: deque[tuple[int, Notice]] = deque(maxlen=stream.bounds.waiting)
        """What is not in the journal, and the seq behind which it is told; a slow reader loses the oldest."""
        self._last: int | None = None  # the entry after which nothing is before the stop time
        self._news = stream.listen(self)
        self._stopping: asyncio.Task[None] | None = None
        self.over = False
        self.excluded = 0
        """Events of the stream that a filter or an access rule has kept back."""

    async def documents(self) -> AsyncGenerator[Callable[[], bytes], None]:
        """Yield what writes one <notification> after the other."""
        try:
            while (told := await self.step()) or not self.over:
                for one in told:
                    yield self._about_itself(one) if isinstance(one, str) else one.written
                if told:
                    await asyncio.sleep(0)  # whoever else has something to do goes first
                else:
                    await self.news()
        finally:
            self.close()

    async def news(self) -> None:
        """Wait until there may be something to tell."""
        await self._news.wait()

    def wake(self) -> None:
        """Let `news` return."""
        self._news.set()

    async def take(self) -> Sequence[tuple[Notice, Sequence[str]]] | None:
        """Return the notifications that are told next, for readers to whom nothing else is told; None = nothing yet."""
        told = await self.step()
        return [(one, ()) for one in told if not isinstance(one, str)] if told else None

    async def step(self) -> Sequence[Notice | str]:
        """Return what is told next, nothing where there is nothing yet: notifications, and RFC 5277's own by name.

        It is `over` when "notificationComplete" was told.
        """
        if self.over:
            return []
        if self._interest.stop is not None and self._stopping is None:
            self._stopping = asyncio.create_task(self._await_stop())
        self._news.clear()
        if self._live_from is not None and self._cursor.position >= self._live_from:
            self._live_from = None
            return ["replayComplete"]
        while not self._reached_stop:
            if beside := self._beside():
                return beside
            told = await self._cursor.next()
            if told is None:
                return []
            if self._is_late(told):
                break
            found: list[Notice | str] = list(self._of(told))
            self._cursor.position = told.seq
            if self._live_from is not None and told.seq >= self._live_from:
                self._live_from = None
                found.append("replayComplete")
            if found:
                return found
            await asyncio.sleep(0)  # whoever else has something to do goes first
        replay: list[Notice | str] = ["replayComplete"] if self._live_from is not None else []
        self.close()
        return [*replay, "notificationComplete"]

    @property
    def interest(self) -> Interest:
        """What it is about."""
        return self._interest

    def change(self, interest: Interest) -> None:
        """Let it be about something else from here on."""
        if interest.stop != self._interest.stop and self._stopping is not None:
            self._stopping.cancel()
            self._stopping = None
        self._interest, self._last = interest, None
        self._news.set()

    @property
    def behind(self) -> int:
        """So many entries of the journal are there that it has not come to; 0 during a replay."""
        return max(0, self._stream.log.durable_seq - self._cursor.position) if self._live_from is None else 0

    def rewind(self, behind: tuple[int, int]) -> None:
        """Go back to a place that the reader names; never forward, as nothing is left out."""
        seq, told = behind
        self._interest = self._interest._replace(behind=behind)
        self._cursor.seek(min(seq - 1 if told else seq, self._cursor.position))
        self._news.set()

    def close(self) -> None:
        """Listen no more."""
        self.over = True
        if self._stopping is not None:
            self._stopping.cancel()
        self._stream.ignore(self)

    @property
    def _reached_stop(self) -> bool:
        return self._last is not None and self._cursor.position >= self._last

    async def _await_stop(self) -> None:
        """Find out, once the stop time has passed, what the last entry is that may be told."""
        stop = self._interest.stop
        if stop is None:
            return
        await self._stream.clock.sleep_until(stop + 1)
        await self._stream.log.read(lambda _book, _now: None)
        self._last = self._stream.log.durable_seq
        self._news.set()

    def _beside(self) -> Sequence[Notice]:
        """Return what is not in the journal and has its place here; a replay tells nothing of the kind."""
        found = []
        while self._live_from is None and self.aside and self.aside[0][0] <= self._cursor.position:
            found.append(self.aside.popleft()[1])
        return [seen for notice in found if (seen := self._seen(notice)) is not None]

    def _of(self, told: Told) -> Iterator[Notice]:
        """Yield what an entry tells, behind what the journal does not have any more."""
        if self._cursor.lost(told):
            yield about.lost("", self._cursor.position, told.seq - 1, self._stream.now())
        behind = self._interest.behind
        first = behind[1] if behind is not None and behind[0] == told.seq else 0
        for notice in told.notices[first:]:
            if (seen := self._seen(notice)) is not None:
                yield seen

    def _is_late(self, told: Told) -> bool:
        return self._interest.stop is not None and told.at > self._interest.stop

    def _seen(self, notice: Notice) -> Notice | None:
        """Return a notification as it is told here, None where it is not."""
        interest = self._interest
        names = STREAMS[interest.stream].names
        if notice.only is not None or (names is not None and notice.name not in names):
            return None
        self._actor = self._stream.current(self._actor)
        seen = notice.seen_by(self._actor, self._stream.shows)
        if seen is None:
            return None  # it does not exist for this actor, so it is not counted either
        wanted = (
            passes(seen, interest.wanted)
            and (interest.test is None or interest.test(seen))
            and self._stream.permits(self._actor, notice.namespace, notice.name)
        )
        self.excluded += not wanted
        return seen if wanted else None

    def _about_itself(self, name: str) -> Callable[[], bytes]:
        said = document(self._stream.now(), f'<{name} xmlns="{NETMOD}"/>'.encode())
        return lambda: said


def passes(notice: Notice, wanted: Selection | XPathFilter | None) -> bool:
    """Tell whether a filter selects anything of a notification; it is then sent whole, for it stands alone."""
    if isinstance(wanted, XPathFilter):
        return _selected(wanted, notice.holder)
    if wanted is None or wanted.everything:
        return True
    if wanted.child(notice.namespace, notice.name) is None:
        return False
    return bool(wanted.prune([deepcopy(notice.element)]))


def _selected(wanted: XPathFilter, holder: _Element) -> bool:
    """Tell whether an expression selects something; one that cannot be evaluated on this one selects nothing of it."""
    try:
        return wanted.selects(holder)
    except Invalid:
        return False
