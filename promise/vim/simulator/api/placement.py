"""Placement: its versions and errors, its resource providers, and all its routes together."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from promise.vim.simulator.api import placement_allocations, placement_inventories, placement_traits
from promise.vim.simulator.api.exchange import Answer, Call, Refused, sorts, text
from promise.vim.simulator.api.placement_provider import provider_of
from promise.vim.simulator.api.placement_query import resources_of, traits_of
from promise.vim.simulator.api.service import Microversions, Service
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.names import fresh
from promise.vim.simulator.world.placement import Provider

LEAST: Final = (1, 0)
MOST: Final = (1, 39)


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
        **placement_inventories.ROUTES,
        **placement_traits.ROUTES,
        **placement_allocations.ROUTES,
    },
)
