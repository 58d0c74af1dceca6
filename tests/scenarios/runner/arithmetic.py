"""The arithmetic of design section 4, once more and naively, on nothing but what <get> shows.

At an instant, in a provider or a zone of it: total is what the pools in force make, at most what the cloud can give;
reserved is what live reservations promise and their instances have not taken; usage is what instances take.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from scenarios.runner.comparison import local
from scenarios.runner.messages import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml.etree import _Element

FOREVER: Final = 1 << 60
METRICS: Final = ("total", "reserved", "usage", "available", "overdrawn")

Amounts = dict[str, int]
Columns = dict[str, Amounts]


def text(element: _Element, *path: str) -> str | None:
    """Return the text of the leaf at a path, None when it is absent."""
    return element.findtext("/".join(f"{{{NAMESPACE}}}{name}" for name in path))


def every(element: _Element, name: str) -> Iterator[_Element]:
    """Yield the children of that name."""
    return element.iterchildren(f"{{{NAMESPACE}}}{name}")


def instant(said: str | None, absent: int = FOREVER) -> int:
    """Return the seconds of a moment as answers write it."""
    return absent if said is None else int(datetime.fromisoformat(said).timestamp())


def amounts(element: _Element | None) -> Amounts:
    """Return what a capacity says."""
    found: Amounts = {}
    for child in element if element is not None else ():
        if local(child) == "custom":
            found[text(child, "resource-class") or ""] = int(text(child, "amount") or 0)
        else:
            found[local(child)] = int(child.text or 0)
    return found


def capacity(element: _Element, name: str) -> Amounts:
    """Return the capacity in the container of that name."""
    return amounts(element.find(f"{{{NAMESPACE}}}{name}"))


@dataclass(frozen=True)
class Part:
    """Something that counts over [start, end) on a provider, and in a zone of it where it has one."""

    provider: str
    zone: str | None
    start: int
    end: int
    column: str
    amounts: Amounts

    def at(self, provider: str, zone: str | None, when: int) -> bool:
        """Tell whether it counts there and then."""
        return self.provider == provider and zone in {None, self.zone} and self.start <= when < self.end


class Arithmetic:
    """All that counts, from one answer to <get>: the element <promise>; `now` is when it was asked for."""

    def __init__(self, promise: _Element, now: int) -> None:
        self._promise = promise
        self._now = now
        self.parts = [*self._pools(), *self._reservations(), *self._allocations()]

    def scopes(self) -> Iterator[tuple[str, str | None]]:
        """Yield every provider, and every zone of it that was ever seen or named."""
        for provider in every(self._promise, "providers"):
            key = text(provider, "id") or ""
            named = {part.zone for part in self.parts if part.provider == key and part.column == "total"}
            seen = {text(zone, "name") for zone in every(provider, "zones")}
            yield key, None
            yield from ((key, zone) for zone in sorted(zone for zone in named | seen if zone))

    def instants(self) -> list[int]:
        """Return all the moments at which anything changes."""
        return sorted({when for part in self.parts for when in (part.start, part.end) if when < FOREVER})

    def columns(self, provider: str, zone: str | None, when: int) -> Columns:
        """Return the five columns at an instant, of the managed resources."""
        managed = self._managed(provider, zone)
        sums = {name: dict.fromkeys(managed, 0) for name in ("total", "reserved", "usage", "lifted")}
        for part in self.parts:
            if part.at(provider, zone, when):
                for name, amount in part.amounts.items():
                    if name in managed:
                        sums[part.column][name] += amount
        most = self._bound(provider, zone)
        for name in managed & most.keys():
            sums["total"][name] = min(sums["total"][name], most[name] + sums["lifted"][name])
        left = {name: sums["total"][name] - sums["reserved"][name] - sums["usage"][name] for name in managed}
        return {
            "total": sums["total"],
            "reserved": sums["reserved"],
            "usage": sums["usage"],
            "available": {name: max(0, amount) for name, amount in left.items()},
            "overdrawn": {name: max(0, -amount) for name, amount in left.items()},
        }

    def _managed(self, provider: str, zone: str | None) -> set[str]:
        """Return the resources that a pool names which is not over."""
        return {
            name
            for part in self.parts
            if part.column == "total" and part.provider == provider and zone in {None, part.zone}
            if part.end > max(self._now, part.start)
            for name, amount in part.amounts.items()
            if amount
        }

    def _bound(self, provider: str, zone: str | None) -> Amounts:
        """Return what the cloud can give: a zone is bounded where Placement was read."""
        for found in every(self._promise, "providers"):
            if text(found, "id") == provider:
                if zone is None:
                    return capacity(found, "capacity")
                if text(found, "health", "capacity-source") == "placement":
                    zones = {text(each, "name"): capacity(each, "capacity") for each in every(found, "zones")}
                    return zones.get(zone, {})
        return {}

    def _pools(self) -> Iterator[Part]:
        for pool in every(self._promise, "pools"):
            place = text(pool, "provider") or "", text(pool, "zone")
            start, end = instant(text(pool, "start")), instant(text(pool, "end"))
            if end <= self._now:
                continue
            sign = -1 if text(pool, "direction") == "decrease" else 1
            said = {name: sign * amount for name, amount in capacity(pool, "capacity").items()}
            yield Part(*place, start, end, "total", said)
            if text(pool, "planned") == "true" and start > self._now:
                yield Part(*place, start, end, "lifted", said)

    def _live(self) -> Mapping[str, _Element]:
        return {
            text(held, "id") or "": held
            for held in every(self._promise, "reservations")
            if text(held, "state") in {"initialized", "active"}
        }

    def _reservations(self) -> Iterator[Part]:
        for held in self._live().values():
            place = text(held, "provider") or "", text(held, "zone")
            window = instant(text(held, "start")), instant(text(held, "end"))
            yield Part(*place, *window, "reserved", capacity(held, "capacity"))

    def _allocations(self) -> Iterator[Part]:
        live = self._live()
        left = {key: capacity(held, "capacity") for key, held in live.items()}
        for found in every(self._promise, "allocations"):
            if text(found, "end") is not None:
                continue
            place = text(found, "provider") or "", text(found, "zone")
            start, takes = instant(text(found, "start")), capacity(found, "capacity")
            held = live.get(text(found, "reservation") or "")
            promised = left.get(text(found, "reservation") or "", {})
            covered = {name: min(amount, promised[name]) for name, amount in takes.items() if name in promised}
            loose = {name: amount - covered.get(name, 0) for name, amount in takes.items()}
            promised.update({name: promised[name] - amount for name, amount in covered.items()})
            yield Part(*place, start, FOREVER, "usage", loose)
            if held is not None and covered:
                end = instant(text(held, "end"))
                yield Part(*place, start, end, "usage", covered)
                taken = {name: -amount for name, amount in covered.items()}
                yield Part(place[0], text(held, "zone"), start, end, "reserved", taken)
