"""The HTTP server under the RESTCONF door: the one module that knows aiohttp, and where strangers are held in check."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import structlog
from aiohttp import web

from promise.clock import Clock, SystemClock
from promise.errors import Malformed, TooBig, TooSlow
from promise.northbound.certificates import chain_of, server_context
from promise.northbound.faults import fault
from promise.northbound.gate import Gate, Newcomer, through_handshake
from promise.northbound.restconf.connection import SERVER, Connection, bare
from promise.northbound.strangers import Room, Strangers

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from pathlib import Path

    from promise.northbound.restconf.exchange import Reply

    Answer = Callable[["HttpRequest"], Awaitable[Reply]]

_log: Final = structlog.get_logger(__name__)
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_AT_ONCE: Final = 32 * 1024
"""Bytes of an answer that a socket takes without waiting for the client."""


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """How the server listens and what it allows; times in seconds, sizes in bytes.

    With `certificate` (PEM, with its chain) and its `key` it speaks TLS, to clients that may show certificates of the
    `authorities`. A connection that sends no whole request for `idle_timeout` is closed; `request_timeout` is for a
    handshake, for a body to come, and for an answer to be taken; `stall_timeout` for the reader of a stream to take
    something. `strangers` says how many connections there may be on which nobody has proved who he is. After
    `keepalive` seconds of silence TCP asks whether the client is still there.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    certificate: Path | None = None
    key: Path | None = None
    authorities: Path | None = None
    idle_timeout: float = 60.0
    request_timeout: float = 30.0
    max_body: int = 4 * 2**20
    max_head: int = 32 * 1024
    max_headers: int = 128
    max_connections: int = 4096
    stall_timeout: float = 120.0
    keepalive: float = 60.0
    strangers: Room = field(default_factory=Room)


@lru_cache(1024)
def _is_here(host: str) -> bool:
    """Tell whether an address is one of this machine's own; every request asks it."""
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback


class HttpRequest:
    """See `exchange.Request`."""

    __slots__ = ("_body", "_options", "_request", "method", "path", "query")

    def __init__(self, request: web.BaseRequest, options: HttpOptions) -> None:
        self._request = request
        self._options = options
        self._body: bytes | None = None
        self.method = request.method
        target = request.path_qs if request.raw_path.startswith("http") else request.raw_path
        self.path, _, self.query = target.partition("#")[0].partition("?")

    @property
    def origin(self) -> str:
        """Return scheme and authority by which the client calls us."""
        host = self._request.headers.get("Host")
        return f"{'https' if self._secure else 'http'}://{host}" if host else ""

    @property
    def source(self) -> str:
        """Return the address of the peer."""
        peer = self._peer
        return f"{peer[0]}:{peer[1]}" if peer else ""

    @property
    def chain(self) -> list[bytes]:
        """Return the verified certificate of the client (DER) with the authorities above it; empty without one."""
        tls = self._request.get_extra_info("ssl_object")
        return [] if tls is None or self._options.authorities is None else chain_of(tls)

    @property
    def private(self) -> bool:
        """Tell whether it came over TLS, or has not left this machine."""
        return self._secure or bool(self._peer and _is_here(self._peer[0]))

    @property
    def _peer(self) -> Any:
        return self._request.protocol.peername

    @property
    def _secure(self) -> bool:
        return self._request.protocol.ssl_context is not None

    def header(self, name: str) -> str | None:
        """Return the value of a header field."""
        found = self._request.headers.getall(name, None)
        return None if found is None else found[0] if len(found) == 1 else ", ".join(found)

    async def body(self) -> bytes:
        """Return the body, once it is there as a whole."""
        if self._body is None:
            try:
                async with asyncio.timeout(self._options.request_timeout):
                    self._body = await self._read()
            except TimeoutError:
                raise TooSlow(f"the body did not come within {self._options.request_timeout:g} s") from None
            except ConnectionError:
                raise Malformed("the client went before the whole body had come") from None
            except web.RequestPayloadError as error:
                raise Malformed(f"the body cannot be read: {error}") from None
        return self._body

    async def _read(self) -> bytes:
        if not self._request.body_exists:
            return b""
        most = self._options.max_body
        if (self._request.content_length or 0) > most:
            raise TooBig(f"a body may have at most {most} bytes")
        if self.header("Expect"):
            await self._request.writer.write(_CONTINUE)
        found = bytearray()
        async for piece in self._request.content.iter_any():
            found += piece
            if len(found) > most:
                raise TooBig(f"a body may have at most {most} bytes")
        return bytes(found)


