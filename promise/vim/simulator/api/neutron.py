"""Neutron v2.0: its collections, quotas and extensions, with one table that says how each kind behaves."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.api import neutron_quotas, neutron_routers
from promise.vim.simulator.api.exchange import Answer, Call, Refused, member, sorts, truth
from promise.vim.simulator.api.neutron_change import CHANGES, CREATES, DELETES, SORTS
from promise.vim.simulator.api.paging import page
from promise.vim.simulator.api.service import Service
from promise.vim.simulator.world.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from promise.vim.simulator.world.addresses import Row

PLURALS: Final = {
    "network": "networks", "subnet": "subnets", "port": "ports", "router": "routers", "floatingip": "floatingips",
    "security_group": "security_groups", "security_group_rule": "security_group_rules",
}  # fmt: skip
_EXTENSIONS: Final = (
    "agent", "availability_zone", "binding", "dhcp_agent_scheduler", "ext-gw-mode", "external-net",
    "extra_dhcp_opt", "extraroute", "network_availability_zone", "pagination", "port-security", "project-id",
    "provider", "quotas", "quota_details", "router", "router_availability_zone", "security-group", "sorting",
    "standard-attr-description", "standard-attr-revisions", "standard-attr-tag", "standard-attr-timestamp",
    "subnet_allocation", "net-mtu", "filter-validation",
)  # fmt: skip
_PAGING: Final = frozenset({"limit", "marker", "page_reverse", "sort_key", "sort_dir", "fields"})


def _shape(refused: Refused) -> Answer:
    error = refused.error
    kind = error.kind if error.kind not in {"", "path", "method"} else f"HTTP{HTTPStatus(error.status).phrase}"
    body = {"NeutronError": {"type": kind.replace(" ", ""), "message": error.message, "detail": ""}}
    return Answer(error.status, body)


def versions(call: Call) -> Answer:
    """GET /."""
    entry = {"id": "v2.0", "status": "CURRENT", "links": [{"rel": "self", "href": call.link("v2.0", "")}]}
    return Answer(200, {"versions": [entry]})


def resources(call: Call) -> Answer:
    """GET /v2.0: the collections."""
    entries = [
        {"name": kind, "collection": plural, "links": [{"rel": "self", "href": call.link("v2.0", plural)}]}
        for kind, plural in PLURALS.items()
    ]
    return Answer(200, {"resources": entries})


def sees(call: Call, kind: str, row: Row) -> bool:
    """Tell whether the caller may see a row: one's own, what is shared or external, everything for an admin."""
    if call.token.admin or row["project_id"] == call.token.project_id:
        return True
    if kind == "subnet":
        return sees(call, "network", call.world.network.rows["network"][row["network_id"]])
    return bool(row.get("shared") or row.get("router:external"))


def _view(call: Call, kind: str, row: Row) -> Row:
    shown = {name: value for name, value in row.items() if not name.startswith("_")}
    if not call.token.admin:
        shown = {name: value for name, value in shown.items() if not name.startswith(("provider:", "binding:host"))}
    if kind == "security_group":
        rules = call.world.network.rows["security_group_rule"].values()
        shown["security_group_rules"] = [rule for rule in rules if rule["security_group_id"] == row["id"]]
    fields = call.query().get("fields")
    return {name: value for name, value in shown.items() if name in fields} if fields else shown


def _matches(row: Row, name: str, values: list[str]) -> bool:
    wanted = "project_id" if name == "tenant_id" else name
    if wanted not in row:
        return True
    value = row[wanted]
    if isinstance(value, bool):
        return any(truth(each) == value for each in values)
    if wanted == "fixed_ips":
        pairs = {f"{key}={part}" for fixed in value for key, part in fixed.items()}
        return all(each in pairs for each in values)
    return str("" if value is None else value) in values or (
        isinstance(value, list) and bool(set(values) & set(map(str, value)))
    )


def _list(call: Call, kind: str) -> Answer:
    network = call.world.network
    if kind in {"security_group", "security_group_rule"}:
        network.default_group(call.token.project_id, call.now)
    rows = [row for row in network.rows[kind].values() if sees(call, kind, row)]
    for name, values in call.query().items():
        if name not in _PAGING:
            rows = [row for row in rows if _matches(row, name, values)]
    for key, direction in reversed(
        list(zip(call.query().get("sort_key", []), call.query().get("sort_dir", ["asc"] * 9), strict=False))
    ):
        rows.sort(key=lambda row, key=key: str(row.get(key)), reverse=direction == "desc")  # type: ignore[misc]
    shown, more = page(call, rows, lambda row: str(row["id"]))
    plural = PLURALS[kind]
    body: dict[str, Any] = {plural: [_view(call, kind, row) for row in shown]}
    if more and call.asked("limit"):
        path = f"v2.0/{plural.replace('_', '-')}"
        body[f"{plural}_links"] = [{"rel": "next", "href": call.next_page(path, shown[-1]["id"])}]
    return Answer(200, body)


