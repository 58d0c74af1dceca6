"""Placement: what several of its handlers need of one provider."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from promise.vim.simulator.api.exchange import number
from promise.vim.simulator.world.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promise.vim.simulator.api.exchange import Call
    from promise.vim.simulator.world.placement import Provider


def provider_of(call: Call) -> Provider:
    """Return the provider of the path, or raise Placement's 404."""
    provider = call.world.placement.providers.get(call.parts["id"])
    if provider is None:
        raise ApiError(404, f"No resource provider with uuid {call.parts['id']} found")
    return provider


def same_generation(provider: Provider, body: Mapping[str, Any], code: str) -> None:
    """Raise a 409 when the writer has not seen the provider's last change."""
    if number(body, "resource_provider_generation") != provider.generation:
        raise ApiError(
            409,
            f"resource provider generation conflict: resource provider {provider.id} is at {provider.generation}",
            code,
        )


def inventories_view(provider: Provider) -> dict[str, Any]:
    """Return all inventories of a provider as the API shows them."""
    return {
        "resource_provider_generation": provider.generation,
        "inventories": {name: asdict(inventory) for name, inventory in provider.inventories.items()},
    }
