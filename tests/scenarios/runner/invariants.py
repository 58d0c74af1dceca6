"""What must be true after every story, whatever it told of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lxml import etree
from scenarios.runner import messages
from scenarios.runner.arithmetic import METRICS, Arithmetic, Columns, capacity, every, instant, text
from scenarios.runner.words import T0, Words

from promise.capacity.model import Pool, Scope
from promise.ledger import recovery
from promise.ledger.address import open_store
from promise.ledger.state import CODECS, State
from promise.northbound import bindings as yang
from promise.resources import FOREVER, Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml.etree import _Element
    from netconf_client import NetconfClient
    from scenarios.runner.stage import Stage

DAY = 86_400


async def columns_hold(stage: Stage, *, may_overdraw: bool) -> list[str]:
    """Return where query-capacity, over all time and in every scope, does not say what the records add up to."""
    session = await stage.session("admin")
    reply = await session.rpc(messages.reading("get", None, Words()))
    promise = reply.find(f".//{{{messages.NAMESPACE}}}promise")
    arithmetic = Arithmetic(promise, stage.clock.now())
    wrong: list[str] = []
    for provider, zone in arithmetic.scopes():
        where = f"{provider} {zone or ''}"
        answer = await _query(session, provider, zone)
        wrong += [f"{where}: {line}" for line in _course_holds(answer, arithmetic, provider, zone)]
        if not may_overdraw and any(capacity(_metrics(answer), "overdrawn").values()):
            wrong.append(f"{where}: overdrawn by {capacity(_metrics(answer), 'overdrawn')}")
    return wrong


async def _query(session: NetconfClient, provider: str, zone: str | None) -> _Element:
    given: dict[str, Any] = {"provider-id": provider, "window": {"start": "T0-P1D"}, "all-metrics": True}
    if zone:
        given["zone"] = zone
    reply = await session.rpc(messages.operation("query-capacity", given, Words()))
    yang.RPCS["query-capacity"].decode_output_xml(messages.body(reply))
    answer: _Element = reply
    return answer


def _metrics(answer: _Element) -> _Element:
    """Return the extremes; where no resource is managed there is no such element, which says as much."""
    return next(every(answer, "metrics"), etree.Element("metrics"))


def _columns(element: _Element) -> Columns:
    return {name: capacity(element, name) for name in METRICS}


def _course_holds(answer: _Element, arithmetic: Arithmetic, provider: str, zone: str | None) -> Iterator[str]:
    course = {instant(text(point, "timestamp")): _columns(point) for point in every(answer, "utilization")}
    if not course or min(course) != T0 - DAY:
        yield f"the course begins at {min(course, default=None)}, not at the window's start: {etree.tostring(answer)!r}"
        return
    for when in sorted({*course, *(at for at in arithmetic.instants() if at >= T0 - DAY)}):
        shown = course[max(at for at in course if at <= when)]
        wanted = arithmetic.columns(provider, zone, when)
        for name in METRICS:
            if shown[name] != wanted[name]:
                yield f"at T0{when - T0:+} s {name} is {shown[name]}, and the records make {wanted[name]}"
        for resource in shown["total"]:
            total, reserved, usage, available, over = (shown[name][resource] for name in METRICS)
            if total + over != available + reserved + usage:
                yield f"at T0{when - T0:+} s total + overdrawn is not available + reserved + usage of {resource}"
    extremes = _columns(_metrics(answer))
    for name in METRICS:
        pick = min if name in {"total", "available"} else max
        wanted_most = {
            resource: pick(point[name][resource] for point in course.values()) for resource in extremes[name]
        }
        if extremes[name] != wanted_most:
            yield f"metrics/{name} is {extremes[name]}, and the course makes {wanted_most}"


def rebuilt_is_live(live: State, url: str) -> list[str]:
    """Return how a state made anew from the tables, and one from the journal, differ from the live one.

    The ledger is closed; its journal and records are verified from end to end, which raises LedgerCorrupt.
    """
    store = open_store(url)
    try:
        recovery.verify(store, full=True)
        recovery.compare(store, CODECS)
        from_tables, from_journal = State(), State()
        from_tables.load(recovery.records(store, CODECS))
        recovery.replay(store, CODECS, from_journal.apply)
    finally:
        store.close()
    found = [f"rebuilt from the tables: {line}" for line in _state_differs(live, from_tables)]
    return found + [f"replayed from the journal: {line}" for line in _state_differs(live, from_journal)]


def _supply(state: State, scope: Scope) -> tuple[list[Pool], Mapping[str, int]]:
    """Return what makes up a total; in which order does not matter."""
    supply = state.supply(scope)
    return sorted(supply.pools, key=lambda pool: pool.id), supply.bound


def _state_differs(live: State, other: State) -> Iterator[str]:
    for table in CODECS:
        if live._tables[table] != other._tables[table]:
            yield f"table {table} differs"
    scopes = {Scope(key) for key in live.providers}
    scopes |= {Scope(key, zone) for key in live.providers for zone in live.zones_of(key)}
    for scope in scopes:
        here, there = (list(state.timeline(scope).series(Window(0, FOREVER))) for state in (live, other))
        if here != there:
            yield f"timeline of {scope} is {there}, live {here}"
        if _supply(live, scope) != _supply(other, scope):
            yield f"supply of {scope} differs"
    if live.next_due() != other.next_due():
        yield f"next due is {other.next_due()}, live {live.next_due()}"
