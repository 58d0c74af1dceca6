"""The drivers of the providers that are registered: made when first needed, made anew when access changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from promise.capacity.providers import no_credentials
from promise.errors import CloudUnreachable

if TYPE_CHECKING:
    from promise.capacity.provider import Access, Provider
    from promise.vim.port import Cloud, CloudFactory


class Registry(Protocol):
    """Where providers and their passwords are found; `app` fills it from the ledger."""

    async def provider(self, provider: str) -> Provider | None:
        """Return a provider, None when there is none of this id."""

    async def secret(self, key: str) -> str | None:
        """Return what is kept aside under a key."""


@dataclass(frozen=True, slots=True)
class _Open:
    access: Access
    password: str = field(repr=False)
    cloud: Cloud


class Clouds:
    """One driver per provider."""

    def __init__(self, registry: Registry, factory: CloudFactory) -> None:
        self._registry = registry
        self._factory = factory
        self._open: dict[str, _Open] = {}

    async def of(self, provider: str) -> Cloud:
        """Return the driver of a provider.

        Raises:
            CloudUnreachable: there is no such provider, or its password is lost.
        """
        known = await self._registry.provider(provider)
        if known is None:
            await self._let_go(provider)
            raise CloudUnreachable(f"there is no provider {provider}")
        password = await self._registry.secret(known.secret)
        if password is None:
            await self._let_go(provider)
            raise CloudUnreachable(no_credentials(provider))
        held = self._open.get(provider)
        if held is not None and (held.access, held.password) == (known.access, password):
            return held.cloud
        cloud = self._factory(known.access, password)
        self._open[provider] = _Open(known.access, password, cloud)
        if held is not None:
            await held.cloud.close()
        return cloud

    async def _let_go(self, provider: str) -> None:
        held = self._open.pop(provider, None)
        if held is not None:
            await held.cloud.close()

    async def close(self) -> None:
        """Let go of all of them."""
        held, self._open = self._open, {}
        for each in held.values():
            await each.cloud.close()
