"""What a URI names: the data resources of RFC 8040 section 3.5.3, step by step through the schema."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from promise.errors import BadParameter, Invalid, NoResource
from promise.northbound.datastore import Kind
from promise.northbound.library.modules import library

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promise.northbound.datastore import Node, Schema, Tree

DEEPEST: Final = 64
"""So many steps may a path have."""

_BROKEN: Final = re.compile("%(?![0-9A-Fa-f]{2})")

_MODULE_OF: Final = {module.namespace: module.name for module in library().modules.values()}


class Step(NamedTuple):
    """A node of the path; `key` chooses an entry of a list or leaf-list, None = the node, or the whole list."""

    node: Node
    key: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A data resource; without steps it is the datastore."""

    steps: tuple[Step, ...]

    @property
    def node(self) -> Node:
        """The node that the path ends at."""
        return self.steps[-1].node

    @property
    def key(self) -> tuple[Any, ...] | None:
        """The key of the entry that the path ends at."""
        return self.steps[-1].key

    @property
    def whole_list(self) -> bool:
        """Whether it is a list or leaf-list with all its entries."""
        return bool(self.steps) and self.node.many and self.key is None

    @property
    def parent(self) -> Target:
        """What it stands in."""
        return Target(self.steps[:-1])

    @property
    def path(self) -> str:
        """The XPath of the resource, with the prefixes of the modules."""
        return "".join(
            step.node.segment + (step.node.predicates(step.key) if step.key is not None else "") for step in self.steps
        )

    def below(self, node: Node, key: tuple[Any, ...] | None = None) -> Target:
        """Return a child."""
        return Target((*self.steps, Step(node, key)))

    def uri(self) -> str:
        """Return the path of the URI below {+restconf}/data, percent-encoded (RFC 8040 section 3.5.3)."""
        return "".join(
            f"/{_segment(step, outer)}" for step, outer in zip(self.steps, (None, *self.steps), strict=False)
        )

    def found_in(self, tree: Tree) -> Any:
        """Return the value of the resource in a tree, None when it is not there."""
        try:
            return self.value_in(tree)
        except KeyError:
            return None

    def exists_in(self, tree: Tree) -> bool:
        """Tell whether it is there; containers without presence are where their parent is, and the datastore is."""
        for depth in range(len(self.steps), 0, -1):
            node = self.steps[depth - 1].node
            if node.kind is not Kind.CONTAINER or node.presence:
                return Target(self.steps[:depth]).found_in(tree) is not None
        return True

    def value_in(self, tree: Tree) -> Any:
        """Return the value of the resource in a tree, for an entry of a list that entry. Raises KeyError: not there."""
        found: Any = tree
        for step in self.steps:
            found = found[step.node.member]
            if step.key is not None:
                found = next((entry for entry in found if step.node.key_of(entry) == step.key), None)
                if found is None:
                    raise KeyError(step.key)
        return found


def _segment(step: Step, outer: Step | None) -> str:
    node = step.node
    name = node.name if outer and outer.node.namespace == node.namespace else qualified(node)
    if step.key is None:
        return name
    return f"{name}={','.join(quote(_text(value), safe='') for value in step.key)}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def qualified(node: Node) -> str:
    """Return the name of a node with that of its module, as it stands at the top of a document in JSON."""
    return f"{_MODULE_OF[node.namespace]}:{node.name}"


@lru_cache(1024)
def read_path(path: str, schema: Schema) -> Target:
    """Return the resource that a path below {+restconf}/data names; it is percent-encoded and begins with "/".

    Raises:
        NoResource: a step names no node of the schema.
        Invalid: a step is malformed, or a key is missing, surplus or not of its type.
    """
    segments = path.split("/")[1:]
    if segments and not segments[-1]:
        segments.pop()  # a slash at the end is a habit of people
    if len(segments) > DEEPEST:
        raise BadParameter(f"a path has at most {DEEPEST} steps")
    steps: list[Step] = []
    for position, segment in enumerate(segments):
        step = _step(segment, steps[-1].node if steps else None, schema)
        if step.key is None and step.node.many and position < len(segments) - 1:
            raise BadParameter(f"a path through {step.node.name} must choose an entry by its key: {_form(step.node)}")
        steps.append(step)
    return Target(tuple(steps))


def _step(segment: str, parent: Node | None, schema: Schema) -> Step:
    name, equals, keys = segment.partition("=")
    name = decoded(name)
    node = members(parent, schema).get(name)
    if node is None:
        raise _unknown(name, parent, schema)
    if not equals:
        return Step(node)
    if not node.many:
        raise BadParameter(f"{node.name} is no list: its step in a path has no key")
    return Step(node, _key(node, [decoded(value) for value in keys.split(",")]))


def _key(node: Node, texts: Sequence[str]) -> tuple[Any, ...]:
    """Return the key of an entry in canonical form."""
    leaves = [node] if node.kind is Kind.LEAF_LIST else [node.child(member) for member in node.keys]
    if len(texts) != len(leaves) or not leaves:
        raise BadParameter(f"the step of an entry must be {_form(node)}, its values percent-encoded")
    found = []
    for leaf, text in zip(leaves, texts, strict=True):
        try:
            found.append(leaf.value(text))
        except Invalid as fault:
            raise BadParameter(f"the key {leaf.name} of {node.name} {fault.rule}") from None
    return tuple(found)


def _form(node: Node) -> str:
    names = ["value"] if node.kind is Kind.LEAF_LIST else [node.child(member).name for member in node.keys]
    return f"{node.name}={','.join(f'<{name}>' for name in names)}"


def _unknown(name: str, parent: Node | None, schema: Schema) -> Invalid:
    """Return what is wrong with a step that names no node."""
    if not name:
        return BadParameter("a step of a path must not be empty")
    if parent is None and ":" not in name:
        return BadParameter(f'the first step of a path must begin with the name of a module: "module:{name[:64]}"')
    known = ", ".join(sorted({node.name if parent else qualified(node) for node in _children(parent, schema)}))
    where = parent.name if parent else "the datastore"
    return NoResource(f'{where} has no node "{name[:64]}"' + (f"; it has {known}" if known else ""))


@cache
def _below(parent: Node) -> Mapping[str, Node]:
    found = {qualified(node): node for node in parent.children.values()}
    found.update({node.name: node for node in parent.children.values() if node.namespace == parent.namespace})
    return found


@cache
def _top(schema: Schema) -> Mapping[str, Node]:
    return {qualified(node): node for node in schema.top.values()}


def _children(parent: Node | None, schema: Schema) -> Sequence[Node]:
    return list((parent.children if parent else schema.top).values())


def members(parent: Node | None, schema: Schema) -> Mapping[str, Node]:
    """Return the children of a node, or the top-level nodes, by each name under which they may be called."""
    return _below(parent) if parent is not None else _top(schema)


def decoded(text: str) -> str:
    """Return percent-encoded text as it is meant: "+" is a plus. Raises BadParameter."""
    if "%" not in text:
        return text
    try:
        found = unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise BadParameter("what is percent-encoded must be UTF-8") from None
    if _BROKEN.search(text):
        raise BadParameter('"%" must be followed by two hexadecimal digits')
    return found
