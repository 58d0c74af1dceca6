"""Two changes of one configuration, brought together; pure.

Whoever edits the candidate works on the running configuration as it was at the first edit. When that one changes
meanwhile, the candidate keeps its own differences and takes over all others. Where both changed the same node, the
candidate has the last word: committing it is the later act.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promise.northbound.datastore import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from promise.northbound.datastore import Node, Tree


def merged(base: Tree, mine: Tree, theirs: Tree, nodes: Iterable[Node]) -> Tree:
    """Return `theirs` with the differences between `base` and `mine`."""
    known = {node.member: node for node in nodes}
    found: Tree = {}
    for member in [*theirs, *(member for member in mine if member not in theirs)]:
        values = [tree.get(member) for tree in (base, mine, theirs)]
        kept = _value(known[member], *values)
        if kept is not None:
            found[member] = kept
    return found


def _value(node: Node, base: Any, mine: Any, theirs: Any) -> Any:
    """Return one node of the three; None = it is not there."""
    if mine in (base, theirs):
        return theirs
    if theirs == base:
        return mine
    if node.kind is Kind.LEAF:
        return mine
    if node.many:
        return _entries(node, base or [], mine or [], theirs or []) or None
    if mine is None:
        return None  # a deleted container stays deleted
    return merged(base or {}, mine, theirs or {}, node.children.values())


def _entries(node: Node, base: list[Any], mine: list[Any], theirs: list[Any]) -> list[Any]:
    """Return the entries of a list or leaf-list: in the order of whoever changed it, new ones of the other last."""
    was, here, there = (_by_key(node, entries) for entries in (base, mine, theirs))
    found: dict[tuple[Any, ...], Any] = {}
    for key in _in_order(was, here, there):
        if key in was and (key not in here or (key not in there and here[key] == was[key])):
            continue  # one of them deleted it, and the other one did not care
        found[key] = _entry(node, was.get(key), here.get(key), there.get(key))
    return list(found.values())


def _entry(node: Node, base: Any, mine: Any, theirs: Any) -> Any:
    if mine is None or theirs is None:
        return theirs if mine is None else mine
    if node.kind is Kind.LEAF_LIST:
        return mine
    return merged(base or {}, mine, theirs, node.children.values())


def _in_order(was: Mapping[Any, Any], here: Mapping[Any, Any], there: Mapping[Any, Any]) -> list[Any]:
    common = [key for key in was if key in here]
    moved = common != [key for key in here if key in was]
    first, second = (here, there) if moved else (there, here)
    return [*first, *(key for key in second if key not in first)]


def _by_key(node: Node, entries: list[Any]) -> dict[tuple[Any, ...], Any]:
    return {node.key_of(entry): entry for entry in entries}
