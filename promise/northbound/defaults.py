"""Default values in what is read (RFC 6243). Basic mode is explicit: what was set is shown, and nothing else."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from lxml import etree

from promise.northbound.datastore import Kind, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lxml.etree import _Element

    from promise.northbound.datastore import Node
    from promise.northbound.subtree import Selection

CAPABILITY: Final = (
    "urn:ietf:params:netconf:capability:with-defaults:1.0"
    "?basic-mode=explicit&also-supported=report-all,report-all-tagged,trim"
)
OPERATIONAL: Final = "urn:ietf:params:netconf:capability:with-operational-defaults:1.0"
NAMESPACE: Final = "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults"
TAGGED: Final = "urn:ietf:params:xml:ns:netconf:default:1.0"
"""The namespace of the attribute `default` with which values are tagged that were not set."""

etree.register_namespace("wd", TAGGED)


class Report(StrEnum):
    """How defaults are shown (RFC 6243 section 3)."""

    ALL = "report-all"
    TAGGED = "report-all-tagged"
    TRIM = "trim"
    EXPLICIT = "explicit"


def reported(elements: Iterable[_Element], top: Mapping[str, Node], mode: Report, wanted: Selection) -> list[_Element]:
    """Return the top-level elements with defaults as the mode says, changed in place."""
    found = list(elements)
    if mode is Report.EXPLICIT:
        return found
    if mode is Report.TRIM:
        return [element for element in found if not _trimmed(element, top.get(str(element.tag)))]
    return filled(found, top, wanted, _tag if mode is Report.TAGGED else _plain)


def filled(
    elements: Iterable[_Element], top: Mapping[str, Node], wanted: Selection, mark: Callable[[_Element], None]
) -> list[_Element]:
    """Return the top-level elements with the default values that are in use; each new leaf is marked."""
    holder = etree.Element("data")
    holder.extend(list(elements))
    _fill(holder, {tag: node for tag, node in top.items() if wanted.child(node.namespace, node.name)}, mark)
    found = []
    for element in list(holder):
        holder.remove(element)
        found.append(element)
    return found


def _plain(leaf: _Element) -> None:
    del leaf


def _tag(leaf: _Element) -> None:
    leaf.set(f"{{{TAGGED}}}default", "true")


def _trimmed(element: _Element, node: Node | None) -> bool:
    """Take away what has its default value; tell whether the element itself is to go."""
    if node is None:
        return False
    if node.kind is Kind.LEAF:
        return node.default is not None and (element.text or "") == text_of(node.default)
    before = len(element)
    for child in list(element):
        if _trimmed(child, node.children.get(str(child.tag))):
            element.remove(child)
    return node.kind is Kind.CONTAINER and not node.presence and before > 0 and len(element) == 0


def _fill(parent: _Element, nodes: Mapping[str, Node], mark: Callable[[_Element], None]) -> None:
    """Add the default values of leaves that are absent, in containers without presence also where those are absent."""
    there = {str(child.tag) for child in parent}
    for tag, node in nodes.items():
        if not node.config or tag in there:
            continue
        if node.kind is Kind.LEAF and node.default is not None:
            leaf = _added(parent, tag, node.namespace)
            leaf.text = text_of(node.default)
            mark(leaf)
        elif node.kind is Kind.CONTAINER and not node.presence:
            inside = _added(parent, tag, node.namespace)
            _fill(inside, node.children, mark)
            if len(inside) == 0:
                parent.remove(inside)
    for child in parent:
        node_of_child = nodes.get(str(child.tag))
        if node_of_child is not None and str(child.tag) in there and node_of_child.config:
            _fill(child, node_of_child.children, mark)
    order = {tag: number for number, tag in enumerate(nodes)}
    parent[:] = sorted(parent, key=lambda child: order.get(str(child.tag), len(order)))


def _added(parent: _Element, tag: str, namespace: str) -> _Element:
    """Return a new child in its namespace, which is the default one where it is not already."""
    spaces: dict[str | None, str] = {None: namespace}
    return etree.SubElement(parent, tag, nsmap=spaces)  # type: ignore[arg-type]  # the stubs want no None
