"""Which database a ledger URL means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from promise.errors import LedgerUnusable
from promise.ledger.sqlite import SqliteStore

if TYPE_CHECKING:
    from promise.ledger.store import Store


def open_store(url: str) -> Store:
    """Open the database of `url`, and create or upgrade it: "sqlite:////absolute/path", "sqlite:///relative/path".

    "sqlite://" is one in memory, for tests: nothing of it survives. `LedgerUnusable` for anything else.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise LedgerUnusable(f"the ledger URL {url!r} is none; a ledger is at sqlite:///PATH") from None
    if parsed.drivername != "sqlite" or parsed.host or parsed.query:
        shown = parsed.render_as_string(hide_password=True)
        raise LedgerUnusable(f"the ledger URL {shown!r} is not supported; a ledger is at sqlite:///PATH")
    in_memory = parsed.database in {None, "", ":memory:"}
    return SqliteStore(None if in_memory else Path(str(parsed.database)))
