"""Placement: who holds what, what a project holds, and where a request would fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from promise.resources import plus
from promise.vim.simulator.api.exchange import Answer, Call, Routes, member, number, text
from promise.vim.simulator.api.placement_provider import provider_of
from promise.vim.simulator.api.placement_query import resources_of, traits_of
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.placement import Consumer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promise.vim.simulator.world.placement import Provider


def of_provider(call: Call) -> Answer:
    """GET /resource_providers/{id}/allocations."""
    call.need_admin("placement:resource_providers:allocations:list")
    provider = provider_of(call)
    found = {}
    for consumer in call.world.placement.holders(provider.id):
        entry: dict[str, Any] = {"resources": consumer.held[provider.id]}
        if call.version >= (1, 28):
            entry["consumer_generation"] = consumer.generation
        found[consumer.id] = entry
    return Answer(200, {"resource_provider_generation": provider.generation, "allocations": found})


def of_consumer(call: Call) -> Answer:
    """GET /allocations/{consumer}: empty for one that holds nothing."""
    call.need_admin("placement:allocations:list")
    consumer = call.world.placement.consumers.get(call.parts["id"])
    if consumer is None:
        return Answer(200, {"allocations": {}})
    providers = call.world.placement.providers
    view: dict[str, Any] = {
        "allocations": {
            provider_id: {"resources": amounts, "generation": providers[provider_id].generation}
            for provider_id, amounts in consumer.held.items()
        }
    }
    if call.version >= (1, 12):
        view |= {"project_id": consumer.project_id, "user_id": consumer.user_id}
    if call.version >= (1, 28):
        view["consumer_generation"] = consumer.generation
    if call.version >= (1, 38):
        view["consumer_type"] = consumer.type
    return Answer(200, view)


def set_for_consumer(call: Call) -> Answer:
    """PUT /allocations/{consumer}: replaces what it holds; 409 when there is no room or its generation moved on."""
    call.need_admin("placement:allocations:update")
    call.world.placement.claim(_consumer(call, call.parts["id"], call.json()))
    return Answer(204)


def set_for_many(call: Call) -> Answer:
    """POST /allocations: several consumers, all or none."""
    call.need_admin("placement:allocations:manage")
    placement = call.world.placement
    wanted = [_consumer(call, consumer_id, given) for consumer_id, given in call.json().items()]
    before = {consumer.id: placement.consumers.get(consumer.id) for consumer in wanted}
    for consumer in wanted:
        placement.release(consumer.id)
    try:
        for consumer in wanted:
            placement.claim(consumer)
    except ApiError:
        for consumer_id, old in before.items():
            placement.release(consumer_id)
            if old:
                placement.hold(old)
        raise
    return Answer(204)


def _consumer(call: Call, consumer_id: str, given: Mapping[str, Any]) -> Consumer:
    old = call.world.placement.consumers.get(consumer_id)
    if call.version >= (1, 28):
        seen = given.get("consumer_generation")
        if seen != (old.generation if old else None):
            raise ApiError(
                409,
                f"consumer generation conflict - expected {old.generation if old else None} but got {seen}",
                "placement.concurrent_update",
            )
    held = _held(call, given)
    if call.version < (1, 8):
        project_id, user_id = call.token.project_id, call.token.user.id
    else:
        project_id, user_id = text(given, "project_id", 1), text(given, "user_id", 1)
    kind = text(given, "consumer_type", 1) if call.version >= (1, 38) else "INSTANCE"
    return Consumer(consumer_id, project_id, user_id, held, (old.generation if old else 0) + 1, kind)


def _held(call: Call, given: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    if call.version < (1, 12):
        pairs = [
            (member(each, "resource_provider")["uuid"], member(each, "resources"))
            for each in member(given, "allocations", list)
        ]
    else:
        pairs = [(key, member(value, "resources")) for key, value in member(given, "allocations").items()]
    held: dict[str, dict[str, int]] = {}
    for provider_id, resources in pairs:
        if provider_id not in call.world.placement.providers:
            raise ApiError(400, f"Allocation for resource provider '{provider_id}' that does not exist.")
        held[provider_id] = {name: number(resources, name, least=1) for name in resources}
    return held


def delete_of_consumer(call: Call) -> Answer:
    """DELETE /allocations/{consumer}."""
    call.need_admin("placement:allocations:delete")
    if call.parts["id"] not in call.world.placement.consumers:
        raise ApiError(404, f"No allocations for consumer '{call.parts['id']}'")
    call.world.placement.release(call.parts["id"])
    return Answer(204)


def of_project(call: Call) -> Answer:
    """GET /usages: what a project holds in all; one's own needs no admin."""
    project_id = call.asked("project_id")
    if project_id is None:
        raise ApiError(400, "Invalid query string parameters: 'project_id' is a required property")
    if project_id != call.token.project_id:
        call.need_admin("placement:usages")
    user_id = call.asked("user_id")
    if call.version < (1, 38):
        return Answer(200, {"usages": call.world.placement.usage_of(project_id, user_id)})
    return Answer(200, {"usages": _by_type(call, project_id, user_id)})


