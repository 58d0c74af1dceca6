"""What schemathesis has to be told to ask for what the document says, and to judge it: loaded by its own process.

Two of its checks are replaced by the same ones with exceptions, each of which is a rule that JSON Schema cannot say.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import schemathesis
from schemathesis.specs.openapi import checks

if TYPE_CHECKING:
    from schemathesis import Case, CheckContext, HookContext, Response

PROVIDER = os.environ["PROMISE_PROVIDER"]
"""The id of the simulated cloud."""

NOBODY = "http://127.0.0.1:9/v3"
"""An address at which nobody listens."""

_ADDRESSES = {"endpoint", "callback-uri"}
XML = "application/yang-data+xml"

_ENTRY = re.compile(r"/([^/=]+)=([^/]+)$")
_KEY = re.compile(r"{([^}]+)}")
_UNWRITABLE = re.compile(r"[^\n -\x7e\xa0-\ud7ff\ue000-\ufffd]|^\s|\s$")
_BETWEEN_NODES = (b"must not hold", b"must be given once", b"is named twice in one edit")
_NESTED = re.compile(r"[/;(].*", re.DOTALL)


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Keep the controller from calling strangers, and what is asked meaningful where a schema cannot say what is."""
    _redirect(case.body)
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    query = case.query or {}
    if "fields" in query:  # a pattern says with which child it begins, and not what that child has inside
        query["fields"] = _NESTED.sub("", query["fields"])
    if query.get("insert") in {"before", "after"} or "point" in query:  # each needs the other, and a path that exists
        query.pop("insert", None)
        query.pop("point", None)
    for name in {"cursor", "offset"} & query.keys():  # that of another answer, and as far as the list goes
        del query[name]
    if "where" in query:
        query["where"] = "true()"
    if "sort-by" not in query:
        query.pop("locale", None)
    case.body = _whole(case.body)
    if not case.operation.path.endswith("remove-provider"):
        _provided(case.body)
    _same_key(case)
    if case.operation.path.endswith("-subscription"):  # a filter that can never choose anything is refused (RFC 8641)
        _unfiltered(case.body)
    if case.media_type == "application/yang-patch+json":  # what an edit has to hold depends on its target
        patch: Any = case.body
        patch["ietf-yang-patch:yang-patch"].pop("edit", None)


def _provided(value: Any) -> None:
    """Let the input of an operation be about the provider that there is: so something comes of it."""
    for inside in value.values() if isinstance(value, dict) else ():
        for name in {"provider-id", "source"} & (inside.keys() if isinstance(inside, dict) else set()):
            inside[name] = PROVIDER


def _unfiltered(value: Any) -> None:
    for inside in value.values() if isinstance(value, dict) else ():
        for name in [name for name in inside if name.endswith("-filter")] if isinstance(inside, dict) else ():
            del inside[name]


def _whole(value: Any) -> Any:
    """Return a body whose integers are written as such: 1.0 is one in JSON Schema, and none in RFC 7951 section 6.1."""
    if isinstance(value, dict):
        return {name: _whole(inside) for name, inside in value.items()}
    if isinstance(value, list):
        return [_whole(inside) for inside in value]
    return int(value) if isinstance(value, float) else value


def _same_key(case: Case[Any]) -> None:
    """Let the body of an entry have the key that the path has (RFC 8040 section 4.5), as a schema cannot say."""
    entry = _ENTRY.search(case.operation.path)
    body: Any = case.body
    if entry is None or case.operation.method not in {"put", "patch"} or not isinstance(body, dict):
        return
    for value in body.values() if case.media_type != XML else [[body]]:
        if isinstance(value, list):
            keys = {name[len(entry[1]) + 1 :]: case.path_parameters[name] for name in _KEY.findall(entry[2])}
            value[0].update({name: unquote(key) if isinstance(key, str) else key for name, key in keys.items()})


def _redirect(value: Any) -> None:
    """Let addresses that could be those of others lead to nobody."""
    if isinstance(value, dict):
        for name, inside in value.items():
            if name.rpartition(":")[2] in _ADDRESSES and isinstance(inside, str) and inside.lower().startswith("http"):
                value[name] = NOBODY
            else:
                _redirect(inside)
    elif isinstance(value, list):
        for inside in value:
            _redirect(inside)


@schemathesis.check
def refuses_what_the_document_forbids(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """Check `negative_data_rejection`, but not in XML: the number 1 and the text "1" are the same there.

    Nor of a subscription, where what is not said stays as it is. Nor where nothing was sent and nothing has to be: that
    was to be something forbidden, and has become nothing.
    """
    if (case.media_type or "").endswith("+xml") or case.operation.path.endswith("modify-subscription"):
        return None
    asked = case.operation.definition.raw.get("requestBody", {"required": True})
    if not response.request.body and not asked.get("required"):
        return None
    return checks.negative_data_rejection(ctx, response, case)


@schemathesis.check
def takes_what_the_document_allows(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """Check `positive_data_acceptance`, with three exceptions.

    `when` may forbid a node, and an entry must not come twice; XML cannot hold every text that JSON can.
    """
    told = response.content
    if case.media_type == XML and _unwritable(case.body):
        return None
    if case.operation.method in {"delete", "patch"} and b"missing-element" in told:
        return None  # what is mandatory can be sent alone, and cannot be left out in the end
    if response.status_code == 400 and any(rule in told for rule in _BETWEEN_NODES):
        return None
    return checks.positive_data_acceptance(ctx, response, case)


def _unwritable(value: Any) -> bool:
    """Tell whether a body has texts that XML cannot hold: what is written then is another text."""
    if isinstance(value, dict):
        return any(map(_unwritable, value.values()))
    if isinstance(value, list):
        return any(map(_unwritable, value))
    return isinstance(value, str) and _UNWRITABLE.search(value) is not None
