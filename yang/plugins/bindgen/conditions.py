"""XPath of `must` and `when` as Python expressions over the decoded values; what is not known exactly is refused.

A condition becomes `lambda v, up: …`: `v` is the value of the context node, `up[0]` its parent, `up[1][0]` the parent of
that. An expression is compiled with the schema at hand, so that every node's type is known and every comparison is
the Python comparison of the same meaning (XPath 1.0 sections 3.4 and 3.5, RFC 7950 section 6.4).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NoReturn

from bindgen.layout import quoted
from bindgen.model import Node, refuse
from bindgen.names import attribute
from pyang import xpath_parser
from pyang.xpath_lexer import XPathError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bindgen.model import Statement

_ORDER: Final = {"=": "==", "!=": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
_TEXTUAL: Final = ("string", "enumeration")
_NUMERIC: Final = ("integer", "decimal")


@dataclass(frozen=True)
class Nodes:
    """A set of nodes. A single one is a value or None; several are an iterable of values that are not None.

    `present` says that a single one is certainly there; `tuple_` that several are a tuple, which knows its length.
    `node` is the schema node, None above the root.
    """

    source: str
    node: Node
    several: bool = False
    present: bool = False
    tuple_: bool = False


@dataclass(frozen=True)
class Plain:
    """A boolean, number or string; `literal` is the text of a string literal."""

    source: str
    kind: str
    literal: str | None = None


Value = Nodes | Plain


@dataclass(frozen=True)
class Context:
    """Where an expression is evaluated: the Python of each ancestor, from the context node up."""

    chain: tuple[tuple[str, Node], ...]

    def up(self, levels: int) -> Context:
        """Return the context of an ancestor."""
        return Context(self.chain[levels:])


def compiled(statement: Statement, node: Node) -> str:
    """Return the lambda of a must or when of this node.

    The context of a when that comes from a uses, augment, choice or case is the parent (RFC 7950 section 7.21.5).
    """
    chain: list[tuple[str, Node]] = [("v", node)]
    ancestor, path = node.parent, "up"
    while ancestor is not None:
        chain.append((f"{path}[0]", ancestor))
        ancestor, path = ancestor.parent, f"{path}[1]"
    context = Context(tuple(chain))
    if getattr(statement, "i_origin", None) is not None:
        context = context.up(1)
    return f"lambda v, up: {_Compiler(statement, context).condition()}"


class _Compiler:
    """Compiles one expression."""

    def __init__(self, statement: Statement, context: Context) -> None:
        self._statement = statement
        self._current = context
        self._names = 0

    def condition(self) -> str:
        try:
            tree = xpath_parser.parse(self._statement.arg)
        except (XPathError, SyntaxError) as error:
            refuse(self._statement, f"not an XPath expression: {error}")
        return self._boolean(self._value(tree, self._current))

    def _refuse(self, why: str) -> NoReturn:
        refuse(self._statement, why)

    # Expressions

    def _value(self, tree: Any, context: Context) -> Value:
        if isinstance(tree, list):
            return self._filtered(tree, context)
        match tree:
            case ("path_expr", inner):
                return self._value(inner, context)
            case ("literal", text):
                return Plain(quoted(text[1:-1]), "string", text[1:-1])
            case ("number", text):
                return Plain(text if "." in text else str(int(text)), "number")
            case ("negative", inner):
                return Plain(f"-{self._number(self._value(inner, context))}", "number")
            case ("bool", operator, left, right):
                sides = (self._boolean(self._value(side, context)) for side in (left, right))
                return Plain(f"({f' {operator} '.join(sides)})", "boolean")
            case ("comp", operator, left, right):
                return self._comparison(operator, self._value(left, context), self._value(right, context))
            case ("arith", ("+" | "-" | "*") as operator, left, right):
                sides = (self._number(self._value(side, context)) for side in (left, right))
                return Plain(f"({f' {operator} '.join(sides)})", "number")
            case ("relative", steps):
                return self._path(steps, context)
            case ("function_call", name, arguments):
                return self._function(name, arguments, context)
        return self._refuse(f"XPath with {tree[0]} {tree[1] if len(tree) > 1 else ''}")

    def _filtered(self, tree: list[Any], context: Context) -> Value:
        """Return what a path that begins with a function leads to: only current() does."""
        if tree[0] != ("function_call", "current", []):
            self._refuse("a path that begins with an expression other than current()")
        return self._path(tree[1:], self._current)

    def _boolean(self, value: Value) -> str:
        if isinstance(value, Plain):
            if value.kind == "boolean":
                return value.source
            self._refuse(f"a {value.kind} used as a truth value")
        if value.several:
            return f"bool({value.source})" if value.tuple_ else f"any(True for _ in {value.source})"
        if value.present:
            return "True"
        if value.node.keyword == "container" and not value.node.presence:
            self._refuse(f"whether {value.node.name} exists: a container without presence says nothing by existing")
        return value.source if self._kind(value) == "empty" else f"{value.source} is not None"

    def _number(self, value: Value) -> str:
        if isinstance(value, Plain) and value.kind == "number":
            return value.source
        if isinstance(value, Nodes) and value.present and self._kind(value) in _NUMERIC:
            return value.source
        return self._refuse("arithmetic with what may be absent or is no number")

    def _kind(self, value: Nodes) -> str:
        return value.node.scalar.kind if value.node.scalar is not None else "body"

    # Comparisons

    def _comparison(self, operator: str, left: Value, right: Value) -> Plain:
        if isinstance(left, Plain) and isinstance(right, Plain):
            if left.kind != right.kind or (left.kind != "number" and operator not in ("=", "!=")):
                self._refuse(f"comparing a {left.kind} with a {right.kind}")
            return Plain(f"({left.source} {_ORDER[operator]} {right.source})", "boolean")
        if isinstance(left, Plain):
            return self._comparison(_mirrored(operator), right, left)
        if isinstance(right, Plain):
            return Plain(self._each(left, lambda x: self._against(operator, x, left, right)), "boolean")
        return self._between(operator, left, right)

    def _against(self, operator: str, source: str, nodes: Nodes, plain: Plain) -> str:
        """Return the comparison of one node, by its source, with a literal or a number."""
        kind = self._kind(nodes)
        equality = operator in ("=", "!=")
        if plain.kind == "number" and kind in _NUMERIC:
            return f"{source} {_ORDER[operator]} {plain.source}"
        if plain.kind == "string" and kind in _TEXTUAL and equality:
            return f"{source} {_ORDER[operator]} {plain.source}"
        if kind == "boolean" and equality and plain.literal in ("true", "false"):
            return f"{source} is {'' if operator == '=' else 'not '}{plain.literal.capitalize()}"
        return self._refuse(f"comparing a node of kind {kind} with a {plain.kind} by {operator}")

    def _between(self, operator: str, left: Nodes, right: Nodes) -> Plain:
        kinds = {self._kind(left), self._kind(right)}
        comparable = kinds <= set(_NUMERIC) or (operator in ("=", "!=") and kinds <= {*_TEXTUAL})
        if not comparable and not (kinds == {"boolean"} and operator in ("=", "!=")):
            self._refuse(f"comparing nodes of the kinds {' and '.join(sorted(kinds))} by {operator}")
        inner = self._each(left, lambda x: self._each(right, lambda y: f"{x} {_ORDER[operator]} {y}"))
        return Plain(inner, "boolean")

    def _each(self, nodes: Nodes, test: Callable[[str], str]) -> str:
        """Return whether the test holds for a node of the set: XPath's comparisons are existential."""
        if nodes.several:
            name = self._name()
            return f"any({test(name)} for {name} in {nodes.source})"
        if nodes.present:
            return f"({test(nodes.source)})"
        return f"({nodes.source} is not None and {test(nodes.source)})"

    def _name(self) -> str:
        self._names += 1
        return f"n{self._names}"

    # Functions

    def _function(self, name: str, arguments: list[Any], context: Context) -> Value:
        if name == "current" and not arguments:
            return self._path([], self._current)
        if name in ("true", "false") and not arguments:
            return Plain(name.capitalize(), "boolean")
        values = [self._value(argument, context) for argument in arguments]
        match name, values:
            case "not", [value]:
                return Plain(f"(not {self._boolean(value)})", "boolean")
            case "boolean", [value]:
                return Plain(self._boolean(value), "boolean")
            case "count", [Nodes() as nodes]:
                return Plain(self._count(nodes), "number")
            case "string-length", [Nodes(several=False) as nodes] if self._kind(nodes) in _TEXTUAL:
                return Plain(f'len({nodes.source} or "")', "number")
            case ("starts-with" | "contains"), [Nodes(several=False) as nodes, Plain(literal=str() as text)] if (
                self._kind(nodes) in _TEXTUAL
            ):
                value = f'({nodes.source} or "")'
                found = f"{value}.startswith({text!r})" if name == "starts-with" else f"{text!r} in {value}"
                return Plain(f"({found})", "boolean")
            case ("derived-from" | "derived-from-or-self"), [Nodes() as nodes, Plain(literal=str() as identity)]:
                return Plain(self._derived(nodes, identity, itself=name.endswith("self")), "boolean")
        return self._refuse(f"the function {name} with these arguments")

    def _count(self, nodes: Nodes) -> str:
        if not nodes.several:
            return f"int({self._boolean(nodes)})"
        return f"len({nodes.source})" if nodes.tuple_ else f"sum(1 for _ in {nodes.source})"

    def _derived(self, nodes: Nodes, identity: str, *, itself: bool) -> str:
        """Return whether a node of the set has an identity that is derived from this one."""
        if nodes.node.scalar is None or nodes.node.scalar.kind != "identity":
            self._refuse("derived-from of what is no identityref")
        module, name = self._qualified(identity)
        base = f"{module}:{name}"
        found = [own for own, ancestors in nodes.node.scalar.identities
                 if base in ancestors or (itself and own == name)]
        return self._each(nodes, lambda x: f"{x} in ({''.join(f'{own!r}, ' for own in found)})")

    # Paths

    def _path(self, steps: list[Any], context: Context) -> Nodes:
        levels = 0
        rest = list(steps)
        while rest and rest[0][1] in ("self", "parent"):
            levels += rest.pop(0)[1] == "parent"
        if levels >= len(context.chain):
            self._refuse("a path that leaves the message")
        source, node = context.chain[levels]
        found = Nodes(source, node, present=True)
        for step in rest:
            found = self._step(found, step, context)
        return found

    def _step(self, nodes: Nodes, step: Any, context: Context) -> Nodes:
        match step:
            case ("step", "child", ("name", prefix, name), predicates):
                module = self._module(prefix, context)
            case _:
                self._refuse("a step that is neither a child by name nor a leading . or ..")
        child = next((one for one in nodes.node.children() if (one.name, one.module) == (name, module)), None)
        if child is None:
            self._refuse(f"{nodes.node.name} has no child {name}")
        found = self._child(nodes, child)
        for predicate in predicates:
            found = self._predicated(found, predicate)
        return found

    def _child(self, nodes: Nodes, child: Node) -> Nodes:
        field = attribute(child.name)
        if nodes.several:
            name, inner = self._name(), self._name()
            if child.is_series:
                return Nodes(f"({inner} for {name} in {nodes.source} for {inner} in {name}.{field})", child, several=True)
            return Nodes(
                f"({name}.{field} for {name} in {nodes.source} if {name}.{field} is not None)", child, several=True
            )
        direct = f"{nodes.source}.{field}"
        if not nodes.present:
            empty = "()" if child.is_series else "None"
            direct = f"({empty} if {nodes.source} is None else {direct})"
        if child.is_series:
            return Nodes(direct, child, several=True, tuple_=True)
        certain = nodes.present and not child.conditional and (child.mandatory or bool(child.defaults))
        return Nodes(direct, child, present=certain)

    def _predicated(self, nodes: Nodes, predicate: Any) -> Nodes:
        """Return the entries of a list for which the predicate holds; a number would be a position."""
        if not nodes.several:
            self._refuse("a predicate of what is no list")
        name = self._name()
        value = self._value(predicate, Context(((name, nodes.node),)))
        if isinstance(value, Plain) and value.kind != "boolean":
            self._refuse("a predicate that is a position")
        return replace(
            nodes, source=f"({name} for {name} in {nodes.source} if {self._boolean(value)})", tuple_=False
        )

    def _module(self, prefix: str | None, context: Context) -> str:
        """Return the module of a name: without prefix that of the context node (RFC 7950 section 6.4.1)."""
        return context.chain[0][1].module if prefix is None else self._qualified(f"{prefix}:")[0]

    def _qualified(self, name: str) -> tuple[str, str]:
        prefix, colon, local = name.rpartition(":")
        origin = self._statement.i_orig_module
        if not colon or prefix == origin.i_prefix:
            return origin.i_modulename, local
        if prefix not in origin.i_prefixes:
            self._refuse(f"the prefix {prefix}")
        return origin.i_prefixes[prefix][0], local


def _mirrored(operator: str) -> str:
    return {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(operator, operator)
