"""Where TCP connections come in, before anything is said on them: those for whom there is no room go at once.

Each one is taken further in a task of its own, and is a stranger meanwhile: also in a TLS handshake that never ends.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import structlog

from promise.northbound.access import host_of
from promise.northbound.liveness import keep_alive

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from promise.northbound.strangers import Strangers

    Take = Callable[["Newcomer"], Coroutine[Any, Any, object]]

BACKLOG: Final = 1024
PAUSE: Final = 1.0
"""Seconds until somebody is accepted again when the system has no room for it."""

_log: Final = structlog.get_logger(__name__)


class Newcomer:
    """A connection that was accepted; `source` is the peer's address as people write it.

    It is a stranger until `known`, or until it is gone: whoever takes it says so with `gone`.
    """

    def __init__(self, connected: socket.socket, strangers: Strangers) -> None:
        self.connected = connected
        self.source = address_of_peer(connected)
        self.abort: Callable[[], None] = connected.close
        """Closes it; whoever takes it further says how."""
        self._strangers = strangers

    def admit(self) -> bool:
        """Tell whether there is room for it."""
        return self._strangers.admit(self, host_of(self.source))

    def known(self) -> None:
        """Note that it has proved whose it is."""
        self._strangers.leave(self)

    gone = known

    def give_way(self) -> None:
        """Close, because others want in."""
        self.note("the log-in took too long while others waited")
        self.abort()

    def note(self, reason: str) -> None:
        """Log that it was refused, and how many were since the last one that was logged."""
        if times := self._strangers.refused():
            _log.warning("connection-refused", source=self.source, reason=reason, times=times)


class Gate:
    """Listens at some addresses, and gives every connection for which there is room to `take`.

    `refuse` says good-bye to the others, which are closed then.
    """

    def __init__(
        self,
        take: Take,
        strangers: Strangers,
        keepalive: float,
        refuse: Callable[[socket.socket], None] = lambda _connected: None,
    ) -> None:
        self._take = take
        self._strangers = strangers
        self._keepalive = keepalive
        self._refuse = refuse
        self._sockets: list[socket.socket] = []
        self._accepting: list[asyncio.Task[None]] = []
        self._taking: set[asyncio.Task[object]] = set()

    async def start(self, addresses: Iterable[tuple[str, int]], name: str) -> list[tuple[str, int]]:
        """Listen; returns hosts and ports. Raises OSError, which names the address, when it cannot listen."""
        loop = asyncio.get_running_loop()
        try:
            for host, port in addresses:
                family, _, _, _, address = (await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))[0]
                listening = socket.create_server(address[:2], family=family, backlog=BACKLOG)
                listening.setblocking(False)  # noqa: FBT003 - the standard library wants it so
                self._sockets.append(listening)
        except OSError as error:
            self.stop()
            raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror or error}") from None
        self._accepting = [asyncio.create_task(self._accept(each), name=name) for each in self._sockets]
        return [each.getsockname()[:2] for each in self._sockets]

    def stop(self) -> None:
        """Accept nobody any more, and let go of those who are being taken."""
        for task in (*self._accepting, *self._taking):
            task.cancel()
        for each in self._sockets:
            each.close()
        self._sockets.clear()

    async def stopped(self) -> None:
        """Wait for what was cancelled."""
        await asyncio.gather(*self._accepting, *self._taking, return_exceptions=True)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connected, _ = await loop.sock_accept(listening)
            except OSError as error:
                _log.warning("accept-failed", reason=str(error))
                await asyncio.sleep(PAUSE)
                continue
            self._admit(connected)

    def _admit(self, connected: socket.socket) -> None:
        newcomer = Newcomer(connected, self._strangers)
        if not newcomer.admit():
            newcomer.note("too many have not logged in")
            with suppress(OSError):
                self._refuse(connected)
            connected.close()
            return
        with suppress(OSError):
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            keep_alive(connected, self._keepalive)
        task = asyncio.create_task(self._take(newcomer))
        self._taking.add(task)
        task.add_done_callback(self._taking.discard)


async def through_handshake(newcomer: Newcomer, making: Coroutine[Any, Any, tuple[Any, Any]]) -> Any:
    """Return the protocol that asyncio has made of a connection; None when it failed, and the socket is closed."""
    task = asyncio.ensure_future(making)
    newcomer.abort = task.cancel  # type: ignore[assignment]  # whether it could is of no interest
    try:
        transport, protocol = await task
    except (OSError, TimeoutError, asyncio.CancelledError) as error:  # ssl.SSLError is an OSError
        _log.info("login-failed", source=newcomer.source, transport="tls", reason=str(error) or type(error).__name__)
        newcomer.gone()
        newcomer.connected.close()
        current = asyncio.current_task()
        if current is not None and current.cancelling():
            raise
        return None
    newcomer.abort = transport.abort
    return protocol


def address_of_peer(connected: socket.socket) -> str:
    """Return the peer's address as people write it; a peer that is gone already has none."""
    with suppress(OSError):
        host, port = connected.getpeername()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return ""
