"""Paths that no module has: how a client finds its way, how the controller is, and the event streams."""

from __future__ import annotations

from typing import Any, Final

from apigen.answers import (  # type: ignore[import-not-found]  # on the path that pyang makes
    JSON,
    RESTCONF,
    XML,
    answer,
    head,
    in_xml,
    refused,
    wrapped,
)
from apigen.parameters import STREAMING, referred  # type: ignore[import-not-found]

Json = dict[str, Any]

ROOT: Final = "/restconf"
_REVISION: Final[Json] = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_ENTRY: Final[Json] = {
    "type": "object",
    "properties": {"data": {"type": "object"}, "operations": {"type": "object"}, "yang-library-version": _REVISION},
    "additionalProperties": False,
}
_EMPTY: Final[Json] = {"type": "array", "items": {"type": "null"}, "minItems": 1, "maxItems": 1}
_OPERATIONS: Final[Json] = {"type": "object", "additionalProperties": _EMPTY}
_HEALTH: Final[Json] = {
    "type": "object",
    "properties": {"status": {"type": "string", "enum": ["ready", "not ready"]}},
    "required": ["status"],
}
_LINKS: Final[Json] = {
    "type": "object",
    "properties": {
        "links": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"rel": {"const": "restconf"}, "href": {"const": ROOT}},
                "required": ["rel", "href"],
            },
        }
    },
    "required": ["links"],
}
_STREAMS: Final = ("NETCONF", "capacity", "reservation", "allocation")


def discovery() -> dict[str, Json]:
    """Return the paths with their methods."""
    meta = {
        "application/xrd+xml": {"schema": {"type": "string"}},
        "application/jrd+json": {"schema": _LINKS},
    }
    health = {"application/json": {"schema": _HEALTH}}
    document = {"application/json": {"schema": {"type": "object", "required": ["openapi", "paths"]}}}
    ready = _get("healthz", "Whether the controller is ready", health, ())
    ready["get"]["responses"]["503"] = answer("It is not ready.", health)
    return {
        "/.well-known/host-meta": _get("host-meta", "Where RESTCONF begins (RFC 8040 section 3.1)", meta, ("406",)),
        "/healthz": ready,
        "/openapi.json": _get("openapi", "This document", document, ("400", "406")),
        ROOT: _get("root", "The entry point", _both("restconf", _ENTRY), None, ("depth",)),
        f"{ROOT}/yang-library-version": _get(
            "library", "The revision of the YANG library", _both("yang-library-version", _REVISION), None
        ),
        f"{ROOT}/operations": _get(
            "operations", "The operations that there are", _both("operations", _OPERATIONS), None
        ),
        f"{ROOT}/schema/{{module}}": _schema(),
        **{f"{ROOT}/streams/{name}/{encoding}": _stream(name, encoding)
           for name in _STREAMS for encoding in ("json", "xml")},
    }  # fmt: skip


def _both(name: str, schema: Json) -> Json:
    return {
        JSON: {"schema": wrapped(f"ietf-restconf:{name}", schema)},
        XML: {"schema": in_xml({}, name, RESTCONF)},
    }


def _get(
    name: str, summary: str, content: Json, open_to_all: tuple[str, ...] | None, query: tuple[str, ...] = ()
) -> Json:
    """Return GET and HEAD; what is `open_to_all` needs no log-in, and can be refused with these statuses only."""
    found: Json = {
        "operationId": f"discover-{name}",
        "tags": ["discovery"],
        "summary": summary,
        "parameters": referred(*query),
        "responses": {
            "200": answer(summary, content),
            **refused(("400", "401", "406") if open_to_all is None else open_to_all),
        },
    }
    if open_to_all is not None:
        found["security"] = []
    return {"get": found, "head": head(found)}


def _schema() -> Json:
    """Return GET and HEAD of the text of a module."""
    found = _get(
        "schema",
        "The text of a YANG module (RFC 8040 section 3.7)",
        {"application/yang": {"schema": {"type": "string"}}},
        None,
    )
    for method in ("get", "head"):
        found[method]["responses"] |= refused(("404",))
    module = {
        "name": "module",
        "in": "path",
        "required": True,
        "description": "NAME or NAME@REVISION, as the YANG library tells.",
        "schema": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_.-]*(?:@[0-9]{4}-[0-9]{2}-[0-9]{2})?$"},
        "example": "opnfv-promise",
    }
    return {"parameters": [module], **found}


def _stream(name: str, encoding: str) -> Json:
    """Return GET and HEAD of an event stream; it does not end by itself unless it is told to stop."""
    summary = f"Events of the stream {name} in {encoding.upper()}, as they happen (RFC 8040 section 6)"
    found = stream(f"{name}-{encoding}", summary, STREAMING)
    return {**found, "head": head(found["get"])}


def stream(name: str, summary: str, query: tuple[str, ...]) -> Json:
    """Return GET of server-sent events."""
    return {
        "get": {
            "operationId": f"stream-{name}",
            "tags": ["events"],
            "summary": summary,
            "parameters": [
                *referred(*query),
                {
                    "name": "Last-Event-ID",
                    "in": "header",
                    "description": "Go on behind this event, as its `id` said.",
                    "schema": {"type": "string", "minLength": 1},
                },
            ],
            "responses": {
                "200": answer(
                    "Server-sent events; `data` is a notification of the modules.",
                    {"text/event-stream": {"schema": {"type": "string"}}},
                ),
                **refused(("400", "401", "403", "404", "406", "409", "500")),
            },
        }
    }
