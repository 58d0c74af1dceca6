"""The YANG of the configuration: which nodes there may be, what their values are, and whether a whole tree is valid.

A tree is what RFC 7951 writes: JSON objects, arrays and scalars, `{"opnfv-promise:promise": {...}}`. yangson judges it;
this module is the only one that knows yangson.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from xml.etree import ElementTree as ET  # yangson writes no other

from lxml import etree
from yangson import DataModel, datatype, exceptions, schemanode
from yangson.enumerations import ContentType, DefaultDeny, ValidationScope

from promise.errors import (
    BadValue,
    DataMissing,
    Inapplicable,
    Invalid,
    MissingChoice,
    MissingElement,
    MustViolation,
    NotUnique,
    UnknownElement,
)
from promise.northbound.library.modules import library
from promise.northbound.qualified import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Tree: TypeAlias = dict[str, Any]
"""The whole configuration, or what is in a container or list entry of it; names as RFC 7951 section 4 writes them."""

_LEXICAL: Final = (
    (datatype.IntegralType, re.compile(r"[+-]?[0-9]{1,20}")),
    (datatype.Decimal64Type, re.compile(r"[+-]?[0-9]{1,20}(?:\.([0-9]{1,18}))?")),
)
"""What numbers look like (RFC 7950 sections 9.2.1 and 9.3.1); Python reads more than that."""

_PARSER: Final = etree.XMLParser(resolve_entities=False, no_network=True)
"""What it reads we have written ourselves."""

_AT_ENTRY: Final = re.compile(r"data-not-unique: entry (\d+)")


class Kind(Enum):
    """The kinds of data node that there are."""

    LEAF = auto()
    CONTAINER = auto()
    LIST = auto()
    LEAF_LIST = auto()


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A data node of the schema; `member` is its name in the tree, `segment` its step in a path.

    `keys` are the members of a list's keys, none for other nodes. `ordered` is `ordered-by user`, `presence` that
    of a container. `value` reads the text of a leaf, or of an entry of a leaf-list. `default` is what a leaf of the
    configuration is when it is absent, as RFC 7951 writes it. `qualified` tells that its value has names in it,
    with the names of their modules as prefixes; `numeric` that it is a number; `instance` that it is the path of a
    node. `rivals` are the members of the other cases of the choices that it is in: they go when it comes (RFC 7950
    section 7.9). `free` tells that it is anydata: it is replaced as a whole, like a leaf, and its value is what RFC
    7951 writes of whatever stands in it.
    """

    name: str
    namespace: str
    member: str
    segment: str
    kind: Kind
    config: bool
    children: Mapping[str, Node]
    keys: tuple[str, ...] = ()
    ordered: bool = False
    presence: bool = False
    value: Callable[[str], Any] = field(default=str, repr=False)
    default: Any = None
    qualified: bool = False
    numeric: bool = False
    instance: bool = False
    rivals: frozenset[str] = frozenset()
    free: bool = False

    @property
    def many(self) -> bool:
        """Tell whether there may be several entries of it."""
        return self.kind is Kind.LIST or self.kind is Kind.LEAF_LIST

    @property
    def key_tags(self) -> frozenset[str]:
        """The tags of the keys of a list."""
        return frozenset(tag for tag, node in self.children.items() if node.member in self.keys)

    def child(self, member: str) -> Node:
        """Return the child with this name in the tree."""
        return next(node for node in self.children.values() if node.member == member)

    def key_of(self, entry: Any) -> tuple[Any, ...]:
        """Return what tells an entry of a list, or of a leaf-list, from the others."""
        return (entry,) if self.kind is Kind.LEAF_LIST else tuple(entry[key] for key in self.keys)

    def predicates(self, key: tuple[Any, ...]) -> str:
        """Return the predicates with which a path chooses the entry with this key."""
        if self.kind is Kind.LEAF_LIST:
            return f"[.={_literal(str(key[0]))}]"
        names = [self.child(member).segment[1:] for member in self.keys]
        return "".join(f"[{name}={_literal(str(value))}]" for name, value in zip(names, key, strict=True))


