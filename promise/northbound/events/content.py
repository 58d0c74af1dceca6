"""The notifications that follow from a journal entry, and from nothing else: live or replayed they are the same bytes.

A change of a reservation or an instance is told first, then the change of each scope whose columns it moved, the
provider before its zones (contract, Notifications). What the record does not say, `ledger.effect` has put into the
entry; an entry of a release that did not do so yet tells what it can.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from promise.allocation.model import Allocation
from promise.northbound import answers
from promise.northbound import bindings as yang
from promise.northbound.events import about, netconf_events
from promise.northbound.events.crossing import crossed
from promise.northbound.events.notice import Notice, head
from promise.northbound.words import capacity, told
from promise.reservation.model import Reservation
from promise.reservation.view import ReservationView
from promise.resources import LEAVES
from promise.subscription.model import Subscription

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from promise.events import Entry

RESERVATION_EVENTS: Final = frozenset(
    {"accepted", "updated", "started", "before-end", "released", "expired", "ended", "cancelled", "degraded", "healed"}
)
ALLOCATION_EVENTS: Final = frozenset({"accepted", "state", "leaving", "loose", "kept", "found", "gone"})

CAUSES: Final[Mapping[str, str]] = {
    "provider": "sync",
    "pool": "pool",
    "reservation": "reservation",
    "allocation": "allocation",
}
"""Why capacity changed, by the kind of record that did."""


def notices(entry: Entry) -> tuple[Notice, ...]:
    """Return the notifications of an entry, in order."""
    return (*_of_record(entry), *_of_columns(entry), *netconf_events.of_entry(entry))


def _of_record(entry: Entry) -> Iterator[Notice]:
    record, (_, _, what) = entry.event.record, entry.event.kind.partition("-")
    if isinstance(record, Reservation) and what in RESERVATION_EVENTS:
        place = entry.seq, entry.at
        yield Notice(yang.RESERVATION_EVENT_NOTIFICATION, place, record, lambda: _reservation(entry, record, what))
    elif isinstance(record, Allocation) and what in ALLOCATION_EVENTS:
        place = entry.seq, entry.at
        yield Notice(yang.ALLOCATION_EVENT_NOTIFICATION, place, record, lambda: _allocation(entry, record, what))
    elif isinstance(record, Subscription):
        yield from _of_subscription(entry, record, what)


def _of_subscription(entry: Entry, record: Subscription, what: str) -> Iterator[Notice]:
    if what == "crossed":
        crossing: Any = entry.event.detail["crossing"]
        yield crossed(record.id, crossing, entry.seq)
    elif what in {"suspended", "resumed"}:
        yield about.state(record, what, (entry.seq, entry.at))


def _of_columns(entry: Entry) -> Iterator[Notice]:
    changed: Any = entry.event.detail.get("columns", ())
    for one in changed:
        yield Notice(yang.CAPACITY_EVENT_NOTIFICATION, (entry.seq, entry.at), one, partial(_capacity, entry, one))


def _head(entry: Entry, which: str) -> dict[str, Any]:
    return head(f"{entry.event.key} {entry.seq} {which}", entry.seq, entry.at)


def _reservation(entry: Entry, record: Reservation, what: str) -> dict[str, Any]:
    detail: Mapping[str, Any] = entry.event.detail
    shown = ReservationView(
        record,
        remaining=detail.get("remaining", record.capacity) if record.live else {},
        pools=tuple(detail.get("pools", ())),
        instances=tuple(detail.get("allocations", ())),
    )
    return {
        **_head(entry, "reservation"),
        "reservation_id": record.id,
        "event": what,
        "old_state": detail.get("old_state"),
        "new_state": record.state.value,
        "remaining_time": max(0, record.window.end - entry.at) if what == "before-end" else None,
        "reservation": answers.reservation(shown),
    }


def _allocation(entry: Entry, record: Allocation, what: str) -> dict[str, Any]:
    left = entry.event.detail.get("reservation") if what == "loose" else None
    return {
        **_head(entry, "allocation"),
        "instance_id": record.id,
        "event": what,
        "vm_state": record.vm_state.value,
        "old_vm_state": entry.event.detail.get("old_vm_state"),
        "reservation_id": record.reservation or left,
        "server": record.server,
        "fault": record.fault,
        "allocation": answers.allocation(record),
    }


def _capacity(entry: Entry, one: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the columns of a scope have changed, from one entry of `columns` (`ledger.effect`)."""
    names, change = one["names"], one["change"]
    columns = {column: dict(zip(names, one[column], strict=True)) for column in ("total", "reserved", "usage")}
    after = {name: _headroom(columns, name) for name in names}
    before = {
        name: after.get(name, 0) - _headroom(change, name)
        for name in dict.fromkeys([*names, *(name for changed in change.values() for name in changed)])
    }
    clipped = {
        "available": {name: max(0, after.get(name, 0)) - max(0, before[name]) for name in before},
        "overdrawn": {name: max(0, -after.get(name, 0)) - max(0, -before[name]) for name in before},
    }
    return {
        **_head(entry, f"capacity {one['provider']} {one['zone'] or ''}"),
        "provider_id": one["provider"],
        "zone": one["zone"],
        "cause": CAUSES[entry.event.table],
        "window": yang.Window(start=told(one["from"]), end=told(one.get("to"))),
        "change": yang.ColumnsChange(**{name: _signed(amounts) for name, amounts in {**change, **clipped}.items()}),
        "metrics": yang.Columns(
            total=capacity(columns["total"]),
            reserved=capacity(columns["reserved"]),
            usage=capacity(columns["usage"]),
            available=capacity({name: max(0, amount) for name, amount in after.items()}),
            overdrawn=capacity({name: max(0, -amount) for name, amount in after.items()}),
        ),
    }


def _headroom(columns: Mapping[str, Mapping[str, int]], name: str) -> int:
    """Return total - reserved - usage of a resource."""
    total, reserved, usage = (columns.get(column, {}).get(name, 0) for column in ("total", "reserved", "usage"))
    return total - reserved - usage


def _signed(amounts: Mapping[str, int]) -> yang.CapacityChange | None:
    """Return amounts with their sign; what did not change is absent."""
    moved = {name: amount for name, amount in amounts.items() if amount}
    if not moved:
        return None
    return yang.CapacityChange(
        **{name: amount for name, amount in moved.items() if name in LEAVES},
        custom=tuple(
            yang.CustomChange(resource_class=name, amount=moved[name]) for name in sorted(moved) if name not in LEAVES
        ),
    )
