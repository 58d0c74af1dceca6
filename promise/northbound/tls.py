"""The TLS transport of NETCONF (RFC 7589): client and server show certificates, and the client's says whose it is."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from promise.northbound.certificates import CertToName, chain_of, server_context, username

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from promise.northbound.access import Identity
    from promise.northbound.dialogue import Dialogue, Wire

    OpenSession = Callable[[Wire, Identity, str], Dialogue]
    Find = Callable[[str], Identity | None]

LINGER: Final = 5.0
"""Seconds that a client has to agree to the end of a connection."""

BACKLOG: Final = 1024
LARGEST_WAITING: Final = 256 * 1024
"""Bytes that may wait for a client before nothing more is written for it."""

_PAUSE: Final = 1.0
"""Seconds until somebody is accepted again when the system has no room for it."""

_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """Where to listen (host and port, possibly nowhere), our certificate, and whose certificates we take.

    `cert_to_name` says whose each is. `max_unauthenticated` connections may be in their handshake at a time, and each
    must be through in `login_timeout` seconds; `max_sessions` may be open in all.
    """

    certificate: Path
    key: Path | None
    authorities: Path
    cert_to_name: tuple[CertToName, ...]
    addresses: tuple[tuple[str, int], ...] = ()
    login_timeout: float = 60.0
    max_unauthenticated: int = 1024
    max_sessions: int = 4096


class TlsListener:
    """Listens, and calls `open_session` (wire, identity, source address) for every client who has proved who it is.

    `find` returns the identity of a user by name. Raises certificates.UnusableCertificate.
    """

    def __init__(self, open_session: OpenSession, find: Find, options: TlsOptions) -> None:
        self.open_session = open_session
        self.options = options
        self.connections: set[_Connection] = set()
        self._find = find
        self._context = server_context(options.certificate, options.key, options.authorities)
        self._sockets: list[socket.socket] = []
        self._accepting: list[asyncio.Task[None]] = []
        self._taking: set[asyncio.Task[_Connection | None]] = set()

    async def start(self) -> list[tuple[str, int]]:
        """Listen; returns hosts and ports. Raises OSError when it cannot listen."""
        loop = asyncio.get_running_loop()
        try:
            for host, port in self.options.addresses:
                family, _, _, _, address = (await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))[0]
                listening = socket.create_server(address[:2], family=family, backlog=BACKLOG)
                listening.setblocking(False)  # noqa: FBT003 - the standard library wants it so
                self._sockets.append(listening)
        except OSError:
            self.stop_listening()
            raise
        self._accepting = [asyncio.create_task(self._accept(each), name="netconf-tls") for each in self._sockets]
        return [each.getsockname()[:2] for each in self._sockets]

    def stop_listening(self) -> None:
        """Accept nobody any more."""
        for task in (*self._accepting, *self._taking):
            task.cancel()
        for each in self._sockets:
            each.close()
        self._sockets.clear()

    async def close(self) -> None:
        """Close what connections there still are."""
        await asyncio.gather(*self._accepting, *self._taking, return_exceptions=True)
        for connection in list(self.connections):
            connection.abort()

    async def take(self, connected: socket.socket) -> _Connection | None:
        """Let the client behind a socket prove who it is; None when it does not, and the socket is closed."""
        loop = asyncio.get_running_loop()
        source = _address(connected)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            _, connection = await loop.connect_accepted_socket(
                lambda: _Connection(self, source),
                connected,
                ssl=self._context,
                ssl_handshake_timeout=self.options.login_timeout,
                ssl_shutdown_timeout=LINGER,
            )
        except (OSError, TimeoutError) as error:  # ssl.SSLError is an OSError
            _log.info("login-failed", source=source, transport="tls", reason=str(error) or type(error).__name__)
            connected.close()
            return None
        return connection if connection.open else None

    def identity(self, connection: _Connection, chain: list[bytes]) -> Identity | None:
        """Return who this is, None when no entry of the list and no user fits, or there are too many sessions."""
        name = username(chain, self.options.cert_to_name)
        found = None if name is None else self._find(name)
        if found is None:
            why = "the cert-to-name list has nothing for this certificate" if name is None else "there is no such user"
            _log.info("login-failed", source=connection.source, transport="tls", user=name or "", reason=why)
        elif len(self.connections) >= self.options.max_sessions:
            _log.warning("connection-refused", source=connection.source, reason="too many sessions")
            return None
        return found

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connected, _ = await loop.sock_accept(listening)
            except OSError as error:
                _log.warning("accept-failed", reason=str(error))
                await asyncio.sleep(_PAUSE)
                continue
            if len(self._taking) >= self.options.max_unauthenticated:
                _log.warning("connection-refused", source=_address(connected), reason="too many are logging in")
                connected.close()
                continue
            task = asyncio.create_task(self.take(connected))
            self._taking.add(task)
            task.add_done_callback(self._taking.discard)


class _Connection(asyncio.Protocol):
    """One TLS connection: the wire of one session."""

    def __init__(self, listener: TlsListener, source: str) -> None:
        self.source = source
        self.over = asyncio.Event()
        self._listener = listener
        self._transport: asyncio.Transport
        self._dialogue: Dialogue | None = None
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def open(self) -> bool:
        """Whether it was found whose it is."""
        return self._dialogue is not None

    # what asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=LARGEST_WAITING)
        identity = self._listener.identity(self, chain_of(transport.get_extra_info("ssl_object")))
        if identity is None:
            transport.close()
            return
        self._listener.connections.add(self)
        self._dialogue = self._listener.open_session(self, identity, self.source)

    def data_received(self, data: bytes) -> None:
        if self._dialogue is not None:
            self._dialogue.data_received(data)

    def eof_received(self) -> None:
        if self._dialogue is not None:
            self._dialogue.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - it is over, whatever the reason
        self._listener.connections.discard(self)
        if self._deadline is not None:
            self._deadline.cancel()
        if self._dialogue is not None:
            self._dialogue.connection_lost()
        self.over.set()

    def pause_writing(self) -> None:
        if self._dialogue is not None:
            self._dialogue.pause_writing()

    def resume_writing(self) -> None:
        if self._dialogue is not None:
            self._dialogue.resume_writing()

    # what the dialogue wants

    def write(self, data: bytes) -> None:
        """Send bytes, or keep them until the client takes them."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def pause_reading(self) -> None:
        """Deliver no bytes for now."""
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Deliver bytes again."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def finish(self, status: int) -> None:
        """Close after what was written; TLS has no exit status."""
        del status
        if not self._transport.is_closing():
            self._transport.close()
            self._deadline = asyncio.get_running_loop().call_later(LINGER, self._transport.abort)

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()


def _address(connected: socket.socket) -> str:
    """Return the peer's address as people write it; a peer that is gone already has none."""
    with suppress(OSError):
        host, port = connected.getpeername()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return ""