def row_of(call: Call, kind: str, row_id: str) -> Row:
    """Return a row that the caller may see, or raise Neutron's 404."""
    row = call.world.network.get(kind, row_id)
    if not sees(call, kind, row):
        raise call.world.network.missing(kind, row_id)
    return row


def _mine(call: Call, kind: str) -> Row:
    row = row_of(call, kind, call.parts["id"])
    if row["project_id"] != call.token.project_id and not call.token.admin:
        raise ApiError(403, f"(rule:{kind}) is disallowed by policy", "PolicyNotAuthorized")
    return row


def _create(call: Call, kind: str) -> Answer:
    body = call.json()
    plural = PLURALS[kind]
    if plural in body:
        rows = [_created(call, kind, values) for values in member(body, plural, list)]
        return Answer(201, {plural: rows})
    return Answer(201, {kind: _created(call, kind, member(body, kind))})


def _created(call: Call, kind: str, values: Row) -> Row:
    project_id = str(values.pop("project_id", None) or values.pop("tenant_id", None) or call.token.project_id)
    values.pop("tenant_id", None)
    if project_id != call.token.project_id and not call.token.admin:
        raise ApiError(403, f"(rule:create_{kind}) is disallowed by policy", "PolicyNotAuthorized")
    if (values.get("shared") or values.get("router:external")) and not call.token.admin:
        raise ApiError(403, f"(rule:create_{kind}:shared) is disallowed by policy", "PolicyNotAuthorized")
    sorts(values, SORTS[kind])
    return _view(call, kind, CREATES[kind](call, project_id, values))


def _update(call: Call, kind: str) -> Answer:
    row, values = _mine(call, kind), member(call.json(), kind)
    for name in ("id", "tenant_id", "project_id", "revision_number"):
        values.pop(name, None)
    sorts(values, SORTS[kind])
    CHANGES[kind](call, row, values)
    return Answer(200, {kind: _view(call, kind, row)})


def _delete(call: Call, kind: str) -> Answer:
    DELETES[kind](call, _mine(call, kind))
    return Answer(204)


def _collection(kind: str) -> dict[str, dict[str, Callable[[Call], Answer]]]:
    path = f"/v2.0/{PLURALS[kind].replace('_', '-')}"
    return {
        path: {"GET": lambda call: _list(call, kind), "POST": lambda call: _create(call, kind)},
        f"{path}/{{id}}": {
            "GET": lambda call: Answer(200, {kind: _view(call, kind, row_of(call, kind, call.parts["id"]))}),
            "PUT": lambda call: _update(call, kind),
            "DELETE": lambda call: _delete(call, kind),
        },
    }


def extensions(_call: Call) -> Answer:
    """GET /v2.0/extensions."""
    return Answer(200, {"extensions": [_extension(alias) for alias in _EXTENSIONS]})


def _extension(alias: str) -> dict[str, Any]:
    return {"alias": alias, "name": alias, "description": "", "updated": "2020-01-01T00:00:00-00:00", "links": []}


def extension(call: Call) -> Answer:
    """GET /v2.0/extensions/{alias}."""
    alias = call.parts["alias"]
    if alias not in _EXTENSIONS:
        raise ApiError(404, f"Extension with alias {alias} does not exist", "ExtensionNotFound")
    return Answer(200, {"extension": _extension(alias)})


def availability_zones(_call: Call) -> Answer:
    """GET /v2.0/availability_zones."""
    zones = [{"name": "nova", "resource": resource, "state": "available"} for resource in ("network", "router")]
    return Answer(200, {"availability_zones": zones})


SERVICE: Final = Service(
    name="network",
    mount="/network",
    base="/network",
    shape=_shape,
    open_to_all=frozenset({"GET /"}),
    routes={
        "/": {"GET": versions},
        "/v2.0": {"GET": resources},
        "/v2.0/extensions": {"GET": extensions},
        "/v2.0/extensions/{alias}": {"GET": extension},
        "/v2.0/availability_zones": {"GET": availability_zones},
        "/v2.0/agents": {"GET": lambda _: Answer(200, {"agents": []})},
        "/v2.0/service-providers": {"GET": lambda _: Answer(200, {"service_providers": []})},
        **{path: methods for kind in PLURALS for path, methods in _collection(kind).items()},
        **neutron_quotas.ROUTES,
        **neutron_routers.ROUTES,
    },
)
