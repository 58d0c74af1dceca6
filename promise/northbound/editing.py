"""Changes to a configuration tree, applied as often as wanted; pure. `editxml` reads them from an <edit-config>.

RFC 6241 section 7.2 (operations), RFC 7950 sections 7.5 to 7.8 (what they mean for each kind of node).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from promise.errors import BadAttribute, DataExists, DataMissing
from promise.northbound.datastore import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from promise.northbound.datastore import Node, Tree

LARGEST: Final = 100_000
"""Nodes that a configuration may have, where nothing else is said."""


class Operation(StrEnum):
    """What is to be done with a node; `NONE` is a default-operation only."""

    MERGE = "merge"
    REPLACE = "replace"
    CREATE = "create"
    DELETE = "delete"
    REMOVE = "remove"
    NONE = "none"


TAKING: Final = frozenset({Operation.DELETE, Operation.REMOVE})


class Place(StrEnum):
    """Where an entry of a list that is ordered by the user is to stand (RFC 7950 section 7.8.6)."""

    FIRST = "first"
    LAST = "last"
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Insert:
    """`anchor` is the key of the entry before or after which; `attribute` says how it was given."""

    place: Place
    anchor: tuple[Any, ...] = ()
    attribute: str = "key"


@dataclass(frozen=True, slots=True)
class Change:
    """One node of an edit, with those below it.

    `key` tells the entry of a list or leaf-list; `value` is that of a leaf, None when it is to go or to have its
    default. `fresh` tells that
    the key of an entry says itself that it must not be there yet.
    """

    node: Node
    operation: Operation
    path: str
    value: Any = None
    key: tuple[Any, ...] = ()
    children: tuple[Change, ...] = ()
    insert: Insert | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """A whole edit; with `anew` nothing stays that it does not name (default-operation replace)."""

    changes: tuple[Change, ...]
    anew: bool = False

    def applied(self, tree: Tree) -> Tree:
        """Return the tree as the edit makes it; the one given stays as it is. It may still be invalid as a whole.

        Raises:
            DataExists, DataMissing: what is to be created is there, or what is to be deleted is not.
            BadAttribute: an entry is to stand next to one that is not there.
        """
        new: Tree = {} if self.anew else copy.deepcopy(tree)
        places = _Places()
        for change in self.changes:
            _apply(change, new, places)
        return _pruned(new, [change.node for change in self.changes])


class _Gone:
    """Stands in a list where an entry was, until the edit is through: the others keep their places."""


_GONE: Final = _Gone()


class _Places:
    """Where the entries of lists stand, found once for each list: an edit may have thousands of them."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[list[Any], dict[tuple[Any, ...], int]]] = {}  # the list stays, and so its id

    def of(self, entries: list[Any], node: Node) -> dict[tuple[Any, ...], int]:
        """Return the places of the entries of a list by their keys; to be kept right by whoever adds or removes."""
        if id(entries) not in self._known:
            there = {node.key_of(entry): at for at, entry in enumerate(entries) if entry is not _GONE}
            self._known[id(entries)] = entries, there
        return self._known[id(entries)][1]

    def forget(self, entries: list[Any]) -> None:
        """Find the places anew when they are asked for: they have moved."""
        self._known.pop(id(entries), None)


def _apply(change: Change, parent: Tree, places: _Places) -> None:
    """Make a change inside its parent; what comes takes the place of other cases (RFC 7950 section 7.9)."""
    if change.operation not in {*TAKING, Operation.NONE}:
        for rival in change.node.rivals:
            parent.pop(rival, None)
    if change.node.kind is Kind.LEAF:
        _apply_leaf(change, parent)
    elif change.node.kind is Kind.CONTAINER:
        _apply_container(change, parent, places)
    else:
        _apply_entry(change, parent, places)


