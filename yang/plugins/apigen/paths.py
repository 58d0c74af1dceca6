"""The paths of a module: its operations, and its data (RFC 8040 sections 3.5, 3.6 and 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apigen import parameters  # type: ignore[import-not-found]  # on the path that pyang makes
from apigen.answers import (  # type: ignore[import-not-found]
    INVOKE,
    JSON,
    NEXT,
    READ,
    TAGS,
    XML,
    XML_LIST,
    answer,
    done,
    head,
    in_xml,
    refused,
    wrapped,
)
from apigen.changes import Changes  # type: ignore[import-not-found]
from apigen.discovery import ROOT  # type: ignore[import-not-found]
from apigen.examples import asked_of  # type: ignore[import-not-found]
from apigen.words import configured, data_nodes, first_sentence, name_of, text  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from bindgen.model import Statement  # type: ignore[import-not-found]

    from apigen.nodes import Schemas  # type: ignore[import-not-found]

Json = dict[str, Any]

_LIST_NAMESPACE: Final = "urn:ietf:params:xml:ns:yang:ietf-restconf-list"
_MADE: Final = {
    "create-reservation": ("reservation-id", "reservations"),
    "create-instance": ("instance-id", "allocations"),
    "increase-capacity": ("pool-id", "pools"),
    "decrease-capacity": ("pool-id", "pools"),
    "add-provider": ("provider-id", "providers"),
}
"""What an operation makes: the leaf of its output that names it, and the list in which it then is."""


class Paths:
    """Makes the paths of a module; `schemas` makes what they refer to."""

    def __init__(self, module: Statement, schemas: Schemas) -> None:
        self._module = module
        self._name = module.arg
        self._namespace = module.search_one("namespace").arg
        self._schemas = schemas
        self._changes = Changes(self._name, self._namespace, schemas)

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
        content = self._content("input", asked, asked)
        content[JSON] |= asked_of(self._name, rpc.arg)
        told = self._content("output", answered, answered)
        decided = answer("The decision: its `result` says ok, conflict or error.", told)
        if rpc.arg in _MADE:
            leaf, made = _MADE[rpc.arg]
            decided["links"] = {
                f"get-{made}": {
                    "operationId": f"get-promise-{made}",
                    "parameters": {f"{made}-id": f"$response.body#/{self._name}:output/{leaf}"},
                }
            }
        return {
            "operationId": rpc.arg,
            "tags": ["operations"],
            "summary": first_sentence(rpc),
            "description": text(rpc),
            "requestBody": {"required": needs, "content": content},
            "responses": {"200": decided, **refused(INVOKE)},
        }

    def _content(self, name: str, in_json: Json, element: Json) -> Json:
        """Return a body in both encodings."""
        return {
            JSON: {"schema": wrapped(f"{self._name}:{name}", in_json)},
            XML: {"schema": in_xml(element, name, self._namespace)},
        }

    def _resources(self, node: Statement, path: str, above: tuple[Json, ...]) -> dict[str, Json]:
        """Return the resource of a node, and those below it; `above` are the parameters in the path."""
        found: dict[str, Json] = {}
        if node.keyword in {"list", "leaf-list"}:
            found[path] = {"parameters": [*above], **self._whole_list(node)}
            names = node.search_one("key").arg.split() if node.keyword == "list" else ()
            if not names:
                return found
            path += "=" + ",".join(f"{{{parameters.key_name(node, key)}}}" for key in names)
            above = (*above, *(parameters.key(node, key, self._schemas) for key in names))
        found[path] = {"parameters": [*above], **self._resource(node)}
        for child in data_nodes(node):
            if child.keyword in {"container", "list"} or (configured(child) and not _is_key(child)):
                found |= self._resources(child, f"{path}/{child.arg}", above)
        return found

    def _whole_list(self, node: Statement) -> Json:
        entries = {**self._schemas.node(node, complete=False)}
        entries.pop("minItems", None)  # a page, or a view without configuration, may have none
        several = {"type": "object", "properties": {node.arg: entries}, "additionalProperties": False}
        content = {
            JSON: {"schema": wrapped(f"{self._name}:{node.arg}", entries)},
            XML_LIST: {"schema": in_xml(several, "xml-list", _LIST_NAMESPACE)},
            XML: {"schema": in_xml({}, node.arg, self._namespace)},
        }
        paged = name_of(node.parent) == "promise"
        get = self._get(node, "list", answer("The entries.", content, (NEXT if paged else {}) | _tags(node)))
        get["parameters"] = parameters.reading(node, paged=paged)
        return {"get": get, "head": head(get)}

    def _resource(self, node: Statement) -> Json:
        shown = self._schemas.body(node, complete=False) if node.keyword != "leaf" else self._schemas.node(node)
        value = {"type": "array", "items": shown, "minItems": 1, "maxItems": 1} if node.keyword == "list" else shown
        get = self._get(node, "get", answer("What is there.", self._content(node.arg, value, shown), _tags(node)))
        get["parameters"] = parameters.reading(node)
        if configured(node):
            get["responses"]["304"] = done("It has not changed.", _tags(node))
        return {"get": get, "head": head(get), **(self._changes.of(node) if configured(node) else {})}

    def _get(self, node: Statement, verb: str, found: Json) -> Json:
        responses = {"200": found, **refused(READ)}
        if verb == "list" and configured(node):
            responses["304"] = done("It has not changed.", _tags(node))
        return {
            "operationId": f"{verb}-{name_of(node)}",
            "tags": ["data"],
            "summary": first_sentence(node),
            "description": text(node),
            "responses": responses,
        }


def _tags(node: Statement) -> Json:
    """Return the header fields that tell a version: what is state has none."""
    return dict(TAGS) if configured(node) else {}


def _is_key(node: Statement) -> bool:
    keys = node.parent.search_one("key")
    return keys is not None and node.arg in keys.arg.split()
