"""What the <config> of an <edit-config> says, as changes (RFC 6241 section 7.2, RFC 7950 sections 7 and 8.3.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from promise.errors import (
    BadAttribute,
    BadValue,
    DuplicateNode,
    Invalid,
    MissingAttribute,
    MissingElement,
    UnknownAttribute,
    UnknownElement,
    UnknownNamespace,
    Unsupported,
)
from promise.northbound.datastore import Kind
from promise.northbound.datastore import schema as all_nodes
from promise.northbound.editing import TAKING, Change, Edit, Insert, Operation, Place
from promise.northbound.message import BASE, split
from promise.northbound.qualified import qualified
from promise.northbound.treejson import free

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lxml.etree import _Element

    from promise.northbound.datastore import Node, Schema

YANG: Final = "urn:ietf:params:xml:ns:yang:1"

LATER: Final = frozenset({"ietf-subscribed-notifications:subscriptions"})
"""Configuration of the modules that this server does not have: subscriptions of RFC 8639 are dynamic here."""

CONFIG: Final = "/nc:rpc/nc:edit-config/nc:config"
"""The path of the element with the edit inside, where no other is told."""
_DEFAULT: Final = "{urn:ietf:params:xml:ns:netconf:default:1.0}default"
_PREDICATE: Final = re.compile(r"""\s*\[\s*(?:([\w.-]+):)?([\w.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')\s*\]\s*""")


def read_edit(config: _Element, default: Operation, schema: Schema, where: str = CONFIG) -> Edit:
    """Read the <config> of a request; `default` is its default-operation, `where` the path of that element.

    Raises:
        Invalid: an element or attribute may not stand where it does, or a value is not of its type.
        Unsupported: it names configuration that is known and cannot be edited.
    """
    _refuse_attributes(config, where)
    try:
        changes = tuple(_children(config, schema.top, default, "", schema))
    except Invalid as fault:
        fault.path = fault.path or where
        raise
    return Edit(changes, anew=default is Operation.REPLACE)


def read_apart(
    config: _Element, default: Operation, schema: Schema, where: str = CONFIG
) -> Iterator[Edit | Invalid | Unsupported]:
    """Read each part of a <config> as an edit of its own, or yield what is wrong with it (error-option, RFC 6241, 7.2).

    A part is a top-level node, or what stands in one that is a container and says nothing about itself.
    """
    _refuse_attributes(config, where)
    for top in config:
        node = schema.top.get(str(top.tag))
        if node is None or node.kind is not Kind.CONTAINER or len(top) == 0 or top.attrib:
            parts = [(config, schema.top, "", top)]
        else:
            parts = [(top, node.children, node.segment, element) for element in top]
        for parent, nodes, path, element in parts:
            try:
                (change,) = _children(parent, nodes, default, path, schema, [element])
            except (Invalid, Unsupported) as fault:
                fault.path = fault.path or where
                yield fault
            else:
                inside = node is not None and parent is top
                yield Edit((Change(node, default, path, children=(change,)) if inside and node else change,))


def _refuse_attributes(config: _Element, where: str) -> None:
    for key in config.attrib:
        name = split(str(key))[1]
        raise UnknownAttribute(f"<{split(config.tag)[1]}> has no attribute {name}", path=where, name=name)


def _children(
    parent: _Element,
    nodes: Mapping[str, Node],
    inherited: Operation,
    path: str,
    schema: Schema,
    elements: Iterable[_Element] | None = None,
) -> Iterator[Change]:
    """Read the elements inside another one, all or some; no node stands there twice."""
    _refuse_text(parent, path)
    seen: set[tuple[str, tuple[Any, ...]]] = set()
    rivals: set[str] = set()
    for element in parent if elements is None else elements:
        node = _node(element, nodes, path, schema)
        try:
            change = _read(element, node, inherited, path + node.segment, schema)
        except Invalid as fault:
            fault.path = fault.path or path + node.segment
            raise
        if (node.member, change.key) in seen:
            rule = "must be given once only" if not node.many else "is named twice in one edit"
            raise DuplicateNode(rule, path=change.path, name=node.name)
        seen.add((node.member, change.key))
        if change.operation not in TAKING:
            if rivals & {node.member}:
                raise DuplicateNode("is of another case of its choice than what is given beside it", path=change.path,
                                    name=node.name)  # fmt: skip
            rivals |= node.rivals
        yield change


def _node(element: _Element, nodes: Mapping[str, Node], path: str, schema: Schema) -> Node:
    """Return the node that an element means; it must be configuration that can be edited."""
    tag = str(element.tag)
    node = nodes.get(tag)
    namespace, name = split(tag)
    if node is None:
        if namespace not in schema.namespaces:
            rule = f"no module of this server has the namespace {namespace!r}"
            raise UnknownNamespace(rule, path=path, name=name, namespace=namespace)
        raise UnknownElement(f"no node {name} may stand here", path=path, name=name, namespace=namespace)
    if not node.config:
        rule = f"{name} is state, not configuration: it cannot be edited"
        raise UnknownElement(rule, path=path + node.segment, name=name, namespace=namespace)
    if node.member in LATER:
        raise Unsupported(f"editing <{name}>", path=path + node.segment)
    return node


def _read(element: _Element, node: Node, inherited: Operation, path: str, schema: Schema) -> Change:
    """Read one element."""
    given = _attributes(element, node)
    operation = Operation(given["operation"]) if "operation" in given else inherited
    if inherited in TAKING and operation not in TAKING:
        raise BadAttribute(f"{operation} has no meaning inside of what is to go", name="operation")
    match node.kind:
        case Kind.LEAF:
            value = None if operation in TAKING else _value(element, node)
            return Change(node, operation, path, None if _is_default(element, node, operation, value) else value)
        case Kind.LEAF_LIST:
            key: tuple[Any, ...] = (_value(element, node),)
            path += node.predicates(key)
            return Change(node, operation, path, key[0], key, insert=_insert(given, element, node, operation))
        case Kind.CONTAINER:
            return Change(
                node, operation, path, children=tuple(_children(element, node.children, operation, path, schema))
            )
        case Kind.LIST:
            return _entry(element, node, operation, path, given, schema)


def _value(element: _Element, node: Node) -> Any:
    if node.free:
        _refuse_text(element, "")
        return free(element, node.namespace, all_nodes().top)
    text = _text(element)
    return node.value(qualified(text, element.nsmap) if node.qualified else text)


def _is_default(element: _Element, node: Node, operation: Operation, value: Any) -> bool:
    """Tell whether a leaf is tagged as default: then nothing is to be set (RFC 6243 section 4.5.2)."""
    tag = str(element.get(_DEFAULT, "false")).strip()
    if tag in {"false", "0"}:
        return False
    if operation not in {Operation.CREATE, Operation.MERGE, Operation.REPLACE}:
        raise BadValue(f"must not be tagged as default with the operation {operation}", name=node.name)
    if tag not in {"true", "1"} or node.default is None or value != node.default:
        raise BadValue("must have its default value when it is tagged as default", name=node.name)
    return True


def _entry(
    element: _Element, node: Node, operation: Operation, path: str, given: Mapping[str, str], schema: Schema
) -> Change:
    """Read an entry of a list: all its keys must be there (RFC 7950 section 8.3.1)."""
    keys = [_key_leaf(element, node, member, path) for member in node.keys]
    values = []
    for member, leaf in zip(node.keys, keys, strict=True):
        try:
            values.append(node.child(member).value(_text(leaf)))
        except Invalid as fault:
            fault.path = path + node.child(member).segment
            raise
    key = tuple(values)
    path += node.predicates(key)
    children = tuple(_children(element, node.children, operation, path, schema))
    own = [change for change in children if change.node.member in node.keys]
    if operation not in TAKING and any(change.operation in TAKING for change in own):
        rule = "a key goes with its entry only: delete or remove the entry"
        raise BadAttribute(rule, path=own[0].path, name="operation")
    fresh = operation is not Operation.CREATE and any(change.operation is Operation.CREATE for change in own)
    rest = tuple(change for change in children if change.node.member not in node.keys)
    return Change(node, operation, path, None, key, rest, _insert(given, element, node, operation), fresh=fresh)


def _key_leaf(element: _Element, node: Node, member: str, path: str) -> _Element:
    leaf = node.child(member)
    found = element.find(f"{{{leaf.namespace}}}{leaf.name}")
    if found is None:
        raise MissingElement(f"an entry of {node.name} must have its key {leaf.name}", path=path, name=leaf.name)
    return found


def _attributes(element: _Element, node: Node) -> dict[str, str]:
    """Return the attributes that say what to do with a node, by name; those of other namespaces are annotations."""
    given: dict[str, str] = {}
    for key, value in element.attrib.items():
        namespace, name = split(str(key))
        known = (namespace == BASE and name == "operation") or (
            namespace == YANG and node.ordered and name in {"insert", "key" if node.kind is Kind.LIST else "value"}
        )
        if known:
            given[name] = str(value).strip()
        elif namespace in {"", BASE, YANG}:
            raise UnknownAttribute(f"{node.name} has no attribute {name}" + _hint(namespace, name), name=name)
    operations = [operation.value for operation in Operation if operation is not Operation.NONE]
    if given.get("operation", "merge") not in operations:
        raise BadAttribute(f"an operation is one of {', '.join(operations)}", name="operation")
    return given


def _hint(namespace: str, name: str) -> str:
    return f" without namespace; it is one of {BASE}" if not namespace and name == "operation" else ""


def _insert(given: Mapping[str, str], element: _Element, node: Node, operation: Operation) -> Insert | None:
    """Return where an entry is to stand, None when nothing is said (RFC 7950 sections 7.7.9 and 7.8.6)."""
    attribute = "key" if node.kind is Kind.LIST else "value"
    if "insert" not in given:
        if attribute in given:
            raise MissingAttribute(f"{attribute} says something only together with insert", name="insert")
        return None
    if operation in {*TAKING, Operation.NONE}:
        raise BadAttribute(f"insert has no meaning with the operation {operation}", name="insert")
    places = [place.value for place in Place]
    if given["insert"] not in places:
        raise BadAttribute(f"insert is one of {', '.join(places)}", name="insert")
    place = Place(given["insert"])
    if place in {Place.FIRST, Place.LAST}:
        if attribute in given:
            raise UnknownAttribute(f"{attribute} has no meaning with insert {place}", name=attribute)
        return Insert(place)
    if attribute not in given:
        raise MissingAttribute(f"insert {place} needs the attribute {attribute}", name=attribute)
    return Insert(place, _anchor(given[attribute], element, node, attribute), attribute)


def _anchor(text: str, element: _Element, node: Node, attribute: str) -> tuple[Any, ...]:
    """Return the key that an attribute names: "[p:id='…']" for a list, the value itself for a leaf-list."""
    try:
        if node.kind is Kind.LEAF_LIST:
            return (node.value(text),)
        found: dict[str, Any] = {}
        rest = text
        while match := _PREDICATE.match(rest):
            prefix, name, *quoted = match.groups()
            namespace = element.nsmap.get(prefix, "") if prefix else node.namespace
            leaf = node.children.get(f"{{{namespace}}}{name}")
            if leaf is not None and leaf.member in node.keys and leaf.member not in found:
                found[leaf.member] = leaf.value(next(value for value in quoted if value is not None))
            rest = rest[match.end() :]
        if not rest and found.keys() == set(node.keys):
            return tuple(found[member] for member in node.keys)
    except BadValue as fault:
        raise BadAttribute(f"the {attribute} of an anchor {fault.rule}", name=attribute) from None
    names = " ".join(node.child(member).segment[1:] for member in node.keys)
    raise BadAttribute(f"{attribute} must be predicates for the keys ({names}), such as [p:id='…']", name=attribute)


def _text(leaf: _Element) -> str:
    for child in leaf:
        namespace, name = split(str(child.tag))
        raise UnknownElement(f"a leaf holds no element {name}", name=name, namespace=namespace)
    return leaf.text or ""


def _refuse_text(parent: _Element, path: str) -> None:
    texts = [parent.text, *(child.tail for child in parent)]
    if any(text and text.strip() for text in texts):
        raise BadValue("must hold elements only, without text", path=path)
