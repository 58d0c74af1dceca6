"""How a server, a volume or an address is made: what to ask for, how it is found again, what is recorded of it.

The worker does the same with all of them (`worker`); a making tells it what differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from promise.allocation import outcome, parts
from promise.allocation.address import Address, Addresses, AddressSpec
from promise.allocation.model import USER_DATA, Asked
from promise.allocation.server import Attached, Server, Servers, ServerSpec
from promise.allocation.volume import Volume, Volumes, VolumeSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promise.allocation.book import AllocationBook
    from promise.allocation.model import Allocation, Operation
    from promise.allocation.part import Part
    from promise.capacity.ledger import Decisions
    from promise.events import Decision

Thing: TypeAlias = "Server | Volume | Address"
"""What a cloud has made."""


class Worked(Servers, Volumes, Addresses, Protocol):
    """A cloud as the worker needs it."""


class Aside(Protocol):
    """What is kept beside the journal."""

    async def secret(self, key: str) -> str | None:
        """Return a secret of the side table."""


class Making(Protocol):
    """One kind of thing."""

    async def spec(self, claimed: Operation) -> Any:
        """Return what to ask for."""

    async def ask(self, cloud: Worked, spec: Any) -> Thing:
        """Ask for it once."""

    async def find(self, cloud: Worked, asked: Operation) -> Sequence[Thing]:
        """Look for what was made for an operation, by its marks; the oldest first."""

    async def drop(self, cloud: Worked, thing: str) -> None:
        """Delete one that is not wanted."""

    def made(self, book: AllocationBook, operation: str, thing: Any, now: int) -> Decision[str | None]:
        """Decide that it is made, and return which one the instance has."""


class ServerMaking:
    """A server: with its volumes, and with what was kept aside for it."""

    def __init__(self, ledger: Decisions[AllocationBook], aside: Aside) -> None:
        self._ledger = ledger
        self._aside = aside

    async def spec(self, claimed: Operation) -> ServerSpec:
        """Return what to ask of Nova."""
        allocation = await _instance(self._ledger, claimed)
        user_data = await self._aside.secret(USER_DATA + allocation.id) if allocation.user_data else None
        return ServerSpec(
            allocation_id=allocation.id,
            name=allocation.name,
            image=allocation.image,
            flavor=allocation.flavor,
            networks=allocation.networks,
            zone=allocation.zone,
            key_name=allocation.key_name,
            security_groups=allocation.security_groups,
            user_data=user_data,
            metadata=allocation.metadata,
            affinity=allocation.affinity,
            volumes=tuple(Attached(part.id, part.boot) for part in allocation.volumes if part.id),
        )

    async def ask(self, cloud: Worked, spec: ServerSpec) -> Server:
        """Ask for it once."""
        return await cloud.create_server(spec)

    async def find(self, cloud: Worked, asked: Operation) -> Sequence[Server]:
        """Look for the servers that carry the allocation id."""
        carrying = await cloud.servers_of(asked.instance)
        return await self._ledger.read(lambda book, _now: outcome.made_for(book, asked, carrying))

    async def drop(self, cloud: Worked, thing: str) -> None:
        """Delete one that is not wanted."""
        await cloud.delete_server(thing)

    def made(self, book: AllocationBook, operation: str, thing: Server, now: int) -> Decision[str | None]:
        """Decide that it is made."""
        return outcome.created(book, operation, thing, now)


class VolumeMaking:
    """A volume: made empty, or from the image when the instance boots from it; made when it is available."""

    def __init__(self, ledger: Decisions[AllocationBook]) -> None:
        self._ledger = ledger

    async def spec(self, claimed: Operation) -> VolumeSpec:
        """Return what to ask of Cinder."""
        instance = await _instance(self._ledger, claimed)
        part = _part(instance, claimed)
        image = instance.image if part.boot else None
        return VolumeSpec(instance.id, part.name, part.size, part.type, image, instance.zone)

    async def ask(self, cloud: Worked, spec: VolumeSpec) -> Volume:
        """Ask for it once."""
        return await cloud.create_volume(spec)

    async def find(self, cloud: Worked, asked: Operation) -> Sequence[Volume]:
        """Look for the volumes that carry the allocation id and the name."""
        listed = await cloud.volumes()
        return await self._ledger.read(lambda book, _now: parts.made_for(book, asked, listed))

    async def drop(self, cloud: Worked, thing: str) -> None:
        """Delete one that is not wanted."""
        await cloud.delete_volume(thing)

    def made(self, book: AllocationBook, operation: str, thing: Volume, now: int) -> Decision[str]:
        """Decide that it is accepted."""
        return parts.made(book, operation, thing, now)

    def ready(self, book: AllocationBook, operation: str, now: int) -> Decision[None]:
        """Decide that it is available."""
        return parts.ready(book, operation, now)

    async def recorded(self, asked: Operation) -> str | None:
        """Return the id of the volume once the cloud has accepted it."""
        return _part(await _instance(self._ledger, asked), asked).id


class AddressMaking:
    """A floating address that leads to the server."""

    def __init__(self, ledger: Decisions[AllocationBook]) -> None:
        self._ledger = ledger

    async def spec(self, claimed: Operation) -> AddressSpec:
        """Return what to ask of Neutron."""
        instance = await _instance(self._ledger, claimed)
        return AddressSpec(instance.id, _part(instance, claimed).name, instance.server or "", instance.networks)

    async def ask(self, cloud: Worked, spec: AddressSpec) -> Address:
        """Ask for it once."""
        return await cloud.create_address(spec)

    async def find(self, cloud: Worked, asked: Operation) -> Sequence[Address]:
        """Look for the addresses that carry the allocation id and the number."""
        listed = await cloud.addresses()
        return await self._ledger.read(lambda book, _now: parts.made_for(book, asked, listed))

    async def drop(self, cloud: Worked, thing: str) -> None:
        """Give back one that is not wanted."""
        await cloud.delete_address(thing)

    def made(self, book: AllocationBook, operation: str, thing: Address, now: int) -> Decision[str]:
        """Decide that it is made."""
        return parts.made(book, operation, thing, now)


def makings(ledger: Decisions[AllocationBook], aside: Aside) -> Mapping[Asked, Making]:
    """Return how each kind of thing is made."""
    return {
        Asked.CREATE: ServerMaking(ledger, aside),
        Asked.CREATE_VOLUME: VolumeMaking(ledger),
        Asked.CREATE_ADDRESS: AddressMaking(ledger),
    }


async def _instance(ledger: Decisions[AllocationBook], asked: Operation) -> Allocation:
    return await ledger.read(lambda book, _now: book.allocations[asked.instance])


def _part(instance: Allocation, asked: Operation) -> Part:
    part = instance.part(asked.part)
    assert part is not None, f"{asked} is about a part that its instance does not have"
    return part
