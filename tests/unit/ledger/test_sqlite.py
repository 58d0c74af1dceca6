from __future__ import annotations

import os
import sqlite3
import stat
from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, inspect
from sqlalchemy.schema import CreateTable
from unit.ledger.toy import Claim, Hall

import promise
from promise.errors import LedgerBroken, LedgerCorrupt, LedgerUnusable
from promise.events import Event, fact
from promise.ledger import schema
from promise.ledger.address import open_store
from promise.ledger.journal import GENESIS, Batch, Head
from promise.ledger.sqlite import SqliteStore
from promise.ledger.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ORIGIN = "0" * 16


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(path)
    yield opened
    opened.close()


def batch(before: Head, *events: Event, at: int = 100, secrets: Mapping[str, str | None] | None = None) -> Batch:
    made = Batch(before, at, ORIGIN, schema.RECORDS)
    made.stage("alice", events, secrets or {})
    return made


def records(store: SqliteStore, table: str) -> list[tuple[str, int, str]]:
    return [(row.id, row.seq, row.record) for row in store.records(table)]


# The schema


def test_the_migrations_make_the_schema_that_the_code_expects(store: SqliteStore) -> None:
    context = MigrationContext.configure(store._connection, opts={"compare_type": True})
    assert compare_metadata(context, schema.metadata) == []
    assert context.get_current_revision() == schema.REVISION


def test_the_tables_are_literally_the_same(store: SqliteStore) -> None:
    made = dict(store._raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall())
    for name, table in schema.metadata.tables.items():
        expected = str(CreateTable(table).compile(store._connection))
        assert made[name].split() == expected.split()
    assert set(made) == {*schema.metadata.tables, "alembic_version"}


def test_a_fresh_ledger_is_at_genesis(store: SqliteStore) -> None:
    assert store.head() == store.base() == GENESIS
    assert store.read(0, 10) == []
    assert store.seq_before(10**12) == 0


