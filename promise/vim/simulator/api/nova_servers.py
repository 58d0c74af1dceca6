"""Nova: listing, showing, changing and deleting servers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.api.exchange import Answer, Call, Routes, member, text, truth
from promise.vim.simulator.api.nova_create import checked_metadata, create
from promise.vim.simulator.api.nova_views import server_brief, server_view
from promise.vim.simulator.api.paging import listing
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.names import bare, moment_of
from promise.vim.simulator.world.servers import STATES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from promise.vim.simulator.world.servers import Server

_SORTS: Final[dict[str, Callable[[Server], Any]]] = {
    "created_at": lambda server: server.created,
    "updated_at": lambda server: server.updated,
    "display_name": lambda server: server.name,
    "name": lambda server: server.name,
    "uuid": lambda server: server.id,
    "vm_state": lambda server: server.vm_state,
    "host": lambda server: server.host or "",
}
_KNOWN: Final = frozenset(
    {
        "all_tenants", "name", "status", "flavor", "image", "host", "project_id", "tenant_id", "user_id", "ip", "ip6",
        "changes-since", "changes-before", "deleted", "limit", "marker", "sort_key", "sort_dir", "availability_zone",
        "vm_state", "task_state", "power_state", "tags", "tags-any", "not-tags", "not-tags-any", "locked", "key_name",
        "hostname", "node", "uuid", "reservation_id", "description", "config_drive", "metadata", "system_metadata",
        "launch_index", "soft_deleted", "created_at", "launched_at", "terminated_at", "progress", "kernel_id",
        "ramdisk_id", "root_device_name", "access_ip_v4", "access_ip_v6", "auto_disk_config", "locked_by",
    }
)  # fmt: skip
_FOR_ADMINS: Final = frozenset(
    {"host", "deleted", "project_id", "tenant_id", "user_id", "vm_state", "task_state", "power_state", "node", "uuid"}
)


def owned(call: Call, server_id: str | None = None) -> Server:
    """Return the server of the path that the caller may see, or raise Nova's 404."""
    server = call.world.compute.get(server_id or call.parts["id"])
    if server.project_id != call.token.project_id and not call.token.admin:
        raise ApiError(404, f"Instance {server.id} could not be found.")
    return server


def _selected(call: Call) -> list[Server]:
    asked = {name: values[-1] for name, values in call.query().items()}
    if call.version >= (2, 75) and (unknown := sorted(set(asked) - _KNOWN)):
        names = ", ".join(f"'{name}'" for name in unknown)
        raise ApiError(400, f"Invalid input for query parameters: additional properties {names} are not allowed")
    everywhere = "all_tenants" in asked and (asked["all_tenants"] == "" or truth(asked["all_tenants"]))
    if everywhere:
        call.need_admin("os_compute_api:servers:detail:get_all_tenants")
    if not call.token.admin:
        asked = {name: value for name, value in asked.items() if name not in _FOR_ADMINS}
    project = None if everywhere else call.token.project_id
    servers = [server for server in _candidates(call, asked) if project in {None, server.project_id}]
    for name, value in asked.items():
        if name in _FILTERS:
            servers = list(_FILTERS[name](call, servers, value))
    return _sorted(call, servers)


def _candidates(call: Call, asked: dict[str, str]) -> list[Server]:
    compute = call.world.compute
    deleted = truth(asked.get("deleted", "")) or asked.get("status", "").upper() == "DELETED"
    if deleted:
        return list(compute.deleted.values())
    if "changes-since" in asked or "changes-before" in asked:
        return [*compute.servers.values(), *compute.deleted.values()]
    return list(compute.servers.values())


def _sorted(call: Call, servers: list[Server]) -> list[Server]:
    """Sort as asked; newest first when nothing is said."""
    keys = call.query().get("sort_key", ["created_at"])
    directions = call.query().get("sort_dir", ["desc"])
    servers.sort(key=lambda server: server.number, reverse=directions[0] == "desc")
    for index, key in reversed(list(enumerate(keys))):
        if key not in _SORTS:
            raise ApiError(400, f"Invalid input for query parameters sort_key. Value: {key}.")
        direction = directions[min(index, len(directions) - 1)]
        servers.sort(key=_SORTS[key], reverse=direction == "desc")
    return servers


def _by_name(_call: Call, servers: Iterable[Server], value: str) -> Iterable[Server]:
    try:
        pattern = re.compile(value, re.IGNORECASE)
    except re.error:
        raise ApiError(400, f"Invalid input for query parameters name. Value: {value}.") from None
    return [server for server in servers if pattern.search(server.name)]


def _by_status(call: Call, servers: Iterable[Server], _value: str) -> Iterable[Server]:
    wanted = {status.upper() for status in call.query()["status"]}
    if not wanted & {*STATES, "REBOOT", "HARD_REBOOT", "RESIZE"}:
        return []
    return [server for server in servers if server.status in wanted]


def _moment(name: str, value: str) -> float:
    try:
        return moment_of(value)
    except ValueError:
        raise ApiError(
            400, f"Invalid input for query parameters {name}. Value: {value}. '{value}' is not a 'date-time'"
        ) from None


