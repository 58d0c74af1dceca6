"""A cloud in memory behind the rooms' own port, with steps at which a test may let it fail."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from cloudwork.clock import START

from promise.allocation.server import Server, ServerSpec, ServerState
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

    It makes two servers at a time if there are to be `twins`, so many deletes are refused as `stubborn` says, and so
    many creates put off as `busy` says.
    """

    def __init__(self) -> None:
        self.there: dict[str, Server] = {}
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
                del self.there[server.id]


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
        self._cloud.orders += 1
        server = self._cloud.appear(spec.allocation_id, name=spec.name)
        if self._cloud.twins:
            self._cloud.appear(spec.allocation_id, name=spec.name)
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
