"""Default values in a tree that is copied into a datastore (RFC 6243 section 4.5.1); pure.

What is written here is set from then on, as basic mode explicit has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promise.northbound.datastore import Kind
from promise.northbound.defaults import Report

if TYPE_CHECKING:
    from collections.abc import Iterable

    from promise.northbound.datastore import Node, Tree


def defaulted(tree: Tree, nodes: Iterable[Node], mode: Report) -> Tree:
    """Return what a copy of a configuration sets: with all defaults, without values that are defaults, or as it is.

    Defaults that are only tagged as such are not set, so report-all-tagged copies what explicit does.
    """
    if mode is Report.ALL:
        return _filled(tree, nodes)
    return _trimmed(tree, nodes) if mode is Report.TRIM else tree


def _filled(tree: Tree, nodes: Iterable[Node]) -> Tree:
    found: Tree = {}
    for node in nodes:
        value = tree.get(node.member)
        if value is None:
            value = None if node.rivals & tree.keys() else _default(node)
        elif node.kind is Kind.LIST:
            value = [_filled(entry, node.children.values()) for entry in value]
        elif node.kind is Kind.CONTAINER:
            value = _filled(value, node.children.values())
        if value is not None:
            found[node.member] = value
    return found


def _default(node: Node) -> Any:
    """Return what stands where a node of the configuration is absent, None = nothing."""
    if not node.config or node.kind in {Kind.LIST, Kind.LEAF_LIST} or node.presence:
        return None
    return node.default if node.kind is Kind.LEAF else _filled({}, node.children.values()) or None


def _trimmed(tree: Tree, nodes: Iterable[Node]) -> Tree:
    found: Tree = {}
    known = {node.member: node for node in nodes}
    for member, value in tree.items():
        node = known[member]
        if node.kind is Kind.LIST:
            found[member] = [_trimmed(entry, node.children.values()) for entry in value]
        elif node.kind is Kind.CONTAINER:
            inside = _trimmed(value, node.children.values())
            if inside or node.presence:
                found[member] = inside
        elif node.kind is Kind.LEAF_LIST or node.default is None or value != node.default:
            found[member] = value
    return found
