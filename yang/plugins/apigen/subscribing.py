"""The operations on dynamic subscriptions (RFC 8650), and where what they tell is read; they use no binding.

What can be wanted is narrower here than in the modules: filters that certainly select something, in JSON; and of what
modify-subscription changes only what every subscription has.
"""

from __future__ import annotations

from typing import Any, Final

from apigen.answers import (  # type: ignore[import-not-found]  # on the path that pyang makes
    INVOKE,
    JSON,
    XML,
    answer,
    done,
    in_xml,
    refused,
    wrapped,
)
from apigen.discovery import ROOT, stream  # type: ignore[import-not-found]

Json = dict[str, Any]

_SN: Final = "ietf-subscribed-notifications"
_YP: Final = "ietf-yang-push"
_SPACE: Final = "urn:ietf:params:xml:ns:yang:"
_ID: Final[Json] = {"type": "integer", "minimum": 0, "maximum": 2**32 - 1}
_PERIOD: Final[Json] = {"type": "integer", "minimum": 100, "maximum": 2**32 - 1}
_STREAM: Final[Json] = {"type": "string", "enum": ["NETCONF", "capacity", "reservation", "allocation"]}
_EVENTS: Final[Json] = {"type": "string", "pattern": "^/opnfv-promise:[a-z]{1,12}$"}
_NODES: Final[Json] = {"type": "string", "enum": ["/opnfv-promise:promise", "/opnfv-promise:promise/policy"]}
_ENCODING: Final[Json] = {"type": "string", "enum": [f"{_SN}:encode-json", f"{_SN}:encode-xml"]}
_DATASTORE: Final[Json] = {"type": "string", "enum": [f"ietf-datastores:{name}" for name in ("operational", "running")]}
_CHANGES: Final[Json] = {
    "type": "array",
    "items": {"type": "string", "enum": ["create", "delete", "insert", "move", "replace"]},
}


def _object(required: tuple[str, ...] = (), **properties: Json) -> Json:
    return {
        "type": "object",
        "properties": {name.replace("_", "-"): schema for name, schema in properties.items()},
        "additionalProperties": False,
        **({"required": list(required)} if required else {}),
    }


_OF_STREAM: Final = _object(("stream",), stream=_STREAM, stream_xpath_filter=_EVENTS, encoding=_ENCODING)
_OF_DATASTORE: Final = {
    **_object((f"{_YP}:datastore", f"{_YP}:periodic"), encoding=_ENCODING),
    "properties": {
        "encoding": _ENCODING,
        f"{_YP}:datastore": _DATASTORE,
        f"{_YP}:datastore-xpath-filter": _NODES,
        f"{_YP}:periodic": _object(("period",), period=_PERIOD),
    },
}
_ON_CHANGE: Final = {
    **_OF_DATASTORE,
    "properties": {
        **{name: schema for name, schema in _OF_DATASTORE["properties"].items() if name != f"{_YP}:periodic"},
        f"{_YP}:on-change": _object(
            dampening_period=_PERIOD, sync_on_start={"type": "boolean"}, excluded_change=_CHANGES
        ),
    },
    "required": [f"{_YP}:datastore", f"{_YP}:on-change"],
}
_MADE: Final = {
    "type": "object",
    "properties": {
        "id": _ID,
        "replay-start-time-revision": {"type": "string"},
        "ietf-restconf-subscribed-notifications:uri": {"type": "string", "format": "uri"},
    },
    "required": ["id", "ietf-restconf-subscribed-notifications:uri"],
    "additionalProperties": False,
}


def subscribing() -> dict[str, Json]:
    """Return the paths with their methods."""
    one = _object(("id",), id=_ID)
    made = {
        JSON: {"schema": wrapped(f"{_SN}:output", _MADE)},
        XML: {"schema": in_xml({}, "output", f"{_SPACE}{_SN}")},
    }
    asked = {"oneOf": [_OF_STREAM, _OF_DATASTORE, _ON_CHANGE]}
    return {
        **_operation(_SN, "establish", "Subscribe to a stream, or to a datastore", asked,
                     {"200": answer("Its id, and the URI at which it is read.", made)}),
        **_operation(_SN, "modify", "Change the filter, the stop time or the period of a subscription", one),
        **_operation(_SN, "delete", "End a subscription of your own", one),
        **_operation(_SN, "kill", "End anybody's subscription", one),
        **_operation(_YP, "resync", "Push everything again", one),
        f"{ROOT}/subscriptions/{{key}}": {
            "parameters": [{"name": "key", "in": "path", "required": True,
                            "schema": {"type": "string", "pattern": "^[0-9a-f-]{36}$"}}],
            **stream("subscription", "What a subscription tells, as it happens (RFC 8650 section 3.4)", ()),
        },
    }  # fmt: skip


def _operation(module: str, verb: str, summary: str, asked: Json, told: Json | None = None) -> dict[str, Json]:
    name = f"{verb}-subscription"
    content = {JSON: {"schema": wrapped(f"{module}:input", asked)}}
    return {
        f"{ROOT}/operations/{module}:{name}": {
            "post": {
                "operationId": name,
                "tags": ["events"],
                "summary": f"{summary} (RFC {8641 if module == _YP else 8639})",
                "requestBody": {"required": True, "content": content},
                "responses": {**(told or {"204": done("It is done.")}), **refused(INVOKE)},
            }
        }
    }
