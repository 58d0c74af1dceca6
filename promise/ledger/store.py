"""What the writer needs of a database. Everything here blocks, and is only called from the ledger's one SQL thread.

Meant for SQLite, which we alone write, and for PostgreSQL, where other replicas append to the same journal: there
`append` is one compare-and-swap statement, `False` says that somebody was faster, and `read` shows what they wrote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promise.ledger.journal import Batch, Head, Row, Stored


class StoreError(Exception):
    """The database did not do it; the message is the database's own."""


class Store(Protocol):
    """Journal, records and secrets of one ledger, open. Every method may raise `StoreError`."""

    def head(self) -> Head:
        """Return where the journal ends."""

    def base(self) -> Head:
        """Return behind which entry the journal begins; `GENESIS` until it was pruned."""

    def append(self, batch: Batch) -> bool:
        """Write the batch in one transaction and make it durable; False, and nothing, when the head is another one.

        Whatever it raises, the outcome is open until `read` has told: the batch may be there.
        """

    def read(self, after: int, limit: int) -> list[Row]:
        """Return up to `limit` durable rows behind seq `after`, in order.

        Usable again after any failure of `append`, and final: what it does not show then will not appear later.
        Raises `LedgerBroken` when that cannot be said any more.
        """

    def seq_before(self, at: int) -> int:
        """Return the seq of the last entry earlier than `at`, the base's when there is none."""

    def records(self, table: str) -> Iterator[Stored]:
        """Yield the live records of a table, oldest first."""

    def secret(self, key: str) -> str | None:
        """Return an entry of the side table."""

    def prune(self, base: Head) -> None:
        """Forget the journal up to and with the entry `base`; the records stay."""

    def check(self) -> None:
        """Look through the whole database for damage; raise `LedgerCorrupt`."""

    def close(self) -> None:
        """Let go of it. Closing twice is fine."""
