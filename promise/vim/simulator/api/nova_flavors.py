"""Nova: flavors, their extra specs, and which projects may use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.api.exchange import Answer, Call, Routes, member, number, real, text, truth
from promise.vim.simulator.api.nova_views import flavor_view, links, visible_flavors
from promise.vim.simulator.api.paging import listing
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.flavors import Flavor
from promise.vim.simulator.world.names import fresh

if TYPE_CHECKING:
    from collections.abc import Callable


def flavor_of(call: Call, flavor_id: str) -> Flavor:
    """Return a flavor that the caller may see, or raise Nova's 404."""
    for flavor in visible_flavors(call.world.compute, call):
        if flavor.id == flavor_id:
            return flavor
    raise ApiError(404, f"Flavor {flavor_id} could not be found.")


def _list(call: Call, path: str, view: Callable[[Flavor], Any]) -> Answer:
    flavors = [flavor for flavor in visible_flavors(call.world.compute, call) if _wanted(call, flavor)]
    return Answer(200, listing(call, "flavors", path, flavors, lambda flavor: flavor.id, view))


def _wanted(call: Call, flavor: Flavor) -> bool:
    public = call.asked("is_public")
    if public is None or not call.token.admin:
        shown = flavor.public or call.token.project_id in flavor.projects
    else:
        shown = public.lower() == "none" or flavor.public == truth(public)
    return shown and flavor.disk >= _least(call, "minDisk") and flavor.ram >= _least(call, "minRam")


def _least(call: Call, name: str) -> int:
    asked = call.asked(name) or "0"
    if not asked.isdigit():
        raise ApiError(400, f"Invalid {name} filter [{asked}]")
    return int(asked)


def brief(call: Call) -> Answer:
    """GET /flavors."""
    return _list(
        call,
        "flavors",
        lambda flavor: {
            "id": flavor.id,
            "name": flavor.name,
            "links": links(call, "flavors", flavor.id),
            **({"description": flavor.description} if call.version >= (2, 55) else {}),
        },
    )


def detail(call: Call) -> Answer:
    """GET /flavors/detail."""
    return _list(call, "flavors/detail", lambda flavor: flavor_view(call, flavor))


def show(call: Call) -> Answer:
    """GET /flavors/{id}."""
    return Answer(200, {"flavor": flavor_view(call, flavor_of(call, call.parts["id"]))})


def create(call: Call) -> Answer:
    """POST /flavors."""
    call.need_admin("os_compute_api:os-flavor-manage:create")
    body = member(call.json(), "flavor")
    flavor_id = str(body.get("id") or fresh())
    flavor = Flavor(
        fresh() if flavor_id == "auto" else flavor_id,
        text(body, "name", 1),
        number(body, "vcpus", least=1),
        number(body, "ram", least=1),
        number(body, "disk"),
        number(body, "OS-FLV-EXT-DATA:ephemeral", 0),
        number(body, "swap", 0),
        truth(body.get("os-flavor-access:is_public", True)),
        body.get("description"),
        real(body, "rxtx_factor", 1.0),
    )
    flavors = call.world.compute.flavors
    if flavor.id in flavors:
        raise ApiError(409, f"Flavor with ID {flavor.id} already exists.")
    if any(flavor.name == other.name for other in flavors.values()):
        raise ApiError(409, f"Flavor with name {flavor.name} already exists.")
    flavors[flavor.id] = flavor
    return Answer(200, {"flavor": flavor_view(call, flavor)})


def delete(call: Call) -> Answer:
    """DELETE /flavors/{id}: servers keep their copy."""
    call.need_admin("os_compute_api:os-flavor-manage:delete")
    del call.world.compute.flavors[flavor_of(call, call.parts["id"]).id]
    return Answer(202)


def specs(call: Call) -> Answer:
    """GET /flavors/{id}/os-extra_specs."""
    return Answer(200, {"extra_specs": flavor_of(call, call.parts["id"]).extra_specs})


def set_specs(call: Call) -> Answer:
    """POST /flavors/{id}/os-extra_specs."""
    call.need_admin("os_compute_api:os-flavor-extra-specs:create")
    given = {str(key): str(value) for key, value in member(call.json(), "extra_specs").items()}
    _check_specs(given)
    flavor_of(call, call.parts["id"]).extra_specs.update(given)
    return Answer(200, {"extra_specs": given})


def _check_specs(given: dict[str, str]) -> None:
    for key, value in given.items():
        if key.startswith("resources") and not value.isdigit():
            raise ApiError(400, f"Validation failed; extra spec '{key}' must be a whole number, not '{value}'")


def spec(call: Call) -> Answer:
    """GET /flavors/{id}/os-extra_specs/{key}."""
    key = call.parts["key"]
    flavor = flavor_of(call, call.parts["id"])
    if key not in flavor.extra_specs:
        raise ApiError(404, f"Flavor {flavor.id} has no extra specs with key {key}.")
    return Answer(200, {key: flavor.extra_specs[key]})


def unset_spec(call: Call) -> Answer:
    """DELETE /flavors/{id}/os-extra_specs/{key}."""
    call.need_admin("os_compute_api:os-flavor-extra-specs:delete")
    spec(call)
    del flavor_of(call, call.parts["id"]).extra_specs[call.parts["key"]]
    return Answer(200)


def access(call: Call) -> Answer:
    """GET /flavors/{id}/os-flavor-access."""
    call.need_admin("os_compute_api:os-flavor-access")
    flavor = flavor_of(call, call.parts["id"])
    if flavor.public:
        raise ApiError(404, "Access list not available for public flavors.")
    return Answer(200, _access_view(flavor))


def _access_view(flavor: Flavor) -> dict[str, Any]:
    return {"flavor_access": [{"flavor_id": flavor.id, "tenant_id": project} for project in sorted(flavor.projects)]}


def change_access(call: Call) -> Answer:
    """POST /flavors/{id}/action: addTenantAccess, removeTenantAccess."""
    call.need_admin("os_compute_api:os-flavor-access:add_tenant_access")
    flavor = flavor_of(call, call.parts["id"])
    body = call.json()
    if "addTenantAccess" in body:
        flavor.projects.add(text(member(body, "addTenantAccess"), "tenant"))
    else:
        flavor.projects.discard(text(member(body, "removeTenantAccess"), "tenant"))
    return Answer(200, _access_view(flavor))


ROUTES: Final[Routes] = {
    "/flavors": {"GET": brief, "POST": create},
    "/flavors/detail": {"GET": detail},
    "/flavors/{id}": {"GET": show, "DELETE": delete},
    "/flavors/{id}/os-extra_specs": {"GET": specs, "POST": set_specs},
    "/flavors/{id}/os-extra_specs/{key}": {"GET": spec, "DELETE": unset_spec},
    "/flavors/{id}/os-flavor-access": {"GET": access},
    "/flavors/{id}/action": {"POST": change_access},
}