class HttpServer:
    """Listens, and gives each request to `answer`, which always returns a reply."""

    def __init__(self, answer: Answer, options: HttpOptions, clock: Clock | None = None) -> None:
        self._answer = answer
        self._options = options
        self._manager = web.Server(self._handle)
        self._secure: ssl.SSLContext | None = None
        self.strangers = Strangers(options.strangers, (clock or SystemClock()).now)
        self._gate = Gate(self._take, self.strangers, options.keepalive, self._refuse)

    async def start(self) -> tuple[str, int]:
        """Listen; returns host and port. Raises OSError when it cannot, ssl.SSLError when a certificate is no good."""
        self._secure = self._context()
        ((host, port),) = await self._gate.start([(self._options.host, self._options.port)], "restconf")
        _log.info("restconf-listening", host=host, port=port, tls=self._secure is not None)
        return str(host), int(port)

    async def stop(self, grace: float = 5.0) -> None:
        """Accept nobody any more, give requests that are being answered `grace` seconds, then close."""
        self._gate.stop()
        await self._gate.stopped()
        self._manager.pre_shutdown()
        await self._manager.shutdown(grace)

    def _context(self) -> ssl.SSLContext | None:
        if self._options.certificate is None:
            return None
        if self._options.authorities is not None:
            return server_context(
                self._options.certificate, self._options.key, self._options.authorities, required=False
            )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._options.certificate, self._options.key)
        return context

    async def _take(self, newcomer: Newcomer) -> None:
        """Let a connection become one of HTTP."""
        options = self._options
        if len(self._manager.connections) >= options.max_connections:
            _log.warning("restconf-refused", connections=options.max_connections)
            with suppress(OSError):
                self._refuse(newcomer.connected)
            newcomer.gone()
            newcomer.connected.close()
            return
        loop = asyncio.get_running_loop()
        connection = Connection(
            self._manager,
            newcomer,
            options.max_head,
            options.request_timeout,
            loop=loop,
            max_headers=options.max_headers,
            keepalive_timeout=options.idle_timeout,
            lingering_time=1.0,
            access_log=None,
        )
        secure: dict[str, Any] = {}
        if self._secure is not None:
            secure = {"ssl": self._secure, "ssl_handshake_timeout": options.request_timeout}
        making = loop.connect_accepted_socket(lambda: connection, newcomer.connected, **secure)
        await through_handshake(newcomer, making)

    def _refuse(self, connected: socket.socket) -> None:
        """Say that there is no room, where that can be said without a handshake."""
        if self._secure is None:
            connected.send(bare(HTTPStatus.SERVICE_UNAVAILABLE, "Retry-After: 1"))

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = HttpRequest(request, self._options)
        reply = await self._answer(asked)
        connection = request.protocol
        if reply.user and isinstance(connection, Connection):
            connection.known()
            if reply.stream is not None:
                connection.patience = self._options.stall_timeout
        headers = {"Server": SERVER, "Cache-Control": "no-cache", "Vary": "Accept", **reply.headers}
        if reply.media:
            headers["Content-Type"] = reply.media
        if reply.stream is not None:
            return await self._streamed(request, reply, headers)
        response = web.Response(status=reply.status, body=reply.body, headers=headers)
        if len(reply.body) <= _AT_ONCE:
            return response
        try:
            async with asyncio.timeout(self._options.request_timeout):
                await response.prepare(request)
                await response.write_eof()
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()  # nobody takes what is left
        return response

    async def _streamed(self, request: web.BaseRequest, reply: Reply, headers: dict[str, str]) -> web.StreamResponse:
        """Send what a stream yields, as slowly as the client takes it."""
        response = web.StreamResponse(status=reply.status, headers=headers)
        await response.prepare(request)
        assert reply.stream is not None
        if request.method == "HEAD":
            await reply.stream.aclose()
            return response
        sending = asyncio.create_task(_sent(response, reply.stream), name="restconf-stream")
        if isinstance(request.protocol, Connection):
            request.protocol.sending = sending
        try:
            await asyncio.wait({sending})
        finally:
            sending.cancel()
            (ended,) = await asyncio.gather(sending, return_exceptions=True)
            if isinstance(ended, Exception):
                fault(ended)  # logs it; the client has its status already
        return response


async def _sent(response: web.StreamResponse, stream: AsyncGenerator[bytes, None]) -> None:
    """Send all that a stream yields."""
    try:
        async for piece in stream:
            await response.write(piece)
        await response.write_eof()
    except ConnectionError:
        pass  # the client has gone
    finally:
        await stream.aclose()
