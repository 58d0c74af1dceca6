"""XPath of `must` and `when` as Python expressions over the decoded values; what is not known exactly is refused.

A condition becomes `lambda v, up: …`: `v` is the value of the context node, `up[0]` its parent, `up[1][0]` the parent
of that. An expression is compiled with the schema at hand: every node's type is known, so that every comparison is
the Python comparison of the same meaning (XPath 1.0 sections 3.4 and 3.5, RFC 7950 section 6.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from pyang import xpath_parser
from pyang.xpath_lexer import XPathError

from .expressions import Context, Nodes, Plain, Value, any_of, compared, existing
from .layout import entries, quoted
from .model import refuse
from .names import attribute

if TYPE_CHECKING:
    from collections.abc import Callable

    from .model import Node, Statement

_TEXTUAL: Final = ("string", "enumeration")


def compiled(statement: Statement, node: Node, *, near: bool = False) -> str:
    """Return the lambda of a must or when of this node.

    The context of a when that comes from a uses, augment, choice or case is the parent (RFC 7950 section 7.21.5).
    A `near` condition may only look at the node and its parent: it decides on a default while nothing else is there.
    """
    chain: list[tuple[str, Node]] = [("v", node)]
    ancestor, path = node.parent, "up"
    while ancestor is not None:
        chain.append((f"{path}[0]", ancestor))
        ancestor, path = ancestor.parent, f"{path}[1]"
    context: Context = tuple(chain[:2] if near else chain)
    if getattr(statement, "i_origin", None) is not None:
        context = context[1:]
    return f"lambda v, up: {_Compiler(statement, context).condition()}"


class _Compiler:
    """Compiles one expression, of which pyang's parser makes a tree of tuples."""

    def __init__(self, statement: Statement, context: Context) -> None:
        self._statement = statement
        self._current = context
        self._names = 0

    def condition(self) -> str:
        """Return the expression as a Python truth value."""
        try:
            tree = xpath_parser.parse(self._statement.arg)
        except (XPathError, SyntaxError) as error:
            refuse(self._statement, f"not an XPath expression: {error}")
        return self._boolean(self._value(tree, self._current))

    def _refuse(self, why: str) -> NoReturn:
        refuse(self._statement, why)

    def _name(self) -> str:
        """Return a fresh variable of a comprehension."""
        self._names += 1
        return f"n{self._names}"

    # Expressions

    def _value(self, tree: Any, context: Context) -> Value:
        if isinstance(tree, list):
            if tree[0] != ("function_call", "current", []):
                self._refuse("a path that begins with an expression other than current()")
            return self._path(tree[1:], self._current)
        build = self._EXPRESSIONS.get(tree[0])
        if build is None:
            self._refuse(f"XPath's {tree[0]}")
        return build(self, context, *tree[1:])

    def _literal(self, _context: Context, text: str) -> Value:
        return Plain(quoted(text[1:-1]), "string", text[1:-1])

    def _digits(self, _context: Context, text: str) -> Value:
        return Plain(text if "." in text else str(int(text)), "number")

    def _negative(self, context: Context, tree: Any) -> Value:
        return Plain(f"-{self._number(tree, context)}", "number")

    def _logical(self, context: Context, operator: str, left: Any, right: Any) -> Value:
        sides = (self._boolean(self._value(side, context)) for side in (left, right))
        return Plain(f"({f' {operator} '.join(sides)})", "boolean")

    def _arithmetic(self, context: Context, operator: str, left: Any, right: Any) -> Value:
        if operator not in ("+", "-", "*"):
            self._refuse(f"the operator {operator}")
        return Plain(f"({self._number(left, context)} {operator} {self._number(right, context)})", "number")

    def _comparison(self, context: Context, operator: str, left: Any, right: Any) -> Value:
        found = compared(operator, self._value(left, context), self._value(right, context), self._name)
        return found if found is not None else self._refuse(f"this comparison by {operator}")

    def _inner(self, context: Context, tree: Any) -> Value:
        return self._value(tree, context)

    def _relative(self, context: Context, steps: list[Any]) -> Value:
        return self._path(steps, context)

    def _boolean(self, value: Value) -> str:
        found = existing(value)
        return (
            found
            if found is not None
            else self._refuse("the truth of a value that has none, or of a container that is always there")
        )

    def _number(self, tree: Any, context: Context) -> str:
        value = self._value(tree, context)
        if isinstance(value, Plain):
            return value.source if value.kind == "number" else self._refuse(f"arithmetic with a {value.kind}")
        if value.several or not value.present or value.kind not in ("integer", "decimal"):
            self._refuse("arithmetic with what may be absent, or is no number")
        return value.source

    # Functions

    def _function(self, context: Context, name: str, arguments: list[Any]) -> Value:
        if name == "current" and not arguments:
            return self._path([], self._current)
        call = self._FUNCTIONS.get((name, len(arguments)))
        found = call(self, *(self._value(argument, context) for argument in arguments)) if call is not None else None
        return found if found is not None else self._refuse(f"the function {name} with these arguments")

    def _true(self) -> Value | None:
        return Plain("True", "boolean")

    def _false(self) -> Value | None:
        return Plain("False", "boolean")

    def _not(self, value: Value) -> Value | None:
        return Plain(f"(not {self._boolean(value)})", "boolean")

    def _truth(self, value: Value) -> Value | None:
        return Plain(self._boolean(value), "boolean")

    def _count(self, nodes: Value) -> Value | None:
        if isinstance(nodes, Plain):
            return None
        if not nodes.several:
            return Plain(f"int({self._boolean(nodes)})", "number")
        return Plain(f"len({nodes.source})" if nodes.sized else f"sum(1 for _ in {nodes.source})", "number")

    def _size(self, nodes: Value) -> Value | None:
        text = self._text(nodes)
        return None if text is None else Plain(f"len({text})", "number")

    def _starts(self, nodes: Value, plain: Value) -> Value | None:
        text = self._text(nodes)
        return None if text is None or plain.literal is None else Plain(f"{text}.startswith({plain.source})", "boolean")

    def _contains(self, nodes: Value, plain: Value) -> Value | None:
        text = self._text(nodes)
        return None if text is None or plain.literal is None else Plain(f"({plain.source} in {text})", "boolean")

    def _text(self, nodes: Value) -> str | None:
        """Return the string of a single node, which is empty when there is none."""
        if isinstance(nodes, Plain) or nodes.several or nodes.kind not in _TEXTUAL:
            return None
        return nodes.source if nodes.present else f'({nodes.source} or "")'

    def _derived(self, nodes: Value, plain: Value) -> Value | None:
        return self._identity(nodes, plain, itself=False)

    def _derived_or_self(self, nodes: Value, plain: Value) -> Value | None:
        return self._identity(nodes, plain, itself=True)

    def _identity(self, nodes: Value, plain: Value, *, itself: bool) -> Value | None:
        """Return whether a node of the set has this identity, or one derived from it."""
        if isinstance(nodes, Plain) or nodes.node.scalar is None or nodes.kind != "identity" or plain.literal is None:
            return None
        module, name = self._qualified(plain.literal)
        base = f"{module}:{name}"
        found = [own for own, bases in nodes.node.scalar.identities if base in bases or (itself and own == name)]
        wanted = entries([quoted(one) for one in found]).flat()
        return Plain(any_of(nodes, lambda one: f"{one} in {wanted}", self._name), "boolean")

    # Paths

    def _path(self, steps: list[Any], context: Context) -> Nodes:
        levels, rest = 0, list(steps)
        while rest and rest[0][1] in ("self", "parent"):
            levels += rest.pop(0)[1] == "parent"
        if levels >= len(context):
            self._refuse("a path that leaves what is known here")
        source, node = context[levels]
        found = Nodes(source, node, present=True)
        for step in rest:
            found = self._step(found, step, context)
        return found

    def _step(self, nodes: Nodes, step: Any, context: Context) -> Nodes:
        match step:
            case ("step", "child", ("name", prefix, name), predicates):
                # Without prefix a name is of the module of the context node (RFC 7950 section 6.4.1).
                module = context[0][1].module if prefix is None else self._qualified(f"{prefix}:{name}")[0]
            case _:
                self._refuse("a step that is neither a child by name nor a leading . or ..")
        child = next((one for one in nodes.node.children() if (one.name, one.module) == (name, module)), None)
        if child is None:
            self._refuse(f"{nodes.node.name} has no child {name}")
        found = nodes.child(child, attribute(child.name), self._name)
        for predicate in predicates:
            found = self._predicated(found, predicate)
        return found

    def _predicated(self, nodes: Nodes, predicate: Any) -> Nodes:
        """Return the entries of a list for which the predicate holds; a number would be a position."""
        name = self._name()
        value = self._value(predicate, ((name, nodes.node),))
        if not nodes.several or (isinstance(value, Plain) and value.kind != "boolean"):
            self._refuse("a predicate of what is no list, or one that is a position")
        source = f"({name} for {name} in {nodes.source} if {self._boolean(value)})"
        return Nodes(source, nodes.node, several=True)

    def _qualified(self, name: str) -> tuple[str, str]:
        """Return module and local name of a name with the prefixes of the module that holds the statement."""
        prefix, colon, local = name.rpartition(":")
        origin = self._statement.i_orig_module
        if not colon or prefix == origin.i_prefix:
            return origin.i_modulename, local
        if prefix not in origin.i_prefixes:
            self._refuse(f"the prefix {prefix}")
        return origin.i_prefixes[prefix][0], local

    _EXPRESSIONS: Final[dict[str, Callable[..., Value]]] = {
        "path_expr": _inner,
        "literal": _literal,
        "number": _digits,
        "negative": _negative,
        "bool": _logical,
        "comp": _comparison,
        "arith": _arithmetic,
        "relative": _relative,
        "function_call": _function,
    }

    _FUNCTIONS: Final[dict[tuple[str, int], Callable[..., Value | None]]] = {
        ("true", 0): _true,
        ("false", 0): _false,
        ("not", 1): _not,
        ("boolean", 1): _truth,
        ("count", 1): _count,
        ("string-length", 1): _size,
        ("starts-with", 2): _starts,
        ("contains", 2): _contains,
        ("derived-from", 2): _derived,
        ("derived-from-or-self", 2): _derived_or_self,
    }