class Schema:
    """The data nodes of the modules, by tag ("{namespace}name") from the top, and the judge of whole trees."""

    def __init__(self, folder: Path) -> None:
        listed = (folder / "library.json").read_text(encoding="utf-8")
        self._model = DataModel(listed, [str(folder), str(folder / "ietf")])
        self.top: Mapping[str, Node] = {
            f"{{{node.namespace}}}{node.name}": node for node in map(_node, self._model.schema.data_children())
        }
        self.namespaces = frozenset(module.namespace for module in library().modules.values())
        self.operations = frozenset(
            (node.ns, node.name)
            for node in self._model.schema.children
            if isinstance(node, schemanode.RpcActionNode | schemanode.NotificationNode)
        )
        """The operations and notifications, by module and name."""
        self.denials: Mapping[tuple[tuple[str, str], ...], str] = dict(_denials(self._model.schema, ()))
        """What the modules mark: "all" (nacm:default-deny-all) or "write", by the (module, name) of each step."""

    def derives(self, identity: tuple[str, str], base: tuple[str, str]) -> bool:
        """Tell whether an identity is derived from another one; both by namespace and name."""
        modules = {module.namespace: module.name for module in library().modules.values()}
        (space, name), (space_of_base, name_of_base) = identity, base
        known = self._model.schema_data.identity_adjs
        one, other = (name, modules.get(space)), (name_of_base, modules.get(space_of_base))
        return one in known and other in known and self._model.schema_data.is_derived_from(one, other)

    def elements(self, tree: Tree) -> list[etree._Element]:
        """Return a tree, of configuration or of state, as XML elements (RFC 7950); it has to be valid."""
        found = self._model.from_raw(tree).to_xml()
        return [etree.fromstring(ET.tostring(child), _PARSER) for child in found]

    def validate(self, tree: Tree) -> None:
        """Raise the `Invalid` that says where the tree is not a valid configuration (RFC 7950 section 8.3.3)."""
        try:
            self._model.from_raw(tree).validate(ValidationScope.all, ContentType.config)
        except exceptions.ValidationError as error:
            raise self._told(error) from None
        except TypeError:  # yangson cannot name the cases of a mandatory choice when it wants to say that none is there
            found = next(_choices_without_case(self._model.schema, tree, self.top, ""), ("", ""))
            raise MissingChoice("a mandatory choice has no case", path=found[0], name=found[1]) from None

    def _told(self, error: exceptions.ValidationError) -> Invalid:
        """Return what yangson found in the words of RFC 7950 section 15."""
        path, tag, why = self._path(error.instance), error.tag or "", error.message or ""
        if entry := _AT_ENTRY.fullmatch(tag):
            return self._not_unique(error.instance, int(entry[1]), path)
        match tag:
            case "missing-data":
                return _missing(error.instance, path, why)
            case "instance-required":
                return DataMissing("must refer to something that is there", path=path, app_tag=tag)
            case "too-few-elements" | "too-many-elements":
                return Inapplicable(f"has {tag.replace('-', ' ')}", path=path, app_tag=tag)
        if isinstance(error, exceptions.YangTypeError):
            return BadValue(f"must be of its type: {why}", path=path, app_tag="" if tag == "invalid-type" else tag)
        if isinstance(error, exceptions.SchemaError):
            return UnknownElement(f"must not hold {why}", path=path, name=why)
        return MustViolation(why or "must satisfy the schema", path=path, app_tag=tag)

    def _not_unique(self, series: Any, entry: int, path: str) -> NotUnique:
        """Return which leaves of which entries are equal to those of this entry (RFC 7950 section 15.1)."""
        for unique in series.schema_node.unique:
            values = [
                [found.value for spec in unique for found in spec.evaluate(series[at])] for at in range(entry + 1)
            ]
            same = [at for at, value in enumerate(values) if value and value == values[entry]]
            if len(same) > 1:
                nodes = tuple(
                    self._path(found) for at in same for spec in unique for found in spec.evaluate(series[at])
                )
                found = NotUnique(f"must be unique: {values[entry][0]} is there twice", path=nodes[-1])
                found.nodes = nodes
                return found
        return NotUnique("must be unique", path=path)

    def _path(self, instance: Any) -> str:
        """Return the path of an instance as an XPath with the prefixes of the modules."""
        path, children, value = "", self.top, instance.top().value
        node: Node | None = None
        for step in instance.path:
            value = value[step]
            if isinstance(step, int):
                assert node is not None
                path += node.predicates(node.key_of(value))
            else:
                node = next(child for child in children.values() if child.member == step)
                path, children = path + node.segment, node.children
        return path


