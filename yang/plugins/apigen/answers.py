"""Bodies and answers: how a schema is sent in JSON and in XML, and how errors are told (RFC 8040 section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Json = dict[str, Any]

JSON: Final = "application/yang-data+json"
XML: Final = "application/yang-data+xml"
XML_LIST: Final = "application/yang-data+xml-list"
RESTCONF: Final = "urn:ietf:params:xml:ns:yang:ietf-restconf"

_REFUSALS: Final[Mapping[str, str]] = {
    "400": "The request is malformed, or a node or parameter is not what the schema wants.",
    "401": "Who asks has not proved who he is.",
    "403": "Access control does not permit it.",
    "404": "There is no such resource.",
    "405": "The resource does not have this method.",
    "406": "None of the media types that the client accepts can be written.",
    "408": "The body did not come in time.",
    "409": "Somebody else holds a lock, the resource is there already, or the server is overloaded.",
    "412": "A precondition of the request, or a rule of the schema, does not hold.",
    "413": "The body is too large.",
    "415": "The body's media type is not understood.",
    "500": "The server could not do it; its log says more.",
    "501": "The server does not support it.",
    "503": "Nobody can say at the moment whose token this is.",
}
READ: Final = ("400", "401", "403", "404", "406", "412", "500", "501", "503")
INVOKE: Final = ("400", "401", "403", "404", "406", "408", "409", "412", "413", "415", "500", "501", "503")
WRITE: Final = ("400", "401", "403", "404", "405", "406", "408", "409", "412", "413", "415", "500", "501", "503")

_OF_STATUS: Final[Mapping[str, Json]] = {
    "401": {"WWW-Authenticate": {"required": True, "schema": {"type": "string", "pattern": "(^|, )Basic realm="}}},
    "405": {"Allow": {"required": True, "schema": {"type": "string"}}},
    "503": {"Retry-After": {"required": True, "schema": {"type": "string", "pattern": "^[0-9]+$"}}},
}
_TAGS: Final[Json] = {
    "ETag": {
        "description": "Which configuration it is, for If-Match and If-None-Match.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9a-z]+-(json|xml)"$'},
    },
    "Last-Modified": {
        "description": "When the datastore was changed.",
        "required": True,
        "schema": {"type": "string", "pattern": " GMT$"},
    },
}
_NEXT: Final[Json] = {
    "Link": {"description": "The next page, while there is one.", "schema": {"type": "string", "pattern": "^<.+>; rel"}}
}
_LOCATION: Final[Json] = {
    "Location": {"description": "Where it is.", "required": True, "schema": {"type": "string", "minLength": 1}}
}

HEADERS: Final[Json] = {**_TAGS, **_NEXT, **_LOCATION}
"""Header fields of answers, as components."""

TAGS, NEXT, LOCATION = (
    {name: {"$ref": f"#/components/headers/{name}"} for name in group} for group in (_TAGS, _NEXT, _LOCATION)
)

_ERROR: Final[Json] = {
    "type": "object",
    "description": "RFC 8040 section 7.1",
    "properties": {
        "error-type": {"type": "string", "enum": ["transport", "rpc", "protocol", "application"]},
        "error-tag": {"type": "string", "minLength": 1},
        "error-app-tag": {"type": "string", "minLength": 1},
        "error-path": {"type": "string", "pattern": "^/"},
        "error-message": {"type": "string", "minLength": 1},
        "error-info": {"type": "object"},
    },
    "required": ["error-type", "error-tag", "error-message"],
    "additionalProperties": False,
}
_INSIDE: Final[Json] = {
    "type": "object",
    "properties": {"error": {"type": "array", "items": {"$ref": "#/components/schemas/error"}, "minItems": 1}},
    "required": ["error"],
    "additionalProperties": False,
}


def schemas() -> Json:
    """Return the schemas of errors, as components."""
    return {"error": _ERROR, "errors": wrapped("ietf-restconf:errors", _INSIDE)}


def refusals() -> Json:
    """Return the answers that tell errors, by status, as components."""
    told = {"$ref": "#/components/schemas/errors"}
    content = {JSON: {"schema": told}, XML: {"schema": in_xml({"type": "object"}, "errors", RESTCONF)}}
    return {
        status: {"description": text, "content": content}
        | ({"headers": _OF_STATUS[status]} if status in _OF_STATUS else {})
        for status, text in _REFUSALS.items()
    }


def refused(statuses: Iterable[str]) -> Json:
    """Return the answers of these statuses."""
    return {status: {"$ref": f"#/components/responses/{status}"} for status in statuses}


def wrapped(member: str, schema: Json) -> Json:
    """Return the schema of an object with this one member."""
    return {"type": "object", "properties": {member: schema}, "required": [member], "additionalProperties": False}


def in_xml(schema: Json, name: str, namespace: str) -> Json:
    """Return a schema as that of an element: in XML it stands for itself, nothing is around it."""
    return {"allOf": [schema], "xml": {"name": name, "namespace": namespace}}


def answer(description: str, content: Json, headers: Json | None = None) -> Json:
    """Return an answer with a body."""
    return {"description": description, **({"headers": headers} if headers else {}), "content": content}


def done(description: str, headers: Json | None = None) -> Json:
    """Return an answer without a body."""
    return {"description": description, **({"headers": headers} if headers else {})}


def head(get: Json) -> Json:
    """Return HEAD of what a GET reads: the same, without a body."""
    statuses = get["responses"]
    return {
        "operationId": f"head-{get['operationId']}",
        "tags": get["tags"],
        "summary": f"Without the body: {get['summary']}",
        "parameters": get.get("parameters", []),
        "responses": {
            "200": done("There it is.", statuses["200"].get("headers")),
            **({"304": statuses["304"]} if "304" in statuses else {}),
            "4XX": done("As GET refuses it."),
            "5XX": done("As GET refuses it."),
        },
        **({"security": get["security"]} if "security" in get else {}),
    }
