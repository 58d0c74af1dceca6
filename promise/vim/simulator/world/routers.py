"""Routers with their interfaces and gateways, and floating addresses: what joins networks."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.names import fresh

if TYPE_CHECKING:
    from promise.vim.simulator.world.addresses import Row
    from promise.vim.simulator.world.network import Network


_IPV4: Final = 4


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
            associate(network, row, values["port_id"], now, values.get("fixed_ip_address"))
    except ApiError:
        remove_floating(network, row)
        raise
    return row


def associate(network: Network, row: Row, port_id: str | None, now: float, fixed: str | None = None) -> Row:
    """Give a floating address to a fixed IPv4 address of a port, its only one if none is named, or to no port."""
    if port_id is None:
        nobody = {"port_id": None, "fixed_ip_address": None, "router_id": None, "status": "DOWN"}
        return network.change(row, nobody, now)
    port = network.get("port", port_id)
    target = _target(port, fixed)
    taken = (other for other in network.rows["floatingip"].values() if other is not row)
    for other in taken:
        if (other["port_id"], other["fixed_ip_address"]) == (port_id, target["ip_address"]):
            message = (
                f"Cannot associate floating IP {row['floating_ip_address']} ({row['id']}) with port {port_id} using "
                f"fixed IP {target['ip_address']}, as that fixed IP already has a floating IP on external network "
                f"{row['floating_network_id']}."
            )
            raise ApiError(409, message, "FloatingIPPortAlreadyAssociated")
    router = _router_between(network, target["subnet_id"], row["floating_network_id"], port_id)
    values = {
        "port_id": port_id, "fixed_ip_address": target["ip_address"], "router_id": router["id"], "status": "ACTIVE"
    }  # fmt: skip
    return network.change(row, values, now)


def _target(port: Row, fixed: str | None) -> Row:
    """Return the fixed address of a port that a floating one is to lead to, or raise Neutron's 400."""
    candidates: list[Row] = [one for one in port["fixed_ips"] if ip_address(one["ip_address"]).version == _IPV4]
    if fixed is not None:
        candidates = [one for one in candidates if one["ip_address"] == fixed]
    if not candidates:
        message = f"Bad floatingip request: Port {port['id']} does not have fixed ip {fixed or 'of IPv4'}."
        raise ApiError(400, message, "BadRequest")
    if len(candidates) > 1:
        message = (
            f"Bad floatingip request: Port {port['id']} has multiple fixed IPv4 addresses. Must provide a specific "
            "IPv4 address when assigning a floating IP."
        )
        raise ApiError(400, message, "BadRequest")
    return candidates[0]


def _router_between(network: Network, subnet_id: str, external_id: str, port_id: str) -> Row:
    """Return the router that joins a subnet to an external network, or raise Neutron's 404.

    A shared network has one that its operator keeps out of sight, as operators do: {"id": None}.
    """
    for router in network.rows["router"].values():
        if (router["external_gateway_info"] or {}).get("network_id") == external_id:
            for port in network.ports_of(router["id"]):
                if any(one["subnet_id"] == subnet_id for one in port["fixed_ips"]):
                    return router
    if network.get("network", network.get("subnet", subnet_id)["network_id"])["shared"]:
        return {"id": None}
    message = (
        f"External network {external_id} is not reachable from subnet {subnet_id}.  Therefore, cannot associate Port "
        f"{port_id} with a Floating IP."
    )
    raise ApiError(404, message, "ExternalGatewayForFloatingIPNotFound")


def remove_floating(network: Network, row: Row) -> None:
    """Give a floating address back."""
    for port in network.ports_of(row["id"]):
        network.remove_port(port)
    del network.rows["floatingip"][row["id"]]
