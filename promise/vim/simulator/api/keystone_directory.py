"""Keystone: who and what there is: projects, users, roles, services."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.api.exchange import Answer, Call, Routes
from promise.vim.simulator.api.keystone_catalog import SERVICES, catalog
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.identity import DEFAULT, ROLES
from promise.vim.simulator.world.names import bare, lasting

if TYPE_CHECKING:
    from promise.vim.simulator.world.identity import Project, User

DOMAIN: Final = asdict(DEFAULT)


def role_id(name: str) -> str:
    """Return the id of a role."""
    return bare(lasting("role", name))


def links(call: Call) -> dict[str, Any]:
    """Return the links of a collection, which always comes whole."""
    return {"next": None, "self": call.request.origin + call.request.path, "previous": None}


def _listed(call: Call, key: str, rows: list[dict[str, Any]]) -> Answer:
    """Answer a collection, filtered by those query parameters that the rows know."""
    for name, values in call.query().items():
        rows = [row for row in rows if name not in row or str(row[name]).lower() == values[-1].lower()]
    return Answer(200, {key: rows, "links": links(call)})


def _one(key: str, rows: list[dict[str, Any]], wanted: str) -> Answer:
    for row in rows:
        if row["id"] == wanted:
            return Answer(200, {key: row})
    raise ApiError(404, f"Could not find {key}: {wanted}.")


def _need(call: Call, rule: str) -> None:
    if not call.token.admin:
        raise ApiError(403, f"You are not authorized to perform the requested action: identity:{rule}.")


def _project_rows(call: Call) -> list[dict[str, Any]]:
    return [
        {
            "id": project.id, "name": project.name, "domain_id": project.domain.id, "description": "",
            "enabled": True, "parent_id": project.domain.id, "is_domain": False, "tags": [], "options": {},
            "links": {"self": call.link("v3", "projects", project.id)},
        }
        for project in call.world.identity.projects.values()
    ]  # fmt: skip


def my_projects(call: Call) -> Answer:
    """GET /v3/auth/projects: where this user may go."""
    return _listed(call, "projects", [row for row in _project_rows(call) if row["id"] in call.token.user.grants])


def projects(call: Call) -> Answer:
    """GET /v3/projects."""
    _need(call, "list_projects")
    return _listed(call, "projects", _project_rows(call))


def project(call: Call) -> Answer:
    """GET /v3/projects/{id}: one's own, or any for an admin."""
    if call.parts["id"] != call.token.project_id:
        _need(call, "get_project")
    return _one("project", _project_rows(call), call.parts["id"])


def _user_rows(call: Call) -> list[dict[str, Any]]:
    return [
        {
            "id": user.id, "name": user.name, "domain_id": user.domain.id, "enabled": True, "options": {},
            "password_expires_at": None, "links": {"self": call.link("v3", "users", user.id)},
        }
        for user in call.world.identity.users.values()
    ]  # fmt: skip


def users(call: Call) -> Answer:
    """GET /v3/users."""
    _need(call, "list_users")
    return _listed(call, "users", _user_rows(call))


def user(call: Call) -> Answer:
    """GET /v3/users/{id}: oneself, or anybody for an admin."""
    if call.parts["id"] != call.token.user.id:
        _need(call, "get_user")
    return _one("user", _user_rows(call), call.parts["id"])


def _role_rows() -> list[dict[str, Any]]:
    return [
        {"id": role_id(name), "name": name, "domain_id": None, "description": None, "options": {}} for name in ROLES
    ]


def _domain_rows(call: Call) -> list[dict[str, Any]]:
    found = dict.fromkeys([DEFAULT, *(project.domain for project in call.world.identity.projects.values())])
    return [{**asdict(domain), "description": "", "enabled": True, "tags": [], "options": {}} for domain in found]


def _region_rows(call: Call) -> list[dict[str, Any]]:
    return [{"id": call.world.options.region, "description": "", "parent_region_id": None}]


def _service_rows() -> list[dict[str, Any]]:
    return [
        {"id": bare(lasting("service", kind)), "name": name, "type": kind, "description": "", "enabled": True}
        for name, kind, _ in SERVICES
    ]


def _endpoint_rows(call: Call) -> list[dict[str, Any]]:
    return [
        {**endpoint, "service_id": service["id"], "enabled": True}
        for service in catalog(call)
        for endpoint in service["endpoints"]
    ]


def assignments(call: Call) -> Answer:
    """GET /v3/role_assignments: who may do what where, with names where they are asked for."""
    _need(call, "list_role_assignments")
    named = "include_names" in call.query()
    rows = []
    for user in call.world.identity.users.values():
        for where, role in user.grants.items():
            project = call.world.identity.projects.get(where)
            scope = {"project": _named(project, named)} if project else {"system": {"all": True}}
            who, what = _named(user, named), {"id": role_id(role), "name": role}
            rows.append({"user": who, "role": what, "scope": scope, "links": {}})
    return Answer(200, {"role_assignments": rows, "links": links(call)})


def _named(thing: Project | User, named: bool) -> dict[str, Any]:  # noqa: FBT001 -- a question, not a switch
    return {"id": thing.id, "name": thing.name, "domain": asdict(thing.domain)} if named else {"id": thing.id}


ROUTES: Final[Routes] = {
    "/v3/auth/projects": {"GET": my_projects},
    "/v3/auth/domains": {"GET": lambda call: _listed(call, "domains", _domain_rows(call))},
    "/v3/projects": {"GET": projects},
    "/v3/projects/{id}": {"GET": project},
    "/v3/users": {"GET": users},
    "/v3/users/{id}": {"GET": user},
    "/v3/domains": {"GET": lambda call: _listed(call, "domains", _domain_rows(call))},
    "/v3/domains/{id}": {"GET": lambda call: _one("domain", _domain_rows(call), call.parts["id"])},
    "/v3/roles": {"GET": lambda call: _listed(call, "roles", _role_rows())},
    "/v3/roles/{id}": {"GET": lambda call: _one("role", _role_rows(), call.parts["id"])},
    "/v3/regions": {"GET": lambda call: _listed(call, "regions", _region_rows(call))},
    "/v3/regions/{id}": {"GET": lambda call: _one("region", _region_rows(call), call.parts["id"])},
    "/v3/services": {"GET": lambda call: _listed(call, "services", _service_rows())},
    "/v3/services/{id}": {"GET": lambda call: _one("service", _service_rows(), call.parts["id"])},
    "/v3/endpoints": {"GET": lambda call: _listed(call, "endpoints", _endpoint_rows(call))},
    "/v3/endpoints/{id}": {"GET": lambda call: _one("endpoint", _endpoint_rows(call), call.parts["id"])},
    "/v3/role_assignments": {"GET": assignments},
}