@cache
def schema() -> Schema:
    """Return the schema of the modules that come with this package; reading it takes a moment, once."""
    package = Path(__file__).parents[1]
    installed = package / "yang"
    return Schema(installed if installed.is_dir() else package.parent / "yang")


def _missing(instance: Any, path: str, why: str) -> Invalid:
    """Return which mandatory node is not there."""
    there, schema_node = instance.value, instance.schema_node
    absent = [node for node in schema_node.data_children() if node.mandatory_config and node.name not in there]
    absent.sort(key=lambda node: node.parent is not schema_node)  # those of a choice are not wanted in every case
    name = absent[0].name if absent else ""
    rule = f"must have an element {name}" if name else f"must be given: {why}"
    return MissingElement(rule, path=f"{path}{_segment_of(instance, name)}", name=name)


def _choices_without_case(found: Any, tree: Tree, nodes: Mapping[str, Node], path: str) -> Iterator[tuple[str, str]]:
    """Yield the mandatory choices of which nothing is there: the path of where it would be, and the choice's name."""
    for choice in found.children:
        wanted = isinstance(choice, schemanode.ChoiceNode) and choice.mandatory and choice.config
        if wanted and not any(node.iname() in tree for node in choice.data_children()):
            yield path, choice.name
    below = {node.iname(): node for node in found.data_children()}
    for node in nodes.values():
        if node.member in tree and node.kind is Kind.CONTAINER:
            yield from _choices_without_case(below[node.member], tree[node.member], node.children, path + node.segment)
        for entry in tree.get(node.member, ()) if node.kind is Kind.LIST else ():
            at = f"{path}{node.segment}{node.predicates(node.key_of(entry))}"
            yield from _choices_without_case(below[node.member], entry, node.children, at)


def _segment_of(instance: Any, name: str) -> str:
    return f"/{library().modules[instance.schema_node.ns].prefix}:{name}" if name else ""


def _node(found: Any) -> Node:
    """Return our view of a data node, with all that is below it; choices and cases are no data nodes."""
    module = library().modules[found.ns]
    children = {f"{{{node.namespace}}}{node.name}": node for node in _siblings(_children(found))}
    kind, more = _kind(found, children)
    return Node(
        name=found.name,
        namespace=module.namespace,
        member=found.iname(),
        segment=f"/{module.prefix}:{found.name}",
        kind=kind,
        config=found.config,
        children=children,
        **more,
    )


def _denials(above: Any, path: tuple[tuple[str, str], ...]) -> Iterator[tuple[tuple[tuple[str, str], ...], str]]:
    """Yield what is marked below a node of the schema: data, operations and notifications (RFC 8341 section 3.2.2)."""
    for node in getattr(above, "children", ()):
        choice = isinstance(node, schemanode.CaseNode | schemanode.ChoiceNode)
        steps = path if choice else (*path, (node.ns, node.name))
        said = getattr(node, "default_deny", DefaultDeny.none)
        if said is not DefaultDeny.none:
            yield steps, said.name
        yield from _denials(node, steps)


def _siblings(found: Sequence[Any]) -> list[Node]:
    cases = [_cases(one) for one in found]
    return [
        replace(_node(one), rivals=frozenset(other.iname() for other, theirs in zip(found, cases, strict=True)
                                             if any(theirs.get(choice, case) != case for choice, case in own.items())))
        for one, own in zip(found, cases, strict=True)
    ]  # fmt: skip


