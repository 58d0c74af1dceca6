"""Compares the volumes and addresses of a cloud with those of our records, as `sync` does with servers.

A part counts as gone only if it was recorded before the listing began and a second look does not show it either. What
carries the mark of an instance that has another one, or needs none any more, is deleted: a request may take its effect
long after we gave up waiting for it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from promise.allocation import parts
from promise.allocation.part import PartKind
from promise.allocation.volume import VolumeState
from promise.errors import CloudError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from promise.allocation.address import Address
    from promise.allocation.book import AllocationBook
    from promise.allocation.making import Worked
    from promise.allocation.volume import Volume
    from promise.capacity.ledger import Decisions

log = structlog.get_logger(__name__)


class PartWatch:
    """Looks at the parts of one provider's instances; where there are none, the cloud is not asked."""

    def __init__(self, ledger: Decisions[AllocationBook], actor: str) -> None:
        self._ledger = ledger
        self._actor = actor

    async def look(self, provider: str, cloud: Worked) -> None:
        """Bring the records up to what the cloud shows."""
        if await self._has(provider, PartKind.VOLUME):
            await self._volumes(provider, cloud)
        if await self._has(provider, PartKind.ADDRESS):
            await self._addresses(provider, cloud)

    async def _volumes(self, provider: str, cloud: Worked) -> None:
        known = await self._ledger.read(lambda book, _now: parts.there(book, provider, PartKind.VOLUME))
        listed = await cloud.volumes()
        there = {volume.id for volume in listed}
        for volume, (instance, key) in known.items():
            if volume not in there and await cloud.volume(volume) is None:
                await self._gone(instance, key)
        stays = [volume for volume in listed if volume.state is not VolumeState.DELETING]
        await self._tidy(provider, PartKind.VOLUME, stays, cloud.delete_volume)

    async def _addresses(self, provider: str, cloud: Worked) -> None:
        known = await self._ledger.read(lambda book, _now: parts.there(book, provider, PartKind.ADDRESS))
        listed = await cloud.addresses()
        missing = known.keys() - {address.id for address in listed}
        if missing:
            missing -= {address.id for address in await cloud.addresses()}
        for address in missing:
            await self._gone(*known[address])
        await self._tidy(provider, PartKind.ADDRESS, listed, cloud.delete_address)

    async def _gone(self, instance: str, key: str) -> None:
        await self._ledger.submit(lambda book, now: parts.gone(book, instance, key, now), actor=self._actor)

    async def _tidy(
        self,
        provider: str,
        kind: PartKind,
        listed: Sequence[Volume | Address],
        delete: Callable[[str], Awaitable[None]],
    ) -> None:
        left = await self._ledger.read(lambda book, _now: parts.superfluous(book, provider, listed))
        for thing in left:
            log.warning("part without an instance deleted", provider=provider, kind=kind.value, id=thing)
            with suppress(CloudError):  # it is met again at the next look
                await delete(thing)

    async def _has(self, provider: str, kind: PartKind) -> bool:
        return await self._ledger.read(
            lambda book, _now: any(part.kind is kind for found in book.with_parts(provider) for part in found.parts)
        )
