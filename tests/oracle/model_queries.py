"""What the queries answer: every interval of the window is added up anew (design sections 4 and 5)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from oracle.model_columns import METRICS, Columns, Scope, columns, instants, managed
from oracle.model_instances import shown_instance
from oracle.model_records import OPEN, Amounts, Instance, Pool, Provider, Reservation, World
from oracle.model_requests import Answer, Query, refused, shown
from oracle.model_time import zones_managed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LEAST = {"total", "available"}

Record = Pool | Reservation | Instance


def query_capacity(world: World, query: Query) -> Answer:
    providers, start, end, faults = _asked(world, query)
    if faults:
        return refused(*faults)
    hidden = _hidden(world, query)
    metric = query.get("capacity", "available")
    listed = _records(world, query, metric, providers, start, end)
    scopes = [Scope(one.id, query.get("zone")) for one in providers]
    series = _series(world, scopes, start, end, hidden)
    answer: Answer = {"result": "ok", "collections": {f"{_kind(one)}:{one.id}" for one in listed}}
    answer["metrics"] = extremes([levels for _, levels in series])
    if query.get("show-utilization", True):
        whole = bool(query.get("all-metrics"))
        entries = [_entry(world, at, levels, metric, listed, whole=whole) for at, levels in series]
        resolution = query.get("resolution")
        answer["utilization"] = _thinned(entries) if resolution is None else _coarse(world, series, query, listed, end)
    if len(providers) > 1:
        answer["per-provider"] = {one.id: _one(world, one, query, start, end, hidden) for one in providers}
    if "flavor" in query:
        fits = [_fits(world, one, query, start, end, hidden) for one in providers]
        with_it = [number for one, number in zip(providers, fits, strict=True) if _flavor(one, query) is not None]
        limited = all(number is not None for number in with_it)
        answer |= {"fits": sum(number or 0 for number in with_it)} if limited else {}
    return answer


def _asked(world: World, query: Query) -> tuple[list[Provider], int, int, set[str]]:
    window = query.get("window", {})
    start = math.floor(window["start"]) if "start" in window else world.now
    end = math.ceil(window["end"]) if "end" in window else OPEN
    faults = {"window-invalid", "window-past"} if end <= start else set()
    name, zone = query.get("provider-id"), query.get("zone")
    if name is not None and name not in world.providers:
        faults.add("not-found")
    providers = [one for one in world.providers.values() if name in {None, one.id}]
    if zone is not None:
        providers = [one for one in providers if zone in one.zones]
        faults |= set() if providers else {"zone-unknown"}
    if "flavor" in query and not any(_flavor(one, query) for one in providers):
        faults.add("flavor-unknown")
    return providers, start, end, faults


def _series(world: World, scopes: list[Scope], start: int, end: int, hidden: set[str]) -> list[tuple[int, Columns]]:
    points = {at for scope in scopes for at in instants(world, scope.provider, start, end)} | {start}
    return [(at, _summed([columns(world, scope, at, hidden) for scope in scopes])) for at in sorted(points)]


def _summed(parts: Iterable[Columns]) -> Columns:
    whole: Columns = {metric: {} for metric in METRICS}
    for part in parts:
        for metric, amounts in part.items():
            for name, amount in amounts.items():
                whole[metric][name] = whole[metric].get(name, 0) + amount
    return whole


def extremes(levels: list[Columns]) -> Columns:
    """Total and available at their minimum, the other columns at their maximum."""
    answer: Columns = {}
    for metric in METRICS:
        pick = min if metric in LEAST else max
        names = {name for level in levels for name in level[metric]}
        answer[metric] = {name: pick(level[metric][name] for level in levels) for name in names}
    return answer


def _entry(world: World, at: int, levels: Columns, metric: str, listed: list[Record], *, whole: bool) -> Answer:
    entry: Answer = {"timestamp": at, "count": sum(_lives(world, one, at) for one in listed)}
    entry["capacity"] = levels[metric]
    return entry | (dict(levels) if whole else {})


def _thinned(entries: list[Answer]) -> list[Answer]:
    """Only the entries that differ from the one before."""

    def body(entry: Answer) -> Answer:
        return {name: value for name, value in entry.items() if name != "timestamp"}

    kept = entries[:1]
    for entry in entries[1:]:
        if body(entry) != body(kept[-1]):
            kept.append(entry)
    return kept


def _coarse(
    world: World, series: list[tuple[int, Columns]], query: Query, listed: list[Record], end: int
) -> list[Answer]:
    """Entries at multiples of the resolution, each with the extremes of its interval."""
    step, metric = query["resolution"], query.get("capacity", "available")
    first, last = series[0][0], series[-1][0]
    stop = end if end < OPEN else last + 1 + step
    answer: list[Answer] = []
    for at in range(first, stop, step):
        within = [levels for when, levels in series if at <= when < at + step]
        before = [levels for when, levels in series if when <= at][-1]
        levels = extremes([before, *within])
        answer.append(_entry(world, at, levels, metric, listed, whole=bool(query.get("all-metrics"))))
    return answer


def _one(world: World, provider: Provider, query: Query, start: int, end: int, hidden: set[str]) -> Answer:
    series = _series(world, [Scope(provider.id, query.get("zone"))], start, end, hidden)
    answer: Answer = {"provider-id": provider.id, "metrics": extremes([levels for _, levels in series])}
    fits = _fits(world, provider, query, start, end, hidden) if _flavor(provider, query) else None
    return answer | ({} if fits is None else {"fits": fits})


def _flavor(provider: Provider, query: Query) -> Amounts | None:
    wanted = query.get("flavor")
    by_id = [one.needs for one in provider.flavors if one.id == wanted]
    found = by_id or [one.needs for one in provider.flavors if one.name == wanted]
    return found[0] if len(found) == 1 else None


def _fits(world: World, provider: Provider, query: Query, start: int, end: int, hidden: set[str]) -> int | None:
    """How many instances of the flavor fit throughout; None when no managed resource limits it."""
    needs = _flavor(provider, query)
    if needs is None:
        return None
    zones, managing = sorted(provider.zones), zones_managed(world, provider.id, hidden)
    most = _room(world, Scope(provider.id), needs, (start, end), hidden)
    if query.get("zone") is not None:
        most = min(most, _room(world, Scope(provider.id, query["zone"]), needs, (start, end), hidden))
    elif managing and managing == zones:
        most = min(most, sum(_room(world, Scope(provider.id, one), needs, (start, end), hidden) for one in zones))
    return None if most >= OPEN else most


def _room(world: World, scope: Scope, flavor: Amounts, window: tuple[int, int], hidden: set[str]) -> int:
    """How many such instances, each with a port, fit in a scope throughout; OPEN when nothing managed limits them."""
    needs = {name: amount for name, amount in (flavor | {"ports": 1}).items() if amount}
    spots = instants(world, scope.provider, *window)
    levels = [columns(world, scope, at, hidden)["available"] for at in spots]
    names = set(needs) & managed(world, scope, hidden)
    return min((level[name] // needs[name] for level in levels for name in names), default=OPEN)


# ---- which records are listed


def _hidden(world: World, query: Query) -> set[str]:
    """What is thought away: of others' records nothing, as if they were unknown."""
    owned: list[Reservation | Instance] = [*world.reservations.values(), *world.instances.values()]
    mine = [one.id for one in owned if world.sees(one)]
    return set(query.get("without", [])) & {*world.pools, *mine}


