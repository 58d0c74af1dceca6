"""Values of XPath expressions as pieces of Python: sets of nodes, and booleans, numbers and strings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .model import Node

Context = tuple[tuple[str, "Node"], ...]
"""Where an expression is evaluated: the context node and its ancestors, each as Python and as schema node."""

Fresh = Callable[[], str]
"""Makes up the name of a variable."""

_OPERATORS: Final = {"=": "==", "!=": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
_MIRRORED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_TEXTUAL: Final = frozenset({"string", "enumeration"})
_NUMERIC: Final = frozenset({"integer", "decimal"})


@dataclass(frozen=True)
class Plain:
    """A boolean, number or string; `literal` is the text of a string literal."""

    source: str
    kind: str
    literal: str | None = None


@dataclass(frozen=True)
class Nodes:
    """A set of nodes. A single one is a value or None; several are an iterable of values that are not None.

    `present` says that a single one is certainly there, `sized` that several are a tuple.
    """

    source: str
    node: Node
    several: bool = False
    present: bool = False
    sized: bool = False
    literal: None = None

    @property
    def kind(self) -> str:
        """The kind of the nodes' type, `body` for containers and list entries."""
        return self.node.scalar.kind if self.node.scalar is not None else "body"

    def child(self, child: Node, field: str, fresh: Fresh) -> Nodes:
        """Return the children of this name of all nodes of the set."""
        if self.several:
            parent = fresh()
            values, condition = f"{parent}.{field}", f" if {parent}.{field} is not None"
            if child.is_series:
                inner = fresh()
                return Nodes(f"({inner} for {parent} in {self.source} for {inner} in {values})", child, several=True)
            return Nodes(f"({values} for {parent} in {self.source}{condition})", child, several=True)
        source = f"{self.source}.{field}"
        if not self.present:
            source = f"({'()' if child.is_series else 'None'} if {self.source} is None else {source})"
        if child.is_series:
            return Nodes(source, child, several=True, sized=True)
        certain = self.present and not child.conditional and (child.mandatory or bool(child.defaults))
        return Nodes(source, child, present=certain)


Value = Nodes | Plain


def existing(value: Value) -> str | None:
    """Return the value as a truth value, None where it has none that says anything.

    A set of nodes is true when it is not empty; a container without presence is always there.
    """
    if isinstance(value, Plain):
        return value.source if value.kind == "boolean" else None
    if value.several:
        return f"bool({value.source})" if value.sized else f"any(True for _ in {value.source})"
    if value.node.keyword == "container" and not value.node.presence:
        return None
    if value.present:
        return "True"
    return f"bool({value.source})" if value.kind == "empty" else f"({value.source} is not None)"


def compared(operator: str, left: Value, right: Value, fresh: Fresh) -> Plain | None:
    """Return the comparison, None where Python's would not be XPath's."""
    if isinstance(left, Plain):
        if isinstance(right, Plain):
            return _plain(operator, left, right)
        return compared(_MIRRORED.get(operator, operator), right, left, fresh)
    if isinstance(right, Plain):
        test = _against(operator, left, right)
        return None if test is None else Plain(any_of(left, test, fresh), "boolean")
    kinds = {left.kind, right.kind}
    ordered = operator not in ("=", "!=")
    if not (kinds <= _NUMERIC or (not ordered and (kinds <= _TEXTUAL or kinds == {"boolean"}))):
        return None
    python = _OPERATORS[operator]
    inner = any_of(left, lambda x: any_of(right, lambda y: f"{x} {python} {y}", fresh), fresh)
    return Plain(inner, "boolean")


def any_of(nodes: Nodes, test: Callable[[str], str], fresh: Fresh) -> str:
    """Return whether the test holds for a node of the set: XPath's comparisons are existential."""
    if nodes.several:
        name = fresh()
        return f"any({test(name)} for {name} in {nodes.source})"
    if nodes.present:
        return f"({test(nodes.source)})"
    return f"({nodes.source} is not None and {test(nodes.source)})"


def _plain(operator: str, left: Plain, right: Plain) -> Plain | None:
    if left.kind != right.kind or (left.kind != "number" and operator not in ("=", "!=")):
        return None
    return Plain(f"({left.source} {_OPERATORS[operator]} {right.source})", "boolean")


def _against(operator: str, nodes: Nodes, plain: Plain) -> Callable[[str], str] | None:
    """Return the comparison of one node with a literal or a number, None where types do not meet."""
    equality = operator in ("=", "!=")
    python = _OPERATORS[operator]
    if (plain.kind == "number" and nodes.kind in _NUMERIC) or (
        plain.literal is not None and nodes.kind in _TEXTUAL and equality
    ):
        return lambda one: f"{one} {python} {plain.source}"
    if nodes.kind == "boolean" and equality and plain.literal in ("true", "false"):
        wanted = plain.literal.capitalize()
        return lambda one: f"{one} is {wanted}" if operator == "=" else f"{one} is not {wanted}"
    return None
