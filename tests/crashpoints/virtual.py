"""An event loop whose time goes by only when nobody has anything to do, and which does the work of threads itself.

So a run of the controller is the same whenever it is repeated, however busy the machine is, and a day takes no time.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, Final

from crashpoints.cloud import START

if TYPE_CHECKING:
    from collections.abc import Callable

WORK: Final = 0.002
"""Seconds that the work of a thread takes."""

_ROUNDING: Final = 1e-6


class NothingEverHappens(Exception):
    """Everybody waits for somebody else: in a real process this is a request without an answer."""


class _Leap(selectors.DefaultSelector):
    """Waits for nobody: where the loop would sleep, time leaps."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; let the time go by that may be slept."""
        found = super().select(0)
        if not found and timeout is None:
            raise NothingEverHappens
        if not found and timeout:
            self._loop.elapsed += timeout
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose `elapsed` seconds since `START` are its time."""

    def __init__(self, elapsed: float = 0.0) -> None:
        self.elapsed = elapsed
        super().__init__(_Leap(self))

    def time(self) -> float:
        """Return the seconds since `START`."""
        return self.elapsed

    def run_in_executor(self, executor: object, func: Callable[..., Any], *args: object) -> asyncio.Future[Any]:
        """Do the work of a thread a little later: whoever can run meanwhile has run."""
        del executor
        future = self.create_future()
        self.call_later(WORK, _work, future, func, args)
        return future


def _work(future: asyncio.Future[Any], func: Callable[..., Any], args: tuple[object, ...]) -> None:
    try:
        result = func(*args)
    except Exception as error:  # noqa: BLE001 - it belongs to who waits
        if not future.cancelled():
            future.set_exception(error)
    else:
        if not future.cancelled():
            future.set_result(result)


class VirtualClock:
    """The loop's time as a `promise.clock.Clock`."""

    def now(self) -> int:
        """Return seconds since 1970-01-01T00:00:00Z, rounded down."""
        return START + int(asyncio.get_running_loop().time() + _ROUNDING)

    async def sleep_until(self, moment: float) -> None:
        """Return once `now()` has reached `moment`."""
        loop = asyncio.get_running_loop()
        if moment - START <= loop.time() + _ROUNDING:
            await asyncio.sleep(0)
        while (left := moment - START - loop.time()) > _ROUNDING:  # noqa: ASYNC110 -- sleeping is what it is for
            await asyncio.sleep(left)
