"""What a subscription asks for: a kind of events, a filter, and lines of capacity; pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from promise.resources import FOREVER, Window

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

    def beyond(self, measured: int, *, before: bool) -> bool:
        """Tell whether the line is crossed when this is measured; between crossing and clearing it stays as before.

        Without hysteresis both lie on the line itself: what is measured there has crossed it.
        """
        low, high = self.value - self.hysteresis, self.value + self.hysteresis
        crossed, cleared = (measured <= low, measured >= high) if self.lower else (measured >= high, measured <= low)
        return crossed or (before and not cleared)
