"""What time does, one due instant after the other (design sections 3 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oracle.model_columns import bound_of, pooled, regrade, scopes_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from oracle.model_records import Pool, Reservation, World


def advance(world: World, now: int) -> None:
    """Make every transition that is due by `now`, in order."""
    while (due := _next_due(world)) is not None and due <= now:
        world.now = max(world.now, due)
        _at(world, due)
    world.now = max(world.now, now)
    regrade(world)


def _next_due(world: World) -> int | None:
    moments = [found.start for found in world.reservations.values() if found.state == "initialized"]
    for found in world.reservations.values():
        if found.live:
            moments.append(found.end)
            moments += [found.expiry] if found.expiry is not None else []
    moments += [at for pool in world.pools.values() for at in (pool.start, pool.end) if at > world.now]
    moments += [pool.start for pool in world.pools.values() if pool.planned]
    return min(moments, default=None)


def _at(world: World, due: int) -> None:
    """The transitions of one instant: pool starts, ends, expiries, (pool ends), starts."""
    for pool in world.pools.values():
        if pool.planned and pool.start <= due:
            _cut(world, pool)
    for found in world.reservations.values():
        if found.live and found.end <= due:
            finish(world, found, "ended", due)
    for found in world.reservations.values():
        if found.live and found.expiry is not None and found.expiry <= due:
            _expire(world, found, due)
    for found in world.reservations.values():
        if found.state == "initialized" and found.start <= due:
            found.state = "active"


def _cut(world: World, pool: Pool) -> None:
    """A planned pool that starts gives no more than the cloud can."""
    pool.planned = False
    for scope in scopes_of(pool.provider, pool.zone):
        for resource, amount in pool.amounts.items():
            over = pooled(world, scope, resource, pool.start) - bound_of(world, scope, resource)
            pool.amounts[resource] = max(0, amount - max(0, over))


def _expire(world: World, found: Reservation, due: int) -> None:
    """Nothing allocated: it is over. Else it keeps what is allocated, to its end."""
    mine = world.instances_of(found.id)
    if not mine:
        finish(world, found, "expired", due)
        return
    found.expiry = None
    kept = {name: sum(instance.needs.get(name, 0) for instance in mine) for name in found.amounts}
    found.amounts = {name: amount for name, amount in kept.items() if amount}
    found.modified, found.version = due, found.version + 1


def finish(world: World, found: Reservation, state: str, when: int) -> None:
    """End a reservation; its instances stay and belong to nobody, or are told to go."""
    for instance in world.instances_of(found.id):
        instance.reservation, instance.modified = None, when
        if world.policy.at_end == "terminate":
            instance.state = "DELETING"
    found.state, found.modified, found.version = state, when, found.version + 1


def zones_managed(world: World, provider: str, hidden: Collection[str] = ()) -> list[str]:
    """The zones for which a current or future pool was made."""
    pools = [pool for pool in world.pools.values() if pool.end > world.now and pool.id not in hidden]
    zones = {pool.zone for pool in pools if pool.provider == provider}
    return sorted(zone for zone in zones if zone is not None)
