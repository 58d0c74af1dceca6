"""Pools as requested: the decision and its answer, from the rules of design sections 4 and 5."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from oracle.model_columns import bound_of, pooled, scopes_of, shortfalls
from oracle.model_fit import Ask, lowest, shortages
from oracle.model_records import OPEN, Pool
from oracle.model_requests import Answer, Query, refused, window_of

if TYPE_CHECKING:
    from oracle.model_records import Reservation, World


def add_pool(world: World, query: Query, sign: int, new_id: str | None) -> Answer:
    """increase-capacity and decrease-capacity."""
    source, zone = query["source"], query.get("zone")
    pool = world.pools.get(source)
    provider = pool.provider if pool else source
    start, end, faults = window_of(world, query)
    faults |= {"zone-mismatch"} if pool and zone is not None and pool.zone not in {None, zone} else set()
    if provider not in world.providers:
        return refused("not-found", *faults)
    if "zone-mismatch" in faults:
        return refused(*faults)
    zone = pool.zone if pool and zone is None else zone
    amounts = {name: amount for name, amount in query.get("capacity", {}).items() if amount}
    if zone is not None and zone not in world.providers[provider].zones:
        faults.add("zone-unknown")
    elements = query.get("elements", [])
    if not amounts and not elements:
        faults.add("nothing-requested")
    if pool and sign < 0 and pool.end <= world.now:
        faults.add("ended")
    if pool and sign < 0 and not faults - {"nothing-requested"}:
        start, end = max(start, pool.start), min(end, pool.end)
        faults |= {"window-invalid"} if end <= start else set()
        amounts = {name: min(amount, pool.amounts.get(name, 0)) for name, amount in amounts.items()}
        amounts = {name: amount for name, amount in amounts.items() if amount}
        faults |= set() if amounts or elements else {"nothing-requested"}
    if faults:
        return refused(*faults)
    planned = bool(query.get("planned")) and start > world.now
    new = Pool(new_id or "new", provider, zone, start, end, sign, amounts, planned, world.now, elements)
    return _increase(world, new) if sign > 0 else _decrease(world, new, strict=bool(query.get("strict")))


def _increase(world: World, new: Pool) -> Answer:
    if not new.planned and (short := _pool_short(world, new)):
        return refused("exceeds-provider", result="conflict", refusal=_told(new, short))
    world.pools[new.id] = new
    still = {
        name: {"reservation-id": name, "shortfall": short}
        for name, short in shortfalls(world).items()
        if _meet(world.reservations[name], new)
    }
    return {"result": "ok", "pool-id": new.id, "affected": still}


def _decrease(world: World, new: Pool, *, strict: bool) -> Answer:
    if short := _pool_short(world, new):
        return refused("below-zero", result="conflict", refusal=_told(new, short))
    world.pools[new.id] = new
    affected = _affected(world)
    if strict and affected:
        del world.pools[new.id]
        return _too_much(world, new, affected)
    return {"result": "ok", "pool-id": new.id, "affected": affected}


def _meet(held: Reservation, pool: Pool) -> bool:
    return held.provider == pool.provider and held.start < pool.end and pool.start < held.end


def _affected(world: World) -> dict[str, dict[str, Any]]:
    """Whom the pools, as they stand now, degrade more than before."""
    return {
        name: {"reservation-id": name, "shortfall": short}
        for name, short in shortfalls(world).items()
        if any(amount > world.short.get(name, {}).get(resource, 0) for resource, amount in short.items())
    }


def _too_much(world: World, decrease: Pool, affected: dict[str, dict[str, Any]]) -> Answer:
    ask = Ask(decrease.provider, decrease.zone, decrease.start, decrease.end, decrease.amounts)
    told = _told(decrease, shortages(world, ask))
    return refused("below-commitments", result="conflict", affected=affected, refusal=told)


def remove_pool(world: World, query: Query) -> Answer:
    """To end a pool that adds capacity is a decrease of all of it, from then on."""
    pool = world.pools.get(query["pool-id"])
    if pool is None:
        return refused("not-found")
    if pool.end <= world.now:
        return refused("ended")
    end = max(world.now, math.ceil(query.get("end", world.now)))
    if end >= pool.end:
        return {"result": "ok"}
    decrease = replace(pool, start=max(end, pool.start), sign=-1)
    if pool.sign > 0 and (short := _pool_short(world, decrease)):
        return refused("below-zero", result="conflict", refusal=_told(decrease, short))
    kept, pool.end = pool.end, end if end > pool.start else world.now
    affected = _affected(world)
    if query.get("strict") and affected:
        pool.end = kept
        return _too_much(world, decrease, affected)
    return {"result": "ok", "affected": affected}


def _told(new: Pool, short: dict[str, dict[str, Any]]) -> Answer:
    """What would be possible of it: the short resources as far as there are any, the others whole."""
    most = {name: short[name]["available"] if name in short else amount for name, amount in new.amounts.items()}
    return {"provider-id": new.provider, "shortfall": short, "max-capacity": most}


def _pool_short(world: World, new: Pool) -> dict[str, dict[str, Any]]:
    """Where an increase is more than the cloud can give, or a decrease more than there is."""
    found = {}
    points = _pool_points(world, new)
    for resource, amount in new.amounts.items():
        levels = {at: max(0, _pool_room(world, new, resource, at)) for at in points}
        if min(levels.values()) < amount:
            start, end = lowest(levels, [*points, new.end])
            entry = {"resource": resource, "requested": amount, "available": min(levels.values()), "from": start}
            found[resource] = entry | ({} if end == OPEN else {"to": end})
    return found


def _pool_points(world: World, new: Pool) -> list[int]:
    points = {new.start}
    for pool in world.pools.values():
        points |= {pool.start, pool.end}
    return sorted(at for at in points if new.start <= at < new.end)


def _pool_room(world: World, new: Pool, resource: str, at: int) -> int:
    scopes = scopes_of(new.provider, new.zone)
    if new.sign < 0:
        return min(pooled(world, scope, resource, at) for scope in scopes)
    awaited = {pool.id for pool in world.pools.values() if pool.planned}
    return min(bound_of(world, scope, resource) - pooled(world, scope, resource, at, awaited) for scope in scopes)
