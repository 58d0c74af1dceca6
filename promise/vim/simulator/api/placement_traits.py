"""Placement: traits, aggregates and resource classes: the words by which providers are told apart."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, Final

from promise.vim.simulator.api.exchange import Answer, Call, Routes, member, text
from promise.vim.simulator.api.placement_provider import provider_of, same_generation
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.placement import CLASSES

_CUSTOM: Final = re.compile(r"CUSTOM_[A-Z0-9_]+")


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


ROUTES: Final[Routes] = {
    "/resource_providers/{id}/traits": {"GET": provider_traits, "PUT": provider_traits, "DELETE": provider_traits},
    "/resource_providers/{id}/aggregates": {"GET": aggregates, "PUT": aggregates},
    "/traits": {"GET": traits},
    "/traits/{name}": {"GET": trait, "PUT": trait},
    "/resource_classes": {"GET": classes, "POST": create_class},
    "/resource_classes/{name}": {"GET": resource_class, "PUT": resource_class, "DELETE": resource_class},
}
