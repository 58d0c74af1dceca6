"""POST, PUT, PATCH and DELETE of a resource that is configuration (RFC 8040 sections 4.4 to 4.7, RFC 8072)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apigen.answers import (  # type: ignore[import-not-found]  # on the path that pyang makes
    JSON,
    LOCATION,
    TAGS,
    WRITE,
    XML,
    answer,
    done,
    in_xml,
    refused,
    wrapped,
)
from apigen.parameters import PLACING, referred  # type: ignore[import-not-found]
from apigen.words import configured, data_nodes, first_sentence, name_of  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from bindgen.model import Statement  # type: ignore[import-not-found]

    from apigen.nodes import Schemas  # type: ignore[import-not-found]

Json = dict[str, Any]

PATCH: Final = "application/yang-patch+json"
_EDIT: Final[Json] = {
    "type": "object",
    "properties": {
        "edit-id": {"type": "string"},
        "operation": {"type": "string", "enum": ["create", "delete", "insert", "merge", "move", "replace", "remove"]},
        "target": {"type": "string", "description": "Where, as a path below the resource; / is the resource itself."},
        "point": {"type": "string"},
        "where": {"type": "string", "enum": ["before", "after", "first", "last"]},
        "value": {"type": "object", "description": "The target, as it would be the body of a request."},
    },
    "required": ["edit-id", "operation", "target"],
    "additionalProperties": False,
}
_YANG_PATCH: Final[Json] = {
    "type": "object",
    "description": "Several edits, all of them or none (RFC 8072).",
    "properties": {
        "patch-id": {"type": "string"},
        "comment": {"type": "string"},
        "edit": {"type": "array", "items": _EDIT, "maxItems": 1000},
    },
    "required": ["patch-id"],
    "additionalProperties": False,
}
_STATUS: Final[Json] = {
    "type": "object",
    "properties": {
        "patch-id": {"type": "string"},
        "ok": {"type": "array", "items": {"type": "null"}, "minItems": 1, "maxItems": 1},
        "errors": {"type": "object"},
        "edit-status": {"type": "object"},
    },
    "required": ["patch-id"],
    "additionalProperties": False,
}


def schemas() -> Json:
    """Return the schemas of patches, as components."""
    return {
        "yang-patch": wrapped("ietf-yang-patch:yang-patch", _YANG_PATCH),
        "yang-patch-status": wrapped("ietf-yang-patch:yang-patch-status", _STATUS),
        "refused-patch": {"anyOf": [_component("errors"), _component("yang-patch-status")]},
    }


class Changes:
    """Makes the methods for nodes of a module; `schemas` makes what their bodies refer to."""

    def __init__(self, module: str, namespace: str, schemas: Schemas) -> None:
        self._module = module
        self._namespace = namespace
        self._schemas = schemas

    def of(self, node: Statement) -> Json:
        """Return the methods of a node."""
        named = first_sentence(node)
        ordered = node.keyword == "list" and _ordered(node)
        placing = {"parameters": referred(*PLACING)} if ordered else {}
        found = {
            "put": {
                **_about("put", node, f"Create or replace: {named}"),
                **placing,
                "requestBody": self._body(node, complete=True),
                "responses": {
                    "201": done("It was created.", LOCATION | TAGS),
                    "204": done("It was replaced.", dict(TAGS)),
                    **refused(WRITE),
                },
            },
            "patch": self._patch(node, named),
            "delete": {
                **_about("delete", node, f"Delete: {named}"),
                "responses": {"204": done("It is gone."), **refused(WRITE)},
            },
        }
        inside = [child for child in data_nodes(node) if configured(child)]
        return {"post": self._post(node, inside), **found} if inside else found

    def _post(self, node: Statement, inside: list[Statement]) -> Json:
        members = {f"{self._module}:{child.arg}": self._value(child, complete=True) for child in inside}
        one: Json = {
            "type": "object",
            "properties": members,
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
        }
        placing = {"parameters": referred(*PLACING)} if any(map(_ordered, inside)) else {}
        return {
            **_about("post", node, f"Create what is not there yet, in: {first_sentence(node)}"),
            **placing,
            "description": "The body is the new child: in XML its element.",
            "requestBody": {"required": True, "content": {JSON: {"schema": one}}},
            "responses": {"201": done("It was created.", LOCATION | TAGS), **refused(WRITE)},
        }

    def _patch(self, node: Statement, named: str) -> Json:
        body = self._body(node, complete=False)
        status = {JSON: {"schema": _component("yang-patch-status")}}
        body["content"][PATCH] = {"schema": _component("yang-patch")}
        return {
            **_about("patch", node, f"Merge into: {named}"),
            "requestBody": body,
            "responses": {
                "200": answer("All edits of a YANG Patch were made.", status, dict(TAGS)),
                "204": done("It was merged.", dict(TAGS)),
                **refused(status for status in WRITE if status not in PATCHED),
                **{status: {"$ref": f"#/components/responses/patch-{status}"} for status in PATCHED},
            },
        }

    def _body(self, node: Statement, *, complete: bool) -> Json:
        element = self._schemas.node(node, complete=complete, config=True)
        if node.keyword == "list":
            element = self._schemas.body(node, complete=complete, config=True)
        in_json = wrapped(f"{self._module}:{node.arg}", self._value(node, complete=complete))
        content = {JSON: {"schema": in_json}, XML: {"schema": in_xml(element, node.arg, self._namespace)}}
        return {"required": True, "content": content}

    def _value(self, node: Statement, *, complete: bool) -> Json:
        """Return the value of a node in a body: of a list, or of a leaf-list, it is one entry in an array."""
        found: Json = self._schemas.node(node, complete=complete, config=True)
        return {**found, "minItems": 1, "maxItems": 1} if node.keyword in {"list", "leaf-list"} else found


PATCHED: Final = ("400", "403", "404", "409", "412", "500", "501")
"""The statuses with which a YANG Patch is refused as a whole, and says of which of its edits."""


def refusals(plain: Json) -> Json:
    """Return the answers to patches, as components; `plain` are those to everything else."""
    return {f"patch-{status}": _patched(plain[status]) for status in PATCHED}


def _patched(plain: Json) -> Json:
    return {**plain, "content": {**plain["content"], JSON: {"schema": _component("refused-patch")}}}


def _about(verb: str, node: Statement, summary: str) -> Json:
    return {"operationId": f"{verb}-{name_of(node)}", "tags": ["configuration"], "summary": summary}


def _ordered(node: Statement) -> bool:
    found = node.search_one("ordered-by")
    return found is not None and found.arg == "user"


def _component(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
