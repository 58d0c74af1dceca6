"""The controller's whole state held against the model: every record, and the four columns of every scope, always."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from oracle.model_columns import Scope, all_scopes, bound_of, courses, given, managed
from oracle.model_records import OPEN

from promise.capacity import model as capacity
from promise.resources import FOREVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oracle.model_columns import Course
    from oracle.model_records import Instance, Pool, Reservation, World

    from promise.allocation.model import Allocation
    from promise.capacity.model import Pool as Contribution
    from promise.capacity.timeline import Timeline
    from promise.ledger.state import State
    from promise.reservation.model import Reservation as Held

Steps = list[tuple[int, tuple[int, ...]]]
"""total, reserved and usage from each moment on at which one of them changes."""


def differing(world: World, state: State) -> Iterator[str]:
    """Yield where the state is not what the model says."""
    yield from _sets(
        "pool",
        {name: _pool(one, world.now) for name, one in world.pools.items()},
        {name: _contribution(one) for name, one in state.pools.items()},
    )
    yield from _sets(
        "reservation",
        {name: _reservation(world, one) for name, one in world.reservations.items()},
        {name: _held(one) for name, one in state.reservations.items()},
    )
    yield from _sets(
        "instance",
        {name: _instance(world, one) for name, one in world.instances.items()},
        {name: _allocation(one) for name, one in state.allocations.items()},
    )
    keys = {one.subject: one.created for one in state.keys.values()}
    if keys != {one.subject: one.created for one in world.keys.values()}:
        yield f"idempotency keys stand for {keys}, expected {list(world.keys.values())}"
    yield from _columns(world, state)


def _sets(kind: str, expected: dict[str, dict[str, Any]], found: dict[str, dict[str, Any]]) -> Iterator[str]:
    if expected == found:
        return
    for name in sorted(expected.keys() | found.keys()):
        mine, other = expected.get(name), found.get(name)
        if mine is None or other is None:
            yield f"{kind} {name}: expected {mine}, there is {other}"
        elif mine != other:
            parts = [
                f"{leaf}: expected {mine[leaf]!r}, is {other[leaf]!r}" for leaf in mine if mine[leaf] != other[leaf]
            ]
            yield f"{kind} {name}: {'; '.join(parts)}"


def _open(moment: int) -> int:
    return OPEN if moment >= FOREVER else moment


# ---- records


def _pool(one: Pool, now: int) -> dict[str, Any]:
    over = one.end <= now
    return {
        "provider": one.provider, "zone": one.zone, "start": one.start, "end": None if over else one.end, "over": over,
        "sign": one.sign, "amounts": {name: amount for name, amount in one.amounts.items() if amount},
        "elements": one.elements,
    }  # fmt: skip


def _contribution(one: Contribution) -> dict[str, Any]:
    return {
        "provider": one.provider, "zone": one.zone, "start": one.window.start,
        "end": None if one.finished else _open(one.window.end), "over": one.finished,
        "sign": -1 if one.decrease else 1, "amounts": dict(one.capacity),
        "elements": list(one.elements),
    }  # fmt: skip


def _reservation(world: World, one: Reservation) -> dict[str, Any]:
    return {
        "owner": one.owner, "provider": one.provider, "zone": one.zone, "start": one.start, "end": one.end,
        "amounts": one.amounts, "state": one.state, "created": one.created, "modified": one.modified,
        "name": one.name, "expiry": one.expiry, "priority": one.priority, "version": one.version,
        "shortfall": world.short.get(one.id, {}) if one.live else {}, "notice": one.notice if one.live else None,
        "elements": one.elements, "also": one.also, "missing": one.missing if one.live else [],
    }  # fmt: skip


def _held(one: Held) -> dict[str, Any]:
    return {
        "owner": one.owner, "provider": one.provider, "zone": one.zone, "start": one.window.start,
        "end": _open(one.window.end), "amounts": dict(one.capacity), "state": one.state.value, "created": one.created,
        "modified": one.modified, "name": one.name, "expiry": one.expiry, "priority": one.priority,
        "version": one.version, "shortfall": dict(one.shortfall), "notice": one.notice if one.live else None,
        "elements": list(one.elements), "also": dict(one.also), "missing": list(one.missing),
    }  # fmt: skip


def _instance(world: World, one: Instance) -> dict[str, Any]:
    claim = world.reservations[one.reservation] if one.reservation is not None else None
    return {
        "owner": one.owner, "name": one.name, "provider": one.provider, "zone": one.zone,
        "reservation": one.reservation, "flavor": one.flavor, "needs": one.needs, "start": one.start,
        "state": one.state, "modified": one.modified, "end": one.end, "server": one.server, "counted": one.counted,
        "ours": one.ours, "told": one.told if one.counted else None, "covered": one.cover if one.counted else {},
        "priority": claim.priority if claim and one.counted else one.priority,
    }  # fmt: skip


def _allocation(one: Allocation) -> dict[str, Any]:
    return {
        "owner": one.owner, "name": one.name, "provider": one.provider, "zone": one.zone,
        "reservation": one.reservation, "flavor": one.flavor, "needs": dict(one.capacity), "start": one.start,
        "state": one.vm_state.value, "modified": one.modified, "end": one.end, "server": one.server,
        "counted": one.counted, "ours": one.ours, "told": one.told if one.counted else None,
        "covered": dict(one.covered) if one.counted else {}, "priority": one.priority,
    }  # fmt: skip


# ---- columns


def _columns(world: World, state: State) -> Iterator[str]:
    scopes = all_scopes(world)
    for scope in scopes:
        theirs = capacity.Scope(scope.provider, scope.zone)
        expected, found = expected_columns(world, scope), found_columns(state, theirs)
        for name in sorted(expected.keys() | found.keys()):
            mine, other = expected.get(name, []), found.get(name, [])
            if mine != other:
                yield f"columns of {scope.zone or 'the whole'} {scope.provider}, {name}: {_first(mine, other)}"
        if state._columns.managed(theirs) != managed(world, scope):
            yield f"managed in {scope}: expected {managed(world, scope)}, is {set(state._columns.managed(theirs))}"
    known = {capacity.Scope(one.provider, one.zone) for one in scopes}
    for strange in state._columns._timelines.keys() - known:
        if found_columns(state, strange):
            yield f"columns of {strange}, where nothing is"


def _first(mine: Steps, other: Steps) -> str:
    for a, b in zip([*mine, None], [*other, None], strict=False):
        if a != b:
            return f"expected (from, (total, reserved, usage)) {a}, is {b}"
    return "expected fewer or more steps"


def expected_columns(world: World, scope: Scope) -> dict[str, Steps]:
    found = {name: _steps(course, bound_of(world, scope, name)) for name, course in courses(world, scope).items()}
    return {name: steps for name, steps in found.items() if steps}


def _steps(course: Course, bound: int) -> Steps:
    steps: Steps = []
    last: tuple[int, ...] = (0, 0, 0)
    for at, level in course:
        here = (given(level, bound), level.claimed - level.under, level.under + level.loose)
        if here != last and at < OPEN:
            steps.append((at, here))
            last = here
    return steps


_READ: WeakKeyDictionary[State, dict[capacity.Scope, tuple[Timeline, int, dict[str, Steps]]]] = WeakKeyDictionary()
"""What was read of the timelines of each state, at which of their versions."""


def found_columns(state: State, scope: capacity.Scope) -> dict[str, Steps]:
    """The columns of a scope, read anew where its timeline has changed."""
    timeline = state._columns._timelines.get(scope)
    if timeline is None:
        return {}
    known = _READ.setdefault(state, {})
    held, version, found = known.get(scope, (None, 0, {}))
    if held is not timeline or version != timeline._version:
        found = _read(timeline)
        known[scope] = timeline, timeline._version, found
    return found


def _read(timeline: Timeline) -> dict[str, Steps]:
    """Read a timeline whole, from its own breakpoints; beside them its headroom must be what the columns say."""
    blocks = timeline._blocks
    times, changes = blocks.changes()
    levels = np.cumsum(changes, axis=0).reshape(len(times), len(blocks.rows), blocks.width)
    found: dict[str, Steps] = {}
    for name, row in timeline._rows.items():
        head, reserved, usage, total = levels[:, :, row].T.tolist()
        assert [t - r - u for t, r, u in zip(total, reserved, usage, strict=True)] == head, name
        steps: Steps = []
        last: tuple[int, ...] = (0, 0, 0)
        for at, *here in zip(times.tolist(), total, reserved, usage, strict=True):
            if tuple(here) != last:
                last = tuple(here)
                steps.append((at, last))
        if steps:
            found[name] = steps
    return found
