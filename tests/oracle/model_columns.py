"""The four columns at one instant, by adding up every record anew, and what follows from them (design section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from oracle.model_records import LEAVES, OPEN, Amounts, Instance, Reservation, World

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

METRICS = ("total", "reserved", "usage", "available", "overdrawn")

Columns = dict[str, Amounts]

PRIORITIES = ["low", "normal", "high"]


class Scope(NamedTuple):
    provider: str
    zone: str | None = None


def scopes_of(provider: str, zone: str | None) -> list[Scope]:
    """Where a request with this zone must fit."""
    return [Scope(provider)] if zone is None else [Scope(provider), Scope(provider, zone)]


def managed(world: World, scope: Scope, hidden: Collection[str] = ()) -> set[str]:
    """Resources that a current or future pool of the scope names."""
    pools = [p for p in world.pools.values() if p.end > world.now and p.id not in hidden and inside(p, scope)]
    return {name for pool in pools for name, amount in pool.amounts.items() if amount}


def bound_of(world: World, scope: Scope, resource: str) -> int:
    provider = world.providers[scope.provider]
    bound = provider.bound if scope.zone is None else provider.zones.get(scope.zone, {})
    inventoried = resource not in LEAVES  # a class of which no host has an inventory is not there
    return bound.get(resource, 0 if inventoried else OPEN)


def pooled(world: World, scope: Scope, resource: str, at: int, hidden: Collection[str] = ()) -> int:
    """The sum of the pools in force; of the past only what still stands is told."""
    return sum(
        pool.sign * pool.amounts.get(resource, 0)
        for pool in world.pools.values()
        if pool.id not in hidden and inside(pool, scope) and pool.start <= at < pool.end > world.now
    )


def total(world: World, scope: Scope, resource: str, at: int, hidden: Collection[str] = ()) -> int:
    """The pools in force, as far as the cloud can give them; one that is planned comes on top until it starts."""
    awaited = {pool.id for pool in world.pools.values() if pool.planned}
    certain = pooled(world, scope, resource, at, {*hidden, *awaited})
    everything = pooled(world, scope, resource, at, hidden)
    return max(0, min(certain, bound_of(world, scope, resource)) + everything - certain)


def claims_at(world: World, scope: Scope, at: int, hidden: Collection[str] = ()) -> list[Reservation]:
    """The live reservations whose window has this instant."""
    return [
        found
        for found in world.reservations.values()
        if found.live and found.id not in hidden and inside(found, scope) and found.start <= at < found.end
    ]


def claimed(world: World, scope: Scope, resource: str, at: int, hidden: Collection[str] = ()) -> int:
    return sum(found.amounts.get(resource, 0) for found in claims_at(world, scope, at, hidden))


def used(world: World, scope: Scope, resource: str, at: int, hidden: Collection[str] = ()) -> tuple[int, int]:
    """What instances take under claims of the scope, and without one (loose).

    An instance counts to the end of its reservation in what that names. In its zone there is no claim of a
    reservation without zone: there that usage is loose.
    """
    under = loose = 0
    for instance in world.instances.values():
        if not instance.live or instance.id in hidden or not inside(instance, scope):
            continue
        amount = instance.needs.get(resource, 0)
        claim = claim_of(world, instance, resource, hidden)
        if claim is None:
            loose += amount if at >= instance.start else 0
        elif instance.start <= at < claim.end and inside(claim, scope):
            under += amount
        elif instance.start <= at < claim.end:
            loose += amount
    return under, loose


def claim_of(world: World, instance: Instance, resource: str, hidden: Collection[str] = ()) -> Reservation | None:
    """The live reservation of an instance, if it names the resource."""
    if instance.reservation is None or instance.reservation in hidden:
        return None
    found = world.reservations[instance.reservation]
    return found if found.live and resource in found.amounts else None


def columns(world: World, scope: Scope, at: int, hidden: Collection[str] = ()) -> Columns:
    """Every column of every managed resource."""
    answer: Columns = {metric: {} for metric in METRICS}
    for resource in managed(world, scope, hidden):
        whole = total(world, scope, resource, at, hidden)
        under, loose = used(world, scope, resource, at, hidden)
        promised = claimed(world, scope, resource, at, hidden)
        reserved, usage = promised - under, under + loose
        values = (whole, reserved, usage, max(0, whole - reserved - usage), max(0, reserved + usage - whole))
        for metric, value in zip(METRICS, values, strict=True):
            answer[metric][resource] = value
    return answer


def room(world: World, scopes: Iterable[Scope], resource: str, at: int, hidden: Collection[str] = ()) -> int:
    """What may still be promised at an instant in all these scopes; negative where they are overdrawn.

    `hidden` are claims taken out; what their instances take is then part of what the claim would take anew.
    """
    rooms = []
    own = {instance.id for name in hidden for instance in world.instances_of(name)}
    for scope in scopes:
        _, loose = used(world, scope, resource, at, own)
        promised = claimed(world, scope, resource, at, hidden)
        rooms.append(total(world, scope, resource, at) - promised - loose)
    return min(rooms)


def instants(world: World, provider: str, start: int, end: int) -> list[int]:
    """The first instant of every interval of [start, end) in which nothing changes."""
    points = {start}
    for pool in world.pools.values():
        points |= {pool.start, pool.end} if pool.provider == provider else set()
    for found in world.reservations.values():
        points |= {found.start, found.end} if found.provider == provider else set()
    for instance in world.instances.values():
        points |= {instance.start} if instance.provider == provider else set()
    return sorted(point for point in points if start <= point < end)


def shortfalls(world: World) -> dict[str, Amounts]:
    """What of each live reservation's promise cannot be kept: per resource, the maximum over its window.

    Low priority gives first, then the youngest, then by id. Usage without claim counts against those that have
    started; the others may hope that it leaves.
    """
    worst: dict[str, Amounts] = {}
    for provider in world.providers.values():
        for scope in [Scope(provider.id), *(Scope(provider.id, zone) for zone in provider.zones)]:
            for at in instants(world, provider.id, max(world.now, world.clock), OPEN):
                for found, resource, amount in _short_at(world, scope, at):
                    mine = worst.setdefault(found.id, {})
                    mine[resource] = max(mine.get(resource, 0), amount)
    return worst


def going(world: World) -> set[str]:
    """Instances that were told to go less than a minute ago: no shortage is theirs."""
    now = max(world.now, world.clock)
    return {one.id for one in world.instances.values() if one.state == "DELETING" and now < one.told + 60}


def regrade(world: World) -> None:
    """Degrade and heal, as things stand now."""
    found = shortfalls(world)
    for name in {*world.short, *found}:
        if world.short.get(name) != found.get(name) and world.reservations[name].live:
            world.reservations[name].modified = max(world.now, world.clock)
    world.short = found


def _short_at(world: World, scope: Scope, at: int) -> list[tuple[Reservation, str, int]]:
    live = claims_at(world, scope, at)
    live.sort(key=lambda found: (PRIORITIES.index(found.priority), -found.created, found.id))
    short = []
    for resource in {name for found in live for name in found.amounts}:
        whole = total(world, scope, resource, at)
        _, loose = used(world, scope, resource, at, going(world))
        over = sum(found.amounts.get(resource, 0) for found in live) - whole
        taken = 0
        for found in live:
            deficit = over + (loose if found.state == "active" else 0) - taken
            gives = max(0, min(deficit, remaining(world, found, going(world)).get(resource, 0)))
            taken += gives
            if gives:
                short.append((found, resource, gives))
    return short


def remaining(world: World, found: Reservation, gone: Collection[str] = ()) -> Amounts:
    """What of a reservation's capacity is not allocated, thinking these instances gone."""
    mine = [one for one in world.instances_of(found.id) if one.id not in gone]
    return {
        name: amount - sum(instance.needs.get(name, 0) for instance in mine) for name, amount in found.amounts.items()
    }


def inside(record: object, scope: Scope) -> bool:
    provider, zone = record.provider, record.zone  # type: ignore[attr-defined]
    return provider == scope.provider and scope.zone in {None, zone}
