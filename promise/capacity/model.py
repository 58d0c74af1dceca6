"""Pools, and what total they make of a scope over time; pure (design section 4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from promise.resources import FOREVER, LEAVES, Window, most_of, plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Scope(NamedTuple):
    """Where capacity adds up: a provider (`zone` None), or a zone of it."""

    provider: str
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Pool:
    """One windowed contribution to what may be reserved; `capacity` is unsigned, `decrease` makes it count down.

    `started` and `finished` tell which transitions are behind it. A `planned` increase may exceed what the cloud
    can give until it starts.
    """

    table: ClassVar[str] = "pool"

    id: str
    provider: str
    zone: str | None
    window: Window
    decrease: bool
    capacity: Mapping[str, int]
    planned: bool = False
    note: str | None = None
    elements: tuple[str, ...] = ()
    owner: str = ""
    created: int = 0
    started: bool = False
    finished: bool = False

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Return the scopes that it adds to: its provider, and its zone where it has one."""
        whole = Scope(self.provider)
        return (whole, Scope(self.provider, self.zone)) if self.zone else (whole,)

    @property
    def signed(self) -> Mapping[str, int]:
        """Return what it adds to the total, negative for a decrease."""
        return {name: -amount for name, amount in self.capacity.items()} if self.decrease else self.capacity

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON values."""
        return {
            "id": self.id,
            "provider": self.provider,
            "zone": self.zone,
            "window": list(self.window),
            "decrease": self.decrease,
            "capacity": dict(self.capacity),
            "planned": self.planned,
            "note": self.note,
            "elements": list(self.elements),
            "owner": self.owner,
            "created": self.created,
            "started": self.started,
            "finished": self.finished,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Pool:
        """Read what `to_json` wrote."""
        return cls(**{**value, "window": Window(*value["window"]), "elements": tuple(value["elements"])})


class Step(NamedTuple):
    """From `start` on, until the next step, the value is `amounts`."""

    start: int
    amounts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Supply:
    """What makes up the total of a scope: the pools of it that are not over, and what the cloud can give.

    `bound` says that of the resources that have one. With `inventoried` it comes from the hosts' inventories, so that
    a resource class which none of them has is bound to 0.
    """

    pools: tuple[Pool, ...] = ()
    bound: Mapping[str, int] = field(default_factory=dict)
    inventoried: bool = False

    def limits(self, names: Iterable[str]) -> dict[str, int]:
        """Return what the cloud can give of these resources; one that nothing bounds is absent."""
        found = {name: self.bound.get(name, 0 if self.inventoried and name not in LEAVES else None) for name in names}
        return {name: most for name, most in found.items() if most is not None}

    @property
    def managed(self) -> frozenset[str]:
        """Return the resources that a current or future pool names (design section 4)."""
        return frozenset(name for pool in self.pools for name, amount in pool.capacity.items() if amount)

    def steps(self) -> list[Step]:
        """Return the total as steps, first to last: min(sum of pools in force, bound), never below 0.

        Nor is it ever more than its leaf can say, whatever has become of decreases and bounds meanwhile.

        An increase that is planned and has not started lifts the bound by itself while it lasts: it may exceed
        what the cloud gives today, and is cut to it when it starts.
        """
        sums = _sweep((pool.window, pool.signed) for pool in self.pools)
        awaited = _sweep((pool.window, pool.capacity) for pool in self.pools if pool.planned and not pool.started)
        lifted = _Walk(awaited)
        return [Step(moment, self._bounded(amounts, lifted.at(moment))) for moment, amounts in sums]

    def _bounded(self, amounts: Mapping[str, int], awaited: Mapping[str, int]) -> dict[str, int]:
        most = self.limits(amounts)
        total = {}
        for name, amount in amounts.items():
            given = min(amount, most[name] + awaited.get(name, 0)) if name in most else amount
            total[name] = max(0, min(given, most_of(name)))
        return total


def pool_sum(pools: Iterable[Pool], window: Window) -> list[Step]:
    """Return the sum of the pools, unbounded, as steps within a window; the first step is at its start."""
    steps = _sweep((pool.window, pool.signed) for pool in pools if pool.window.overlaps(window))
    first = Step(window.start, _Walk(steps).at(window.start))
    return [first, *(step for step in steps if window.start < step.start < window.end)]


def _sweep(parts: Iterable[tuple[Window, Mapping[str, int]]]) -> list[Step]:
    """Return the sum of windowed amounts as steps, one for each moment at which a window starts or ends."""
    changes: dict[int, dict[str, int]] = {}
    for window, amounts in parts:
        for moment, sign in ((window.start, 1), (window.end, -1)):
            delta = changes.setdefault(moment, {})
            for name, amount in amounts.items():
                delta[name] = delta.get(name, 0) + sign * amount
    changes.pop(FOREVER, None)
    running: dict[str, int] = {}
    steps = []
    for moment in sorted(changes):
        running = plus(running, changes[moment])
        steps.append(Step(moment, running))
    return steps


def differences(old: Sequence[Step], new: Sequence[Step]) -> list[tuple[Window, dict[str, int]]]:
    """Return what has to be added over which windows so that the old steps become the new ones."""
    moments = sorted({step.start for step in old} | {step.start for step in new})
    changes: list[tuple[Window, dict[str, int]]] = []
    before, after = _Walk(old), _Walk(new)
    for index, moment in enumerate(moments):
        was, will = before.at(moment), after.at(moment)
        delta = {name: will.get(name, 0) - was.get(name, 0) for name in was.keys() | will.keys()}
        if any(delta.values()):
            end = moments[index + 1] if index + 1 < len(moments) else FOREVER
            changes.append((Window(moment, end), {name: amount for name, amount in delta.items() if amount}))
    return changes


class _Walk:
    """Reads steps at ascending moments."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._next = 0
        self._amounts: Mapping[str, int] = {}

    def at(self, moment: int) -> Mapping[str, int]:
        while self._next < len(self._steps) and self._steps[self._next].start <= moment:
            self._amounts = self._steps[self._next].amounts
            self._next += 1
        return self._amounts
