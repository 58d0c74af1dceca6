"""Event alarms, as Aodh keeps them: which events they are about, their state, and whom they call.

An alarm sees the events of its own project only. It fires at its first match; after that only with
`repeat_actions`, or when somebody has set its state back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from operator import eq, ge, gt, le, lt, ne
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from promise.vim.simulator.world.events import Event

STATES: Final = ("ok", "alarm", "insufficient data")
OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": eq, "ne": ne, "lt": lt, "le": le, "gt": gt, "ge": ge
}  # fmt: skip
ACTIONS: Final = {"ok": "ok_actions", "alarm": "alarm_actions", "insufficient data": "insufficient_data_actions"}


@dataclass(slots=True)
class Alarm:
    """An alarm. `query` is a list of {field, op, value, type}, all of which have to hold."""

    id: str
    name: str
    project_id: str
    user_id: str
    event_type: str
    query: list[dict[str, Any]]
    changed: float
    state_changed: float
    actions: dict[str, list[str]]
    description: str = ""
    enabled: bool = True
    severity: str = "low"
    repeat: bool = False
    state: str = "insufficient data"
    reason: str = "Not evaluated yet"
    history: list[dict[str, Any]] = field(default_factory=list)

    def matches(self, event: Event) -> bool:
        """Tell whether this alarm is about an event."""
        about = self.enabled and self.project_id == event.project_id and fnmatchcase(event.type, self.event_type)
        return about and all(_holds(condition, event) for condition in self.query)


def _holds(condition: Mapping[str, Any], event: Event) -> bool:
    name = str(condition["field"])
    found: Any = event.trait(name.removeprefix("traits.")) if name.startswith("traits.") else _own(event, name)
    if found is None:
        return False
    wanted: Any = condition["value"]
    if isinstance(found, int):
        try:
            wanted = float(wanted)
        except (TypeError, ValueError):
            return False
    return OPERATORS[condition.get("op") or "eq"](found, wanted if isinstance(found, int) else str(wanted))


def _own(event: Event, name: str) -> str | None:
    return {"event_type": event.type, "message_id": event.message_id}.get(name)


@dataclass(frozen=True, slots=True)
class Firing:
    """One call to make: the address and the body."""

    url: str
    body: dict[str, Any]


class Alarms:
    """Every alarm of the cloud."""

    def __init__(self) -> None:
        self.by_id: dict[str, Alarm] = {}

    def judge(self, events: Iterable[Event], now: float) -> list[Firing]:
        """Return the calls that these events make, in order, and change the alarms' states."""
        return [
            firing
            for event in events
            for alarm in self.by_id.values()
            if alarm.matches(event)
            for firing in self._fire(alarm, event, now)
        ]

    def _fire(self, alarm: Alarm, event: Event, now: float) -> list[Firing]:
        if alarm.state == "alarm" and not alarm.repeat:
            return []
        reason = f"Event <id={event.message_id},event_type={event.type}> hits the query <query={alarm.query}>."
        previous = alarm.state
        self.transit(alarm, "alarm", reason, now)
        body = {
            "alarm_id": alarm.id, "alarm_name": alarm.name, "severity": alarm.severity, "previous": previous,
            "current": "alarm", "reason": reason, "reason_data": {"type": "event", "event": event.shown()},
        }  # fmt: skip
        return [Firing(url, body) for url in alarm.actions["alarm_actions"]]

    @staticmethod
    def transit(alarm: Alarm, state: str, reason: str, now: float) -> None:
        """Set the state of an alarm."""
        if alarm.state != state:
            alarm.history.append({"type": "state transition", "detail": state, "timestamp": now})
            alarm.state_changed = now
        alarm.state, alarm.reason = state, reason
