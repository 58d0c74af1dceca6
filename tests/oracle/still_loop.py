"""An event loop without threads, sockets and passing time: whatever runs in it runs the same way each time.

Work for threads is done at once, in line. Time jumps to the next timer as soon as everybody waits, so that nothing
takes longer than its own work; where nobody will ever wake anybody, `Stuck` is raised instead of waiting for ever.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class Stuck(AssertionError):
    """Everybody waits, and nothing will ever happen."""


class _Jump(selectors.DefaultSelector):
    """Instead of waiting so many seconds it lets the loop's clock jump."""

    jumped = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise Stuck("everybody waits, and no timer is set")
        self.jumped += max(timeout, 0.0)
        return []


class StillLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.jumped

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        done: asyncio.Future[Any] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it is raised where it is awaited, as a thread's is
            done.set_exception(error)
        return done

    @property
    def busy(self) -> bool:
        """Tell whether anybody else would run next."""
        return bool(self._ready)  # type: ignore[attr-defined]


async def quiet() -> None:
    """Return when everybody else waits for a timer, or for us."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, StillLoop)
    while loop.busy:  # noqa: ASYNC110 - nobody could say so: it is about those who do not know us
        await asyncio.sleep(0)


def run(main: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=StillLoop) as runner:
        return runner.run(main)
