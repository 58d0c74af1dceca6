"""XPath filters: which nodes of a tree a client wants (RFC 6241 section 8.9), within bounds that we can afford.

XPath 1.0 with its core functions, and some of YANG's; `expression` tells how it is read.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from promise.errors import BadValue, TooBig
from promise.northbound.depth import shallow
from promise.northbound.expression import LONGEST, Expression, held, read
from promise.northbound.subtree import EVERYTHING, Selection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lxml.etree import _Element

    from promise.northbound.datastore import Node

DEAREST: Final = 30_000_000
"""Steps that an expression may need, as far as its form tells: a fraction of a second."""

_STEP: Final = r"/(?:([^\W\d][\w.-]*):)?([^\W\d][\w.-]*)"
_NARROW: Final = re.compile(rf"{_STEP}(?:{_STEP})?(?=[/\[]|$)")
_ELSEWHERE: Final = re.compile(r"\.\.|\||::|(?:^|[\[(,=<>!+*|\s-])\s*/")
"""What may lead out of the branch where a path begins."""


class XPathFilter:
    """One expression, ready to be used; `namespaces` are those in scope where it was written."""

    built = False

    def __init__(self, expression: str, namespaces: Mapping[str | None, str]) -> None:
        if len(expression) > LONGEST:
            raise TooBig(f"an XPath filter may have at most {LONGEST} characters", name="select")
        known = {prefix: uri for prefix, uri in namespaces.items() if prefix}
        self._reading = read(expression)
        try:
            self._find = Expression(self._reading, known)
        except etree.XPathSyntaxError as error:
            raise BadValue(f"the XPath expression cannot be read: {error}", name="select") from None
        except etree.XPathError as error:
            raise _failed(error) from None
        _expect_nodes(self._find.of_nothing)
        self.building = _building(self._reading.parts, known)

    def prune(
        self, elements: Sequence[_Element], nodes: Mapping[str, Node], depth: int | None = None
    ) -> list[_Element]:
        """Return what is selected, with its ancestors and the keys of list entries on the way, of a copy.

        Below what is selected `depth` levels are shown, the selected node itself being the first; None = all.
        `nodes` are those of the schema, which know the keys.
        """
        holder = held(etree.tostring(element, encoding="utf-8", with_tail=False) for element in elements)
        elements = list(holder)
        selected = self._selected(holder)
        if holder in selected:  # the root is the first level
            for element in elements if depth is not None else ():
                shallow(element, (depth or 1) - 1, nodes.get(str(element.tag)))
            return [] if depth == 1 else list(elements)
        return [
            element for element in elements if _reduced(element, nodes.get(str(element.tag)), selected, depth)
        ]  # fmt: skip

    def selects(self, holder: _Element) -> bool:
        """Tell whether something of what a holder holds is selected."""
        return bool(self._selected(holder))

    def _selected(self, holder: _Element) -> frozenset[_Element]:
        size = sum(1 for _ in holder.iter())
        if size**self._reading.power * self._reading.factor > DEAREST:
            rule = f"the XPath expression would take more than {DEAREST} steps: name the nodes and the keys of entries"
            raise TooBig(rule, name="select")
        try:
            found = self._find(holder)
        except etree.XPathError as error:
            raise _failed(error) from None
        return frozenset(_elements(_expect_nodes(found)))


def _expect_nodes(found: Any) -> list[Any]:
    if not isinstance(found, list):
        raise BadValue("the XPath expression must select nodes", name="select")
    return found


def _failed(error: etree.XPathError) -> BadValue:
    return BadValue(f"the XPath expression cannot be evaluated: {error}", name="select")


def _building(parts: Iterable[str], namespaces: Mapping[str, str]) -> Selection:
    """Return what of the tree has to be there to evaluate the expression: the branches where its paths begin."""
    begins = []
    for part in parts:
        text = part.strip()
        text = text if text.startswith("/") else f"/{text}"
        found = _NARROW.match(text)
        if found is None or _ELSEWHERE.search(text[found.end() :]):
            return EVERYTHING
        steps = [(found[1], found[2]), (found[3], found[4])]
        begins.append(tuple(f"{{{namespaces.get(prefix, '')}}}{name}" if prefix else name
                            for prefix, name in steps if name))  # fmt: skip
    return _narrow(tuple(begins))


@lru_cache(maxsize=256)
def _narrow(begins: tuple[tuple[str, ...], ...]) -> Selection:
    """Return the selection of these branches, each by the tags of its steps."""
    wanted = etree.Element("filter")
    for steps in begins:
        place = wanted
        for tag in steps:
            place = etree.SubElement(place, tag)
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
            shallow(element, depth, node)
        return True
    children = node.children if node else {}
    dropped = [child for child in element if not _reduced(child, children.get(str(child.tag)), selected, depth)]
    if len(dropped) == len(element):
        return False
    keys = node.key_tags if node else frozenset()
    for child in dropped:
        if child.tag not in keys:
            element.remove(child)
    return True
