"""One look at a cloud: what hosts and zones there are, what they and the quotas can give us, and the flavors.

Nova's availability zones say "available" while their only host is dead; up and down are therefore taken from the
compute services (forced down and silent ones are `down`, design section 4), which administrators can read.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from promise.capacity.provider import Discovery, Zone
from promise.errors import BadValue, CloudRefused
from promise.resources import only
from promise.vim.openstack import failures, quotas
from promise.vim.openstack.calls import Calls, parallel
from promise.vim.openstack.flavors import flavor_from
from promise.vim.openstack.inventory import ComputeHost, Supply, supply, without_placement
from promise.vim.openstack.session import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from promise.vim.openstack.placement import Placement

log = logging.getLogger(__name__)

_NOT_FOR_US: Final = frozenset({0, 403, 404})
"""Statuses of a refusal that leave Placement unread: not in the catalog, not permitted, not there."""


class Explorer:
    """Discovers one provider; asks independent questions side by side."""

    def __init__(self, calls: Calls, placement: Placement) -> None:
        self._calls = calls
        self._placement = placement

    async def discover(self, source: str | None) -> Discovery:
        """Return what there is; `source` None = Placement where our user may read it, else quota.

        Raises:
            BadValue: there is no such source.
            CloudRefused: the source is `placement`, and our user may not read it.
        """
        if source not in (None, "placement", "quota"):
            raise BadValue("capacity-source is placement or quota", name="capacity-source")
        grant = await self._calls.grant()
        compute = await self._calls.endpoint("compute")
        if compute is None:
            raise self._calls.missing("compute")
        async with parallel() as group:
            flavors = group.create_task(self._calls.pages("compute", "/flavors/detail", "flavors", is_public="none"))
            nova = group.create_task(self._limits("compute", quotas.NOVA))
            neutron = group.create_task(self._neutron(grant.project_id))
            cinder = group.create_task(self._limits("block_storage", quotas.CINDER))
            found = group.create_task(self._supply(source, grant.project_id))
        there, used = found.result()
        nova_bound = nova.result() if used == "quota" else only(nova.result(), ["instances"])
        with failures.reading("Nova"):
            known = tuple(flavor_from(shown) for shown in flavors.result())
        return Discovery(
            project_id=grant.project_id, project_name=grant.project_name, source=used, zones=there.zones,
            hosts=there.hosts, flavors=known, compute_endpoint=compute,
            bound={**there.bound, **nova_bound, **neutron.result(), **cinder.result()},
        )  # fmt: skip

    async def _supply(self, source: str | None, project_id: str) -> tuple[Supply, str]:
        """Return what hosts and zones give, and the source that told it."""
        if source == "quota":
            return await self._by_quota(), "quota"
        try:
            return await self._by_placement(project_id), "placement"
        except CloudRefused as refusal:
            if refusal.status not in _NOT_FOR_US:
                raise
            if source == "placement":
                raise CloudRefused(
                    f"capacity-source placement is not open to this user: {refusal.message}", status=refusal.status
                ) from None
            log.debug("capacity by quota: %s", refusal.message)
            return await self._by_quota(), "quota"

    async def _by_placement(self, project_id: str) -> Supply:
        if await self._calls.endpoint("placement") is None:
            raise self._calls.missing("placement")
        async with parallel() as group:
            hosts = group.create_task(self._hosts_with_nodes())
            servers = group.create_task(self._calls.pages("compute", "/servers", "servers"))
        providers = await self._placement.providers()
        ours = await self._placement.ours(providers, {str(server["id"]) for server in servers.result()}, project_id)
        with failures.reading("Placement"):
            return supply(hosts.result(), providers, ours)

    async def _by_quota(self) -> Supply:
        try:
            return without_placement(await self._hosts())
        except CloudRefused as refusal:
            if refusal.status not in _NOT_FOR_US:
                raise
        shown = await self._calls.read("compute", "/os-availability-zone", "availabilityZoneInfo")
        with failures.reading("Nova"):
            zones = {str(one["zoneName"]): bool(one["zoneState"]["available"]) for one in shown}
            return Supply((), tuple(Zone(name, up, 0, {}) for name, up in sorted(zones.items())), {})

    async def _hosts(self, nodes: Iterable[Mapping[str, Any]] = ()) -> list[ComputeHost]:
        shown = await self._calls.read("compute", "/os-services", "services", binary="nova-compute")
        with failures.reading("Nova"):
            running = _nodes_by_host(nodes)
            return [
                ComputeHost(
                    name=str(one["host"]), zone=str(one.get("zone") or ""), up=one.get("state") == "up",
                    enabled=one.get("status") == "enabled", nodes=frozenset(running.get(str(one["host"]), ())),
                )
                for one in shown
                if one["binary"] == "nova-compute"
            ]  # fmt: skip

    async def _hosts_with_nodes(self) -> list[ComputeHost]:
        return await self._hosts(await self._calls.pages("compute", "/os-hypervisors/detail", "hypervisors"))

    async def _limits(self, service: str, names: Mapping[str, str]) -> dict[str, int]:
        """Return the project's limits as Nova and Cinder show them."""
        if await self._calls.endpoint(service) is None:
            return {}
        shown = await self._calls.read(service, "/limits", "limits")
        with failures.reading(SERVICES[service]):
            return quotas.limits(shown["absolute"], names)

    async def _neutron(self, project_id: str) -> dict[str, int]:
        if await self._calls.endpoint("network") is None:
            return {}
        shown = await self._calls.read("network", f"/quotas/{project_id}", "quota")
        with failures.reading("Neutron"):
            return quotas.limits(shown, quotas.NEUTRON)


def _nodes_by_host(hypervisors: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    """Return the nodes of each compute service, by uuid and by name: Placement knows them by both."""
    nodes: dict[str, set[str]] = {}
    for shown in hypervisors:
        of_host = nodes.setdefault(str(shown["service"]["host"]), set())
        of_host |= {str(shown["id"]), str(shown["hypervisor_hostname"])}
    return nodes
