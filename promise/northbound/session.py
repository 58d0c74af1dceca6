"""What a NETCONF session may say and when (RFC 6241 sections 4, 8.1; RFC 6242 section 4); no I/O.

    hello expected --hello--> open --close()--> closed
          |                    |
          +-- bad hello -------+-- broken framing, second hello --> closed

Requests come out in the order in which they came in, as many as have arrived, also those that came with the hello.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from promise.errors import Invalid, Malformed, Overloaded, TooBig
from promise.northbound.framing import Decoder, FramingError, Oversized, Store, frame
from promise.northbound.message import BASE, DEEPEST, Envelope, envelope_of_unread, escape, parse, read_rpc

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element

BASE_1_0: Final = "urn:ietf:params:netconf:base:1.0"
BASE_1_1: Final = "urn:ietf:params:netconf:base:1.1"
LARGEST_MESSAGE: Final = 4 * 1024 * 1024
LARGEST_SKIPPED: Final = 256 * 1024 * 1024

_HELLO: Final = f"{{{BASE}}}hello"
_CAPABILITY: Final = f"{{{BASE}}}capability"


@dataclass(frozen=True, slots=True)
class Opened:
    """The hellos are exchanged; from now on there are requests."""

    base_1_1: bool
    capabilities: frozenset[str]


@dataclass(frozen=True, slots=True)
class Request:
    """The client asks for an operation."""

    envelope: Envelope
    operation: _Element


@dataclass(frozen=True, slots=True)
class Rejected:
    """The client sent something that is no request; it gets the error as reply, and the session goes on."""

    envelope: Envelope
    error: Invalid | Overloaded


@dataclass(frozen=True, slots=True)
class Broken:
    """The client sent something after which there is no common language: the session must be closed."""

    reason: str


Event = Opened | Request | Rejected | Broken


class _State(Enum):
    HELLO_EXPECTED = auto()
    OPEN = auto()
    CLOSED = auto()


class Session:
    """One session as values: bytes are fed in, events pulled out, replies turned into bytes.

    `session_id` is a positive 32-bit number. `capabilities` are what we advertise besides base:1.0 and base:1.1.
    A message longer than `largest` bytes is rejected, one longer than `largest_skipped` breaks the session. One for
    which the `store` of all sessions has no room, or whose elements are nested deeper than `deepest`, is rejected too.
    """

    def __init__(
        self,
        session_id: int,
        capabilities: Iterable[str],
        *,
        largest: int = LARGEST_MESSAGE,
        largest_skipped: int = LARGEST_SKIPPED,
        store: Store | None = None,
        deepest: int = DEEPEST,
    ) -> None:
        self._session_id = session_id
        self._capabilities = (BASE_1_0, BASE_1_1, *capabilities)
        self._largest = largest
        self._deepest = deepest
        self._decoder = Decoder(limit=largest, skip_limit=largest_skipped, store=store)
        self._state = _State.HELLO_EXPECTED
        self._base_1_1 = False

    @property
    def base_1_1(self) -> bool:
        """Whether both sides speak base:1.1."""
        return self._base_1_1

    @property
    def unread(self) -> int:
        """The number of bytes received and not yet looked at."""
        return self._decoder.unread

    @property
    def unfinished(self) -> bool:
        """Whether a message has begun and not come to its end."""
        return self._decoder.unfinished

    def hello(self) -> bytes:
        """Return our hello, to be sent first. Its elements have no prefix: there are clients that cannot take one."""
        listed = "".join(f"<capability>{escape(capability)}</capability>" for capability in self._capabilities)
        hello = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<hello xmlns="{BASE}"><capabilities>{listed}</capabilities>'
            f"<session-id>{self._session_id}</session-id></hello>"
        )
        return b"".join(frame(hello.encode(), chunked=False))

    def receive(self, data: bytes) -> None:
        """Take what has come from the client."""
        if self._state is not _State.CLOSED:
            self._decoder.feed(data)

    def next_event(self) -> Event | None:
        """Return the next event, None when more bytes are needed or the session is closed."""
        if self._state is _State.CLOSED:
            return None
        try:
            message = self._decoder.next_message()
        except FramingError as error:
            return self._break(f"framing: {error}")
        if message is None:
            return None
        return self._greeted(message) if self._state is _State.HELLO_EXPECTED else self._asked(message)

    def reply(self, envelope: Envelope, content: bytes) -> list[bytes]:
        """Return a reply as bytes for the client, in pieces; `content` is what stands inside <rpc-reply>."""
        return frame(envelope.around(content), chunked=self._base_1_1)

    def message(self, document: bytes) -> list[bytes]:
        """Return any other message (a notification) as bytes for the client, in pieces."""
        return frame(document, chunked=self._base_1_1)

    def close(self) -> None:
        """Look at nothing more; what was received and not yet looked at is dropped."""
        self._state = _State.CLOSED
        self._decoder.release()
        self._decoder = Decoder(limit=0, skip_limit=0)

    def _break(self, reason: str) -> Broken:
        self.close()
        return Broken(reason)

    def _greeted(self, message: bytes | Oversized) -> Event:
        if isinstance(message, Oversized):
            return self._break(f"hello of {message.size} bytes")
        try:
            hello = parse(message, self._deepest)
        except Invalid as error:
            return self._break(f"hello: {error}")
        if hello.tag != _HELLO:
            return self._break(f"hello expected, not <{hello.tag}>")
        if hello.find(f"{{{BASE}}}session-id") is not None:
            return self._break("the hello of a client must not contain a session-id")
        capabilities = frozenset((element.text or "").strip() for element in hello.iter(_CAPABILITY))
        if not capabilities & {BASE_1_0, BASE_1_1}:
            return self._break("no version of NETCONF in common: neither base:1.0 nor base:1.1 in the hello")
        self._base_1_1 = BASE_1_1 in capabilities
        self._decoder.chunked = self._base_1_1
        self._state = _State.OPEN
        return Opened(self._base_1_1, capabilities)

    def _asked(self, message: bytes | Oversized) -> Event:
        if isinstance(message, Oversized) and message.crowded:
            rule = "too many messages are on their way at the moment; try again"
            return Rejected(envelope_of_unread(message.head), Overloaded(rule))
        if isinstance(message, Oversized):
            rule = f"a message of {message.size} bytes; this server reads {self._largest}"
            return Rejected(envelope_of_unread(message.head), TooBig(rule))
        try:
            root = parse(message, self._deepest)
        except (Malformed, TooBig) as error:
            return Rejected(envelope_of_unread(message[:4096]), error)
        if root.tag == _HELLO:
            return self._break("a second hello")
        rpc = read_rpc(root)
        if isinstance(rpc.operation, Invalid):
            return Rejected(rpc.envelope, rpc.operation)
        return Request(rpc.envelope, rpc.operation)
