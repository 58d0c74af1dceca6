"""Which entries of a list a client wants, and in which order (draft-ietf-netconf-list-pagination section 3).

`where` is an XPath expression, evaluated at each entry, which stands alone in its tree; names may have the prefixes of
modules, and need none. `sort-by` is the path of a leaf of the entry; numbers are sorted as such, texts by their code
points, and entries without the leaf come last.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from lxml import etree

from promise.errors import BadParameter
from promise.northbound.datastore import Kind, text_of
from promise.northbound.expression import LONGEST, read
from promise.northbound.library.modules import library
from promise.northbound.pages import Page, beyond, no_cursor
from promise.northbound.restconf.paths import members

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lxml.etree import _Element

    from promise.northbound.datastore import Node, Schema
    from promise.northbound.restconf.paths import Target
    from promise.northbound.restconf.query import Paging

DEAREST: Final = 1_000_000
"""Steps that an expression may need for one entry, as far as its form tells: some milliseconds."""

USUAL: Final = 300
"""Nodes of an entry, for the estimate."""

LOCALES: Final = frozenset({"C", "POSIX"})
"""The locales by which texts can be sorted, each with or without ".UTF-8"."""

_TOKEN: Final = re.compile(
    r"""\s*("[^"]*"|'[^']*'|//|::|\.\.|!=|<=|>=|[\w.-]*[A-Za-z_][\w.-]*(?::(?!:)[\w.*-]+)?|\S)"""
)
_NAME: Final = re.compile(r"(?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*|\*)")
_OPERATORS: Final = frozenset({"and", "or", "div", "mod"})
_BEFORE_OPERAND: Final = frozenset(
    {"", "@", "::", "(", "[", ",", "/", "//", "|", "+", "-", "=", "!=", "<", "<=", ">", ">=", "*"}
)
_PREFIXES: Final = {name for module in library().modules.values() for name in (module.name, module.prefix)}


def page_of(said: Paging, target: Target, schema: Schema) -> Page:
    """Return the page that the parameters ask for. Raises BadParameter."""
    if said.locale is not None and said.sort_by is None:
        raise BadParameter("locale says something only together with sort-by")
    if said.locale is not None and said.locale.removesuffix(".UTF-8") not in LOCALES:
        rule = f"texts are sorted by the locales {', '.join(sorted(LOCALES))}"
        raise BadParameter(rule, app_tag="ietf-list-pagination:locale-unavailable")
    where = None if said.where is None else Where(said.where, target)
    sort = None if said.sort_by is None else SortBy(said.sort_by, target.node, schema)
    return Page(said.limit, said.offset, said.cursor, said.backwards, where, sort)


class Where:
    """A condition on an entry of a list."""

    def __init__(self, text: str, target: Target) -> None:
        self._steps = [step.node.name for step in target.steps[:-1]]
        self._node = target.node
        reading = read(text[: LONGEST + 1])
        if len(text) > LONGEST or USUAL**reading.power * reading.factor > DEAREST:
            raise BadParameter("where must be shorter, or search less in predicates")
        plain = "".join(_unqualified(text, {*_names(target.node), *self._steps}))
        try:
            self._holds = etree.XPath(plain, regexp=False, smart_strings=False)
            self._holds(etree.Element("nothing"))
        except etree.XPathError as error:
            raise BadParameter(f"where is no XPath 1.0 expression: {error}") from None

    def __call__(self, body: Any) -> bool:
        """Tell whether it is true of an entry, or finds any node there."""
        entry = inside = None
        for name in self._steps:
            inside = etree.Element(name) if inside is None else etree.SubElement(inside, name)
        entry = etree.Element(self._node.name) if inside is None else etree.SubElement(inside, self._node.name)
        _fill(entry, self._node, body)
        try:
            return bool(self._holds(entry))
        except etree.XPathError as error:
            raise BadParameter(f"where cannot be evaluated: {error}") from None


def _fill(element: _Element, node: Node, value: Any) -> None:
    """Put a value into its element; names have no namespaces there."""
    if node.kind in {Kind.LEAF, Kind.LEAF_LIST}:
        element.text = _written(value)
        return
    for child in node.children.values():
        inside = value.get(child.member)
        if inside is not None:
            for one in inside if child.many else [inside]:
                _fill(etree.SubElement(element, child.name), child, one)


def _written(value: Any) -> str:
    """Return the text of a leaf; characters that XML does not know are no part of it."""
    return "".join(c for c in text_of(value) if c >= " " or c in "\t\n\r")


def _names(node: Node) -> Iterator[str]:
    yield node.name
    for child in node.children.values():
        yield from _names(child)


def _unqualified(text: str, known: set[str]) -> Iterator[str]:
    """Yield the tokens of an expression without the prefixes of names, which have to be names of nodes here."""
    tokens = [match[1] for match in _TOKEN.finditer(text)]
    before = ""
    for token, behind in pairwise([*tokens, ""]):
        found = _NAME.fullmatch(token)
        operator = token in _OPERATORS and before not in _BEFORE_OPERAND and before not in _OPERATORS
        if found is None or token == "*" or behind in {"(", "::"} or operator:  # noqa: S105 - a token of XPath
            yield f" {token} " if operator else token
        else:
            prefix, name = found.groups()
            if prefix not in {None, *_PREFIXES}:
                raise BadParameter(f'where has the prefix "{prefix[:64]}", which is no module')
            if name not in {"*", *known}:
                raise BadParameter(f'where names "{name[:64]}", which is no node of the list')
            yield name
        before = token


class SortBy:
    """The order by a leaf of the entries, or by the value of a leaf-list."""

    def __init__(self, path: str, node: Node, schema: Schema) -> None:
        self._steps: list[str] = []
        for name in () if node.kind is Kind.LEAF_LIST and path == "." else path.split("/"):
            child = members(node, schema).get(name)
            if child is None or child.many:
                raise BadParameter(f'sort-by must be the path of a leaf of {node.name}; "{name[:64]}" leads to none')
            self._steps.append(child.member)
            node = child
        if node.kind not in {Kind.LEAF, Kind.LEAF_LIST}:
            raise BadParameter(f"sort-by must be the path of a leaf; {node.name} is none")
        self._numeric = node.numeric

    def text(self, body: Any) -> str | None:
        """Return the value in an entry."""
        for member in self._steps:
            if body is None:
                return None
            body = body.get(member)
        return None if body is None else text_of(body)

    def rank(self, text: str | None) -> tuple[bool, Any]:
        """Return what compares as the value does."""
        if not self._numeric:
            return text is None, text or ""
        try:
            return text is None, Decimal(text or 0)
        except InvalidOperation:
            raise no_cursor() from None


def cut(values: Sequence[Any], node: Node, page: Page) -> tuple[list[Any], str]:
    """Return a page of entries that are there, and the cursor of the next one: the key of its last entry."""
    found = [value for value in values if page.wants(value)]
    if page.sort is not None:
        sort = page.sort
        found.sort(key=lambda value: sort.rank(sort.text(value)))
    if page.backwards:
        found.reverse()
    if page.cursor:
        if not node.keys:
            raise no_cursor()
        at = next((at for at, value in enumerate(found) if _key(value, node) == page.cursor), None)
        if at is None:
            raise no_cursor()
        del found[: at + 1]
    if page.offset > len(found):
        raise beyond(len(found))
    last = len(found) if page.limit is None else page.offset + page.limit
    shown = found[page.offset : last]
    return shown, _key(shown[-1], node) if shown and last < len(found) and node.keys else ""


def _key(value: Any, node: Node) -> str:
    return ",".join(quote(text_of(part), safe="") for part in node.key_of(value))
