"""XPath expressions of clients, made ready for trees with several top-level nodes (RFC 6241 section 8.9).

The root of such a tree has the top-level nodes of all modules as children, but an XML document has one root element. So
they stand in a holder, and what begins at the root in an expression is written to begin at the holder:

    /p:promise | //a:name      becomes      /*/p:promise      and      /*//a:name

A name without prefix stands for that name in any namespace, as in a subtree filter: in XPath 1.0 it would stand for a
name in no namespace, and no data has one. Of the functions of RFC 7950 section 10 there are those that cost nothing.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lxml import etree

from promise.northbound.datastore import schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lxml.etree import _Element

_PARSER: Final = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
"""What it reads we have written ourselves."""

LONGEST: Final = 4096
"""Characters that an expression may have."""

_NAME: Final = r"[^\W\d][\w.-]*"
_TOKEN: Final = re.compile(
    rf"""(\s*)("[^"]*"|'[^']*'|//|::|\.\.|[!<>]=|\d+(?:\.\d*)?|\.\d+|\$?{_NAME}(?::(?!:)(?:\*|{_NAME}))?|\S)"""
)
_IS_NAME: Final = re.compile(_NAME)
_CURRENT: Final = re.compile(r"""("[^"]*"|'[^']*')|(?<![\w.:-])current\s*\(\s*\)""")
_OPERATORS: Final = frozenset({"/", "//", "|", "+", "-", "=", "!=", "<", "<=", ">", ">="})
_WORDS: Final = frozenset({"and", "or", "div", "mod", "*"})
"""Operators where an operand has ended, else the names of nodes (XPath 1.0 section 3.7)."""

_BEFORE_OPERANDS: Final = _OPERATORS | {"@", "::", "(", "[", ","}
_ENDS_OF_STEPS: Final = _OPERATORS | {"", ")", "]", ","}
_WIDE: Final = frozenset(
    {
        "//", "..", "descendant", "descendant-or-self", "ancestor", "ancestor-or-self", "parent",
        "following", "following-sibling", "preceding", "preceding-sibling",
    }
)  # fmt: skip


_ARGUMENTS: Final = 2
"""Of each of our functions."""


class Reading(NamedTuple):
    """An expression, read: the expressions of which it is the union, as they were written and as a holder wants them.

    It costs at most, roughly, a `power` of the size of the tree, times a `factor`. Steps that can reach many nodes
    (`//`, `..`, siblings, the root) cost the size of the tree each time that they are taken: once for the whole
    expression, but for every node where they stand in a predicate, or behind another one. The factor is their number: a
    predicate may well have a thousand of them.
    """

    parts: list[str]
    branches: list[str]
    power: int
    factor: int


def read(expression: str) -> Reading:
    """Read an expression; what is none is told when it is compiled."""
    if "current" in expression:  # the root: there the evaluation begins (RFC 7950 section 10.1.1)
        expression = _CURRENT.sub(lambda found: found[1] or "/self::node()", expression)
    tokens = _TOKEN.findall(expression)
    reader = _Reader()
    following = [*(text for _, text in tokens[1:]), ""]
    for (space, text), after in zip(tokens, following, strict=False):  # there may be no tokens
        reader.take(space, text, after)
    return reader.done()


class _Reader:
    """Takes the tokens of an expression; `behind` tells that an operand has ended before the next one."""

    def __init__(self) -> None:
        self._parts = [""]
        self._branches = [""]
        self._costs: list[tuple[int, int]] = []
        self._wide: dict[int, int] = {}
        self._union = 0
        self._depth = 0  # brackets around
        self._behind = False
        self._before = ""

    def take(self, space: str, text: str, after: str) -> None:
        """Take a token, with the blanks before it; `after` is the one behind it, if there is one."""
        if text in {"]", ")"}:
            self._depth -= 1
        if text == "|" and not self._depth:
            self._end_part()
        else:
            self._parts[-1] += space + text
            self._branches[-1] += space + self._written(text, after)
            self._count(text)
        if text in {"[", "("}:
            self._depth += 1
        self._behind = text not in _BEFORE_OPERANDS and not (self._behind and text in _WORDS)
        self._before = self._before + text if text == "::" else text

    def done(self) -> Reading:
        """Return what was read."""
        self._end_part()
        power = max(power for power, _ in self._costs)
        return Reading(self._parts[:-1], self._branches[:-1], power, sum(factor for _, factor in self._costs))

    def _written(self, text: str, after: str) -> str:
        """Return what a token is in a holder."""
        if self._behind:
            return text
        if text == "/":
            return "/*" if after in _ENDS_OF_STEPS else "/*/"
        if text == "//":
            return "/*//"
        is_step = after not in {"(", "::"} and self._before not in {"@", "attribute::"}
        return f"*[local-name()='{text}']" if is_step and _IS_NAME.fullmatch(text) else text

    def _count(self, text: str) -> None:
        if text == "|":
            self._union = 1
        elif text in _WIDE or (text == "/" and self._depth and not self._behind):
            self._wide[self._depth] = self._wide.get(self._depth, 0) + 1

    def _end_part(self) -> None:
        predicates = sum(1 for level in self._wide if level > 0)
        power = 1 + predicates + self._union + (self._wide.get(0, 0) > 1)
        self._costs.append((power, max(1, sum(self._wide.values()))))
        self._parts.append("")
        self._branches.append("")
        self._wide, self._union = {}, 0


