"""What the ledger promises when its database fails, hangs, loses answers, or is written by somebody else too."""

from __future__ import annotations

import asyncio
import contextlib
import random
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.ledger.memory import Disk, Fault, MemoryStore
from unit.ledger.toy import CODECS, EPOCH, Toy, build, claim, give_back, open_toy, taken

from promise.clock import ManualClock
from promise.errors import LedgerBroken, LedgerFailure
from promise.events import Decision, Event, fact
from promise.ledger import recovery
from promise.ledger.journal import GENESIS, follow
from promise.ledger.store import StoreError
from promise.ledger.writer import Ledger, Settings


def rebuilt(disk: Disk) -> Toy:
    """Return the state that the records make."""
    state = Toy()
    for record in recovery.records(MemoryStore(disk), CODECS):
        state.apply(Event("loaded", record.table, record.id, record))
    return state


def replayed(disk: Disk) -> Toy:
    """Return the state that the journal makes."""
    state = Toy()
    recovery.replay(MemoryStore(disk), CODECS, state.apply)
    return state


async def test_a_failed_commit_is_undone_and_told() -> None:
    store, state = MemoryStore(), Toy()
    ledger = await open_toy(lambda: store, state)
    await ledger.submit(build(10), actor="root")
    await ledger.submit(claim("a", 4), actor="alice")
    before = state.as_lists()
    store.faults.append(Fault.REFUSED)
    decisions = [claim("b", 1), give_back("a"), claim("c", 9)]
    answers = await asyncio.gather(*(ledger.submit(d, actor="alice") for d in decisions), return_exceptions=True)
    assert [type(answer) for answer in answers] == [LedgerFailure] * 3
    assert {str(answer) for answer in answers} == {"the decision could not be made durable: database or disk is full"}
    assert state.as_lists() == before
    assert (ledger.seq, ledger.durable_seq, store.disk.head.seq) == (2, 2, 2)
    assert await ledger.submit(claim("b", 6), actor="alice") == "ok"
    assert rebuilt(store.disk) == replayed(store.disk) == state
    await ledger.close()


async def test_a_refusal_that_saw_what_was_undone_is_decided_again() -> None:
    store = MemoryStore()
    ledger = await open_toy(lambda: store)
    await ledger.submit(build(10), actor="root")
    store.faults.append(Fault.REFUSED)
    first, second = await asyncio.gather(
        ledger.submit(claim("a", 8), actor="alice"), ledger.submit(claim("b", 8), actor="bob"), return_exceptions=True
    )
    assert isinstance(first, LedgerFailure)
    assert second == "ok"
    await ledger.close()


async def test_an_exception_that_saw_what_was_undone_is_decided_again() -> None:
    store = MemoryStore()
    ledger = await open_toy(lambda: store)
    await ledger.submit(build(10), actor="root")

    def count(state: Toy, _now: int) -> Decision[int]:
        if state.claims:
            raise ValueError("not while anybody is there")
        return Decision(0)

    store.faults.append(Fault.REFUSED)
    first, second = await asyncio.gather(
        ledger.submit(claim("a", 8), actor="alice"), ledger.submit(count, actor="bob"), return_exceptions=True
    )
    assert isinstance(first, LedgerFailure)
    assert second == 0
    await ledger.close()


async def test_a_query_that_saw_what_was_undone_is_asked_again() -> None:
    store = MemoryStore()
    ledger = await open_toy(lambda: store)
    await ledger.submit(build(10), actor="root")
    store.faults.append(Fault.REFUSED)
    store.gate.clear()
    store.entered.clear()
    failing = asyncio.create_task(ledger.submit(claim("a", 8), actor="alice"))
    assert await asyncio.to_thread(store.entered.wait, 60)
    reading = asyncio.create_task(ledger.read(taken))
    await asyncio.sleep(0)
    store.gate.set()
    with pytest.raises(LedgerFailure):
        await failing
    assert await reading == 0
    await ledger.close()


