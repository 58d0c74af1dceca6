"""The stream NETCONF: everything that the journal tells, to whoever has subscribed, at the pace of each one's reading.

The journal is the queue. A subscription is a place in it and a page of what comes next, so a slow reader costs a
bounded amount of memory, loses nothing and delays nobody; what is replayed and what comes live is read at one place,
so there is no seam between them. The last few entries are kept here, with the bytes that were made of them, for
those who keep up: that is nearly everybody, nearly always.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

from lxml import etree

from promise.errors import Invalid
from promise.northbound.events import about
from promise.northbound.events.cursor import Cursor, Told
from promise.northbound.events.notice import document
from promise.northbound.xpath import XPathFilter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

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

_PARSER: Final = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
"""What it reads we have written ourselves."""


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
    """The stream of all events; `heard` is to be subscribed at the ledger."""

    def __init__(self, log: Log, clock: Clock, recent: int = RECENT) -> None:
        self.log = log
        self.clock = clock
        self._kept = recent
        self._recent: dict[int, Told] = {}
        self._listeners: dict[object, asyncio.Event] = {}
        self._created: int | None = None

    def heard(self, entries: Sequence[Entry]) -> None:
        """Take the entries of a commit, and wake those who listen; nobody does any work here."""
        if not self._listeners:
            self._recent.clear()
            return
        for entry in entries:
            self._recent[entry.seq] = Told(entry)
        while len(self._recent) > self._kept:
            del self._recent[next(iter(self._recent))]
        for news in self._listeners.values():
            news.set()

    def recent(self, seq: int) -> Told | None:
        """Return an entry if it is one of the last that were heard."""
        return self._recent.get(seq)

    def listen(self, listener: object) -> asyncio.Event:
        """Return what is set whenever there are new entries, until `ignore`."""
        return self._listeners.setdefault(listener, asyncio.Event())

    def ignore(self, listener: object) -> None:
        """Tell a listener nothing any more."""
        self._listeners.pop(listener, None)

    async def subscribe(self, actor: Actor, interest: Interest) -> Subscription:
        """Return what the actor is told from now on, or from a moment in the past on.

        What was asked for on the session before is not "from now on": it is decided and durable first.
        """
        await asyncio.sleep(0)
        await self.log.read(lambda _book, _now: None)
        live_from = self.log.durable_seq
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
        if base.seq:
            return base.at, base.at
        if self._created is None:
            first = await self.log.journal(0, 1)
            self._created = first[0].at if first else None
        return self._created, None


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
        self._last: int | None = None  # the entry after which nothing is before the stop time
        self._news = stream.listen(self)
        self.over = False

    async def documents(self) -> AsyncGenerator[Callable[[], bytes], None]:
        """Yield what writes one <notification> after the other."""
        stopping = asyncio.create_task(self._await_stop())
        try:
            while not self._reached_stop:
                if self._live_from is not None and self._cursor.position >= self._live_from:
                    self._live_from = None
                    yield self._about_itself("replayComplete")
                self._news.clear()
                told = await self._cursor.next()
                if told is None:
                    await self._news.wait()
                    continue
                if self._is_late(told):
                    break
                for notice in self._notices(told):
                    if self._wants(notice):
                        yield notice.written
                self._cursor.position = told.seq
                await asyncio.sleep(0)  # whoever else has something to do goes first
            if self._live_from is not None:
                yield self._about_itself("replayComplete")
            yield self._about_itself("notificationComplete")
        finally:
            stopping.cancel()
            self.close()

    def close(self) -> None:
        """Listen no more."""
        self.over = True
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

    def _notices(self, told: Told) -> tuple[Notice, ...]:
        """Return what an entry tells, behind what the journal does not have any more."""
        if not self._cursor.lost(told):
            return told.notices
        return about.lost("", self._cursor.position, told.seq - 1, self._stream.now()), *told.notices

    def _is_late(self, told: Told) -> bool:
        return self._interest.stop is not None and told.at > self._interest.stop

    def _wants(self, notice: Notice) -> bool:
        return notice.only is None and notice.for_eyes_of(self._actor) and passes(notice, self._interest.wanted)

    def _about_itself(self, name: str) -> Callable[[], bytes]:
        said = document(self._stream.now(), f'<{name} xmlns="{NETMOD}"/>'.encode())
        return lambda: said


def passes(notice: Notice, wanted: Selection | XPathFilter | None) -> bool:
    """Tell whether a filter selects anything of a notification; it is then sent whole, for it stands alone."""
    if isinstance(wanted, XPathFilter):
        return _selected(wanted, etree.fromstring(notice.content, _PARSER))
    if wanted is None or wanted.everything:
        return True
    if wanted.child(notice.namespace, notice.name) is None:
        return False
    return bool(wanted.prune([etree.fromstring(notice.content, _PARSER)]))


def _selected(wanted: XPathFilter, element: _Element) -> bool:
    """Tell whether an expression selects something; one that cannot be evaluated on this one selects nothing of it."""
    try:
        return wanted.selects(element)
    except Invalid:
        return False
