"""XPath expressions of clients, made ready for trees with several top-level nodes (RFC 6241 section 8.9).

The root of such a tree has the top-level nodes of all modules as children, but an XML document has one root element. So
they stand in a holder, and what begins at the root in an expression is written to begin at the holder:

    /p:promise | //a:name      becomes      /*/p:promise      and      /*//a:name

A name without prefix stands for that name in any namespace, as in a subtree filter: in XPath 1.0 it would stand for a
name in no namespace, and no data has one. Of the functions of RFC 7950 section 10 there are those that cost nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from promise.northbound.datastore import schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

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
_OPERATORS: Final = frozenset({"/", "//", "|", "+", "-", "=", "!=", "<", "<=", ">", ">="})
_WORDS: Final = frozenset({"and", "or", "div", "mod", "*"})
"""Operators where an operand has ended, else the names of nodes (XPath 1.0 section 3.7)."""

_OPENING: Final = frozenset({"@", "::", "(", "[", ","})
_WIDE_AXES: Final = frozenset(
    {
        "descendant", "descendant-or-self", "ancestor", "ancestor-or-self", "parent",
        "following", "following-sibling", "preceding", "preceding-sibling",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Token:
    """`behind` tells that an operand has ended before it; `depth` counts the brackets around it."""

    space: str
    text: str
    behind: bool
    depth: int
    before: str
    after: str

    @property
    def at_root(self) -> bool:
        """Whether a path begins at the root here."""
        return self.text in {"/", "//"} and not self.behind

    @property
    def bare(self) -> bool:
        """Whether it is the name of an element without prefix."""
        is_step = not self.behind and self.before not in {"@", "attribute::"} and self.after not in {"(", "::"}
        return is_step and _IS_NAME.fullmatch(self.text) is not None

    @property
    def written(self) -> str:
        """What it is in a holder."""
        if self.at_root:
            alone = not self.after or self.after in {")", "]", ","} or self.after in _OPERATORS
            return f"{self.space}/*{'' if alone and self.text == '/' else self.text}"
        if self.bare:
            return f"{self.space}*[local-name()='{self.text}']"
        return self.space + self.text


def _tokens(expression: str) -> Iterator[_Token]:
    found = _TOKEN.findall(expression)
    depth, behind, before = 0, False, ""
    for index, (space, text) in enumerate(found):
        after = found[index + 1][1] if index + 1 < len(found) else ""
        depth -= text in {"]", ")"}
        yield _Token(space, text, behind, depth, before, after)
        depth += text in {"[", "("}
        behind = not (text in _OPERATORS or text in _OPENING or (behind and text in _WORDS))
        before = f"{before}{text}" if text == "::" else text


def branches(expression: str) -> list[str]:
    """Return the expressions of which one that is a union consists, each as it is evaluated in a holder."""
    found = [""]
    for token in _tokens(_without_current(expression)):
        if token.text == "|" and token.depth == 0:
            found.append("")
        else:
            found[-1] += token.written
    return found


def parts(expression: str) -> list[str]:
    """Return the expressions of which one that is a union consists, as they were written."""
    found = [""]
    for token in _tokens(expression):
        if token.text == "|" and token.depth == 0:
            found.append("")
        else:
            found[-1] += token.space + token.text
    return found


def _without_current(expression: str) -> str:
    """Return the expression with the root for current(): there the evaluation begins (RFC 7950 section 10.1.1)."""
    return re.sub(r"""("[^"]*"|'[^']*')|(?<![\w.:-])current\s*\(\s*\)""", lambda found: found[1] or "(/)", expression)


def cost(expression: str) -> tuple[int, int]:
    """Return what an expression costs at most, roughly: a power of the size of the tree, and a factor.

    Steps that can reach many nodes (`//`, `..`, siblings, the root) cost the size of the tree each time that they are
    taken: once for the whole expression, but for every node where they stand in a predicate, or behind another one.
    The factor is their number: a predicate may well have a thousand of them.
    """
    costs = [_cost(part) for part in parts(expression)]
    return max(power for power, _ in costs), sum(factor for _, factor in costs)


def _cost(expression: str) -> tuple[int, int]:
    wide: dict[int, int] = {}
    unions = 0
    for token in _tokens(expression):
        unions |= token.text == "|"
        at_root = token.at_root and token.depth > 0
        if token.text in {"//", ".."} or at_root or token.text in _WIDE_AXES:
            wide[token.depth] = wide.get(token.depth, 0) + 1
    predicates = sum(1 for level in wide if level > 0)
    return 1 + predicates + unions + (wide.get(0, 0) > 1), max(1, sum(wide.values()))


class Expression:
    """One expression; `namespaces` are those in scope where it was written. Raises etree.XPathError."""

    def __init__(self, text: str, namespaces: Mapping[str, str]) -> None:
        known = dict(namespaces)
        extensions = _functions(known)
        self._branches = [
            etree.XPath(branch, namespaces=known, extensions=extensions, regexp=False, smart_strings=True)
            for branch in branches(text)
        ]
        self(etree.Element("nothing"))  # what is wrong whatever the tree is told also when there is none

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

    def derived(nodes: Any, name: Any, *, itself: bool) -> bool:
        prefix, _, local = str(name).rpartition(":")
        base = namespaces.get(prefix, ""), local
        values = [_identity(node) for node in nodes if isinstance(node, etree._Element)]  # noqa: SLF001 - no other name
        return any((itself and value == base) or schema().derives(value, base) for value in values)

    return {
        (None, "derived-from"): lambda _, nodes, name: derived(nodes, name, itself=False),
        (None, "derived-from-or-self"): lambda _, nodes, name: derived(nodes, name, itself=True),
        (None, "bit-is-set"): lambda _, nodes, name: any(str(name) in (node.text or "").split() for node in nodes[:1]),
    }


def _identity(leaf: _Element) -> tuple[str, str]:
    """Return the identity that is the value of a leaf, by namespace and name."""
    prefix, _, local = (leaf.text or "").strip().rpartition(":")
    return leaf.nsmap.get(prefix or None, ""), local