async def test_nobody_is_told_of_what_was_undone() -> None:
    store, told = MemoryStore(), list[str]()
    ledger = await open_toy(lambda: store)
    ledger.subscribe(lambda entries: told.extend(entry.event.key for entry in entries))
    await ledger.submit(build(10), actor="root")
    store.faults.append(Fault.REFUSED)
    with pytest.raises(LedgerFailure):
        await ledger.submit(claim("a", 8), actor="alice")
    await ledger.submit(claim("b", 8), actor="alice")
    assert told == ["hall", "b"]
    await ledger.close()


async def test_an_unknown_outcome_is_looked_up_and_the_answer_is_the_decision() -> None:
    store, told = MemoryStore(), list[int]()
    ledger = await open_toy(lambda: store)
    ledger.subscribe(lambda entries: told.extend(entry.seq for entry in entries))
    await ledger.submit(build(10), actor="root")
    store.faults.append(Fault.LOST)
    store.unreadable = 1
    assert await ledger.submit(claim("a", 8), actor="alice") == "ok"
    assert await ledger.submit(claim("b", 8), actor="alice") == "2 left"
    assert told == [1, 2]
    await ledger.close()


async def test_an_error_that_nobody_expects_is_looked_up_too() -> None:
    store = MemoryStore()
    ledger = await open_toy(lambda: store)
    store.faults.append(Fault.BUG)
    with pytest.raises(LedgerFailure, match="nobody expects this"):
        await ledger.submit(build(10), actor="root")
    assert await ledger.submit(build(10), actor="root") is True
    await ledger.close()


async def test_an_outcome_that_cannot_be_learned_breaks_the_ledger() -> None:
    store = MemoryStore()
    ledger = await open_toy(lambda: store)
    await ledger.submit(build(10), actor="root")
    store.faults.append(Fault.LOST)
    store.unreadable = 99
    store.gate.clear()
    store.entered.clear()
    waiting: list[asyncio.Task[object]] = [asyncio.create_task(ledger.submit(claim("a", 8), actor="alice"))]
    assert await asyncio.to_thread(store.entered.wait, 60)
    waiting.append(asyncio.create_task(ledger.submit(claim("b", 8), actor="alice")))
    waiting.append(asyncio.create_task(ledger.read(taken)))
    waiting.append(asyncio.create_task(ledger.watch()))
    await asyncio.sleep(0)
    store.gate.set()
    for task in waiting:
        with pytest.raises(LedgerBroken, match="cannot be learned"):
            await task
    with pytest.raises(LedgerBroken):
        await ledger.submit(claim("c", 1), actor="alice")
    with pytest.raises(LedgerBroken):
        await ledger.read(taken)
    await ledger.close()
    assert store.closed


async def test_an_exception_in_apply_breaks_the_ledger_and_nothing_of_the_group_is_written() -> None:
    store = MemoryStore()
    ledger = await open_toy(lambda: store)
    await ledger.submit(build(10), actor="root")

    def poison(state: Toy, _now: int) -> Decision[None]:
        assert state.hall
        return Decision(None, (fact("k", state.hall), fact("k", state.hall, poison=True)))

    decisions = [claim("a", 1), poison, claim("b", 1)]
    answers = await asyncio.gather(*(ledger.submit(d, actor="a") for d in decisions), return_exceptions=True)
    assert [type(answer) for answer in answers] == [LedgerBroken] * 3
    assert str(answers[0]) == "the ledger cannot go on: this state has a bug"
    with pytest.raises(LedgerBroken):
        await ledger.watch()
    await ledger.close()
    assert store.disk.head.seq == 1


async def test_an_exception_of_what_is_due_breaks_the_ledger() -> None:
    def bad(_state: Toy, _now: int) -> list[Event]:
        raise ValueError("the agenda has a bug")

    ledger = await Ledger.open(
        MemoryStore, Toy(), clock=ManualClock(EPOCH), codecs=CODECS, advance=lambda s, n: iter(bad(s, n))
    )
    with pytest.raises(LedgerBroken, match="the agenda has a bug"):
        await ledger.submit(build(10), actor="root")
    await ledger.close()


