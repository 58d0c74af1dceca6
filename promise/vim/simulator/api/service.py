"""What all services share: finding the handler for a path, the token, the microversion and the words of errors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote

import structlog

from promise.vim.simulator.api.exchange import Answer, Call, Refused, Request
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.identity import Token, User

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from promise.vim.simulator.api.exchange import Handler, Routes, Version
    from promise.vim.simulator.world.world import World

log = structlog.get_logger(__name__)
NOBODY: Final = Token("", User("", "", ""), None, (), 0.0, 0.0, (), "", "none")


@dataclass(frozen=True, slots=True)
class Microversions:
    """The versions that a service speaks and the headers by which one is asked for."""

    name: str
    least: Version
    most: Version
    old_header: str = ""

    def chosen(self, headers: Mapping[str, str]) -> Version:
        """Return the version that the headers ask for; the least when they say nothing. 400 and 406 otherwise."""
        asked = headers.get(self.old_header, "") if self.old_header else ""
        for part in headers.get("openstack-api-version", "").split(","):
            service, _, version = part.strip().partition(" ")
            if service.lower() == self.name:
                asked = version.strip()
        if not asked:
            return self.least
        if asked.lower() == "latest":
            return self.most
        found = re.fullmatch(r"([1-9]\d*)\.([1-9]\d*|0)", asked)
        if not found:
            raise ApiError(
                400, f"API Version String {asked} is of invalid format. Must be of format MajorNum.MinorNum."
            )
        version_asked = (int(found[1]), int(found[2]))
        if not self.least <= version_asked <= self.most:
            raise ApiError(
                406,
                f"Version {asked} is not supported by the API. "
                f"Minimum is {dotted(self.least)} and maximum is {dotted(self.most)}.",
            )
        return version_asked

    def headers(self, version: Version) -> dict[str, str]:
        """Return the headers that tell which version was spoken."""
        said = {"OpenStack-API-Version": f"{self.name} {dotted(version)}", "Vary": "OpenStack-API-Version"}
        return said | ({self.old_header: dotted(version)} if self.old_header else {})


def dotted(version: Version) -> str:
    """Write a version as 2.96."""
    return f"{version[0]}.{version[1]}"


class _Route(NamedTuple):
    pattern: re.Pattern[str]
    template: str
    methods: Mapping[str, Handler]


class Service:
    """One service: its routes ({path: {method: handler}}), and what makes it different from the others.

    A path may hold names in braces. `mount` is where it answers ("/compute"), `base` what its links start with
    ("/compute/v2.1"), `open_to_all` lists what needs no token ("GET /"). `shape` words an error.
    """

    def __init__(
        self,
        *,
        name: str,
        mount: str,
        base: str,
        routes: Routes,
        shape: Callable[[Refused], Answer],
        microversions: Microversions | None = None,
        open_to_all: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        self.mount = mount
        self.shape = shape
        self.microversions = microversions
        self._base = base
        self._open = open_to_all
        self._routes: dict[int, list[_Route]] = {}
        for template in sorted(routes, key=lambda path: (path.count("{"), path)):
            pattern = re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template)))
            self._routes.setdefault(template.count("/"), []).append(_Route(pattern, template, routes[template]))

    def answer(self, world: World, request: Request, now: float, request_id: str) -> Answer:
        """Answer one request completely; what the service refuses comes back in its own words."""
        version = (0, 0)
        try:
            version = self.microversions.chosen(request.headers) if self.microversions else version
            answer = self._handled(world, request, now, version)
        except ApiError as error:
            answer = self._refused(Refused(error, version, request_id), request)
        spoken = self.microversions.headers(version) if self.microversions and version != (0, 0) else {}
        headers = {"x-openstack-request-id": request_id, **spoken, **answer.headers}
        return Answer(answer.status, answer.body, headers, answer.content_type)

    def _refused(self, refused: Refused, request: Request) -> Answer:
        if refused.error.kind in {"path", "method"}:
            log.warning("simulator.unsupported", service=self.name, method=request.method, path=request.path)
        answer = self.shape(refused)
        if refused.error.status == HTTPStatus.UNAUTHORIZED and not answer.headers:
            return unauthorized(request.origin)
        return answer

    def _handled(self, world: World, request: Request, now: float, version: Version) -> Answer:
        method = "GET" if request.method == "HEAD" else request.method
        token = world.identity.token(request.headers.get("x-auth-token", ""), now)
        found = self._found(request, token)
        if token is None and (found is None or f"{method} {found[0].template}" not in self._open):
            raise ApiError(401, "The request you have made requires authentication.")
        if found is None:
            raise ApiError(404, "The resource could not be found.", "path")
        route, parts = found
        if method not in route.methods:
            raise ApiError(405, f"The method {method} is not allowed for {request.path}.", "method")
        call = Call(world, now, request, request.origin + self._base, token or NOBODY, version, parts)
        return route.methods[method](call)

    def _found(self, request: Request, token: Token | None) -> tuple[_Route, dict[str, str]] | None:
        """Return the route of a path and its parts; the project's id may stand in it, as in old catalogs."""
        path = request.path.removeprefix(self.mount).removesuffix(".json").rstrip("/") or "/"
        shorter = path.replace(f"/{token.project_id}", "", 1) if token and token.project_id else path
        for candidate in (path, shorter):
            for route in self._routes.get(candidate.count("/"), ()):
                if parts := route.pattern.fullmatch(candidate):
                    return route, {name: unquote(part) for name, part in parts.groupdict().items()}
        return None


def unauthorized(origin: str) -> Answer:
    """Say what the token middleware before every service says."""
    body = {
        "error": {
            "code": 401,
            "title": "Unauthorized",
            "message": "The request you have made requires authentication.",
        }
    }
    return Answer(401, body, {"WWW-Authenticate": f'Keystone uri="{origin}/identity"'})


_KINDS: Final = {
    400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound", 405: "badMethod",
    409: "conflictingRequest", 413: "overLimit", 415: "badMediaType", 429: "overLimit", 501: "notImplemented",
    503: "serviceUnavailable",
}  # fmt: skip


def nova_shape(refused: Refused) -> Answer:
    """Word an error as Nova and Cinder do."""
    error = refused.error
    if error.kind == "path":
        body: dict[str, Any] = {
            "message": f"{error.message}<br /><br />\n\n\n",
            "code": "404 Not Found",
            "title": "Not Found",
        }
        return Answer(404, body)
    kind = _KINDS.get(error.status, "computeFault")
    return Answer(error.status, {kind: {"code": error.status, "message": error.message}})
