"""The TLS transport of NETCONF (RFC 7589): client and server show certificates, and the client's says whose it is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from promise.errors import NoRoom
from promise.northbound.certificates import CertToName, chain_of, server_context, username
from promise.northbound.gate import Gate, Newcomer, through_handshake

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from promise.northbound.access import Identity
    from promise.northbound.dialogue import Dialogue
    from promise.northbound.seats import Seats
    from promise.northbound.strangers import Strangers
    from promise.northbound.wire import Wire

    OpenSession = Callable[[Wire, Identity, str, str], Dialogue]
    Find = Callable[[str], Identity | None]

LINGER: Final = 5.0
"""Seconds that a client has to agree to the end of a connection."""

LARGEST_WAITING: Final = 256 * 1024
"""Bytes that may wait for a client before nothing more is written for it."""

RECORD: Final = 4096
"""Bytes of the largest record that is sent."""

_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """Where to listen (host and port, possibly nowhere), our certificate, and whose certificates we take.

    `cert_to_name` says whose each is. The handshake must be through in `login_timeout` seconds. After `keepalive`
    seconds of silence TCP asks whether the client is still there.
    """

    certificate: Path
    key: Path | None
    authorities: Path
    cert_to_name: tuple[CertToName, ...]
    addresses: tuple[tuple[str, int], ...] = ()
    login_timeout: float = 60.0
    keepalive: float = 60.0


class TlsListener:
    """Listens, and calls `open_session` (wire, identity, source address, why not) for all who prove who they are.

    `find` returns the identity of a user by name. `strangers` are those who have not proved it yet. Who has takes one
    of the `seats`; where there is none, the session is only there to be told so. Raises
    certificates.UnusableCertificate.
    """

    def __init__(
        self, open_session: OpenSession, find: Find, options: TlsOptions, strangers: Strangers, seats: Seats
    ) -> None:
        self.open_session = open_session
        self.options = options
        self.seats = seats
        self.connections: set[_Connection] = set()
        self._find = find
        self._strangers = strangers
        self._context = server_context(options.certificate, options.key, options.authorities)
        self._gate = Gate(self._take, strangers, options.keepalive)

    async def start(self) -> list[tuple[str, int]]:
        """Listen; returns hosts and ports. Raises OSError, which names the address, when it cannot listen."""
        return await self._gate.start(self.options.addresses, "netconf-tls")

    def stop_listening(self) -> None:
        """Accept nobody any more."""
        self._gate.stop()

    async def close(self) -> None:
        """Close what connections there still are."""
        await self._gate.stopped()
        for connection in list(self.connections):
            connection.abort()

    async def take(self, connected: socket.socket) -> _Connection | None:
        """Let the client behind a socket prove who it is; None when it does not, and the socket is closed."""
        return await self._take(Newcomer(connected, self._strangers))

    async def _take(self, newcomer: Newcomer) -> _Connection | None:
        making = asyncio.get_running_loop().connect_accepted_socket(
            lambda: _Connection(self, newcomer),
            newcomer.connected,
            ssl=self._context,
            ssl_handshake_timeout=self.options.login_timeout,
            ssl_shutdown_timeout=LINGER,
        )
        connection: _Connection | None = await through_handshake(newcomer, making)
        return connection if connection is not None and connection.open else None

    def identity(self, source: str, chain: list[bytes]) -> Identity | None:
        """Return who this is, None when no entry of the list and no user fits."""
        name = username(chain, self.options.cert_to_name)
        found = None if name is None else self._find(name)
        if found is None:
            why = "the cert-to-name list has nothing for this certificate" if name is None else "there is no such user"
            _log.info("login-failed", source=source, transport="tls", user=name or "", reason=why)
        return found


class _Connection(asyncio.Protocol):
    """One TLS connection: the wire of one session."""

    def __init__(self, listener: TlsListener, newcomer: Newcomer) -> None:
        self.over = asyncio.Event()
        self._newcomer = newcomer
        self._seat = ""  # whose it has taken
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
        source = self._newcomer.source
        identity = self._listener.identity(source, chain_of(transport.get_extra_info("ssl_object")))
        if identity is None:
            transport.close()
            return
        why_not = ""
        try:
            self._listener.seats.take(identity.username)
        except NoRoom as error:
            _log.warning("session-refused", source=source, user=identity.username, reason=str(error))
            why_not = str(error)
        else:
            self._seat = identity.username
            self._newcomer.known()
        self._listener.connections.add(self)
        self._dialogue = self._listener.open_session(self, identity, source, why_not)

    def data_received(self, data: bytes) -> None:
        if self._dialogue is not None:
            self._dialogue.data_received(data)

    def eof_received(self) -> None:
        if self._dialogue is not None:
            self._dialogue.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - it is over, whatever the reason
        self._listener.connections.discard(self)
        self._newcomer.gone()
        if self._seat:
            self._listener.seats.give(self._seat)
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
        """Send bytes, or keep them until the client takes them.

        Each piece is a TLS record of its own. ncclient reads 4096 bytes and then asks its socket, not TLS, whether
        there is more: it would wait for ever for the rest of a larger record.
        """
        if not self._transport.is_closing():
            view = memoryview(data)
            self._transport.writelines(view[at : at + RECORD] for at in range(0, len(view), RECORD))

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
