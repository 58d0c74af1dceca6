"""The ledger's database with stops around each transaction, and at each statement with which it is opened."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from promise.ledger.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crashpoints.stops import Stops

    from promise.ledger.journal import Batch


class StoppingStore(SqliteStore):
    """The store of one life, in the file at `path`."""

    def __init__(self, path: Path, stops: Stops) -> None:
        self._stops = stops
        with statements(stops):
            super().__init__(path)
        stops.wrote("the ledger is open")

    def append(self, batch: Batch) -> bool:
        """Write a batch; it may be the last thing that happens, before or after."""
        what = ", ".join(row.kind for row in batch.rows)
        self._stops.reach(f"before the commit of {what}")
        done = super().append(batch)
        self._stops.wrote(f"after the commit of {what}", batch.rows)
        return done


@contextmanager
def statements(stops: Stops) -> Iterator[None]:
    """Stop before each statement of what makes, upgrades and opens a database."""

    def before(*said: Any) -> None:
        stops.wrote(f"before {' '.join(said[2].split())[:60]}")

    event.listen(Engine, "before_cursor_execute", before)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", before)
