"""What a <filter> asks for (RFC 6241 sections 6 and 8.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promise.errors import BadAttribute, UnknownAttribute
from promise.northbound.message import BASE, split
from promise.northbound.rpcs.parameters import path_of
from promise.northbound.subtree import EVERYTHING, Selection

if TYPE_CHECKING:
    from lxml.etree import _Element


def selection(operation: _Element, wanted: _Element | None) -> Selection:
    """Return what a <filter> asks for; only subtree filters are advertised."""
    if wanted is None:
        return EVERYTHING
    path = f"{path_of(operation)}/nc:filter"
    kind = "subtree"
    for key, value in wanted.attrib.items():
        namespace, name = split(str(key))
        if name not in ("type", "select") or namespace not in ("", BASE):
            raise UnknownAttribute(f"<filter> has no attribute {name}", path=path, name=name)
        kind = str(value) if name == "type" else kind
    if kind == "xpath":
        rule = "filters of type xpath are not supported (:xpath is not advertised); use type subtree"
        raise BadAttribute(rule, path=path, name="type")
    if kind != "subtree":
        raise BadAttribute(f"a filter's type must be subtree, not {kind!r}", path=path, name="type")
    if "select" in wanted.attrib:
        raise UnknownAttribute("a subtree filter has no attribute select", path=path, name="select")
    return Selection.of(wanted)
