"""A cloud in memory that outlives the controller, and the door through which one life of the controller sees it.

Every request that leaves for the cloud passes two stops: one before it is sent, and one after its effect, before the
answer is seen. It takes its time on both ways, so that other things happen meanwhile. A request whose sender died may
still arrive (`orphans`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from promise.allocation.address import Address
from promise.allocation.server import Server, ServerState
from promise.allocation.volume import Volume, VolumeState
from promise.capacity.provider import Discovery, Flavor, Host, Zone
from promise.errors import CloudError, CloudRefused, CredentialsRejected, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from crashpoints.stops import Stops

    from promise.allocation.address import AddressSpec
    from promise.allocation.server import ServerSpec
    from promise.allocation.volume import VolumeSpec
    from promise.reservation.elements import Look

START: Final = 1_893_456_000
"""2030-01-01T00:00:00Z, the T0 of the stories."""

NEEDS: Final = {"instances": 1, "cores": 2, "ram": 512}
SMALL: Final = Flavor("f1", "small", 2, 512, 0, NEEDS)
IMAGE: Final = "0aa00000-0000-4000-8000-00000000000a"
NETWORK: Final = "0bb00000-0000-4000-8000-00000000000b"

WAY: Final = 0.25
"""Seconds that a request takes, and its answer."""

BUILDING: Final = 3.0
LEAVING: Final = 2.0

EFFECTS: Final = (
    *("create_server", "delete_server"),
    *("create_volume", "delete_volume", "create_address", "delete_address"),
)
"""The requests that change something."""

READS: Final = (
    *("discover", "server", "servers", "image", "network", "networks"),
    *("volume", "volumes", "addresses", "elements"),
)


@dataclass
class Orphan:
    """A request that is on its way although its sender is dead; it arrives at `due`."""

    due: float
    name: str
    said: tuple[Any, ...]


@dataclass
class MemoryCloud:
    """One project of a cloud. Times are in seconds of the loop; it is moved on by `pass_time`.

    `refusal` is said to every create; the first `lost` creates have their effect and an unknown outcome, the first
    `unheard` an unknown outcome and no effect. `size` is how many hosts of 16 servers there are.
    """

    password: str = "secret-of-now"
    old_passwords: list[str] = field(default_factory=list)
    size: int = 2
    there: dict[str, tuple[Server, float]] = field(default_factory=dict)
    refusal: str = ""
    lost: int = 0
    unheard: int = 0
    stubborn: int = 0
    made: int = 0
    blocks: dict[str, tuple[Volume, float]] = field(default_factory=dict)
    attached: dict[str, str] = field(default_factory=dict)
    floating: dict[str, Address] = field(default_factory=dict)
    orphans: list[Orphan] = field(default_factory=list)
    now: float = 0.0

    def pass_time(self, now: float) -> None:
        """Let what builds be active, what leaves be gone, and what is still on its way arrive."""
        self.now = now
        for orphan in [one for one in self.orphans if one.due <= now]:
            self.orphans.remove(orphan)
            try:
                getattr(self, orphan.name)(*orphan.said)
            except CloudError:
                continue  # nobody is there to be told
        for key, (server, since) in list(self.there.items()):
            if server.state is ServerState.BUILD and now >= since + BUILDING:
                self.there[key] = replace(server, state=ServerState.ACTIVE), since
            elif server.state is ServerState.DELETING and now >= since + LEAVING:
                del self.there[key]
        for key, (volume, since) in list(self.blocks.items()):
            state = self._volume_state(volume, since)
            if state is None:
                del self.blocks[key]
            else:
                self.blocks[key] = replace(volume, state=state), since

    def _volume_state(self, volume: Volume, since: float) -> VolumeState | None:
        """Return how a volume is by now, None when it is gone."""
        if volume.state is VolumeState.DELETING:
            return None if self.now >= since + LEAVING else volume.state
        if volume.state is VolumeState.CREATING and self.now < since + BUILDING:
            return volume.state
        holder = self.attached.get(volume.id)
        return VolumeState.IN_USE if holder in self.there else VolumeState.AVAILABLE

    def things(self) -> tuple[object, ...]:
        """Return all that there is, but for the time."""
        volumes = [volume for volume, _ in self.blocks.values()]
        return self.password, self.size, self.servers_there, volumes, self.attached, list(self.floating.values())

    @property
    def servers_there(self) -> list[Server]:
        """The servers, oldest first."""
        return [server for server, _ in self.there.values()]

    def appear(self, allocation: str | None, name: str, **said: Any) -> Server:
        """Let there be a server, whoever asked for it."""
        self.made += 1
        now = START + int(self.now)
        made = Server(f"s{self.made}", name, ServerState.BUILD, allocation, "small", NEEDS, now, "az1", "h1")
        self.there[made.id] = replace(made, **said), self.now
        return made

    # ---- what may be asked of it

    def create_server(self, spec: ServerSpec) -> Server:
        """Make a server, or refuse."""
        if self.refusal:
            raise CloudRefused(f"Nova answered 403: {self.refusal}", status=403)
        if self.unheard:
            self.unheard -= 1
            raise OutcomeUnknown("Nova took the request, and its answer was lost: no answer in time")
        for one in spec.volumes:
            if one.volume not in self.blocks or self.attached.get(one.volume) in self.there:
                raise CloudRefused(f"Nova answered 400: volume {one.volume} cannot be attached", status=400)
        made = self.appear(spec.allocation_id, spec.name)
        self.attached |= {one.volume: made.id for one in spec.volumes}
        if self.lost:
            self.lost -= 1
            raise OutcomeUnknown("Nova took the request, and its answer was lost: the connection broke")
        return made

    def delete_server(self, server_id: str) -> None:
        """Let a server leave."""
        if self.stubborn:
            self.stubborn -= 1
            raise CloudRefused("Nova answered 409: the task state is spawning", status=409)
        server, _ = self.there.get(server_id, (None, 0.0))
        if server is not None and server.state is not ServerState.DELETING:
            self.there[server_id] = replace(server, state=ServerState.DELETING), self.now

    def create_volume(self, spec: VolumeSpec) -> Volume:
        """Make a volume."""
        self.made += 1
        now = START + int(self.now)
        key = f"v{self.made}"
        made = Volume(key, spec.name, VolumeState.CREATING, spec.size, now, spec.allocation_id, spec.name)
        self.blocks[key] = made, self.now
        return made

    def delete_volume(self, volume_id: str) -> None:
        """Let a volume leave that nobody uses."""
        volume, _ = self.blocks.get(volume_id, (None, 0.0))
        if volume is None or volume.state is VolumeState.DELETING:
            return
        if volume.state is not VolumeState.AVAILABLE:
            raise CloudRefused(f"Cinder answered 400: the volume is {volume.state}", status=400)
        self.blocks[volume_id] = replace(volume, state=VolumeState.DELETING), self.now

    def volume(self, volume_id: str) -> Volume | None:
        """Show one volume."""
        return self.blocks[volume_id][0] if volume_id in self.blocks else None

    def volumes(self) -> Sequence[Volume]:
        """Show all volumes."""
        return [volume for volume, _ in self.blocks.values()]

    def create_address(self, spec: AddressSpec) -> Address:
        """Give an address to a server."""
        if spec.server_id not in self.there:
            raise CloudRefused(f"the server {spec.server_id} has no port", status=404)
        self.made += 1
        key, now = f"a{self.made}", START + int(self.now)
        self.floating[key] = Address(key, f"203.0.113.{self.made}", "10.0.0.1", now, spec.allocation_id, spec.name)
        return self.floating[key]

    def delete_address(self, address_id: str) -> None:
        """Take an address back."""
        self.floating.pop(address_id, None)

    def addresses(self) -> Sequence[Address]:
        """Show all addresses."""
        return list(self.floating.values())

    def elements(self, ids: Sequence[str]) -> Mapping[str, Look]:
        """Show nothing: no workflow holds things of the cloud."""
        return dict.fromkeys(ids)

    def discover(self, source: str | None = None) -> Discovery:
        """Show hosts, zone, flavor and bounds."""
        each = {"cores": 32, "ram": 8192}
        hosts = tuple(Host(f"h{number + 1}", "az1", True, True, each) for number in range(self.size))
        whole = {name: amount * self.size for name, amount in each.items()}
        bound = {**whole, "instances": 16 * self.size, "volumes": 20, "gigabytes": 500, "addresses": 10}
        zones = (Zone("az1", up=True, hosts=self.size, capacity=whole),)
        return Discovery("p", "p", source or "placement", bound, zones, hosts, (SMALL,), "")

    def server(self, server_id: str) -> Server | None:
        """Show one server."""
        return self.there[server_id][0] if server_id in self.there else None

    def servers(self) -> Sequence[Server]:
        """Show all servers."""
        return self.servers_there

    def image(self, name_or_id: str) -> Sequence[str]:
        """Show the only image."""
        return [IMAGE] if name_or_id in {IMAGE, "cirros"} else []

    def network(self, name_or_id: str) -> Sequence[str]:
        """Show the only network."""
        return [NETWORK] if name_or_id in {NETWORK, "private"} else []

    def networks(self) -> Sequence[str]:
        """Show the only network."""
        return [NETWORK]


class Door:
    """A driver of the port `promise.vim.port.Cloud`: whatever the cloud can do, with the stops around it."""

    def __init__(self, name: str, cloud: MemoryCloud, password: str, stops: Stops) -> None:
        self._name = name
        self._cloud = cloud
        self._password = password
        self._stops = stops

    def __getattr__(self, asked: str) -> Callable[..., Any]:
        if asked not in (*EFFECTS, *READS):
            raise AttributeError(asked)

        async def ask(*said: Any) -> Any:
            return await self._ask(asked, said)

        return ask

    async def _ask(self, asked: str, said: tuple[Any, ...]) -> Any:
        loop = asyncio.get_running_loop()
        self._stops.sending(f"{asked} to {self._name}", self._name, asked, said)
        await asyncio.sleep(WAY)
        self._stops.alive()
        self._cloud.pass_time(loop.time())
        if self._password != self._cloud.password:
            raise CredentialsRejected("Keystone answered 401: the password is wrong", status=401)
        try:
            answer: Any = getattr(self._cloud, asked)(*said)
        except CloudError as error:
            answer = error
        self._stops.reach(f"{self._name} has done {asked}")
        await asyncio.sleep(WAY)
        self._stops.alive()
        if isinstance(answer, CloudError):
            raise answer
        return answer

    async def servers_of(self, allocation_id: str) -> Sequence[Server]:
        """Find the servers of an allocation, as the driver does."""
        found: Sequence[Server] = await self._ask("servers", ())
        return [server for server in found if server.allocation_id == allocation_id]

    async def close(self) -> None:
        """Let go of nothing."""
