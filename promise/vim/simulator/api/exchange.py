"""A request and its answer as values, and how their parts are read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from promise.vim.simulator.world.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promise.vim.simulator.world.identity import Token
    from promise.vim.simulator.world.world import World

Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Request:
    """What came in: `path` and `query` as sent, header names in lower case, `origin` as http://host:port."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    data: bytes
    origin: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes out: `body` is a JSON value, None for nothing, or text of another `content_type`."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    def encoded(self) -> bytes:
        """Return the body as bytes."""
        if self.body is None:
            return b""
        if isinstance(self.body, str | bytes) and self.content_type != "application/json":
            return self.body if isinstance(self.body, bytes) else self.body.encode()
        return json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class Call:
    """A request as a handler sees it: authenticated, with its microversion, with the parts of its path.

    `root` is the URL under which the service answers, for links: http://host:port/compute/v2.1.
    """

    world: World
    now: float
    request: Request
    root: str
    token: Token
    version: Version
    parts: Mapping[str, str]

    def query(self) -> dict[str, list[str]]:
        """Return the query parameters, each with all its values."""
        found: dict[str, list[str]] = {}
        for name, value in parse_qsl(self.request.query, keep_blank_values=True):
            found.setdefault(name, []).append(value)
        return found

    def asked(self, name: str) -> str | None:
        """Return the last value of a query parameter, None when it is absent."""
        values = self.query().get(name)
        return values[-1] if values else None

    def json(self) -> dict[str, Any]:
        """Return the body, a JSON object, or raise a 400."""
        try:
            body = json.loads(self.request.data)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise ApiError(400, "Malformed request body")
        return body

    def need_admin(self, rule: str) -> None:
        """Raise a 403 that names the policy rule, unless the token carries the role admin."""
        if not self.token.admin:
            raise ApiError(403, f"Policy doesn't allow {rule} to be performed.", "PolicyNotAuthorized")

    def link(self, *parts: str, **query: str) -> str:
        """Return the URL of something in this service."""
        return "/".join([self.root, *parts]) + (f"?{urlencode(query)}" if query else "")

    def next_page(self, path: str, marker: str) -> str:
        """Return the URL of the page after `marker`, with the other parameters of this call."""
        pairs = [pair for pair in parse_qsl(self.request.query, keep_blank_values=True) if pair[0] != "marker"]
        return f"{self.root}/{path}?{urlencode([*pairs, ('marker', marker)])}"


@dataclass(frozen=True, slots=True)
class Refused:
    """An error on its way out: what each service needs to word it."""

    error: ApiError
    version: Version
    request_id: str


Handler = Callable[[Call], Answer]
Routes = Mapping[str, Mapping[str, Handler]]


def member(body: Any, key: str, kind: type[Any] = dict) -> Any:
    """Return `body[key]`, or raise a 400 when it is not there or is something else."""
    if not isinstance(body, dict) or key not in body:
        raise ApiError(400, f"Invalid input: '{key}' is a required property")
    if not isinstance(body[key], kind):
        raise ApiError(400, f"Invalid input for field/attribute {key}. Value: {body[key]}. It is of the wrong type")
    return body[key]


def objects(body: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Return a member that is a list of objects, empty when it is absent; raise a 400 when it is anything else."""
    value = body.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ApiError(400, f"Invalid input for field/attribute {key}. Value: {value}. It is not a list of objects")
    return value


def text(body: Mapping[str, Any], key: str, shortest: int = 0, longest: int = 255, default: str | None = None) -> str:
    """Return a string member within a length, or raise a 400 in Nova's words."""
    value = body.get(key, default)
    if value is None and key not in body:
        raise ApiError(400, f"Invalid input: '{key}' is a required property")
    if not isinstance(value, str):
        raise ApiError(
            400, f"Invalid input for field/attribute {key}. Value: {value}. {value!r} is not of type 'string'"
        )
    if not shortest <= len(value) <= longest:
        rule = "is too short" if len(value) < shortest else "is too long"
        raise ApiError(400, f"Invalid input for field/attribute {key}. Value: {value}. '{value}' {rule}")
    return value


def number(body: Mapping[str, Any], key: str, default: int | None = None, *, least: int = 0) -> int:
    """Return an integer member (a string of digits counts), or raise a 400."""
    value = body.get(key, default)
    if value is None:
        raise ApiError(400, f"Invalid input: '{key}' is a required property")
    digits = str(value).strip()
    if isinstance(value, bool | float) or not digits.lstrip("-").isdigit() or int(digits) < least:
        raise ApiError(
            400, f"Invalid input for field/attribute {key}. Value: {value}. {value!r} is not an integer >= {least}"
        )
    return int(digits)


def real(body: Mapping[str, Any], key: str, default: float) -> float:
    """Return a number greater than zero, or raise a 400."""
    value = body.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ApiError(400, f"Invalid input for field/attribute {key}. Value: {value}. It is not a number > 0")
    return float(value)


def truth(value: Any) -> bool:
    """Read the ways in which OpenStack writes yes."""
    return str(value).lower() in {"1", "t", "true", "on", "y", "yes"}


def sorts(body: Mapping[str, Any], kinds: Mapping[str, type[Any]]) -> None:
    """Raise a 400 for a member that is of another type than the schema says; absent and null are fine."""
    for name, kind in kinds.items():
        if body.get(name) is not None and not isinstance(body[name], kind):
            raise ApiError(400, f"Invalid input for {name}. Reason: '{body[name]}' is not of type {kind.__name__}.")


def only(body: Mapping[str, Any], allowed: Sequence[str]) -> None:
    """Raise a 400 for members that the schema does not know."""
    if unknown := sorted(set(body) - set(allowed)):
        names = ", ".join(f"'{name}'" for name in unknown)
        were = "was" if len(unknown) == 1 else "were"
        raise ApiError(400, f"Additional properties are not allowed ({names} {were} unexpected)")
