"""What all services share: finding the handler for a path, the token, the microversion and the words of errors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.api.exchange import Answer, Call, Request
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.identity import Token, User

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from promise.vim.simulator.api.exchange import Version
    from promise.vim.simulator.world.world import World

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


class Service:
    """One service: its routes ({path: {method: handler}}), and what makes it different from the others.

    A path may hold names in braces. `mount` is where it answers ("/compute"), `base` what its links start with
    ("/compute/v2.1"), `open_to_all` lists what needs no token ("GET /"). `shape` words an error: it gets the error and the version.
    """

    def __init__(  # noqa: PLR0913 -- what a service is made of, by name
        self,
        *,
        name: str,
        mount: str,
        base: str,
        routes: Mapping[str, Mapping[str, Callable[[Call], Answer]]],
        shape: Callable[[ApiError, Version, str], Answer],
        microversions: Microversions | None = None,
        open_to_all: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        self.mount = mount
        self.shape = shape
        self.microversions = microversions
        self.paths = tuple(routes)
        self._base = base
        self._open = open_to_all
        ordered = sorted(routes, key=lambda path: (path.count("{"), path))
        self._routes = [
            (re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(p))), p, routes[p]) for p in ordered
        ]

    def answer(self, world: World, request: Request, now: float, request_id: str) -> Answer:
        """Answer one request completely; what the service refuses comes back in its own words."""
        version = (0, 0)
        try:
            version = self.microversions.chosen(request.headers) if self.microversions else version
            answer = self._handled(world, request, now, version)
        except ApiError as error:
            answer = self.shape(error, version, request_id)
            if error.status == HTTPStatus.UNAUTHORIZED and not answer.headers:
                answer = unauthorized(request.origin)
        headers = dict(answer.headers)
        headers.setdefault("x-openstack-request-id", request_id)
        if self.microversions:
            headers.update(self.microversions.headers(version) if version != (0, 0) else {})
        return Answer(answer.status, answer.body, headers, answer.content_type)

    def _handled(self, world: World, request: Request, now: float, version: Version) -> Answer:
        path, parts, methods, pattern = self._found(world, request, now)
        method = "GET" if request.method == "HEAD" else request.method
        handler = methods.get(method)
        token = NOBODY if f"{method} {pattern}" in self._open else self._token(world, request, now)
        if handler is None:
            raise ApiError(405, f"The method {request.method} is not allowed for {path}.", "method")
        root = request.origin + self._base
        return handler(Call(world, now, request, root, token, version, parts))

    def _found(self, world: World, request: Request, now: float) -> tuple[str, dict[str, str], Any, str]:
        path = request.path.removeprefix(self.mount).removesuffix(".json").rstrip("/") or "/"
        for candidate in (path, self._without_project(world, request, path, now)):
            for pattern, template, methods in self._routes:
                if found := pattern.fullmatch(candidate):
                    return path, found.groupdict(), methods, template
        raise ApiError(404, "The resource could not be found.", "path")

    @staticmethod
    def _without_project(world: World, request: Request, path: str, now: float) -> str:
        """Take the project's id out of the path, where clients of old catalogs still put it."""
        token = world.identity.token(request.headers.get("x-auth-token", ""), now)
        return path.replace(f"/{token.project_id}", "", 1) if token and token.project_id else path

    @staticmethod
    def _token(world: World, request: Request, now: float) -> Token:
        token = world.identity.token(request.headers.get("x-auth-token", ""), now)
        if token is None:
            raise ApiError(401, "The request you have made requires authentication.")
        return token


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


def nova_shape(error: ApiError, version: Version, request_id: str) -> Answer:
    """Word an error as Nova and Cinder do."""
    if error.kind == "path":
        body: dict[str, Any] = {
            "message": f"{error.message}<br /><br />\n\n\n",
            "code": "404 Not Found",
            "title": "Not Found",
        }
        return Answer(404, body)
    kind = _KINDS.get(error.status, "computeFault")
    return Answer(error.status, {kind: {"code": error.status, "message": error.message}})
