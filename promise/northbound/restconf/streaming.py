"""{+restconf}/streams: notifications as server-sent events (RFC 8040 section 6), in JSON and in XML.

    /restconf/streams/NETCONF/json                          every event that the reader may know of
    /restconf/streams/capacity/xml?start-time=…&filter=…    replay from the journal, an XPath filter
    /restconf/streams/<subscription-id>/json                what a subscription made over RESTCONF tells
    /restconf/subscriptions/<key>                           the same for one of RFC 8650; its URI is in its answer

Who comes back with a Last-Event-ID goes on behind that event. A slow reader delays nobody: it is read for at its own
pace, from the journal.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from promise.errors import BadParameter, BadValue, NoResource, NoRoom, NotAcceptable, NotAllowed
from promise.northbound.codec.moment import DATE_AND_TIME
from promise.northbound.events.selecting import STREAMS, XPath, module_names
from promise.northbound.events.sse import BEAT, HEARTBEAT, MEDIA_TYPE, event, place_of
from promise.northbound.port import Interest
from promise.northbound.restconf.exchange import Encoding, Reply
from promise.northbound.restconf.paths import decoded
from promise.northbound.restconf.query import STREAMING, parameters
from promise.northbound.words import actor_of, ending, starting

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from datetime import datetime

    from promise.northbound.access import Caller
    from promise.northbound.events.notice import Notice
    from promise.northbound.events.stream import EventStream
    from promise.northbound.restconf.exchange import Further, Request

METHODS: Final = ("GET", "OPTIONS")
LISTED: Final = ("GET", "HEAD", "OPTIONS")
"""Those of the streams that everybody may read: to look at one takes nothing from it."""
PIECE: Final = 32 * 1024
"""So many bytes of events are sent at once, at most, where they are there already."""

GREETING: Final = b"retry: 1000\n\n"
"""Tells the reader after how many milliseconds to come back, and that it has come."""


class Source(Protocol):
    """What one reader is told."""

    over: bool
    """Whether nothing will come any more."""

    async def take(self) -> Sequence[tuple[Notice, Sequence[str]]] | None:
        """Return what is told next, with the ids of subscriptions; None when there is nothing yet."""

    async def news(self) -> None:
        """Wait until there may be something."""

    def wake(self) -> None:
        """Let `news` return."""

    def close(self) -> None:
        """Let go of it."""


class Feeds(Protocol):
    """The subscriptions that were made over RESTCONF."""

    def attach(self, caller: Caller, key: str, behind: tuple[int, int] | None) -> Source | None:
        """Return what a subscription tells, to its one reader; None where the caller has no such subscription."""


class Streams:
    """Answers what is below {+restconf}/streams, until `close`."""

    def __init__(self, events: EventStream, feeds: Feeds) -> None:
        self.origin = ""
        """Scheme and authority at which the streams are, once the server listens."""
        self._events = events
        self._feeds = feeds
        self.operations: Further | None = None
        """The operations of RFC 8650, once there are any."""
        self._open: dict[Source, str] = {}  # and who reads it
        self._closing = False
        self._heart: asyncio.Task[None] | None = None
        self._beat = 0

    def close(self) -> None:
        """End all streams."""
        self._closing = True
        if self._heart is not None:
            self._heart.cancel()
        for one in self._open:
            one.wake()

    async def answer(self, caller: Caller, request: Request, path: str) -> Reply:
        """Answer a request; `path` is what follows "/streams"."""
        name, _, encoding = decoded(path.removeprefix("/")).rpartition("/")
        if encoding not in {"json", "xml"}:
            raise NoResource("a stream is at /restconf/streams/NAME/json and at /restconf/streams/NAME/xml")
        methods = LISTED if name in STREAMS else METHODS
        if request.method == "OPTIONS":
            return Reply(200, headers={"Allow": ", ".join(methods)})
        if request.method not in methods:
            raise NotAllowed("a stream can only be read", methods)
        _acceptable(request)
        behind = _behind(request)
        self._expect_room(caller)
        if request.method == "HEAD":
            parameters(request.query, STREAMING)
            return Reply(200, media=MEDIA_TYPE)
        if name in STREAMS:
            found: Source | None = await self._subscribed(caller, request, name, behind)
        else:
            parameters(request.query, frozenset())
            found = self._feeds.attach(caller, name, behind)
        if found is None:
            raise NoResource(f'there is no stream "{name[:64]}"; there are {", ".join(STREAMS)}')
        return self._reply(caller, found, xml=encoding == Encoding.XML.value)

    async def subscription(self, caller: Caller, request: Request, key: str) -> Reply:
        """Answer a request for what a dynamic subscription tells; `key` is what follows "/subscriptions/"."""
        if request.method == "OPTIONS":
            return Reply(200, headers={"Allow": ", ".join(METHODS)})
        if request.method != "GET":
            raise NotAllowed("a subscription can only be read here; it is ended by delete-subscription", METHODS)
        _acceptable(request)
        parameters(request.query, frozenset())
        behind = _behind(request)
        self._expect_room(caller)
        found = self._events.established.attach(caller, decoded(key), behind)
        if found is None:
            raise NoResource("there is no such subscription (any more), or it is somebody else's")
        return self._reply(caller, found[0], xml=found[1])

    def _expect_room(self, caller: Caller) -> None:
        """Raise NoRoom where a user reads as many streams as he may."""
        most = self._events.bounds.streams
        if sum(user == caller.username for user in self._open.values()) >= most:
            raise NoRoom(f"a user may read {most} event streams at a time")

    def _reply(self, caller: Caller, source: Source, *, xml: bool) -> Reply:
        pieces = self._pieces(caller.username, source, xml=xml)
        return Reply(200, media=MEDIA_TYPE, headers={"X-Accel-Buffering": "no"}, stream=pieces)

    async def _subscribed(self, caller: Caller, request: Request, name: str, behind: tuple[int, int] | None) -> Source:
        given = parameters(request.query, STREAMING)
        start, stop = (_moment(which, given.get(which)) for which in ("start-time", "stop-time"))
        if stop is not None and start is None:
            raise BadParameter("stop-time needs start-time")
        if start is not None and stop is not None and stop <= start:
            raise BadParameter("stop-time must be later than start-time")
        begin = ending(start)
        if begin is not None and begin > self._events.now() + 1:
            raise BadParameter("start-time must not be in the future")
        test = None
        if "filter" in given:
            try:
                test = XPath(given["filter"], module_names())
            except BadValue as error:
                raise BadParameter(error.rule) from None
        interest = Interest(None, begin, starting(stop), name, test, behind)
        return await self._events.subscribe(actor_of(caller), interest)

    async def _pieces(self, user: str, source: Source, *, xml: bool) -> AsyncGenerator[bytes, None]:
        """Yield the events, as many at once as there are, and heartbeats between them."""
        self._open[source] = user
        if self._heart is None:
            self._heart = asyncio.create_task(self._beats(), name="heartbeat of streams")
        waiting, beat = bytearray(GREETING), self._beat
        try:
            while not self._closing:
                told = await source.take()
                for notice, ids in told or ():
                    waiting += event(notice, ids, xml=xml)
                if waiting and (told is None or len(waiting) >= PIECE):
                    beat = self._beat
                    yield bytes(waiting)
                    waiting.clear()
                elif told is None and source.over:
                    break
                elif told is None:
                    await source.news()
                    if self._beat > beat + 1:
                        waiting += HEARTBEAT
        finally:
            self._open.pop(source, None)
            source.close()

    async def _beats(self) -> None:
        while True:
            await self._events.clock.sleep_until(self._events.clock.now() + BEAT)
            self._beat += 1
            for one in self._open:
                one.wake()


def _acceptable(request: Request) -> None:
    """Raise NotAcceptable when the client does not understand an event stream."""
    accept = request.header("Accept")
    ranges = {part.partition(";")[0].strip().lower() for part in (accept or "*/*").split(",")}
    if not ranges & {MEDIA_TYPE, "text/*", "*/*"}:
        raise NotAcceptable(f"the Accept field must name {MEDIA_TYPE}")


def _behind(request: Request) -> tuple[int, int] | None:
    """Return the place behind which the reader wants to go on."""
    said = request.header("Last-Event-ID")
    if not said:
        return None
    found = place_of(said)
    if found is None:
        raise BadParameter("Last-Event-ID must be the id of an event of this server")
    return found


def _moment(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return DATE_AND_TIME.read_json(text)
    except BadValue as error:
        raise BadParameter(f"{name}: {error.rule}") from None
