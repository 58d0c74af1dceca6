"""How many decisions a second become durable, and what one costs: `python bench/ledger.py [seconds]`.

A reservation record per decision, a state that only keeps it; SQLite on the disk of the temporary folder. Every third
request is refused. The second table takes the steps of one decision apart (group of 64).
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from promise.clock import SystemClock
from promise.events import Decision, Event, Performed, fact
from promise.ledger.journal import GENESIS, Batch
from promise.ledger.sqlite import SqliteStore
from promise.ledger.writer import Ledger
from promise.reservation.model import Reservation, State
from promise.resources import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from promise.events import Undo

CODECS = {"reservation": Reservation.from_json}


class Kept:
    """The least that is a state."""

    def __init__(self) -> None:
        self.records: dict[str, object] = {}

    def consequences(self, now: int) -> tuple[Event, ...]:
        """Nothing follows from anything here."""
        del now
        return ()

    def perform(self, events: Sequence[Event], now: int) -> Performed:
        """Keep the records, which brings about nothing else."""
        del now
        return Performed([self.apply(event) for event in events], [{} for _ in events])

    def apply(self, event: Event) -> Undo:
        """Keep the record."""
        key, old = event.key, self.records.get(event.key)
        self.records[key] = event.record

        def undo() -> None:
            self.records[key] = old

        return undo


def reservation(number: int) -> Reservation:
    """Return a reservation as consumers make them."""
    return Reservation(
        id=f"5f0c8a1e-0000-4000-8000-{number:012x}",
        owner="nfvo",
        project="demo",
        provider="0b3c0a7c-4bb1-4bb4-8f5c-3ad4a1f1a001",
        zone=None,
        window=Window(1_700_000_000, 1_700_003_600),
        capacity={"cores": 4, "ram": 8192, "instances": 2},
        state=State("initialized"),
        created=1_700_000_000,
        modified=1_700_000_000,
    )


def accept(number: int) -> Decision[int]:
    """Decide what two of three requests come to."""
    return Decision(number, (fact("reservation-accepted", reservation(number)),))


async def load(path: Path, clients: int, seconds: float) -> tuple[float, float, float, float]:
    """Return decisions per second, p50 and p99 of an answer in ms, and CPU microseconds per decision."""
    ledger = await Ledger.open(
        f"sqlite:///{path}", Kept(), clock=SystemClock(), codecs=CODECS, advance=lambda _state, _now: iter(())
    )
    waits: list[float] = []
    begin, cpu = time.perf_counter(), time.process_time()

    async def client(first: int) -> None:
        number = first
        while (asked := time.perf_counter()) < begin + seconds:
            decision = Decision(0) if number % 3 == 0 else None
            await ledger.submit(lambda _s, _n, n=number, d=decision: d or accept(n), actor="nfvo")  # type: ignore[misc]
            waits.append(time.perf_counter() - asked)
            number += clients

    await asyncio.gather(*(client(first) for first in range(clients)))
    spent, cpu = time.perf_counter() - begin, time.process_time() - cpu
    await ledger.close()
    waits.sort()
    count = len(waits)
    return count / spent, waits[count // 2] * 1e3, waits[count * 99 // 100] * 1e3, cpu / count * 1e6


def micro(work: Callable[[], object], count: int, rounds: int = 30) -> float:
    """Return the median microseconds that one of `count` things takes."""
    taken = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        taken.append((time.perf_counter() - begin) / count)
    return sorted(taken)[rounds // 2] * 1e6


def steps(folder: Path, size: int = 64) -> dict[str, float]:
    """Return what the steps of one decision cost, in microseconds, in a group of `size`."""
    store, numbers = SqliteStore(folder / "steps.db"), iter(range(10**9))
    decisions = [accept(next(numbers)) for _ in range(size)]
    kept = Kept()

    def batch() -> Batch:
        made = Batch(store.head(), 1_700_000_000, "0" * 16, CODECS)
        for _ in range(size):
            made.stage("nfvo", accept(next(numbers)).events, {})
        return made

    def stage() -> None:
        made = Batch(GENESIS, 1_700_000_000, "0" * 16, CODECS)
        for decision in decisions:
            made.stage("nfvo", decision.events, {})

    ready = iter([batch()])
    found = {
        "make the record": micro(lambda: [accept(n) for n in range(size)], size),
        "encode and hash": micro(stage, size),
        "apply": micro(lambda: [kept.apply(d.events[0]) for d in decisions], size),
    }
    del ready
    written = []
    for _ in range(30):
        made = batch()
        begin = time.perf_counter()
        store.append(made)
        written.append((time.perf_counter() - begin) / size * 1e6)
    store._raw.execute("PRAGMA synchronous = OFF")  # noqa: SLF001 - what is left is SQLite without the disk
    alone = []
    for _ in range(30):
        made = batch()
        begin = time.perf_counter()
        store.append(made)
        alone.append((time.perf_counter() - begin) / size * 1e6)
    store.close()
    return found | {"SQLite": sorted(alone)[15], "disk": sorted(written)[15] - sorted(alone)[15]}


def disk(folder: Path) -> float:
    """Return the median microseconds of writing 8 KiB through to the disk."""
    file = os.open(folder / "probe", os.O_WRONLY | os.O_CREAT)

    def write() -> None:
        os.pwrite(file, bytes(8192), 0)
        os.fdatasync(file)

    try:
        return micro(write, 1, 200)
    finally:
        os.close(file)


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    with tempfile.TemporaryDirectory(prefix="promise-bench-") as name:
        folder = Path(name)
        print(f"disk: 8 KiB written through in {disk(folder):.0f} us (median); {os.cpu_count()} CPUs")
        print(f"{'clients':>8} {'decisions/s':>12} {'p50 ms':>8} {'p99 ms':>8} {'CPU us each':>12}")
        for clients in (1, 16, 64, 256):
            rate, p50, p99, cpu = asyncio.run(load(folder / f"{clients}.db", clients, seconds))
            print(f"{clients:>8} {rate:>12,.0f} {p50:>8.2f} {p99:>8.2f} {cpu:>12.1f}")
        print("\none decision in a group of 64, us:")
        for step, cost in steps(folder).items():
            print(f"{step:>20} {cost:6.1f}")
    print(f"\nmemory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB at most")


if __name__ == "__main__":
    main()
