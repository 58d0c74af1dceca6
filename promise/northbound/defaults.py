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
    nodes = {tag: node for tag, node in top.items() if wanted.child(node.namespace, node.name)}
    found = list(elements)
    _fill_each(found, nodes, mark)
    found += _absent(found, nodes, mark)
    order = {tag: number for number, tag in enumerate(nodes)}
    return sorted(found, key=lambda element: order.get(str(element.tag), len(order)))


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
    """Add the default values of leaves that are absent, in containers without presence also where those are absent.

    What is there stays where it is: lxml drops the prefixes of names in values when it moves an element.
    """
    _fill_each(parent, nodes, mark)
    order = {tag: number for number, tag in enumerate(nodes)}
    for new in _absent(parent, nodes, mark):
        after = (at for at, child in enumerate(parent) if order.get(str(child.tag), len(order)) > order[str(new.tag)])
        parent.insert(next(after, len(parent)), new)


def _fill_each(elements: Iterable[_Element], nodes: Mapping[str, Node], mark: Callable[[_Element], None]) -> None:
    for element in elements:
        node = nodes.get(str(element.tag))
        if node is not None and node.config:
            _fill(element, node.children, mark)


def _absent(there: Iterable[_Element], nodes: Mapping[str, Node], mark: Callable[[_Element], None]) -> list[_Element]:
    """Return the leaves with their defaults, and the containers of such leaves, that are not there."""
    tags = {str(element.tag) for element in there}
    found = []
    for tag, node in nodes.items():
        if not node.config or tag in tags:
            continue
        if node.kind is Kind.LEAF and node.default is not None:
            leaf = _new(tag, node.namespace)
            leaf.text = text_of(node.default)
            mark(leaf)
            found.append(leaf)
        elif node.kind is Kind.CONTAINER and not node.presence:
            inside = _new(tag, node.namespace)
            _fill(inside, node.children, mark)
            found += [inside] if len(inside) else []
    return found


def _new(tag: str, namespace: str) -> _Element:
    """Return an element in its namespace, which is the default one."""
    spaces: dict[str | None, str] = {None: namespace}
    return etree.Element(tag, nsmap=spaces)  # type: ignore[arg-type]  # the stubs want no None
