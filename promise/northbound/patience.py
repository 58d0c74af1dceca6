"""How much one session may take, and how long it may keep us waiting."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Limits:
    """What one session may take.

    `pipeline` answers may be outstanding. A session whose hello does not come within `hello_timeout` seconds, or
    which asks for nothing for `idle_timeout` seconds (0 = for ever) is closed; so is one whose message does not come to
    its end within `message_timeout`, or which takes nothing of what is sent to it for `stall_timeout`.
    """

    pipeline: int = 64
    hello_timeout: float = 60.0
    idle_timeout: float = 0.0
    message_timeout: float = 300.0
    stall_timeout: float = 120.0


class Stopwatch:
    """Calls `over` when it has run for so many seconds (0 = never)."""

    def __init__(self, seconds: float, over: Callable[[], None]) -> None:
        self._seconds = seconds
        self._over = over
        self._running: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Run, if it does not run already."""
        if self._running is None and self._seconds:
            self._running = asyncio.get_running_loop().call_later(self._seconds, self._over)

    def stop(self) -> None:
        """Stand still; the next start begins anew."""
        if self._running is not None:
            self._running.cancel()
            self._running = None