def _by_type(call: Call, project_id: str, user_id: str | None) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    wanted = call.asked("consumer_type") or ""
    for consumer in call.world.placement.consumers.values():
        if consumer.project_id != project_id or user_id not in {None, consumer.user_id}:
            continue
        key = "all" if wanted == "all" else consumer.type
        if wanted not in {"", "all", consumer.type}:
            continue
        total = found.setdefault(key, {"consumer_count": 0})
        total["consumer_count"] += 1
        for amounts in consumer.held.values():
            found[key] = total = plus(total, amounts)
    return found


def candidates(call: Call) -> Answer:
    """GET /allocation_candidates: the providers on which the whole request fits now."""
    call.need_admin("placement:allocation_candidates:list")
    asked = call.asked("resources")
    if asked is None:
        raise ApiError(400, "Invalid query string parameters: 'resources' is a required property")
    resources = resources_of(call, asked)
    required, forbidden = traits_of(call.query().get("required", []))
    groups = [set(groups.removeprefix("in:").split(",")) for groups in call.query().get("member_of", [])]
    fitting = [
        provider
        for provider in call.world.placement.providers.values()
        if call.world.placement.has_room(provider.id, resources)
        and required <= provider.traits
        and not forbidden & provider.traits
        and all(provider.aggregates & group for group in groups)
    ]
    limit = call.asked("limit")
    fitting = fitting[: int(limit)] if limit and limit.isdigit() else fitting
    return Answer(
        200,
        {
            "allocation_requests": [_request(call, provider, resources) for provider in fitting],
            "provider_summaries": {provider.id: _summary(call, provider) for provider in fitting},
        },
    )


def _request(call: Call, provider: Provider, resources: dict[str, int]) -> dict[str, Any]:
    if call.version < (1, 12):
        return {"allocations": [{"resource_provider": {"uuid": provider.id}, "resources": resources}]}
    view: dict[str, Any] = {"allocations": {provider.id: {"resources": resources}}}
    return view | ({"mappings": {"": [provider.id]}} if call.version >= (1, 34) else {})


def _summary(call: Call, provider: Provider) -> dict[str, Any]:
    used = call.world.placement.used(provider.id)
    view: dict[str, Any] = {
        "resources": {
            name: {"capacity": inventory.capacity, "used": used[name]}
            for name, inventory in provider.inventories.items()
        }
    }
    if call.version >= (1, 17):
        view["traits"] = sorted(provider.traits)
    if call.version >= (1, 29):
        view |= {"parent_provider_uuid": provider.parent, "root_provider_uuid": provider.parent or provider.id}
    return view


ROUTES: Final[Routes] = {
    "/resource_providers/{id}/allocations": {"GET": of_provider},
    "/allocations": {"POST": set_for_many},
    "/allocations/{id}": {"GET": of_consumer, "PUT": set_for_consumer, "DELETE": delete_of_consumer},
    "/usages": {"GET": of_project},
    "/allocation_candidates": {"GET": candidates},
}
