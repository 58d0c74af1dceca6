"""Drivers for clouds: where they find accesses and passwords, their patience; and who validates tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from promise.capacity.provider import Access
from promise.config import ConfigError, service_password
from promise.errors import BadValue
from promise.vim.openstack import Keystone, Limits, OpenStack

if TYPE_CHECKING:
    from promise.capacity.provider import Provider
    from promise.config import Config
    from promise.ledger.state import State
    from promise.ledger.writer import Ledger
    from promise.vim.port import Cloud, CloudFactory

_CONNECT: Final = 5.0
"""Seconds for a connection to the Keystone of bearer tokens."""


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


def keystone(config: Config) -> Keystone | None:
    """Return the Keystone that says whose bearer tokens are, None where none is configured.

    Raises:
        ConfigError: its URL or the password of our user cannot be used.
    """
    said = config.restconf.keystone
    if said is None:
        return None
    limits = Limits(connect=min(_CONNECT, said.timeout), read=said.timeout, whole=said.timeout)
    access = Access(
        endpoint=said.url,
        username=said.username,
        user_domain_name=said.user_domain,
        project_name=said.project,
        project_domain_name=said.project_domain,
    )
    try:
        return Keystone(access, service_password(said), limits)
    except BadValue as error:
        raise ConfigError(f"restconf.keystone.url {said.url}: {error.rule}") from None