def _cases(found: Any) -> dict[Any, Any]:
    """Return the choices around a node, each with its case."""
    cases, case, up = {}, None, found.parent
    while isinstance(up, schemanode.CaseNode | schemanode.ChoiceNode):
        if isinstance(up, schemanode.CaseNode):
            case = up.qual_name
        else:
            cases[up.qual_name] = case
        up = up.parent
    return cases


def _children(found: Any) -> Sequence[Any]:
    return found.data_children() if isinstance(found, schemanode.InternalNode) else []


def _kind(found: Any, children: Mapping[str, Node]) -> tuple[Kind, dict[str, Any]]:
    match found:
        case schemanode.ListNode():
            named = {(node.name, node.namespace): node.member for node in children.values()}
            keys = tuple(named[name, library().modules[module].namespace] for name, module in found.keys)
            return Kind.LIST, {"keys": keys, "ordered": found.user_ordered}
        case schemanode.LeafListNode():
            return Kind.LEAF_LIST, {"ordered": found.user_ordered, **_of_type(found.type)}
        case schemanode.LeafNode():
            default = found.type.to_raw(found.default) if found.config and found.default is not None else None
            return Kind.LEAF, {"default": default, **_of_type(found.type)}
        case schemanode.AnydataNode():
            return Kind.LEAF, {"free": True}
        case _:
            return Kind.CONTAINER, {"presence": bool(getattr(found, "presence", False))}


def _of_type(kind: Any) -> dict[str, Any]:
    """Return what follows from the type of a leaf; a leafref is of the type of what it refers to."""
    if isinstance(kind, datatype.LeafrefType):
        return _of_type(kind.ref_type)
    numeric = isinstance(kind, datatype.IntegralType | datatype.Decimal64Type)
    instance = kind.name == "node-instance-identifier" or isinstance(kind, datatype.InstanceIdentifierType)
    return {"value": _reader(kind), "qualified": _qualified(kind), "numeric": numeric, "instance": instance}


_CANONICAL: Final[Mapping[str, Callable[[str], str]]] = {"uuid": str.lower, "node-instance-identifier": shortened}
"""The canonical form of what is a string to yangson, by the name of the type."""


def _qualified(kind: Any) -> bool:
    if isinstance(kind, datatype.LeafrefType):
        return _qualified(kind.ref_type)
    names = kind.name in {"xpath1.0", "node-instance-identifier"}
    return names or isinstance(kind, datatype.IdentityrefType | datatype.InstanceIdentifierType)


def _reader(kind: Any) -> Callable[[str], Any]:
    """Return what makes the JSON value, in canonical form, of a leaf's text; it raises BadValue."""
    shape = next((pattern for base, pattern in _LEXICAL if isinstance(kind, base)), None)
    is_string = isinstance(kind, datatype.StringType)
    digits = getattr(kind, "fraction_digits", 20)

    def read(text: str) -> Any:
        text = text if is_string else text.strip(" \t\r\n")
        found = shape.fullmatch(text) if shape else None
        finer = found is not None and len((found.group(found.re.groups) or "").rstrip("0")) > digits
        value = None if (shape and not found) or finer else kind.parse_value(text)
        if value is None or value not in kind:
            raise BadValue(f"must be of its type: {kind.error_message if value is not None else f'expected {kind}'}")
        return kind.to_raw(value) if canonical is None else canonical(kind.to_raw(value))

    canonical = _CANONICAL.get(kind.name)
    return read


def _literal(text: str) -> str:
    """Return an XPath literal."""
    if "'" not in text:
        return f"'{text}'"
    return f'"{text}"' if '"' not in text else "concat('" + text.replace("'", "',\"'\",'") + "')"


def text_of(value: Any) -> str:
    """Return the text of a leaf's value, which RFC 7951 has written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value == [None] else str(value)
