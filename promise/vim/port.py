"""What the rooms need of a cloud; every driver implements `Cloud` and nothing else of it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from promise.allocation.address import Addresses
from promise.allocation.server import Servers
from promise.allocation.volume import Volumes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promise.capacity.provider import Access, Discovery
    from promise.reservation.elements import Look


class Cloud(Servers, Volumes, Addresses, Protocol):
    """One project of one cloud. Every method may raise `errors.CloudError`; time-outs are the driver's duty."""

    async def discover(self, source: str | None = None) -> Discovery:
        """Look at zones, hosts, flavors, quotas, inventories and usages.

        `source` is `placement` or `quota` (any other is `errors.BadValue`); None = placement where the credentials may
        read it, else quota. `placement` that may not be read is `CloudRefused`.
        """

    async def image(self, name_or_id: str) -> Sequence[str]:
        """Return the ids of the images with this id, else with this name: none, one, or several."""

    async def network(self, name_or_id: str) -> Sequence[str]:
        """Return the ids of the networks with this id, else with this name: none, one, or several."""

    async def networks(self) -> Sequence[str]:
        """Return the ids of all networks on which our project may put a server."""

    async def elements(self, ids: Sequence[str]) -> Mapping[str, Look]:
        """Look for servers, volumes, networks, ports, addresses and hosts with these ids; a host has a name as well.

        For each id that is asked: what it is; None where the cloud says that our project has no such thing; the
        error where it does not say.
        """

    async def close(self) -> None:
        """Let go of connections and threads."""


class CloudFactory(Protocol):
    """Makes the driver for a provider; `app` has the one that is used."""

    def __call__(self, access: Access, password: str) -> Cloud:
        """Return a driver; nothing is contacted yet. Raise `errors.BadValue` when the endpoint is not one."""
