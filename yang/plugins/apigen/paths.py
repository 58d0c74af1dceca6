"""The paths of RESTCONF for one module: operations, data, and how to find them (RFC 8040)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bindgen.model import Statement  # type: ignore[import-not-found]

    from apigen.nodes import Schemas  # type: ignore[import-not-found]  # on the path that pyang makes

Json = dict[str, Any]

JSON: Final = "application/yang-data+json"
XML: Final = "application/yang-data+xml"
ROOT: Final = "/restconf"
_XML_BODY: Final[Json] = {"schema": {"type": "string"}}

_REFUSALS: Final[Mapping[str, str]] = {
    "400": "The request is malformed, or a node or parameter is not what the schema wants.",
    "401": "Who asks has not proved who he is.",
    "403": "Access control does not permit it.",
    "404": "There is no such resource.",
    "405": "The resource does not have this method.",
    "406": "None of the media types that the client accepts can be written.",
    "409": "Somebody else holds a lock, the resource is there already, or the server is overloaded.",
    "412": "A precondition of the request, or a rule of the configuration, does not hold.",
    "413": "The body is too large.",
    "415": "The body's media type is not understood.",
    "500": "The server could not do it; its log says more.",
    "501": "The server does not support it.",
}
_READ: Final = ("400", "401", "403", "404", "406")
_WRITE: Final = ("400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "500", "501")
_INVOKE: Final = ("400", "401", "403", "406", "409", "412", "413", "415", "500", "501")

PARAMETERS: Final[Mapping[str, Json]] = {
    "content": {"schema": {"type": "string", "enum": ["config", "nonconfig", "all"]}, "in": "query"},
    "depth": {
        "schema": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 65535}, {"const": "unbounded"}]},
        "in": "query",
    },
    "fields": {"schema": {"type": "string"}, "in": "query"},
    "with-defaults": {
        "schema": {"type": "string", "enum": ["report-all", "report-all-tagged", "trim", "explicit"]},
        "in": "query",
    },
    "limit": {
        "schema": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 4294967295}, {"const": "unbounded"}]},
        "in": "query",
    },
    "offset": {"schema": {"type": "integer", "minimum": 0, "maximum": 4294967295}, "in": "query"},
    "cursor": {"schema": {"type": "string", "minLength": 1, "maxLength": 1024}, "in": "query"},
    "direction": {"schema": {"type": "string", "enum": ["forwards", "backwards"]}, "in": "query"},
}
_READING: Final = ("content", "depth", "fields", "with-defaults")
_PAGING: Final = ("limit", "offset", "cursor", "direction")


class Paths:
    """Makes the paths of a module; `schemas` makes what they refer to."""

    def __init__(self, module: Statement, schemas: Schemas) -> None:
        self._module = module
        self._name = module.arg
        self._schemas = schemas

    def all(self) -> dict[str, Json]:
        """Return every path with its methods."""
        found: dict[str, Json] = {}
        for child in self._module.i_children:
            if child.keyword == "rpc":
                found[f"{ROOT}/operations/{self._name}:{child.arg}"] = {"post": self._operation(child)}
            elif child.keyword in {"container", "list"}:
                found |= self._resources(child, f"{ROOT}/data/{self._name}:{child.arg}", ())
        return found

    def _operation(self, rpc: Statement) -> Json:
        bodies = {child.keyword: child for child in rpc.i_children}
        asked = self._schemas.body(bodies["input"])
        answered = self._schemas.body(bodies["output"])
        needs = bool(asked.get("required") or any("oneOf" in rule for rule in asked.get("allOf", ())))
        return {
            "operationId": rpc.arg,
            "tags": ["operations"],
            "summary": _first_sentence(rpc),
            "description": _text(rpc),
            "requestBody": {
                "required": needs,
                "content": {
                    JSON: {"schema": _wrapped(f"{self._name}:input", asked)},
                    XML: _XML_BODY,
                },
            },
            "responses": {
                "200": _answer(
                    "The decision: its `result` says ok, conflict or error.", f"{self._name}:output", answered
                ),
                **_refusals(_INVOKE),
            },
        }

    def _resources(self, node: Statement, path: str, parameters: tuple[Json, ...]) -> dict[str, Json]:
        """Return the resource of a node, and those below it."""
        found: dict[str, Json] = {}
        member = f"{self._name}:{node.arg}"
        if node.keyword == "list":
            found[path] = self._whole_list(node, member, parameters)
            keys = node.search_one("key").arg.split()
            path += "=" + ",".join(f"{{{_parameter(node, key)}}}" for key in keys)
            parameters = (*parameters, *(self._key(node, key) for key in keys))
            value: Json = {"type": "array", "items": self._read(node), "minItems": 1, "maxItems": 1}
        else:
            value = self._read(node)
        found[path] = self._resource(node, member, value, parameters)
        for child in _children(node):
            found |= self._resources(child, f"{path}/{child.arg}", parameters)
        return found

    def _read(self, node: Statement) -> Json:
        """Return what is shown inside a node; parameters may have left out parts of it, also mandatory ones."""
        shown: Json = self._schemas.body(node, complete=False)
        return shown

    def _whole_list(self, node: Statement, member: str, parameters: tuple[Json, ...]) -> Json:
        return {
            "parameters": [*parameters],
            "get": {
                "operationId": f"list-{_id(node)}",
                "tags": ["data"],
                "summary": _first_sentence(node),
                "description": _text(node),
                "parameters": [_reference(name) for name in (*_READING, *_PAGING)],
                "responses": {
                    "200": _answer("The entries, oldest first.", member, self._schemas.node(node, complete=False)),
                    **_refusals(_READ),
                },
            },
        }

    def _resource(self, node: Statement, member: str, value: Json, parameters: tuple[Json, ...]) -> Json:
        found: Json = {
            "parameters": [*parameters],
            "get": {
                "operationId": f"get-{_id(node)}",
                "tags": ["data"],
                "summary": _first_sentence(node),
                "description": _text(node),
                "parameters": [_reference(name) for name in _READING],
                "responses": {
                    "200": _answer("What is there.", member, value),
                    "304": {"description": "It has not changed."},
                    **_refusals(_READ),
                },
            },
        }
        if node.i_config is not False:
            found |= self._changes(node, member)
        return found

    def _changes(self, node: Statement, member: str) -> Json:
        """Return the methods that configure a resource."""
        whole = self._entry(node, complete=True)
        part = self._entry(node, complete=False)
        named = _first_sentence(node)
        return {
            "put": {
                "operationId": f"put-{_id(node)}",
                "tags": ["configuration"],
                "summary": f"Create or replace: {named}",
                "requestBody": _body(member, whole),
                "responses": {
                    "201": {"description": "It was created."},
                    "204": {"description": "It was replaced."},
                    **_refusals(_WRITE),
                },
            },
            "patch": {
                "operationId": f"patch-{_id(node)}",
                "tags": ["configuration"],
                "summary": f"Merge into: {named}",
                "requestBody": _body(member, part),
                "responses": {"204": {"description": "It was merged."}, **_refusals(_WRITE)},
            },
            "delete": {
                "operationId": f"delete-{_id(node)}",
                "tags": ["configuration"],
                "summary": f"Delete: {named}",
                "responses": {"204": {"description": "It is gone."}, **_refusals(_WRITE)},
            },
        }

    def _entry(self, node: Statement, *, complete: bool) -> Json:
        body: Json = self._schemas.body(node, complete=complete, config=True)
        return {"type": "array", "items": body, "minItems": 1, "maxItems": 1} if node.keyword == "list" else body

    def _key(self, node: Statement, key: str) -> Json:
        leaf = next(child for child in node.i_children if child.arg == key)
        return {"name": _parameter(node, key), "in": "path", "required": True, "schema": self._schemas.node(leaf)}


def _children(node: Statement) -> list[Statement]:
    """Return the containers and lists below, through choices and cases."""
    found: list[Statement] = []
    for child in node.i_children:
        if child.keyword in {"choice", "case"}:
            found += _children(child)
        elif child.keyword in {"container", "list"}:
            found.append(child)
    return found


def _id(node: Statement) -> str:
    names = []
    while node.keyword != "module":
        if node.keyword not in {"choice", "case"}:
            names.append(node.arg)
        node = node.parent
    return "-".join(reversed(names))


def _parameter(node: Statement, key: str) -> str:
    return f"{node.arg}-{key}"


def _reference(name: str) -> Json:
    return {"$ref": f"#/components/parameters/{name}"}


def _wrapped(member: str, schema: Json) -> Json:
    return {"type": "object", "properties": {member: schema}, "required": [member], "additionalProperties": False}


def _answer(description: str, member: str, schema: Json) -> Json:
    return {
        "description": description,
        "content": {JSON: {"schema": _wrapped(member, schema)}, XML: _XML_BODY},
    }


def _body(member: str, schema: Json) -> Json:
    return {"required": True, "content": {JSON: {"schema": _wrapped(member, schema)}, XML: _XML_BODY}}


def _refusals(statuses: tuple[str, ...]) -> Json:
    return {status: {"$ref": f"#/components/responses/{status}"} for status in statuses}


def refusals() -> Json:
    """Return the answers that tell errors, by status."""
    content = {JSON: {"schema": {"$ref": "#/components/schemas/errors"}}, XML: _XML_BODY}
    return {status: {"description": text, "content": content} for status, text in _REFUSALS.items()}


def _text(statement: Statement) -> str:
    found = statement.search_one("description")
    return re.sub(r"\s+", " ", found.arg).strip() if found is not None else ""


def _first_sentence(statement: Statement) -> str:
    return re.split(r"(?<=[.:]) ", _text(statement))[0].rstrip(".:")
