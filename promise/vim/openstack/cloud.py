"""The driver: one project of one OpenStack, as `vim.port.Cloud` wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID

from promise.errors import CloudError, CloudRefused, OutcomeUnknown
from promise.vim.openstack import failures
from promise.vim.openstack.addresses import NeutronAddresses
from promise.vim.openstack.calls import Calls
from promise.vim.openstack.discovery import Explorer
from promise.vim.openstack.elements import Elements
from promise.vim.openstack.groups import Groups
from promise.vim.openstack.placement import Placement
from promise.vim.openstack.servers import creation_of, exists, just_asked, server_from
from promise.vim.openstack.session import Limits
from promise.vim.openstack.volumes import CinderVolumes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promise.allocation.address import Address, AddressSpec
    from promise.allocation.server import Server, ServerSpec
    from promise.allocation.volume import Volume, VolumeSpec
    from promise.capacity.provider import Access, Discovery, Flavor
    from promise.reservation.elements import Look


class OpenStack:
    """A provider's OpenStack. Nothing is contacted before the first call; every call may raise `CloudError`.

    Raises:
        BadValue: the endpoint is not the http or https URL of a Keystone.
    """

    def __init__(self, access: Access, password: str, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._calls = Calls(access, password, self._limits)
        self._groups = Groups(self._calls)
        self._volumes = CinderVolumes(self._calls)
        self._addresses = NeutronAddresses(self._calls)
        self._elements = Elements(self._calls)
        self._explorer = Explorer(self._calls, Placement(self._calls))
        self._flavors: dict[str, Flavor] = {}

    async def discover(self, source: str | None = None) -> Discovery:
        """Look at zones, hosts, flavors, quotas, inventories and usages; see `vim.port.Cloud`."""
        async with self._calls.within(self._limits.discovery, "the discovery of the cloud"):
            found = await self._explorer.discover(source)
        self._flavors = {flavor.id: flavor for flavor in found.flavors}
        return found

    async def create_server(self, spec: ServerSpec) -> Server:
        """Ask for a server once.

        Nova's answer says little more than the id: the state is BUILD, `created` Nova's clock when it answered, and
        `needs` what the last discovery said of the flavor ({} when it did not know it).

        Raises:
            CloudRefused, CredentialsRejected, CloudUnreachable: nothing was made.
            OutcomeUnknown: it may have been.
        """
        async with self._calls.within(self._limits.whole, "the look-up of networks and groups"):
            networks = spec.networks or await self._only_network()
            group = await self._groups.of(spec.affinity)
        answer = await self._calls.act("POST", "compute", "/servers", creation_of(spec, networks, group))
        match answer.body:
            case {"server": {"id": str(server_id)}}:
                flavor = self._flavors.get(spec.flavor)
                return just_asked(spec, server_id, flavor.needs if flavor else {}, answer.moment)
        raise OutcomeUnknown(f"Nova answered {answer.status} without the id of the server", status=answer.status)

    async def delete_server(self, server_id: str) -> None:
        """Ask for the end of a server; one that is already gone is fine.

        Raises:
            CloudRefused: Nova does not let go of it in its present state (409), or not for this user.
            OutcomeUnknown: the answer was lost; asking again does no harm.
        """
        try:
            await self._calls.act("DELETE", "compute", f"/servers/{quote(server_id, safe='')}")
        except CloudRefused as refusal:
            if refusal.status != failures.NOT_FOUND:
                raise

    async def server(self, server_id: str) -> Server | None:
        """Look at one server; None when there is none, or it is another project's (which administrators see)."""
        try:
            async with self._calls.within(self._limits.whole, "the look at a server"):
                shown = await self._calls.read("compute", f"/servers/{quote(server_id, safe='')}", "server")
                project = (await self._calls.grant()).project_id
        except CloudRefused as refusal:
            if refusal.status != failures.NOT_FOUND:
                raise
            return None
        with failures.reading("Nova"):
            return server_from(shown) if shown["tenant_id"] == project and exists(shown) else None

    async def servers(self) -> Sequence[Server]:
        """List every server of our project, whoever made it, all pages."""
        async with self._calls.within(self._limits.whole, "the listing of servers"):
            shown = await self._calls.pages("compute", "/servers/detail", "servers")
        with failures.reading("Nova"):
            return [server_from(one) for one in shown if exists(one)]

    async def servers_of(self, allocation_id: str) -> Sequence[Server]:
        """Find the servers that carry this allocation id, among all of our project.

        Nova's own filter is of no use: for users who are not administrators it drops `metadata` without a word and
        answers with all servers, and names are neither unique nor compared exactly.
        """
        return [server for server in await self.servers() if server.allocation_id == allocation_id]

    async def create_volume(self, spec: VolumeSpec) -> Volume:
        """Ask for a volume once; it is there when it is available, or in error."""
        return await self._volumes.create(spec)

    async def delete_volume(self, volume_id: str) -> None:
        """Ask for the end of a volume; one that is already gone is fine. In use, Cinder refuses it (400)."""
        await self._volumes.delete(volume_id)

    async def volume(self, volume_id: str) -> Volume | None:
        """Look at one volume; None when there is none."""
        return await self._volumes.one(volume_id)

    async def volumes(self) -> Sequence[Volume]:
        """List every volume of our project, whoever made it, all pages."""
        return await self._volumes.every()

    async def create_address(self, spec: AddressSpec) -> Address:
        """Ask for a floating address that leads to a server, once."""
        return await self._addresses.create(spec)

    async def delete_address(self, address_id: str) -> None:
        """Give a floating address back; one that is already gone is fine."""
        await self._addresses.delete(address_id)

    async def addresses(self) -> Sequence[Address]:
        """List every floating address of our project, whoever made it, all pages."""
        return await self._addresses.every()

    async def image(self, name_or_id: str) -> Sequence[str]:
        """Return the ids of the images with this id, else with this name: none, one, or several."""
        async with self._calls.within(self._limits.read, "the look-up of an image"):
            if _is_uuid(name_or_id) and await self._has_image(name_or_id):
                return [name_or_id.lower()]
            shown = await self._calls.pages("image", "/images", "images", name=name_or_id)
        return [str(one["id"]) for one in shown if one.get("name") == name_or_id]

    async def images(self) -> Sequence[str]:
        """Return the ids of the images that a server can be made of, newest first."""
        async with self._calls.within(self._limits.whole, "the listing of images"):
            shown = await self._calls.pages("image", "/images", "images", status="active", sort="created_at:desc")
        return [str(one["id"]) for one in shown]

    async def network(self, name_or_id: str) -> Sequence[str]:
        """Return the ids of the networks with this id, else with this name: none, one, or several.

        Of equal names those on which our project may put servers come first: only if there are none do the networks
        of others count, which administrators see.
        """
        async with self._calls.within(self._limits.read, "the look-up of a network"):
            found = await self._networks(id=name_or_id) or await self._networks(name=name_or_id)
            if len(found) > 1:
                found = await self._usable(found) or found
        return [str(one["id"]) for one in found]

    async def networks(self) -> Sequence[str]:
        """Return the ids of all networks on which our project may put a server: its own, and those shared with it."""
        async with self._calls.within(self._limits.read, "the listing of networks"):
            return [str(one["id"]) for one in await self._usable(await self._networks())]

    async def elements(self, ids: Sequence[str]) -> Mapping[str, Look]:
        """Look for servers, volumes, networks, ports, addresses and hosts with these ids; see `vim.port.Cloud`."""
        try:
            async with self._calls.within(self._limits.whole, "the look-up of elements"):
                return await self._elements.look(ids)
        except CloudError as error:
            return dict.fromkeys(ids, error)

    async def close(self) -> None:
        """Let go of connections and threads."""
        await self._calls.close()

    async def _only_network(self) -> list[str] | None:
        if await self._calls.endpoint("network") is None:
            return None
        found = list(await self.networks())
        if len(found) != 1:
            raise CloudRefused(f"the project has {len(found)} networks: which one must be said")
        return found

    async def _networks(self, **query: str) -> list[dict[str, Any]]:
        return await self._calls.pages("network", "/networks", "networks", **query)

    async def _usable(self, networks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        project = (await self._calls.grant()).project_id
        return [one for one in networks if one.get("shared") or _is_own(one, project)]

    async def _has_image(self, image_id: str) -> bool:
        try:
            await self._calls.get("image", f"/images/{image_id.lower()}")
        except CloudRefused as refusal:
            if refusal.status != failures.NOT_FOUND:
                raise
            return False
        return True


def _is_own(network: Mapping[str, Any], project_id: str) -> bool:
    """Tell whether our project may put servers on a network of its own; an external one takes an administrator."""
    return network.get("project_id") == project_id and not network.get("router:external")


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