async def test_what_is_due_and_cannot_be_written_holds_nobody_up_for_ever() -> None:
    clock, store = ManualClock(EPOCH), MemoryStore()
    ledger = await open_toy(lambda: store, clock=clock)
    await ledger.submit(build(10), actor="root")
    await ledger.submit(claim("a", 8, EPOCH + 10), actor="alice")
    await clock.advance(10)
    store.faults.extend([Fault.REFUSED] * 4)
    with pytest.raises(LedgerFailure):  # refused, decided again, and there the end of "a" could not be written either
        await ledger.submit(claim("b", 11), actor="alice")
    assert await ledger.read(taken) == 8
    assert not store.faults
    assert await ledger.read(taken) == 0
    await ledger.close()


async def test_what_is_due_and_could_not_be_written_is_tried_again_by_itself() -> None:
    clock, store = ManualClock(EPOCH), MemoryStore()
    ledger = await open_toy(lambda: store, clock=clock, settings=Settings(retry=0.0))
    await ledger.submit(build(10), actor="root")
    await ledger.submit(claim("a", 8, EPOCH + 10), actor="alice")
    written = asyncio.get_running_loop().create_future()
    ledger.subscribe(lambda entries: written.set_result(len(entries)))
    await clock.advance(10)
    store.faults.extend([Fault.REFUSED] * 3)
    ledger.wake()
    assert await written == 2
    await ledger.close()


async def test_reading_the_journal_or_a_secret_can_fail_alone() -> None:
    class Unreadable(MemoryStore):
        def secret(self, key: str) -> str | None:
            raise StoreError("disk I/O error")

    store = Unreadable()
    ledger = await open_toy(lambda: store)
    await ledger.submit(build(10), actor="root")
    store.unreadable = 1
    with pytest.raises(LedgerFailure, match="the ledger cannot be read: no connection"):
        await ledger.journal(0, 1)
    with pytest.raises(LedgerFailure, match="the ledger cannot be read: disk I/O error"):
        await ledger.secret("x")
    assert len(await ledger.journal(0, 1)) == 1
    await ledger.close()


# Somebody else writes the same journal


async def test_decisions_are_made_again_after_what_somebody_else_has_written() -> None:
    disk, told = Disk(), list[str]()
    one, two = [await open_toy(lambda: MemoryStore(disk)) for _ in range(2)]
    two.subscribe(lambda entries: told.extend(entry.event.key for entry in entries))
    await one.submit(build(10), actor="root")
    await one.submit(claim("a", 8), actor="alice")
    assert await two.submit(build(10), actor="root") is False
    asking = [two.submit(claim("b", 8), actor="bob"), two.submit(claim("c", 2), actor="bob")]
    assert await asyncio.gather(*asking) == ["2 left", "ok"]
    assert told == ["hall", "a", "c"]
    await one.close()
    await two.close()


async def test_an_unknown_outcome_is_learned_though_others_have_written_since() -> None:
    disk, mine = Disk(), MemoryStore(Disk())
    mine.disk = disk
    one, two = await open_toy(lambda: mine), await open_toy(lambda: MemoryStore(disk))
    await one.submit(build(10), actor="root")
    assert await two.submit(build(10), actor="bob") is False
    mine.faults.append(Fault.LOST)
    mine.read_gate.clear()
    mine.reading.clear()
    asking = asyncio.create_task(one.submit(claim("a", 4), actor="alice"))
    assert await asyncio.to_thread(mine.reading.wait, 60)
    assert await two.submit(claim("b", 5), actor="bob") == "ok"
    mine.read_gate.set()
    assert await asking == "ok"
    assert await one.read(lambda state, _now: list(state.claims)) == ["a", "b"]
    await one.close()
    await two.close()


async def test_a_journal_head_that_moves_without_its_rows_breaks_the_ledger() -> None:
    store = MemoryStore()
    ledger = await open_toy(lambda: store)
    await ledger.submit(build(10), actor="root")
    store.disk.head = store.disk.head._replace(hash=bytes(32))
    with pytest.raises(LedgerBroken, match="head of the journal moved"):
        await ledger.submit(claim("a", 1), actor="root")
    await ledger.close()


# All of it at once


