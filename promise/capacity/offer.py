"""The decisions on increase- and decrease-capacity: what is offered to the reservation system, and when; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from promise.capacity import admission
from promise.capacity.model import Pool, Scope, pool_sum
from promise.capacity.refusal import Reason, Refusal, Shortfall
from promise.events import Decision, fact
from promise.resources import Window, in_order, most_of, named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from promise.actor import Actor
    from promise.capacity.book import CapacityBook


@dataclass(frozen=True, slots=True)
class ChangeCapacity:
    """A contribution to the reservation system; `source` is a provider, or a pool for its provider and zone."""

    id: str
    source: str
    capacity: Mapping[str, int]
    decrease: bool = False
    zone: str | None = None
    start: int | None = None
    end: int | None = None
    planned: bool = False
    strict: bool = False
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Offered:
    """The pool that was made."""

    pool: Pool


def change(book: CapacityBook, request: ChangeCapacity, actor: Actor, now: int) -> Decision[Offered | Refusal]:
    """Add a pool, or refuse it: an increase that the cloud cannot give, a decrease below zero."""
    pool = _pool(book, request, actor, now)
    if isinstance(pool, Refusal):
        return Decision(pool)
    refusal = _below_zero(book, pool) if pool.decrease else _exceeds(book, pool, now)
    if refusal is None and request.strict:
        refusal = _below_commitments(book, pool)
    if refusal:
        return Decision(refusal)
    events = [fact("pool-added", pool)]
    if pool.window.start <= now:
        pool = replace(pool, started=True)
        events.append(fact("pool-started", pool))
    return Decision(Offered(pool), tuple(events))


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
        capacity = named({name: min(amount, clip.capacity.get(name, 0)) for name, amount in capacity.items()})
        window = Window(max(window.start, clip.window.start), min(window.end, clip.window.end))
        if window.end <= window.start:
            return Refusal(Reason.WINDOW_INVALID, f"pool {clip.id} has no instant in this window")
    if not capacity:
        return Refusal(Reason.NOTHING_REQUESTED, "no resource is given with an amount above 0")
    return Pool(
        id=request.id,
        provider=scope.provider,
        zone=scope.zone,
        window=window,
        decrease=request.decrease,
        capacity={name: capacity[name] for name in in_order(capacity)},
        planned=request.planned and not request.decrease,
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
    zone = request.zone or (pool.zone if pool else None)
    if zone and not (pool and pool.zone == zone) and book.providers[provider].zone(zone) is None:
        return Refusal(Reason.ZONE_UNKNOWN, f"provider {provider} has no zone {zone}")
    return Scope(provider, zone), pool


def _exceeds(book: CapacityBook, pool: Pool, now: int) -> Refusal | None:
    """Check an increase against what the cloud can give; a planned one is cut to that when it starts."""
    short: list[Shortfall] = []
    for scope in pool.scopes:
        supply = book.supply(scope)
        short += _excess(supply.pools, {name: most_of(name) for name in pool.capacity}, pool)
        if not pool.planned or pool.window.start <= now:
            promised = [other for other in supply.pools if not (other.planned and not other.started)]
            short += _excess(promised, supply.bound, pool)
    if not short:
        return None
    parts = ", ".join(f"{one.resource} (asked {one.requested}, at most {one.available})" for one in short)
    return _numbers(Reason.EXCEEDS_PROVIDER, f"more than the cloud can give: {parts}", pool, short)


def _excess(others: Sequence[Pool], bound: Mapping[str, int], pool: Pool) -> Iterator[Shortfall]:
    for name, amount in pool.capacity.items():
        if name not in bound:
            continue
        left = [(start, end, bound[name] - amounts.get(name, 0)) for start, end, amounts in _spans(others, pool.window)]
        start, end, least = min(left, key=lambda span: span[2])
        if least < amount:
            yield Shortfall(name, amount, max(0, least), start, end)


def _below_zero(book: CapacityBook, pool: Pool) -> Refusal | None:
    """Check a decrease against the pools that it decreases: no total is ever negative."""
    short: dict[str, Shortfall] = {}
    for scope in pool.scopes:
        for start, end, amounts in _spans(book.supply(scope).pools, pool.window):
            for name, amount in pool.capacity.items():
                there = max(0, amounts.get(name, 0))
                if there < amount and (name not in short or there < short[name].available):
                    short[name] = Shortfall(name, amount, there, start, end)
    if not short:
        return None
    parts = ", ".join(f"{one.resource} (decrease {one.requested}, total {one.available})" for one in short.values())
    return _numbers(Reason.BELOW_ZERO, f"the total would fall below zero: {parts}", pool, list(short.values()))


def _below_commitments(book: CapacityBook, pool: Pool) -> Refusal | None:
    """Check a strict decrease against what is promised and used."""
    if not pool.decrease or admission.fits(book, pool.scopes, pool.window, pool.capacity):
        return None
    short = admission.shortfalls(book, pool.scopes, pool.window, pool.capacity)
    return _numbers(Reason.BELOW_COMMITMENTS, "the decrease would degrade what is promised or used", pool, short)


def _numbers(reason: Reason, message: str, pool: Pool, short: Sequence[Shortfall]) -> Refusal:
    least = {one.resource: one.available for one in short}
    most = {name: min(amount, least.get(name, amount)) for name, amount in pool.capacity.items()}
    return Refusal(reason, message, provider=pool.provider, shortfalls=tuple(short), max_capacity=most)


def _spans(pools: Sequence[Pool], window: Window) -> list[tuple[int, int, Mapping[str, int]]]:
    """Return the sum of the pools over a window as (start, end, amounts)."""
    steps = pool_sum(pools, window)
    ends = [step.start for step in steps[1:]] + [window.end]
    return [(step.start, end, step.amounts) for step, end in zip(steps, ends, strict=True)]
