"""What a subscription asks for: events of a kind, a filter, lines of capacity; and one that outlives sessions. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Final

from promise.resources import FOREVER, Window

if TYPE_CHECKING:
    from collections.abc import Mapping

ALWAYS: Final = Window(-FOREVER, FOREVER)
"""The window of a filter that says nothing of time."""


class Kind(StrEnum):
    """What a subscription is about: capacity-event, reservation-event or allocation-event."""

    CAPACITY = "capacity"
    RESERVATION = "reservation"
    INSTANCE = "instance"


@dataclass(frozen=True, slots=True)
class Filter:
    """What of a kind is told: all of these must hold, and what is None or empty restricts nothing.

    `ids` are those of reservations or instances, `states` of those, `resources` of capacity. `window` has an instant
    in common with what is told.
    """

    ids: frozenset[str] = frozenset()
    provider: str | None = None
    zone: str | None = None
    resources: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    window: Window = ALWAYS

    def to_json(self) -> dict[str, Any]:
        """Return the filter as plain JSON values."""
        return {
            "ids": sorted(self.ids),
            "provider": self.provider,
            "zone": self.zone,
            "resources": sorted(self.resources),
            "states": sorted(self.states),
            "window": list(self.window),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Filter:
        """Read what `to_json` wrote."""
        sets = {name: frozenset(value[name]) for name in ("ids", "resources", "states")}
        return cls(**{**value, **sets, "window": Window(*value["window"])})


EVERYTHING: Final = Filter()


@dataclass(frozen=True, slots=True)
class Threshold:
    """A line that one column of one resource may cross, in the unit of the resource.

    Over [now, now + horizon), 0 = now: the least of the column where `lower`, else the most.
    """

    metric: str
    resource: str
    lower: bool
    value: int
    hysteresis: int = 0
    horizon: int = 0

    @property
    def key(self) -> str:
        """What tells it from the other lines of a subscription (the key of the YANG's list)."""
        return f"{self.metric} {self.resource} {'lower' if self.lower else 'upper'} {self.value}"

    def to_json(self) -> list[Any]:
        """Return the line as plain JSON values."""
        return [self.metric, self.resource, self.lower, self.value, self.hysteresis, self.horizon]

    def beyond(self, measured: int, *, before: bool) -> bool:
        """Tell whether the line is crossed when this is measured; between crossing and clearing it stays as before.

        Without hysteresis both lie on the line itself: what is measured there has crossed it.
        """
        low, high = self.value - self.hysteresis, self.value + self.hysteresis
        crossed, cleared = (measured <= low, measured >= high) if self.lower else (measured >= high, measured <= low)
        return crossed or (before and not cleared)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription whose notifications are posted to a URI: it is configuration, and outlives every session.

    `after` is the seq up to which the receiver was told, as far as that was noted; `fresh` that it is still to be told
    the present state first. `crossed` says how each line stands, by "provider zone key of the line". `suspended`:
    nothing is posted until somebody changes it. The key with which posts are signed is in the secret store, under
    `credential`; None = they are not signed.
    """

    table: ClassVar[str] = "subscription"

    id: str
    kind: Kind
    wanted: Filter
    thresholds: tuple[Threshold, ...]
    owner: str
    project: str
    operator: bool
    callback: str
    created: int
    after: int
    credential: str | None = None
    fresh: bool = False
    crossed: Mapping[str, bool] = field(default_factory=dict)
    suspended: bool = False
    sent: int = 0
    dropped: int = 0
    last_error: str | None = None

    @property
    def secret(self) -> str | None:
        """The entry of the secret store: never one that is not for this."""
        return f"callback:{self.credential}" if self.credential else None

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON values."""
        return {
            "id": self.id,
            "kind": self.kind.value,
            "wanted": self.wanted.to_json(),
            "thresholds": [line.to_json() for line in self.thresholds],
            "owner": self.owner,
            "project": self.project,
            "operator": self.operator,
            "callback": self.callback,
            "created": self.created,
            "after": self.after,
            "credential": self.credential,
            "fresh": self.fresh,
            "crossed": dict(self.crossed),
            "suspended": self.suspended,
            "sent": self.sent,
            "dropped": self.dropped,
            "last_error": self.last_error,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Subscription:
        """Read what `to_json` wrote."""
        read = {
            "kind": Kind(value["kind"]),
            "wanted": Filter.from_json(value["wanted"]),
            "thresholds": tuple(Threshold(*line) for line in value["thresholds"]),
        }
        return cls(**{**value, **read})
