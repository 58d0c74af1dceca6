"""A cloud in memory behind the rooms' own port, with steps at which a test may let it fail."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from cloudwork.clock import START

from promise.allocation.address import Address, AddressSpec
from promise.allocation.server import Server, ServerSpec, ServerState
from promise.allocation.volume import Volume, VolumeSpec, VolumeState
from promise.capacity.provider import Discovery, Flavor, Zone
from promise.errors import CloudRefused, CloudUnreachable
from promise.reservation.elements import Element, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cloudwork.steps import Steps

    from promise.reservation.elements import Look

NEEDS = {"instances": 1, "cores": 2, "ram": 512}
SMALL = Flavor("f1", "small", 2, 512, 0, NEEDS)
DISCOVERY = Discovery(
    "p", "p", "quota", {"cores": 100, "instances": 100}, (Zone("az1", up=True, hosts=1, capacity={}),), (), (SMALL,), ""
)


class MemoryCloud:
    """Servers come to life and go when `pass_time` says so. `orders` is how often one was asked for with effect.

    It makes two servers (volumes, addresses) at a time if there are to be `twins`, so many deletes are refused as
    `stubborn` says, and so many creates put off as `busy` says. What is in `refusing` it refuses: "volume data",
    "server", "address 1"; a volume in `failing` ends in error, one in
    `stuck` never ends. Every order is in `asked`.
    """

    def __init__(self) -> None:
        self.there: dict[str, Server] = {}
        self.volumes: dict[str, Volume] = {}
        self.attached: dict[str, list[str]] = {}
        self.addresses: dict[str, Address] = {}
        self.refusing: set[str] = set()
        self.failing: set[str] = set()
        self.stuck: set[str] = set()
        self.asked: list[str] = []
        self.orders = 0
        self.twins = False
        self.stubborn = 0
        self.busy = 0
        self._ids = count(1)

    def appear(self, allocation: str | None, **said: object) -> Server:
        """Let there be a server."""
        number = next(self._ids)
        made = Server(f"s{number}", "vm", ServerState.BUILD, allocation, "small", NEEDS, START + number, "az1", "h1")
        made = replace(made, **said)  # type: ignore[arg-type]
        self.there[made.id] = made
        return made

    def elements(self, ids: Sequence[str]) -> Mapping[str, Look]:
        """Look for things with these ids: there are servers only."""
        return {wanted: Element(Kind.SERVER) if wanted in self.there else None for wanted in ids}

    def pass_time(self) -> None:
        """Let what builds be active, and what leaves be gone."""
        for server in list(self.there.values()):
            if server.state is ServerState.BUILD:
                self.there[server.id] = replace(server, state=ServerState.ACTIVE)
            elif server.state is ServerState.DELETING:
                self.lose(server.id)
        for volume in list(self.volumes.values()):
            if volume.state is VolumeState.CREATING and volume.name not in self.stuck:
                state = VolumeState.ERROR if volume.name in self.failing else VolumeState.AVAILABLE
                self.volumes[volume.id] = replace(volume, state=state)
            elif volume.state is VolumeState.DELETING:
                del self.volumes[volume.id]

    def lose(self, server: str) -> None:
        """Let a server be gone; its volumes are free again, and its addresses lead nowhere."""
        del self.there[server]
        for volume in self.attached.pop(server, ()):
            if volume in self.volumes:
                self.volumes[volume] = replace(self.volumes[volume], state=VolumeState.AVAILABLE)

    def refuse(self, what: str) -> None:
        """Refuse what is to be refused."""
        if what in self.refusing:
            raise CloudRefused(f"Cinder answered 413: no more {what}", status=413)

    def new_volume(self, spec: VolumeSpec) -> Volume:
        """Let there be a volume."""
        number = next(self._ids)
        volume = Volume(
            f"v{number}", spec.name, VolumeState.CREATING, spec.size, START + number, spec.allocation_id, spec.name
        )  # fmt: skip
        self.volumes[volume.id] = volume
        return volume

    def new_address(self, spec: AddressSpec) -> Address:
        """Let there be an address."""
        number = next(self._ids)
        address = Address(f"a{number}", f"192.0.2.{number}", "10.0.0.2", START + number, spec.allocation_id, spec.name)
        self.addresses[address.id] = address
        return address


class NoParts:
    """A cloud that has no volumes and no addresses."""

    async def create_volume(self, spec: VolumeSpec) -> Volume:
        raise CloudRefused(f"no volumes here: {spec.name}")

    async def delete_volume(self, volume_id: str) -> None:
        """There is none."""

    async def volume(self, volume_id: str) -> Volume | None:
        return None

    async def volumes(self) -> Sequence[Volume]:
        return ()

    async def create_address(self, spec: AddressSpec) -> Address:
        raise CloudRefused(f"no addresses here: {spec.name}")

    async def delete_address(self, address_id: str) -> None:
        """There is none."""

    async def addresses(self) -> Sequence[Address]:
        return ()


class CloudDoor:
    """The same cloud as one process sees it: each call has a step before it and one after its effect."""

    def __init__(self, cloud: MemoryCloud, steps: Steps) -> None:
        self._cloud = cloud
        self._steps = steps

    async def discover(self, source: str | None = None) -> Discovery:
        del source
        await self._steps.read("discover")
        return DISCOVERY

    async def create_server(self, spec: ServerSpec) -> Server:
        await self._steps.act("create-server")
        if self._cloud.busy:
            self._cloud.busy -= 1
            raise CloudUnreachable("Nova answered 429: slower", status=429)
        self._cloud.refuse("server")
        self._cloud.orders += 1
        self._cloud.asked.append("server")
        wanted = [one.volume for one in spec.volumes]
        assert all(self._cloud.volumes[one].state is VolumeState.AVAILABLE for one in wanted), self._cloud.volumes
        server = self._cloud.appear(spec.allocation_id, name=spec.name)
        if self._cloud.twins:
            self._cloud.appear(spec.allocation_id, name=spec.name)
        self._cloud.attached[server.id] = wanted
        for one in wanted:
            self._cloud.volumes[one] = replace(self._cloud.volumes[one], state=VolumeState.IN_USE)
        await self._steps.acted("create-server")
        return server

    async def delete_server(self, server_id: str) -> None:
        await self._steps.act("delete-server")
        if self._cloud.stubborn:
            self._cloud.stubborn -= 1
            raise CloudRefused("Nova answered 409: task_state is spawning", status=409)
        server = self._cloud.there.get(server_id)
        if server is not None:
            self._cloud.there[server_id] = replace(server, state=ServerState.DELETING)
        await self._steps.acted("delete-server")

    async def server(self, server_id: str) -> Server | None:
        await self._steps.read("server")
        return self._cloud.there.get(server_id)

    async def servers(self) -> Sequence[Server]:
        await self._steps.read("servers")
        found = list(self._cloud.there.values())
        await self._steps.read("servers, on the way back")
        return found

    async def elements(self, ids: Sequence[str]) -> Mapping[str, Look]:
        await self._steps.read("elements")
        return self._cloud.elements(ids)

    async def servers_of(self, allocation_id: str) -> Sequence[Server]:
        return [server for server in await self.servers() if server.allocation_id == allocation_id]

    async def create_volume(self, spec: VolumeSpec) -> Volume:
        await self._steps.act(f"create-volume {spec.name}")
        self._cloud.refuse(f"volume {spec.name}")
        self._cloud.asked.append(f"volume {spec.name}")
        volume = self._cloud.new_volume(spec)
        if self._cloud.twins:
            self._cloud.new_volume(spec)
        await self._steps.acted(f"create-volume {spec.name}")
        return volume

    async def delete_volume(self, volume_id: str) -> None:
        await self._steps.act("delete-volume")
        volume = self._cloud.volumes.get(volume_id)
        if volume is not None:
            if self._cloud.stubborn or volume.state in {VolumeState.CREATING, VolumeState.IN_USE}:
                self._cloud.stubborn = max(0, self._cloud.stubborn - 1)
                raise CloudRefused(f"Cinder answered 400: it is {volume.state}", status=400)
            self._cloud.volumes[volume_id] = replace(volume, state=VolumeState.DELETING)
        await self._steps.acted("delete-volume")

    async def volume(self, volume_id: str) -> Volume | None:
        await self._steps.read("volume")
        return self._cloud.volumes.get(volume_id)

    async def volumes(self) -> Sequence[Volume]:
        await self._steps.read("volumes")
        return list(self._cloud.volumes.values())

    async def create_address(self, spec: AddressSpec) -> Address:
        await self._steps.act(f"create-address {spec.name}")
        self._cloud.refuse(f"address {spec.name}")
        self._cloud.asked.append(f"address {spec.name}")
        assert spec.server_id in self._cloud.there or self._cloud.twins
        address = self._cloud.new_address(spec)
        if self._cloud.twins:
            self._cloud.new_address(spec)
        await self._steps.acted(f"create-address {spec.name}")
        return address

    async def delete_address(self, address_id: str) -> None:
        await self._steps.act("delete-address")
        self._cloud.addresses.pop(address_id, None)
        await self._steps.acted("delete-address")

    async def addresses(self) -> Sequence[Address]:
        await self._steps.read("addresses")
        return list(self._cloud.addresses.values())
