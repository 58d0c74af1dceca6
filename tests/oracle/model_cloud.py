"""A cloud that does at once what it is asked, or fails in the way that a test chooses; what is in it is the truth."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cloudwork.cloud import NoParts

from promise.allocation.server import Server, ServerState
from promise.capacity.provider import Discovery, Flavor, Zone
from promise.errors import CloudRefused, CloudUnreachable, OutcomeUnknown
from promise.reservation.elements import Element, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promise.allocation.server import ServerSpec
    from promise.capacity.provider import Access
    from promise.reservation.elements import Look

FLAVORS = (
    Flavor("f1", "small", 1, 2, 0, {"instances": 1, "cores": 1, "ram": 2}),
    Flavor("f2", "large", 3, 4, 0, {"instances": 1, "cores": 3, "ram": 4}),
    Flavor("f3", "disk", 1, 1, 2, {"instances": 1, "cores": 1, "ram": 1, "DISK_GB": 2}, root_disk=2),
    Flavor("f4", "twin", 1, 1, 0, {"instances": 1, "cores": 1, "ram": 1, "PCPU": 1}),
    Flavor("f5", "twin", 1, 1, 0, {"instances": 1, "cores": 2, "ram": 1}),
)

MOODS = ("well", "away", "refusing", "lost", "void", "late", "hanging", "lazy", "forgetful")
"""What happens to what is asked: it is done; nobody answers; a create is refused; a create is done, or is not, and its
reply is lost, or it is done when nobody looks for it any more; it is done, and no reply comes for long; a server that
shall go leaves later, or has forgotten it."""

THINGS = {
    "network": Element(Kind.NETWORK), "volume": Element(Kind.VOLUME), "cmp1": Element(Kind.HOST, also=("node1",)),
    "node1": Element(Kind.HOST, also=("cmp1",)),
}  # fmt: skip
"""What every cloud has in the beginning; the host has two ids."""

LATE = 5000
"""Seconds after which a create is done that was taken for lost."""

BUILDING = 2
"""Seconds for which a server of a cloud that builds is not ready."""


@dataclass
class FakeCloud(NoParts):
    """`bound` and `zones` are what discovery finds next; with `slow` a server that shall go stays for now.

    `held` are the servers that are there, `ever` the allocation ids of all that ever were.
    """

    name: str
    bound: dict[str, int]
    zones: dict[str, dict[str, int]]
    now: int = 0
    held: dict[str, Server] = field(default_factory=dict)
    ever: dict[str, str | None] = field(default_factory=dict)
    made: int = 0
    slow: bool = False
    mood: str = "well"
    builds: bool = False
    late: list[tuple[int, str, str, str | None, str]] = field(default_factory=list)
    """What will be made, and when: name, flavor, zone and allocation id."""
    things: dict[str, Element] = field(default_factory=lambda: dict(THINGS))
    """What is there beside servers, by id."""
    down: set[str] = field(default_factory=set)
    """The servers in a cell that is down: nothing is told of them but their id."""
    belated: set[str] = field(default_factory=set)
    """The servers that were made so late."""
    better: asyncio.Event = field(default_factory=asyncio.Event)

    async def _answers(self) -> None:
        await asyncio.sleep(0)
        if self.mood == "away":
            raise CloudUnreachable(f"{self.name} does not answer")
        self.make_up(self.now)

    def make_up(self, until: int) -> None:
        """Do by now what was to be done late."""
        due = [each for each in self.late if each[0] <= until]
        self.late = [each for each in self.late if each[0] > until]
        for _, name, flavor, zone, allocation in due:
            self.belated.add(self.make(name, flavor, zone, allocation).id)

    async def discover(self, source: str | None = None) -> Discovery:
        await self._answers()
        zones = tuple(Zone(name, True, 1, dict(found)) for name, found in self.zones.items())
        return Discovery(self.name, self.name, "placement", dict(self.bound), zones, (), FLAVORS, "http://c/")

    async def image(self, name_or_id: str) -> Sequence[str]:
        await self._answers()
        return ("image",) if name_or_id == "image" else ()

    async def network(self, name_or_id: str) -> Sequence[str]:
        return (name_or_id,) if name_or_id in {"net-1", "net-2"} else ()

    async def networks(self) -> Sequence[str]:
        return ("net-1",)

    async def create_server(self, spec: ServerSpec) -> Server:
        await self._answers()
        if self.mood == "refusing":
            raise CloudRefused("no valid host was found")
        if self.mood == "void":
            raise OutcomeUnknown("the request was lost")
        if self.mood == "late":
            self.late.append((self.now + LATE, spec.name, spec.flavor, spec.zone, spec.allocation_id))
            raise OutcomeUnknown("the reply was lost")
        server = self.make(spec.name, spec.flavor, spec.zone, spec.allocation_id)
        if self.mood == "hanging":
            await self.better.wait()
            raise OutcomeUnknown("no reply came in time")
        if self.mood == "lost":
            raise OutcomeUnknown("the reply was lost")
        return self._shown(server)

    def make(self, name: str, flavor: str, zone: str | None, allocation: str | None = None) -> Server:
        """Make a server; without an allocation it is one that somebody makes directly."""
        self.made += 1
        needs = next(one.needs for one in FLAVORS if one.id == flavor)
        server = Server(f"{self.name}-{self.made}", name, ServerState.ACTIVE, allocation, flavor, needs, self.now, zone)
        self.held[server.id] = server
        self.ever[server.id] = allocation
        return server

    def _shown(self, server: Server) -> Server:
        if server.id in self.down:
            return replace(server, state=ServerState.UNKNOWN, needs={}, zone=None)
        building = self.builds and server.state is ServerState.ACTIVE and self.now < server.created + BUILDING
        return replace(server, state=ServerState.BUILD) if building else replace(server)

    async def delete_server(self, server_id: str) -> None:
        await self._answers()
        if self.mood == "lazy" and server_id in self.held:
            self.held[server_id] = replace(self.held[server_id], state=ServerState.DELETING)
        elif not self.slow and self.mood != "forgetful":
            self.held.pop(server_id, None)

    def recover(self) -> None:
        """Be well again; servers that were to leave have left, and cells that were down are up."""
        self.mood, self.slow = "well", False
        self.down.clear()
        self.better.set()
        self.better = asyncio.Event()
        self.held = {name: one for name, one in self.held.items() if one.state is not ServerState.DELETING}

    async def server(self, server_id: str) -> Server | None:
        await self._answers()
        found = self.held.get(server_id)
        return None if found is None else self._shown(found)

    async def servers(self) -> Sequence[Server]:
        await self._answers()
        return [self._shown(server) for server in self.held.values()]

    async def servers_of(self, allocation_id: str) -> Sequence[Server]:
        await self._answers()
        return [self._shown(server) for server in self.held.values() if server.allocation_id == allocation_id]

    async def elements(self, ids: Sequence[str]) -> Mapping[str, Look]:
        """What a look for things says."""
        await self._answers()
        return {name: self.thing(name) for name in ids}

    def thing(self, name: str) -> Element | None:
        """A thing that is here, whatever the cloud says of it."""
        return Element(Kind.SERVER) if name in self.held else self.things.get(name)

    def resize(self, server_id: str, flavor: str) -> None:
        """Let a server be of another flavor."""
        needs = next(one.needs for one in FLAVORS if one.id == flavor)
        self.held[server_id] = replace(self.held[server_id], flavor=flavor, needs=needs)

    def put(self, server_id: str, state: str) -> None:
        """Let a server be in a state, or out of sight ("down")."""
        if state == "down":
            self.down.add(server_id)
        elif self.held[server_id].state is not ServerState.DELETING:
            self.held[server_id] = replace(self.held[server_id], state=ServerState(state))
            self.down.discard(server_id)

    def shown_things(self) -> dict[str, tuple[str, ...]]:
        """What would be found now: by id, with the other ids of the same."""
        if self.mood != "away":
            self.make_up(self.now)
        return dict.fromkeys(self.held, ()) | {name: one.also for name, one in self.things.items()}

    def lost(self, name: str) -> bool:
        """Whether who holds it has nothing of it."""
        return (found := self.thing(name)) is None or not found.up

    def turn(self, name: str, state: str) -> None:
        """Let a thing be there, be there and of no use ("down"), or not be there ("gone")."""
        for one in (name, *THINGS[name].also):
            self.things.pop(one, None)
            if state != "gone":
                self.things[one] = replace(THINGS[one], up=state != "down")

    async def close(self) -> None:
        """Nothing is held open."""


class Clouds:
    """Makes the driver of each endpoint; what the endpoint names exists."""

    def __init__(self, *clouds: FakeCloud) -> None:
        self.by_name = {cloud.name: cloud for cloud in clouds}

    def __call__(self, access: Access, password: str) -> FakeCloud:
        return self.by_name[access.endpoint.rpartition("/")[2]]
