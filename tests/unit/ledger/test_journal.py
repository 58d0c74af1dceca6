from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.ledger.toy import CODECS, Claim, Hall

from promise.errors import LedgerCorrupt
from promise.events import Event, fact
from promise.ledger.journal import GENESIS, Batch, Head, decode, follow

TABLES = ("pool", "reservation")

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
claims = st.builds(Claim, texts, st.integers(), st.none() | st.integers())
details = st.dictionaries(texts, st.none() | st.booleans() | st.integers() | texts | st.lists(texts), max_size=3)
events = st.one_of(
    st.builds(
        lambda kind, record, detail: Event(kind, record.table, record.id, record, detail), texts, claims, details
    ),
    st.builds(lambda kind, key, detail: Event(kind, "reservation", key, None, detail), texts, texts, details),
)


@dataclass(frozen=True, slots=True)
class Odd:
    """A record that writes whatever it was given."""

    table: ClassVar[str] = "pool"
    id: str
    content: Any

    def to_json(self) -> dict[str, Any]:
        return {"content": self.content}


def batch(*decisions: tuple[str, list[Event]], before: Head = GENESIS, at: int = 100) -> Batch:
    made = Batch(before, at, "0123456789abcdef", TABLES)
    for actor, facts in decisions:
        made.stage(actor, facts, {})
    return made


def test_the_hash_of_a_row_is_sha256_over_the_hash_before_it_and_the_row() -> None:
    made = batch(("alice", [fact("pool-added", Hall("h", 3))]), ("Jürgen", [Event("gone", "pool", "h", None)]))
    payload = '{"table":"pool","key":"h","record":{"id":"h","seats":3,"ended":0},"detail":{}}'
    first = hashlib.sha256(bytes(32) + f"1:100:0123456789abcdef:5:alice:10:pool-added:{payload}".encode()).digest()
    gone = '{"table":"pool","key":"h","record":null,"detail":{}}'
    second = hashlib.sha256(first + f"2:100:0123456789abcdef:6:Jürgen:4:gone:{gone}".encode()).digest()
    assert [(row.seq, row.at, row.actor, row.kind, row.payload, row.hash) for row in made.rows] == [
        (1, 100, "alice", "pool-added", payload, first),
        (2, 100, "Jürgen", "gone", gone, second),
    ]
    assert made.head == (2, 100, second)


@given(st.lists(st.tuples(texts, st.lists(events, max_size=3)), max_size=5))
def test_what_is_written_is_what_is_read(decisions: list[tuple[str, list[Event]]]) -> None:
    made = batch(*decisions, before=Head(41, 90, b"x" * 32))
    assert [decode(row, CODECS) for row in made.rows] == made.entries
    assert [entry.seq for entry in made.entries] == list(range(42, 42 + len(made.entries)))
    assert [entry.event for entry in made.entries] == [event for _, facts in decisions for event in facts]
    assert follow(made.before, made.rows) == made.head


@given(st.data())
def test_any_change_of_any_row_is_found_and_named(data: st.DataObject) -> None:
    rows = batch(("alice", data.draw(st.lists(events, min_size=1, max_size=6)))).rows
    place = data.draw(st.integers(0, len(rows) - 1))
    row = rows[place]
    rows[place] = data.draw(
        st.sampled_from(
            [
                row._replace(at=row.at + 1),
                row._replace(origin="f" * 16),
                row._replace(actor=row.actor + "1"),
                row._replace(kind=row.kind + "1"),
                row._replace(payload=row.payload.replace("{", "{ ", 1)),
                row._replace(hash=bytes(32)),
            ]
        )
    )
    with pytest.raises(LedgerCorrupt) as raised:
        follow(GENESIS, rows)
    assert raised.value.seq == rows[place].seq


def test_moving_text_between_fields_changes_the_hash() -> None:
    row = batch(("ab", [Event("c", "pool", "h", None)])).rows[0]
    with pytest.raises(LedgerCorrupt, match="entry 1 is not what was written"):
        follow(GENESIS, [row._replace(actor="a", kind="bc")])


def test_a_row_that_is_missing_is_found_and_named() -> None:
    rows = batch(("alice", [fact("pool-added", Hall(str(n), n)) for n in range(5)])).rows
    with pytest.raises(LedgerCorrupt, match="entry 3 is missing, entry 4 follows") as raised:
        follow(GENESIS, rows[:2] + rows[3:])
    assert raised.value.seq == 3


def test_time_never_goes_back_in_the_journal() -> None:
    first = batch(("alice", [Event("c", "pool", "h", None)]), at=100)
    second = batch(("alice", [Event("c", "pool", "h", None)]), before=first.head, at=99)
    with pytest.raises(LedgerCorrupt, match="entry 2 is earlier"):
        follow(GENESIS, first.rows + second.rows)


def test_a_record_that_changes_often_is_written_once_as_it_stands_last() -> None:
    made = batch(("a", [fact("k", Claim("x", 1)), fact("k", Claim("y", 2)), fact("k", Claim("x", 3))]))
    assert [(row.id, row.seq, json.loads(row.record)["seats"]) for row in made.changed["reservation"].values()] == [
        ("x", 3, 3),
        ("y", 2, 2),
    ]
    assert len(made.rows) == 3


def test_a_record_that_is_forgotten_and_comes_again_is_a_new_one_at_the_end() -> None:
    gone = Event("k", "reservation", "x", None)
    made = batch(("a", [fact("k", Claim("x", 1)), gone, fact("k", Claim("y", 2)), fact("k", Claim("x", 3))]))
    assert made.forgotten == {"pool": set(), "reservation": {"x"}}
    assert list(made.changed["reservation"]) == ["y", "x"]


@pytest.mark.parametrize(
    ("event", "rule"),
    [
        (Event("k", "nowhere", "x", None), "no table 'nowhere'"),
        (Event("k", "pool", "other", Hall("h", 1)), "is about pool other, its record is another one"),
        (Event("k", "pool", "h", Claim("h", 1)), "is about pool h, its record is another one"),
        (fact("k", Odd("h", float("nan"))), "Out of range float"),
        (fact("k", Odd("h", object())), "not JSON serializable"),
        (Event("k", "pool", "\ud800", None), "surrogates not allowed"),
        (Event("\ud800", "pool", "h", None), "surrogates not allowed"),
        (Event("k", "pool", "a\0b", None), "NUL"),
    ],
)
def test_a_decision_that_cannot_be_written_leaves_the_batch_as_it_was(event: Event, rule: str) -> None:
    made = batch(("alice", [fact("pool-added", Hall("h", 3))]))
    before = (list(made.rows), list(made.entries), made.head, {t: dict(c) for t, c in made.changed.items()})
    with pytest.raises((ValueError, TypeError), match=rule):
        made.stage("bob", [fact("pool-added", Hall("good", 1)), event], {"key": "value"})
    assert (made.rows, made.entries, made.head, made.changed) == before
    assert made.secrets == {}


def test_a_secret_needs_an_event_that_tells_of_it() -> None:
    with pytest.raises(ValueError, match="secrets need an event"):
        batch().stage("alice", [], {"password": "x"})


def test_a_row_that_this_release_cannot_read_is_named() -> None:
    row = batch(("alice", [fact("pool-added", Hall("h", 3))])).rows[0]
    with pytest.raises(LedgerCorrupt, match=r"entry 1 \(pool-added\) cannot be read: KeyError"):
        decode(row, {})
