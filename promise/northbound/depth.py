"""How deep a tree is shown: levels are counted from the nodes that a filter selects (RFC 8526 section 3.1.1); pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promise.northbound.message import split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lxml.etree import _Element

    from promise.northbound.datastore import Node
    from promise.northbound.subtree import Selection


def shallow(element: _Element, depth: int, node: Node | None = None) -> None:
    """Take away what is deeper than so many levels, the element itself being the first; entries keep their keys."""
    keys = node.key_tags if node else frozenset()
    children = node.children if node else {}
    for child in list(element):
        if depth > 1:
            shallow(child, depth - 1, children.get(str(child.tag)))
        elif child.tag not in keys:
            element.remove(child)


def shallow_below(wanted: Selection, elements: Sequence[_Element], nodes: Mapping[str, Node], depth: int) -> None:
    """Take away, of what a subtree filter has left, what is deeper than so many levels below what it names last.

    That are also entries of which it names nothing but values.
    """
    for element in elements:
        inside = None if wanted.everything else wanted.child(*split(element.tag))
        node = nodes.get(str(element.tag))
        if inside is None or inside.named_last:
            shallow(element, depth, node)
        else:
            shallow_below(inside, list(element), node.children if node else {}, depth)
