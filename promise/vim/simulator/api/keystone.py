"""Keystone v3: tokens by password or token, the catalog, and who is there."""

from __future__ import annotations

import hmac
from dataclasses import asdict
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.api import keystone_directory
from promise.vim.simulator.api.exchange import Answer, Call, Refused, member
from promise.vim.simulator.api.keystone_catalog import catalog
from promise.vim.simulator.api.keystone_directory import DOMAIN, links, role_id
from promise.vim.simulator.api.service import Service
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.identity import DEFAULT
from promise.vim.simulator.world.names import micro

if TYPE_CHECKING:
    from collections.abc import Callable

    from promise.vim.simulator.world.identity import Domain, Project, Token, User

_DENIED: Final = "The request you have made requires authentication."


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
    body = {"token": _token_view(call, token)}
    return Answer(201, body, {"X-Subject-Token": token.secret, "Vary": "X-Auth-Token"})


def _by_password(call: Call, given: dict[str, Any]) -> User:
    password = member(given, "password", str)
    identity = call.world.identity
    if "id" in given:
        user = identity.users.get(given["id"])
    else:
        name = member(given, "name", str)
        domain = _domain(given)
        user = next((user for user in identity.users.values() if user.name == name and domain(user.domain)), None)
    if user is None or not hmac.compare_digest(user.password.encode(), password.encode()):
        raise ApiError(401, _DENIED)
    return user


def _domain(given: dict[str, Any]) -> Callable[[Domain], bool]:
    """Return what tells whether something is in the domain that is named beside its name."""
    said = given.get("domain")
    if not isinstance(said, dict):
        raise ApiError(
            400, "Expecting to find domain in user or project. The server could not comply with the request."
        )
    if not said.keys() & {"id", "name"}:
        return lambda domain: domain == DEFAULT
    return lambda domain: said.get("id", domain.id) == domain.id and said.get("name", domain.name) == domain.name


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
    domain = _domain(wanted)
    return next((project for project in projects.values() if project.name == name and domain(project.domain)), None)


def _token_view(call: Call, token: Token) -> dict[str, Any]:
    view: dict[str, Any] = {
        "methods": list(token.methods),
        "user": {
            "domain": asdict(token.user.domain),
            "id": token.user.id,
            "name": token.user.name,
            "password_expires_at": None,
        },
        "audit_ids": [token.audit_id],
        "expires_at": micro(token.expires, suffix="Z"),
        "issued_at": micro(token.issued, suffix="Z"),
    }
    if token.scope == "none":
        return view
    view["roles"] = [{"id": role_id(name), "name": name} for name in token.roles]
    if token.project:
        where = asdict(token.project.domain)
        view["project"] = {"domain": where, "id": token.project.id, "name": token.project.name}
        view["is_domain"] = False
    elif token.scope == "system":
        view["system"] = {"all": True}
    else:
        view["domain"] = DOMAIN
    return view if "nocatalog" in call.query() else {**view, "catalog": catalog(call)}


def _subject(call: Call) -> Token:
    secret = call.request.headers.get("x-subject-token", "")
    token = call.world.identity.token(secret, call.now)
    if token is None:
        raise ApiError(404, f"Could not find token: {secret[:12]}...")
    return token


def validate(call: Call) -> Answer:
    """GET or HEAD /v3/auth/tokens: what a token is worth; for administrators, and about one's own for everybody."""
    if not call.token.admin and call.request.headers.get("x-subject-token") != call.token.secret:
        raise ApiError(403, "You are not authorized to perform the requested action: identity:validate_token.")
    token = _subject(call)
    body = {"token": _token_view(call, token)}
    return Answer(200, body, {"X-Subject-Token": token.secret, "Vary": "X-Auth-Token"})


def revoke(call: Call) -> Answer:
    """DELETE /v3/auth/tokens."""
    del call.world.identity.tokens[_subject(call).secret]
    return Answer(204)


def show_catalog(call: Call) -> Answer:
    """GET /v3/auth/catalog."""
    if call.token.scope == "none":
        raise ApiError(403, "You are not authorized to perform the requested action: identity:get_auth_catalog.")
    return Answer(200, {"catalog": catalog(call), "links": links(call)})


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
        "/v3/auth/catalog": {"GET": show_catalog},
        **keystone_directory.ROUTES,
    },
)
