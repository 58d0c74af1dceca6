"""Call home (RFC 8071): we dial, and the client behind the connection logs in as if it had dialled itself.

Each endpoint is tried a few times, then the next one; when none answered, the pause before the next round is twice as
long as the last. A connection that ended is made again: at once (persistent), or when its period is over (periodic).
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import structlog

from promise.northbound.liveness import keep_alive

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from promise.clock import Clock

    Hold: TypeAlias = Callable[[socket.socket, float], Awaitable[bool]]
    """Serves whoever is behind a socket to the end, keeping it alive; answers whether he has proved who he is."""

FIRST_LISTED: Final = "first-listed"
LAST_CONNECTED: Final = "last-connected"

_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CallHome:
    """A client to call; times in seconds.

    `transport` is "ssh" or "tls". Every one of the `endpoints` (host and port) gets `max_attempts`. With a `period`
    connections begin at least so far apart. After `keepalive` seconds of silence the client is asked if it is there.
    """

    name: str
    endpoints: tuple[tuple[str, int], ...]
    transport: str = "ssh"
    period: int | None = None
    start_with: str = FIRST_LISTED
    max_attempts: int = 3
    first_pause: int = 1
    longest_pause: int = 300
    connect_timeout: float = 30.0
    keepalive: float = 60.0


class CallingHome:
    """The work for one client; `run` goes on for ever."""

    def __init__(self, home: CallHome, hold: Hold, clock: Clock) -> None:
        self._home = home
        self._hold = hold
        self._clock = clock
        self._last: tuple[str, int] | None = None

    async def run(self) -> None:
        """Call, serve, and call again."""
        home, pause = self._home, self._home.first_pause
        while True:
            began = self._clock.now()
            if await self._round():
                pause = home.first_pause
                again = self._clock.now() + pause
                await self._clock.sleep_until(again if home.period is None else max(again, began + home.period))
            else:
                await self._clock.sleep_until(self._clock.now() + pause)
                pause = min(2 * pause, home.longest_pause)

    async def _round(self) -> bool:
        """Try every endpoint; answers whether somebody was served."""
        for endpoint in self._in_order():
            for attempt in range(self._home.max_attempts):
                if attempt:
                    await self._clock.sleep_until(self._clock.now() + self._home.first_pause)
                if await self._call(endpoint):
                    return True
        return False

    def _in_order(self) -> Iterator[tuple[str, int]]:
        first = self._last if self._home.start_with == LAST_CONNECTED else None
        if first is not None:
            yield first
        yield from (endpoint for endpoint in self._home.endpoints if endpoint != first)

    async def _call(self, endpoint: tuple[str, int]) -> bool:
        host, port = endpoint
        log = _log.bind(call_home=self._home.name, host=host, port=port)
        try:
            connected = await _dialled(host, port, self._home.connect_timeout)
        except (OSError, TimeoutError) as error:
            log.info("call-home-failed", reason=str(error) or "nobody answers")
            return False
        keep_alive(connected, self._home.keepalive)
        log.info("call-home")
        if not await self._hold(connected, self._home.keepalive):
            log.info("call-home-failed", reason="the client has not logged in")
            return False
        self._last = endpoint
        return True


async def _dialled(host: str, port: int, timeout: float) -> socket.socket:  # noqa: ASYNC109 - for all addresses together
    """Return a socket that is connected; raises OSError of the last address, or TimeoutError."""
    loop = asyncio.get_running_loop()
    failure: OSError = OSError(f"{host} has no address")
    async with asyncio.timeout(timeout):
        for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            connected = socket.socket(family, kind, protocol)
            connected.setblocking(False)  # noqa: FBT003 - the standard library wants it so
            try:
                await loop.sock_connect(connected, address)
            except OSError as error:
                connected.close()
                failure = error
            except BaseException:
                connected.close()
                raise
            else:
                return connected
    raise failure
