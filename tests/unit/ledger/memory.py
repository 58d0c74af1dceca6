"""A ledger's database in memory that fails, loses answers and hangs when it is told to; several can share one disk."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from promise.ledger.journal import GENESIS, Head, Row, Stored
from promise.ledger.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promise.ledger.journal import Batch


class Fault(Enum):
    NONE = "it works"
    REFUSED = "nothing is written, and it says so"
    LOST = "it is written, and the answer is lost"
    BUG = "nothing is written, and it raises what nobody expects"


@dataclass
class Disk:
    head: Head = GENESIS
    rows: list[Row] = field(default_factory=list)
    records: dict[str, dict[str, Stored]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class MemoryStore:
    """A `Store`. `faults` are what becomes of the next appends, `unreadable` of the next reads.

    An append waits for `gate`; `entered` tells that one is waiting there, or has been. `read_gate` and `reading` are
    the same for reads.
    """

    def __init__(self, disk: Disk | None = None) -> None:
        self.disk = disk or Disk()
        self.faults: deque[Fault] = deque()
        self.unreadable = 0
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.read_gate = threading.Event()
        self.read_gate.set()
        self.reading = threading.Event()
        self.appends = 0
        self.closed = False

    def itself(self) -> MemoryStore:
        return self

    def head(self) -> Head:
        return self.disk.head

    def base(self) -> Head:
        return GENESIS

    def append(self, batch: Batch) -> bool:
        self.entered.set()
        assert self.gate.wait(60)
        self.appends += 1
        fault = self.faults.popleft() if self.faults else Fault.NONE
        if fault is Fault.REFUSED:
            raise StoreError("database or disk is full")
        if fault is Fault.BUG:
            raise RuntimeError("nobody expects this")
        with self.disk.lock:
            if self.disk.head != batch.before:
                return False
            self._write(batch)
        if fault is Fault.LOST:
            raise StoreError("connection lost")
        return True

    def _write(self, batch: Batch) -> None:
        self.disk.rows += batch.rows
        self.disk.head = batch.head
        for table, gone in batch.forgotten.items():
            for key in gone:
                self.disk.records.get(table, {}).pop(key, None)
        for table, changed in batch.changed.items():
            self.disk.records.setdefault(table, {}).update(changed)
        for key, value in batch.secrets.items():
            if value is None:
                self.disk.secrets.pop(key, None)
            else:
                self.disk.secrets[key] = value

    def read(self, after: int, limit: int) -> list[Row]:
        self.reading.set()
        assert self.read_gate.wait(60)
        if self.unreadable:
            self.unreadable -= 1
            raise StoreError("no connection")
        with self.disk.lock:
            return self.disk.rows[after : after + limit]

    def seq_before(self, at: int) -> int:
        return sum(row.at < at for row in self.disk.rows)

    def records(self, table: str) -> Iterator[Stored]:
        yield from self.disk.records.get(table, {}).values()

    def secret(self, key: str) -> str | None:
        return self.disk.secrets.get(key)

    def prune(self, base: Head) -> None:
        raise NotImplementedError

    def check(self) -> None:
        """Memory is not damaged."""

    def close(self) -> None:
        self.closed = True
