"""What a request changes: its body as changes placed at the target, with what must hold for it (RFC 8040 section 4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from promise.errors import BadParameter, BadValue, Malformed, NoResource, UnknownAttribute, UnknownElement
from promise.northbound.codec import parse_json
from promise.northbound.datastore import Kind
from promise.northbound.editing import Change, Edit, Insert, Operation, Place
from promise.northbound.editjson import read_members
from promise.northbound.editxml import YANG, read_edit
from promise.northbound.message import BASE, escape, parse, split
from promise.northbound.restconf.exchange import RESTCONF, Encoding
from promise.northbound.restconf.paths import read_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lxml.etree import _Element

    from promise.northbound.datastore import Node, Schema, Tree
    from promise.northbound.restconf.paths import Target
    from promise.northbound.restconf.query import Query

DATA: Final = "ietf-restconf:data"
_DATA: Final = f"{{{RESTCONF}}}data"
_ROOT: Final = "/restconf/data"


@dataclass(frozen=True)
class Guarded(Edit):
    """An edit that first looks at the tree which it is about to change: `guard` raises when it may not be made."""

    guard: Callable[[Tree], None] = lambda _tree: None

    def applied(self, tree: Tree) -> Tree:
        """Return the tree as the edit makes it."""
        self.guard(tree)
        return Edit.applied(self, tree)


def nested(target: Target, changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return changes inside a target, which itself stays as it is."""
    found = tuple(changes)
    for depth in range(len(target.steps), 0, -1):
        node, key = target.steps[depth - 1]
        path = type(target)(target.steps[:depth]).path
        found = (Change(node, Operation.NONE, path, None, key or (), found),)
    return found


def read_body(body: bytes, encoding: Encoding, parent: Target, operation: Operation, schema: Schema) -> list[Change]:
    """Return what a body says about children of a parent. Raises errors.Invalid."""
    if encoding is Encoding.JSON:
        return from_json(parse_json(body), parent, operation, schema)
    return from_xml([parse(body)], parent, operation, schema)


def read_datastore(body: bytes, encoding: Encoding, operation: Operation, schema: Schema) -> list[Change]:
    """Return what a body says that has the whole datastore inside."""
    nowhere = read_path("", schema)
    if encoding is Encoding.JSON:
        raw = parse_json(body)
        if type(raw) is not dict or list(raw) != [DATA]:
            raise Malformed(f'the body must be a JSON object with one member, "{DATA}"')
        return from_json(raw[DATA], nowhere, operation, schema)
    root = parse(body)
    if root.tag != _DATA:
        raise UnknownElement(f"the body must be an element data of {RESTCONF}", name=split(root.tag)[1])
    return from_xml(list(root), nowhere, operation, schema)


def from_json(raw: Any, parent: Target, operation: Operation, schema: Schema) -> list[Change]:
    """Return what the members of an object say about children of a parent."""
    nodes = parent.node.children if parent.steps else schema.top
    return list(read_members(raw, {node.name: node for node in nodes.values()}, operation, parent.path))


def from_xml(elements: Sequence[_Element], parent: Target, operation: Operation, schema: Schema) -> list[Change]:
    """Return what elements say about children of a parent: they are read where they would stand in an <edit-config>."""
    for element in elements:
        _refuse_orders(element)
    before, after = f'<config xmlns="{BASE}">', "</config>"
    for node, key in parent.steps:
        values = zip(node.keys, key or (), strict=True)
        leaves = "".join(_leaf(node.child(member), value) for member, value in values)
        before, after = f'{before}<{node.name} xmlns="{node.namespace}">{leaves}', f"</{node.name}>{after}"
    inside = b"".join(etree.tostring(element, with_tail=False) for element in elements)
    config = parse(before.encode() + inside + after.encode())  # an element that is moved would lose prefixes of values
    changes = read_edit(config, operation, schema).changes
    for _ in parent.steps:
        changes = changes[0].children
    return list(changes)


def _leaf(node: Node, value: Any) -> str:
    return f'<{node.name} xmlns="{node.namespace}">{escape(str(value))}</{node.name}>'


def _refuse_orders(element: _Element) -> None:
    """Raise for attributes with which an <edit-config> says what to do: here the method says it."""
    for one in element.iter():
        for key in one.attrib:
            namespace, name = split(str(key))
            if namespace in {BASE, YANG}:
                raise UnknownAttribute(f"{split(one.tag)[1]} must have no attribute {name} in RESTCONF", name=name)


def single(changes: Sequence[Change]) -> Change:
    """Return the only change of a body."""
    if len(changes) != 1:
        raise BadValue(f"the body must hold one node, and one entry of a list; here are {len(changes)}")
    return changes[0]


def about(target: Target, change: Change) -> Change:
    """Return the change of a body when it is about the target. Raises BadValue when it is about something else."""
    if change.node is not target.node:
        raise BadValue(
            f"the body must hold {target.node.name}, as the URI does", path=change.path, name=change.node.name
        )
    if target.key is not None and change.key != target.key:
        raise BadValue("the key in the body must be that in the URI", path=change.path)
    return change


def placed(change: Change, parent: Target, query: Query, schema: Schema) -> Change:
    """Return a change with the place at which its entry is to stand (RFC 8040 sections 4.8.5 and 4.8.6)."""
    if query.insert is None:
        return change
    node = change.node
    if not node.ordered:
        raise BadParameter(f"insert has no meaning for {node.name}, which is not ordered by the user")
    point = None if query.point is None else query.point.removeprefix(_ROOT)  # a path, or one with {+restconf}/data
    return replace(change, insert=place(query.insert, point, parent, change, schema))


def place(where: Place, point: str | None, parent: Target, change: Change, schema: Schema) -> Insert:
    """Return where an entry is to stand; `point` names another entry of the same list by its path."""
    if where in {Place.FIRST, Place.LAST}:
        return Insert(where)
    try:
        anchor = read_path(point or "", schema)
    except NoResource as error:
        raise BadParameter(f"point: {error.rule}") from None
    if not anchor.steps or anchor.parent != parent or anchor.node is not change.node or anchor.key is None:
        raise BadParameter(f"point must be the path of another entry of this list {change.node.name}")
    return Insert(where, anchor.key, "key" if change.node.kind is Kind.LIST else "value")
