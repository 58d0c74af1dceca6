"""The journal as values: rows, the hash chain that ties them, and the batch that one group writes. Pure.

    hash(seq) = sha256(hash(seq - 1) + row), hash(0) = 32 zero bytes,
    row = "seq:at:origin:len(actor):actor:len(kind):kind:payload" in UTF-8; lengths in characters
    origin = 16 hexadecimal digits that each opening of the ledger draws anew, so that no two write the same row
    payload = {"table":...,"key":...,"record":...,"detail":...}, JSON in ASCII without blanks, hashed as it stands

The chain detects corruption; with a hash that was kept elsewhere, also tampering (design section 3).
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

from promise.errors import LedgerCorrupt
from promise.events import Entry, Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from promise.events import JSON, Codec

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False).encode
_quote = json.encoder.encode_basestring_ascii


class Row(NamedTuple):
    """One row of the table `journal`."""

    seq: int
    at: int
    origin: str
    actor: str
    kind: str
    payload: str
    hash: bytes


class Head(NamedTuple):
    """Where the journal ends: seq, time and hash of its last row."""

    seq: int
    at: int
    hash: bytes


class Prepared(NamedTuple):
    """An event of which it is certain that it can be written; `record` is its record as JSON, None = forgotten."""

    event: Event
    record: str | None


class Stored(NamedTuple):
    """One row of a record table: the record as JSON, and the seq of the event that made it so."""

    id: str
    seq: int
    record: str


NO_EFFECT: Final[Mapping[str, JSON]] = {}

GENESIS: Final = Head(0, 0, bytes(32))
"""The head of an empty journal."""


class Batch:
    """What one group writes in one transaction, on top of the head `before`; filled by `stage` in order.

    `forgotten` has, by table, the ids whose records are deleted first; `changed` then each touched record once, as it
    stands after the group, by table and id. The order of both keeps that of the events: what is new comes last.
    """

    __slots__ = ("_last", "at", "before", "changed", "entries", "forgotten", "origin", "rows", "secrets")

    def __init__(self, before: Head, at: int, origin: str, tables: Iterable[str]) -> None:
        self.before = before
        self.at = at
        self.origin = origin
        self.rows: list[Row] = []
        self.entries: list[Entry] = []
        self.forgotten: dict[str, set[str]] = {table: set() for table in tables}
        self.changed: dict[str, dict[str, Stored]] = {table: {} for table in self.forgotten}
        self.secrets: dict[str, str | None] = {}
        self._last = before.hash

    @property
    def head(self) -> Head:
        """The head of the journal once this is written."""
        return Head(self.before.seq + len(self.rows), self.at if self.rows else self.before.at, self._last)

    def stage(self, actor: str, events: Sequence[Event], secrets: Mapping[str, str | None]) -> None:
        """Add one decision, whole or not at all; raises as `prepare` does."""
        for each in self.prepare(actor, events, secrets):
            self.add(actor, each)
        self.secrets.update(secrets)

    def prepare(self, actor: str, events: Sequence[Event], secrets: Mapping[str, str | None]) -> list[Prepared]:
        """Return the events of one decision, ready to be added; nothing is added yet.

        Raises:
            ValueError, TypeError, KeyError: one of them, or a secret, cannot be written.
        """
        if secrets and not events:
            raise ValueError("secrets need an event that tells of them")
        for key, value in secrets.items():
            _storable(key, value or "")
        _storable(actor)
        return [Prepared(event, encode(event, self.changed)[0]) for event in events]

    def add(self, actor: str, prepared: Prepared, effect: Mapping[str, JSON] = NO_EFFECT) -> None:
        """Add an event; `effect` is what it has brought about beyond its record, and becomes part of its detail."""
        event, record = prepared
        if effect:
            event = Event(event.kind, event.table, event.key, event.record, {**event.detail, **effect})
        row = self._row(actor, event, record)
        self.rows.append(row)
        self.entries.append(Entry(row.seq, row.at, actor, event))
        if record is None:
            self.changed[event.table].pop(event.key, None)
            self.forgotten[event.table].add(event.key)
        else:
            self.changed[event.table][event.key] = Stored(event.key, row.seq, record)

    def _row(self, actor: str, event: Event, record: str | None) -> Row:
        seq, payload = self.before.seq + len(self.rows) + 1, _payload(event, record)
        self._last = digest(self._last, seq, self.at, self.origin, actor, event.kind, payload)
        return Row(seq, self.at, self.origin, actor, event.kind, payload, self._last)


def encode(event: Event, tables: Iterable[str]) -> tuple[str | None, str]:
    """Return the record as JSON (None when it is forgotten), and the event's payload.

    Raises:
        ValueError, TypeError: it cannot be written.
    """
    if event.table not in tables:
        raise ValueError(f"event {event.kind}: the ledger has no table {event.table!r}")
    _storable(event.key, event.kind)
    if event.record is None:
        record = None
    elif (event.record.table, event.record.id) == (event.table, event.key):
        record = _encode(event.record.to_json())
    else:
        raise ValueError(f"event {event.kind} is about {event.table} {event.key}, its record is another one")
    return record, _payload(event, record)


def _payload(event: Event, record: str | None) -> str:
    detail = _encode(event.detail) if event.detail else "{}"
    return f'{{"table":{_quote(event.table)},"key":{_quote(event.key)},"record":{record or "null"},"detail":{detail}}}'


def _storable(*texts: str) -> None:
    for text in texts:
        text.encode()  # a lone surrogate has no UTF-8; it would fail the whole group in the database
        if "\0" in text:
            raise ValueError(f"{text!r} holds a NUL, which databases cannot keep")


def digest(previous: bytes, seq: int, at: int, origin: str, actor: str, kind: str, payload: str) -> bytes:
    """Return the hash of a row on top of the hash of the row before it (32 bytes)."""
    text = f"{seq}:{at}:{origin}:{len(actor)}:{actor}:{len(kind)}:{kind}:{payload}"
    return sha256(previous + text.encode()).digest()


def follow(head: Head, rows: Iterable[Row]) -> Head:
    """Return the head after these rows, which must continue `head` without a gap; else LedgerCorrupt with the seq."""
    for row in rows:
        expected = head.seq + 1
        if row.seq != expected:
            raise LedgerCorrupt(f"journal entry {expected} is missing, entry {row.seq} follows", seq=expected)
        if digest(head.hash, *row[:-1]) != row.hash:
            raise LedgerCorrupt(
                f"journal entry {row.seq} is not what was written: its hash does not match", seq=row.seq
            )
        if row.at < head.at:
            raise LedgerCorrupt(f"journal entry {row.seq} is earlier than the one before it", seq=row.seq)
        head = Head(row.seq, row.at, row.hash)
    return head


def decode(row: Row, codecs: Mapping[str, Codec]) -> Entry:
    """Return the entry that a row holds; LedgerCorrupt when this release cannot read it."""
    try:
        payload = json.loads(row.payload)
        table, record = payload["table"], payload["record"]
        made = None if record is None else codecs[table](record)
        event = Event(row.kind, table, payload["key"], made, payload["detail"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise LedgerCorrupt(f"journal entry {row.seq} ({row.kind}) cannot be read: {error!r}", seq=row.seq) from error
    return Entry(row.seq, row.at, row.actor, event)
