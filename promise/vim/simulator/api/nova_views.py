"""How Nova shows a server and a flavor, by microversion and by who asks."""

from __future__ import annotations

from hashlib import sha224
from typing import TYPE_CHECKING, Any

from promise.vim.simulator.world.names import micro, zulu

if TYPE_CHECKING:
    from promise.vim.simulator.api.exchange import Call
    from promise.vim.simulator.world.compute import Compute
    from promise.vim.simulator.world.flavors import Flavor
    from promise.vim.simulator.world.servers import Server


def links(call: Call, kind: str, thing_id: str) -> list[dict[str, str]]:
    """Return the two links that Nova gives to everything: with the version and without."""
    bookmark = call.root.removesuffix("/v2.1")
    return [
        {"rel": "self", "href": call.link(kind, thing_id)},
        {"rel": "bookmark", "href": f"{bookmark}/{kind}/{thing_id}"},
    ]


def server_brief(call: Call, server: Server) -> dict[str, Any]:
    """Return the three members of a list without detail."""
    return {"id": server.id, "name": server.name, "links": links(call, "servers", server.id)}


def server_view(call: Call, server: Server) -> dict[str, Any]:
    """Return a server as GET /servers/{id} and /servers/detail show it."""
    view = {
        "id": server.id,
        "name": server.name,
        "status": server.status,
        "tenant_id": server.project_id,
        "user_id": server.user_id,
        "metadata": server.metadata,
        "hostId": sha224((server.project_id + server.host).encode()).hexdigest() if server.host else "",
        "image": _image(call, server),
        "flavor": _flavor_in_server(call, server.flavor),
        "created": zulu(server.created),
        "updated": zulu(server.updated),
        "addresses": _addresses(call, server),
        "accessIPv4": server.access[0],
        "accessIPv6": server.access[1],
        "links": links(call, "servers", server.id),
        "OS-DCF:diskConfig": "MANUAL",
        "OS-EXT-AZ:availability_zone": server.shown_zone,
        "config_drive": "True" if server.config_drive else "",
        "key_name": server.key_name,
        "OS-SRV-USG:launched_at": micro(server.launched) if server.launched else None,
        "OS-SRV-USG:terminated_at": micro(server.terminated) if server.terminated else None,
        "OS-EXT-STS:task_state": server.task_state,
        "OS-EXT-STS:vm_state": server.vm_state,
        "OS-EXT-STS:power_state": server.power_state,
        "os-extended-volumes:volumes_attached": _volumes(call, server),
    }
    if server.status in {"ACTIVE", "BUILD", "RESIZE", "VERIFY_RESIZE", "REBUILD"}:
        view["progress"] = 100 if server.status == "VERIFY_RESIZE" else 0
    if server.vm_state not in {"error", "deleted"} or server.host:
        view["security_groups"] = [{"name": name} for name in _group_names(call, server)]
    if server.fault and server.vm_state in {"error", "deleted"}:
        view["fault"] = _fault(call, server.fault)
    view.update(_for_admins(call, server) if call.token.admin else {})
    view.update(_by_version(call, server))
    return view


def _image(call: Call, server: Server) -> Any:
    if not server.image:
        return ""
    bookmark = call.root.removesuffix("/v2.1")
    return {"id": server.image, "links": [{"rel": "bookmark", "href": f"{bookmark}/images/{server.image}"}]}


def _flavor_in_server(call: Call, flavor: Flavor) -> dict[str, Any]:
    if call.version < (2, 47):
        return {"id": flavor.id, "links": links(call, "flavors", flavor.id)[1:]}
    return {
        "original_name": flavor.name,
        "vcpus": flavor.vcpus,
        "ram": flavor.ram,
        "disk": flavor.disk,
        "ephemeral": flavor.ephemeral,
        "swap": flavor.swap,
        "extra_specs": flavor.extra_specs,
    }


def _addresses(call: Call, server: Server) -> dict[str, list[dict[str, Any]]]:
    network = call.world.network
    found: dict[str, list[dict[str, Any]]] = {}
    floating = {row["port_id"]: row for row in network.rows["floatingip"].values() if row["port_id"]}
    for port in network.ports_of(server.id):
        name = network.rows["network"][port["network_id"]]["name"]
        addresses = [("fixed", fixed["ip_address"]) for fixed in port["fixed_ips"]]
        if port["id"] in floating:
            addresses.append(("floating", floating[port["id"]]["floating_ip_address"]))
        for kind, address in addresses:
            found.setdefault(name, []).append(
                {
                    "version": 6 if ":" in address else 4,
                    "addr": address,
                    "OS-EXT-IPS:type": kind,
                    "OS-EXT-IPS-MAC:mac_addr": port["mac_address"],
                }
            )
    return found


