"""What a <filter> asks for (RFC 6241 sections 6 and 8.9), and what a reader says of defaults (RFC 6243)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from promise.errors import BadAttribute, BadValue, Invalid, MissingAttribute, UnknownAttribute
from promise.northbound.defaults import NAMESPACE as WITH_DEFAULTS
from promise.northbound.defaults import Report
from promise.northbound.depth import shallow_below
from promise.northbound.message import BASE, split
from promise.northbound.qualified import qualified
from promise.northbound.rpcs.parameters import path_of
from promise.northbound.subtree import EVERYTHING, Selection
from promise.northbound.xpath import XPathFilter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lxml.etree import _Element

    from promise.northbound.datastore import Node

DEFAULTS: Final = f"{{{WITH_DEFAULTS}}}with-defaults"
"""The parameter of get, get-config and copy-config (RFC 6243 section 4.3)."""


class Filter(Protocol):
    """What is wanted of a tree: `building` tells whoever builds it what may be left out, `prune` has the last word."""

    building: Selection
    built: bool
    """Whether `building` says all that is wanted."""

    def prune(
        self, elements: Sequence[_Element], nodes: Mapping[str, Node], depth: int | None = None
    ) -> list[_Element]:
        """Return the top-level elements with what is wanted of them, reduced in place."""


class SubtreeFilter:
    """A subtree filter; depth counts from the nodes that it names last, without any from the top-level nodes.

    With `keyed`, entries keep their keys, as RFC 8526 has it.
    """

    built = True

    def __init__(self, wanted: Selection, *, keyed: bool = False) -> None:
        self.building = wanted
        self._keyed = keyed

    def prune(
        self, elements: Sequence[_Element], nodes: Mapping[str, Node], depth: int | None = None
    ) -> list[_Element]:
        """Return the top-level elements with what is wanted of them, reduced in place."""
        found = self.building.prune(elements, nodes if self._keyed else None)
        if depth is not None:
            shallow_below(self.building, found, nodes, depth)
        return found


ALL: Final = SubtreeFilter(EVERYTHING)


def filter_of(operation: _Element, wanted: _Element | None) -> Filter:
    """Return what a <filter> asks for."""
    if wanted is None:
        return ALL
    path = f"{path_of(operation)}/nc:filter"
    given: dict[str, str] = {}
    for key, value in wanted.attrib.items():
        namespace, name = split(str(key))
        if name not in ("type", "select") or namespace not in ("", BASE):
            raise UnknownAttribute(f"<filter> has no attribute {name}", path=path, name=name)
        given[name] = str(value)
    kind = given.get("type", "subtree")
    if kind not in {"subtree", "xpath"}:
        raise BadAttribute(f"a filter's type is subtree or xpath, not {kind!r}", path=path, name="type")
    if kind == "subtree":
        if "select" in given:
            raise UnknownAttribute("a subtree filter has no attribute select", path=path, name="select")
        return SubtreeFilter(selection_of(wanted))
    if "select" not in given:
        raise MissingAttribute("an xpath filter needs the attribute select", path=path, name="select")
    if len(wanted) or (wanted.text and wanted.text.strip()):
        raise BadValue("an xpath filter is empty: the expression stands in select", path=path, name="filter")
    return xpath_of(given["select"], wanted, path)


def selection_of(wanted: _Element) -> Selection:
    """Return what a subtree filter selects; names in its values, of identities say, get the prefixes that we write."""
    for leaf in wanted.iter():
        text = leaf.text or ""
        if ":" in text and len(leaf) == 0 and any(f"{prefix}:" in text for prefix in leaf.nsmap if prefix):
            leaf.text = qualified(text, leaf.nsmap)
    return Selection.of(wanted)


def xpath_of(expression: str, scope: _Element, path: str) -> Filter:
    """Return the filter of an XPath expression, with the namespaces that are in scope at an element."""
    try:
        return XPathFilter(expression, scope.nsmap)
    except Invalid as fault:
        fault.path = fault.path or path
        raise


def report_of(found: _Element | None, path: str, prefix: str = "ncwd") -> Report | None:
    """Return how defaults are to be reported; None = nothing is said."""
    if found is None:
        return None
    text = (found.text or "").strip()
    if len(found) or text not in list(Report):
        rule = f"with-defaults is one of {', '.join(Report)}"
        raise BadValue(rule, path=f"{path}/{prefix}:with-defaults", name="with-defaults")
    return Report(text)
