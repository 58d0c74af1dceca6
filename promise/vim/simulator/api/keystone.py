"""Keystone v3: tokens by password or token, the catalog, and who is there."""

from __future__ import annotations

import hmac
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.api.exchange import Answer, Call, Refused, member
from promise.vim.simulator.api.service import Service
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.identity import DOMAIN_ID, DOMAIN_NAME, ROLES
from promise.vim.simulator.world.names import bare, lasting, micro

if TYPE_CHECKING:
    from promise.vim.simulator.world.identity import Project, Token, User

_DENIED: Final = "The request you have made requires authentication."
_DOMAIN: Final = {"id": DOMAIN_ID, "name": DOMAIN_NAME}
SERVICES: Final = (
    ("keystone", "identity", "/identity"),
    ("nova", "compute", "/compute/v2.1"),
    ("placement", "placement", "/placement"),
    ("glance", "image", "/image"),
    ("neutron", "network", "/network"),
    ("cinder", "block-storage", "/volume/v3"),
    ("aodh", "alarming", "/alarming"),
)
"""Name, type and path of every service in the catalog."""


def _shape(refused: Refused) -> Answer:
    error = refused.error
    title = HTTPStatus(error.status).phrase
    body = {"error": {"code": error.status, "message": error.message, "title": title}}
    challenge = {"WWW-Authenticate": "Keystone uri"} if error.status == HTTPStatus.UNAUTHORIZED else {}
    return Answer(error.status, body, challenge)


def _version(call: Call) -> dict[str, Any]:
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": call.link("v3", "")}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    }


def versions(call: Call) -> Answer:
    """GET /: the versions, as 300 Multiple Choices."""
    return Answer(300, {"versions": {"values": [_version(call)]}}, {"Location": call.link("v3", "")})


def version(call: Call) -> Answer:
    """GET /v3."""
    return Answer(200, {"version": _version(call)})


def authenticate(call: Call) -> Answer:
    """POST /v3/auth/tokens: a token for a password or for another token, scoped as asked."""
    auth = member(call.json(), "auth")
    identity = member(auth, "identity")
    methods = tuple(member(identity, "methods", list))
    if "password" in methods:
        user = _by_password(call, member(member(identity, "password"), "user"))
    elif "token" in methods:
        secret = member(member(identity, "token"), "id", str)
        given = call.world.identity.token(secret, call.now)
        if given is None:
            raise ApiError(401, _DENIED)
        user = given.user
    else:
        raise ApiError(401, f"Attempted to authenticate with an unsupported method: {', '.join(map(str, methods))}.")
    scope, project = _scope(call, user, auth.get("scope"))
    token = call.world.identity.issue(user, scope, project, methods, call.now)
    body = {"token": _token_view(call, token, catalog="nocatalog" not in call.query())}
    return Answer(201, body, {"X-Subject-Token": token.secret, "Vary": "X-Auth-Token"})


def _by_password(call: Call, given: dict[str, Any]) -> User:
    password = member(given, "password", str)
    identity = call.world.identity
    if "id" in given:
        user = identity.users.get(given["id"])
    else:
        name = member(given, "name", str)
        known = _is_default(given.get("domain"))
        user = next((user for user in identity.users.values() if user.name == name and known), None)
    if user is None or not hmac.compare_digest(user.password.encode(), password.encode()):
        raise ApiError(401, _DENIED)
    return user


def _is_default(domain: Any) -> bool:
    if not isinstance(domain, dict):
        raise ApiError(
            400, "Expecting to find domain in user or project. The server could not comply with the request."
        )
    return bool(domain.get("id", DOMAIN_ID) == DOMAIN_ID and domain.get("name", DOMAIN_NAME) == DOMAIN_NAME)


def _scope(call: Call, user: User, scope: Any) -> tuple[str, Project | None]:
    if scope is None or scope == "unscoped" or (isinstance(scope, dict) and "unscoped" in scope):
        return "none", None
    if not isinstance(scope, dict):
        raise ApiError(400, "Invalid input for field 'scope': it is not of type 'object'")
    if "project" in scope:
        project = _project(call, member(scope, "project"))
        if project and project.id in user.grants:
            return "project", project
    elif ("system" in scope or "domain" in scope) and "system" in user.grants:
        return "system" if "system" in scope else "domain", None
    raise ApiError(401, _DENIED)


def _project(call: Call, wanted: dict[str, Any]) -> Project | None:
    projects = call.world.identity.projects
    if "id" in wanted:
        return projects.get(str(wanted["id"]))
    name = member(wanted, "name", str)
    known = _is_default(wanted.get("domain"))
    return next((project for project in projects.values() if project.name == name and known), None)


def _token_view(call: Call, token: Token, *, catalog: bool) -> dict[str, Any]:
    view: dict[str, Any] = {
        "methods": list(token.methods),
        "user": {"domain": _DOMAIN, "id": token.user.id, "name": token.user.name, "password_expires_at": None},
        "audit_ids": [token.audit_id],
        "expires_at": micro(token.expires, suffix="Z"),
        "issued_at": micro(token.issued, suffix="Z"),
    }
    if token.scope == "none":
        return view
    view["roles"] = [{"id": _role_id(name), "name": name} for name in token.roles]
    if token.project:
        view["project"] = {"domain": _DOMAIN, "id": token.project.id, "name": token.project.name}
        view["is_domain"] = False
    elif token.scope == "system":
        view["system"] = {"all": True}
    else:
        view["domain"] = _DOMAIN
    return view | ({"catalog": _catalog(call)} if catalog else {})