def _by_ip(call: Call, servers: Iterable[Server], value: str) -> Iterable[Server]:
    def addresses(server: Server) -> list[str]:
        ports = call.world.network.ports_of(server.id)
        return [fixed["ip_address"] for port in ports for fixed in port["fixed_ips"]]

    return [server for server in servers if any(re.search(value, address) for address in addresses(server))]


_FILTERS: Final[dict[str, Callable[[Call, Iterable[Server], str], Iterable[Server]]]] = {
    "name": _by_name,
    "status": _by_status,
    "ip": _by_ip,
    "flavor": lambda _, servers, value: [server for server in servers if server.flavor.id == value],
    "image": lambda _, servers, value: [server for server in servers if server.image == value],
    "host": lambda _, servers, value: [server for server in servers if server.host == value],
    "node": lambda _, servers, value: [server for server in servers if server.host == value],
    "uuid": lambda _, servers, value: [server for server in servers if server.id == value],
    "key_name": lambda _, servers, value: [server for server in servers if server.key_name == value],
    "project_id": lambda _, servers, value: [server for server in servers if server.project_id == bare(value)],
    "tenant_id": lambda _, servers, value: [server for server in servers if server.project_id == bare(value)],
    "user_id": lambda _, servers, value: [server for server in servers if server.user_id == bare(value)],
    "vm_state": lambda _, servers, value: [server for server in servers if server.vm_state == value],
    "task_state": lambda _, servers, value: [server for server in servers if server.task_state == value],
    "locked": lambda _, servers, value: [server for server in servers if server.locked == truth(value)],
    "reservation_id": lambda _, servers, value: [server for server in servers if server.reservation_id == value],
    "availability_zone": lambda _, servers, value: [server for server in servers if server.shown_zone == value],
    "tags": lambda _, servers, value: [server for server in servers if set(value.split(",")) <= set(server.tags)],
    "tags-any": lambda _, servers, value: [server for server in servers if set(value.split(",")) & set(server.tags)],
    "changes-since": lambda _, servers, value: [
        server for server in servers if int(server.updated) >= _moment("changes-since", value)
    ],
    "changes-before": lambda _, servers, value: [
        server for server in servers if int(server.updated) <= _moment("changes-before", value)
    ],
}


def brief(call: Call) -> Answer:
    """GET /servers."""
    rows = _selected(call)
    return Answer(200, listing(call, "servers", "servers", rows, lambda s: s.id, lambda s: server_brief(call, s)))


def detail(call: Call) -> Answer:
    """GET /servers/detail."""
    rows = _selected(call)
    return Answer(200, listing(call, "servers", "servers/detail", rows, lambda s: s.id, lambda s: server_view(call, s)))


def show(call: Call) -> Answer:
    """GET /servers/{id}."""
    return Answer(200, {"server": server_view(call, owned(call))})


def update(call: Call) -> Answer:
    """PUT /servers/{id}: name, description, access addresses."""
    server, body = owned(call), member(call.json(), "server")
    if "name" in body:
        server.name = text(body, "name", 1)
    if "description" in body and call.version >= (2, 19):
        server.description = body["description"]
    server.access = (body.get("accessIPv4", server.access[0]), body.get("accessIPv6", server.access[1]))
    server.updated = call.now
    return Answer(200, {"server": server_view(call, server)})


def delete(call: Call) -> Answer:
    """DELETE /servers/{id}."""
    call.world.compute.delete(owned(call), call.now)
    return Answer(204)


def metadata(call: Call) -> Answer:
    """GET /servers/{id}/metadata."""
    return Answer(200, {"metadata": owned(call).metadata})


def change_metadata(call: Call) -> Answer:
    """POST (merge) or PUT (replace) /servers/{id}/metadata."""
    server = owned(call)
    given = checked_metadata(call, member(call.json(), "metadata"))
    kept = {} if call.request.method == "PUT" else server.metadata
    server.metadata = checked_metadata(call, {**kept, **given})
    server.updated = call.now
    return Answer(200, {"metadata": server.metadata})


def metadata_item(call: Call) -> Answer:
    """GET, PUT or DELETE /servers/{id}/metadata/{key}."""
    server, key = owned(call), call.parts["key"]
    if call.request.method == "PUT":
        value = text(member(call.json(), "meta"), key)
        server.metadata = checked_metadata(call, {**server.metadata, key: value})
        return Answer(200, {"meta": {key: value}})
    if key not in server.metadata:
        raise ApiError(404, "Metadata item was not found")
    if call.request.method == "DELETE":
        del server.metadata[key]
        return Answer(204)
    return Answer(200, {"meta": {key: server.metadata[key]}})


ROUTES: Final[Routes] = {
    "/servers": {"GET": brief, "POST": create},
    "/servers/detail": {"GET": detail},
    "/servers/{id}": {"GET": show, "PUT": update, "DELETE": delete},
    "/servers/{id}/metadata": {"GET": metadata, "POST": change_metadata, "PUT": change_metadata},
    "/servers/{id}/metadata/{key}": {"GET": metadata_item, "PUT": metadata_item, "DELETE": metadata_item},
}
