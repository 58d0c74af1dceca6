"""Where operational configuration comes from (RFC 8342 section 5.3.4): from what is intended, or from defaults.

Everything that is configured takes effect as it is, so nothing in operation is made by the system itself: what clouds
tell is state, and state has no origin. Learned are the subscriptions that clients have established.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from lxml import etree

from promise.northbound.datastore import Kind, text_of
from promise.northbound.defaults import TAGGED, Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lxml.etree import _Element

    from promise.northbound.datastore import Node

NAMESPACE: Final = "urn:ietf:params:xml:ns:yang:ietf-origin"
_ORIGIN: Final = f"{{{NAMESPACE}}}origin"
_TAG: Final = f"{{{TAGGED}}}default"

etree.register_namespace("or", NAMESPACE)


class Origin(StrEnum):
    """The origins that there are (ietf-origin)."""

    ORIGIN = "origin"
    INTENDED = "intended"
    DYNAMIC = "dynamic"
    SYSTEM = "system"
    LEARNED = "learned"
    DEFAULT = "default"
    UNKNOWN = "unknown"


ASKED_FOR: Final = frozenset({"ietf-subscribed-notifications:subscriptions"})
"""Top-level nodes that hold what clients have asked for by operations, and nobody has configured."""


@dataclass(frozen=True, slots=True)
class Origins:
    """The origins that are wanted, or with `negated` those that are not; None = all are wanted."""

    named: frozenset[Origin] | None
    negated: bool = False

    def want(self, origin: Origin) -> bool:
        """Tell whether configuration of this origin is wanted; every one is derived from `origin`."""
        if self.named is None:
            return True
        return (origin in self.named or Origin.ORIGIN in self.named) is not self.negated


def labelled(elements: Iterable[_Element], top: Mapping[str, Node]) -> list[_Element]:
    """Return the top-level elements, those of configuration with their origin; below, it is said where it differs."""
    found = list(elements)
    for element in found:
        node = top.get(str(element.tag))
        if node is not None and node.config:
            element.set(_ORIGIN, _value(element, _of(node)))
            for leaf in element.iter():
                if leaf.get(_TAG):
                    leaf.set(_ORIGIN, _value(leaf, Origin.DEFAULT))
    return found


def _value(element: _Element, origin: Origin) -> str:
    """Return the identity with the prefix that lxml gives the namespace of the attribute."""
    element.set(_ORIGIN, "")
    prefix = next(str(prefix) for prefix, uri in element.nsmap.items() if uri == NAMESPACE)
    return f"{prefix}:{origin}"


def kept(elements: Iterable[_Element], top: Mapping[str, Node], origins: Origins, report: Report) -> list[_Element]:
    """Return the elements without the origins that are not wanted, and with defaults as it is asked for.

    State stays. A container or list entry stays while something is in it, an entry with its keys.
    """
    found = ((element, top.get(str(element.tag))) for element in elements)
    return [element for element, node in found if _stays(element, node, origins, report, _of(node))]


def _of(node: Node | None) -> Origin:
    """Return the origin of what stands in a top-level node."""
    return Origin.LEARNED if node is not None and node.member in ASKED_FOR else Origin.INTENDED


def _stays(element: _Element, node: Node | None, origins: Origins, report: Report, usual: Origin) -> bool:
    if node is None or not node.config:
        return True
    default = element.get(_TAG) is not None
    if default and report is not Report.TAGGED:
        element.attrib.pop(_TAG, "")
        etree.cleanup_namespaces(element)
    if node.kind in {Kind.LEAF, Kind.LEAF_LIST}:
        if default and report is Report.EXPLICIT:
            return False
        if report is Report.TRIM and node.default is not None and (element.text or "") == text_of(node.default):
            return False
        return origins.want(Origin.DEFAULT if default else usual)
    keys = {node.child(member).name for member in node.keys}
    dropped = [
        child for child in element if not _stays(child, node.children.get(str(child.tag)), origins, report, usual)
    ]
    if dropped and all(child in dropped for child in element):
        return False
    for child in dropped:
        if not (child.tag.rpartition("}")[2] in keys and child.tag in node.children):
            element.remove(child)
    return len(element) > 0 or node.presence or origins.want(usual)
