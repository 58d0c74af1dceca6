"""What an answer shows: `content`, `with-defaults`, `fields` and `depth`, on trees as RFC 7951 writes them.

The keys of a list entry always come with it, so that what is shown is valid data whatever was left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promise.errors import BadParameter
from promise.northbound.datastore import Kind
from promise.northbound.port import Content
from promise.northbound.restconf.defaults import with_defaults
from promise.northbound.restconf.paths import members

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from promise.northbound.datastore import Node, Schema
    from promise.northbound.restconf.query import Fields, Query


def shaped(value: Any, node: Node | None, query: Query, schema: Schema) -> Any:
    """Return what a query wants of a value; `node` is None for the datastore itself.

    A list is an array, also with one entry. Raises BadParameter when `fields` names a node that is not there.
    """
    if query.with_defaults not in {None, "explicit"}:
        value = _defaulted(value, node, query.with_defaults or "", schema)
    if query.fields is not None:
        if not value:
            _selected({}, node, query.fields, schema)  # names must be right also where nothing is
        value = _all_selected(value, node, query.fields, schema)
    if query.depth is not None:
        value = _cut(value, node, query.depth, _nodes(node, schema))
    return value


def _defaulted(value: Any, node: Node | None, mode: str, schema: Schema) -> Any:
    """Return a body, or the entries of a list, with defaults; a leaf that is asked for is always shown."""
    if node is not None and node.kind in {Kind.LEAF, Kind.LEAF_LIST}:
        return value
    nodes = (node.children if node else schema.top).values()
    return _each(value, node, lambda body: with_defaults(body, nodes, mode))


def _nodes(node: Node | None, schema: Schema) -> Mapping[str, Node]:
    """Return the children by the names that they have in a tree."""
    return {child.member: child for child in (node.children if node else schema.top).values()}


def _each(value: Any, node: Node | None, change: Callable[[Any], Any]) -> Any:
    """Apply a change to a body, or to each entry of a list."""
    if node is not None and node.kind is Kind.LIST and isinstance(value, list):
        return [change(entry) for entry in value]
    return change(value)


def _selected(body: Any, node: Node | None, fields: Fields, schema: Schema) -> Any:
    if node is not None and node.kind in {Kind.LEAF, Kind.LEAF_LIST}:
        raise BadParameter(f"fields has no meaning for {node.name}, which has no children")
    known = members(node, schema)
    found = {member: body[member] for member in (node.keys if node else ()) if member in body}
    for name, inside in fields.items():
        child = known.get(name)
        if child is None:
            raise BadParameter(f'fields names "{name[:64]}", which {node.name if node else "the datastore"} has not')
        if child.member not in body:
            if inside is not None:
                _selected({}, child, inside, schema)  # names must be right also where nothing is
            continue
        value = body[child.member]
        found[child.member] = value if inside is None else _all_selected(value, child, inside, schema)
        if (annotation := f"@{child.member}") in body:
            found[annotation] = body[annotation]
    return found


def _all_selected(value: Any, node: Node | None, fields: Fields, schema: Schema) -> Any:
    return _each(value, node, lambda body: _selected(body, node, fields, schema))


def _cut(value: Any, node: Node | None, depth: int, below: Mapping[str, Node]) -> Any:
    """Return a value with `depth` levels of it: 1 = itself alone (RFC 8040 section 4.8.2)."""
    if isinstance(value, list) and node is not None and node.kind is Kind.LIST:
        return [_cut_body(entry, node, depth, below) for entry in value]
    if isinstance(value, dict):
        return _cut_body(value, node, depth, below)
    return value


def _cut_body(body: dict[str, Any], node: Node | None, depth: int, below: Mapping[str, Node]) -> dict[str, Any]:
    if depth == 1:
        return {member: body[member] for member in (node.keys if node else ()) if member in body}
    return {
        member: value
        if member.startswith("@")
        else _cut(value, below[member], depth - 1, {one.member: one for one in below[member].children.values()})
        for member, value in body.items()
    }


def of_content(body: Any, node: Node, content: Content) -> Any:
    """Return what of a body is configuration, or is state; None when nothing of it is."""
    if content is Content.ALL or not isinstance(body, dict):
        return body
    found: dict[str, Any] = {}
    below = {child.member: child for child in node.children.values()}
    for member, value in body.items():
        child = below[member]
        if member in node.keys or (child.kind in {Kind.LEAF, Kind.LEAF_LIST} and _is(child, content)):
            found[member] = value
        elif child.kind is Kind.LIST:
            found[member] = [of_content(entry, child, content) for entry in value]
        elif child.kind is Kind.CONTAINER:
            found[member] = of_content(value, child, content)
    return {member: value for member, value in found.items() if value not in ({}, [])}


def _is(node: Node, content: Content) -> bool:
    return node.config is (content is Content.CONFIG)