def _expect(change: Change, *, there: bool) -> None:
    """Raise where the operation wants the node to be there, or not to be."""
    if there and (change.operation is Operation.CREATE or change.fresh):
        raise DataExists(f"{change.node.name} is there already", path=change.path, name=change.node.name)
    if not there and change.operation in {Operation.DELETE, Operation.NONE}:
        raise DataMissing(f"there is no such {change.node.name}", path=change.path, name=change.node.name)


def _apply_leaf(change: Change, parent: Tree) -> None:
    member = change.node.member
    _expect(change, there=member in parent)
    if change.operation in TAKING or (change.value is None and change.operation is not Operation.NONE):
        parent.pop(member, None)
    elif change.operation is not Operation.NONE:
        parent[member] = change.value


def _apply_container(change: Change, parent: Tree, places: _Places) -> None:
    """A container without presence is there while something is in it; for the operation none it always is."""
    node = change.node
    inside = _pruned(parent.get(node.member, {}), node.children.values())
    there = node.member in parent if node.presence else bool(inside)
    if node.presence or change.operation is not Operation.NONE:
        _expect(change, there=there)
    if change.operation in TAKING:
        parent.pop(node.member, None)
        return
    if change.operation is Operation.REPLACE or node.member not in parent:
        parent[node.member] = {}
    for child in change.children:
        _apply(child, parent[node.member], places)


def _apply_entry(change: Change, parent: Tree, places: _Places) -> None:
    """Change an entry of a list or leaf-list; a new one stands last, unless it is said where (RFC 7950)."""
    node = change.node
    entries: list[Any] = parent.setdefault(node.member, [])
    there = places.of(entries, node)
    index = there.get(change.key)
    _expect(change, there=index is not None)
    if change.operation in TAKING:
        if index is not None:
            entries[index] = _GONE
            del there[change.key]
        return
    empty = change.value if node.kind is Kind.LEAF_LIST else dict(zip(node.keys, change.key, strict=True))
    if index is None:
        index = there[change.key] = len(entries)
        entries.append(empty)
    elif change.operation is Operation.REPLACE:
        entries[index] = empty
    if change.insert:
        entry = entries.pop(index)
        places.forget(entries)
        index = _position(change, change.insert, entries)
        entries.insert(index, entry)
    for child in change.children:
        _apply(child, entries[index], places)


def _position(change: Change, insert: Insert, others: list[Any]) -> int:
    if insert.place is Place.FIRST:
        return 0
    if insert.place is Place.LAST:
        return len(others)
    found = _index(others, change.node, insert.anchor)
    if found is None:
        rule = f"there is no other {change.node.name} {change.node.predicates(insert.anchor)} to stand {insert.place}"
        raise BadAttribute(rule, path=change.path, name=insert.attribute, app_tag="missing-instance")
    return found if insert.place is Place.BEFORE else found + 1


def _index(entries: list[Any], node: Node, key: tuple[Any, ...]) -> int | None:
    keys = (None if entry is _GONE else node.key_of(entry) for entry in entries)
    return next((index for index, found in enumerate(keys) if found == key), None)


def _pruned(tree: Tree, nodes: Iterable[Node]) -> Tree:
    """Return the tree without lists that have no entry, and containers without presence in which nothing is."""
    found: Tree = {}
    known = {node.member: node for node in nodes}
    for member, value in tree.items():
        node = known.get(member)
        if node is None or node.kind is Kind.LEAF:
            kept = value
        elif node.kind is Kind.LEAF_LIST:
            kept = [entry for entry in value if entry is not _GONE]
        elif node.kind is Kind.LIST:
            kept = [_pruned(entry, node.children.values()) for entry in value if entry is not _GONE]
        else:
            kept = _pruned(value, node.children.values())
        if not (kept in ({}, []) and node is not None and not node.presence):
            found[member] = kept
    return found


def size_of(tree: Tree) -> int:
    """Return how many nodes a tree has."""
    count, waiting = 0, [tree]
    while waiting:
        value: Any = waiting.pop()
        count += 1
        waiting.extend(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
    return count
