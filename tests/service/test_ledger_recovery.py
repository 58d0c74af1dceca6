"""What is there when a ledger is opened again: the state from tables and from the journal, and what was damaged."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.ledger.toy import CODECS, EPOCH, QUICK, Claim, Hall, Toy, build, claim, due, give_back, open_toy

from promise.clock import ManualClock
from promise.errors import LedgerCorrupt, LedgerUnusable
from promise.events import fact
from promise.ledger import recovery
from promise.ledger.journal import GENESIS, Batch, Head
from promise.ledger.sqlite import SqliteStore
from promise.ledger.writer import Ledger, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from promise.events import Record

FULL = Settings(verify_all=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


async def live(path: Path, seed: int = 1, count: int = 60) -> Toy:
    """Decide this and that, and return the state as it is then."""
    chance, clock, state = random.Random(seed), ManualClock(EPOCH), Toy()
    ledger = await open_toy(f"sqlite:///{path}", state, clock)
    await ledger.submit(build(40), actor="root")
    for _ in range(count // 6):
        await asyncio.gather(
            *(
                ledger.submit(
                    claim(chance.choice("abcdefgh"), chance.randint(1, 9), chance.choice([None, EPOCH + 30]))
                    if chance.random() < 0.6
                    else give_back(chance.choice("abcdefgh")),
                    actor="alice",
                )
                for _ in range(6)
            )
        )
        await clock.advance(chance.randint(0, 9))
    await ledger.close()
    return state


def damage(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as raw, raw:
        for statement in statements:
            raw.execute(statement)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32))
async def test_the_state_is_the_same_from_memory_tables_and_journal(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "ledger.db"
    before = await live(path, seed)
    from_tables, from_journal = Toy(), Toy()
    await (await open_toy(f"sqlite:///{path}", from_tables, settings=FULL)).close()
    store = SqliteStore(path)
    recovery.replay(store, CODECS, from_journal.apply)
    store.close()
    assert before == from_tables == from_journal


async def test_a_ledger_goes_on_where_it_stopped(path: Path) -> None:
    before = await live(path)
    ledger = await open_toy(f"sqlite:///{path}")
    seq = ledger.seq
    assert seq == ledger.durable_seq > 10
    assert await ledger.submit(claim("new", 0), actor="alice") == "ok"
    assert await ledger.read(lambda state, _now: state.claims) == {**before.claims, "new": Claim("new", 0)}
    assert [entry.seq for entry in await ledger.journal(seq, 9)] == [seq + 1]
    await ledger.close()


async def test_time_does_not_go_back_over_a_restart(path: Path) -> None:
    ledger = await open_toy(f"sqlite:///{path}", clock=ManualClock(EPOCH + 1000))
    await ledger.submit(build(1), actor="root")
    await ledger.close()
    ledger = await open_toy(f"sqlite:///{path}", clock=ManualClock(EPOCH))
    assert ledger.now() == EPOCH + 1000
    await ledger.close()


async def test_the_records_can_be_loaded_all_at_once(path: Path) -> None:
    before, after = await live(path), Toy()

    def load(state: Toy, records: Iterable[Record]) -> None:
        for record in records:
            state.tables[record.table][record.id] = record

    ledger = await Ledger.open(
        f"sqlite:///{path}", after, clock=ManualClock(0), codecs=CODECS, advance=due, load=load, settings=QUICK
    )
    assert after == before
    await ledger.close()


async def test_a_second_server_is_sent_away_and_the_first_goes_on(path: Path) -> None:
    ledger = await open_toy(f"sqlite:///{path}")
    with pytest.raises(LedgerUnusable, match="is using it"):
        await open_toy(f"sqlite:///{path}")
    assert await ledger.submit(build(1), actor="root") is True
    await ledger.close()
    await (await open_toy(f"sqlite:///{path}")).close()


@pytest.mark.parametrize(
    ("statements", "message", "seq"),
    [
        (["UPDATE journal SET payload = payload || ' ' WHERE seq = 7"], "entry 7 is not what", 7),
        (["UPDATE journal SET at = at + 1 WHERE seq = 3"], "entry 3 is not what was written", 3),
        (["UPDATE journal SET actor = 'mallory' WHERE seq = 1"], "entry 1 is not what was written", 1),
        (["UPDATE journal SET actor = x'ff' WHERE seq = 1"], "the ledger cannot be read: JSON cannot hold BLOB", None),
        (["DELETE FROM journal WHERE seq = 5"], "entry 5 is missing, entry 6 follows", 5),
        (["DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)"], "ends with entry 12, and should end", 13),
        (["DELETE FROM journal"], "ends with entry 0, and should end with 13", 1),
        (["UPDATE journal_head SET seq = seq - 1"], "ends with entry 13, and should end with 12", 13),
        (["UPDATE journal_head SET hash = zeroblob(32)"], "ends with entry 13, and should end", 14),
        (["UPDATE reservation SET record = '{\"id\":'"], "reservation .* cannot be read: JSONDecodeError", None),
        (['UPDATE pool SET record = \'{"id":"hall"}\''], "pool hall cannot be read: KeyError", None),
        (["UPDATE pool SET record = '[]'"], "pool hall cannot be read: TypeError", None),
    ],
)
async def test_damage_is_named_at_opening(path: Path, statements: list[str], message: str, seq: int | None) -> None:
    await live(path, count=18)
    damage(path, *statements)
    with pytest.raises(LedgerCorrupt, match=message) as raised:
        await open_toy(f"sqlite:///{path}")
    assert seq is None or raised.value.seq == seq
    with pytest.raises(LedgerCorrupt):  # and the file is free again, to be looked at
        await open_toy(f"sqlite:///{path}")


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE pool SET record = replace(record, '40', '41')", "pool hall is not what journal entry .* made it"),
        ("UPDATE pool SET seq = 1", "pool hall is not what journal entry .* made it"),
        ("DELETE FROM pool", "pool hall of journal entry .* is missing"),
        (
            'INSERT INTO reservation VALUES (\'extra\', 3, \'{"id":"extra","seats":1,"end":null}\')',
            "reservation extra is not what journal entry 3 made it",
        ),
    ],
)
async def test_records_that_differ_from_the_journal_are_named_by_the_full_verification(
    path: Path, statement: str, message: str
) -> None:
    await live(path)
    damage(path, statement)
    with pytest.raises(LedgerCorrupt, match=message):
        await open_toy(f"sqlite:///{path}", settings=FULL)


def long_journal(path: Path) -> Head:
    """Write more entries than every opening verifies."""
    store, head = SqliteStore(path), GENESIS
    batch = Batch(head, EPOCH, "0" * 16, CODECS)
    batch.stage("root", [fact("pool-changed", Hall("hall", n)) for n in range(recovery.RECENT + 50)], {})
    assert store.append(batch)
    store.close()
    return batch.head


async def test_the_recent_entries_are_verified_always_and_the_others_on_demand(path: Path) -> None:
    head = long_journal(path)
    damage(path, "UPDATE journal SET actor = 'mallory' WHERE seq = 50")
    await (await open_toy(f"sqlite:///{path}")).close()
    with pytest.raises(LedgerCorrupt, match="entry 50 is not what was written"):
        await open_toy(f"sqlite:///{path}", settings=FULL)
    damage(path, "UPDATE journal SET actor = 'mallory' WHERE seq = 51")
    with pytest.raises(LedgerCorrupt, match="entry 51 is not what was written"):
        await open_toy(f"sqlite:///{path}")
    damage(path, "DELETE FROM journal WHERE seq = 50")
    with pytest.raises(LedgerCorrupt, match="entry 50 is missing"):
        await open_toy(f"sqlite:///{path}")
    assert head.seq == recovery.RECENT + 50


async def test_a_pruned_journal_is_verified_from_its_base(path: Path) -> None:
    await live(path)
    store = SqliteStore(path)
    row = store.read(19, 1)[0]
    store.prune(Head(row.seq, row.at, row.hash))
    store.close()
    for verify in (QUICK, FULL):
        ledger = await open_toy(f"sqlite:///{path}", settings=verify)
        assert (await ledger.journal(0, 1))[0].seq == 21
        await ledger.close()
    damage(path, "UPDATE journal_head SET base_hash = zeroblob(32)")
    with pytest.raises(LedgerCorrupt, match="entry 21 is not what was written"):
        await open_toy(f"sqlite:///{path}")


async def test_a_backup_taken_while_the_server_decides_is_a_ledger(path: Path, tmp_path: Path) -> None:
    ledger = await open_toy(f"sqlite:///{path}")
    await ledger.submit(build(40), actor="root")

    def backup() -> None:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(tmp_path / "copy.db")) as target:
            source.backup(target)

    copying = asyncio.to_thread(backup)
    await asyncio.gather(copying, *(ledger.submit(claim(str(n), 1), actor="alice") for n in range(30)))
    await ledger.close()
    copy = await open_toy(f"sqlite:///{tmp_path / 'copy.db'}", settings=FULL)
    assert copy.seq >= 1
    await copy.close()
