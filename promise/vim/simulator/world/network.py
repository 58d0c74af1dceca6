"""Networks, subnets, ports, routers, floating addresses and security groups, as Neutron keeps them.

Every resource is a row in the words of the API; this module keeps them consistent and within quota.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from itertools import count
from typing import TYPE_CHECKING, Final

from promise.vim.simulator.world.addresses import Addresses, Row
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.names import fresh, lasting, zulu

if TYPE_CHECKING:
    from promise.vim.simulator.options import NetworkOption
    from promise.vim.simulator.world.quotas import Quotas

KINDS: Final = {
    "network": "Network", "subnet": "Subnet", "port": "Port", "router": "Router", "floatingip": "FloatingIP",
    "security_group": "SecurityGroup", "security_group_rule": "SecurityGroupRule",
}  # fmt: skip


class Network:
    """All of Neutron's rows by kind and id, and the addresses that are taken in each subnet."""

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas
        self.rows: dict[str, dict[str, Row]] = {kind: {} for kind in KINDS}
        self.addresses = Addresses()
        self._by_device: dict[str, dict[str, Row]] = {}
        self._mac = count(1)

    def get(self, kind: str, row_id: str) -> Row:
        """Return a row, or raise Neutron's 404 for its kind."""
        if row_id not in self.rows[kind]:
            raise self.missing(kind, row_id)
        return self.rows[kind][row_id]

    @staticmethod
    def missing(kind: str, row_id: str) -> ApiError:
        """Return Neutron's 404 for a row that is not there, or not for the eyes of the caller."""
        words = kind.replace("_", " ") if "_" in kind else KINDS[kind]
        message = f"{words[0].upper()}{words[1:]} {row_id} could not be found."
        return ApiError(404, message, f"{KINDS[kind]}NotFound")

    def owned(self, kind: str, project_id: str) -> int:
        """Count the rows of a project, as its quota does."""
        return sum(row["project_id"] == project_id for row in self.rows[kind].values())

    def add(self, kind: str, project_id: str, row: Row, now: float, row_id: str | None = None) -> Row:
        """Enter a row for a project, or raise a 409 when its quota is used up; what belongs to nobody has none."""
        if project_id and self._quotas.exceeded(project_id, kind, self.owned(kind, project_id) + 1):
            raise ApiError(409, f"Quota exceeded for resources: ['{kind}'].", "OverQuota")
        stamp = zulu(now)
        whole = {
            "id": row_id or fresh(), "name": "", "description": "", **row, "tenant_id": project_id,
            "project_id": project_id, "created_at": stamp, "updated_at": stamp, "revision_number": 1, "tags": [],
        }  # fmt: skip
        self.rows[kind][whole["id"]] = whole
        return whole

    def change(self, row: Row, values: Row, now: float) -> Row:
        """Replace values of a row."""
        if "device_id" in values:
            self._by_device.get(row["device_id"], {}).pop(row["id"], None)
            self._by_device.setdefault(values["device_id"], {})[row["id"]] = row
        row.update(values, updated_at=zulu(now), revision_number=row["revision_number"] + 1)
        return row

    def seed(self, option: NetworkOption, project_id: str, now: float) -> None:
        """Make a network and its subnet at the start; neither counts as a decision of a project."""
        network = self.add_network(
            project_id,
            {"name": option.name, "shared": option.shared, "router:external": option.external},
            now,
            lasting("network", option.name),
        )
        name = f"{option.name}-subnet"
        subnet = {"name": name, "network_id": network["id"], "cidr": option.cidr}
        self.add_subnet(project_id, subnet, now, lasting("subnet", name))

    def add_network(self, project_id: str, values: Row, now: float, row_id: str | None = None) -> Row:
        """Create a network."""
        standard = {
            "admin_state_up": True, "status": "ACTIVE", "shared": False, "router:external": False, "subnets": [],
            "mtu": 1450, "port_security_enabled": True, "availability_zones": [], "availability_zone_hints": [],
            "ipv4_address_scope": None, "ipv6_address_scope": None, "is_default": False, "l2_adjacency": True,
            "provider:network_type": "local", "provider:physical_network": None, "provider:segmentation_id": None,
            "qos_policy_id": None, "vlan_transparent": None,
        }  # fmt: skip
        return self.add("network", project_id, {**standard, **values}, now, row_id)

    def add_subnet(self, project_id: str, values: Row, now: float, row_id: str | None = None) -> Row:
        """Create a subnet; its gateway is the first address and its pool all others but the last."""
        network = self.get("network", values["network_id"])
        try:
            cidr = ip_network(values["cidr"])
        except ValueError:
            message = f"Invalid input for cidr. Reason: '{values['cidr']}' is not a valid IP subnet."
            raise ApiError(400, message, "HTTPBadRequest") from None
        for other in self._subnets(network):
            if ip_network(other["cidr"]).version == cidr.version and ip_network(other["cidr"]).overlaps(cidr):
                message = (
                    f"Invalid input for operation: Requested subnet with cidr: {cidr} for network: {network['id']} "
                    "overlaps with another subnet."
                )
                raise ApiError(400, message, "InvalidInput")
        first, last = int(cidr.network_address), int(cidr.broadcast_address)
        pool = {"start": str(ip_address(first + 2)), "end": str(ip_address(last - 1))}
        standard = {
            "ip_version": cidr.version, "gateway_ip": str(ip_address(first + 1)), "allocation_pools": [pool],
            "enable_dhcp": False, "dns_nameservers": [], "host_routes": [], "ipv6_address_mode": None,
            "ipv6_ra_mode": None, "subnetpool_id": None, "service_types": [], "segment_id": None,
            "dns_publish_fixed_ip": False, "router:external": network["router:external"],
        }  # fmt: skip
        subnet = self.add("subnet", project_id, {**standard, **values, "cidr": str(cidr)}, now, row_id)
        network["subnets"].append(subnet["id"])
        return subnet

    def add_port(self, project_id: str, values: Row, now: float) -> Row:
        """Create a port with one address of each kind of subnet of its network, or with those that are asked for."""
        network = self.get("network", values["network_id"])
        number = next(self._mac)
        standard = {
            "mac_address": "fa:16:3e:" + ":".join(f"{number >> shift & 255:02x}" for shift in (16, 8, 0)),
            "admin_state_up": True, "status": "DOWN", "device_id": "", "device_owner": "", "binding:host_id": "",
            "binding:vnic_type": "normal", "binding:vif_type": "unbound", "binding:vif_details": {},
            "binding:profile": {}, "allowed_address_pairs": [], "extra_dhcp_opts": [], "port_security_enabled": True,
            "qos_policy_id": None, "qos_network_policy_id": None, "resource_request": None, "dns_name": "",
            "dns_assignment": [], "ip_allocation": "immediate", "propagate_uplink_status": True,
        }  # fmt: skip
        port = self.add("port", project_id, {**standard, **values, "fixed_ips": []}, now)
        try:
            port["fixed_ips"] = self.addresses.take(network, self._subnets(network), values.get("fixed_ips"))
        except ApiError:
            del self.rows["port"][port["id"]]
            raise
        self._by_device.setdefault(port["device_id"], {})[port["id"]] = port
        if "security_groups" not in values:
            port["security_groups"] = [self.default_group(project_id, now)["id"]]
        return port

    def _subnets(self, network: Row) -> list[Row]:
        return [self.rows["subnet"][subnet_id] for subnet_id in network["subnets"]]

    def change_port(self, port: Row, values: Row, now: float) -> Row:
        """Change a port; other addresses are taken only when all of them can be."""
        if "fixed_ips" in values:
            network = self.get("network", port["network_id"])
            self.addresses.give_back(port["fixed_ips"])
            try:
                values["fixed_ips"] = self.addresses.take(network, self._subnets(network), values["fixed_ips"])
            except ApiError:
                self.addresses.take(network, self._subnets(network), port["fixed_ips"])
                raise
        return self.change(port, values, now)

    def remove_port(self, port: Row) -> None:
        """Delete a port and give its addresses back; floating addresses on it stay, without a port."""
        self.addresses.give_back(port["fixed_ips"])
        for floating in self.rows["floatingip"].values():
            if floating["port_id"] == port["id"]:
                floating.update(port_id=None, fixed_ip_address=None, router_id=None, status="DOWN")
        del self.rows["port"][port["id"]]
        del self._by_device[port["device_id"]][port["id"]]

    def ports_of(self, device_id: str) -> list[Row]:
        """Return the ports of a server or router, oldest first."""
        return list(self._by_device.get(device_id, {}).values())

    def default_group(self, project_id: str, now: float) -> Row:
        """Return the project's security group `default`, made when it is first needed."""
        for group in self.rows["security_group"].values():
            if group["project_id"] == project_id and group["name"] == "default":
                return group
        group = {"name": "default", "stateful": True, "shared": False, "description": "Default security group"}
        made = self.add("security_group", project_id, group, now)
        for ethertype in ("IPv4", "IPv6"):
            for direction in ("egress", "ingress"):
                self.add_rule(made, {"direction": direction, "ethertype": ethertype}, now)
        return made

    def add_rule(self, group: Row, values: Row, now: float) -> Row:
        """Add a rule to a security group; what comes in without a word comes from the group itself."""
        standard = {
            "direction": "ingress", "ethertype": "IPv4", "protocol": None, "port_range_min": None,
            "port_range_max": None, "remote_ip_prefix": None, "remote_group_id": None,
            "remote_address_group_id": None, "normalized_cidr": None, "security_group_id": group["id"],
        }  # fmt: skip
        if set(values) == {"direction", "ethertype"} and values["direction"] == "ingress":
            standard["remote_group_id"] = group["id"]
        return self.add("security_group_rule", group["project_id"], {**standard, **values}, now)

    def reachable(self, project_id: str) -> list[Row]:
        """Return the networks on which a project may put a server: its own and the shared ones."""
        rows = self.rows["network"].values()
        own = [row for row in rows if row["project_id"] == project_id]
        return own + [row for row in rows if row["shared"] and row["project_id"] != project_id]
