"""What an answer shows: `content`, `with-origin`, `fields` and `depth`, on trees as RFC 7951 writes them.

The keys of a list entry always come with it, so that what is shown is valid data whatever was left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from promise.errors import BadParameter
from promise.northbound.datastore import Kind
from promise.northbound.port import Content
from promise.northbound.restconf.annotations import REMAINING, with_origin
from promise.northbound.restconf.paths import members

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from promise.northbound.datastore import Node, Schema
    from promise.northbound.restconf.query import Fields, Query


def shaped(value: Any, node: Node | None, query: Query, schema: Schema) -> Any:
    """Return what a query wants of a value; `node` is None for the datastore itself.

    A list is an array, also with one entry. The nodes that `fields` names are as deep as the target (section 4.8.2).
    Raises BadParameter when `fields` names a node that is not there.
    """
    if query.with_origin:
        value = with_origin(value, node, schema.top)
    if query.sublist_limit is not None:
        value = _each(value, node, lambda body: _shortened(body, _nodes(node, schema), query.sublist_limit or 1))
    if query.fields is not None:
        wanted = Wanted(query.fields, query.depth)
        if not value:
            _selected({}, node, wanted, schema)  # names must be right also where nothing is
        return _all_selected(value, node, wanted, schema)
    return value if query.depth is None else _cut(value, node, query.depth, _nodes(node, schema))


def _nodes(node: Node | None, schema: Schema) -> Mapping[str, Node]:
    """Return the children by the names that they have in a tree."""
    return {child.member: child for child in (node.children if node else schema.top).values()}


def _each(value: Any, node: Node | None, change: Callable[[Any], Any]) -> Any:
    """Apply a change to a body, or to each entry of a list."""
    if node is not None and node.kind is Kind.LIST and isinstance(value, list):
        return [change(entry) for entry in value]
    return change(value)


class Wanted(NamedTuple):
    """What is wanted of a node, and how many levels of each node that is named; None = all."""

    fields: Fields
    depth: int | None


def _selected(body: Any, node: Node | None, wanted: Wanted, schema: Schema) -> Any:
    if node is not None and node.kind in {Kind.LEAF, Kind.LEAF_LIST}:
        raise BadParameter(f"fields has no meaning for {node.name}, which has no children")
    known = members(node, schema)
    always = ("@", *(node.keys if node else ()))
    found = {member: body[member] for member in always if member in body}
    for name, inside in wanted.fields.items():
        child = known.get(name)
        if child is None:
            raise BadParameter(f'fields names "{name[:64]}", which {node.name if node else "the datastore"} has not')
        below = None if inside is None else Wanted(inside, wanted.depth)
        if child.member not in body:
            if below is not None:
                _selected({}, child, below, schema)  # names must be right also where nothing is
            continue
        found[child.member] = _chosen(body[child.member], child, below, wanted.depth, schema)
        if (annotation := f"@{child.member}") in body:
            found[annotation] = body[annotation]
    return found


def _chosen(value: Any, node: Node, inside: Wanted | None, depth: int | None, schema: Schema) -> Any:
    """Return a node that is named: what is wanted inside of it, or all of it, to the depth that is wanted."""
    if inside is not None:
        return _all_selected(value, node, inside, schema)
    return value if depth is None else _cut(value, node, depth, _nodes(node, schema))


def _all_selected(value: Any, node: Node | None, wanted: Wanted, schema: Schema) -> Any:
    return _each(value, node, lambda body: _selected(body, node, wanted, schema))


def _cut(value: Any, node: Node | None, depth: int, below: Mapping[str, Node]) -> Any:
    """Return a value with `depth` levels of it: 1 = itself alone (RFC 8040 section 4.8.2)."""
    if isinstance(value, list) and node is not None and node.kind is Kind.LIST:
        return [_cut_body(entry, node, depth, below) for entry in value]
    if isinstance(value, dict):
        return _cut_body(value, node, depth, below)
    return value


def _cut_body(body: dict[str, Any], node: Node | None, depth: int, below: Mapping[str, Node]) -> dict[str, Any]:
    if depth == 1:
        return {member: body[member] for member in ("@", *(node.keys if node else ())) if member in body}
    return {
        member: value
        if member.startswith("@")
        else _cut(value, below[member], depth - 1, {one.member: one for one in below[member].children.values()})
        for member, value in body.items()
    }


def _shortened(body: Any, nodes: Mapping[str, Node], most: int) -> Any:
    """Return a body with at most so many entries in each list inside; an annotation tells how many more there are."""
    if not isinstance(body, dict):
        return body
    found: dict[str, Any] = {}
    for member, value in body.items():
        node = nodes.get(member)
        if node is None or node.kind is Kind.LEAF:
            found[member] = value
            continue
        below = {one.member: one for one in node.children.values()}
        if node.kind is Kind.CONTAINER:
            found[member] = _shortened(value, below, most)
            continue
        found[member] = [_shortened(entry, below, most) for entry in value[:most]]
        if len(value) > most:
            found[f"@{member}"] = [{REMAINING: len(value) - most}]
    return found


def of_content(body: Any, node: Node, content: Content) -> Any:
    """Return what of a body is configuration, or is state; None when nothing of it is."""
    if content is Content.ALL or not isinstance(body, dict):
        return body
    found: dict[str, Any] = {}
    below = {child.member: child for child in node.children.values()}
    for member, value in body.items():
        if member.startswith("@"):
            continue
        child = below[member]
        if member in node.keys or (child.kind in {Kind.LEAF, Kind.LEAF_LIST} and _is(child, content)):
            found[member] = value
        elif child.kind is Kind.LIST:
            found[member] = [of_content(entry, child, content) for entry in value]
        elif child.kind is Kind.CONTAINER:
            found[member] = of_content(value, child, content)
    shown = {member: value for member, value in found.items() if value not in ({}, [])}
    return shown | {member: value for member, value in body.items() if member[:1] == "@" and member[1:] in shown}


def _is(node: Node, content: Content) -> bool:
    return node.config is (content is Content.CONFIG)
