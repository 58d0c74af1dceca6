"""The timelines of all scopes, kept equal to the sum of what the records contribute; pure (design section 4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from promise.allocation.model import Allocation
from promise.capacity.model import Pool, Scope, Supply, differences
from promise.capacity.timeline import Timeline
from promise.ledger.contribution import of_allocation, of_reservation
from promise.reservation.model import Reservation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from promise.capacity.model import Step
    from promise.capacity.provider import Provider
    from promise.events import Record
    from promise.ledger.contribution import Contribution
    from promise.resources import Window


def contributions(record: Record | None) -> list[Contribution]:
    """Return what a record adds to the reserved and usage columns; pools add to total, by way of `Supply`."""
    if isinstance(record, Reservation):
        return list(of_reservation(record))
    if isinstance(record, Allocation):
        return list(of_allocation(record))
    return []


@dataclass(slots=True)
class Shift:
    """What a change of one record has added to the timelines.

    `before` was taken out and `after` put in; `totals` has what was added to the total of a scope over a window, and
    `managed` the resources that such a scope managed until then.
    """

    before: Sequence[Contribution] = ()
    after: Sequence[Contribution] = ()
    totals: list[tuple[Scope, Window, Mapping[str, int]]] = field(default_factory=list)
    managed: dict[Scope, frozenset[str]] = field(default_factory=dict)


STILL = Shift()
"""Nothing has changed."""


class Columns:
    """One timeline for each scope in which something ever was, and the supply behind its total.

    `touched` gathers the scopes whose timelines have changed, for whoever takes care of the consequences.
    """

    def __init__(self) -> None:
        self._timelines: dict[Scope, Timeline] = {}
        self._pools: dict[Scope, dict[str, Pool]] = {}
        self._bounds: dict[Scope, Mapping[str, int]] = {}
        self._inventoried: set[str] = set()
        self._supplies: dict[Scope, Supply] = {}
        self._steps: dict[Scope, list[Step]] = {}
        self._managed: dict[Scope, frozenset[str]] = {}
        self.touched: set[Scope] = set()

    def managed(self, scope: Scope) -> frozenset[str]:
        """Return the resources that a current or future pool of a scope names: those that answers show."""
        return self._managed.get(scope, frozenset())

    def timeline(self, scope: Scope) -> Timeline:
        """Return the step functions of a scope."""
        found = self._timelines.get(scope)
        if found is None:
            found = self._timelines[scope] = Timeline()
        return found

    def supply(self, scope: Scope) -> Supply:
        """Return what makes up the total of a scope."""
        return self._supplies.get(scope) or self._supply(scope)

    def _supply(self, scope: Scope) -> Supply:
        pools = tuple(self._pools.get(scope, {}).values())
        return Supply(pools, self._bounds.get(scope, {}), scope.provider in self._inventoried)

    def zones(self, provider: str) -> set[str]:
        """Return the zones of a provider that a pool names which is not over."""
        return {
            scope.zone for scope, pools in self._pools.items() if scope.provider == provider and scope.zone and pools
        }

    def replace(self, old: Record | None, new: Record | None) -> Shift:
        """Count `new` where `old` was counted."""
        if isinstance(old, Pool) or isinstance(new, Pool):
            return self._replace_pool(old, new)
        before, after = contributions(old), contributions(new)
        if before == after:
            return STILL
        self.touched.update(part.scope for part in (*before, *after))
        for part in before:
            self.timeline(part.scope).remove(part.window, reserved=part.reserved, usage=part.usage)
        for part in after:
            self.timeline(part.scope).add(part.window, reserved=part.reserved, usage=part.usage)
        return Shift(before, after)

    def _replace_pool(self, old: Record | None, new: Record | None) -> Shift:
        touched: set[Scope] = set()
        if isinstance(old, Pool) and not old.finished:
            for scope in old.scopes:
                self._pools[scope].pop(old.id)
                touched.add(scope)
        if isinstance(new, Pool) and not new.finished:
            for scope in new.scopes:
                self._pools.setdefault(scope, {})[new.id] = new
                touched.add(scope)
        shift = Shift()
        for scope in touched:
            self._total_again(scope, shift)
        return shift

    def bind(self, provider: Provider) -> Shift:
        """Take over what a provider's cloud can give, for it and for each of its zones."""
        zones = provider.discovery.zones if provider.discovery else ()
        bounds = {Scope(provider.id): provider.bound()}
        bounds |= {Scope(provider.id, zone.name): provider.zone_bound(zone.name) for zone in zones}
        known = [scope for scope in self._bounds if scope.provider == provider.id]
        changed = provider.inventoried is not (provider.id in self._inventoried)
        (self._inventoried.add if provider.inventoried else self._inventoried.discard)(provider.id)
        shift = Shift()
        for scope in {*known, *bounds}:
            if changed or self._bounds.get(scope, {}) != bounds.get(scope, {}):
                self._bounds[scope] = bounds.get(scope, {})
                self._total_again(scope, shift)
        return shift

    def forget(self, provider: str) -> Shift:
        """Let go of a provider that is not there any more; of its scopes only those stay in which something is."""
        self._inventoried.discard(provider)
        shift = Shift()
        for scope in [scope for scope in self._bounds if scope.provider == provider]:
            del self._bounds[scope]
            self._total_again(scope, shift)
        for scope in [scope for scope in self._supplies if scope.provider == provider and not self._pools.get(scope)]:
            for columns in (self._supplies, self._steps, self._managed, self._pools):
                columns.pop(scope, None)
            if not self._timelines[scope]:
                del self._timelines[scope]
        return shift

    def _total_again(self, scope: Scope, shift: Shift) -> None:
        """Make the total of a scope what its supply says now."""
        supply = self._supply(scope)
        shift.managed[scope] = self._managed.get(scope, frozenset())
        steps = supply.steps()
        timeline = self.timeline(scope)
        self.touched.add(scope)
        for window, delta in differences(self._steps.get(scope, []), steps):
            timeline.add(window, total=delta)
            shift.totals.append((scope, window, delta))
        self._supplies[scope], self._steps[scope], self._managed[scope] = supply, steps, supply.managed

    def load(self, records: Iterable[Record]) -> None:
        """Count many records into columns that have none of their kind yet."""
        parts: dict[Scope, list[Contribution]] = {}
        for record in records:
            if isinstance(record, Pool):
                self._replace_pool(None, record)
            for part in contributions(record):
                parts.setdefault(part.scope, []).append(part)
        for scope, found in parts.items():
            self.touched.add(scope)
            self.timeline(scope).add_many(
                [(part.window, {"reserved": part.reserved, "usage": part.usage}) for part in found]
            )
