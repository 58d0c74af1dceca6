"""The ledger in one SQLite file: WAL, every commit on the disk, one connection, one server at a time."""

from __future__ import annotations

import json
import sqlite3
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from promise.errors import LedgerBroken, LedgerCorrupt, LedgerUnusable
from promise.ledger import schema
from promise.ledger.bulk import Bulk
from promise.ledger.journal import Head, Row, Stored
from promise.ledger.statefile import StateFile
from promise.ledger.store import StoreError
from promise.ledger.upgrade import upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sqlalchemy import Connection

    from promise.ledger.journal import Batch

HARMLESS: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY})
"""What COMMIT may fail with and leave nothing behind. After any other error (a failed fsync) the write-ahead log
may hold the transaction, and a restart would find it: only a restart can tell."""

PRAGMAS: Final = (
    "busy_timeout = 5000",  # ms: somebody else's backup or checkpoint may hold us up
    "synchronous = FULL",  # an answer given is an answer kept
    "secure_delete = FAST",  # what is deleted inside of a page is overwritten
    "wal_autocheckpoint = 1000",  # pages: a checkpoint each 4 MB; fewer of them hold a group up for longer
)

_MOVE = "UPDATE journal_head SET seq = ?, at = ?, hash = ? WHERE id = 1 AND seq = ? AND hash = ?"
_READ = """
    SELECT json_group_array(json_array(seq, at, origin, actor, kind, payload, hex(hash)))
    FROM (SELECT * FROM journal WHERE seq > ? ORDER BY seq LIMIT ?)
"""  # one row: fetching many lets go of the interpreter lock at each, see `bulk`
_SEQ_BEFORE = """
    WITH RECURSIVE half (low, high) AS (
        SELECT base_seq, seq FROM journal_head
        UNION ALL
        SELECT
            CASE WHEN journal.at < :at THEN journal.seq ELSE low END,
            CASE WHEN journal.at < :at THEN high ELSE journal.seq - 1 END
        FROM half JOIN journal ON journal.seq = (low + high + 1) / 2 WHERE low < high
    ) SELECT low FROM half WHERE low = high
"""  # time never goes back in the journal, so halving it finds the place without an index
_APPEND = Bulk("INSERT INTO journal (seq, at, origin, actor, kind, payload, hash) VALUES", "(?, ?, ?, ?, ?, ?, ?)")
_UPSERT = {
    table: Bulk(
        f'INSERT INTO "{table}" (id, seq, record) VALUES',
        "(?, ?, ?)",
        "ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, record = excluded.record",
    )
    for table in schema.RECORDS
}
_FORGET = {table: Bulk(f'DELETE FROM "{table}" WHERE id IN (', "?", ")") for table in schema.RECORDS}  # noqa: S608 - our own names
_RECORDS = {table: f'SELECT id, seq, record FROM "{table}" ORDER BY rowid' for table in schema.RECORDS}  # noqa: S608 - our own names


