"""The columns of a scope, computed from nothing but the records: slow, plain, and knowing no timeline.

A scope is a zone, or None for the whole provider. What is promised and used adds up from the claims of live
reservations and from counted instances; an instance moves what its reservation names from reserved to usage.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crash.records import Capacity, Instance, Reservation, Snapshot

FOREVER: Final = 1 << 62


@dataclass(frozen=True)
class Columns:
    """Total, reserved and usage of one scope at one moment, of the resources that are managed there."""

    total: Capacity
    reserved: Capacity
    usage: Capacity

    @property
    def available(self) -> Capacity:
        """What is left."""
        return {name: max(0, self._headroom(name)) for name in self.total}

    @property
    def overdrawn(self) -> Capacity:
        """What is promised and used beyond the total."""
        return {name: max(0, -self._headroom(name)) for name in self.total}

    @property
    def oversold(self) -> Capacity:
        """The resources that are overdrawn; none, as it should be."""
        return {name: amount for name, amount in self.overdrawn.items() if amount}

    def _headroom(self, name: str) -> int:
        return self.total[name] - self.reserved[name] - self.usage[name]


@dataclass
class _Column:
    """The sum of windowed amounts, as changes at moments."""

    changes: dict[int, Capacity] = field(default_factory=dict)

    def add(self, start: int, end: int | None, amounts: Mapping[str, int], sign: int = 1) -> None:
        for moment, direction in ((start, sign), (FOREVER if end is None else end, -sign)):
            change = self.changes.setdefault(moment, {})
            for name, amount in amounts.items():
                change[name] = change.get(name, 0) + direction * amount


def course(records: Snapshot, zone: str | None, now: int, bound: Mapping[str, int]) -> dict[int, Columns]:
    """Return the columns at `now` and at every later moment at which a record begins or ends, in order of time."""
    total, reserved, usage = _Column(), _Column(), _Column()
    managed = _offer(records, zone, now, total)
    for reservation in records.reservations.values():
        if reservation.live and zone in {None, reservation.zone}:
            reserved.add(reservation.start, reservation.end, reservation.capacity)
    for instance in records.instances.values():
        if instance.counted and zone in {None, instance.zone}:
            _use(instance, _claim(records, instance), zone, reserved, usage)
    later = {moment for moment in chain(total.changes, reserved.changes, usage.changes) if now < moment < FOREVER}
    walks = [_levels(column, [now, *sorted(later)]) for column in (total, reserved, usage)]
    found = {}
    for moment, there, promised, used in zip([now, *sorted(later)], *walks, strict=True):
        assert all(there.get(name, 0) <= bound.get(name, FOREVER) for name in managed), "more is offered than there is"
        found[moment] = Columns(*({name: level.get(name, 0) for name in managed} for level in (there, promised, used)))
    return found


def _offer(records: Snapshot, zone: str | None, now: int, total: _Column) -> set[str]:
    """Add the pools that are not over; return the resources that they name."""
    managed: set[str] = set()
    for pool in records.pools.values():
        if zone in {None, pool.zone} and (pool.end is None or pool.end > now):
            total.add(pool.start, pool.end, pool.capacity, 1 if pool.direction == "increase" else -1)
            managed |= pool.capacity.keys()
    return managed


def _claim(records: Snapshot, instance: Instance) -> Reservation | None:
    """Return the live reservation that an instance belongs to."""
    found = records.reservations.get(instance.reservation or "")
    return found if found is not None and found.live else None


def _use(instance: Instance, claim: Reservation | None, zone: str | None, reserved: _Column, usage: _Column) -> None:
    named = claim.capacity if claim else {}
    covered = {name: amount for name, amount in instance.capacity.items() if name in named}
    loose = {name: amount for name, amount in instance.capacity.items() if name not in named}
    usage.add(instance.start, None, loose)
    if claim:
        usage.add(instance.start, claim.end, covered)
        if zone in {None, claim.zone}:
            reserved.add(instance.start, claim.end, covered, -1)


def _levels(column: _Column, moments: list[int]) -> Iterator[Capacity]:
    """Yield the sums at ascending moments."""
    waiting = sorted(column.changes.items(), reverse=True)
    level: Capacity = {}
    for moment in moments:
        while waiting and waiting[-1][0] <= moment:
            for name, amount in waiting.pop()[1].items():
                level[name] = level.get(name, 0) + amount
        yield dict(level)


def check_never_oversold(
    records: Snapshot, now: int, bounds: Mapping[str | None, Mapping[str, int]]
) -> dict[str | None, dict[int, Columns]]:
    """Assert that at every instant from now on each scope holds what is promised; return the courses by scope."""
    courses = {}
    for zone, bound in bounds.items():
        courses[zone] = course(records, zone, now, bound)
        oversold = {moment: each.oversold for moment, each in courses[zone].items() if each.oversold}
        assert not oversold, f"oversold in {zone or 'the provider'}: {oversold}"
    for key, left in remaining(records).items():
        assert min(left.values(), default=0) >= 0, f"more is allocated than reservation {key} has: {left}"
    return courses


def remaining(records: Snapshot) -> dict[str, Capacity]:
    """Return what of each live reservation is not allocated, by its id."""
    left = {key: dict(reservation.capacity) for key, reservation in records.reservations.items() if reservation.live}
    for instance in records.instances.values():
        if instance.counted and instance.reservation in left:
            of = left[instance.reservation]
            for name in of:
                of[name] -= instance.capacity.get(name, 0)
    return left
