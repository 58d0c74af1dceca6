"""add-provider, remove-provider and set-provider-credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promise.capacity.provider import Access
from promise.capacity.providers import AddProvider
from promise.capacity.refusal import Refusal
from promise.northbound import answers
from promise.northbound import bindings as yang
from promise.northbound.keys import idempotency
from promise.northbound.words import bare, capacity, fresh_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from promise.actor import Actor
    from promise.allocation.service import AllocationService
    from promise.capacity.service import CapacityService


class ProviderRpcs:
    """The RPCs about clouds."""

    def __init__(
        self, service: CapacityService, instances: AllocationService, new_id: Callable[[], str] = fresh_id
    ) -> None:
        self._service = service
        self._new_id = new_id
        self._instances = instances

    async def add(self, actor: Actor, asked: yang.AddProviderInput) -> yang.AddProviderOutput:
        """Register a cloud and project, and tell what was found there."""
        project = asked.project
        access = Access(
            endpoint=asked.endpoint,
            username=asked.username,
            user_domain_name=asked.user_domain_name,
            project_id=project.id if project else None,
            project_name=project.name if project else None,
            project_domain_name=project.domain_name if project else None,
            region=asked.region,
        )
        request = AddProvider(self._new_id(), access, asked.provider_type, asked.name, asked.capacity_source)
        key = idempotency(actor, yang.ADD_PROVIDER_RPC, asked, password="")
        answer = await self._service.add_provider(actor, request, asked.password, key)
        if isinstance(answer, Refusal):
            return yang.AddProviderOutput(**answers.not_ok(answer))
        provider = answer.provider
        found = provider.discovery
        return yang.AddProviderOutput(
            **answers.ok(f"provider {provider.name} added"),
            provider_id=provider.id,
            capacity=capacity(provider.bound()),
            zones=tuple(answers.zone(zone) for zone in found.zones) if found else (),
            flavors=tuple(answers.flavor(flavor) for flavor in found.flavors) if found else (),
        )

    async def remove(self, actor: Actor, asked: yang.RemoveProviderInput) -> yang.RemoveProviderOutput:
        """Take a provider out of the configuration."""
        answer = await self._instances.remove_provider(actor, bare(asked.provider_id) or "", force=bool(asked.force))
        if isinstance(answer, Refusal):
            return yang.RemoveProviderOutput(**answers.not_ok(answer))
        gone = {"pools": answer.pools, "reservations": answer.reservations, "instances": answer.instances}
        parts = ", ".join(f"{name}: {count}" for name, count in gone.items() if count)
        message = f"provider {answer.provider.name} removed" + (f" with what counted on it ({parts})" if parts else "")
        return yang.RemoveProviderOutput(**answers.ok(message))

    async def set_credentials(
        self, actor: Actor, asked: yang.SetProviderCredentialsInput
    ) -> yang.SetProviderCredentialsOutput:
        """Give a provider another password, and another user name, which open its cloud."""
        provider = bare(asked.provider_id) or ""
        answer = await self._service.set_credentials(actor, provider, asked.username, asked.password)
        if isinstance(answer, Refusal):
            return yang.SetProviderCredentialsOutput(**answers.not_ok(answer))
        return yang.SetProviderCredentialsOutput(**answers.ok(f"provider {answer.name} has new credentials"))
