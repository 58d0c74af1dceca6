"""Whether a request fits, how much is missing, and when it would fit: by looking at every interval of the window."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from oracle.model_columns import Rooms, Scope, instants, managed, room_at, rooms, scopes_of
from oracle.model_elements import held_intervals
from oracle.model_records import OPEN, Amounts, Reservation, World

DAY = 86400
HOUR = 3600


@dataclass
class Ask:
    """What is to fit: amounts over a window of one provider (and zone).

    `before` is the claim that it replaces: its id, amounts and window; only growth beyond it is looked at.
    `expiry` is the one that was given: what starts at it, or later, could not be held.
    """

    provider: str
    zone: str | None
    start: int
    end: int
    amounts: Amounts
    replaces: str | None = None
    before: Amounts = field(default_factory=dict)
    before_window: tuple[int, int] = (0, 0)
    movable: bool = True
    standing: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What is short where its instances stand and it has no claim."""
    expiry: int = OPEN
    left: Amounts = field(default_factory=dict)
    """What the instances of the claim that it replaces would take beyond it."""
    elements: list[str] = field(default_factory=list)
    also: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def hidden(self) -> set[str]:
        return {self.replaces} if self.replaces else set()

    def grows(self, resource: str, at: int) -> bool:
        start, end = self.before_window
        had = self.before.get(resource, 0) if start <= at < end else 0
        return self.amounts[resource] > had


def _rooms(world: World, ask: Ask) -> Rooms:
    return rooms(world, scopes_of(ask.provider, ask.zone), list(ask.amounts), ask.hidden, ask.left)


def shortages(world: World, ask: Ask) -> dict[str, dict[str, Any]]:
    """One entry per short resource: the least that is available, and the first interval of that."""
    found = {}
    left = _rooms(world, ask)
    every = instants(world, ask.provider, ask.start, ask.end)
    for resource in ask.amounts:
        spots = [at for at in every if ask.grows(resource, at)]
        levels = {at: max(0, room_at(left, resource, at)) for at in spots}
        if not levels or min(levels.values()) >= ask.amounts[resource]:
            continue
        start, end = lowest(levels, [*every, ask.end])
        entry = {"resource": resource, "requested": ask.amounts[resource], "available": min(levels.values())}
        found[resource] = entry | {"from": start} | ({} if end == OPEN else {"to": end})
    for resource, entry in ask.standing.items():
        known = found.get(resource)
        if known is None or (entry["available"], entry["from"]) < (known["available"], known["from"]):
            found[resource] = entry
    return found


def standing(world: World, found: Reservation, changed: Reservation) -> dict[str, dict[str, Any]]:
    """What is missing for its instances to stay longer in zones where the reservation has no claim."""
    short: dict[str, dict[str, Any]] = {}
    start, end = max(world.now, found.end), changed.end
    if start >= end or found.zone is not None:
        return short
    for zone in sorted({one.zone for one in world.instances_of(found.id) if one.zone is not None}):
        here = Scope(found.provider, zone)
        mine = [one for one in world.instances_of(found.id) if one.zone == zone]
        for name in managed(world, here) & set(found.amounts) & set(changed.amounts):
            need = sum(one.cover.get(name, 0) for one in mine)
            entry = _lacking(world, here, name, need, (start, end))
            known = short.get(name)
            if entry and (known is None or (entry["available"], entry["from"]) < (known["available"], known["from"])):
                short[name] = entry
    return short


def _lacking(world: World, scope: Scope, name: str, need: int, window: tuple[int, int]) -> dict[str, Any] | None:
    spots = instants(world, scope.provider, *window)
    left = rooms(world, [scope], [name])
    levels = {at: max(0, room_at(left, name, at)) for at in spots}
    if min(levels.values()) >= need:
        return None
    first, last = lowest(levels, [*spots, window[1]])
    entry = {"resource": name, "requested": need, "available": min(levels.values()), "from": first}
    return entry | ({} if last == OPEN else {"to": last})


def lowest(levels: dict[int, int], points: list[int]) -> tuple[int, int]:
    """The first maximal run of points at the lowest level; `points` are all, with the end of the window behind them."""
    least = min(levels.values())
    start = next(at for at in sorted(levels) if levels[at] == least)
    end = next(at for at in points if at > start and levels.get(at) != least)
    return start, end


def most(world: World, ask: Ask) -> Amounts:
    """What of the requested resources is available throughout the window."""
    spots = instants(world, ask.provider, ask.start, ask.end)
    left = _rooms(world, ask)
    return {name: min(max(0, room_at(left, name, at)) for at in spots) for name in ask.amounts}


def alternatives(world: World, ask: Ask) -> list[dict[str, int]]:
    """The maximal runs of starts at which the request would fit for its duration.

    An interval [a, b) in which it does not fit forbids every start in [a - duration + 1, b - 1]; what is left between
    these, within horizon and policy, are the runs.
    """
    policy = world.policy
    if not ask.movable:
        return []
    horizon = ask.start + policy.search_horizon * DAY
    last = min(horizon, _policy_limit(world, ask), ask.expiry - 1)
    duration = ask.end - ask.start if ask.end < OPEN else OPEN
    taken = [*bad_intervals(world, ask), *held_intervals(world, ask)]
    forbidden = [(start - duration + 1, end - 1) for start, end in taken]
    runs: list[dict[str, int]] = []
    at = ask.start
    while at <= last and len(runs) < policy.alternatives:
        blocked = [end for start, end in forbidden if start <= at <= end]
        if blocked:
            at = max(blocked) + 1
            continue
        stop = min([start - 1 for start, _ in forbidden if start > at], default=OPEN)
        run = {"start": at} | ({"end": at + duration} if duration < OPEN else {})
        if duration < OPEN:
            run["latest-start"] = min(stop, last)
        runs.append(run)
        at = stop + 1
    return runs


def blocking(world: World, ask: Ask) -> dict[str, dict[str, Any]]:
    """Reservations that hold what is short while it is short, as far as the caller may see them."""
    found: dict[str, dict[str, Any]] = {}
    for name, short in shortages(world, ask).items():
        for held in world.reservations.values():
            here = held.live and held.provider == ask.provider and held.id != ask.replaces
            meets = held.start < short.get("to", OPEN) and short["from"] < held.end
            if here and meets and held.amounts.get(name) and world.sees(held):
                entry = {"reservation-id": held.id, "resource": name, "amount": held.amounts[name]}
                found[f"{held.id} {name}"] = entry
    largest = sorted(found.items(), key=lambda item: (-item[1]["amount"], item[0]))
    return dict(largest[:20])


def bad_intervals(world: World, ask: Ask) -> list[tuple[int, int]]:
    """The intervals at or after the start in which less is available than is requested."""
    points = [*instants(world, ask.provider, ask.start, OPEN), OPEN]

    left = _rooms(world, ask)

    def fits(at: int) -> bool:
        return all(max(0, room_at(left, name, at)) >= amount for name, amount in ask.amounts.items())

    return [(at, after) for at, after in pairwise(points) if not fits(at)]


def _policy_limit(world: World, ask: Ask) -> int:
    """The last start that policy permits."""
    policy = world.policy
    limits = [OPEN]
    if policy.max_future_start_range is not None:
        limits.append(world.now + policy.max_future_start_range * DAY)
    if policy.max_future_end_range is not None:
        duration = ask.end - ask.start
        limits.append(world.now + policy.max_future_end_range * DAY - duration)
    return min(limits)
