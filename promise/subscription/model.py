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
