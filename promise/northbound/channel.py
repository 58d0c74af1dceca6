"""One channel of an SSH connection: the wire of a session, once the client has asked for the subsystem."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

import asyncssh

if TYPE_CHECKING:
    from promise.northbound.dialogue import Dialogue

SUBSYSTEM: Final = "netconf"

LINGER: Final = 5.0
"""Seconds that a client has to agree to the end of a channel."""


class Connection(Protocol):
    """The connection, as far as its channels know it."""

    @property
    def subsystem_timeout(self) -> float:
        """How long a channel may do without the subsystem."""

    def open_session(self, channel: Channel) -> Dialogue:
        """Start a session on a channel."""

    def channel_gone(self, channel: Channel) -> None:
        """Note that a channel is closed."""

    def abort(self) -> None:
        """Close without a word."""


class Channel(asyncssh.SSHServerSession[bytes]):
    """See the module."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._channel: asyncssh.SSHServerChannel[bytes]
        self._dialogue: Dialogue | None = None
        self._paused_by: set[str] = set()
        self._deadline: asyncio.TimerHandle

    # what asyncssh tells

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """Wait for the subsystem."""
        self._channel = chan
        self._arm(self._connection.subsystem_timeout)

    def subsystem_requested(self, subsystem: str) -> bool:
        """Tell whether there is this subsystem."""
        return subsystem == SUBSYSTEM

    def session_started(self) -> None:
        """Begin the session."""
        self._deadline.cancel()
        self._dialogue = self._connection.open_session(self)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Pass bytes on."""
        if self._dialogue is not None and datatype is None:
            self._dialogue.data_received(data)

    def eof_received(self) -> bool:
        """Pass on that there will be no more of them."""
        if self._dialogue is not None:
            self._dialogue.eof_received()
        return True  # we still have answers to send

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - it is over, whatever the reason
        """Pass on that it is over."""
        self._deadline.cancel()
        if self._dialogue is not None:
            self._dialogue.connection_lost()
        self._connection.channel_gone(self)

    def pause_writing(self) -> None:
        """Note that the channel's window is closed."""
        self._pause("channel")

    def resume_writing(self) -> None:
        """Note that the channel's window is open again."""
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
