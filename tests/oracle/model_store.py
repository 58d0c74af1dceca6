"""A ledger's store whose commits fail, or whose outcome is lost, when a test says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promise.ledger.store import StoreError

if TYPE_CHECKING:
    from promise.ledger.journal import Batch
    from promise.ledger.store import Store

HOWS = ("well", "fails", "lost")
"""A commit is done; nothing of it is done; it is done, and nobody hears of it."""


class FlakyStore:
    """Does with each of the next commits what `plan` says, the first entry first; afterwards all is well."""

    def __init__(self, store: Store) -> None:
        self.real = store
        self.plan: list[str] = []

    def append(self, batch: Batch) -> bool:
        how = self.plan.pop(0) if self.plan else "well"
        if how == "fails":
            raise StoreError("disk I/O error")
        done = self.real.append(batch)
        if how == "lost":
            raise StoreError("the connection was lost in COMMIT")
        return done

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)
