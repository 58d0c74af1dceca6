"""XPath filters: which nodes of a tree a client wants (RFC 6241 section 8.9), within bounds that we can afford.

XPath 1.0 with its core functions, no extensions. Each top-level node is a document of its own; an expression is
evaluated on each, and the result is what it selects on any of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from promise.errors import BadValue, TooBig
from promise.northbound.subtree import EVERYTHING, Selection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lxml.etree import _Element

    from promise.northbound.datastore import Node

LONGEST: Final = 4096
"""Characters that an expression may have."""

DEAREST: Final = 30_000_000
"""Steps that an expression may need, as far as its form tells: a fraction of a second."""

_TOKEN: Final = re.compile(r"""\s*("[^"]*"|'[^']*'|//|::|\.\.|[\w.-]+(?::(?!:)[\w.*-]+)?|\S)""")
_WIDE_AXES: Final = frozenset(
    {
        "descendant", "descendant-or-self", "ancestor", "ancestor-or-self", "parent",
        "following", "following-sibling", "preceding", "preceding-sibling",
    }
)  # fmt: skip
_BEGINNING: Final = frozenset({"[", "(", ",", "=", "<", ">", "!", "+", "-", "*", "|", "and", "or", "div", "mod"})
"""What stands before a path; a slash behind it begins at the root."""

_NARROW: Final = re.compile(r"/([\w.-]+):([\w.-]+)(?:/([\w.-]+):([\w.-]+))?(?=[/\[]|$)")
_ELSEWHERE: Final = re.compile(r"\.\.|\||::|(?:^|[\[(,=<>!+*|\s-])\s*/")
"""What may lead out of the branch where a path begins."""


class XPathFilter:
    """One expression, ready to be used; `namespaces` are those in scope where it was written."""

    built = False

    def __init__(self, expression: str, namespaces: Mapping[str | None, str]) -> None:
        if len(expression) > LONGEST:
            raise TooBig(f"an XPath filter may have at most {LONGEST} characters", name="select")
        known = {prefix: uri for prefix, uri in namespaces.items() if prefix}
        try:
            self._select = etree.XPath(expression, namespaces=known, regexp=False)
        except etree.XPathSyntaxError as error:
            raise BadValue(f"the XPath expression cannot be read: {error}", name="select") from None
        self._exponent, self._factor = cost(expression)
        self._selected(etree.Element("nothing"))  # what is wrong whatever the tree is told also when there is none
        self.building = _building(expression, known)

    def prune(
        self, elements: Sequence[_Element], nodes: Mapping[str, Node], depth: int | None = None
    ) -> list[_Element]:
        """Return what is selected, with its ancestors and the keys of list entries on the way; reduces in place.

        Below what is selected `depth` levels are shown, the selected node itself being the first; None = all.
        `nodes` are those of the schema, which know the keys.
        """
        return [
            element
            for element in elements
            if _reduced(element, nodes.get(str(element.tag)), self._selected(element), depth)
        ]

    def selects(self, top: _Element) -> bool:
        """Tell whether something of a tree is selected."""
        return bool(self._selected(top))

    def _selected(self, top: _Element) -> frozenset[_Element]:
        size = sum(1 for _ in top.iter())
        if size**self._exponent * self._factor > DEAREST:
            rule = f"the XPath expression would take more than {DEAREST} steps: name the nodes and the keys of entries"
            raise TooBig(rule, name="select")
        try:
            found = self._select(top.getroottree())
        except etree.XPathError as error:
            raise BadValue(f"the XPath expression cannot be evaluated: {error}", name="select") from None
        if not isinstance(found, list):
            raise BadValue("the XPath expression must select nodes", name="select")
        return frozenset(_elements(found))


def cost(expression: str) -> tuple[int, int]:
    """Return what an expression costs at most, roughly: a power of the size of the tree, and a factor.

    Steps that can reach many nodes (`//`, `..`, siblings, the root) cost the size of the tree each time that they are
    taken: once for the whole expression, but for every node where they stand in a predicate, or behind another one.
    The factor is their number: a predicate may well have a thousand of them.
    """
    depth, before = 0, ""
    wide: dict[int, int] = {}
    unions = 0
    for match in _TOKEN.finditer(expression):
        token = match[1]
        if token in {"[", "("}:
            depth += 1
        elif token in {"]", ")"}:
            depth -= 1
        elif token == "|":  # noqa: S105 - a token of XPath
            unions = 1
        elif token in {"//", ".."} or (token == "/" and depth and before in _BEGINNING) or token in _WIDE_AXES:  # noqa: S105
            wide[depth] = wide.get(depth, 0) + 1
        before = token
    predicates = sum(1 for level in wide if level > 0)
    return 1 + predicates + unions + (wide.get(0, 0) > 1), max(1, sum(wide.values()))


def _building(expression: str, namespaces: Mapping[str, str]) -> Selection:
    """Return what of the tree has to be there to evaluate the expression: one branch where it begins with its path."""
    text = expression.strip()
    found = _NARROW.match(text)
    if found is None or _ELSEWHERE.search(text[found.end() :]):
        return EVERYTHING
    wanted = place = etree.Element("filter")
    for prefix, name in ((found[1], found[2]), (found[3], found[4])):
        if name:
            place = etree.SubElement(place, f"{{{namespaces.get(prefix, '')}}}{name}")
    return Selection.of(wanted)


def _elements(found: Iterable[Any]) -> Iterable[_Element]:
    """Yield the elements of a result; one of text or attributes stands for the elements that have them."""
    for one in found:
        element = one if isinstance(one, etree._Element) else one.getparent()  # noqa: SLF001 - it has no other name
        if element is not None:
            yield element


def _reduced(element: _Element, node: Node | None, selected: frozenset[_Element], depth: int | None) -> bool:
    """Tell whether something of an element is wanted, and take away what is not."""
    if element in selected:
        if depth is not None:
            shallow(element, depth)
        return True
    children = node.children if node else {}
    dropped = [child for child in element if not _reduced(child, children.get(str(child.tag)), selected, depth)]
    if len(dropped) == len(element):
        return False
    keys = {node.child(member).name for member in node.keys} if node else set()
    for child in dropped:
        if etree.QName(child).localname not in keys:
            element.remove(child)
    return True


def shallow(element: _Element, depth: int) -> None:
    """Take away what is deeper than so many levels; the element itself is the first."""
    if depth <= 1:
        for child in list(element):
            element.remove(child)
        return
    for child in element:
        shallow(child, depth - 1)
