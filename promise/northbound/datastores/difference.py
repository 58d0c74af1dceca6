"""What a commit has changed, as operations on instance-identifiers (RFC 6470, netconf-config-change); pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promise.northbound.datastore import Kind
from promise.northbound.editing import Operation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from promise.northbound.datastore import Node, Tree


def difference(before: Tree, after: Tree, nodes: Iterable[Node], path: str = "") -> Iterator[tuple[str, Operation]]:
    """Yield the topmost nodes that came, went or became different; paths have the prefixes of the modules.

    `merge` is told of an entry that has another place in its list, `replace` of a leaf with another value.
    """
    for node in nodes:
        old, new = before.get(node.member), after.get(node.member)
        if old == new:
            continue
        if node.many:
            yield from _entries(node, old or [], new or [], path)
        else:
            yield from _node(node, old, new, path + node.segment)


def _entries(node: Node, old: list[Any], new: list[Any], path: str) -> Iterator[tuple[str, Operation]]:
    was = {node.key_of(entry): entry for entry in old}
    now = {node.key_of(entry): entry for entry in new}
    for key in [*was, *(key for key in now if key not in was)]:
        yield from _node(node, was.get(key), now.get(key), path + node.segment + node.predicates(key))
    stayed = [key for key in was if key in now]
    if node.ordered and stayed != [key for key in now if key in was]:
        for key in stayed:
            yield path + node.segment + node.predicates(key), Operation.MERGE


def _node(node: Node, old: Any, new: Any, path: str) -> Iterator[tuple[str, Operation]]:
    if old is None:
        yield path, Operation.CREATE
    elif new is None:
        yield path, Operation.DELETE
    elif node.kind in {Kind.LEAF, Kind.LEAF_LIST}:
        if old != new:
            yield path, Operation.REPLACE
    else:
        yield from difference(old, new, node.children.values(), path)
