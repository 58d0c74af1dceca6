"""Placement: resource providers with inventories, usages, traits and aggregates; classes; and its own errors."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, Final

from promise.vim.simulator.api import placement_allocations
from promise.vim.simulator.api.exchange import Answer, Call, Refused, member, number, real, sorts, text
from promise.vim.simulator.api.placement_provider import inventories_view, provider_of, same_generation
from promise.vim.simulator.api.placement_query import resources_of, traits_of
from promise.vim.simulator.api.service import Microversions, Service
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.names import fresh
from promise.vim.simulator.world.placement import CLASSES, Inventory, Provider

LEAST: Final = (1, 0)
MOST: Final = (1, 39)
_CUSTOM: Final = re.compile(r"CUSTOM_[A-Z0-9_]+")


def _shape(refused: Refused) -> Answer:
    error = refused.error
    title = HTTPStatus(error.status).phrase
    explanation = {
        403: "Access was denied to this resource.",
        404: "The resource could not be found.",
        409: "There was a conflict when trying to complete your request.",
    }.get(
        error.status,
        "The server could not comply with the request since it is either malformed or otherwise incorrect.",
    )
    entry: dict[str, Any] = {
        "status": error.status,
        "request_id": refused.request_id,
        "title": title,
        "detail": f"{explanation}\n\n {error.message}  ",
    }
    if refused.version >= (1, 23):
        known = error.kind.startswith("placement.")
        entry["code"] = error.kind if known else "placement.undefined_code"
    if error.status == HTTPStatus.NOT_ACCEPTABLE:
        entry |= {"max_version": "1.39", "min_version": "1.0"}
    return Answer(error.status, {"errors": [entry]})


def versions(_call: Call) -> Answer:
    """GET /."""
    body = {
        "id": "v1.0",
        "max_version": "1.39",
        "min_version": "1.0",
        "status": "CURRENT",
        "links": [{"rel": "self", "href": ""}],
    }
    return Answer(200, {"versions": [body]})


def _provider_view(call: Call, provider: Provider) -> dict[str, Any]:
    base = f"/placement/resource_providers/{provider.id}"
    relations = ["self", "inventories", "usages"]
    relations += ["aggregates"] if call.version >= (1, 1) else []
    relations += ["traits"] if call.version >= (1, 6) else []
    relations += ["allocations"] if call.version >= (1, 11) else []
    view: dict[str, Any] = {
        "uuid": provider.id,
        "name": provider.name,
        "generation": provider.generation,
        "links": [{"rel": rel, "href": base if rel == "self" else f"{base}/{rel}"} for rel in relations],
    }
    if call.version >= (1, 14):
        view |= {"parent_provider_uuid": provider.parent, "root_provider_uuid": provider.parent or provider.id}
    return view


def providers(call: Call) -> Answer:
    """GET /resource_providers: filtered by name, uuid, member_of, resources, required and in_tree."""
    call.need_admin("placement:resource_providers:list")
    placement = call.world.placement
    found = list(placement.providers.values())
    for name in ("name", "uuid"):
        if (wanted := call.asked(name)) is not None:
            found = [provider for provider in found if (provider.name if name == "name" else provider.id) == wanted]
    if (tree := call.asked("in_tree")) is not None:
        found = [provider for provider in found if tree in {provider.id, provider.parent}]
    for groups in call.query().get("member_of", []):
        wanted_groups = set(groups.removeprefix("in:").split(","))
        found = [provider for provider in found if provider.aggregates & wanted_groups]
    if (asked := call.asked("resources")) is not None:
        resources = resources_of(call, asked)
        found = [provider for provider in found if placement.has_room(provider.id, resources)]
    required, forbidden = traits_of(call.query().get("required", []))
    found = [provider for provider in found if required <= provider.traits and not forbidden & provider.traits]
    return Answer(200, {"resource_providers": [_provider_view(call, provider) for provider in found]})


def create_provider(call: Call) -> Answer:
    """POST /resource_providers."""
    call.need_admin("placement:resource_providers:create")
    body = call.json()
    name = text(body, "name", 1, 200)
    sorts(body, {"uuid": str, "parent_provider_uuid": str})
    placement = call.world.placement
    if any(provider.name == name for provider in placement.providers.values()):
        raise ApiError(409, f"Conflicting resource provider name: {name} already exists.", "placement.duplicate_name")
    provider = Provider(body.get("uuid") or fresh(), name, body.get("parent_provider_uuid"))
    placement.providers[provider.id] = provider
    where = {"Location": call.link("resource_providers", provider.id)}
    return Answer(200, _provider_view(call, provider), where) if call.version >= (1, 20) else Answer(201, None, where)


def provider(call: Call) -> Answer:
    """GET /resource_providers/{id}."""
    call.need_admin("placement:resource_providers:show")
    return Answer(200, _provider_view(call, provider_of(call)))


def rename_provider(call: Call) -> Answer:
    """PUT /resource_providers/{id}."""
    call.need_admin("placement:resource_providers:update")
    found = provider_of(call)
    found.name = text(call.json(), "name", 1, 200)
    return Answer(200, _provider_view(call, found))


def delete_provider(call: Call) -> Answer:
    """DELETE /resource_providers/{id}."""
    call.need_admin("placement:resource_providers:delete")
    call.world.placement.remove(provider_of(call))
    return Answer(204)


# Inventories and usages


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


# Traits and aggregates


def provider_traits(call: Call) -> Answer:
    """GET, PUT or DELETE /resource_providers/{id}/traits."""
    call.need_admin("placement:resource_providers:traits:list")
    found = provider_of(call)
    if call.request.method == "PUT":
        body = call.json()
        same_generation(found, body, "placement.concurrent_update")
        wanted = set(member(body, "traits", list))
        if unknown := sorted(wanted - set(call.world.placement.traits)):
            raise ApiError(400, f"No such trait {', '.join(unknown)}")
        found.traits, found.generation = wanted, found.generation + 1
    if call.request.method == "DELETE":
        found.traits, found.generation = set(), found.generation + 1
        return Answer(204)
    return Answer(200, {"traits": sorted(found.traits), "resource_provider_generation": found.generation})


def traits(call: Call) -> Answer:
    """GET /traits."""
    call.need_admin("placement:traits:list")
    names = sorted(call.world.placement.traits)
    wanted = call.asked("name") or ""
    if wanted.startswith("in:"):
        names = [name for name in names if name in wanted[3:].split(",")]
    elif wanted.startswith("startswith:"):
        names = [name for name in names if name.startswith(wanted.partition(":")[2])]
    return Answer(200, {"traits": names})


def trait(call: Call) -> Answer:
    """GET or PUT /traits/{name}."""
    call.need_admin("placement:traits:show")
    name, known = call.parts["name"], call.world.placement.traits
    if call.request.method == "PUT":
        if not _CUSTOM.fullmatch(name):
            raise ApiError(400, f"The trait is invalid. A valid trait must begin with CUSTOM_: {name}")
        status = 204 if name in known else 201
        known.setdefault(name)
        return Answer(status, None, {"Location": call.link("traits", name)})
    if name not in known:
        raise ApiError(404, f"No such trait(s): {name}.")
    return Answer(204)


def aggregates(call: Call) -> Answer:
    """GET or PUT /resource_providers/{id}/aggregates."""
    call.need_admin("placement:resource_providers:aggregates:list")
    found = provider_of(call)
    if call.request.method == "PUT":
        body = call.json()
        if call.version >= (1, 19):
            same_generation(found, body, "placement.concurrent_update")
            body = member(body, "aggregates", list)
        found.aggregates, found.generation = set(body), found.generation + 1
    view: dict[str, Any] = {"aggregates": sorted(found.aggregates)}
    if call.version >= (1, 19):
        view["resource_provider_generation"] = found.generation
    return Answer(200, view)


# Resource classes


def classes(call: Call) -> Answer:
    """GET /resource_classes."""
    call.need_admin("placement:resource_classes:list")
    return Answer(200, {"resource_classes": [_class_view(name) for name in call.world.placement.classes]})


def _class_view(name: str) -> dict[str, Any]:
    return {"name": name, "links": [{"rel": "self", "href": f"/placement/resource_classes/{name}"}]}


def create_class(call: Call) -> Answer:
    """POST /resource_classes."""
    return _make_class(call, text(call.json(), "name", 1), again=409)


def _make_class(call: Call, name: str, again: int) -> Answer:
    call.need_admin("placement:resource_classes:create")
    if not _CUSTOM.fullmatch(name):
        raise ApiError(400, f"JSON does not validate: '{name}' does not match '^CUSTOM_[A-Z0-9_]+$'")
    known = call.world.placement.classes
    if name in known and again == HTTPStatus.CONFLICT:
        raise ApiError(409, f"Conflicting resource class already exists: {name}")
    status = again if name in known else 201
    known.setdefault(name)
    return Answer(status, None, {"Location": call.link("resource_classes", name)})


def resource_class(call: Call) -> Answer:
    """GET, PUT or DELETE /resource_classes/{name}."""
    call.need_admin("placement:resource_classes:show")
    name, known = call.parts["name"], call.world.placement.classes
    if call.request.method == "PUT":
        return _make_class(call, name, again=204)
    if name not in known:
        raise ApiError(404, f"No such resource class: {name}")
    if call.request.method == "DELETE":
        if name in CLASSES:
            raise ApiError(400, f"Cannot delete standard resource class {name}")
        if any(name in each.inventories for each in call.world.placement.providers.values()):
            raise ApiError(409, f"Unable to delete resource class {name}: Resource class in use.")
        del known[name]
        return Answer(204)
    return Answer(200, _class_view(name))


SERVICE: Final = Service(
    name="placement",
    mount="/placement",
    base="/placement",
    shape=_shape,
    microversions=Microversions("placement", LEAST, MOST),
    open_to_all=frozenset({"GET /"}),
    routes={
        "/": {"GET": versions},
        "/resource_providers": {"GET": providers, "POST": create_provider},
        "/resource_providers/{id}": {"GET": provider, "PUT": rename_provider, "DELETE": delete_provider},
        "/resource_providers/{id}/inventories": {"GET": inventories, "PUT": set_inventories},
        "/resource_providers/{id}/inventories/{name}": {
            "GET": inventory,
            "PUT": set_inventory,
            "DELETE": delete_inventory,
        },
        "/resource_providers/{id}/usages": {"GET": usages},
        "/resource_providers/{id}/traits": {
            "GET": provider_traits,
            "PUT": provider_traits,
            "DELETE": provider_traits,
        },
        "/resource_providers/{id}/aggregates": {"GET": aggregates, "PUT": aggregates},
        "/traits": {"GET": traits},
        "/traits/{name}": {"GET": trait, "PUT": trait},
        "/resource_classes": {"GET": classes, "POST": create_class},
        "/resource_classes/{name}": {"GET": resource_class, "PUT": resource_class, "DELETE": resource_class},
        **placement_allocations.ROUTES,
    },
)
