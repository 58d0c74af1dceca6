"""How a server, a volume or an address is ended: which one, whether it stays, what is recorded when it is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from promise.allocation import outcome, parts
from promise.allocation.model import Asked
from promise.allocation.server import ServerState
from promise.allocation.volume import VolumeState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promise.allocation.book import AllocationBook
    from promise.allocation.making import Worked
    from promise.allocation.model import Operation
    from promise.capacity.ledger import Decisions
    from promise.events import Decision


class Ending(Protocol):
    """One kind of thing. `at_once` tells that what the cloud has accepted to delete is gone already."""

    noun: ClassVar[str]
    at_once: ClassVar[bool]

    async def target(self, asked: Operation) -> tuple[str | None, bool]:
        """Return the id of what has to go, None when nothing is there; and whether there is something to wait for."""

    async def ask(self, cloud: Worked, thing: str) -> None:
        """Ask for its end."""

    async def stays(self, cloud: Worked, thing: str) -> str | None:
        """Return None when it is gone, "" while it goes, else the state in which it stays."""

    def gone(self, book: AllocationBook, asked: Operation, now: int) -> Decision[None]:
        """Decide that it is gone."""


class ServerEnding:
    """A server: while its create is open, what is to be deleted is not known."""

    noun: ClassVar[str] = "server"
    at_once: ClassVar[bool] = False

    def __init__(self, ledger: Decisions[AllocationBook]) -> None:
        self._ledger = ledger

    async def target(self, asked: Operation) -> tuple[str | None, bool]:
        """Return the server, and whether its create is still open."""
        return await self._ledger.read(lambda book, _now: _server_of(book, asked))

    async def ask(self, cloud: Worked, thing: str) -> None:
        """Ask for its end."""
        await cloud.delete_server(thing)

    async def stays(self, cloud: Worked, thing: str) -> str | None:
        """Look at it."""
        server = await cloud.server(thing)
        if server is None:
            return None
        return "" if server.state in {ServerState.DELETING, ServerState.UNKNOWN} else server.state.value

    def gone(self, book: AllocationBook, asked: Operation, now: int) -> Decision[None]:
        """Decide that it is gone; its volumes and addresses follow."""
        return outcome.observed(book, asked.instance, None, now)


class VolumeEnding:
    """A volume: Cinder refuses to delete it (400) while it is being made, or a server has not let go of it yet."""

    noun: ClassVar[str] = "volume"
    at_once: ClassVar[bool] = False

    def __init__(self, ledger: Decisions[AllocationBook]) -> None:
        self._ledger = ledger

    async def target(self, asked: Operation) -> tuple[str | None, bool]:
        """Return the volume."""
        return await self._ledger.read(lambda book, _now: _part_of(book, asked)), False

    async def ask(self, cloud: Worked, thing: str) -> None:
        """Ask for its end."""
        await cloud.delete_volume(thing)

    async def stays(self, cloud: Worked, thing: str) -> str | None:
        """Look at it."""
        volume = await cloud.volume(thing)
        if volume is None:
            return None
        return "" if volume.state in {VolumeState.DELETING, VolumeState.UNKNOWN} else volume.state.value

    def gone(self, book: AllocationBook, asked: Operation, now: int) -> Decision[None]:
        """Decide that it is gone."""
        return parts.gone(book, asked.instance, asked.part or "", now)


class AddressEnding:
    """A floating address: Neutron's answer says that it is gone."""

    noun: ClassVar[str] = "address"
    at_once: ClassVar[bool] = True

    def __init__(self, ledger: Decisions[AllocationBook]) -> None:
        self._ledger = ledger

    async def target(self, asked: Operation) -> tuple[str | None, bool]:
        """Return the address."""
        return await self._ledger.read(lambda book, _now: _part_of(book, asked)), False

    async def ask(self, cloud: Worked, thing: str) -> None:
        """Give it back."""
        await cloud.delete_address(thing)

    async def stays(self, cloud: Worked, thing: str) -> str | None:
        """Look at it."""
        listed = {address.id for address in await cloud.addresses()}
        return "held" if thing in listed else None

    def gone(self, book: AllocationBook, asked: Operation, now: int) -> Decision[None]:
        """Decide that it is gone."""
        return parts.gone(book, asked.instance, asked.part or "", now)


def endings(ledger: Decisions[AllocationBook]) -> Mapping[Asked, Ending]:
    """Return how each kind of thing is ended."""
    return {
        Asked.DELETE: ServerEnding(ledger),
        Asked.DELETE_VOLUME: VolumeEnding(ledger),
        Asked.DELETE_ADDRESS: AddressEnding(ledger),
    }


def _server_of(book: AllocationBook, asked: Operation) -> tuple[str | None, bool]:
    instance = book.allocations[asked.instance]
    waits = any(other.asked is Asked.CREATE for other in outcome.asked_of(book, asked.instance))
    return (instance.server if instance.counted and not instance.server_gone else None), waits


def _part_of(book: AllocationBook, asked: Operation) -> str | None:
    part = book.allocations[asked.instance].part(asked.part)
    return part.id if part is not None and part.there else None
