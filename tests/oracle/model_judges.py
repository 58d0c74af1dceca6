"""What must be true of the controller by itself: its rebuilds, its promises, and the cloud once all is quiet."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from oracle.model_state import found_columns

from promise.ledger import recovery
from promise.ledger.journal import encode
from promise.ledger.state import CODECS, State
from promise.resources import total_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oracle.model_cloud import FakeCloud
    from oracle.model_state import Steps

    from promise.allocation.model import Allocation
    from promise.capacity.model import Scope
    from promise.events import Entry
    from promise.ledger.agenda import Item
    from promise.ledger.store import Store

Excess = dict[tuple["Scope", str], list[tuple[int, int]]]
"""By scope and resource how much more is promised and used than there is, from each moment on."""


# ---- rebuilt from the tables, replayed from the journal


def rebuilt(state: State, store: Store) -> Iterator[str]:
    """Yield where a second state, loaded from the tables, is not the live one: records, columns, indexes, agenda."""
    second = State()
    second.load(recovery.records(store, CODECS))
    for table in CODECS:
        if second._tables[table] != state._tables[table]:
            yield f"the records of {table} are not those of the tables"
        if _ages(second, table) != _ages(state, table):
            yield f"the records of {table} are in another order than in the tables"
    for scope in state._columns._timelines.keys() | second._columns._timelines.keys():
        if found_columns(state, scope) != found_columns(second, scope):
            yield f"the columns of {scope} are not those of the records"
        if state._columns.managed(scope) != second._columns.managed(scope):
            yield f"what is managed in {scope} is not what the pools say"
    if _buckets(state) != _buckets(second):
        yield "the indexes are not those of the records"
    if _agenda(state) != _agenda(second):
        yield "the agenda is not that of the records"


def _ages(state: State, table: str) -> list[int]:
    return [getattr(record, "created", 0) for record in state._tables[table].values()]


def _buckets(state: State) -> dict[Any, list[str]]:
    return {bucket: sorted(held) for bucket, held in state._index._buckets.items()}


def _agenda(state: State) -> list[Item]:
    return sorted(item for item in set(state._agenda._heap) if state._is_due(item))


def replayed(state: State, store: Store, told: list[Entry]) -> Iterator[str]:
    """Yield where the journal, replayed from its start, gives other records, or is not what was told as it grew."""
    second = State()
    recovery.replay(store, CODECS, second.apply)
    for table in CODECS:
        if second._tables[table] != state._tables[table]:
            yield f"the journal gives other records of {table}"
    rows = list(recovery.rows(store, store.base().seq))
    if [row.seq for row in rows] != [entry.seq for entry in told]:
        yield f"the journal has {len(rows)} entries, told were {len(told)}"
    for row, entry in zip(rows, told, strict=False):
        said = (row.at, row.actor, row.payload)
        if said != (entry.at, entry.actor, encode(entry.event, CODECS)[1]):
            yield f"entry {row.seq} of the journal is not what was told"


class Shadow:
    """The records as the entries told so far make them; each is compared at every step, which costs next to nothing."""

    def __init__(self) -> None:
        self.told: list[Entry] = []
        self._tables: dict[str, dict[str, object]] = {table: {} for table in CODECS}

    def heard(self, entry: Entry) -> None:
        self.told.append(entry)
        table = self._tables[entry.event.table]
        if entry.event.record is None:
            table.pop(entry.event.key, None)
        else:
            table[entry.event.key] = entry.event.record

    def differing(self, state: State) -> Iterator[str]:
        for table, records in self._tables.items():
            if records != state._tables[table]:
                yield f"the records of {table} are not those that the journal told"


# ---- promises


def excess(state: State, now: int, *, shown: bool = True) -> Excess:
    """How much is overdrawn from now on; of what is shown, which is what a pool names, or of everything."""
    found = {}
    for scope in state._columns._timelines:
        managed = state._columns.managed(scope)
        for name, steps in found_columns(state, scope).items():
            if (name in managed or not shown) and (over := _over(steps, now)):
                found[scope, name] = over
    return found


def _over(steps: Steps, now: int) -> list[tuple[int, int]]:
    course = [(max(at, now), max(0, reserved + usage - total)) for at, (total, reserved, usage) in steps]
    return course if any(amount for _, amount in course) else []


def worse(before: Excess, after: Excess) -> Iterator[str]:
    """Yield where more is overdrawn after a decision that must not overdraw anything."""
    for key, course in after.items():
        known = before.get(key, [])
        for at in sorted({at for at, _ in (*course, *known)}):
            if (amount := _at(course, at)) > (had := _at(known, at)):
                yield f"overdrawn by this decision: {key} from {at} on by {amount}, before by {had}"


def _at(course: list[tuple[int, int]], at: int) -> int:
    index = bisect_right(course, at, key=lambda step: step[0])
    return course[index - 1][1] if index else 0


def unborne(state: State, now: int) -> Iterator[str]:
    """Yield where claims exceed the total and nobody is told: no reservation has it as its shortfall."""
    for scope in state._columns._timelines:
        held = [each for each in state.live_in(scope) if each.window.end > now]
        for name, steps in found_columns(state, scope).items():
            for at, (total, _, _) in steps:
                here = [each for each in held if each.window.start <= max(at, now) < each.window.end]
                deficit = sum(each.capacity.get(name, 0) for each in here) - total
                if deficit > 0 and _lasts(steps, at, now):
                    borne = sum(each.shortfall.get(name, 0) for each in here)
                    could = sum(max(0, _remaining(state, each.id, each.capacity, name)) for each in here)
                    if borne < min(deficit, could):
                        yield f"{name} of {scope} from {at} on: {deficit} too little, {borne} borne"


def _lasts(steps: Steps, at: int, now: int) -> bool:
    """Whether what holds from a moment on is not over by now."""
    return not any(at < later <= now for later, _ in steps)


def _remaining(state: State, reservation: str, capacity: object, name: str) -> int:
    assert isinstance(capacity, dict)
    return int(capacity.get(name, 0)) - state.kept_by(reservation).get(name, 0)


# ---- the cloud, once quiet


def strange(state: State, provider: str, cloud: FakeCloud) -> Iterator[str]:
    """Yield where records and cloud do not agree though nobody has anything left to do."""
    counted = list(state.counted_on(provider))
    of_server: dict[str, list[Allocation]] = {}
    for one in counted:
        of_server.setdefault(one.server or "", []).append(one)
        there = cloud.held.get(one.server or "")
        if there is None:
            yield f"instance {one.id} counts, and its server {one.server} is not there"
        elif one.vm_state.value != there.state.value:
            yield f"instance {one.id} is {one.vm_state}, its server {one.server} is {there.state}"
    for name, server in cloud.held.items():
        if len(of_server.get(name, ())) != 1:
            yield f"server {name} belongs to {len(of_server.get(name, ()))} counted instances"
        carried = [other.id for other in cloud.held.values() if other.allocation_id == server.allocation_id]
        named = state.allocations.get(server.allocation_id or "")
        if named is not None and named.provider == provider and len(carried) != 1:
            yield f"instance {server.allocation_id} has several servers: {carried}"
    asked = [one.id for one in state.open_operations.values() if one.provider == provider]
    if asked:
        yield f"operations {asked} are still open"
    usage = total_of(one.capacity for one in counted)
    needed = total_of(server.needs for server in cloud.held.values())
    if any(usage.get(name, 0) != amount for name, amount in needed.items()):
        yield f"usage is {dict(usage)}, the cloud's is {dict(needed)}"


def unmissed(state: State, provider: str, cloud: FakeCloud) -> Iterator[str]:
    """Yield whose elements are not known to be lost, or to be back, though the cloud was looked at."""
    for held in state.holders_on(provider):
        lost = [element for element in held.elements if cloud.lost(element)]
        if lost != list(held.missing):
            yield f"reservation {held.id} lacks {lost}, and knows of {held.missing}"
