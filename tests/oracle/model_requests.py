"""Reservations as requested: the decision and its answer, from the rules of design section 5."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from oracle.model_columns import Scope, managed, regrade, remaining, scopes_of
from oracle.model_cover import beyond, covers, drawn
from oracle.model_elements import held, lacking, others, places
from oracle.model_fit import DAY, HOUR, Ask, alternatives, blocking, most, shortages, standing
from oracle.model_records import OPEN, Amounts, Pool, Reservation, World
from oracle.model_time import finish

if TYPE_CHECKING:
    from collections.abc import Callable

Containers = dict[str, tuple[int, Amounts]]
Query = dict[str, Any]
Answer = dict[str, Any]


def refused(*reasons: str, result: str = "error", **more: Any) -> Answer:
    """An answer that says no; of several reasons that hold, any may be told."""
    return {"result": result, "reason": set(reasons), **more}


def window_of(world: World, query: Query) -> tuple[int, int, set[str]]:
    """The effective window, and what is wrong with the one that was asked for."""
    given_start = math.floor(query["start"]) if "start" in query else None
    start = max(world.now, given_start) if given_start is not None else world.now
    end = math.ceil(query["end"]) if "end" in query else OPEN
    faults = set()
    if end <= world.now:
        faults.add("window-past")
    if end <= (given_start if given_start is not None else start) or (world.now < end <= start):
        faults.add("window-invalid")
    return start, end, faults


def of_policy(world: World, start: int, end: int) -> set[str]:
    policy, faults = world.policy, set()
    ahead, until = policy.max_future_start_range, policy.max_future_end_range
    if ahead is not None and start - world.now > ahead * DAY:
        faults.add("start-too-far")
    if until is not None and end - world.now > until * DAY:
        faults.add("end-too-far")
    if policy.max_duration is not None and end - start > policy.max_duration * HOUR:
        faults.add("duration-too-long")
    return faults


def of_expiry(world: World, expiry: int | None, start: int) -> set[str]:
    """A reservation cannot be held until a moment before it starts."""
    if expiry is None:
        return set()
    return ({"window-past"} if expiry <= world.now else set()) | ({"window-invalid"} if expiry <= start else set())


def create_reservation(world: World, query: Query, new_id: str | None) -> Answer:
    start, end, faults = window_of(world, query)
    if end == OPEN and world.policy.max_duration is not None:
        end = start + world.policy.max_duration * HOUR
    amounts = {name: amount for name, amount in query.get("capacity", {}).items() if amount}
    counts = {one["flavor"]: one["count"] for one in query.get("containers", []) if one["count"]}
    faults |= set() if faults else of_policy(world, start, end) | of_expiry(world, query.get("expiry"), start)
    elements = query.get("elements", [])
    faults |= set() if amounts or counts or elements else {"nothing-requested"}
    provider, zone = query.get("provider-id"), query.get("zone")
    if (provider is not None and provider not in world.providers) or not world.providers:
        return refused("not-found", *faults)
    candidates = [provider] if provider is not None else list(world.providers)
    if zone is not None:
        candidates = [one for one in candidates if zone in world.providers[one].zones]
        faults |= set() if candidates else {"zone-unknown"}
    candidates, absent = places(world, candidates, elements)
    faults |= absent
    units = [valued(world, one, zone, query) for one in candidates]
    faults |= {"flavor-unknown"} if units and units[0] is None else set()
    if faults:
        return refused(*faults)
    asks = [
        Ask(one, zone, start, end, plus(amounts, contained(unit or {})), expiry=query.get("expiry", OPEN),
            elements=elements, also=others(world, one, elements))
        for one, unit in zip(candidates, units, strict=True)
    ]  # fmt: skip
    asks = [ask for ask in asks if ask.amounts or elements]
    if not asks:
        return refused("nothing-requested")
    chosen = next((ask for ask in asks if not shortages(world, ask) and not held(world, ask)), None)
    if chosen is None:
        return conflict(world, asks)
    return _accepted(world, query, chosen, new_id)


def _accepted(world: World, query: Query, ask: Ask, new_id: str | None) -> Answer:
    expiry = query.get("expiry")
    if expiry is None and world.policy.expiry is not None:
        expiry = ask.start + world.policy.expiry * 60
    state = "active" if ask.start <= world.now else "initialized"
    new = Reservation(
        new_id or "new", world.user, ask.provider, ask.zone, ask.start, ask.end, expiry, "expiry" in query,
        query.get("priority", "high"), query.get("name"), dict(ask.amounts), state, world.now, world.now,
        containers=without_none(valued(world, ask.provider, ask.zone, query) or {}),
        notice=notice_of(world, ask.start, ask.end), elements=ask.elements, also=ask.also,
    )  # fmt: skip
    answer = accepted(world, new)
    if query.get("dry-run"):
        del answer["reservation-id"]
    else:
        world.reservations[new.id] = new
    return answer


def accepted(world: World, new: Reservation) -> Answer:
    answer: Answer = {"result": "ok", "reservation-id": new.id, "state": new.state, "start": new.start}
    answer |= {"provider-id": new.provider} | ({} if new.end == OPEN else {"end": new.end})
    answer |= {} if new.expiry is None else {"expiry": new.expiry}
    answer["pools"] = {pool.id for pool in drawn_on(world, new)} if new.live else set()
    return answer


def notice_of(world: World, start: int, end: int) -> int | None:
    """When to tell its owner that a reservation will end soon."""
    early = world.policy.before_end
    return None if early is None or end == OPEN else max(start, end - early * 60)


def valued(world: World, provider: str, zone: str | None, query: Query) -> Containers | None:
    """The flavors that a request names, with what one takes of what is managed there; None when there is no such."""
    known = world.providers[provider].flavors
    everywhere = set.intersection(*(managed(world, scope) for scope in scopes_of(provider, zone)))
    found: Containers = {}
    for asked in query.get("containers", []):
        by_id = [one for one in known if one.id == asked["flavor"]]
        flavors = by_id or [one for one in known if one.name == asked["flavor"]]
        if len(flavors) != 1:
            return None
        unit = {name: amount for name, amount in flavors[0].needs.items() if name in everywhere}
        found[flavors[0].id] = (asked["count"], unit)
    return found


def without_none(held: Containers) -> Containers:
    return {name: one for name, one in held.items() if one[0]}


def contained(held: Containers) -> Amounts:
    """What they come to."""
    whole: Amounts = {}
    for count, unit in held.values():
        whole = plus(whole, {name: count * amount for name, amount in unit.items()})
    return whole


def plus(one: Amounts, other: Amounts, sign: int = 1) -> Amounts:
    whole = {name: one.get(name, 0) + sign * other.get(name, 0) for name in {**one, **other}}
    return {name: amount for name, amount in whole.items() if amount}


def drawn_on(world: World, found: Reservation) -> list[Pool]:
    """The pools in force in the window of a reservation."""
    return [
        pool
        for pool in world.pools.values()
        if pool.provider == found.provider
        and found.zone in {None, pool.zone}
        and pool.sign > 0
        and pool.end > world.now
        and pool.start < found.end
        and found.start < pool.end
    ]


def conflict(world: World, asks: list[Ask], **more: Any) -> Answer:
    """About one provider: the one with the earliest alternative, else the first."""

    def key(ask: Ask) -> tuple[int, int]:
        found = alternatives(world, ask)
        return (found[0]["start"] if found else OPEN, asks.index(ask))

    ask = min(asks, key=key)
    short = shortages(world, ask)
    told = {
        "provider-id": ask.provider,
        "shortfall": short,
        "max-capacity": most(world, ask) if short else {},
        "alternative": alternatives(world, ask),
        "blocking": blocking(world, ask),
        "held-element": held(world, ask),
    }
    return refused("insufficient-capacity" if short else "element-reserved", result="conflict", refusal=told, **more)


def update_reservation(world: World, query: Query) -> Answer:
    found = world.reservations.get(query["reservation-id"])
    if found is None or not world.sees(found):
        return refused("not-found")
    if not found.live:
        return refused("ended", reservation=shown(world, found))
    changed, known = _merged(world, found, query)
    faults = _update_faults(world, found, changed, query)
    faults |= set() if known or faults == {"changed"} else {"flavor-unknown"}
    if faults:
        return refused(*faults, reservation=shown(world, found))
    if _same(found, changed):
        return {"result": "ok", "reservation": shown(world, found)}
    return _changed(world, query, found, changed)


def _changed(world: World, query: Query, found: Reservation, changed: Reservation) -> Answer:
    mine = world.instances_of(found.id)
    cover = covers(mine, changed.amounts)
    ask = Ask(
        changed.provider, changed.zone, max(world.now, changed.start), changed.end, changed.amounts, found.id,
        movable=found.state == "initialized",
        expiry=changed.expiry if changed.own_expiry and changed.expiry is not None else OPEN,
        left=beyond(mine, cover), elements=changed.elements, also=changed.also,
    )  # fmt: skip
    if changed.zone == found.zone:
        ask.before, ask.before_window = found.amounts, (found.start, found.end)
    ask.standing = standing(world, found, changed)
    if shortages(world, ask) or held(world, ask):
        return conflict(world, [ask], reservation=shown(world, found))
    if query.get("dry-run"):
        return {"result": "ok", "reservation": shown_as(world, found, changed)}
    world.reservations[found.id] = changed
    before, after = ((one.end, one.zone, one.priority) for one in (found, changed))
    for instance in mine:
        if before != after or instance.cover != cover[instance.id]:
            instance.cover, instance.modified = cover[instance.id], world.now
    return {"result": "ok", "reservation": shown(world, changed)}


def _same(found: Reservation, changed: Reservation) -> bool:
    """Tell whether the update changes nothing."""
    old, new = ({**vars(one), "version": 0, "modified": 0} for one in (found, changed))
    return old == new


def _merged(world: World, found: Reservation, query: Query) -> tuple[Reservation, bool]:
    """The reservation as it would be, and whether all flavors that it names are known."""
    gone = query.get("remove", [])
    zone = None if "zone" in gone else query.get("zone", found.zone)
    named = valued(world, found.provider, zone, query)
    containers = without_none({**found.containers, **(named or {})})
    plain = plus(found.amounts, contained(found.containers), -1)
    amounts = plus({name: amount for name, amount in {**plain, **query.get("capacity", {})}.items() if amount},
                   contained(containers))  # fmt: skip
    moves = "start" in query and found.state == "initialized"
    start = max(world.now, math.floor(query["start"])) if moves else found.start
    end = OPEN if "end" in gone else math.ceil(query["end"]) if "end" in query else found.end
    if end == OPEN and "end" in gone and world.policy.max_duration is not None:
        end = start + world.policy.max_duration * HOUR
    own = "expiry" in query or (found.own_expiry and "expiry" not in gone)
    expiry = query.get("expiry", found.expiry)
    if not own and (start != found.start or "expiry" in gone):
        kept = found.expiry is not None or "expiry" in gone
        expiry = start + world.policy.expiry * 60 if world.policy.expiry is not None and kept else None
    elements = query.get("elements", [] if "elements" in gone else found.elements)
    also = others(world, found.provider, [one for one in elements if one not in found.elements])
    changed = Reservation(
        found.id, found.owner, found.provider,
        zone, start, end, expiry, own,
        query.get("priority", found.priority),
        None if "name" in gone else query.get("name", found.name),
        {name: amount for name, amount in amounts.items() if amount},
        "active" if start <= world.now else "initialized",
        found.created, world.now, found.version + 1, containers,
        found.notice if (start, end) == (found.start, found.end) else notice_of(world, start, end),
        elements, also | {one: names for one, names in found.also.items() if one in elements},
        [one for one in found.missing if one in elements],
    )  # fmt: skip
    return changed, named is not None


def _update_faults(world: World, found: Reservation, changed: Reservation, query: Query) -> set[str]:
    if "if-version" in query and query["if-version"] != found.version:
        return {"changed"}
    faults = _place_faults(world, found, changed, query)
    if found.state == "active" and "start" in query and math.floor(query["start"]) != found.start:
        faults.add("already-started")
    if changed.end <= world.now:
        faults.add("window-past")
    if changed.end <= changed.start:
        faults.add("window-invalid")
    faults |= of_policy(world, changed.start, changed.end)
    if (changed.expiry, changed.start) != (found.expiry, found.start):
        faults |= of_expiry(world, changed.expiry, changed.start)
    if not changed.amounts and not changed.elements:
        faults.add("nothing-requested")
    faults |= lacking(world, found.provider, [one for one in query.get("elements", []) if one not in found.elements])
    if any(_taken(world, found, name) > changed.amounts.get(name, 0) for name in {*found.amounts, *changed.amounts}):
        faults.add("below-allocations")
    return faults


def _place_faults(world: World, found: Reservation, changed: Reservation, query: Query) -> set[str]:
    """A reservation never moves to another provider, nor to another zone while it has instances."""
    faults = set()
    if query.get("provider-id", found.provider) not in world.providers:
        faults.add("not-found")
    if query.get("provider-id", found.provider) != found.provider:
        faults.add("provider-mismatch")
    if changed.zone != found.zone:
        faults |= {"zone-mismatch"} if world.instances_of(found.id) else set()
        if changed.zone is not None and changed.zone not in world.providers[found.provider].zones:
            faults.add("zone-unknown")
    return faults


def _taken(world: World, found: Reservation, resource: str) -> int:
    return sum(drawn(instance).get(resource, 0) for instance in world.instances_of(found.id))


def cancel(world: World, query: Query) -> Answer:
    """One reservation, or each of several for itself."""
    if "reservation-ids" not in query:
        return cancel_reservation(world, query["reservation-id"])
    return of_several(
        query["reservation-ids"], "reservation-id", lambda name: graded_anew(world, cancel_reservation(world, name))
    )


def graded_anew(world: World, answer: Answer) -> Answer:
    """Each of several is decided for itself: who degrades by it is found before the next one is decided."""
    regrade(world)
    return answer


def of_several(ids: list[str], leaf: str, decide: Callable[[str], Answer]) -> Answer:
    """The outcomes of each; the answer as a whole is ok only when all are."""
    found = {name: decide(name) for name in dict.fromkeys(ids)}
    instances = {one for answer in found.values() for one in answer.pop("instances", set())}
    good = [answer["result"] == "ok" for answer in found.values()]
    outcome = {name: {leaf: name, **answer} for name, answer in found.items()}
    whole: Answer = {"result": "ok"} if all(good) else refused("partial")
    return whole | {"outcome": outcome} | ({"instances": instances} if leaf == "reservation-id" else {})


def cancel_reservation(world: World, name: str) -> Answer:
    found = world.reservations.get(name)
    if found is None or not world.sees(found):
        return refused("not-found")
    if found.state == "cancelled":
        return {"result": "ok", "instances": set()}
    if not found.live:
        return refused("ended")
    instances = {instance.id for instance in world.instances_of(name)}
    finish(world, found, "cancelled", world.now)
    return {"result": "ok", "instances": instances}


def shown(world: World, found: Reservation) -> Answer:
    """A reservation as answers show it."""
    return shown_as(world, found, found)


def shown_as(world: World, known: Reservation, found: Reservation) -> Answer:
    short: Amounts = world.short.get(known.id, {}) if known.live else {}
    missing = set(found.missing) if known.live else set()
    answer: Answer = {
        "id": found.id, "owner": found.owner, "provider": found.provider, "start": found.start, "state": found.state,
        "degraded": bool(short or missing), "priority": found.priority, "version": found.version,
        "created-on": found.created, "modified-on": found.modified, "shortfall": short, "capacity": dict(found.amounts),
        "remaining": remaining(world, found) if found.live else {},
        "pools": {pool.id for pool in drawn_on(world, found)} if known.live else set(),
        "allocations": {instance.id for instance in world.instances_of(found.id)},
        "elements": set(found.elements), "missing-elements": missing,
    }  # fmt: skip
    if found.containers:
        held = found.containers.items()
        answer["containers"] = {name: {"flavor": name, "count": count} for name, (count, _) in held}
    optional = {"name": found.name, "zone": found.zone, "expiry": found.expiry, "end": found.end}
    answer |= {name: value for name, value in optional.items() if value not in {None, OPEN}}
    return answer


def scope_of(found: Reservation) -> Scope:
    return Scope(found.provider, found.zone)
