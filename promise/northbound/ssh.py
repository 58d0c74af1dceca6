"""The SSH transport of NETCONF (RFC 6242 section 3): who may log in; and there is one subsystem, nothing else."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import asyncssh
import structlog

from promise.northbound.hostkeys import given_host_keys, host_keys

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from promise.northbound.access import Authenticator, Identity
    from promise.northbound.dialogue import Dialogue, Wire

    OpenSession = Callable[[Wire, Identity, str], Dialogue]

SUBSYSTEM: Final = "netconf"
WINDOW: Final = 256 * 1024
"""Bytes that a client may send on a channel before we have taken them."""

LINGER: Final = 5.0
"""Seconds that a client has to agree to the end of a channel."""

CIPHERS: Final = ("aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr", "aes192-ctr", "aes128-ctr")
"""Without chacha20-poly1305, which costs asyncssh twice as much; and without CBC."""

PASSWORD_TRIES: Final = 6
KEY_TRIES: Final = 32
"""An agent offers its keys one by one."""

BACKLOG: Final = 1024

_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SshOptions:
    """How to listen and what to allow; times in seconds.

    Without `host_key_files` the host keys are made and kept in `state_dir`. `max_unauthenticated` connections may be
    logging in at a time, and each must be through in `login_timeout`. A connection or channel on which nobody asks
    for the subsystem within `subsystem_timeout` is closed. `max_channels` may be open in all.
    """

    addresses: tuple[tuple[str, int], ...]
    state_dir: Path
    host_key_files: tuple[Path, ...] = ()
    login_timeout: float = 60.0
    subsystem_timeout: float = 60.0
    keepalive_interval: float = 0.0
    max_unauthenticated: int = 1024
    max_channels: int = 4096


class SshListener:
    """Listens, and calls `open_session` (wire, identity, source address) for every start of the subsystem."""

    def __init__(self, open_session: OpenSession, authenticator: Authenticator, options: SshOptions) -> None:
        self.open_session = open_session
        self.authenticator = authenticator
        self.options = options
        self.connections: set[_Connection] = set()
        self.unauthenticated = 0
        self.channels = 0
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
            "server_factory": lambda: _Connection(self),
            "server_host_keys": keys,
            "server_version": "Promise",
            "login_timeout": options.login_timeout,
            "keepalive_interval": options.keepalive_interval,
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
        settings = {**self._settings, "keepalive_interval": keepalive_interval}
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

    def __init__(self, listener: SshListener) -> None:
        self._listener = listener
        self._connection: asyncssh.SSHServerConnection
        self._source = ""
        self._identity: Identity | None = None
        self._counted = False  # among those that are logging in
        self._authenticated = False
        self._tries = 0  # with passwords
        self._keys_tried = 0
        self._channels: set[_Channel] = set()
        self._unused: asyncio.TimerHandle | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._source = _address(conn.get_extra_info("peername"))
        listener = self._listener
        if listener.unauthenticated >= listener.options.max_unauthenticated:
            _log.warning("connection-refused", source=self._source, reason="too many are logging in")
            conn.abort()
            return
        listener.connections.add(self)
        listener.unauthenticated += 1
        self._counted = True
        # asyncssh buffers without bound what TCP does not take; these callbacks of the TCP transport pass it on.
        conn.pause_writing = self._pause_writing  # type: ignore[method-assign]
        conn.resume_writing = self._resume_writing  # type: ignore[method-assign]

    def connection_lost(self, exc: Exception | None) -> None:
        self._listener.connections.discard(self)
        self._no_longer_counted()
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
        if self._keys_tried > KEY_TRIES:
            raise asyncssh.DisconnectError(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "too many wrong keys")
        self._identity = self._listener.authenticator.by_public_key(username, key.public_data)
        return self._identity is not None

    def password_auth_supported(self) -> bool:
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        self._tries += 1
        if self._tries > PASSWORD_TRIES:
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
        self._no_longer_counted()
        timeout = self._listener.options.subsystem_timeout
        self._unused = asyncio.get_running_loop().call_later(timeout, self._close_if_unused)

    def session_requested(self) -> _Channel:
        listener = self._listener
        if listener.channels >= listener.options.max_channels:
            _log.warning("channel-refused", source=self._source, reason="too many sessions")
            rule = f"too many sessions: this server holds {listener.options.max_channels}"
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, rule)
        channel = _Channel(self)
        self._channels.add(channel)
        listener.channels += 1
        return channel

    @property
    def authenticated(self) -> bool:
        """Whether the client has proved who it is."""
        return self._authenticated

    @property
    def subsystem_timeout(self) -> float:
        """How long a channel may do without the subsystem."""
        return self._listener.options.subsystem_timeout

    def open_session(self, channel: _Channel) -> Dialogue:
        """Start a session on a channel."""
        assert self._identity is not None
        return self._listener.open_session(channel, self._identity, self._source)

    def channel_gone(self, channel: _Channel) -> None:
        """Close the connection with its last channel."""
        self._channels.discard(channel)
        self._listener.channels -= 1
        if not self._channels:
            self._connection.close()

    def close(self) -> None:
        """Say good-bye to the client."""
        self._connection.close()

    def abort(self) -> None:
        """Close without a word."""
        self._connection.abort()

    def _no_longer_counted(self) -> None:
        if self._counted:
            self._counted = False
            self._listener.unauthenticated -= 1

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


class _Channel(asyncssh.SSHServerSession[bytes]):
    """One channel: a session's wire, once the client has asked for the subsystem."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._channel: asyncssh.SSHServerChannel[bytes]
        self._dialogue: Dialogue | None = None
        self._paused_by: set[str] = set()
        self._deadline: asyncio.TimerHandle

    # what asyncssh tells

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan
        self._arm(self._connection.subsystem_timeout)

    def subsystem_requested(self, subsystem: str) -> bool:
        return subsystem == SUBSYSTEM

    def session_started(self) -> None:
        self._deadline.cancel()
        self._dialogue = self._connection.open_session(self)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if self._dialogue is not None and datatype is None:
            self._dialogue.data_received(data)

    def eof_received(self) -> bool:
        if self._dialogue is not None:
            self._dialogue.eof_received()
        return True  # we still have answers to send

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - it is over, whatever the reason
        self._deadline.cancel()
        if self._dialogue is not None:
            self._dialogue.connection_lost()
        self._connection.channel_gone(self)

    def pause_writing(self) -> None:
        self._pause("channel")

    def resume_writing(self) -> None:
        self._resume("channel")

    def pause_writing_tcp(self) -> None:
        """Note that TCP takes nothing at the moment, whatever the channel's window says."""
        self._pause("tcp")

    def resume_writing_tcp(self) -> None:
        """Note that TCP takes bytes again."""
        self._resume("tcp")

    # what the dialogue wants

    def write(self, data: bytes) -> None:
        """Send bytes, or keep them until the client takes them."""
        if not self._channel.is_closing():
            self._channel.write(data)

    def pause_reading(self) -> None:
        """Deliver no bytes for now."""
        self._channel.pause_reading()

    def resume_reading(self) -> None:
        """Deliver bytes again."""
        self._channel.resume_reading()

    def finish(self, status: int) -> None:
        """Close with this exit status, after what was written; the client has `LINGER` seconds to agree."""
        if not self._channel.is_closing():
            self._channel.exit(status)
            self._arm(LINGER)

    def abort(self) -> None:
        """Close at once."""
        if not self._channel.is_closing():
            self._channel.abort()
            self._arm(LINGER)

    def _arm(self, seconds: float) -> None:
        self._deadline = asyncio.get_running_loop().call_later(seconds, self._connection.abort)

    def _pause(self, by: str) -> None:
        self._paused_by.add(by)
        if self._dialogue is not None:
            self._dialogue.pause_writing()

    def _resume(self, by: str) -> None:
        self._paused_by.discard(by)
        if self._dialogue is not None and not self._paused_by:
            self._dialogue.resume_writing()


def _address(peer: tuple[str, int] | None) -> str:
    """Return a socket's address as people write it; a peer that is gone already has none."""
    if peer is None:
        return ""
    host, port = peer[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