@contextmanager
def _translated() -> Iterator[None]:
    """Let the driver's errors out as `StoreError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(str(error)) from error


class SqliteStore:
    """A `Store` in the file at `path`, None = in memory only, for tests. Opened by making it.

    The schema is made and upgraded through SQLAlchemy; the statements of every day go to the driver of the very
    same connection, since Core costs more than SQLite itself there.
    """

    def __init__(self, path: Path | None) -> None:
        self._name = f"the ledger {path or 'in memory'}"
        self._lost: str | None = None
        self._resources = ExitStack()
        with self._opening(), ExitStack() as opened:
            if path:
                file = StateFile(path)
                opened.callback(file.release)
                path = file.path
            self._connection = self._connect(path, opened)
            raw = self._connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            self._raw = raw
            self._configure(durable=path is not None)
            with self._transaction():
                upgrade(self._connection)
            self._wipe()  # whoever was here before may have been killed before it could
            self._resources = opened.pop_all()

    @contextmanager
    def _opening(self) -> Iterator[None]:
        """Say which ledger it is that cannot be opened."""
        try:
            yield
        except LedgerUnusable as error:
            raise LedgerUnusable(f"{self._name} cannot be opened: {error}") from error
        except (sqlite3.Error, SQLAlchemyError, OSError) as error:
            reason = getattr(error, "orig", None) or error
            raise LedgerUnusable(f"{self._name} cannot be opened: {reason}") from error

    @staticmethod
    def _connect(path: Path | None, opened: ExitStack) -> Connection:
        url = URL.create("sqlite+pysqlite", database=str(path) if path else None)
        engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=StaticPool)
        opened.callback(engine.dispose)
        return opened.enter_context(engine.connect())

    def _configure(self, *, durable: bool) -> None:
        mode = self._raw.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if durable and mode != "wal":
            raise LedgerUnusable(f"its file system has no shared memory for a write-ahead log (mode {mode})")
        for pragma in PRAGMAS:
            self._raw.execute(f"PRAGMA {pragma}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit what is done inside, or roll it back; remember when neither is certain."""
        self._raw.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._rollback()
            raise
        try:
            self._raw.execute("COMMIT")
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in HARMLESS:
                self._lost = f"COMMIT failed with {getattr(error, 'sqlite_errorname', error)}"
            self._rollback()
            raise

    def _rollback(self) -> None:
        if self._raw.in_transaction:
            self._raw.execute("ROLLBACK")

    @_translated()
    def head(self) -> Head:
        """Return where the journal ends."""
        return Head(*self._one("SELECT seq, at, hash FROM journal_head"))

    @_translated()
    def base(self) -> Head:
        """Return behind which entry the journal begins."""
        return Head(*self._one("SELECT base_seq, base_at, base_hash FROM journal_head"))

    def _one(self, query: str) -> Any:
        row = self._raw.execute(query).fetchone()
        if row is None:
            raise LedgerCorrupt(f"{self._name} has lost the head of its journal")
        return row

    @_translated()
    def append(self, batch: Batch) -> bool:
        """Write the batch in one transaction; False, and nothing, when the head is another one."""
        raw, head = self._raw, batch.head
        with self._transaction():
            if raw.execute(_MOVE, (*head, batch.before.seq, batch.before.hash)).rowcount != 1:
                return False
            _APPEND.run(raw, batch.rows)
            for table, forgotten in batch.forgotten.items():
                _FORGET[table].run(raw, [(key,) for key in forgotten])
            for table, changed in batch.changed.items():
                _UPSERT[table].run(raw, changed.values())
            gone = self._put_secrets(batch.secrets)
        if gone:
            self._wipe()
        return True

    def _put_secrets(self, secrets: Mapping[str, str | None]) -> int:
        """Set and delete entries of the side table; return how many old ones are gone: those are overwritten."""
        if not secrets:
            return 0
        self._raw.execute("PRAGMA secure_delete = ON")
        gone = 0
        for key, value in secrets.items():
            gone += self._raw.execute("DELETE FROM secret WHERE key = ?", (key,)).rowcount
            if value is not None:
                self._raw.execute("INSERT INTO secret (key, value) VALUES (?, ?)", (key, value))
        self._raw.execute("PRAGMA secure_delete = FAST")
        return gone

    def _wipe(self) -> None:
        """Let the write-ahead log go, which has pages with old secrets in it, unless somebody reads them just now."""
        with suppress(sqlite3.Error):
            self._raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    @_translated()
    def read(self, after: int, limit: int) -> list[Row]:
        """Return up to `limit` durable rows behind seq `after`."""
        if self._lost:
            raise LedgerBroken(f"{self._name}: {self._lost}; what was being written shows at the next start")
        (found,) = self._raw.execute(_READ, (after, limit)).fetchone()
        return sorted(Row._make((*values, bytes.fromhex(digest))) for *values, digest in json.loads(found))

    @_translated()
    def seq_before(self, at: int) -> int:
        """Return the seq of the last entry earlier than `at`."""
        (seq,) = self._raw.execute(_SEQ_BEFORE, {"at": at}).fetchone()
        return int(seq)

    def records(self, table: str) -> Iterator[Stored]:
        """Yield the live records of a table, oldest first: SQLite numbers rows as they come."""
        with _translated():
            yield from map(Stored._make, self._raw.execute(_RECORDS[table]))

    @_translated()
    def secret(self, key: str) -> str | None:
        """Return an entry of the side table."""
        row = self._raw.execute("SELECT value FROM secret WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    @_translated()
    def prune(self, base: Head) -> None:
        """Forget the journal up to and with the entry `base`."""
        with self._transaction():
            self._raw.execute("UPDATE journal_head SET base_seq = ?, base_at = ?, base_hash = ?", base)
            self._raw.execute("DELETE FROM journal WHERE seq <= ?", (base.seq,))

    @_translated()
    def check(self) -> None:
        """Let SQLite look through all its pages."""
        found = self._raw.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise LedgerCorrupt(f"{self._name} is damaged: {found}")

    def close(self) -> None:
        """Let go of the file."""
        self._resources.close()
