"""Aodh v2: event alarms."""

from __future__ import annotations

import json
from typing import Any, Final

from promise.vim.simulator.api.exchange import Answer, Call, Refused, objects, sorts, text, truth
from promise.vim.simulator.api.service import Service
from promise.vim.simulator.world.alarms import ACTIONS, OPERATORS, STATES, Alarm
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.names import fresh, micro

_SORTS: Final[dict[str, type[Any]]] = {
    "name": str, "description": str, "enabled": bool, "severity": str, "state": str, "repeat_actions": bool,
    "project_id": str, "user_id": str, "event_rule": dict, "alarm_actions": list, "ok_actions": list,
    "insufficient_data_actions": list,
}  # fmt: skip
_SEVERITIES: Final = ("low", "moderate", "critical")


def _shape(refused: Refused) -> Answer:
    error = refused.error
    message = {"debuginfo": None, "faultcode": "Client" if error.status < 500 else "Server"}  # noqa: PLR2004
    return Answer(error.status, {"error_message": {**message, "faultstring": error.message}})


def versions(call: Call) -> Answer:
    """GET /."""
    entry = {
        "id": "v2",
        "status": "stable",
        "updated": "2013-02-13T00:00:00Z",
        "links": [{"rel": "self", "href": call.link("v2")}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.telemetry-v2+json"}],
    }
    return Answer(200, {"versions": {"values": [entry]}})


def _view(alarm: Alarm) -> dict[str, Any]:
    return {
        "alarm_id": alarm.id, "name": alarm.name, "description": alarm.description, "type": "event",
        "enabled": alarm.enabled, "project_id": alarm.project_id, "user_id": alarm.user_id,
        "severity": alarm.severity, "state": alarm.state, "state_reason": alarm.reason,
        "state_timestamp": micro(alarm.state_changed), "timestamp": micro(alarm.changed),
        "evaluate_timestamp": micro(alarm.changed), "repeat_actions": alarm.repeat, "time_constraints": [],
        "event_rule": {"event_type": alarm.event_type, "query": alarm.query}, **alarm.actions,
    }  # fmt: skip


def _fill(call: Call, alarm: Alarm, body: dict[str, Any]) -> Alarm:
    """Put what a request says into an alarm, or raise a 400 and change nothing."""
    sorts(body, _SORTS)
    if body.get("type", "event") != "event":
        raise ApiError(400, f"Invalid input for field/attribute type. Value: '{body['type']}'. Only event is simulated")
    rule = body.get("event_rule") or {}
    query = objects(rule, "query")
    for condition in query:
        text(condition, "field", 1)
        if "value" not in condition or (condition.get("op") or "eq") not in OPERATORS:
            raise ApiError(400, f"Invalid input for field/attribute query. Value: '{condition}'.")
    severity, state = body.get("severity") or alarm.severity, body.get("state") or alarm.state
    if severity not in _SEVERITIES or state not in STATES:
        raise ApiError(400, f"Invalid input for field/attribute severity or state. Value: '{severity}', '{state}'.")
    actions = {name: [str(url) for url in body.get(name) or []] for name in ACTIONS.values()}
    if any(
        not url.startswith(("http://", "https://", "log:", "trust+http")) for urls in actions.values() for url in urls
    ):
        raise ApiError(400, "Unsupported action")
    alarm.name = text(body, "name", 1)
    alarm.event_type, alarm.query, alarm.actions = str(rule.get("event_type") or "*"), query, actions
    alarm.description = body.get("description") or f"Alarm when {alarm.event_type} event occurred."
    alarm.enabled, alarm.repeat = truth(body.get("enabled", True)), truth(body.get("repeat_actions", False))
    alarm.severity, alarm.changed = severity, call.now
    call.world.alarms.transit(alarm, state, alarm.reason, call.now)
    return alarm


def create(call: Call) -> Answer:
    """POST /v2/alarms; an admin may make one for another project."""
    body = call.json()
    project_id = str(body.get("project_id") or call.token.project_id)
    if project_id != call.token.project_id and not call.token.admin:
        raise ApiError(401, f"Not Authorized to access project {project_id}")
    alarm = Alarm(fresh(), "", project_id, call.token.user.id, "*", [], call.now, call.now, {})
    _fill(call, alarm, body)
    call.world.alarms.by_id[alarm.id] = alarm
    return Answer(201, _view(alarm), {"Location": call.link("v2", "alarms", alarm.id)})


def alarms(call: Call) -> Answer:
    """GET /v2/alarms: one's own, filtered by q.field and q.value."""
    query = call.query()
    everywhere = call.token.admin and truth(call.asked("all_projects") or "")
    rows = [
        _view(alarm)
        for alarm in call.world.alarms.by_id.values()
        if everywhere or alarm.project_id == call.token.project_id
    ]
    for name, value in zip(query.get("q.field", []), query.get("q.value", []), strict=False):
        rows = [row for row in rows if str(row.get("alarm_id" if name == "id" else name)) == value]
    return Answer(200, rows)


def query(call: Call) -> Answer:
    """POST /v2/query/alarms: `filter` is JSON in a string, {"=": {name: value}}."""
    try:
        wanted = json.loads(call.json().get("filter") or "{}")
        pairs = wanted.get("=", {}).items()
    except (ValueError, TypeError, AttributeError):
        raise ApiError(400, "Filter expression not valid") from None
    rows = [_view(alarm) for alarm in call.world.alarms.by_id.values() if _mine(call, alarm)]
    return Answer(200, [row for row in rows if all(row.get(name) == value for name, value in pairs)])


def _mine(call: Call, alarm: Alarm) -> bool:
    return call.token.admin or alarm.project_id == call.token.project_id


def _alarm(call: Call) -> Alarm:
    alarm = call.world.alarms.by_id.get(call.parts["id"])
    if alarm is None or not _mine(call, alarm):
        raise ApiError(404, f"Alarm {call.parts['id']} not found in project {call.token.project_id}")
    return alarm


def show(call: Call) -> Answer:
    """GET /v2/alarms/{id}."""
    return Answer(200, _view(_alarm(call)))


def update(call: Call) -> Answer:
    """PUT /v2/alarms/{id}: replaces all of it."""
    return Answer(200, _view(_fill(call, _alarm(call), call.json())))


def delete(call: Call) -> Answer:
    """DELETE /v2/alarms/{id}."""
    del call.world.alarms.by_id[_alarm(call).id]
    return Answer(204)


def state(call: Call) -> Answer:
    """GET or PUT /v2/alarms/{id}/state: a JSON string."""
    alarm = _alarm(call)
    if call.request.method == "PUT":
        try:
            wanted = json.loads(call.request.data)
        except ValueError:
            wanted = None
        if wanted not in STATES:
            raise ApiError(400, f"Invalid input for field/attribute state. Value: '{wanted}'.")
        call.world.alarms.transit(alarm, wanted, "Manually set via API", call.now)
    return Answer(200, alarm.state)


def history(call: Call) -> Answer:
    """GET /v2/alarms/{id}/history."""
    alarm = _alarm(call)
    rows = [
        {**entry, "timestamp": micro(entry["timestamp"]), "alarm_id": alarm.id, "project_id": alarm.project_id}
        for entry in reversed(alarm.history)
    ]
    return Answer(200, rows)


def capabilities(_call: Call) -> Answer:
    """GET /v2/capabilities."""
    return Answer(200, {"api": {"alarms:query:simple": True}, "alarm_storage": {"storage:production_ready": False}})


SERVICE: Final = Service(
    name="alarming",
    mount="/alarming",
    base="/alarming",
    shape=_shape,
    open_to_all=frozenset({"GET /"}),
    routes={
        "/": {"GET": versions},
        "/v2/alarms": {"GET": alarms, "POST": create},
        "/v2/alarms/{id}": {"GET": show, "PUT": update, "DELETE": delete},
        "/v2/alarms/{id}/state": {"GET": state, "PUT": state},
        "/v2/alarms/{id}/history": {"GET": history},
        "/v2/query/alarms": {"POST": query},
        "/v2/capabilities": {"GET": capabilities},
    },
)
