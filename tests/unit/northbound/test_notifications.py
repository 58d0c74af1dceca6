"""What <create-subscription> means, and what a journal entry has to say even where it was written by an old release."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from promise.allocation.model import Allocation, VmState
from promise.errors import BadElement, Invalid
from promise.events import Entry, Event, fact
from promise.ledger.journal import Row, decode, encode
from promise.ledger.state import CODECS
from promise.northbound import bindings as yang
from promise.northbound.events.content import notices
from promise.northbound.events.stream import passes
from promise.northbound.port import Interest
from promise.northbound.rpcs.notifications import NAMESPACE, interest
from promise.northbound.subtree import Selection
from promise.reservation.model import Reservation, State
from promise.resources import FOREVER, Window

PROVIDER = "0b47342c-ff44-4186-9aed-e1c70c3e82bf"
HELD = Reservation(
    "9a5d2f5e-33f0-4b5f-8b63-0d5f5f2d2f11", "alice", "red", PROVIDER, "az1", Window(3600, 7200),
    {"cores": 4, "VGPU": 1}, State.ACTIVE, 10, 20, shortfall={"cores": 1},
)  # fmt: skip
MADE = Allocation(
    "1e0d7a1e-6a8e-4f1c-8a0e-b1b4f3a3a001", "vm", "alice", "red", PROVIDER, None, "m1", "cirros", {"cores": 1}, 10,
    VmState.ERROR, 10, 20, fault="no valid <host>", priority="high",
)  # fmt: skip
COLUMNS: dict[str, Any] = {
    "provider": PROVIDER, "zone": "az1", "from": 3600, "to": 7200, "names": ["cores", "VGPU"], "total": [3, 8],
    "reserved": [4, 1], "usage": [1, 0], "change": {"reserved": {"cores": 4, "VGPU": 1}},
}  # fmt: skip


def entry(event: Event, seq: int = 7, at: int = 3000) -> Entry:
    return Entry(seq, at, "alice", event)


def body(entry: Entry, number: int = 0) -> Any:
    """Return what a notification says, having been written and read again."""
    notice = notices(entry)[number]
    return yang.NOTIFICATIONS[notice.name].decode_xml(etree.fromstring(notice.content))


def asked(inside: str, now: int = 1_000_000_000) -> Any:
    return interest(etree.fromstring(f'<create-subscription xmlns="{NAMESPACE}">{inside}</create-subscription>'), now)


def test_moments_are_seconds_in_which_everything_lies_within_what_was_asked() -> None:
    found = asked("<startTime>2001-09-09T01:46:30.2Z</startTime><stopTime>2001-09-09T03:46:35.9+02:00</stopTime>")
    assert (found.start, found.stop) == (999_999_991, 999_999_995)
    assert asked("") == Interest()
    assert asked("<startTime>2001-09-09T01:46:40.7Z</startTime>").start == 1_000_000_001  # the second that runs
    with pytest.raises(BadElement, match="future"):
        asked("<startTime>2001-09-09T01:46:41.1Z</startTime>")


def test_ncclient_writes_its_filter_in_the_namespace_of_netconf() -> None:
    found = asked('<filter xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" type="subtree"><a xmlns="b"/></filter>')
    assert found.wanted.child("b", "a") is not None
    assert found.wanted.child("b", "c") is None


def test_an_attribute_and_another_operation_are_refused() -> None:
    with pytest.raises(Invalid, match="no operation"):
        interest(etree.fromstring(f'<notify xmlns="{NAMESPACE}"/>'), 0)
    with pytest.raises(Invalid, match="no attribute x"):
        interest(etree.fromstring(f'<create-subscription xmlns="{NAMESPACE}" x="1"/>'), 0)


@pytest.mark.parametrize(
    "what",
    ["accepted", "updated", "started", "before-end", "released", "expired", "ended", "cancelled", "degraded", "healed"],
)
def test_every_event_of_a_reservation_is_told(what: str) -> None:
    told = body(entry(fact(f"reservation-{what}", HELD, old_state="initialized")))
    assert (told.event, told.old_state, told.new_state) == (what, "initialized", "active")
    assert (told.sequence, told.reservation_id, told.time.timestamp()) == (7, HELD.id, 3000)
    assert told.remaining_time == (4200 if what == "before-end" else None)
    assert told.reservation.shortfall.cores == 1
    assert told.reservation.remaining == told.reservation.capacity  # the entry names no instance


@pytest.mark.parametrize("what", ["accepted", "state", "leaving", "loose", "found", "gone"])
def test_every_event_of_an_instance_is_told(what: str) -> None:
    told = body(entry(fact(f"allocation-{what}", MADE, old_vm_state="BUILD", reservation=HELD.id)))
    assert (told.event, told.old_vm_state, told.vm_state, told.fault) == (what, "BUILD", "ERROR", "no valid <host>")
    assert told.reservation_id == (HELD.id if what == "loose" else None)
    assert told.allocation.name == "vm"


def test_capacity_is_told_with_what_follows_from_its_columns() -> None:
    told = body(entry(fact("reservation-accepted", HELD, columns=[COLUMNS])), 1)
    assert (told.cause, told.provider_id, told.zone) == ("reservation", PROVIDER, "az1")
    assert (told.window.start.timestamp(), told.window.end.timestamp()) == (3600, 7200)
    assert (told.metrics.available.cores, told.metrics.overdrawn.cores) == (0, 2)
    assert (told.change.reserved.cores, told.change.available.cores, told.change.overdrawn.cores) == (4, -2, 2)
    assert told.change.total is None
    assert told.change.reserved.custom[0].amount == 1
    assert told.change.available.custom[0].amount == -1


@pytest.mark.parametrize("kind", ["allocation-covered", "allocation-overdue", "reservation-forgotten"])
def test_some_events_are_told_to_nobody(kind: str) -> None:
    record: Any = MADE if kind.startswith("allocation") else HELD
    assert notices(entry(fact(kind, record))) == ()
    assert notices(entry(Event("reservation-accepted", "reservation", HELD.id, None))) == ()


def test_ids_are_of_the_place_and_of_nothing_else() -> None:
    first = entry(fact("reservation-accepted", HELD, columns=[COLUMNS, {**COLUMNS, "zone": None}]))
    ids = [body(first, number).event_id for number in range(3)]
    assert len(set(ids)) == 3
    assert [body(first, number).event_id for number in range(3)] == ids
    assert body(entry(first.event, 8)).event_id not in ids


def test_what_is_read_from_the_journal_is_told_in_the_same_bytes() -> None:
    live = entry(fact("reservation-updated", HELD, columns=[COLUMNS], pools=(PROVIDER,), old_state="active"))
    _, payload = encode(live.event, CODECS)
    read = decode(Row(live.seq, live.at, "", live.actor, live.event.kind, payload, b""), CODECS)
    assert [each.document for each in notices(read)] == [each.document for each in notices(live)]


@pytest.mark.parametrize(
    ("wanted", "passing"),
    [
        ('<reservation-event xmlns="urn:opnfv:promise"/>', True),
        ("<reservation-event/>", True),
        ('<capacity-event xmlns="urn:opnfv:promise"/>', False),
        ('<reservation-event xmlns="urn:other"/>', False),
        ("<reservation-event><event>updated</event></reservation-event>", True),
        ("<reservation-event><event>ended</event></reservation-event>", False),
        ("<reservation-event><reservation><owner>alice</owner></reservation></reservation-event>", True),
        ("<reservation-event><reservation><owner>bob</owner></reservation></reservation-event>", False),
        ("<reservation-event><remaining-time/></reservation-event>", False),
        ("<capacity-event/><reservation-event/>", True),
        ("", False),
    ],
)
def test_a_filter_passes_or_does_not(wanted: str, *, passing: bool) -> None:
    (notice,) = notices(entry(fact("reservation-updated", HELD)))
    before = notice.document
    assert passes(notice, Selection.of(etree.fromstring(f"<filter>{wanted}</filter>"))) is passing
    assert notice.document == before


def test_an_open_window_has_no_end() -> None:
    held = Reservation(
        HELD.id, "alice", "", PROVIDER, None, Window(3600, FOREVER), {"cores": 1}, State.INITIALIZED, 10, 20
    )
    columns = {key: value for key, value in COLUMNS.items() if key != "to"}
    event = entry(fact("reservation-accepted", held, columns=[columns]))
    assert body(event).reservation.end is None
    assert body(event, 1).window.end is None
