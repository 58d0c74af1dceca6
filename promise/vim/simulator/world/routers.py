"""Routers with their interfaces and gateways, and floating addresses: what joins networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.names import fresh

if TYPE_CHECKING:
    from promise.vim.simulator.world.addresses import Row
    from promise.vim.simulator.world.network import Network


def add_router(network: Network, project_id: str, values: Row, now: float) -> Row:
    """Create a router, with a gateway where one is asked for."""
    standard = {
        "admin_state_up": True, "status": "ACTIVE", "routes": [], "distributed": False, "ha": False,
        "availability_zones": [], "availability_zone_hints": [], "flavor_id": None, "external_gateway_info": None,
    }  # fmt: skip
    gateway = values.pop("external_gateway_info", None)
    row = network.add("router", project_id, {**standard, **values}, now)
    if gateway:
        _set_gateway(network, row, gateway, now)
    return row


def change_router(network: Network, row: Row, values: Row, now: float) -> Row:
    """Change a router; a new gateway replaces the old one."""
    if "external_gateway_info" in values:
        gateway = values.pop("external_gateway_info")
        _drop_gateway(network, row)
        if gateway:
            _set_gateway(network, row, gateway, now)
    return network.change(row, values, now)


def _set_gateway(network: Network, row: Row, gateway: Row, now: float) -> None:
    external = network.get("network", str(gateway.get("network_id")))
    if not external["router:external"]:
        message = f"Bad router request: Network {external['id']} is not an external network."
        raise ApiError(400, message, "BadRequest")
    owner = {
        "network_id": external["id"],
        "device_id": row["id"],
        "device_owner": "network:router_gateway",
        "security_groups": [],
    }
    port = network.add_port("", owner, now)
    row["external_gateway_info"] = {
        "network_id": external["id"], "enable_snat": True, "external_fixed_ips": port["fixed_ips"]
    }  # fmt: skip


def _drop_gateway(network: Network, row: Row) -> None:
    row["external_gateway_info"] = None
    for port in network.ports_of(row["id"]):
        if port["device_owner"] == "network:router_gateway":
            network.remove_port(port)


def add_interface(network: Network, router: Row, wanted: Row, now: float) -> dict[str, Any]:
    """Join a subnet, by its gateway's address, or an existing port to a router."""
    if "port_id" in wanted:
        port = network.get("port", wanted["port_id"])
        network.change(port, {"device_id": router["id"], "device_owner": "network:router_interface"}, now)
    else:
        subnet = network.get("subnet", str(wanted.get("subnet_id")))
        for other in network.ports_of(router["id"]):
            if any(fixed["subnet_id"] == subnet["id"] for fixed in other["fixed_ips"]):
                message = f"Bad router request: Router already has a port on subnet {subnet['id']}."
                raise ApiError(400, message, "BadRequest")
        values = {
            "network_id": subnet["network_id"], "device_id": router["id"], "device_owner": "network:router_interface",
            "fixed_ips": [{"subnet_id": subnet["id"], "ip_address": subnet["gateway_ip"]}], "status": "ACTIVE",
        }  # fmt: skip
        port = network.add_port(router["project_id"], values, now)
    return _interface(router, port)


def _interface(router: Row, port: Row) -> dict[str, Any]:
    subnets = [fixed["subnet_id"] for fixed in port["fixed_ips"]]
    return {
        "id": router["id"], "tenant_id": router["project_id"], "project_id": router["project_id"],
        "port_id": port["id"], "network_id": port["network_id"], "subnet_id": subnets[0] if subnets else None,
        "subnet_ids": subnets, "tags": [],
    }  # fmt: skip


def remove_interface(network: Network, router: Row, wanted: Row) -> dict[str, Any]:
    """Part a subnet or port from a router; the port ends with it."""
    for port in network.ports_of(router["id"]):
        subnets = {fixed["subnet_id"] for fixed in port["fixed_ips"]}
        if port["id"] == wanted.get("port_id") or wanted.get("subnet_id") in subnets:
            view = _interface(router, port)
            network.remove_port(port)
            return view
    message = f"Router {router['id']} does not have an interface on subnet {wanted.get('subnet_id')}"
    raise ApiError(404, message, "RouterInterfaceNotFoundForSubnet")


def remove_router(network: Network, row: Row) -> None:
    """Delete a router that has no interfaces left (409)."""
    if any(port["device_owner"] == "network:router_interface" for port in network.ports_of(row["id"])):
        raise ApiError(409, f"Router {row['id']} still has ports", "RouterInUse")
    _drop_gateway(network, row)
    del network.rows["router"][row["id"]]


def add_floating(network: Network, project_id: str, values: Row, now: float) -> Row:
    """Take a floating address of an external network, and give it to a port where one is named."""
    external = network.get("network", values["floating_network_id"])
    if not external["router:external"]:
        message = f"Bad floatingip request: Network {external['id']} is not a valid external network."
        raise ApiError(400, message, "BadRequest")
    row_id = fresh()
    row = network.add(
        "floatingip",
        project_id,
        {
            "floating_network_id": external["id"], "floating_ip_address": None, "fixed_ip_address": None,
            "port_id": None, "router_id": None, "status": "DOWN", "port_details": None, "port_forwardings": [],
            "qos_policy_id": None, "description": values.get("description", ""),
        },
        now,
        row_id,
    )  # fmt: skip
    owner: Row = {
        "network_id": external["id"],
        "device_id": row_id,
        "device_owner": "network:floatingip",
        "security_groups": [],
    }
    if "floating_ip_address" in values:
        owner["fixed_ips"] = [{"ip_address": values["floating_ip_address"]}]
    try:
        port = network.add_port("", owner, now)
        row["floating_ip_address"] = port["fixed_ips"][0]["ip_address"]
        if values.get("port_id"):
            associate(network, row, values["port_id"], now)
    except ApiError:
        remove_floating(network, row)
        raise
    return row


def associate(network: Network, row: Row, port_id: str | None, now: float) -> Row:
    """Give a floating address to a port, or to none."""
    if port_id is None:
        return network.change(row, {"port_id": None, "fixed_ip_address": None, "status": "DOWN"}, now)
    port = network.get("port", port_id)
    if not port["fixed_ips"]:
        message = f"Bad floatingip request: Port {port_id} has no fixed IPs."
        raise ApiError(400, message, "BadRequest")
    address = port["fixed_ips"][0]["ip_address"]
    return network.change(row, {"port_id": port_id, "fixed_ip_address": address, "status": "ACTIVE"}, now)


def remove_floating(network: Network, row: Row) -> None:
    """Give a floating address back."""
    for port in network.ports_of(row["id"]):
        network.remove_port(port)
    del network.rows["floatingip"][row["id"]]
