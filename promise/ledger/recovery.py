"""What happens when a ledger is opened: is it what was written, and the state out of it, from tables or journal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from promise.errors import LedgerCorrupt
from promise.ledger.journal import Head, decode, follow
from promise.ledger.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from promise.events import Codec, Event, Record
    from promise.ledger.journal import Row
    from promise.ledger.store import Store

RECENT: Final = 1000
"""So many of the last entries are verified at every opening."""

PAGE: Final = 1000
"""Rows per read."""


def recover(
    make: Callable[[], Store], codecs: Mapping[str, Codec], keep: Callable[[Iterable[Record]], None], *, full: bool
) -> tuple[Store, Head]:
    """Open the database that `make` makes, verify it, and hand its records to `keep`; return it with its head."""
    store = make()
    try:
        head = verify(store, full=full)
        if full:
            compare(store, codecs)
        keep(records(store, codecs))
    except StoreError as error:
        store.close()
        raise LedgerCorrupt(f"the ledger cannot be read: {error}") from error
    except BaseException:
        store.close()
        raise
    return store, head


def rows(store: Store, after: int) -> Iterator[Row]:
    """Yield all rows behind seq `after`."""
    while page := store.read(after, PAGE):
        yield from page
        after = page[-1].seq


def verify(store: Store, *, full: bool = False) -> Head:
    """Return the head of the journal, or raise `LedgerCorrupt` with the first seq that is not what was written.

    Looks at the last `RECENT` entries; `full` at all entries, at all records, and at the database itself.
    """
    head, base = store.head(), store.base()
    if full:
        store.check()
    after = base if full else _before_recent(store, head, base)
    found = follow(after, rows(store, after.seq))
    if found != head:
        raise LedgerCorrupt(
            f"the journal ends with entry {found.seq}, and should end with {head.seq}", seq=min(found.seq, head.seq) + 1
        )
    return head


def _before_recent(store: Store, head: Head, base: Head) -> Head:
    """Return where verification begins: the entry before the recent ones, on trust."""
    seq = head.seq - RECENT
    if seq <= base.seq:
        return base
    first = store.read(seq - 1, 1)
    if not first or first[0].seq != seq:
        raise LedgerCorrupt(f"journal entry {seq} is missing", seq=seq)
    return Head(first[0].seq, first[0].at, first[0].hash)


def compare(store: Store, tables: Iterable[str]) -> None:
    """Check each record against the journal's last word on it; those that the journal no longer covers are trusted."""
    last: dict[tuple[str, str], tuple[int, Any]] = {}
    base = store.base().seq
    for row in rows(store, base):
        payload = json.loads(row.payload)
        last[payload["table"], payload["key"]] = row.seq, payload["record"]
    for table in tables:
        for stored in store.records(table):
            if stored.seq <= base and (table, stored.id) not in last:
                continue
            seq, record = last.pop((table, stored.id), (stored.seq, None))
            if stored.seq != seq or json.loads(stored.record) != record:
                raise LedgerCorrupt(f"{table} {stored.id} is not what journal entry {seq} made it", seq=seq)
    for (table, key), (seq, record) in last.items():
        if record is not None:
            raise LedgerCorrupt(f"{table} {key} of journal entry {seq} is missing", seq=seq)


def records(store: Store, codecs: Mapping[str, Codec]) -> Iterator[Record]:
    """Yield all live records, table by table in the order of `codecs`, oldest first."""
    for table, codec in codecs.items():
        for stored in store.records(table):
            try:
                record = codec(json.loads(stored.record))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise LedgerCorrupt(f"{table} {stored.id} cannot be read: {error!r}", seq=stored.seq) from error
            yield record


def prune(store: Store, before: int, limit: int = PAGE) -> bool:
    """Forget up to `limit` of the oldest entries that are earlier than `before`; False when none is left."""
    base, last = store.base().seq, store.seq_before(before)
    if base == last:
        return False
    row = store.read(min(base + limit, last) - 1, 1)[0]
    store.prune(Head(row.seq, row.at, row.hash))
    return True


def replay(store: Store, codecs: Mapping[str, Codec], apply: Callable[[Event], object]) -> None:
    """Apply the whole journal again, from its base."""
    for row in rows(store, store.base().seq):
        apply(decode(row, codecs).event)
