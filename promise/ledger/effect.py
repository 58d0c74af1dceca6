"""What an event has brought about beyond its record, as its journal entry keeps it; pure.

A notification says nothing that does not follow from one journal entry, so that it is the same whether it is told at
once or replayed years later. What of it is not in the record is put here into the entry's detail:

    old_state, pools, allocations, remaining    of a reservation; the last two only where it has instances
    old_vm_state                                of an instance
    columns                                     one entry for each scope in which a column is different from before

An entry of `columns` is {"provider", "zone", "from", "to" (absent = open), "names", "total", "reserved", "usage",
"change"}: over [from, to), never before the event, the columns are different; the three columns as lists along the
names, at the moment "from"; and by column and name how much they have changed at that moment. "later" (absent = none)
names the resources that only change later than that. Like every answer it shows managed resources only.
available = max(0, total - reserved - usage) and overdrawn follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from promise.allocation.model import Allocation
from promise.ledger.columns import STILL
from promise.reservation.model import Reservation
from promise.reservation.view import view
from promise.resources import FOREVER, in_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from promise.capacity.model import Scope
    from promise.events import JSON, Record
    from promise.ledger.columns import Columns, Shift
    from promise.reservation.book import ReservationBook
    from promise.resources import Window

COLUMNS: Final = ("total", "reserved", "usage")


class _Sweep:
    """What was added over time to the columns of one scope, gathered piece by piece, from the moment `now` on."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._deltas: dict[int, dict[tuple[str, str], int]] = {}

    def put(self, window: Window, column: str, amounts: Mapping[str, int], sign: int) -> None:
        start = max(window.start, self._now)
        if start < window.end and amounts:
            begin, finish = self._deltas.setdefault(start, {}), self._deltas.setdefault(window.end, {})
            for name, amount in amounts.items():
                key = column, name
                begin[key] = begin.get(key, 0) + sign * amount
                finish[key] = finish.get(key, 0) - sign * amount

    def hull(self, shown: frozenset[str]) -> tuple[int, int] | None:
        """Return from when until when a column of these resources is different, None when none is."""
        running: dict[tuple[str, str], int] = {}
        first, last = None, FOREVER
        for moment in sorted(self._deltas):
            was = any(running.values())
            for key, amount in self._deltas[moment].items():
                if key[1] in shown:
                    running[key] = running.get(key, 0) + amount
            if any(running.values()):
                first = moment if first is None else first
            elif was:
                last = moment
        return None if first is None else (first, last)

    def moved(self, shown: frozenset[str]) -> set[str]:
        """Return those of the resources of which any column is different at any moment."""
        return {
            key[1] for delta in self._deltas.values() for key, amount in delta.items() if amount and key[1] in shown
        }

    def at(self, moment: int) -> dict[tuple[str, str], int]:
        """Return how much was added at a moment, by column and name."""
        found: dict[tuple[str, str], int] = {}
        for instant, delta in self._deltas.items():
            if instant <= moment:
                for key, amount in delta.items():
                    found[key] = found.get(key, 0) + amount
        return found


class Change(NamedTuple):
    """One applied event: the record before it, the record since, and what that did to the timelines."""

    old: Record | None
    new: Record | None
    shift: Shift


def effects(changes: Sequence[Change], book: ReservationBook, columns: Columns, now: int) -> list[Mapping[str, JSON]]:
    """Return what each event of a decision has brought about, now that all of them are applied.

    What they do to the columns is one thing, told with the first that did any of it: halfway through a decision (a
    claim is gone, the instance under it not yet loose) the columns add up to nothing that ever was.
    """
    found = [_detail(change, book) for change in changes]
    for detail, change in zip(found, changes, strict=True):
        if change.shift is not STILL:
            if moved := list(_columns([each.shift for each in changes], columns, now)):
                detail["columns"] = moved
            break
    return list(found)


def _detail(change: Change, book: ReservationBook) -> dict[str, JSON]:
    old, new = change.old, change.new
    if isinstance(new, Reservation):
        state: dict[str, JSON] = {"old_state": old.state.value} if isinstance(old, Reservation) else {}
        return state | _reservation(book, new)
    if isinstance(new, Allocation) and isinstance(old, Allocation):
        return {"old_vm_state": old.vm_state.value}
    return {}


def _columns(shifts: Sequence[Shift], columns: Columns, now: int) -> Iterator[dict[str, Any]]:
    """Yield how the columns of each scope have changed, the provider first, then its zones by name."""
    sweeps: dict[Scope, _Sweep] = {}
    before: dict[Scope, frozenset[str]] = {}
    for shift in shifts:
        for sign, parts in ((-1, shift.before), (1, shift.after)):
            for part in parts:
                sweep = sweeps.setdefault(part.scope, _Sweep(now))
                sweep.put(part.window, "reserved", part.reserved, sign)
                sweep.put(part.window, "usage", part.usage, sign)
        for scope, window, delta in shift.totals:
            sweeps.setdefault(scope, _Sweep(now)).put(window, "total", delta, 1)
        for scope, managed in shift.managed.items():
            before.setdefault(scope, managed)
    for scope in sorted(sweeps, key=lambda each: (each.provider, each.zone or "")):
        managed = columns.managed(scope)
        was = before.get(scope, managed)
        hull = sweeps[scope].hull(was | managed)
        if hull is not None:
            entry = _changed(columns, scope, hull, sweeps[scope].at(hull[0]), was)
            at_first = {name for amounts in entry["change"].values() for name in amounts}
            if later := sweeps[scope].moved(was | managed) - at_first:
                entry["later"] = in_order(later)
            yield entry


def _reservation(book: ReservationBook, held: Reservation) -> dict[str, JSON]:
    """Return what a reservation is shown with beside its record."""
    if not held.live:
        return {}
    shown = view(book, held)
    detail: dict[str, JSON] = {"pools": shown.pools}
    if shown.instances:
        detail |= {"allocations": shown.instances, "remaining": dict(shown.remaining)}
    return detail


def _changed(
    columns: Columns, scope: Scope, hull: tuple[int, int], added: Mapping[tuple[str, str], int], before: frozenset[str]
) -> dict[str, Any]:
    """Return one entry of `columns`; what was not managed before, or is not any more, counts there as 0."""
    start, end = hull
    snapshot, managed = columns.timeline(scope).at(start), columns.managed(scope)
    names = in_order(managed)
    either = names if before == managed else in_order(before | managed)
    change: dict[str, dict[str, int]] = {}
    entry: dict[str, Any] = {"provider": scope.provider, "zone": scope.zone, "from": start, "names": names}
    if end < FOREVER:
        entry["to"] = end
    for column in COLUMNS:
        after: Mapping[str, int] = getattr(snapshot, column)
        entry[column] = [after.get(name, 0) for name in names]
        for name in either:
            now = after.get(name, 0)
            was = now - added.get((column, name), 0) if name in before else 0
            if (delta := (now if name in managed else 0) - was) != 0:
                change.setdefault(column, {})[name] = delta
    entry["change"] = change
    return entry
