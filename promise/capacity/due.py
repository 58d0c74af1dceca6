"""What falls due at a moment, and in which order at equal moments (design section 3); pure."""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from typing import TYPE_CHECKING

from promise.capacity.model import pool_sum
from promise.events import fact
from promise.resources import FOREVER, Window, named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from promise.capacity.book import CapacityBook
    from promise.capacity.model import Pool
    from promise.events import Event


class Due(IntEnum):
    """The transitions of time, in the order in which those of one instant are made."""

    POOL_START = 0
    RESERVATION_END = 1
    RESERVATION_EXPIRY = 2
    POOL_END = 3
    OVERDUE = 4
    RESERVATION_START = 5
    BEFORE_END = 6
    FORGOTTEN = 7


def of_pool(pool: Pool) -> Iterator[tuple[int, Due]]:
    """Yield the moments at which a pool has a transition before it."""
    if not pool.started:
        yield pool.window.start, Due.POOL_START
    if not pool.finished and pool.window.end < FOREVER:
        yield pool.window.end, Due.POOL_END


def pool_event(book: CapacityBook, pool: Pool, due: Due) -> Event:
    """Return the transition of a pool that is due; one that was planned is cut to what the cloud can give by now."""
    if due is Due.POOL_START:
        return fact("pool-started", replace(pool, started=True, capacity=_affordable(book, pool)))
    return fact("pool-ended", replace(pool, started=True, finished=True))


def _affordable(book: CapacityBook, pool: Pool) -> Mapping[str, int]:
    """Return what the bound leaves of a planned pool, next to the others in force when it starts."""
    if not pool.planned:
        return pool.capacity
    capacity = dict(pool.capacity)
    instant = Window(pool.window.start, pool.window.start + 1)
    for scope in pool.scopes:
        supply = book.supply(scope)
        certain = [other for other in supply.pools if other.started or not other.planned]
        there = pool_sum(certain, instant)[0].amounts
        for name, most in supply.limits(capacity).items():
            capacity[name] = max(0, min(capacity[name], most - there.get(name, 0)))
    return named(capacity)
