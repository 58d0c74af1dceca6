"""A line that capacity has crossed or cleared, as a capacity-event."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from promise.northbound import answers
from promise.northbound import bindings as yang
from promise.northbound.events.content import head
from promise.northbound.events.notice import Notice
from promise.northbound.words import open_end, told

if TYPE_CHECKING:
    from promise.northbound.events.watch import Crossing


def crossed(whose: str, crossing: Crossing, seq: int) -> Notice:
    """Return the notification; the same crossing for the same subscription has the same id."""
    return Notice(yang.CAPACITY_EVENT_NOTIFICATION, (seq, crossing.flip.at), None, partial(_body, whose, crossing, seq))


def _body(whose: str, crossing: Crossing, seq: int) -> dict[str, Any]:
    scope, asked, flip, levels = crossing
    bound = "lower" if asked.lower else "upper"
    name = " ".join(
        str(part)
        for part in (whose, *scope, asked.metric, asked.resource, bound, asked.value, flip.at, flip.crossed, seq)
    )
    return {
        **head(name, seq, flip.at),
        "provider_id": scope.provider,
        "zone": scope.zone,
        "cause": "threshold",
        "window": yang.Window(start=told(flip.seen.start), end=told(open_end(flip.seen.end))),
        "metrics": answers.columns(levels),
        "threshold": yang.ThresholdCrossing(
            metric=asked.metric,
            resource=asked.resource,
            bound=bound,
            value=asked.value,
            measured=flip.measured,
            crossed=flip.crossed,
        ),
    }
