"""What a ledger keeps: its journal and its tables, read without any of Promise's own code."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from crash.records import Instance, Operation, Pool, Reservation, Snapshot

if TYPE_CHECKING:
    from pathlib import Path

Tables: TypeAlias = dict[str, dict[str, Mapping[str, Any]]]
"""By table: the records by id."""

OPEN_END: Final = 1 << 60
"""How the ledger writes the end of an open window."""


def _end(moment: int) -> int | None:
    return None if moment >= OPEN_END else moment


def _same(record: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: record[name] for name in names}


def kept_reservation(record: Mapping[str, Any]) -> Reservation:
    """Read a record of the table `reservation`."""
    start, end = record["window"]
    alike = (
        "id",
        "owner",
        "project",
        "provider",
        "zone",
        "expiry",
        "state",
        "priority",
        "capacity",
        "version",
        "created",
    )
    degraded = bool(record["shortfall"])
    return Reservation(
        **_same(record, *alike), name=record["name"] or "", start=start, end=_end(end), degraded=degraded
    )


def kept_instance(record: Mapping[str, Any]) -> Instance:
    """Read a record of the table `allocation`; it must count as its state says."""
    alike = (
        "id", "name", "owner", "project", "zone", "reservation", "flavor", "capacity", "start", "vm_state", "server",
        "created",
    )  # fmt: skip
    found = Instance(**_same(record, *alike))
    assert found.counted == record["counted"], record
    return found


def kept_pool(record: Mapping[str, Any]) -> Pool:
    """Read a record of the table `pool`."""
    start, end = record["window"]
    alike = _same(record, "id", "owner", "zone", "capacity", "created")
    direction = "decrease" if record["decrease"] else "increase"
    return Pool(**alike, note=record["note"] or "", start=start, end=_end(end), direction=direction)


def kept_operation(record: Mapping[str, Any]) -> Operation:
    """Read a record of the table `operation`."""
    return Operation(record["id"], record["instance"], record["asked"], record["progress"], record["attempts"])


def kept_in(tables: Tables) -> Snapshot:
    """Read the tables of a ledger: {table: {id: record}}."""

    def every(table: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        return iter(tables.get(table, {}).items())

    return Snapshot(
        {key: kept_reservation(record) for key, record in every("reservation")},
        {key: kept_instance(record) for key, record in every("allocation")},
        {key: kept_pool(record) for key, record in every("pool")},
        {key: kept_operation(record) for key, record in every("operation")},
    )


@dataclass(frozen=True)
class Event:
    """One row of the journal: `record` is how `key` of `table` stands from then on, None = no more."""

    seq: int
    at: int
    actor: str
    kind: str
    table: str
    key: str
    record: Mapping[str, Any] | None


class Ledger:
    """The file of a ledger, opened for reading only; its server may run or not."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def journal(self) -> list[Event]:
        """Return the whole journal; it must be without gaps, in order of time, and every hash must hold."""
        last, before, events = bytes(32), 0, []
        rows = self._database.execute("SELECT seq, at, origin, actor, kind, payload, hash FROM journal ORDER BY seq")
        for expected, (seq, at, origin, actor, kind, payload, digest) in enumerate(rows, 1):
            assert seq == expected, f"journal entry {expected} is missing"
            assert at >= before, f"journal entry {seq} is earlier than the one before it"
            text = f"{seq}:{at}:{origin}:{len(actor)}:{actor}:{len(kind)}:{kind}:{payload}"
            last, before = sha256(last + text.encode()).digest(), at
            assert digest == last, f"journal entry {seq} is not what was written"
            told = json.loads(payload)
            events.append(Event(seq, at, actor, kind, told["table"], told["key"], told["record"]))
        head = self._database.execute("SELECT seq, at, hash FROM journal_head").fetchone()
        assert head == (len(events), before, last), "the journal does not end where it should"
        return events

    def lives(self) -> int:
        """Return how many openings of the ledger have written to its journal."""
        return int(self._database.execute("SELECT count(DISTINCT origin) FROM journal").fetchone()[0])

    def tables(self) -> Tables:
        """Return what is in the tables of records, but for the empty ones."""
        names = self._database.execute(
            "SELECT name FROM sqlite_master AS found WHERE type = 'table' "
            "AND EXISTS (SELECT 1 FROM pragma_table_info(found.name) WHERE name = 'record')"
        ).fetchall()
        tables = {
            table: {key: json.loads(text) for key, text in self._database.execute(f'SELECT id, record FROM "{table}"')}  # noqa: S608 - our own names
            for (table,) in names
        }
        return {table: found for table, found in tables.items() if found}


def replayed(events: Iterable[Event]) -> Tables:
    """Return the tables as the journal makes them, but for the empty ones."""
    tables: Tables = {}
    for event in events:
        table = tables.setdefault(event.table, {})
        if event.record is None:
            del table[event.key]
        else:
            table[event.key] = event.record
    return {name: table for name, table in tables.items() if table}


class Lock:
    """Keeps a server from committing, as somebody else's transaction on its ledger would, from `hold` to `release`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database: sqlite3.Connection | None = None

    def hold(self) -> None:
        """Wait for the end of the commit that is under way, and let no other begin."""
        self._database = sqlite3.connect(self._path, isolation_level=None)
        self._database.execute("BEGIN IMMEDIATE")

    def release(self) -> None:
        """Let the ledger be written again."""
        if self._database:
            self._database.close()
            self._database = None
