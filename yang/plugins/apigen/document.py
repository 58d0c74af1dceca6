"""The whole OpenAPI document: what is said once, and the paths."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from apigen.nodes import Schemas  # type: ignore[import-not-found]  # on the path that pyang makes
from apigen.paths import JSON, PARAMETERS, ROOT, XML, Paths, refusals  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bindgen.model import Statement  # type: ignore[import-not-found]

Json = dict[str, Any]

_ERROR: Final[Json] = {
    "type": "object",
    "description": "RFC 8040 section 7.1",
    "properties": {
        "error-type": {"type": "string", "enum": ["transport", "rpc", "protocol", "application"]},
        "error-tag": {"type": "string"},
        "error-app-tag": {"type": "string"},
        "error-path": {"type": "string"},
        "error-message": {"type": "string"},
        "error-info": {"type": "object"},
    },
    "required": ["error-type", "error-tag"],
    "additionalProperties": False,
}
_ERRORS: Final[Json] = {
    "type": "object",
    "properties": {
        "ietf-restconf:errors": {
            "type": "object",
            "properties": {"error": {"type": "array", "items": _ERROR, "minItems": 1}},
            "required": ["error"],
            "additionalProperties": False,
        }
    },
    "required": ["ietf-restconf:errors"],
    "additionalProperties": False,
}


def openapi(modules: Mapping[str, Statement], main: Statement) -> str:
    """Return the document for a module, as JSON text."""
    schemas = Schemas(modules)
    paths = {**_discovery(), **Paths(main, schemas).all()}
    document: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "Promise",
            "version": main.search_one("revision").arg,
            "summary": "Capacity and reservations of OpenStack clouds",
            "description": re.sub(r"\s+", " ", main.search_one("description").arg).strip(),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"basic": []}],
        "tags": [
            {"name": "operations", "description": "What can be asked; every answer that was decided is a 200."},
            {"name": "data", "description": "What is configured and what is so."},
            {"name": "configuration", "description": "Changes of what is configured."},
            {"name": "discovery", "description": "How a client finds its way."},
        ],
        "paths": paths,
        "components": {
            "schemas": {"errors": _ERRORS, **dict(sorted(schemas.components.items()))},
            "parameters": {name: {"name": name, **said} for name, said in PARAMETERS.items()},
            "responses": refusals(),
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
        },
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _discovery() -> dict[str, Json]:
    """Return the paths that no module has."""
    root = _member("ietf-restconf:restconf", {"type": "object"})
    version = _member("ietf-restconf:yang-library-version", {"type": "string"})
    listed = _member("ietf-restconf:operations", {"type": "object"})
    return {
        "/.well-known/host-meta": {
            "get": _get("host-meta", "Where RESTCONF begins (RFC 8040 section 3.1)", {
                "application/xrd+xml": {"schema": {"type": "string"}},
                "application/jrd+json": {"schema": {"type": "object"}},
            }, open_to_all=True)
        },
        "/healthz": {
            "get": {
                **_get("healthz", "Whether the controller is ready", {"application/json": {"schema": _HEALTH}},
                       open_to_all=True),
            }
        },
        ROOT: {"get": _get("root", "The entry point", _both(root))},
        f"{ROOT}/yang-library-version": {"get": _get("library", "The YANG library's revision", _both(version))},
        f"{ROOT}/operations": {"get": _get("operations", "The operations that there are", _both(listed))},
    }  # fmt: skip


_HEALTH: Final[Json] = {
    "type": "object",
    "properties": {"status": {"type": "string", "enum": ["ready", "not ready"]}},
    "required": ["status"],
}


def _member(name: str, schema: Json) -> Json:
    return {"type": "object", "properties": {name: schema}, "required": [name]}


def _both(schema: Json) -> Json:
    return {JSON: {"schema": schema}, XML: {"schema": {"type": "string"}}}


def _get(name: str, summary: str, content: Json, *, open_to_all: bool = False) -> Json:
    refused = ("406",) if open_to_all else ("400", "401", "406")
    found: Json = {
        "operationId": f"discover-{name}",
        "tags": ["discovery"],
        "summary": summary,
        "responses": {
            "200": {"description": summary, "content": content},
            **{status: {"$ref": f"#/components/responses/{status}"} for status in refused},
        },
    }
    if name == "healthz":
        found["responses"]["503"] = {"description": "It is not ready.", "content": content}
    return found | ({"security": []} if open_to_all else {})
