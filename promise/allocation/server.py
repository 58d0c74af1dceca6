"""A server as we ask a cloud for it and as the cloud shows it; pure values, and the port that the room owns."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from promise.resources import LEAVES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ALLOCATION_KEY = "promise-allocation-id"
"""The key of a server's metadata that carries the allocation id (design section 3)."""


_SKEW: Final = 300
"""Seconds by which the clock of a cloud may differ from ours."""

BESIDE_FLAVORS = frozenset(LEAVES) - {"instances", "cores", "ram"}
"""The resources that an instance takes beside what its flavor tells: ports, volumes and such."""


class ServerState(StrEnum):
    """What the cloud says of a server, in the words of the YANG `vm-state` (design section 5)."""

    BUILD = "BUILD"
    ACTIVE = "ACTIVE"
    STOPPED = "STOPPED"
    ERROR = "ERROR"
    DELETING = "DELETING"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Attached:
    """An existing volume that a server gets, by its id in the cloud; `boot` = it boots from this one."""

    volume: str
    boot: bool = False


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """What to ask of Nova for one instance. Flavor, image and networks are ids of the cloud, already resolved.

    `networks` is ordered; empty means the project's only network (`auto` is never used). `zone` is an
    availability zone or None. `metadata` travels with the server, next to the allocation id. `affinity` has the kind
    ("soft-anti-affinity") and the name of the group to be in; the first server of a group makes it. `volumes` are
    available, in the order of their devices; they outlive the server.
    """

    allocation_id: str
    name: str
    image: str
    flavor: str
    networks: tuple[str, ...] = ()
    zone: str | None = None
    key_name: str | None = None
    security_groups: tuple[str, ...] = ()
    user_data: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    affinity: tuple[tuple[str, str], ...] = ()
    volumes: tuple[Attached, ...] = ()

    @property
    def boots_from_volume(self) -> bool:
        """Tell whether it has no disk of its own to boot from."""
        return any(one.boot for one in self.volumes)


@dataclass(frozen=True, slots=True)
class Server:
    """A server as the cloud shows it; `allocation_id` is what its metadata says, None when it says nothing.

    `created` is Nova's creation time in seconds of UTC. `needs` is the server's resource vector in our names
    (as `capacity.provider.Flavor.needs`), computed from the flavor that is embedded in the server; {} where the cloud
    does not show it. `ports` is how many interfaces it has.
    `flavor` is the flavor's name; `image` the image's id, empty when it boots from a volume.
    """

    id: str
    name: str
    state: ServerState
    allocation_id: str | None
    flavor: str
    needs: Mapping[str, int]
    created: int
    zone: str | None = None
    host: str | None = None
    fault: str | None = None
    image: str = ""
    ports: int = 0

    @property
    def takes(self) -> Mapping[str, int]:
        """Return all that the cloud shows of what it takes, {} where it does not show it."""
        return {**self.needs, "ports": self.ports} if self.needs and self.ports else self.needs


class Dated(Protocol):
    """What a cloud has made; `created` is its own time, in seconds of UTC, 0 where it does not tell."""

    @property
    def created(self) -> int:
        """When it was made."""


def older(thing: Dated, asked: int) -> bool:
    """Tell whether a thing was certainly there before it was asked for: then it was not made for who asked.

    The clocks of the cloud and ours may differ by some minutes.
    """
    return 0 < thing.created < asked - _SKEW


class Servers(Protocol):
    """What the allocation room needs of a cloud. Every method may raise `errors.CloudError`."""

    async def create_server(self, spec: ServerSpec) -> Server:
        """Ask for a server once; `CloudRefused` = nothing was made, `OutcomeUnknown` = it may have been."""

    async def delete_server(self, server_id: str) -> None:
        """Ask for the end of a server; one that is already gone is fine."""

    async def server(self, server_id: str) -> Server | None:
        """Look at one server; None when the cloud says that there is none."""

    async def servers(self) -> Sequence[Server]:
        """List every server of our project, whoever made it, all pages."""

    async def servers_of(self, allocation_id: str) -> Sequence[Server]:
        """Find the servers that carry this allocation id (usually none or one)."""
