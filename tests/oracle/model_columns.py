"""The four columns at one instant, by adding up every record anew, and what follows from them (design section 4)."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from oracle.model_cover import drawn
from oracle.model_records import LEAVES, OPEN, Amounts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from oracle.model_records import Instance, Pool, Reservation, World

METRICS = ("total", "reserved", "usage", "available", "overdrawn")

Columns = dict[str, "Amounts"]

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
    provider = world.providers.get(scope.provider)
    if provider is None:
        return OPEN
    bound = provider.bound if scope.zone is None else provider.zones.get(scope.zone, {})
    inventoried = resource not in LEAVES  # a class of which no host has an inventory is not there
    if resource not in bound:
        return 0 if inventoried else OPEN
    return bound[resource] * provider.overcommit.get(resource, 1000) // 1000


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
        covered = min(amount, instance.cover.get(resource, 0)) if claim else 0
        loose += amount - covered if at >= instance.start else 0
        if claim and instance.start <= at < claim.end:
            under += covered if inside(claim, scope) else 0
            loose += 0 if inside(claim, scope) else covered
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


class Levels(NamedTuple):
    """What is in a scope of a resource from one moment on: the sum of the pools, of the planned ones, and the rest."""

    certain: int
    awaited: int
    claimed: int
    under: int
    loose: int


Course = list[tuple[int, Levels]]


def courses(
    world: World, scope: Scope, hidden: Collection[str] = (), gone: Collection[str] = (), names: Collection[str] = ()
) -> dict[str, Course]:
    """The same sums as above, of all resources (or of these) at all moments: each record adds where it begins.

    `hidden` pools and claims are not there, `gone` instances neither. A course begins with nothing, before all time.
    """
    changes: dict[str, dict[int, list[int]]] = {}
    for column, start, end, amounts in _parts(world, scope, hidden, gone):
        for name, amount in amounts:
            if amount and start < end and (not names or name in names):
                moments = changes.setdefault(name, {-OPEN: [0] * 5})
                moments.setdefault(start, [0] * 5)[column] += amount
                moments.setdefault(end, [0] * 5)[column] -= amount
    return {name: _running(moments) for name, moments in changes.items()}


Part = tuple[int, int, int, "Iterable[tuple[str, int]]"]
"""Which of the `Levels` from when until when has how much of what."""


def _parts(world: World, scope: Scope, hidden: Collection[str], gone: Collection[str]) -> Iterator[Part]:
    for pool in world.pools.values():
        if pool.end > world.now and pool.id not in hidden and inside(pool, scope):
            signed = [(name, pool.sign * amount) for name, amount in pool.amounts.items()]
            yield 1 if pool.planned else 0, pool.start, pool.end, signed
    for found in world.reservations.values():
        if found.live and found.id not in hidden and inside(found, scope):
            yield 2, found.start, found.end, found.amounts.items()
    for one in world.instances.values():
        if one.live and one.id not in hidden and one.id not in gone and inside(one, scope):
            for name, amount in one.needs.items():
                claim = claim_of(world, one, name, hidden)
                covered = one.cover.get(name, 0) if claim else 0
                yield 4, one.start, OPEN, [(name, amount - covered)]
                if claim:
                    yield 3 if inside(claim, scope) else 4, one.start, claim.end, [(name, covered)]


def _running(moments: dict[int, list[int]]) -> Course:
    course = []
    level = [0] * 5
    for at in sorted(moments):
        level = [a + b for a, b in zip(level, moments[at], strict=True)]
        course.append((at, Levels(*level)))
    return course


def given(levels: Levels, bound: int) -> int:
    """The total: what the pools say, as far as the cloud can give it; what is planned comes on top."""
    return max(0, min(levels.certain, bound) + levels.awaited)


NONE: Amounts = {}


def rooms(
    world: World, scopes: Iterable[Scope], names: Collection[str], hidden: Collection[str] = (), left: Amounts = NONE
) -> Rooms:
    """What may still be promised in all these scopes, as `room` says it, of these resources at all moments.

    `left` is what the instances of the hidden claims would take beyond the claim anew.
    """
    own = {instance.id for name in hidden for instance in world.instances_of(name)}
    found: Rooms = {name: [] for name in names}
    for scope in scopes:
        every = courses(world, scope, names=names)
        hid = courses(world, scope, hidden, own, names) if hidden else every
        for name in names:
            bound = bound_of(world, scope, name)
            found[name].append([(at, given(level, bound)) for at, level in every.get(name, NOTHING)])
            beyond = left.get(name, 0)
            found[name].append([(at, -level.claimed - level.loose - beyond) for at, level in hid.get(name, NOTHING)])
    return found


NOTHING: Course = [(-OPEN, Levels(0, 0, 0, 0, 0))]

Rooms = dict[str, list[list[tuple[int, int]]]]
"""Of each resource its courses, in pairs of what is given and what is taken; the room is the least of the pairs."""


def room_at(found: Rooms, name: str, at: int) -> int:
    levels = [course[bisect_right(course, at, key=lambda step: step[0]) - 1][1] for course in found[name]]
    return min(whole + taken for whole, taken in zip(levels[::2], levels[1::2], strict=True))


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
    for scope in all_scopes(world):
        if not short(world, scope):
            continue
        for at in instants(world, scope.provider, max(world.now, world.clock), OPEN):
            for found, resource, amount in _short_at(world, scope, at):
                mine = worst.setdefault(found.id, {})
                mine[resource] = max(mine.get(resource, 0), amount)
    return worst


def all_scopes(world: World) -> list[Scope]:
    """The providers, the zones that their clouds have, and those that a record names."""
    found = {Scope(provider.id): None for provider in world.providers.values()}
    for provider in world.providers.values():
        found |= {Scope(provider.id, zone): None for zone in provider.zones}
    records: list[Pool | Reservation | Instance]
    records = [*world.pools.values(), *world.reservations.values(), *world.instances.values()]
    for record in records:
        if record.zone is not None and record.provider in world.providers:
            found[Scope(record.provider, record.zone)] = None
    return list(found)


def short(world: World, scope: Scope) -> bool:
    """Whether anything is ever short here; it is looked at closely only then."""
    return any(
        given(level, bound_of(world, scope, name)) < level.claimed + level.loose
        for name, course in courses(world, scope).items()
        for _, level in course
        if level.claimed
    )


def going(world: World) -> set[str]:
    """Instances that were told to go less than a minute ago: no shortage is theirs."""
    now = max(world.now, world.clock)
    return {
        one.id
        for one in world.instances.values()
        if one.live and one.state == "DELETING" and one.told is not None and now < one.told + 60
    }


def regrade(world: World, within: Collection[tuple[str, str | None]] | None = None) -> None:
    """Degrade and heal, as things stand now; in the middle of a leap of time only where something fell due."""
    found = shortfalls(world)
    if within is not None:
        every = {name: world.reservations[name] for name in {*world.short, *found}}
        out = {name for name, one in every.items() if not {*scopes_of(one.provider, one.zone)} & {*within}}
        found = {name: short for name, short in found.items() if name not in out}
        found |= {name: short for name, short in world.short.items() if name in out}
    for name in {*world.short, *found}:
        if world.short.get(name) != found.get(name) and world.reservations[name].live:
            world.reservations[name].modified = max(world.now, world.clock)
    world.short = found
    world.touched.clear()


def _short_at(world: World, scope: Scope, at: int) -> list[tuple[Reservation, str, int]]:
    live = claims_at(world, scope, at)
    live.sort(key=lambda found: (PRIORITIES.index(found.priority), -found.created, found.id))
    short = []
    leaving = going(world) if live else set()
    left = {found.id: remaining(world, found, leaving) for found in live}
    for resource in {name for found in live for name in found.amounts}:
        whole = total(world, scope, resource, at)
        _, loose = used(world, scope, resource, at, leaving)
        over = sum(found.amounts.get(resource, 0) for found in live) - whole
        taken = 0
        for found in live:
            deficit = over + (loose if found.state == "active" else 0) - taken
            gives = max(0, min(deficit, left[found.id].get(resource, 0)))
            taken += gives
            if gives:
                short.append((found, resource, gives))
    return short


def remaining(world: World, found: Reservation, gone: Collection[str] = ()) -> Amounts:
    """What of a reservation's capacity is not allocated, thinking these instances gone."""
    mine = [one for one in world.instances_of(found.id) if one.id not in gone]
    return {
        name: amount - sum(drawn(instance).get(name, 0) for instance in mine) for name, amount in found.amounts.items()
    }


def inside(record: object, scope: Scope) -> bool:
    provider, zone = record.provider, record.zone  # type: ignore[attr-defined]
    return provider == scope.provider and scope.zone in {None, zone}