class Expression:
    """One expression; `namespaces` are those in scope where it was written. Raises etree.XPathError.

    `of_nothing` is what it is of an empty tree: what is wrong whatever the tree is told also when there is none.
    """

    def __init__(self, reading: Reading, namespaces: Mapping[str, str]) -> None:
        known = dict(namespaces)
        special = any("-from" in branch or "bit-is-set" in branch for branch in reading.branches)
        extensions = _functions(known) if special else None
        self._branches = [
            etree.XPath(branch, namespaces=known, extensions=extensions, regexp=False, smart_strings=True)
            for branch in reading.branches
        ]
        self.of_nothing = self(etree.Element("nothing"))

    def __call__(self, holder: _Element) -> Any:
        """Return what it is of the elements in a holder: nodes, or else a number, a string or a boolean."""
        found = [_without(branch(holder), holder) for branch in self._branches]
        if len(found) == 1:
            return found[0]
        union: list[Any] = []
        for nodes in found:
            if not isinstance(nodes, list):
                raise etree.XPathEvalError("a union of what is no set of nodes")
            union += nodes
        return union


def _without(found: Any, holder: _Element) -> Any:
    """Return nodes without the holder, unless that is all: it is no node of the tree, but stands for the root."""
    return [node for node in found if node is not holder] or found if isinstance(found, list) else found


def held(texts: Iterable[bytes]) -> _Element:
    """Return a holder with elements in it that are parsed there.

    Moved into it they would lose the declarations that the values of identities need: lxml drops those whose namespace
    an element around them has too, whatever their prefix.
    """
    return etree.fromstring(b"<data>%b</data>" % b"".join(texts), _PARSER)


def _functions(namespaces: Mapping[str, str]) -> dict[tuple[None, str], Callable[..., bool]]:
    """Return functions of RFC 7950 section 10, for an expression with these prefixes."""

    def derived(nodes: list[_Element], name: str, *, itself: bool) -> bool:
        prefix, _, local = name.rpartition(":")
        base = namespaces.get(prefix, ""), local
        values = [_identity(node) for node in nodes]
        return any((itself and value == base) or schema().derives(value, base) for value in values)

    def bit_is_set(nodes: list[_Element], name: str) -> bool:
        return any(name in (node.text or "").split() for node in nodes[:1])

    found: dict[str, Callable[[list[_Element], str], bool]] = {
        "derived-from": partial(derived, itself=False),
        "derived-from-or-self": partial(derived, itself=True),
        "bit-is-set": bit_is_set,
    }
    return {(None, name): _of_nodes(function) for name, function in found.items()}


def _of_nodes(function: Callable[[list[_Element], str], bool]) -> Callable[..., bool]:
    """Return a function as XPath calls it: of nodes and a string, whatever an expression gives it."""

    def called(_context: Any, *given: Any) -> bool:
        if len(given) != _ARGUMENTS or not isinstance(given[0], list):
            raise etree.XPathEvalError("it wants nodes and a string")
        elements = [node for node in given[0] if isinstance(node, etree._Element)]  # noqa: SLF001 - it has no other name
        return function(elements, str(given[1]))

    return called


def _identity(leaf: _Element) -> tuple[str, str]:
    """Return the identity that is the value of a leaf, by namespace and name."""
    prefix, _, local = (leaf.text or "").strip().rpartition(":")
    return leaf.nsmap.get(prefix or None, ""), local
