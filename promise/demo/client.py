"""A small NETCONF client on asyncssh: log in, exchange hellos, ask one thing at a time (RFC 6241, RFC 6242)."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import asyncssh
from lxml import etree

from promise.errors import PromiseError
from promise.northbound.framing import Decoder, frame

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from lxml.etree import _Element

    from promise.northbound.codec import Rpc

Input = TypeVar("Input")
Output = TypeVar("Output")

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
CAPABILITIES = ("urn:ietf:params:netconf:base:1.0", "urn:ietf:params:netconf:base:1.1")
LARGEST_REPLY = 64 * 2**20
BYTES_AT_ONCE = 2**16


class RpcError(PromiseError):
    """The server answered with an rpc-error."""


@dataclass
class Exchange:
    """One request and its reply, as they went over the wire."""

    request: bytes = b""
    reply: bytes = b""


class NetconfClient:
    """One NETCONF session; `last` is the latest exchange, `capabilities` what the server said it can do."""

    def __init__(self, host: str, port: int, username: str, password: str) -> None:
        self._address = (host, port)
        self._login = (username, password)
        self._decoder = Decoder(limit=LARGEST_REPLY, skip_limit=LARGEST_REPLY)
        self._numbers = itertools.count(1)
        self._parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
        self.capabilities: list[str] = []
        self.session_id = ""
        self.last = Exchange()

    async def __aenter__(self) -> Self:
        username, password = self._login
        host, port = self._address
        self._connection = await asyncssh.connect(
            host,
            port,
            username=username,
            password=password,
            known_hosts=None,
            config=None,
            client_keys=None,
            agent_path=None,
        )
        process: Any = await self._connection.create_process(subsystem="netconf", encoding=None)
        self._stdin, self._stdout = process.stdin, process.stdout
        await self._exchange_hellos()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self.ask("<close-session/>")
        self._connection.close()
        await self._connection.wait_closed()

    async def _exchange_hellos(self) -> None:
        ours = "".join(f"<capability>{uri}</capability>" for uri in CAPABILITIES)
        hello = f'<hello xmlns="{BASE}"><capabilities>{ours}</capabilities></hello>'
        self._send(hello.encode())
        theirs = etree.fromstring(await self._receive(), self._parser)
        self.capabilities = [str(found.text) for found in theirs.iter(f"{{{BASE}}}capability")]
        self.session_id = theirs.findtext(f"{{{BASE}}}session-id") or ""
        self._decoder.chunked = CAPABILITIES[1] in self.capabilities

    async def call(self, rpc: Rpc[Input, Output], asked: Input) -> Output:
        """Ask for an operation of a module.

        Raises:
            RpcError: the server says that the request is not one.
        """
        reply = await self.ask(rpc.encode_input_xml(asked).decode())
        reply.attrib.clear()  # the message-id is the envelope's
        return rpc.decode_output_xml(reply)

    async def ask(self, operation: str) -> _Element:
        """Send any operation as XML, and return the <rpc-reply>."""
        number = next(self._numbers)
        self.last = Exchange(f'<rpc xmlns="{BASE}" message-id="{number}">{operation}</rpc>'.encode())
        self._send(self.last.request)
        self.last.reply = await self._receive()
        reply = etree.fromstring(self.last.reply, self._parser)
        error = reply.find(f"{{{BASE}}}rpc-error")
        if error is not None:
            tag, message = (error.findtext(f"{{{BASE}}}{name}") for name in ("error-tag", "error-message"))
            raise RpcError(f"{tag}: {message}")
        return reply

    def _send(self, message: bytes) -> None:
        for piece in frame(message, chunked=self._decoder.chunked):
            self._stdin.write(piece)

    async def _receive(self) -> bytes:
        while True:
            message = self._decoder.next_message()
            if isinstance(message, bytes):
                return message
            if message is not None:
                raise RpcError(f"a reply of {message.size} bytes is more than this client reads")
            async with asyncio.timeout(120):
                data = await self._stdout.read(BYTES_AT_ONCE)
            if not data:
                raise RpcError("the server has closed the session")
            self._decoder.feed(data)
