"""Placement: what each provider has, and what of it is used."""

from __future__ import annotations

from typing import Any, Final

from promise.vim.simulator.api.exchange import Answer, Call, Routes, member, number, real
from promise.vim.simulator.api.placement_provider import inventories_view, provider_of, same_generation
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.placement import Inventory, Provider


def inventories(call: Call) -> Answer:
    """GET /resource_providers/{id}/inventories."""
    call.need_admin("placement:resource_providers:inventories:list")
    return Answer(200, inventories_view(provider_of(call)))


def set_inventories(call: Call) -> Answer:
    """PUT /resource_providers/{id}/inventories: replaces all of them."""
    call.need_admin("placement:resource_providers:inventories:update")
    found, body = provider_of(call), call.json()
    same_generation(found, body, "placement.concurrent_update")
    given = member(body, "inventories")
    call.world.placement.set_inventories(
        found, {_known_class(call, name): _inventory(call, value) for name, value in given.items()}
    )
    return Answer(200, inventories_view(found))


def _known_class(call: Call, name: str) -> str:
    if name not in call.world.placement.classes:
        raise ApiError(400, f"Unknown resource class in inventory: No such resource class {name}.")
    return name


def _inventory(call: Call, given: dict[str, Any]) -> Inventory:
    total = number(given, "total", least=1)
    inventory = Inventory(
        total,
        number(given, "reserved", 0),
        number(given, "min_unit", 1, least=1),
        number(given, "max_unit", 2147483647, least=1),
        number(given, "step_size", 1, least=1),
        real(given, "allocation_ratio", 1.0),
    )
    if inventory.reserved > total or (inventory.reserved == total and call.version < (1, 26)):
        raise ApiError(400, "Unable to update inventory: Invalid inventory: reserved value is greater than total.")
    return inventory


def _one_inventory(found: Provider, name: str) -> dict[str, Any]:
    inventory = inventories_view(found)["inventories"].get(name)
    if inventory is None:
        raise ApiError(404, f"No inventory of class {name} for {found.id}")
    return {**inventory, "resource_provider_generation": found.generation}


def inventory(call: Call) -> Answer:
    """GET /resource_providers/{id}/inventories/{class}."""
    call.need_admin("placement:resource_providers:inventories:show")
    return Answer(200, _one_inventory(provider_of(call), call.parts["name"]))


def set_inventory(call: Call) -> Answer:
    """PUT /resource_providers/{id}/inventories/{class}."""
    call.need_admin("placement:resource_providers:inventories:update")
    found, body = provider_of(call), call.json()
    same_generation(found, body, "placement.concurrent_update")
    name = _known_class(call, call.parts["name"])
    call.world.placement.set_inventories(found, {**found.inventories, name: _inventory(call, body)})
    return Answer(200, _one_inventory(found, name))


def delete_inventory(call: Call) -> Answer:
    """DELETE /resource_providers/{id}/inventories/{class}."""
    call.need_admin("placement:resource_providers:inventories:delete")
    found, name = provider_of(call), call.parts["name"]
    _one_inventory(found, name)
    left = {key: value for key, value in found.inventories.items() if key != name}
    call.world.placement.set_inventories(found, left)
    return Answer(204)


def usages(call: Call) -> Answer:
    """GET /resource_providers/{id}/usages."""
    call.need_admin("placement:resource_providers:usages")
    found = provider_of(call)
    used = call.world.placement.used(found.id)
    return Answer(200, {"resource_provider_generation": found.generation, "usages": used})


ROUTES: Final[Routes] = {
    "/resource_providers/{id}/inventories": {"GET": inventories, "PUT": set_inventories},
    "/resource_providers/{id}/inventories/{name}": {
        "GET": inventory,
        "PUT": set_inventory,
        "DELETE": delete_inventory,
    },
    "/resource_providers/{id}/usages": {"GET": usages},
}
