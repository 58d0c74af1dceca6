"""What time does, one due instant after the other (design sections 3 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oracle.model_columns import bound_of, claimed, going, inside, pooled, regrade, scopes_of, total, used
from oracle.model_cover import drawn

if TYPE_CHECKING:
    from collections.abc import Collection

    from oracle.model_columns import Scope
    from oracle.model_records import Instance, Pool, Reservation, World


def advance(world: World, now: int) -> None:
    """Make every transition that is due by `now`, in order."""
    world.clock = now
    while (due := _next_due(world)) is not None and due <= now:
        world.now = max(world.now, due)
        _at(world, due)
    world.now = max(world.now, now)
    regrade(world)
    remember(world)


def remember(world: World) -> None:
    """Tell who has to be told that his end is near; forget what has been over for long enough."""
    for found in world.reservations.values():
        if found.notice is not None and found.notice <= world.now:
            found.notice = None
    over = {one.id: max(one.start, one.end) for one in world.pools.values() if one.end <= world.now}
    over |= {one.id: one.modified for one in world.reservations.values() if not one.live}
    over |= {one.id: one.end or one.modified for one in world.instances.values() if not one.live}
    for name, since in over.items():
        keys = {which: key for which, key in world.keys.items() if key.subject == name}
        moments = [since + world.policy.retention * DAY, *(key.created + DAY for key in keys.values())]
        if max(moments) <= world.now:
            everything: list[dict[str, Any]] = [world.pools, world.reservations, world.instances]
            for records in everything:
                records.pop(name, None)
            for which in keys:
                del world.keys[which]


DAY = 86400
GRACE = 60


def _next_due(world: World) -> int | None:
    moments = [found.start for found in world.reservations.values() if found.state == "initialized"]
    for found in world.reservations.values():
        if found.live:
            moments.append(found.end)
            moments += [found.expiry] if found.expiry is not None else []
    moments += [at for pool in world.pools.values() for at in (pool.start, pool.end) if at > world.now]
    moments += [pool.start for pool in world.pools.values() if pool.planned]
    moments += [late for one in world.instances.values() if (late := _overdue(one)) is not None and late > world.now]
    return min(moments, default=None)


def _overdue(one: Instance) -> int | None:
    return one.told + GRACE if one.live and one.state == "DELETING" and one.told is not None else None


def _touch(world: World, *records: Pool | Reservation | Instance) -> None:
    for record in records:
        world.touched.update(scopes_of(record.provider, record.zone))


def _at(world: World, due: int) -> None:
    """The transitions of one instant: pool starts, ends, expiries, (pool ends), starts."""
    _touch(world, *(pool for pool in world.pools.values() if pool.start < pool.end and due in {pool.start, pool.end}))
    _touch(world, *(one for one in world.instances.values() if _overdue(one) == due))
    planned = [pool for pool in world.pools.values() if pool.planned and pool.start <= due]
    for pool in sorted(planned, key=lambda one: (one.created, one.id)):
        _cut(world, pool)
    for found in world.reservations.values():
        if found.live and found.end <= due:
            finish(world, found, "ended", due)
    for found in world.reservations.values():
        if found.live and found.expiry is not None and found.expiry <= due:
            _expire(world, found, due)
    starting = [found for found in world.reservations.values() if found.state == "initialized" and found.start <= due]
    for found in sorted(starting, key=lambda one: (one.created, one.id)):
        regrade(world, world.touched)
        _start(world, found)


def _start(world: World, found: Reservation) -> None:
    found.state = "active"
    _touch(world, found)
    if world.policy.preempt:
        make_room(world, found)


def _cut(world: World, pool: Pool) -> None:
    """A planned pool that starts gives no more than the cloud can; one that was removed before that does not start.

    Those that are still to start then give way to it, as they would if they started later.
    """
    pool.planned = False
    if pool.end <= pool.start:
        return
    awaited = {one.id for one in world.pools.values() if one.planned}
    for scope in scopes_of(pool.provider, pool.zone):
        for resource, amount in pool.amounts.items():
            over = pooled(world, scope, resource, pool.start, awaited) - bound_of(world, scope, resource)
            pool.amounts[resource] = max(0, amount - max(0, over))
    pool.amounts = {name: amount for name, amount in pool.amounts.items() if amount}


def _expire(world: World, found: Reservation, due: int) -> None:
    """Nothing allocated: it is over. Else it keeps what is allocated, to its end."""
    mine = world.instances_of(found.id)
    if not mine:
        finish(world, found, "expired", due)
        return
    found.expiry, found.containers = None, {}
    _touch(world, found)
    kept = {name: sum(drawn(instance).get(name, 0) for instance in mine) for name in found.amounts}
    found.amounts = {name: amount for name, amount in kept.items() if amount}
    found.modified, found.version = due, found.version + 1


def finish(world: World, found: Reservation, state: str, when: int) -> None:
    """End a reservation; its instances stay and belong to nobody, or are told to go."""
    _touch(world, found, *world.instances_of(found.id))
    for instance in world.instances_of(found.id):
        instance.reservation, instance.cover, instance.modified = None, {}, when
        if world.policy.at_end == "terminate":
            end(instance, max(world.now, world.clock))
    found.state, found.modified, found.version = state, when, found.version + 1


def end(found: Instance, now: int) -> None:
    """Tell an instance to go; once is enough. One of which nothing is in the cloud is gone with that."""
    if not found.live and found.state != "DELETED":
        found.state, found.modified, found.end = "DELETED", now, now
    elif found.live and found.told is None:
        found.state, found.modified, found.told = "DELETING", now, now


def make_room(world: World, starter: Reservation) -> None:
    """Tell instances to go until nothing is missing that the reservation names: loose ones, then those of degraded."""
    for scope in scopes_of(starter.provider, starter.zone):
        for victim in candidates(world, starter, scope):
            if any(victim.needs.get(name) for name in missing(world, starter, scope)):
                end(victim, world.clock)
                _touch(world, victim)


def missing(world: World, starter: Reservation, scope: Scope) -> list[str]:
    """What the reservation names and is short at this moment, when all that is on its way out is gone."""
    short = []
    for name in starter.amounts:
        under, loose = used(world, scope, name, world.now)
        leaving = used(world, scope, name, world.now, set(world.instances) - going(world))[1]
        leaving += sum(one.cover.get(name, 0) for one in _going_of_degraded(world, scope, name))
        reserved = claimed(world, scope, name, world.now) - under
        short += [name] if reserved + under + loose - leaving > total(world, scope, name, world.now) else []
    return short


def _going_of_degraded(world: World, scope: Scope, name: str) -> list[Instance]:
    """Instances under the claims of degraded reservations that are on their way out: these can then bear more."""
    held = [world.reservations[one] for one in world.short if inside(world.reservations[one], scope)]
    mine = [one for found in held if name in found.amounts for one in world.instances_of(found.id)]
    return [one for one in mine if one.id in going(world)]


def candidates(world: World, starter: Reservation, scope: Scope) -> list[Instance]:
    """Who could leave a scope, youngest first: loose instances, then those of degraded ones up to their shortfall."""
    here = [one for one in world.instances.values() if one.live and one.state != "DELETING" and inside(one, scope)]
    here = sorted((one for one in here if one.ours), key=lambda one: (-one.created, one.id))
    chosen = [one for one in here if one.reservation is None]
    beyond = set()
    for name, short in world.short.items():
        left = dict(short)
        for one in here if name != starter.id else []:
            covered = [resource for resource, amount in one.cover.items() if amount]
            if one.reservation == name and any(left.get(resource, 0) > 0 for resource in covered):
                beyond.add(one.id)
                left = {resource: amount - one.cover.get(resource, 0) for resource, amount in left.items()}
    return chosen + [one for one in here if one.id in beyond]


def zones_managed(world: World, provider: str, hidden: Collection[str] = ()) -> list[str]:
    """The zones for which a current or future pool was made."""
    pools = [pool for pool in world.pools.values() if pool.end > world.now and pool.id not in hidden]
    zones = {pool.zone for pool in pools if pool.provider == provider}
    return sorted(zone for zone in zones if zone is not None)
