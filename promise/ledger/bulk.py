"""Many rows in few statements.

`executemany` lets go of Python's interpreter lock at each row, and gets it back only when the event loop is done with
what it does meanwhile: on a busy server a group of 64 then takes a second. One statement lets go once.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence

LARGEST: Final = 256
"""Rows in one statement; SQLite takes 32766 parameters. Each statement has a power of two of them, so that the driver
can keep them all prepared."""


class Bulk:
    """A statement for any number of rows: `head`, then `row` for each of them, then `tail`."""

    def __init__(self, head: str, row: str, tail: str = "") -> None:
        sizes = [1 << n for n in range(LARGEST.bit_length())]
        self._statements = {size: f"{head} {', '.join([row] * size)} {tail}" for size in reversed(sizes)}

    def run(self, connection: sqlite3.Connection, rows: Collection[Sequence[Any]]) -> None:
        """Run it for these rows, in order."""
        left, waiting = len(rows), iter(rows)
        for size, statement in self._statements.items():
            while left >= size:
                connection.execute(statement, _flat(islice(waiting, size)))
                left -= size


def _flat(rows: Iterable[Sequence[Any]]) -> list[Any]:
    return list(chain.from_iterable(rows))
