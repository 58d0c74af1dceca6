"""Neutron: how each kind of row is made, changed and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.api.exchange import objects, text
from promise.vim.simulator.world import routers
from promise.vim.simulator.world.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from promise.vim.simulator.api.exchange import Call
    from promise.vim.simulator.world.addresses import Row


def _add_network(call: Call, project_id: str, values: Row) -> Row:
    return call.world.network.add_network(project_id, values, call.now)


def _add_subnet(call: Call, project_id: str, values: Row) -> Row:
    text(values, "network_id", 1)
    text(values, "cidr", 1)
    return call.world.network.add_subnet(project_id, values, call.now)


def _add_port(call: Call, project_id: str, values: Row) -> Row:
    text(values, "network_id", 1)
    objects(values, "fixed_ips")
    return call.world.network.add_port(project_id, values, call.now)


def _add_router(call: Call, project_id: str, values: Row) -> Row:
    return routers.add_router(call.world.network, project_id, values, call.now)


def _add_floating(call: Call, project_id: str, values: Row) -> Row:
    text(values, "floating_network_id", 1)
    return routers.add_floating(call.world.network, project_id, values, call.now)


def _add_group(call: Call, project_id: str, values: Row) -> Row:
    return call.world.network.add("security_group", project_id, {"stateful": True, "shared": False, **values}, call.now)


def _add_rule(call: Call, _project_id: str, values: Row) -> Row:
    group = call.world.network.get("security_group", text(values, "security_group_id", 1))
    return call.world.network.add_rule(group, values, call.now)


def _change(call: Call, row: Row, values: Row) -> None:
    call.world.network.change(row, values, call.now)


def _change_port(call: Call, row: Row, values: Row) -> None:
    objects(values, "fixed_ips")
    call.world.network.change_port(row, values, call.now)


def _change_router(call: Call, row: Row, values: Row) -> None:
    routers.change_router(call.world.network, row, values, call.now)


def _change_floating(call: Call, row: Row, values: Row) -> None:
    said: Row = {name: values[name] for name in ("name", "description") if name in values}
    if said:
        call.world.network.change(row, said, call.now)
    if "port_id" in values or not said:
        fixed = values.get("fixed_ip_address")
        routers.associate(call.world.network, row, values.get("port_id"), call.now, fixed)


def _in_use(kind: str, row: Row, why: str) -> ApiError:
    words = kind.capitalize()
    message = f"Unable to complete operation on {kind} {row['id']}. {why}"
    return ApiError(409, message, f"{words}InUse")


def _delete_network(call: Call, row: Row) -> None:
    rows = call.world.network.rows
    if any(port["network_id"] == row["id"] for port in rows["port"].values()):
        raise _in_use("network", row, "There are one or more ports still in use on the network.")
    for subnet_id in row["subnets"]:
        del rows["subnet"][subnet_id]
    del rows["network"][row["id"]]


def _delete_subnet(call: Call, row: Row) -> None:
    rows = call.world.network.rows
    used = {fixed["subnet_id"] for port in rows["port"].values() for fixed in port["fixed_ips"]}
    if row["id"] in used:
        raise _in_use("subnet", row, "One or more ports have an IP allocation from this subnet.")
    rows["network"][row["network_id"]]["subnets"].remove(row["id"])
    del rows["subnet"][row["id"]]


def _delete_port(call: Call, row: Row) -> None:
    if row["device_owner"].startswith("network:router"):
        message = (
            f"Port {row['id']} cannot be deleted directly via the port API: has device owner {row['device_owner']}."
        )
        raise ApiError(409, message, "ServicePortInUse")
    call.world.network.remove_port(row)


def _delete_router(call: Call, row: Row) -> None:
    routers.remove_router(call.world.network, row)


def _delete_floating(call: Call, row: Row) -> None:
    routers.remove_floating(call.world.network, row)


def _delete_group(call: Call, row: Row) -> None:
    rows = call.world.network.rows
    if row["name"] == "default" and not call.token.admin:
        raise ApiError(409, "Removing default security group not allowed.", "SecurityGroupCannotRemoveDefault")
    if any(row["id"] in port.get("security_groups", ()) for port in rows["port"].values()):
        raise ApiError(409, f"Security Group {row['id']} in use.", "SecurityGroupInUse")
    rules = rows["security_group_rule"]
    for rule in [rule for rule in rules.values() if rule["security_group_id"] == row["id"]]:
        del rules[rule["id"]]
    del rows["security_group"][row["id"]]


def _delete_rule(call: Call, row: Row) -> None:
    del call.world.network.rows["security_group_rule"][row["id"]]


_WORDS: Final = {"name": str, "description": str, "id": str}
SORTS: Final[dict[str, dict[str, type[Any]]]] = {
    "network": {**_WORDS, "shared": bool, "admin_state_up": bool, "router:external": bool},
    "subnet": {**_WORDS, "network_id": str, "cidr": str, "gateway_ip": str, "enable_dhcp": bool,
               "allocation_pools": list, "dns_nameservers": list, "host_routes": list},
    "port": {**_WORDS, "network_id": str, "fixed_ips": list, "security_groups": list, "device_id": str,
             "device_owner": str, "mac_address": str, "admin_state_up": bool},
    "router": {**_WORDS, "external_gateway_info": dict, "admin_state_up": bool},
    "floatingip": {**_WORDS, "floating_network_id": str, "port_id": str, "floating_ip_address": str,
                   "fixed_ip_address": str},
    "security_group": _WORDS,
    "security_group_rule": {**_WORDS, "security_group_id": str, "direction": str, "ethertype": str},
}  # fmt: skip
CREATES: Final[dict[str, Callable[[Call, str, Row], Row]]] = {
    "network": _add_network, "subnet": _add_subnet, "port": _add_port, "router": _add_router,
    "floatingip": _add_floating, "security_group": _add_group, "security_group_rule": _add_rule,
}  # fmt: skip
CHANGES: Final[dict[str, Callable[[Call, Row, Row], Any]]] = {
    "network": _change, "subnet": _change, "port": _change_port, "router": _change_router,
    "floatingip": _change_floating, "security_group": _change, "security_group_rule": _change,
}  # fmt: skip
DELETES: Final[dict[str, Callable[[Call, Row], Any]]] = {
    "network": _delete_network, "subnet": _delete_subnet, "port": _delete_port, "router": _delete_router,
    "floatingip": _delete_floating, "security_group": _delete_group, "security_group_rule": _delete_rule,
}  # fmt: skip
