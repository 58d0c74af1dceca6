"""Drivers for the clouds of providers: where they find accesses and passwords, and their patience."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from promise.vim.openstack import Limits, OpenStack

if TYPE_CHECKING:
    from promise.capacity.provider import Access, Provider
    from promise.config import Config
    from promise.ledger.state import State
    from promise.ledger.writer import Ledger
    from promise.vim.port import Cloud, CloudFactory


@dataclass(frozen=True, slots=True)
class Accesses:
    """Where the drivers find providers and passwords: the ledger."""

    ledger: Ledger[State]

    async def provider(self, provider: str) -> Provider | None:
        """Return a provider, None when there is none."""
        return await self.ledger.read(lambda book, _now: book.providers.get(provider))

    async def secret(self, key: str) -> str | None:
        """Return a secret of the side table."""
        return await self.ledger.secret(key)


def openstack(config: Config) -> CloudFactory:
    """Return what makes a driver with the patience that is configured."""
    limits = Limits(read=config.cloud.request_timeout, discovery=config.cloud.discover_timeout)

    def make(access: Access, password: str) -> Cloud:
        return OpenStack(access, password, limits)

    return make
