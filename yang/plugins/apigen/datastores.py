"""The datastores as resources: {+restconf}/data and {+restconf}/ds (RFC 8040 section 3.3.1, RFC 8527)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apigen import changes, parameters  # type: ignore[import-not-found]  # on the path that pyang makes
from apigen.answers import (  # type: ignore[import-not-found]
    JSON,
    LOCATION,
    READ,
    RESTCONF,
    TAGS,
    WRITE,
    XML,
    answer,
    done,
    head,
    in_xml,
    refused,
    wrapped,
)
from apigen.discovery import ROOT  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from bindgen.model import Statement  # type: ignore[import-not-found]

    from apigen.nodes import Schemas  # type: ignore[import-not-found]

Json = dict[str, Any]

_DATASTORES: Final = {
    "data": (f"{ROOT}/data", "Configuration and state together; edits are made in running", True),
    "running": (f"{ROOT}/ds/ietf-datastores:running", "What is configured", True),
    "candidate": (f"{ROOT}/ds/ietf-datastores:candidate", "What is being prepared, until a commit", True),
    "operational": (f"{ROOT}/ds/ietf-datastores:operational", "What is in use, and state", False),
}


def datastores(module: Statement, schemas: Schemas) -> dict[str, Json]:
    """Return the paths of the datastores; what is written into them is of this module."""
    top = [child for child in module.i_children if child.keyword == "container"]
    whole, part = (
        {f"{module.arg}:{node.arg}": schemas.node(node, complete=complete, config=True) for node in top}
        for complete in (True, False)
    )
    found = {}
    for name, (path, summary, writable) in _DATASTORES.items():
        found[path] = _read(name, summary) | (_changes(name, summary, whole, part) if writable else {})
    return found


def _read(name: str, summary: str) -> Json:
    headers = dict(TAGS)
    get = {
        "operationId": f"get-{name}",
        "tags": ["data"],
        "summary": summary,
        "parameters": parameters.referred(*parameters.READING, *(("with-origin",) if name == "operational" else ())),
        "responses": {
            "200": answer(
                "All that there is of it.",
                {
                    JSON: {"schema": wrapped("ietf-restconf:data", {"type": "object"})},
                    XML: {"schema": in_xml({}, "data", RESTCONF)},
                },
                headers,
            ),
            "304": done("It has not changed.", headers),
            **refused(READ),
        },
    }
    return {"get": get, "head": head(get)}


def _changes(name: str, summary: str, whole: Json, part: Json) -> Json:
    child = {**_object(whole), "minProperties": 1, "maxProperties": 1}
    patches = {JSON: {"schema": _data(part)}, changes.PATCH: {"schema": {"$ref": "#/components/schemas/yang-patch"}}}
    answers = {"204": done("It was done.", dict(TAGS)), **refused(WRITE)}
    patched = {status: {"$ref": f"#/components/responses/patch-{status}"} for status in changes.PATCHED}
    status = {JSON: {"schema": {"$ref": "#/components/schemas/yang-patch-status"}}}
    return {
        "post": {
            **_about("post", name, f"Create what is not there yet, in: {summary}"),
            "requestBody": {"required": True, "content": {JSON: {"schema": child}}},
            "responses": {"201": done("It was created.", LOCATION | TAGS), **refused(WRITE)},
        },
        "put": {
            **_about("put", name, f"Replace: {summary}"),
            "requestBody": {"required": True, "content": {JSON: {"schema": _data(whole)}}},
            "responses": answers,
        },
        "patch": {
            **_about("patch", name, f"Merge into: {summary}"),
            "requestBody": {"required": True, "content": patches},
            "responses": {**answers, **patched, "200": answer("All edits were made.", status, dict(TAGS))},
        },
    }


def _about(verb: str, name: str, summary: str) -> Json:
    return {"operationId": f"{verb}-{name}", "tags": ["configuration"], "summary": summary}


def _object(members: Json) -> Json:
    return {"type": "object", "properties": members, "additionalProperties": False}


def _data(members: Json) -> Json:
    found: Json = wrapped("ietf-restconf:data", _object(members))
    return found