def _volumes(call: Call, server: Server) -> list[dict[str, Any]]:
    attached = call.world.volumes.of_server(server.id)
    if call.version < (2, 3):
        return [{"id": volume.id} for volume in attached]
    return [{"id": volume.id, "delete_on_termination": volume.delete_with_server} for volume in attached]


def _group_names(call: Call, server: Server) -> list[str]:
    rows = call.world.network.rows["security_group"]
    ids = {group for port in call.world.network.ports_of(server.id) for group in port.get("security_groups", ())}
    return sorted(rows[group]["name"] for group in ids if group in rows)


def _fault(call: Call, fault: tuple[float, str]) -> dict[str, Any]:
    view = {"code": 500, "created": zulu(fault[0]), "message": fault[1]}
    return view | ({"details": f"{fault[1]}\n"} if call.token.admin else {})


def _for_admins(call: Call, server: Server) -> dict[str, Any]:
    view: dict[str, Any] = {
        "OS-EXT-SRV-ATTR:host": server.host,
        "OS-EXT-SRV-ATTR:instance_name": f"instance-{server.number:08x}",
        "OS-EXT-SRV-ATTR:hypervisor_hostname": server.host,
    }
    if call.version >= (2, 3):
        view |= {
            "OS-EXT-SRV-ATTR:reservation_id": server.reservation_id,
            "OS-EXT-SRV-ATTR:launch_index": server.launch_index,
            "OS-EXT-SRV-ATTR:hostname": server.hostname,
            "OS-EXT-SRV-ATTR:kernel_id": "",
            "OS-EXT-SRV-ATTR:ramdisk_id": "",
            "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda",
            "OS-EXT-SRV-ATTR:user_data": server.user_data,
        }
    if call.version >= (2, 16):
        view["host_status"] = host_status(call, server)
    return view


def host_status(call: Call, server: Server) -> str:
    """Return what Nova says of a server's host: UP, DOWN (forced), UNKNOWN (dead), MAINTENANCE (disabled) or ""."""
    host = call.world.hosts.by_name.get(server.host or "")
    if host is None:
        return ""
    if host.forced_down:
        return "DOWN"
    if not host.alive:
        return "UNKNOWN"
    return "UP" if host.enabled else "MAINTENANCE"


def _by_version(call: Call, server: Server) -> dict[str, Any]:
    since: tuple[tuple[tuple[int, int], str, Any], ...] = (
        ((2, 9), "locked", server.locked),
        ((2, 19), "description", server.description),
        ((2, 26), "tags", server.tags),
        ((2, 63), "trusted_image_certificates", None),
        ((2, 71), "server_groups", [server.group] if server.group else []),
        ((2, 73), "locked_reason", server.locked_reason),
        ((2, 90), "OS-EXT-SRV-ATTR:hostname", server.hostname),
        ((2, 96), "pinned_availability_zone", server.zone),
    )
    return {name: value for version, name, value in since if call.version >= version}


def flavor_view(call: Call, flavor: Flavor) -> dict[str, Any]:
    """Return a flavor as GET /flavors/{id} and /flavors/detail show it."""
    view = {
        "id": flavor.id,
        "name": flavor.name,
        "vcpus": flavor.vcpus,
        "ram": flavor.ram,
        "disk": flavor.disk,
        "OS-FLV-EXT-DATA:ephemeral": flavor.ephemeral,
        "swap": flavor.swap if flavor.swap or call.version >= (2, 75) else "",
        "rxtx_factor": flavor.rxtx_factor,
        "OS-FLV-DISABLED:disabled": False,
        "os-flavor-access:is_public": flavor.public,
        "links": links(call, "flavors", flavor.id),
    }
    if call.version >= (2, 55):
        view["description"] = flavor.description
    if call.version >= (2, 61):
        view["extra_specs"] = flavor.extra_specs
    return view


def visible_flavors(compute: Compute, call: Call) -> list[Flavor]:
    """Return the flavors that this project may use, in the order of their ids as Nova lists them."""
    may = [
        flavor
        for flavor in compute.flavors.values()
        if flavor.public or call.token.admin or call.token.project_id in flavor.projects
    ]
    return sorted(may, key=lambda flavor: flavor.id)
