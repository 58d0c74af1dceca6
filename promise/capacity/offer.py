"""The decisions on increase- and decrease-capacity: what is offered to the reservation system, and when; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from promise.capacity import admission
from promise.capacity.model import Pool, Scope, pool_sum
from promise.capacity.refusal import Affected, Reason, Refusal, Shortfall
from promise.events import Decision, fact
from promise.resources import Window, in_order, most_of, named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promise.actor import Actor
    from promise.capacity.book import CapacityBook

    Course = list[tuple[int, Mapping[str, int]]]
    """From each moment on, until the next: so much of each resource."""


@dataclass(frozen=True, slots=True)
class ChangeCapacity:
    """A contribution to the reservation system; `source` is a provider, or a pool for its provider and zone.

    `elements` are recorded with the pool for people to see; nothing follows from them.
    """

    id: str
    source: str
    capacity: Mapping[str, int]
    decrease: bool = False
    zone: str | None = None
    start: int | None = None
    end: int | None = None
    planned: bool = False
    strict: bool = False
    elements: tuple[str, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Offered:
    """The pool that was made, and who lacks what: those it degrades, or whom an increase leaves degraded.

    Only those that the actor may see.
    """

    pool: Pool
    affected: tuple[Affected, ...] = ()


def change(book: CapacityBook, request: ChangeCapacity, actor: Actor, now: int) -> Decision[Offered | Refusal]:
    """Add a pool, or refuse it: an increase that the cloud cannot give, a decrease below zero."""
    pool = _pool(book, request, actor, now)
    if isinstance(pool, Refusal):
        return Decision(pool)
    refusal = _below_zero(book, pool) if pool.decrease else _exceeds(book, pool, now)
    if refusal:
        return Decision(refusal)
    lacking = book.degraded_by(pool, now) if pool.decrease else book.degraded_despite(pool, now)
    affected = tuple(Affected(held.id, shortfall) for held, shortfall in lacking if actor.sees(held))
    if lacking and request.strict:
        return Decision(_below_commitments(book, pool, affected))
    events = [fact("pool-added", pool)]
    if pool.window.start <= now:
        pool = replace(pool, started=True)
        events.append(fact("pool-started", pool))
    return Decision(Offered(pool, affected), tuple(events))


@dataclass(frozen=True, slots=True)
class RemovePool:
    """The end of a pool; `end` None, or past = now."""

    pool: str
    end: int | None = None
    strict: bool = False


def remove(book: CapacityBook, request: RemovePool, actor: Actor, now: int) -> Decision[Offered | Refusal]:
    """End a pool. Ending one that adds capacity is a decrease, with all that goes with that."""
    old = book.pools.get(request.pool)
    if old is None:
        return Decision(Refusal(Reason.NOT_FOUND, f"there is no pool {request.pool}"))
    if old.finished:
        return Decision(Refusal(Reason.ENDED, f"pool {old.id} is over"))
    end = max(now, request.end or now)
    if end >= old.window.end:
        return Decision(Offered(old))
    new = _ended(old, end, now)
    lost = replace(old, window=Window(max(end, old.window.start), old.window.end), decrease=True)
    refusal = None if old.decrease else _below_zero(book, lost)
    if refusal:
        return Decision(refusal)
    lacking = book.degraded_by(new, now, instead_of=old)
    affected = tuple(Affected(held.id, shortfall) for held, shortfall in lacking if actor.sees(held))
    if lacking and request.strict:
        return Decision(_below_commitments(book, lost, affected))
    kind = "pool-ended" if new.finished else "pool-shortened"
    return Decision(Offered(new, affected), (fact(kind, new),))


def _ended(pool: Pool, end: int, now: int) -> Pool:
    """Return the pool with this end; one that has no instant left, or ends now, is over."""
    window = Window(pool.window.start, max(pool.window.start, end))
    over = end <= max(now, pool.window.start)
    return replace(pool, window=window, started=pool.started or over, finished=over)


def _pool(book: CapacityBook, request: ChangeCapacity, actor: Actor, now: int) -> Pool | Refusal:
    """Return the pool that the request means, clipped to its source where that is a pool (contract)."""
    window = admission.window_of(request.start, request.end, now)
    if isinstance(window, Refusal):
        return window
    source = _source(book, request)
    if isinstance(source, Refusal):
        return source
    scope, clip = source
    capacity = named(request.capacity)
    if clip and request.decrease:
        if clip.finished:
            return Refusal(Reason.ENDED, f"pool {clip.id} is over")
        capacity = named({name: min(amount, clip.capacity.get(name, 0)) for name, amount in capacity.items()})
        window = Window(max(window.start, clip.window.start), min(window.end, clip.window.end))
        if window.end <= window.start:
            return Refusal(Reason.WINDOW_INVALID, f"pool {clip.id} has no instant in this window")
    if not (capacity or request.elements):
        return Refusal(Reason.NOTHING_REQUESTED, "no resource is given with an amount above 0, and no element")
    return Pool(
        id=request.id,
        provider=scope.provider,
        zone=scope.zone,
        window=window,
        decrease=request.decrease,
        capacity={name: capacity[name] for name in in_order(capacity)},
        planned=request.planned and not request.decrease,
        elements=request.elements,
        note=request.note or None,
        owner=actor.user,
        created=now,
    )


def _source(book: CapacityBook, request: ChangeCapacity) -> tuple[Scope, Pool | None] | Refusal:
    """Return the scope that the source stands for, and the pool where it is one."""
    pool = book.pools.get(request.source)
    if pool is None and request.source not in book.providers:
        return Refusal(Reason.NOT_FOUND, f"there is no provider or pool {request.source}")
    if pool is not None and pool.zone and request.zone not in {None, pool.zone}:
        return Refusal(Reason.ZONE_MISMATCH, f"pool {pool.id} is in zone {pool.zone}")
    provider = pool.provider if pool else request.source
    if provider not in book.providers:
        return Refusal(Reason.NOT_FOUND, f"provider {provider} of pool {request.source} was removed")
    zone = request.zone or (pool.zone if pool else None)
    if zone and not (pool and pool.zone == zone) and book.providers[provider].zone(zone) is None:
        return Refusal(Reason.ZONE_UNKNOWN, f"provider {provider} has no zone {zone}")
    return Scope(provider, zone), pool


def _exceeds(book: CapacityBook, pool: Pool, now: int) -> Refusal | None:
    """Check an increase against what the cloud can give; a planned one is cut to that when it starts."""
    courses: list[Course] = []
    for scope in pool.scopes:
        supply = book.supply(scope)
        courses.append(_left(supply.pools, {name: most_of(name) for name in pool.capacity}, pool.window))
        if not pool.planned or pool.window.start <= now:
            promised = [other for other in supply.pools if not (other.planned and not other.started)]
            courses.append(_left(promised, supply.limits(pool.capacity), pool.window))
    short = _short(pool, courses)
    if not short:
        return None
    parts = ", ".join(f"{one.resource} (asked {one.requested}, at most {one.available})" for one in short)
    return _numbers(Reason.EXCEEDS_PROVIDER, f"more than the cloud can give: {parts}", pool, short)


def _below_zero(book: CapacityBook, pool: Pool) -> Refusal | None:
    """Check a decrease against the pools that it decreases: no total is ever negative."""
    short = _short(pool, [_there(book.supply(scope).pools, pool) for scope in pool.scopes])
    if not short:
        return None
    parts = ", ".join(f"{one.resource} (decrease {one.requested}, total {one.available})" for one in short)
    return _numbers(Reason.BELOW_ZERO, f"the total would fall below zero: {parts}", pool, short)


def _left(others: Sequence[Pool], bound: Mapping[str, int], window: Window) -> Course:
    """Return what the other pools leave of a bound over a window; a resource without bound is absent."""
    return [
        (step.start, {name: most - step.amounts.get(name, 0) for name, most in bound.items()})
        for step in pool_sum(others, window)
    ]


def _there(others: Sequence[Pool], pool: Pool) -> Course:
    """Return the sum of the other pools over the window of this one, of its resources."""
    return [
        (step.start, {name: step.amounts.get(name, 0) for name in pool.capacity})
        for step in pool_sum(others, pool.window)
    ]


def _short(pool: Pool, courses: Sequence[Course]) -> list[Shortfall]:
    """Return one shortfall for each resource of which one of the courses has less than the pool, at some instant."""
    short = []
    for name, amount in pool.capacity.items():
        levels = [[(start, left[name]) for start, left in course] for course in courses if name in course[0][1]]
        if levels:
            start, end, least = _lowest(levels, pool.window.end)
            if least < amount:
                short.append(Shortfall(name, amount, least, start, end))
    return short


def _lowest(courses: Sequence[Sequence[tuple[int, int]]], end: int) -> tuple[int, int, int]:
    """Return the first interval in which there is least, and how much: the courses at their minimum, never below 0."""
    moments = sorted({start for course in courses for start, _ in course})
    levels = [
        max(0, min(next(level for start, level in reversed(course) if start <= moment) for course in courses))
        for moment in moments
    ]
    least = min(levels)
    first = levels.index(least)
    after = (moment for moment, level in zip(moments, levels, strict=True) if moment > moments[first] and level > least)
    return moments[first], next(after, end), least


def _below_commitments(book: CapacityBook, pool: Pool, affected: tuple[Affected, ...]) -> Refusal:
    """Return the refusal of a strict decrease: somebody would have less than was promised."""
    short = admission.shortfalls(book, pool.scopes, pool.window, pool.capacity)
    message = "reservations would no longer fit, and strict was asked for"
    return replace(_numbers(Reason.BELOW_COMMITMENTS, message, pool, short), affected=affected)


def _numbers(reason: Reason, message: str, pool: Pool, short: Sequence[Shortfall]) -> Refusal:
    least = {one.resource: one.available for one in short}
    most = {name: min(amount, least.get(name, amount)) for name, amount in pool.capacity.items()}
    return Refusal(reason, message, provider=pool.provider, shortfalls=tuple(short), max_capacity=most)
