"""The parameters of the operations of RFC 8639 and RFC 8641, and how those are refused (RFC 8640 section 7).

What cannot be has an error-app-tag with the identity that says why; what would help stands in error-info.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from promise.errors import BadValue, Invalid, MissingElement
from promise.northbound.codec.moment import DATE_AND_TIME
from promise.northbound.datastore import schema
from promise.northbound.events.dynamic import NAMESPACE
from promise.northbound.events.pushing import YANG_PUSH
from promise.northbound.library.modules import library
from promise.northbound.message import split
from promise.northbound.qualified import qualified
from promise.northbound.rpcs.parameters import parameters_of, path_of
from promise.northbound.treejson import free

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lxml.etree import _Element


SN: Final = NAMESPACE
YP: Final = YANG_PUSH
PREFIXES: Final = {"sn": SN, "yp": YP}

SUBSCRIBED_TAG: Final = "ietf-subscribed-notifications:"
PUSH_TAG: Final = "ietf-yang-push:"

ESTABLISH: Final = "establish-subscription"
MODIFY: Final = "modify-subscription"

_LARGEST: Final = 2**32 - 1
_QUALITY: Final = {"dscp": "dscp", "weighting": "qos", "dependency": "qos"}
"""Parameters of features that this server does not have."""

Given = dict[str, "_Element"]
"""The parameters by name."""

Fault = TypeVar("Fault", bound=Invalid)


def parameters(operation: _Element, *known: str) -> Given:
    """Return the parameters by name; each is known ("sn:stop-time", "yp:datastore") and given once."""
    own, establishing = split(operation.tag)[0], split(operation.tag)[1] == ESTABLISH
    for element in operation:
        space, name = split(element.tag)
        if establishing and space == SN and name in _QUALITY:
            app_tag = f"{SUBSCRIBED_TAG}dscp-unavailable" if name == "dscp" else ""
            rule = f"{name} is of the feature {_QUALITY[name]}, which this server does not have"
            raise BadValue(rule, path=f"{path_of(operation)}/sn:{name}", name=name, app_tag=app_tag)
    tags = {(PREFIXES[prefix], name) for prefix, _, name in (one.partition(":") for one in known)}
    found = parameters_of(operation, *(name if space == own else f"{{{space}}}{name}" for space, name in tags))
    return {key.rpartition("}")[2]: element for key, element in found.items()}


def text(element: _Element) -> str:
    """Return the text of a leaf."""
    return (element.text or "").strip()


def moment(given: Mapping[str, _Element], name: str, path: str) -> datetime | None:
    """Return what a date-and-time says."""
    if name not in given:
        return None
    try:
        return DATE_AND_TIME.read_xml(text(given[name]), given[name])
    except BadValue as error:
        raise BadValue(error.rule, path=f"{path}/sn:{name}", name=name) from None


def number(given: Mapping[str, _Element], path: str) -> int:
    """Return the id of the subscription that is meant."""
    if "id" not in given:
        raise MissingElement("the subscription must be named by its id", path=path, name="id")
    said = text(given["id"])
    if not (said.isascii() and said.isdigit() and int(said[:11]) <= _LARGEST):
        raise BadValue(f"an id is a number up to {_LARGEST}", path=f"{path}/{path[8:10]}:id", name="id")
    return int(said)


def identity(element: _Element, module: str, path: str) -> str:
    """Return the name of the identity that a leaf names, which has to be one of this module."""
    prefix, colon, name = text(element).rpartition(":")
    namespace = element.nsmap.get(prefix) if colon else element.nsmap.get(None)
    if prefix == module or namespace == library().modules[module].namespace or not colon:
        return name
    what = split(element.tag)[1]
    raise BadValue(f"{what} must name an identity of {module}, with its prefix", path=path, name=what)


def terms_of(given: Mapping[str, _Element], **identities: str) -> dict[str, Any]:
    """Return what was asked for as RFC 7951 writes it in the list of subscriptions; `identities` have their modules."""
    terms: dict[str, Any] = {}
    for name, element in given.items():
        member = name if split(element.tag)[0] == SN else f"{PUSH_TAG}{name}"
        if name.replace("-", "_") in identities:
            terms[member] = f"{identities[name.replace('-', '_')]}:{text(element).rpartition(':')[2]}"
        elif name.endswith("subtree-filter"):
            terms[member] = _subtree(element)
        elif name.endswith("xpath-filter"):
            terms[member] = qualified(text(element), element.nsmap)
        else:
            terms[member] = text(element)
    return terms


def _subtree(element: _Element) -> dict[str, Any]:
    """Return a subtree filter as it is shown; what JSON cannot say of it is left out."""
    try:
        return free(element, split(element.tag)[0], schema().top)
    except BadValue:
        return {}


def hinted(error: Fault, structure: str, hints: tuple[tuple[str, str | int], ...]) -> Fault:
    """Return an error with what would help: leaves of a structure of one of the two modules."""
    space = YP if "datastore" in structure or structure.startswith("resync") else SN
    error.hints = ((f"{{{space}}}{structure}", hints),)
    return error
