"""A line that capacity has crossed or cleared, as plain values for the journal and as a capacity-event; pure."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from promise.capacity.query import METRICS
from promise.northbound import bindings as yang
from promise.northbound.events.notice import Notice, head
from promise.northbound.words import capacity, open_end, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promise.capacity.model import Scope
    from promise.capacity.query import Levels
    from promise.subscription.model import Threshold
    from promise.subscription.threshold import Flip


def plain(scope: Scope, line: Threshold, flip: Flip, levels: Levels) -> dict[str, Any]:
    """Return a crossing as plain JSON values; `levels` are those at the first instant of what was seen."""
    return {
        "provider": scope.provider,
        "zone": scope.zone,
        "metric": line.metric,
        "resource": line.resource,
        "bound": "lower" if line.lower else "upper",
        "value": line.value,
        "at": flip.at,
        "crossed": flip.crossed,
        "measured": flip.measured,
        "seen": list(flip.seen),
        "levels": {name: dict(levels.metric(name)) for name in METRICS},
    }


def crossed(whose: str, crossing: Mapping[str, Any], seq: int) -> Notice:
    """Return the notification; the same crossing for the same subscription has the same id."""
    place = seq, crossing["at"]
    return Notice(yang.CAPACITY_EVENT_NOTIFICATION, place, None, partial(_body, whose, crossing, seq), only=whose)


def _body(whose: str, crossing: Mapping[str, Any], seq: int) -> dict[str, Any]:
    at, (start, end) = crossing["at"], crossing["seen"]
    which = ("provider", "zone", "metric", "resource", "bound", "value", "crossed")
    name = " ".join(str(part) for part in (whose, *(crossing[each] for each in which), at, seq))
    line = ("metric", "resource", "bound", "value", "measured", "crossed")
    return {
        **head(name, seq, at),
        "provider_id": crossing["provider"],
        "zone": crossing["zone"],
        "cause": "threshold",
        "window": yang.Window(start=told(start), end=told(open_end(end))),
        "metrics": yang.Columns(**{metric: capacity(amounts) for metric, amounts in crossing["levels"].items()}),
        "threshold": yang.ThresholdCrossing(**{each: crossing[each] for each in line}),
    }
