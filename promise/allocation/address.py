"""A floating address as we ask a cloud for it and as the cloud shows it; pure values, and the port of the room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from promise.allocation.part import PartKind

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class AddressSpec:
    """What to ask of Neutron for one floating address of an instance, whose server has its ports by now.

    `networks` are the ids of the instance's networks in order: that of its ports.
    """

    allocation_id: str
    name: str
    server_id: str
    networks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Address:
    """A floating address as the cloud shows it; `allocation_id` and `part` are what its description says.

    `fixed` is the address of the server's port that it leads to, None when it leads nowhere. `created` is Neutron's
    creation time in seconds of UTC, 0 where it does not tell.
    """

    kind: ClassVar[PartKind] = PartKind.ADDRESS

    id: str
    address: str
    fixed: str | None
    created: int = 0
    allocation_id: str | None = None
    part: str | None = None


class Addresses(Protocol):
    """What the allocation room needs of a cloud's floating addresses. Every method may raise `errors.CloudError`."""

    async def create_address(self, spec: AddressSpec) -> Address:
        """Ask for an address once; `CloudRefused` = nothing was made, `OutcomeUnknown` = it may have been."""

    async def delete_address(self, address_id: str) -> None:
        """Give an address back; one that is already gone is fine."""

    async def addresses(self) -> Sequence[Address]:
        """List every floating address of our project, whoever made it, all pages."""