def test_the_settings_that_keep_an_answer_given(store: SqliteStore) -> None:
    value = {name: store._raw.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
    assert value == {"journal_mode": "wal", "synchronous": 2}


def test_a_ledger_of_a_newer_release_is_refused_by_name(path: Path) -> None:
    SqliteStore(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
        raw.execute("UPDATE meta SET value = '7.5.0' WHERE key = 'release'")
    raw.close()
    with pytest.raises(LedgerUnusable) as raised:
        SqliteStore(path)
    assert str(raised.value) == (
        f"the ledger {path} cannot be opened: its schema 9999 is newer than this release ({promise.__version__}) "
        "knows; it was last opened by release 7.5.0: run that one, or a later one"
    )


def test_the_release_that_opened_it_last_is_noted(path: Path) -> None:
    SqliteStore(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE meta SET value = '0.0.1' WHERE key = 'release'")
    raw.close()
    opened = SqliteStore(path)
    assert opened._raw.execute("SELECT value FROM meta").fetchall() == [(promise.__version__,)]
    opened.close()


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE holidays (day)")
    raw.close()
    with pytest.raises(LedgerUnusable, match=r"other.db cannot be opened: it is no ledger: it has other tables \(hol"):
        SqliteStore(path)
    assert inspect(create_engine(f"sqlite:///{path}")).get_table_names() == ["holidays"]


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam, " * 100)
    with pytest.raises(LedgerUnusable, match=r"letter\.txt cannot be opened: file is not a database"):
        SqliteStore(path)
    assert path.read_text().startswith("Dear Sir")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LedgerUnusable, match=r"file/ledger.db cannot be opened: .*Not a directory"):
        SqliteStore(tmp_path / "file" / "ledger.db")
    with pytest.raises(LedgerUnusable, match=r"cannot be opened: .*Is a directory"):
        SqliteStore(tmp_path)


# The file


def test_nobody_else_may_read_the_files_or_the_folder(store: SqliteStore, path: Path) -> None:
    assert store.append(batch(GENESIS, fact("k", Hall("h", 1)), secrets={"a": "b"}))
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(("ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db.lock"), 0o600)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_may_read_is_closed_to_them(path: Path) -> None:
    SqliteStore(path).close()
    path.chmod(0o644)
    SqliteStore(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_one_server_at_a_time_has_the_file(store: SqliteStore, path: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(path.parent)
    for way in (path, tmp_path / "link" / "ledger.db"):
        with pytest.raises(LedgerUnusable, match=rf"another server \(process {os.getpid()}\) is using it"):
            SqliteStore(way)
    store.close()
    store.close()
    SqliteStore(path).close()


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("", "the ledger URL '' is none; a ledger is at sqlite:///PATH"),
        ("ledger.db", "the ledger URL 'ledger.db' is none"),
        ("sqlite://host/ledger.db", "'sqlite://host/ledger.db' is not supported"),
        ("sqlite:///ledger.db?mode=ro", "is not supported"),
        ("postgresql://user:horse@db/promise", r"'postgresql://user:\*\*\*@db/promise' is not supported"),
    ],
)
def test_an_address_that_is_none_is_refused(url: str, rule: str) -> None:
    with pytest.raises(LedgerUnusable, match=rule):
        open_store(url)


def test_an_address_is_a_path(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(f"sqlite:///{path}").close()
    monkeypatch.chdir(tmp_path)
    open_store("sqlite:///here/ledger.db").close()
    assert path.exists()
    assert (tmp_path / "here" / "ledger.db").exists()


# Writing


def test_a_batch_is_there_after_opening_again(path: Path) -> None:
    first = SqliteStore(path)
    made = batch(GENESIS, fact("k", Hall("h", 1)), fact("k", Claim("x", 2)), secrets={"key": "value"})
    assert first.append(made)
    assert made.head == first.head()
    first.close()
    again = SqliteStore(path)
    assert again.head() == made.head
    assert again.read(0, 10) == made.rows
    assert again.read(1, 10) == made.rows[1:]
    assert records(again, "pool") == [("h", 1, '{"id":"h","seats":1,"ended":0}')]
    assert again.secret("key") == "value"
    assert again.secret("other") is None
    again.close()


def test_a_batch_on_another_head_writes_nothing(store: SqliteStore) -> None:
    made = batch(GENESIS, fact("k", Hall("h", 1)))
    assert store.append(made)
    for before in (GENESIS, made.head._replace(hash=bytes(32)), made.head._replace(seq=9)):
        assert store.append(batch(before, fact("k", Hall("h", 2)), secrets={"a": "b"})) is False
    assert store.head() == made.head
    assert store.read(0, 10) == made.rows
    assert records(store, "pool") == [("h", 1, '{"id":"h","seats":1,"ended":0}')]
    assert store.secret("a") is None
    assert store.append(batch(made.head, fact("k", Hall("h", 2))))


def test_records_keep_their_place_until_they_are_forgotten(store: SqliteStore) -> None:
    head = GENESIS
    gone = Event("k", "pool", "b", None)
    for events in (
        [fact("k", Hall(name, 1)) for name in "abc"],
        [fact("k", Hall("a", 2))],
        [gone, fact("k", Hall("d", 4)), fact("k", Hall("b", 3))],
        [Event("k", "pool", "c", None), Event("k", "pool", "never there", None)],
    ):
        made = batch(head, *events)
        assert store.append(made)
        head = made.head
    assert [(key, seq) for key, seq, _ in records(store, "pool")] == [("a", 4), ("d", 6), ("b", 7)]


def test_a_secret_is_set_replaced_and_deleted(store: SqliteStore) -> None:
    head = GENESIS
    for value in ("correct horse", "battery", None):
        made = batch(head, fact("k", Hall("h", 1)), secrets={"key": value, "other": "stays"})
        assert store.append(made)
        assert store.secret("key") == value
        head = made.head
    assert store.secret("other") == "stays"


def test_a_full_disk_writes_nothing_and_the_store_goes_on(store: SqliteStore) -> None:
    made = batch(GENESIS, fact("k", Hall("h", 1)))
    assert store.append(made)
    pages = store._raw.execute("PRAGMA page_count").fetchone()[0]
    store._raw.execute(f"PRAGMA max_page_count = {pages}")
    large = batch(made.head, *(fact("k", Hall(str(n), n)) for n in range(1000)))
    with pytest.raises(StoreError, match="database or disk is full"):
        store.append(large)
    assert store.head() == made.head
    assert store.read(0, 10) == made.rows
    store._raw.execute("PRAGMA max_page_count = 1000000")
    assert store.append(large)
    assert store.head() == large.head


def test_a_database_that_became_read_only_writes_nothing(store: SqliteStore) -> None:
    store._raw.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="readonly database"):
        store.append(batch(GENESIS, fact("k", Hall("h", 1))))
    assert store.head() == GENESIS
    assert store.read(0, 10) == []


def test_a_commit_that_fails_for_sure_can_be_looked_up(store: SqliteStore, path: Path) -> None:
    store._raw.execute("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="database is locked"):
        store.append(batch(GENESIS, fact("k", Hall("h", 1))))
    assert store.read(0, 10) == []
    other.execute("ROLLBACK")
    other.close()
    assert store.append(batch(GENESIS, fact("k", Hall("h", 1))))


class Unsynced:
    """A driver's connection whose COMMIT meets a disk that fails."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def __getattr__(self, name: str) -> object:
        return getattr(self._raw, name)

    def execute(self, sql: str, *parameters: Any) -> object:
        if sql == "COMMIT":
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
            raise error
        return self._raw.execute(sql, *parameters)


def test_after_a_commit_of_unknown_outcome_nothing_is_said_any_more(store: SqliteStore) -> None:
    store._raw = Unsynced(store._raw)  # type: ignore[assignment]
    with pytest.raises(StoreError, match="disk I/O error"):
        store.append(batch(GENESIS, fact("k", Hall("h", 1))))
    with pytest.raises(LedgerBroken, match="COMMIT failed with SQLITE_IOERR_FSYNC; what was being written shows at"):
        store.read(0, 10)


# Reading


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(steps=st.lists(st.integers(0, 3), min_size=1, max_size=30), pruned=st.integers(0, 30))
def test_the_journal_is_found_by_time(steps: list[int], pruned: int) -> None:
    store, head, at, times = SqliteStore(None), GENESIS, 100, []
    for step in steps:
        at += step
        made = batch(head, fact("k", Hall("h", step)), at=at)
        assert store.append(made)
        head = made.head
        times.append(at)
    if 0 < pruned <= len(times):
        row = store.read(pruned - 1, 1)[0]
        store.prune(Head(row.seq, row.at, row.hash))
    pruned = store.base().seq
    for moment in range(98, at + 3):
        assert store.seq_before(moment) == max(pruned, sum(time < moment for time in times))
    store.close()


def test_pruning_forgets_entries_and_keeps_records(store: SqliteStore) -> None:
    made = batch(GENESIS, *(fact("k", Hall(str(n), n)) for n in range(5)))
    assert store.append(made)
    base = Head(3, 100, made.rows[2].hash)
    store.prune(base)
    assert store.base() == base
    assert store.read(0, 10) == made.rows[3:]
    assert len(records(store, "pool")) == 5
    assert store.append(batch(made.head, fact("k", Hall("6", 6))))


def test_damage_of_the_file_is_found(path: Path) -> None:
    first = SqliteStore(path)
    assert first.append(batch(GENESIS, *(fact("k", Hall(str(n), n)) for n in range(500))))
    first.check()
    first.close()
    content = bytearray(path.read_bytes())
    size = 4096
    for page in range(3, len(content) // size):
        content[page * size : page * size + 8] = b"\xff" * 8
    path.write_bytes(content)
    with pytest.raises((LedgerCorrupt, LedgerUnusable, StoreError), match=r"malformed|damaged"):
        SqliteStore(path).check()


def test_a_ledger_that_lost_its_head_says_so(store: SqliteStore) -> None:
    store._raw.execute("DELETE FROM journal_head")
    with pytest.raises(LedgerCorrupt, match="has lost the head of its journal"):
        store.head()