def _records(world: World, query: Query, metric: str, providers: list[Provider], start: int, end: int) -> list[Record]:
    kinds: dict[str, tuple[type, ...]] = {"total": (Pool,), "reserved": (Reservation,), "usage": (Instance,)}
    wanted = kinds.get(metric, (Pool, Reservation, Instance))
    everything: list[Record] = [*world.pools.values(), *world.reservations.values(), *world.instances.values()]
    good = _filter(world, query, providers, start, end)
    return [one for one in everything if isinstance(one, wanted) and _alive(world, one) and good(one)]


def _filter(world: World, query: Query, providers: list[Provider], start: int, end: int) -> Callable[[Record], bool]:
    names = {one.id for one in providers}
    zone, hidden = query.get("zone"), _hidden(world, query)
    exclusive = query.get("window", {}).get("scope") == "exclusive"
    some, every = (set(query.get("elements", {}).get(name, [])) for name in ("some", "every"))

    def good(record: Record) -> bool:
        first, after = _span(world, record)
        if not every <= _elements(record) or (some and not some & _elements(record)):
            return False
        fits = start <= first and after <= end if exclusive else first < end and start < after
        fits = fits and (isinstance(record, Pool) or world.sees(record))
        named = query.get("provider-id") is None or record.provider in names
        return fits and named and zone in {None, record.zone} and record.id not in hidden

    return good


def _elements(record: Record) -> set[str]:
    if isinstance(record, Instance):
        return {record.server} if record.server else set()
    return set(record.elements)


def _alive(world: World, record: Record) -> bool:
    return record.end > world.now if isinstance(record, Pool) else record.live


def _span(world: World, record: Record) -> tuple[int, int]:
    """From when until when a record counts."""
    if not isinstance(record, Instance):
        return record.start, record.end
    return record.start, OPEN


def _lives(world: World, record: Record, at: int) -> bool:
    start, end = _span(world, record)
    return start <= at < end and _alive(world, record)


def _kind(record: Record) -> str:
    return {Pool: "ResourcePool", Reservation: "ResourceReservation", Instance: "ResourceAllocation"}[type(record)]


# ---- reservations and instances


def query_reservation(world: World, query: Query) -> Answer:
    providers, start, end, faults = _asked(world, query)
    if faults:
        return refused(*faults)
    earliest = start if {"start", "end"} & set(query.get("window", {})) else -OPEN
    good = _filter(world, query, providers, earliest, end)
    ids, states = query.get("reservation-id"), query.get("state")
    listed = []
    for found in world.reservations.values():
        wanted = found.state in states if states else (found.live or ids is not None)
        named = (ids is None or found.id in ids) and query.get("name") in {None, found.name}
        if wanted and named and good(found):
            listed.append(found)
    answer: Answer = {"result": "ok", "reservations": {found.id for found in listed}}
    answer["reservation"] = {found.id: shown(world, found) for found in listed}
    if query.get("show-utilization", True):
        hidden = _hidden(world, query)
        scopes = [Scope(one.id, query.get("zone")) for one in providers]
        series = _series(world, scopes, start, end, hidden)
        answer["utilization"] = _thinned(
            [_entry(world, at, levels, "reserved", list(listed), whole=False) for at, levels in series]
        )
    return answer


def query_instance(world: World, query: Query) -> Answer:
    ids, states = query.get("instance-id"), query.get("vm-state")
    listed = {}
    for found in world.instances.values():
        wanted = found.state in states if states else (found.state != "DELETED" or ids is not None)
        named = (ids is None or found.id in ids) and world.sees(found)
        if wanted and named and query.get("reservation-id") in {None, found.reservation}:
            listed[found.id] = shown_instance(world, found)
    return {"result": "ok", "instance": listed}
