"""The whole OpenAPI document: what is said once, and the paths."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from apigen import answers, changes, parameters  # type: ignore[import-not-found]  # on the path that pyang makes
from apigen.datastores import datastores  # type: ignore[import-not-found]
from apigen.discovery import discovery  # type: ignore[import-not-found]
from apigen.nodes import Schemas  # type: ignore[import-not-found]
from apigen.paths import Paths  # type: ignore[import-not-found]
from apigen.subscribing import subscribing  # type: ignore[import-not-found]
from apigen.words import text  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bindgen.model import Statement  # type: ignore[import-not-found]

Json = dict[str, Any]

_BESIDE: Final = ("ietf-netconf-acm",)
"""Modules beside ours whose data is configured here."""

_LINES: Final = 2
"""So deep is what stands on a line of its own: a path's method, a component."""

_ENCODINGS: Final = """

Bodies are as RFC 7951 (JSON) and RFC 7950 (XML) write them: in JSON, integers of 64 bits are strings. The media types \
application/json, application/xml and text/xml are understood too, and answered to who asks for them. Where a patch is \
taken, application/yang-patch+xml is as well. Each leaf that is state can be read by its path, too, though it has none \
of its own here: its schema is in what it stands in. What the modules restrict beyond JSON Schema is told in \
descriptions, and refused with its reason."""


def openapi(modules: Mapping[str, Statement], main: Statement) -> str:
    """Return the document for a module, as JSON text."""
    schemas = Schemas(modules)
    paths = discovery() | subscribing()
    for module in (main, *(modules[name] for name in _BESIDE)):
        paths |= Paths(module, schemas).all()
    paths |= datastores(main, schemas)
    refusals = answers.refusals()
    document: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "Promise",
            "version": main.search_one("revision").arg,
            "summary": "Capacity and reservations of OpenStack clouds",
            "description": text(main) + _ENCODINGS,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"basic": []}, {"bearer": []}],
        "tags": [
            {"name": "operations", "description": "What can be asked; every answer that was decided is a 200."},
            {"name": "data", "description": "What is configured and what is so."},
            {"name": "configuration", "description": "Changes of what is configured."},
            {"name": "events", "description": "What happens, while it happens."},
            {"name": "discovery", "description": "How a client finds its way."},
        ],
        "paths": paths,
        "components": {
            "schemas": {**answers.schemas(), **changes.schemas(), **dict(sorted(schemas.components.items()))},
            "parameters": parameters.shared(),
            "headers": answers.HEADERS,
            "responses": {**refusals, **changes.refusals(refusals)},
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer", "description": "Of Keystone, where one is configured."},
            },
        },
    }
    return _written(document) + "\n"


def _written(value: Any, depth: int = 0) -> str:
    """Return the JSON of a document with a line for each of its parts, so that they can be compared."""
    if depth > _LINES or not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    inside = ",\n".join(f"{json.dumps(name)}:{_written(one, depth + 1)}" for name, one in value.items())
    return f"{{\n{inside}\n}}"
