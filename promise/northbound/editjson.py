"""What a JSON body says about configuration, as changes (RFC 7951); `editxml` does the same for XML."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from promise.errors import (
    BadValue,
    DuplicateNode,
    Invalid,
    MissingElement,
    UnknownElement,
    UnknownNamespace,
    Unsupported,
)
from promise.northbound.codec.annotation import check_annotation
from promise.northbound.datastore import Kind
from promise.northbound.editing import Change, Operation
from promise.northbound.editxml import LATER
from promise.northbound.library.modules import library
from promise.northbound.treejson import check_free

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from promise.northbound.datastore import Node

_DEFAULT: Final = "ietf-netconf-with-defaults:default"
_LONGEST: Final = 64
_MODULES: Final = {module.namespace: module.name for module in library().modules.values()}


def read_members(
    body: Any, nodes: Mapping[str, Node], operation: Operation, path: str, home: str = ""
) -> tuple[Change, ...]:
    """Return what the members of an object say; `nodes` are those that may be there, `home` their parent's namespace.

    Raises:
        Invalid: a member may not stand where it does, or a value is not of its type.
        Unsupported: it is configuration that is known and cannot be edited.
    """
    return tuple(_members(body, nodes, operation, path, home))


def _members(body: Any, nodes: Mapping[str, Node], operation: Operation, path: str, home: str) -> Iterator[Change]:
    if type(body) is not dict:
        raise BadValue("must be a JSON object", path=path)
    known = _names(tuple(nodes.values()), home)
    seen: set[str] = set()
    for name, value in body.items():
        if name.startswith("@"):
            check_annotation(name[1:], body, known=not name[1:] or name[1:] in known)
            continue
        node = _node(name, known, path)
        if node.member in seen:
            raise DuplicateNode("must be given once", path=path + node.segment, name=node.name)
        seen.add(node.member)
        changes = read_node(node, value, operation, path)
        tags = body.get(f"@{name}") if node.kind is Kind.LEAF else None
        yield from changes if type(tags) is not dict else (_as_default(change, tags) for change in changes)


def _as_default(change: Change, tags: Mapping[str, Any]) -> Change:
    """Return the change of a leaf; one that is tagged as default is not to be set (RFC 6243 section 4.5.2)."""
    if not tags.get(_DEFAULT):
        return change
    if tags[_DEFAULT] is not True or change.node.default is None or change.value != change.node.default:
        rule = "must have its default value when it is tagged as default"
        raise BadValue(rule, path=change.path, name=change.node.name)
    return replace(change, operation=Operation.REMOVE)


def read_node(node: Node, value: Any, operation: Operation, path: str) -> Iterator[Change]:
    """Yield what the value of a node says: of a list or leaf-list, what each of its entries says."""
    editable(node, path)
    if not node.many:
        yield _change(node, value, operation, path + node.segment)
        return
    if type(value) is not list:
        raise BadValue("must be a JSON array", path=path + node.segment)
    seen = set()
    for entry in value:
        change = _entry(node, entry, operation, path + node.segment)
        if change.key in seen:
            raise DuplicateNode("is named twice in one edit", path=change.path, name=node.name)
        seen.add(change.key)
        yield change


def editable(node: Node, path: str) -> None:
    """Raise for a node that no edit can change."""
    if not node.config:
        rule = f"{node.name} is state, not configuration: it cannot be edited"
        raise UnknownElement(rule, path=path + node.segment, name=node.name, namespace=node.namespace)
    if node.member in LATER:
        raise Unsupported(f"editing <{node.name}>", path=path + node.segment)


@cache
def _names(nodes: tuple[Node, ...], home: str) -> Mapping[str, Node]:
    found = {f"{_MODULES[node.namespace]}:{node.name}": node for node in nodes}
    return found | {node.name: node for node in nodes if node.namespace == home}


def _node(name: str, known: Mapping[str, Node], path: str) -> Node:
    node = known.get(name)
    if node is None:
        module, colon, local = name[:_LONGEST].rpartition(":")
        if colon and module not in _MODULES.values():
            raise UnknownNamespace(f"no module of this server has the name {module}", path=path, name=local)
        hint = ", ".join(sorted({one.name for one in known.values()}))
        raise UnknownElement(f"no node {name[:_LONGEST]} may stand here; it may be {hint}", path=path, name=local)
    return node


def _change(node: Node, value: Any, operation: Operation, path: str) -> Change:
    """Read a leaf or a container."""
    if node.free:
        check_free(value, path)
        return Change(node, operation, path, value)
    if node.kind is Kind.LEAF:
        return Change(node, operation, path, _scalar(node, value, path))
    return Change(node, operation, path, children=read_members(value, node.children, operation, path, node.namespace))


def _entry(node: Node, value: Any, operation: Operation, path: str) -> Change:
    """Read an entry of a list, all of whose keys must be there, or of a leaf-list."""
    if node.kind is Kind.LEAF_LIST:
        scalar = _scalar(node, value, path)
        return Change(node, operation, path + node.predicates((scalar,)), scalar, (scalar,))
    children = read_members(value, node.children, operation, path, node.namespace)
    given = {change.node.member: change.value for change in children}
    for member in node.keys:
        if member not in given:
            name = node.child(member).name
            raise MissingElement(f"an entry of {node.name} must have its key {name}", path=path, name=name)
    key = tuple(given[member] for member in node.keys)
    own = path + node.predicates(key)
    rest = _moved((change for change in children if change.node.member not in node.keys), path, own)
    return Change(node, operation, own, None, key, tuple(rest))


def _moved(changes: Iterable[Change], path: str, own: str) -> Iterator[Change]:
    """Return changes with the path that is known once the key of their entry is."""
    for change in changes:
        inside = tuple(_moved(change.children, path, own))
        where = own + change.path.removeprefix(path)
        yield Change(change.node, change.operation, where, change.value, change.key, inside, change.insert)


def _scalar(node: Node, value: Any, path: str) -> Any:
    """Return the value of a leaf in canonical form; it must be of the JSON type that RFC 7951 section 6 demands."""
    if type(value) is bool:
        text = "true" if value else "false"
    elif type(value) in {str, int}:
        text = str(value)
    elif value == [None]:
        text = ""
    else:
        wanted = "a number without fraction or exponent" if type(value) is float else "a string, number or boolean"
        raise BadValue(f"must be a JSON value as RFC 7951 writes its type: {wanted}", path=path)
    try:
        found = node.value(text)
    except Invalid as fault:
        fault.path = fault.path or path
        raise
    if type(found) is not type(value):
        kinds = {str: "string", int: "number", bool: "boolean"}
        raise BadValue(f"must be a JSON {kinds.get(type(found), 'array [null]')} (RFC 7951 section 6)", path=path)
    return found
