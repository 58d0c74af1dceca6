"""The SSH transport of NETCONF (RFC 6242 section 3): who may log in; and there is one subsystem, nothing else."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import asyncssh
import structlog

from promise.errors import NoRoom
from promise.northbound.access import host_of
from promise.northbound.channel import LINGER, Channel
from promise.northbound.hostkeys import given_host_keys, host_keys
from promise.northbound.liveness import keep_alive

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from promise.northbound.access import Authenticator, Identity
    from promise.northbound.dialogue import Dialogue
    from promise.northbound.seats import Seats
    from promise.northbound.strangers import Strangers
    from promise.northbound.wire import Wire

    OpenSession = Callable[[Wire, Identity, str], Dialogue]

WINDOW: Final = 256 * 1024
"""Bytes that a client may send on a channel before we have taken them."""

CIPHERS: Final = ("aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr", "aes192-ctr", "aes128-ctr")
"""Without chacha20-poly1305, which costs asyncssh twice as much; and without CBC."""

BACKLOG: Final = 1024

_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SshOptions:
    """How to listen and what to allow; times in seconds.

    Without `host_key_files` the host keys are made and kept in `state_dir`. A connection must be through with its
    log-in in `login_timeout`, after `password_tries` and `key_tries` at most (an agent offers its keys one by one).
    A connection or channel on which nobody asks for the subsystem within `subsystem_timeout` is closed. `max_channels`
    may be open on a connection. After `keepalive` seconds of silence TCP asks whether the client is still there.
    """

    addresses: tuple[tuple[str, int], ...]
    state_dir: Path
    host_key_files: tuple[Path, ...] = ()
    login_timeout: float = 60.0
    subsystem_timeout: float = 60.0
    keepalive: float = 60.0
    password_tries: int = 6
    key_tries: int = 32
    max_channels: int = 64


class SshListener:
    """Listens, and calls `open_session` (wire, identity, source address) for every start of the subsystem.

    `strangers` are those who are logging in. Who has logged in takes one of the `seats`, and each further channel.
    """

    def __init__(
        self,
        open_session: OpenSession,
        authenticator: Authenticator,
        options: SshOptions,
        strangers: Strangers,
        seats: Seats,
    ) -> None:
        self.open_session = open_session
        self.authenticator = authenticator
        self.options = options
        self.connections: set[_Connection] = set()
        self.strangers = strangers
        self.seats = seats
        self._acceptors: list[asyncssh.SSHAcceptor] = []
        self._settings: dict[str, Any] = {}

    async def start(self) -> list[tuple[str, int]]:
        """Listen; returns hosts and ports. Raises hostkeys.UnusableHostKey, or OSError when it cannot listen."""
        self._settings = await self._made()
        try:
            for host, port in self.options.addresses:
                self._acceptors.append(await asyncssh.listen(host, port, backlog=BACKLOG, **self._settings))
        except OSError:
            self.stop_listening()
            raise
        return [acceptor.sockets[0].getsockname()[:2] for acceptor in self._acceptors]

    async def _made(self) -> dict[str, Any]:
        """Return how asyncssh is to be a server."""
        options = self.options
        keys = given_host_keys(options.host_key_files) or await asyncio.to_thread(host_keys, options.state_dir)
        return {
            "server_factory": lambda: _Connection(self, options.keepalive),
            "server_host_keys": keys,
            "server_version": "Promise",
            "login_timeout": options.login_timeout,
            "config": None,
            "gss_host": None,
            "encryption_algs": CIPHERS,
            "compression_algs": ["none"],  # nothing that inflates
            "agent_forwarding": False,
            "allow_pty": False,
            "line_editor": False,
            "encoding": None,
            "window": WINDOW,
        }

    async def take(self, connected: socket.socket, keepalive_interval: float) -> asyncssh.SSHServerConnection | None:
        """Let the client at the other end of a socket log in; None when it does not, and the socket is closed."""
        factory = lambda: _Connection(self, 0.0)  # noqa: E731 - TCP was told by whoever made the connection
        settings = {**self._settings, "keepalive_interval": keepalive_interval, "server_factory": factory}
        try:
            connection = await asyncssh.connect_reverse(sock=connected, **settings)
        except (OSError, asyncssh.Error):  # it is told when the connection is lost
            connected.close()
            return None
        return connection if cast("_Connection", connection.get_owner()).authenticated else None

    def stop_listening(self) -> None:
        """Accept nobody any more."""
        for acceptor in self._acceptors:
            acceptor.close()

    async def close(self) -> None:
        """Close what connections there still are."""
        for connection in list(self.connections):
            connection.close()
        for acceptor in self._acceptors:
            await acceptor.wait_closed()


class _Connection(asyncssh.SSHServer):
    """One SSH connection."""

    def __init__(self, listener: SshListener, keepalive: float) -> None:
        self._listener = listener
        self._keepalive = keepalive
        self._connection: asyncssh.SSHServerConnection
        self._source = ""
        self._identity: Identity | None = None
        self._authenticated = False
        self._seats = 0  # that it has taken
        self._refusal = ""  # why it got none
        self._tries = 0  # with passwords
        self._keys_tried = 0
        self._channels: set[Channel] = set()
        self._unused: asyncio.TimerHandle | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._source = _address(conn.get_extra_info("peername"))
        listener = self._listener
        if not listener.strangers.admit(self, host_of(self._source)):
            self._refuse("too many are logging in")
            return
        listener.connections.add(self)
        keep_alive(conn.get_extra_info("socket"), self._keepalive)
        # asyncssh buffers without bound what TCP does not take; these callbacks of the TCP transport pass it on.
        conn.pause_writing = self._pause_writing  # type: ignore[method-assign]
        conn.resume_writing = self._resume_writing  # type: ignore[method-assign]

    def connection_lost(self, exc: Exception | None) -> None:
        self._listener.connections.discard(self)
        self._listener.strangers.leave(self)
        while self._seats:
            self._stand_up()
        if self._unused is not None:
            self._unused.cancel()
        if not self._authenticated:
            username = self._connection.get_extra_info("username", "")
            _log.info("login-failed", source=self._source, user=username, reason=str(exc or "gave up"))

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - everybody has to authenticate
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        self._keys_tried += 1
        if self._keys_tried > self._listener.options.key_tries:
            raise asyncssh.DisconnectError(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "too many wrong keys")
        self._identity = self._listener.authenticator.by_public_key(username, key.public_data)
        return self._identity is not None

    def password_auth_supported(self) -> bool:
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        self._tries += 1
        if self._tries > self._listener.options.password_tries:
            raise asyncssh.DisconnectError(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "too many wrong passwords")
        self._identity = await self._listener.authenticator.by_password(username, password, self._source)
        return self._identity is not None

    def auth_completed(self) -> None:
        # A client may ask about the keys of one user and then log in as another: only the last answer counts.
        username = self._connection.get_extra_info("username")
        if self._identity is None or self._identity.username != username:
            self._connection.abort()
            return
        self._authenticated = True
        timeout = self._listener.options.subsystem_timeout
        try:
            self._sit_down()
        except NoRoom as error:  # told as soon as it asks for a session
            self._refusal = str(error)
            timeout = LINGER
        else:
            self._listener.strangers.leave(self)
        self._unused = asyncio.get_running_loop().call_later(timeout, self._close_if_unused)

    def session_requested(self) -> Channel:
        most = self._listener.options.max_channels
        refusal = self._refusal
        if len(self._channels) >= most:
            refusal = f"too many channels: a connection may have {most}"
        elif self._channels:  # the first one has the seat of the connection
            try:
                self._sit_down()
            except NoRoom as error:
                refusal = str(error)
        if refusal:
            _log.warning("channel-refused", source=self._source, reason=refusal)
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, refusal)
        channel = Channel(self)
        self._channels.add(channel)
        return channel

    @property
    def authenticated(self) -> bool:
        """Whether the client has proved who it is."""
        return self._authenticated

    @property
    def subsystem_timeout(self) -> float:
        """How long a channel may do without the subsystem."""
        return self._listener.options.subsystem_timeout

    def open_session(self, channel: Channel) -> Dialogue:
        """Start a session on a channel."""
        assert self._identity is not None
        return self._listener.open_session(channel, self._identity, self._source)

    def channel_gone(self, channel: Channel) -> None:
        """Close the connection with its last channel."""
        self._channels.discard(channel)
        if self._channels:
            self._stand_up()
        else:
            self._connection.close()

    def give_way(self) -> None:
        """Close, because others want to log in."""
        self._refuse("the log-in took too long while others were waiting")

    def close(self) -> None:
        """Say good-bye to the client."""
        self._connection.close()

    def abort(self) -> None:
        """Close without a word."""
        self._connection.abort()

    def _refuse(self, reason: str) -> None:
        """Say why, and close; not before the version is sent, which comes first."""
        if times := self._listener.strangers.refused():
            _log.warning("connection-refused", source=self._source, reason=reason, times=times)
        disconnect = self._connection.disconnect
        asyncio.get_running_loop().call_soon(disconnect, asyncssh.DISC_TOO_MANY_CONNECTIONS, reason)

    def _sit_down(self) -> None:
        """Take a seat; raises NoRoom."""
        assert self._identity is not None
        self._listener.seats.take(self._identity.username)
        self._seats += 1

    def _stand_up(self) -> None:
        """Give a seat back."""
        assert self._identity is not None
        if self._seats:
            self._seats -= 1
            self._listener.seats.give(self._identity.username)

    def _close_if_unused(self) -> None:
        if not self._channels:
            _log.info("connection-unused", source=self._source)
            self._connection.close()

    def _pause_writing(self) -> None:
        for channel in self._channels:
            channel.pause_writing_tcp()

    def _resume_writing(self) -> None:
        for channel in self._channels:
            channel.resume_writing_tcp()


def _address(peer: tuple[str, int] | None) -> str:
    """Return a socket's address as people write it; a peer that is gone already has none."""
    if peer is None:
        return ""
    host, port = peer[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
