"""A reservation as the ledger keeps it; pure (design sections 2 and 5)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from promise.capacity.model import Scope
from promise.resources import Window

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(StrEnum):
    """Where a reservation stands in its life."""

    INITIALIZED = "initialized"
    ACTIVE = "active"
    ENDED = "ended"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


LIVE = frozenset({State.INITIALIZED, State.ACTIVE})
"""The states in which a reservation has a claim."""

PRIORITIES = {"high": 1, "normal": 2, "low": 3}


@dataclass(frozen=True, slots=True)
class Container:
    """So many instances of a flavor, and what one took of managed resources when it was named."""

    flavor: str
    count: int
    unit: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is promised to `owner` on one provider, over `window`; `capacity` names no resource with 0.

    `expiry` is the moment at which what is not allocated is released; `expiry_explicit` tells that the consumer
    set it, so that it does not move with the start. `elements` are held exclusively; `also` has the other ids of the
    same things, by element. `shortfall` is what cannot be given at the moment, `missing` those of the elements that
    are lost: either degrades it. `notice` is the moment at which the owner is told that it ends soon, None when that is
    not to be, or has been. `version` counts the changes, from 1.
    """

    table: ClassVar[str] = "reservation"

    id: str
    owner: str
    project: str
    provider: str
    zone: str | None
    window: Window
    capacity: Mapping[str, int]
    state: State
    created: int
    modified: int
    name: str | None = None
    expiry: int | None = None
    expiry_explicit: bool = False
    priority: str = "high"
    shortfall: Mapping[str, int] = field(default_factory=dict)
    elements: tuple[str, ...] = ()
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    containers: tuple[Container, ...] = ()
    notice: int | None = None
    version: int = 1

    @property
    def live(self) -> bool:
        """Tell whether it has a claim."""
        return self.state in LIVE

    @property
    def held_ids(self) -> frozenset[str]:
        """Return every id under which it holds something, whether it was asked for by that one or by another."""
        return frozenset(self.elements).union(*self.also.values())

    @property
    def degraded(self) -> bool:
        """Tell whether some of what it promises cannot be kept: an amount, or an element."""
        return bool(self.shortfall or self.missing)

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Return the scopes that it must fit: its provider, and its zone where it has one."""
        whole = Scope(self.provider)
        return (whole, Scope(self.provider, self.zone)) if self.zone else (whole,)

    def over(self, state: State, now: int) -> Reservation:
        """Return how it stands when it is over from `now` on: nothing is promised, so nothing is lacking."""
        return replace(self, state=state, modified=now, version=self.version + 1, shortfall={}, missing=())

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON values."""
        return {
            "id": self.id,
            "owner": self.owner,
            "project": self.project,
            "provider": self.provider,
            "zone": self.zone,
            "window": list(self.window),
            "capacity": dict(self.capacity),
            "state": self.state.value,
            "created": self.created,
            "modified": self.modified,
            "name": self.name,
            "expiry": self.expiry,
            "expiry_explicit": self.expiry_explicit,
            "priority": self.priority,
            "shortfall": dict(self.shortfall),
            "elements": list(self.elements),
            "also": {element: list(names) for element, names in self.also.items()},
            "missing": list(self.missing),
            "containers": [[each.flavor, each.count, dict(each.unit)] for each in self.containers],
            "notice": self.notice,
            "version": self.version,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Reservation:
        """Read what `to_json` wrote."""
        read = {
            "window": Window(*value["window"]),
            "state": State(value["state"]),
            "elements": tuple(value["elements"]),
            "also": {element: tuple(names) for element, names in value.get("also", {}).items()},
            "missing": tuple(value.get("missing", ())),
            "containers": tuple(Container(*each) for each in value["containers"]),
        }
        return cls(**{**value, **read})
