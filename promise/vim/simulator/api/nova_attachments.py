"""Nova: what hangs on a server: ports, volumes, addresses, security groups, tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.api.exchange import Answer, Call, Routes, member, text, truth
from promise.vim.simulator.api.nova_devices import nic
from promise.vim.simulator.api.nova_servers import owned
from promise.vim.simulator.api.nova_views import server_view
from promise.vim.simulator.world.errors import ApiError

if TYPE_CHECKING:
    from promise.vim.simulator.world.servers import Server
    from promise.vim.simulator.world.volumes import Volume


def _interface(port: dict[str, Any]) -> dict[str, Any]:
    return {
        "port_state": port["status"], "port_id": port["id"], "net_id": port["network_id"],
        "mac_addr": port["mac_address"], "fixed_ips": port["fixed_ips"], "tag": None,
    }  # fmt: skip


def interfaces(call: Call) -> Answer:
    """GET /servers/{id}/os-interface."""
    ports = call.world.network.ports_of(owned(call).id)
    return Answer(200, {"interfaceAttachments": [_interface(port) for port in ports]})


def add_interface(call: Call) -> Answer:
    """POST /servers/{id}/os-interface: a port, or a network in which one is made."""
    server = owned(call)
    server.require("attach_interface", "active", "paused", "stopped")
    body = member(call.json(), "interfaceAttachment")
    given: dict[str, Any] = {"port": body["port_id"]} if "port_id" in body else {"uuid": text(body, "net_id", 1)}
    for fixed in body.get("fixed_ips") or []:
        given["fixed_ip"] = text(fixed, "ip_address", 1)
    host = call.world.hosts.get(server.host or "")
    wanted = nic(call, given)
    try:
        port = call.world.compute.builder.plug(server, wanted, host, call.now)
    except ApiError as error:
        over = error.kind == "OverQuota"
        raise ApiError(403 if over else 400, "Maximum number of ports exceeded" if over else error.message) from None
    port["status"] = "ACTIVE"
    return Answer(200, {"interfaceAttachment": _interface(port)})


def _port(call: Call, server: Server) -> dict[str, Any]:
    for port in call.world.network.ports_of(server.id):
        if port["id"] == call.parts["port"]:
            return port
    raise ApiError(404, f"Port {call.parts['port']} not found")


def interface(call: Call) -> Answer:
    """GET /servers/{id}/os-interface/{port}."""
    return Answer(200, {"interfaceAttachment": _interface(_port(call, owned(call)))})


def remove_interface(call: Call) -> Answer:
    """DELETE /servers/{id}/os-interface/{port}."""
    server = owned(call)
    call.world.compute.builder.unplug(server, _port(call, server), call.now)
    return Answer(202)


def _attachment(call: Call, volume: Volume) -> dict[str, Any]:
    view: dict[str, Any] = {"volumeId": volume.id, "serverId": volume.server, "device": volume.device}
    if call.version < (2, 89):
        view["id"] = volume.id
    else:
        view |= {"attachment_id": volume.attachment_id, "bdm_uuid": volume.attachment_id}
    if call.version >= (2, 70):
        view["tag"] = None
    if call.version >= (2, 79):
        view["delete_on_termination"] = volume.delete_with_server
    return view


def volumes(call: Call) -> Answer:
    """GET /servers/{id}/os-volume_attachments."""
    attached = call.world.volumes.of_server(owned(call).id)
    return Answer(200, {"volumeAttachments": [_attachment(call, volume) for volume in attached]})


def add_volume(call: Call) -> Answer:
    """POST /servers/{id}/os-volume_attachments."""
    server, body = owned(call), member(call.json(), "volumeAttachment")
    server.require("attach_volume", "active", "paused", "stopped", "suspended")
    volume = call.world.volumes.volumes.get(text(body, "volumeId", 1))
    if volume is None or volume.project_id != server.project_id:
        raise ApiError(404, f"Volume {body['volumeId']} could not be found.")
    if volume.status != "available":
        raise ApiError(
            400, f"Invalid volume: volume '{volume.id}' status must be 'available'. Currently in '{volume.status}'"
        )
    device = str(body.get("device") or call.world.compute.builder.next_device(server))
    call.world.volumes.attach(volume, server.id, device, call.now)
    volume.delete_with_server = truth(body.get("delete_on_termination", False)) and call.version >= (2, 79)
    return Answer(200, {"volumeAttachment": _attachment(call, volume)})


def _attached(call: Call) -> Volume:
    server = owned(call)
    for volume in call.world.volumes.of_server(server.id):
        if volume.id == call.parts["volume"]:
            return volume
    raise ApiError(404, f"Instance {server.id} is not attached to volume {call.parts['volume']}")


def volume(call: Call) -> Answer:
    """GET /servers/{id}/os-volume_attachments/{volume}."""
    return Answer(200, {"volumeAttachment": _attachment(call, _attached(call))})


def remove_volume(call: Call) -> Answer:
    """DELETE /servers/{id}/os-volume_attachments/{volume}: not the one that it booted from."""
    found = _attached(call)
    if found.boot:
        raise ApiError(400, "Cannot detach a root device volume")
    call.world.volumes.detach(found, call.now)
    return Answer(202)


def addresses(call: Call) -> Answer:
    """GET /servers/{id}/ips."""
    return Answer(200, {"addresses": _short(call, owned(call))})


def _short(call: Call, server: Server) -> dict[str, list[dict[str, Any]]]:
    shown: dict[str, list[dict[str, Any]]] = server_view(call, server)["addresses"]
    return {
        label: [{"version": each["version"], "addr": each["addr"]} for each in entries]
        for label, entries in shown.items()
    }


def security_groups(call: Call) -> Answer:
    """GET /servers/{id}/os-security-groups."""
    rows, found = call.world.network.rows["security_group"], {}
    for port in call.world.network.ports_of(owned(call).id):
        for group in port["security_groups"]:
            row = rows[group]
            found[group] = {
                "id": group, "name": row["name"], "description": row["description"], "rules": [],
                "tenant_id": row["project_id"],
            }  # fmt: skip
    return Answer(200, {"security_groups": list(found.values())})


def tags(call: Call) -> Answer:
    """GET, PUT or DELETE /servers/{id}/tags."""
    server = owned(call)
    if call.request.method == "DELETE":
        server.tags = []
        return Answer(204)
    if call.request.method == "PUT":
        server.tags = list(dict.fromkeys(str(tag) for tag in member(call.json(), "tags", list)))
    return Answer(200, {"tags": server.tags})


def tag(call: Call) -> Answer:
    """GET, PUT or DELETE /servers/{id}/tags/{tag}."""
    server, wanted = owned(call), call.parts["tag"]
    if call.request.method == "PUT":
        if wanted in server.tags:
            return Answer(204)
        server.tags.append(wanted)
        return Answer(201, None, {"Location": call.link("servers", server.id, "tags", wanted)})
    if wanted not in server.tags:
        raise ApiError(404, f"Server {server.id} has no tag '{wanted}'")
    if call.request.method == "DELETE":
        server.tags.remove(wanted)
    return Answer(204)


ROUTES: Final[Routes] = {
    "/servers/{id}/os-interface": {"GET": interfaces, "POST": add_interface},
    "/servers/{id}/os-interface/{port}": {"GET": interface, "DELETE": remove_interface},
    "/servers/{id}/os-volume_attachments": {"GET": volumes, "POST": add_volume},
    "/servers/{id}/os-volume_attachments/{volume}": {"GET": volume, "DELETE": remove_volume},
    "/servers/{id}/ips": {"GET": addresses},
    "/servers/{id}/os-security-groups": {"GET": security_groups},
    "/servers/{id}/tags": {"GET": tags, "PUT": tags, "DELETE": tags},
    "/servers/{id}/tags/{tag}": {"GET": tag, "PUT": tag, "DELETE": tag},
}
