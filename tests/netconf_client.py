"""A small NETCONF client for tests, scenarios and benches: asyncssh below, its own framing, lxml elements out.

    async with await connect(host, port, "admin", "secret") as client:
        reply = await client.rpc('<get xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"/>')
        replies = await client.pipeline([first, second, third])
        await client.subscribe()
        told = await client.notification()

Everything can also be done by hand: `open_channel` logs in and says nothing, `send` writes raw bytes, `receive`
returns the next message as bytes, `closed` waits for the end.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Self

import asyncssh
from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evidence import Evidence

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
NC = f"{{{BASE}}}"
BASE_1_0 = "urn:ietf:params:netconf:base:1.0"
BASE_1_1 = "urn:ietf:params:netconf:base:1.1"
NOTIFICATIONS = "urn:ietf:params:xml:ns:netconf:notification:1.0"
NOTIFICATION = f"{{{NOTIFICATIONS}}}notification"
END = b"]]>]]>"


class Closed(Exception):
    """The server has closed the session; `status` is its exit status, None when there was none."""

    def __init__(self, status: int | None) -> None:
        super().__init__(f"session closed, exit status {status}")
        self.status = status


def client_hello(*capabilities: str) -> bytes:
    """Return a hello (without framing) with these capabilities; without any, base:1.0 and base:1.1."""
    listed = "".join(f"<capability>{uri}</capability>" for uri in capabilities or (BASE_1_0, BASE_1_1))
    return f'<hello xmlns="{BASE}"><capabilities>{listed}</capabilities></hello>'.encode()


def rpc_message(operation: str | bytes, message_id: str) -> bytes:
    """Return an <rpc> (without framing) around an operation."""
    inner = operation if isinstance(operation, bytes) else operation.encode()
    return b'<rpc xmlns="%b" message-id="%b">%b</rpc>' % (BASE.encode(), message_id.encode(), inner)


def chunked(message: bytes) -> bytes:
    """Return a message as one chunk and the end of chunks."""
    return b"\n#%d\n%b\n##\n" % (len(message), message)


class _Session(asyncssh.SSHClientSession[bytes]):
    def __init__(self, client: NetconfClient) -> None:
        self._client = client

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self._client.fed(data)

    def exit_status_received(self, status: int) -> None:
        self._client.exit_status = status

    def connection_lost(self, exc: Exception | None) -> None:
        self._client.ended()


class NetconfClient:
    """One session. Not for several tasks that receive at once."""

    def __init__(self, connection: asyncssh.SSHClientConnection) -> None:
        self.connection = connection
        self.channel: asyncssh.SSHClientChannel[bytes]
        self.session_id = 0
        self.capabilities: frozenset[str] = frozenset()
        self.exit_status: int | None = None
        self.chunked = False
        self.bytes_received = 0
        self.evidence: Evidence | None = None
        self.notifications: deque[bytes] = deque()
        self._buffer = bytearray()
        self._arrived = asyncio.Event()
        self._over = False
        self._next_id = 100

    def fed(self, data: bytes) -> None:
        self._buffer += data
        self.bytes_received += len(data)
        self._arrived.set()

    def ended(self) -> None:
        self._over = True
        self._arrived.set()

    def send(self, data: bytes) -> None:
        """Write raw bytes."""
        self.channel.write(data)

    def send_message(self, message: bytes) -> None:
        """Write a message in the session's framing."""
        self.send(chunked(message) if self.chunked else message + END)

    async def arrived(self) -> None:
        """Wait for bytes; raises Closed."""
        while not self._buffer:
            if self._over:
                raise Closed(self.exit_status)
            self._arrived.clear()
            await self._arrived.wait()

    def taken(self) -> bytes:
        """Return what has come, framing and all."""
        data = bytes(self._buffer)
        self._buffer.clear()
        return data

    async def receive(self) -> bytes:
        """Return the next message without its framing; raises Closed."""
        while (message := self._take_chunked() if self.chunked else self._take_delimited()) is None:
            if self._over:
                raise Closed(self.exit_status)
            self._arrived.clear()
            await self._arrived.wait()
        return message

    async def receive_element(self) -> Any:
        """Return the next message as an lxml element."""
        return etree.fromstring(await self.receive())

    async def hello(self, *capabilities: str) -> None:
        """Exchange hellos."""
        self.send(client_hello(*capabilities) + END)
        self.read_hello(await self.receive())
        self.chunked = BASE_1_1 in self.capabilities and BASE_1_1 in (capabilities or (BASE_1_1,))

    def read_hello(self, message: bytes) -> None:
        """Note what the server's hello says."""
        hello = etree.fromstring(message)
        assert hello.tag == NC + "hello"
        self.session_id = int(hello.findtext(NC + "session-id") or 0)
        self.capabilities = frozenset(str(element.text) for element in hello.iter(NC + "capability"))

    async def rpc(self, operation: str | bytes, *, message_id: str | None = None) -> Any:
        """Ask one thing; returns the <rpc-reply> element, whatever it says."""
        (reply,) = await self.pipeline([operation], message_ids=None if message_id is None else [message_id])
        return reply

    async def pipeline(
        self, operations: Sequence[str | bytes], *, message_ids: Iterable[str] | None = None
    ) -> list[Any]:
        """Send all requests in one write, then take the replies; their message-ids must come in order."""
        ids = list(message_ids) if message_ids is not None else [str(self._new_id()) for _ in operations]
        messages = [rpc_message(operation, ids[index]) for index, operation in enumerate(operations)]
        self.send(b"".join(chunked(message) if self.chunked else message + END for message in messages))
        replies = [await self._reply(message) for message in messages]
        answered = [reply.get("message-id") for reply in replies]
        assert answered == ids, f"asked {ids}, answered {answered}"
        return replies

    async def _reply(self, request: bytes) -> Any:
        """Return the next reply; notifications that come before it are kept."""
        while True:
            message = await self.receive()
            element = etree.fromstring(message)
            if element.tag != NOTIFICATION:
                if self.evidence is not None:
                    self.evidence.replied(request, message)
                return element
            self.notifications.append(message)

    async def subscribe(self, inside: str = "") -> None:
        """Create a subscription; `inside` are the parameters."""
        reply = await self.rpc(f'<create-subscription xmlns="{NOTIFICATIONS}">{inside}</create-subscription>')
        assert len(reply) == 1, etree.tostring(reply)
        assert reply[0].tag == NC + "ok", etree.tostring(reply)

    async def notification(self) -> bytes:
        """Return the next notification, as it came."""
        if self.notifications:
            return self.notifications.popleft()
        message = await self.receive()
        assert etree.fromstring(message).tag == NOTIFICATION, message
        if self.evidence is not None:
            self.evidence.notified(message)
        return message

    async def closed(self) -> int | None:
        """Wait until the server has closed the session; returns its exit status."""
        while not self._over:
            self._arrived.clear()
            await self._arrived.wait()
        return self.exit_status

    async def close(self) -> None:
        """Close the connection without a word of NETCONF."""
        self.connection.close()
        await self.connection.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def _new_id(self) -> int:
        self._next_id += 1
        return self._next_id

    def _take_delimited(self) -> bytes | None:
        head, found, rest = self._buffer.partition(END)
        if not found:
            return None
        self._buffer = rest
        return bytes(head)

    def _take_chunked(self) -> bytes | None:
        chunks: list[bytes] = []
        at = 0
        while (end := self._buffer.find(b"\n", at + 1)) > 0:
            header = bytes(self._buffer[at : end + 1])
            assert header.startswith(b"\n#"), f"not a chunk header: {header!r}"
            if header == b"\n##\n":
                del self._buffer[: end + 1]
                return b"".join(chunks)
            size = int(header[2:-1])
            at = end + 1 + size
            if at > len(self._buffer):
                return None
            chunks.append(bytes(self._buffer[end + 1 : at]))
        return None


async def open_channel(
    host: str, port: int, username: str, password: str | None = None, *, window: int = 2**21, **ssh: Any
) -> NetconfClient:
    """Log in and ask for the subsystem; `ssh` are further options of asyncssh.connect (client_keys=[...])."""
    options: dict[str, Any] = {"known_hosts": None, "config": None, "client_keys": None, "agent_path": None, **ssh}
    connection = await asyncssh.connect(host, port, username=username, password=password, **options)
    client = NetconfClient(connection)
    try:
        client.channel, _ = await connection.create_session(
            lambda: _Session(client), subsystem="netconf", encoding=None, window=window
        )
    except BaseException:
        connection.abort()
        raise
    return client


async def connect(
    host: str,
    port: int,
    username: str,
    password: str | None = None,
    *,
    base: Sequence[str] = (),
    evidence: Evidence | None = None,
    **ssh: Any,
) -> NetconfClient:
    """Log in and exchange hellos; `base` are our capabilities (default base:1.0 and base:1.1).

    Replies and notifications are kept as `evidence`.
    """
    client = await open_channel(host, port, username, password, **ssh)
    client.evidence = evidence
    await client.hello(*base)
    return client
