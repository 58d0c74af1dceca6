"""What falls due at a moment, and in which order at equal moments (design section 3); pure."""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from typing import TYPE_CHECKING

from promise.events import fact
from promise.resources import FOREVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promise.capacity.model import Pool
    from promise.events import Event


class Due(IntEnum):
    """The transitions of time, in the order in which those of one instant are made."""

    POOL_START = 0
    RESERVATION_END = 1
    RESERVATION_EXPIRY = 2
    POOL_END = 3
    RESERVATION_START = 5


def of_pool(pool: Pool) -> Iterator[tuple[int, Due]]:
    """Yield the moments at which a pool has a transition before it."""
    if not pool.started:
        yield pool.window.start, Due.POOL_START
    if not pool.finished and pool.window.end < FOREVER:
        yield pool.window.end, Due.POOL_END


def pool_event(pool: Pool, due: Due) -> Event:
    """Return the transition of a pool that is due."""
    if due is Due.POOL_START:
        return fact("pool-started", replace(pool, started=True))
    return fact("pool-ended", replace(pool, started=True, finished=True))
