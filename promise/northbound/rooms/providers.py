"""add-provider."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from promise.capacity.provider import Access
from promise.capacity.providers import AddProvider
from promise.capacity.refusal import Refusal
from promise.northbound import answers
from promise.northbound import bindings as yang
from promise.northbound.keys import idempotency
from promise.northbound.words import capacity

if TYPE_CHECKING:
    from promise.actor import Actor
    from promise.capacity.service import CapacityService


class ProviderRpcs:
    """The RPCs about clouds."""

    def __init__(self, service: CapacityService) -> None:
        self._service = service

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
        request = AddProvider(str(uuid4()), access, asked.provider_type, asked.name, asked.capacity_source)
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
