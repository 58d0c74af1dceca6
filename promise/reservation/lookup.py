"""Looks for elements in clouds before a decision is made on them; what is seen goes with the request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from promise.errors import CloudError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from promise.reservation.elements import Look, Sight


class Catalogue(Protocol):
    """What the room looks up in a cloud."""

    async def elements(self, ids: Sequence[str]) -> Mapping[str, Look]:
        """Look for things with these ids; see `vim.port.Cloud`."""


class Lookup:
    """`clouds` gives the cloud of a provider, and may raise `errors.CloudError`."""

    def __init__(self, clouds: Callable[[str], Awaitable[Catalogue]]) -> None:
        self._clouds = clouds

    async def sights(self, providers: Iterable[str], elements: Sequence[str]) -> dict[str, Sight]:
        """Return what each provider's cloud says of the elements, all asked at the same time."""
        asked = list(providers)
        return dict(zip(asked, await asyncio.gather(*(self._sight(each, elements) for each in asked)), strict=True))

    async def _sight(self, provider: str, elements: Sequence[str]) -> Sight:
        try:
            cloud = await self._clouds(provider)
            return await cloud.elements(elements)
        except CloudError as error:
            return error
