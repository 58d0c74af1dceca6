"""Floating addresses: as Neutron's JSON (v2.0) and as our values, where they lead, and the network they come from.

An address goes to the first IPv4 address of the server's ports, in the order of its networks, that has none yet: a
fixed address can have one floating address only. When there is none left to lead to, it is held and leads nowhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from promise.allocation.address import Address, AddressSpec
from promise.allocation.server import ALLOCATION_KEY
from promise.errors import CloudRefused, OutcomeUnknown
from promise.vim.openstack import failures

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from promise.vim.openstack.calls import Calls

_MARK: Final = re.compile(rf"{ALLOCATION_KEY}=(\S+) address=(\S+)")
_INTERFACES: Final = frozenset(
    {
        "network:router_interface",
        "network:router_interface_distributed",
        "network:ha_router_replicated_interface",
    }
)
"""The owners of ports by which a router is in a network."""
_IPV4: Final = 4


@dataclass(frozen=True, slots=True)
class _Target:
    """Where an address may lead: a fixed address of a port, and its network."""

    port: str
    fixed: str
    network: str


class NeutronAddresses:
    """The floating addresses of one project."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def create(self, spec: AddressSpec) -> Address:
        """Ask for an address once, and for its way to the server with it; see `allocation.address.Addresses`."""
        async with self._calls.within(self._calls.limits.whole, "the look-up of an address's way"):
            external, target = await self._way(spec)
        answer = await self._calls.act("POST", "network", "/floatingips", creation_of(spec, external, target))
        try:
            return address_from(answer.body["floatingip"])
        except (KeyError, TypeError, ValueError, AttributeError):
            message = f"Neutron answered {answer.status} without the floating address"
            raise OutcomeUnknown(message, status=answer.status) from None

    async def delete(self, address_id: str) -> None:
        """Give an address back; one that is already gone is fine."""
        try:
            await self._calls.act("DELETE", "network", f"/floatingips/{quote(address_id, safe='')}")
        except CloudRefused as refusal:
            if refusal.status != failures.NOT_FOUND:
                raise

    async def every(self) -> Sequence[Address]:
        """List every floating address of our project, all pages; administrators are shown those of others too."""
        async with self._calls.within(self._calls.limits.whole, "the listing of floating addresses"):
            shown = await self._ours("floatingips")
        with failures.reading("Neutron"):
            return [address_from(one) for one in shown]

    async def _way(self, spec: AddressSpec) -> tuple[str, _Target | None]:
        """Return the external network that the next address comes from, and where it leads.

        Raises:
            CloudRefused: the server has no port, or no external network is in sight, or several.
        """
        ports = await self._calls.pages("network", "/ports", "ports", device_id=spec.server_id)
        if not ports:
            raise CloudRefused(f"server {spec.server_id} has no port that an address could lead to")
        taken = await self._ours("floatingips")
        with failures.reading("Neutron"):
            ports.sort(key=lambda port: _place(spec.networks, str(port["network_id"])))
            led_to = {(one.get("port_id"), one.get("fixed_ip_address")) for one in taken}
            free = [target for target in _targets(ports) if (target.port, target.fixed) not in led_to]
            first = str(ports[0]["network_id"])
        for target in free:
            routed = await self._routed_to(target.network)
            if routed is None and target.network != first and await self._is_own(target.network):
                continue
            return routed or await self._only_external(), target
        return await self._routed_to(first) or await self._only_external(), None

    async def _routed_to(self, network: str) -> str | None:
        """Return the external network that a router which we see joins this one to."""
        ports = await self._calls.pages("network", "/ports", "ports", network_id=network)
        with failures.reading("Neutron"):
            owners = [str(port["device_id"]) for port in ports if port.get("device_owner") in _INTERFACES]
        for router in owners:
            for shown in await self._calls.pages("network", "/routers", "routers", id=router):
                gateway = shown.get("external_gateway_info") or {}
                if gateway.get("network_id"):
                    return str(gateway["network_id"])
        return None

    async def _only_external(self) -> str:
        query = {"router:external": "true"}
        shown = await self._calls.pages("network", "/networks", "networks", **query)
        if len(shown) != 1:
            what = "is not joined to any that we see" if shown else "cannot have an address"
            raise CloudRefused(f"there are {len(shown)} external networks, and the server {what}")
        return str(shown[0]["id"])

    async def _is_own(self, network: str) -> bool:
        shown = await self._calls.pages("network", "/networks", "networks", id=network)
        project = (await self._calls.grant()).project_id
        return any(one.get("project_id") == project and not one.get("shared") for one in shown)

    async def _ours(self, plural: str) -> list[dict[str, Any]]:
        project = (await self._calls.grant()).project_id
        return await self._calls.pages("network", f"/{plural}", plural, project_id=project)


def creation_of(spec: AddressSpec, external: str, target: _Target | None) -> dict[str, Any]:
    """Return the body of `POST /floatingips`."""
    floating = {
        "floating_network_id": external,
        "description": f"{ALLOCATION_KEY}={spec.allocation_id} address={spec.name}",
    }
    if target is not None:
        floating |= {"port_id": target.port, "fixed_ip_address": target.fixed}
    return {"floatingip": floating}


def address_from(shown: Mapping[str, Any]) -> Address:
    """Read a floating address as `GET /floatingips` shows it.

    Raises:
        KeyError, TypeError, ValueError: what was read is not a floating address.
    """
    mark = _MARK.search(str(shown.get("description") or ""))
    created = shown.get("created_at")
    return Address(
        id=str(shown["id"]),
        address=str(shown["floating_ip_address"]),
        fixed=shown.get("fixed_ip_address") or None,
        created=int(datetime.fromisoformat(str(created)).timestamp()) if created else 0,
        allocation_id=mark[1] if mark else None,
        part=mark[2] if mark else None,
    )


def _targets(ports: Sequence[Mapping[str, Any]]) -> Iterator[_Target]:
    for port in ports:
        for fixed in port["fixed_ips"]:
            if ip_address(str(fixed["ip_address"])).version == _IPV4:
                yield _Target(str(port["id"]), str(fixed["ip_address"]), str(port["network_id"]))


def _place(networks: Sequence[str], network: str) -> int:
    return networks.index(network) if network in networks else len(networks)
