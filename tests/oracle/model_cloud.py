"""A cloud that does at once what it is asked, and whose size a test sets."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from promise.allocation.server import Server, ServerState
from promise.capacity.provider import Discovery, Flavor, Zone
from promise.errors import CloudRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promise.allocation.address import Address, AddressSpec
    from promise.allocation.server import ServerSpec
    from promise.allocation.volume import Volume, VolumeSpec
    from promise.capacity.provider import Access

FLAVORS = (
    Flavor("f1", "small", 1, 2, 0, {"instances": 1, "cores": 1, "ram": 2}),
    Flavor("f2", "large", 3, 4, 0, {"instances": 1, "cores": 3, "ram": 4}),
    Flavor("f3", "disk", 1, 1, 2, {"instances": 1, "cores": 1, "ram": 1, "DISK_GB": 2}, root_disk=2),
    Flavor("f4", "twin", 1, 1, 0, {"instances": 1, "cores": 1, "ram": 1, "PCPU": 1}),
    Flavor("f5", "twin", 1, 1, 0, {"instances": 1, "cores": 2, "ram": 1}),
)


@dataclass
class FakeCloud:
    """`bound` and `zones` are what discovery finds next; with `slow` a server that shall go stays for now."""

    name: str
    bound: dict[str, int]
    zones: dict[str, dict[str, int]]
    now: int = 0
    held: dict[str, Server] = field(default_factory=dict)
    made: int = 0
    slow: bool = False

    async def discover(self, source: str | None = None) -> Discovery:
        await asyncio.sleep(0)
        zones = tuple(Zone(name, True, 1, dict(found)) for name, found in self.zones.items())
        return Discovery(self.name, self.name, "placement", dict(self.bound), zones, (), FLAVORS, "http://c/")

    async def image(self, name_or_id: str) -> Sequence[str]:
        return ("image",) if name_or_id == "image" else ()

    async def network(self, name_or_id: str) -> Sequence[str]:
        return (name_or_id,) if name_or_id in {"net-1", "net-2"} else ()

    async def networks(self) -> Sequence[str]:
        return ("net-1",)

    async def create_server(self, spec: ServerSpec) -> Server:
        await asyncio.sleep(0)
        self.made += 1
        needs = next(one.needs for one in FLAVORS if one.id == spec.flavor)
        server = Server(
            f"{self.name}-{self.made}", spec.name, ServerState.ACTIVE, spec.allocation_id, spec.flavor, needs,
            self.now, spec.zone,
        )  # fmt: skip
        self.held[server.id] = server
        return server

    async def delete_server(self, server_id: str) -> None:
        if not self.slow:
            self.held.pop(server_id, None)

    async def server(self, server_id: str) -> Server | None:
        return self.held.get(server_id)

    async def servers(self) -> Sequence[Server]:
        return [replace(server) for server in self.held.values()]

    async def servers_of(self, allocation_id: str) -> Sequence[Server]:
        return [server for server in self.held.values() if server.allocation_id == allocation_id]

    async def create_volume(self, spec: VolumeSpec) -> Volume:
        raise CloudRefused(f"the histories have no volumes: {spec.name}")

    async def delete_volume(self, volume_id: str) -> None:
        """There is none."""

    async def volume(self, volume_id: str) -> Volume | None:
        return None

    async def volumes(self) -> Sequence[Volume]:
        return ()

    async def create_address(self, spec: AddressSpec) -> Address:
        raise CloudRefused(f"the histories have no addresses: {spec.name}")

    async def delete_address(self, address_id: str) -> None:
        """There is none."""

    async def addresses(self) -> Sequence[Address]:
        return ()

    async def close(self) -> None:
        """Nothing is held open."""


class Clouds:
    """Makes the driver of each endpoint; what the endpoint names exists."""

    def __init__(self, *clouds: FakeCloud) -> None:
        self.by_name = {cloud.name: cloud for cloud in clouds}

    def __call__(self, access: Access, password: str) -> FakeCloud:
        return self.by_name[access.endpoint.rpartition("/")[2]]