def _role_id(name: str) -> str:
    return bare(lasting("role", name))


def _catalog(call: Call) -> list[dict[str, Any]]:
    region = call.world.options.region
    return [
        {
            "id": bare(lasting("service", kind)),
            "type": kind,
            "name": name,
            "endpoints": [
                {
                    "id": bare(lasting("endpoint", f"{kind}/{interface}")),
                    "interface": interface,
                    "region": region,
                    "region_id": region,
                    "url": call.request.origin + path,
                }
                for interface in ("public", "internal", "admin")
            ],
        }
        for name, kind, path in SERVICES
    ]


def _subject(call: Call) -> Token:
    secret = call.request.headers.get("x-subject-token", "")
    token = call.world.identity.token(secret, call.now)
    if token is None:
        raise ApiError(404, f"Could not find token: {secret[:12]}...")
    return token


def validate(call: Call) -> Answer:
    """GET or HEAD /v3/auth/tokens: what a token is worth."""
    token = _subject(call)
    body = {"token": _token_view(call, token, catalog="nocatalog" not in call.query())}
    return Answer(200, body, {"X-Subject-Token": token.secret, "Vary": "X-Auth-Token"})


def revoke(call: Call) -> Answer:
    """DELETE /v3/auth/tokens."""
    del call.world.identity.tokens[_subject(call).secret]
    return Answer(204)


def catalog(call: Call) -> Answer:
    """GET /v3/auth/catalog."""
    if call.token.scope == "none":
        raise ApiError(403, "You are not authorized to perform the requested action: identity:get_auth_catalog.")
    return Answer(200, {"catalog": _catalog(call), "links": _links(call)})


def _links(call: Call) -> dict[str, Any]:
    return {"next": None, "self": call.request.origin + call.request.path, "previous": None}


def _listed(call: Call, key: str, rows: list[dict[str, Any]]) -> Answer:
    """Answer a collection, filtered by those query parameters that the rows know."""
    for name, values in call.query().items():
        rows = [row for row in rows if name not in row or str(row[name]).lower() == values[-1].lower()]
    return Answer(200, {key: rows, "links": _links(call)})


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
            "id": project.id, "name": project.name, "domain_id": DOMAIN_ID, "description": "", "enabled": True,
            "parent_id": DOMAIN_ID, "is_domain": False, "tags": [], "options": {},
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
            "id": user.id, "name": user.name, "domain_id": DOMAIN_ID, "enabled": True, "options": {},
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
        {"id": _role_id(name), "name": name, "domain_id": None, "description": None, "options": {}} for name in ROLES
    ]


def _domain_rows() -> list[dict[str, Any]]:
    return [{**_DOMAIN, "description": "The default domain", "enabled": True, "tags": [], "options": {}}]


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
        for service in _catalog(call)
        for endpoint in service["endpoints"]
    ]


SERVICE: Final = Service(
    name="identity",
    mount="/identity",
    base="/identity",
    shape=_shape,
    open_to_all=frozenset({"GET /", "GET /v3", "POST /v3/auth/tokens"}),
    routes={
        "/": {"GET": versions},
        "/v3": {"GET": version},
        "/v3/auth/tokens": {"POST": authenticate, "GET": validate, "DELETE": revoke},
        "/v3/auth/catalog": {"GET": catalog},
        "/v3/auth/projects": {"GET": my_projects},
        "/v3/auth/domains": {"GET": lambda call: _listed(call, "domains", _domain_rows())},
        "/v3/projects": {"GET": projects},
        "/v3/projects/{id}": {"GET": project},
        "/v3/users": {"GET": users},
        "/v3/users/{id}": {"GET": user},
        "/v3/domains": {"GET": lambda call: _listed(call, "domains", _domain_rows())},
        "/v3/domains/{id}": {"GET": lambda call: _one("domain", _domain_rows(), call.parts["id"])},
        "/v3/roles": {"GET": lambda call: _listed(call, "roles", _role_rows())},
        "/v3/roles/{id}": {"GET": lambda call: _one("role", _role_rows(), call.parts["id"])},
        "/v3/regions": {"GET": lambda call: _listed(call, "regions", _region_rows(call))},
        "/v3/regions/{id}": {"GET": lambda call: _one("region", _region_rows(call), call.parts["id"])},
        "/v3/services": {"GET": lambda call: _listed(call, "services", _service_rows())},
        "/v3/services/{id}": {"GET": lambda call: _one("service", _service_rows(), call.parts["id"])},
        "/v3/endpoints": {"GET": lambda call: _listed(call, "endpoints", _endpoint_rows(call))},
        "/v3/endpoints/{id}": {"GET": lambda call: _one("endpoint", _endpoint_rows(call), call.parts["id"])},
    },
)