decisions = st.one_of(
    st.builds(claim, st.sampled_from("abcdefgh"), st.integers(1, 6), st.none() | st.integers(EPOCH, EPOCH + 30)),
    st.builds(give_back, st.sampled_from("abcdefgh")),
)


@settings(max_examples=60, deadline=None)
@given(
    plan=st.lists(st.tuples(decisions, st.sampled_from(["go", "yield", "tick", "cancel", "read"])), max_size=30),
    faults=st.lists(st.sampled_from(list(Fault)), max_size=12),
    group=st.integers(1, 5),
)
async def test_whatever_fails_what_was_acknowledged_is_there_and_the_state_is_what_was_written(
    plan: list[tuple[object, str]], faults: list[Fault], group: int
) -> None:
    clock, store, state = ManualClock(EPOCH), MemoryStore(), Toy()
    ledger = await open_toy(lambda: store, state, clock, Settings(group=group, patience=(0.0,), retry=0.0, due=1))
    await ledger.submit(build(12), actor="root")
    store.faults.extend(faults)
    told: list[int] = []
    ledger.subscribe(lambda entries: told.extend(entry.seq for entry in entries))
    tasks: list[asyncio.Task[object]] = []
    readings: list[asyncio.Task[int]] = []
    for number, (decide, then) in enumerate(plan):
        tasks.append(asyncio.create_task(ledger.submit(decide, actor=f"request {number}")))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        if then == "yield":
            await asyncio.wait([tasks[-1]])
        elif then == "tick":
            await clock.advance(3)
        elif then == "cancel":
            tasks[-1].cancel()
        elif then == "read":
            readings.append(asyncio.create_task(ledger.read(taken)))
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(0 <= seats <= 12 for seats in await asyncio.gather(*readings))
    store.faults.clear()
    await ledger.read(taken)
    await ledger.close()

    written = {row.actor for row in store.disk.rows}
    for number, answer in enumerate(answers):
        if answer in ("ok", True):
            assert f"request {number}" in written
        elif not isinstance(answer, asyncio.CancelledError):
            assert f"request {number}" not in written
    assert follow(GENESIS, store.disk.rows) == store.disk.head
    assert told == [row.seq for row in store.disk.rows[1:]]
    assert rebuilt(store.disk) == replayed(store.disk) == state
    assert state.taken <= 12


def touch(state: Toy, _now: int) -> Decision[None]:
    assert state.hall
    return Decision(None, (fact("pool-touched", state.hall),))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), replicas=st.integers(1, 3))
async def test_any_number_of_writers_on_one_journal_never_oversell(seed: int, replicas: int) -> None:
    disk, chance = Disk(), random.Random(seed)
    stores = [MemoryStore(disk) for _ in range(replicas)]
    states = [Toy() for _ in range(replicas)]
    ledgers = [await open_toy(partial(MemoryStore.itself, s), state) for s, state in zip(stores, states, strict=True)]
    await ledgers[0].submit(build(20), actor="root")
    for store in stores:
        store.faults.extend(chance.choices([Fault.NONE, Fault.REFUSED, Fault.LOST], [6, 1, 1], k=20))

    async def client(name: str) -> set[str]:
        kept = set()
        for key in (f"{name}{number}" for number in range(6)):
            with contextlib.suppress(LedgerFailure):
                if await chance.choice(ledgers).submit(claim(key, chance.randint(1, 5)), actor=name) == "ok":
                    kept.add(key)
                if chance.random() < 0.5 and await chance.choice(ledgers).submit(give_back(key), actor=name):
                    kept.discard(key)
        return kept

    kept = set().union(*await asyncio.gather(*(client(name) for name in "abcdefgh")))
    for store in stores:
        store.faults.clear()
    truth = Toy()

    def apply(event: Event) -> None:
        truth.apply(event)
        assert truth.taken <= 20

    recovery.replay(MemoryStore(disk), CODECS, apply)
    assert kept <= set(truth.claims)
    assert rebuilt(disk) == truth
    for ledger, state in zip(ledgers, states, strict=True):
        await ledger.submit(build(20), actor="root")
        await ledger.submit(touch, actor="root")
        assert state == replayed(disk)
        await ledger.close()
