"""RFC 5277 as XML: what a <create-subscription> asks for, read by hand, because each mistake has an error of its own.

    <create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0">
      <stream>NETCONF</stream>?  <filter type="subtree">...</filter>?  <startTime/>?  <stopTime/>?

The list of streams is in `events/state.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from promise.errors import (
    BadAttribute,
    BadElement,
    BadValue,
    DuplicateNode,
    Invalid,
    MissingAttribute,
    MissingElement,
    UnknownAttribute,
    UnknownElement,
)
from promise.northbound.codec.moment import DATE_AND_TIME
from promise.northbound.events.notice import NAMESPACE
from promise.northbound.events.selecting import NETCONF, STREAMS
from promise.northbound.message import BASE, split
from promise.northbound.port import Interest
from promise.northbound.rpcs.parameters import parameters_of
from promise.northbound.subtree import Selection
from promise.northbound.words import ending, starting, sure
from promise.northbound.xpath import XPathFilter

if TYPE_CHECKING:
    from datetime import datetime

    from lxml.etree import _Element


__all__ = ["CAPABILITIES", "NAMESPACE", "PREFIXES", "interest"]

CAPABILITIES: Final = (
    "urn:ietf:params:netconf:capability:notification:1.0",
    "urn:ietf:params:netconf:capability:interleave:1.0",
)
PREFIXES: Final = {"ncn": NAMESPACE}

OPERATION: Final = "create-subscription"

_PATH: Final = f"/nc:rpc/ncn:{OPERATION}"
_PARAMETERS: Final = ("stream", "filter", "startTime", "stopTime")
_BASE_FILTER: Final = f"{{{BASE}}}filter"


def interest(operation: _Element, now: int) -> Interest:
    """Return what a <create-subscription> asks for, or raise what section 2.1.1 says it is to be told.

    Moments are in whole seconds, as events are: of a fraction, what lies before a start or after a stop is not told.
    """
    found = _parameters(operation)
    stream = _text(found["stream"]) if "stream" in found else NETCONF
    if stream not in STREAMS:
        rule = f"there is no stream {stream!r}; there are {', '.join(STREAMS)}"
        raise BadValue(rule, path=f"{_PATH}/ncn:stream", name="stream")
    plain = Interest(_selection(found["filter"]) if "filter" in found else None, stream=stream)
    if "startTime" not in found:
        if "stopTime" in found:
            raise MissingElement("a stopTime needs a startTime", path=_PATH, name="startTime")
        return plain
    start = _moment(found["startTime"])
    if start > sure(now + 1):  # the second that the clock shows is not over
        raise BadElement("startTime must not be in the future", path=f"{_PATH}/ncn:startTime", name="startTime")
    if "stopTime" not in found:
        return plain._replace(start=ending(start))
    stop = _moment(found["stopTime"])
    if stop <= start:
        raise BadElement("stopTime must be later than startTime", path=f"{_PATH}/ncn:stopTime", name="stopTime")
    return plain._replace(start=ending(start), stop=starting(stop))


def _parameters(operation: _Element) -> dict[str, _Element]:
    """Return the parameters by name; ncclient writes the filter in the namespace of NETCONF."""
    namespace, name = split(operation.tag)
    if name != OPERATION:
        raise UnknownElement(f"RFC 5277 has no operation <{name}>", path="/nc:rpc", name=name, namespace=namespace)
    found = parameters_of(operation, *_PARAMETERS, _BASE_FILTER)
    if _BASE_FILTER in found and "filter" in found:
        raise DuplicateNode("<filter> is given twice", path=f"{_PATH}/ncn:filter", name="filter")
    return {split(key)[1]: element for key, element in found.items()}


def _selection(wanted: _Element) -> Selection | XPathFilter:
    """Return what a <filter> selects, by subtree or by XPath."""
    path = f"{_PATH}/ncn:filter"
    given: dict[str, str] = {}
    for key, value in wanted.attrib.items():
        namespace, name = split(str(key))
        if name not in ("type", "select") or namespace not in ("", BASE, NAMESPACE):
            raise UnknownAttribute(f"a <filter> has no attribute {name}", path=path, name=name)
        given[name] = str(value)
    kind = given.get("type", "subtree")
    if kind not in ("subtree", "xpath"):
        raise BadAttribute(f"a filter's type is subtree or xpath, not {kind!r}", path=path, name="type")
    if kind == "subtree" and "select" in given:
        raise UnknownAttribute("a subtree <filter> has no attribute select", path=path, name="select")
    if kind == "subtree":
        return Selection.of(wanted)
    if "select" not in given:
        raise MissingAttribute("an xpath filter needs the attribute select", path=path, name="select")
    try:
        return XPathFilter(given["select"], wanted.nsmap)
    except Invalid as fault:
        fault.path = fault.path or path
        raise


def _moment(element: _Element) -> datetime:
    name = split(element.tag)[1]
    if len(element):
        raise BadValue(f"{name} must contain nothing but a moment", path=f"{_PATH}/ncn:{name}", name=name)
    try:
        return DATE_AND_TIME.read_xml(_text(element), element)
    except BadValue as error:
        raise BadValue(error.rule, path=f"{_PATH}/ncn:{name}", name=name) from None


def _text(element: _Element) -> str:
    return (element.text or "").strip()
