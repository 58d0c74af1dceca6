"""What the ledger promises while nothing fails."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from unit.ledger.memory import MemoryStore
from unit.ledger.toy import EPOCH, QUICK, Claim, Hall, Toy, build, claim, give_back, open_toy, taken

from promise.clock import ManualClock
from promise.errors import Invalid, LedgerFailure, LedgerUnusable, Overloaded
from promise.events import Decision, Entry, Event, fact
from promise.ledger.journal import GENESIS
from promise.ledger.pruning import DAY, EVERY, Pruning
from promise.ledger.writer import TIME, Ledger, Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path


@pytest.fixture
async def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def ledger(store: MemoryStore) -> AsyncIterator[Ledger[Toy]]:
    opened = await open_toy(lambda: store)
    await opened.submit(build(100), actor="root")
    yield opened
    store.gate.set()
    await opened.close()
    assert store.closed


async def in_flight(store: MemoryStore) -> None:
    """Return when a group waits in the database."""
    assert await asyncio.to_thread(store.entered.wait, 60)


async def test_an_answer_comes_when_the_decision_is_durable(ledger: Ledger[Toy], store: MemoryStore) -> None:
    store.gate.clear()
    store.entered.clear()
    asking = asyncio.create_task(ledger.submit(claim("a", 40), actor="alice"))
    await in_flight(store)
    assert not asking.done()
    assert (ledger.seq, ledger.durable_seq) == (2, 1)
    store.gate.set()
    assert await asking == "ok"
    assert (ledger.seq, ledger.durable_seq, store.disk.head.seq) == (2, 2, 2)


async def test_decisions_see_those_before_them_in_their_group_and_share_its_transaction(
    ledger: Ledger[Toy], store: MemoryStore
) -> None:
    answers = await asyncio.gather(*(ledger.submit(claim(str(n), 30), actor="alice") for n in range(5)))
    assert answers == ["ok", "ok", "ok", "10 left", "10 left"]
    assert store.appends == 2  # the hall, and this group


async def test_a_group_is_at_most_as_large_as_set() -> None:
    store = MemoryStore()
    ledger = await open_toy(lambda: store, settings=Settings(group=4, slice=60.0))
    await asyncio.gather(*(ledger.submit(build(n), actor="a") for n in range(9)))
    assert [ledger.seq, store.appends] == [1, 1]
    await asyncio.gather(*(ledger.submit(claim(str(n), 0), actor="a") for n in range(9)))
    assert [ledger.seq, store.appends] == [10, 4]
    await ledger.close()


async def test_a_group_that_takes_long_to_decide_is_cut_short_but_never_empty() -> None:
    store = MemoryStore()
    ledger = await open_toy(lambda: store, settings=Settings(slice=0.0))
    await ledger.submit(build(9), actor="a")
    await asyncio.gather(*(ledger.submit(claim(str(n), 1), actor="a") for n in range(4)))
    assert store.appends == 5
    await ledger.close()


async def test_a_refusal_writes_nothing_and_does_not_wait_for_what_it_has_not_seen(
    ledger: Ledger[Toy], store: MemoryStore
) -> None:
    refused = asyncio.create_task(ledger.submit(claim("big", 101), actor="alice"))
    accepted = asyncio.create_task(ledger.submit(claim("a", 1), actor="alice"))
    store.gate.clear()
    assert await refused == "100 left"
    assert not accepted.done()
    store.gate.set()
    assert await accepted == "ok"
    assert ledger.seq == 2


async def test_a_refusal_waits_for_what_it_has_seen(ledger: Ledger[Toy], store: MemoryStore) -> None:
    store.gate.clear()
    store.entered.clear()
    accepted = asyncio.create_task(ledger.submit(claim("a", 60), actor="alice"))
    refused = asyncio.create_task(ledger.submit(claim("b", 60), actor="alice"))
    await in_flight(store)
    assert not refused.done()
    store.gate.set()
    assert [await accepted, await refused] == ["ok", "40 left"]


async def test_an_exception_in_a_decision_is_of_that_request_alone(ledger: Ledger[Toy], store: MemoryStore) -> None:
    def bad(_state: Toy, _now: int) -> Decision[str]:
        raise Invalid("not like this", name="seats")

    def unwritable(_state: Toy, _now: int) -> Decision[str]:
        return Decision("ok", (fact("k", Hall("hall", 0)), Event("k", "nowhere", "x", None)))

    def stop(_state: Toy, _now: int) -> Decision[str]:
        raise StopIteration

    decisions = [claim("a", 1), bad, unwritable, stop, claim("b", 1)]
    answers = await asyncio.gather(*(ledger.submit(d, actor="alice") for d in decisions), return_exceptions=True)
    assert [answers[0], answers[4]] == ["ok", "ok"]
    assert isinstance(answers[1], Invalid)
    assert isinstance(answers[2], ValueError)
    assert isinstance(answers[3], RuntimeError)
    assert [row.kind for row in store.disk.rows] == ["pool-added", "reservation-accepted", "reservation-accepted"]
    assert await ledger.read(lambda state, _now: list(state.claims)) == ["a", "b"]


async def test_a_query_is_answered_from_memory_at_once(ledger: Ledger[Toy]) -> None:
    await ledger.submit(claim("a", 7), actor="alice")
    assert await ledger.read(lambda state, now: (state.taken, now)) == (7, EPOCH)


async def test_a_query_waits_until_what_it_saw_is_durable(ledger: Ledger[Toy], store: MemoryStore) -> None:
    store.gate.clear()
    store.entered.clear()
    accepted = asyncio.create_task(ledger.submit(claim("a", 7), actor="alice"))
    await in_flight(store)
    reading = asyncio.create_task(ledger.read(taken))
    failing = asyncio.create_task(ledger.read(lambda _state, _now: 1 // 0))
    await asyncio.sleep(0)
    assert not reading.done()
    assert not failing.done()
    store.gate.set()
    assert [await accepted, await reading] == ["ok", 7]
    with pytest.raises(ZeroDivisionError):
        await failing


async def test_subscribers_are_told_what_is_durable_in_order_and_one_that_fails_harms_nobody(
    ledger: Ledger[Toy], store: MemoryStore
) -> None:
    told: list[Entry] = []

    def fails(_entries: Sequence[Entry]) -> None:
        raise ValueError("a bug in a subscriber")

    def listens(entries: Sequence[Entry]) -> None:
        assert store.disk.head.seq == entries[-1].seq == ledger.durable_seq
        told.extend(entries)

    ledger.subscribe(fails)
    end = ledger.subscribe(listens)
    assert await ledger.submit(claim("a", 1), actor="alice") == "ok"
    assert await ledger.submit(give_back("a"), actor="bob")
    end()
    end()
    await ledger.submit(claim("b", 1), actor="alice")
    assert told == [
        Entry(2, EPOCH, "alice", fact("reservation-accepted", Claim("a", 1), of="hall")),
        Entry(3, EPOCH, "bob", Event("reservation-cancelled", "reservation", "a", None)),
    ]
    assert await ledger.journal(1, 2) == told


async def test_the_journal_is_read_in_pieces(ledger: Ledger[Toy]) -> None:
    for n in range(5):
        await ledger.submit(claim(str(n), 1), actor="alice")
    assert [entry.seq for entry in await ledger.journal(0, 4)] == [1, 2, 3, 4]
    assert [entry.seq for entry in await ledger.journal(4, 4)] == [5, 6]
    assert await ledger.journal(6, 4) == []
    assert await ledger.journal(99, 4) == []
    assert await ledger.journal(0, 0) == []


async def test_secrets_are_kept_beside_the_journal(ledger: Ledger[Toy], store: MemoryStore) -> None:
    def credentials(value: str | None) -> Decision[None]:
        return Decision(
            None, (fact("pool-changed", Hall("hall", 100), credential="hall/password"),), {"hall/password": value}
        )

    await ledger.submit(lambda _state, _now: credentials("correct horse"), actor="root")
    assert await ledger.secret("hall/password") == "correct horse"
    assert "horse" not in repr(store.disk.rows) + repr(store.disk.records)
    await ledger.submit(lambda _state, _now: credentials("battery"), actor="root")
    assert await ledger.secret("hall/password") == "battery"
    await ledger.submit(lambda _state, _now: credentials(None), actor="root")
    assert await ledger.secret("hall/password") is None


async def test_a_caller_who_goes_away_changes_nothing(ledger: Ledger[Toy], store: MemoryStore) -> None:
    store.gate.clear()
    store.entered.clear()
    decided = asyncio.create_task(ledger.submit(claim("a", 1), actor="alice"))
    await in_flight(store)
    waiting = asyncio.create_task(ledger.submit(claim("b", 1), actor="alice"))
    reading = asyncio.create_task(ledger.read(taken))
    await asyncio.sleep(0)
    for task in (decided, waiting, reading):
        task.cancel()
    store.gate.set()
    assert await ledger.submit(claim("c", 1), actor="alice") == "ok"
    assert await ledger.read(lambda state, _now: list(state.claims)) == ["a", "b", "c"]


async def test_too_many_waiting_are_sent_away(store: MemoryStore) -> None:
    ledger = await open_toy(lambda: store, settings=Settings(queue=3))
    tasks = [asyncio.create_task(ledger.submit(claim(str(n), 1), actor="a")) for n in range(5)]
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert answers[:3] == ["0 left"] * 3
    assert [str(answer) for answer in answers[3:]] == ["3 requests are waiting to be decided"] * 2
    assert all(isinstance(answer, Overloaded) for answer in answers[3:])
    await ledger.close()


async def test_closing_decides_what_is_waiting_and_refuses_what_comes_after() -> None:
    store = MemoryStore()
    ledger = await open_toy(lambda: store)
    tasks = [asyncio.create_task(ledger.submit(d, actor="a")) for d in (build(9), claim("a", 1), claim("b", 1))]
    await asyncio.sleep(0)
    watching = asyncio.create_task(ledger.watch())
    await asyncio.gather(ledger.close(), ledger.close())
    await ledger.close()
    await watching
    assert [task.result() for task in tasks] == [True, "ok", "ok"]
    with pytest.raises(LedgerFailure, match="the server is stopping"):
        await ledger.submit(claim("c", 1), actor="a")
    with pytest.raises(LedgerFailure, match="the server is stopping"):
        await ledger.read(taken)
    with pytest.raises(LedgerFailure, match="the server is stopping"):
        await ledger.secret("x")


async def test_a_record_without_table_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnusable, match="no table for records of kind lease"):
        await Ledger.open(
            "sqlite://", Toy(), clock=ManualClock(0), codecs={"lease": Hall.from_json}, advance=lambda _s, _n: iter(())
        )


# Time


async def test_what_is_due_comes_before_every_decision_and_every_query() -> None:
    clock = ManualClock(EPOCH)
    ledger = await open_toy("sqlite://", clock=clock)
    await ledger.submit(build(10), actor="root")
    assert await ledger.submit(claim("a", 10, EPOCH + 60), actor="alice") == "ok"
    assert await ledger.submit(claim("b", 10), actor="bob") == "0 left"
    await clock.advance(59)
    assert await ledger.read(taken) == 10
    await clock.advance(1)
    assert await ledger.read(taken) == 0
    assert [(e.at, e.actor, e.event.kind) for e in await ledger.journal(2, 9)] == [
        (EPOCH + 60, TIME, "reservation-ended"),
        (EPOCH + 60, TIME, "pool-counted"),
    ]
    assert await ledger.submit(claim("b", 10, EPOCH + 90), actor="bob") == "ok"
    await clock.advance(30)
    assert await ledger.submit(claim("c", 10), actor="bob") == "ok"
    await ledger.close()


async def test_waking_advances_though_nobody_asks(ledger: Ledger[Toy], store: MemoryStore) -> None:
    clock = ManualClock(EPOCH)
    other = await open_toy(lambda: MemoryStore(store.disk), clock=clock)
    await other.submit(claim("a", 10, EPOCH + 60), actor="alice")
    told = asyncio.get_running_loop().create_future()
    other.subscribe(lambda entries: told.set_result([entry.event.kind for entry in entries]))
    await clock.advance(60)
    other.wake()
    assert await told == ["reservation-ended", "pool-counted"]
    other.wake()
    await other.close()
    assert other.seq == 4


async def test_a_backlog_is_advanced_in_chunks_of_whole_transitions_before_anything_is_decided() -> None:
    clock, store = ManualClock(EPOCH), MemoryStore()
    ledger = await open_toy(lambda: store, clock=clock, settings=Settings(due=5, slice=60.0))
    await ledger.submit(build(1000), actor="root")
    await asyncio.gather(*(ledger.submit(claim(str(n), 1, EPOCH + n), actor="a") for n in range(1, 11)))
    before, groups = store.appends, list[int]()
    ledger.subscribe(lambda entries: groups.append(len(entries)))
    await clock.advance(60)
    assert await ledger.submit(claim("last", 1000), actor="a") == "ok"
    assert groups == [6, 6, 6, 3]  # ten transitions of two events, at least five events each; then the claim
    assert store.appends - before == 4
    assert [row.kind for row in store.disk.rows[11:31:2]] == ["reservation-ended"] * 10
    await ledger.close()


async def test_now_never_goes_behind_the_last_event() -> None:
    clock = ManualClock(EPOCH)
    ledger = await open_toy("sqlite://", clock=clock)
    await ledger.submit(build(10), actor="root")
    await clock.advance(-100)
    assert ledger.now() == EPOCH
    await ledger.submit(claim("a", 1), actor="a")
    assert [entry.at for entry in await ledger.journal(0, 9)] == [EPOCH, EPOCH]
    await clock.advance(101)
    assert ledger.now() == EPOCH + 1
    await ledger.close()


async def test_the_journal_is_pruned_by_time_while_decisions_go_on() -> None:
    clock = ManualClock(EPOCH)
    ledger = await open_toy("sqlite://", clock=clock, settings=Settings(group=300, slice=60.0))
    await ledger.submit(build(10_000), actor="root")
    assert await ledger.base() == GENESIS
    for start in range(0, 2100, 300):
        await asyncio.gather(*(ledger.submit(claim(str(start + n), 1), actor="a") for n in range(300)))
    await clock.advance(10)
    await asyncio.gather(ledger.prune(EPOCH + 10), *(ledger.submit(claim(f"late {n}", 1), actor="a") for n in range(9)))
    base = await ledger.base()
    assert (base.seq, base.at) == (2101, EPOCH)
    entries = await ledger.journal(0, 100)
    assert [(entry.seq, entry.at) for entry in entries] == [(seq, EPOCH + 10) for seq in range(2102, 2111)]
    await ledger.prune(EPOCH + 10)
    await ledger.prune(EPOCH + 11)
    assert (await ledger.base()).seq == ledger.seq == 2110
    assert await ledger.submit(claim("later", 1), actor="a") == "ok"
    assert await ledger.read(lambda state, _now: len(state.claims)) == 2110
    await ledger.close()


async def test_the_journal_is_found_by_time() -> None:
    clock = ManualClock(EPOCH)
    ledger = await open_toy("sqlite://", clock=clock, settings=QUICK)
    assert await ledger.seq_before(EPOCH) == 0
    await ledger.submit(build(1000), actor="root")
    for n in range(20):
        await clock.advance(n % 3)
        await ledger.submit(claim(str(n), 1), actor="a")
    entries = await ledger.journal(0, 99)
    for at in range(EPOCH - 1, EPOCH + 25):
        assert await ledger.seq_before(at) == sum(entry.at < at for entry in entries)
    await ledger.close()


async def test_what_is_older_than_configured_is_forgotten_by_the_hour() -> None:
    clock = ManualClock(EPOCH)
    ledger = await open_toy("sqlite://", clock=clock, settings=QUICK)
    await ledger.submit(build(1000), actor="root")
    pruned: asyncio.Queue[int] = asyncio.Queue()

    class Watched:
        def now(self) -> int:
            return ledger.now()

        async def prune(self, before: int) -> None:
            await ledger.prune(before)
            pruned.put_nowait(before)

    pruning = asyncio.create_task(Pruning(Watched(), clock, 2).run())
    assert await pruned.get() == EPOCH - 2 * DAY
    await clock.advance(2 * DAY)  # what is exactly that old stays
    assert await pruned.get() == EPOCH
    assert [entry.seq for entry in await ledger.journal(0, 9)] == [1]
    await clock.advance(EVERY)
    assert await pruned.get() == EPOCH + EVERY
    assert await ledger.journal(0, 9) == []
    assert await ledger.submit(claim("later", 1), actor="a") == "ok"  # what was built is still there
    pruning.cancel()
    await asyncio.gather(pruning, return_exceptions=True)
    await ledger.close()
