"""Subtree filters: which part of a tree a client wants (RFC 6241 section 6).

A filter is made ready once: siblings that ask for the same are merged, and those that name a value are found by that
value. So the work is proportional to the data, however many list entries a filter enumerates.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from promise.errors import TooBig
from promise.northbound.message import split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lxml.etree import _Element

ANY: Final = "{*}"
"""The namespace of a filter node that has none: it stands for every namespace (RFC 6241 section 6.2.1)."""

LARGEST: Final = 20_000
"""Elements that a filter may have."""

_Attributes = tuple[tuple[str, str], ...]


class Keyed(Protocol):
    """A node of the schema, as far as it knows keys: the tags of its own, and the nodes below it by tag."""

    @property
    def children(self) -> Mapping[str, Keyed]:
        """The nodes below it."""

    @property
    def key_tags(self) -> frozenset[str]:
        """The tags of the keys of a list."""


class _Match(NamedTuple):
    """A content match node: a leaf that must have this text (section 6.2.5)."""

    namespace: str
    name: str
    attributes: _Attributes
    text: str

    def holds(self, element: _Element) -> bool:
        namespace, name = split(element.tag)
        return (
            name == self.name
            and self.namespace in ("", namespace)
            and _text(element) == self.text
            and all(element.get(key) == value for key, value in self.attributes)
        )


class _Node:
    """A containment or selection node, or several that were merged, with the siblings inside it.

    `whole` = everything below is wanted, once the content matches hold: it is empty, or has only content matches.
    """

    def __init__(self, attributes: _Attributes, matches: Sequence[_Match]) -> None:
        self.attributes = attributes
        self.matches = matches
        self.whole = False
        self._inside: dict[str, _Choice] = {}

    def take(self, siblings: Iterable[_Element]) -> None:
        """Add what the elements of one sibling set ask for; their content matches are this node's already."""
        elements = [element for element in siblings if not _is_match(element)]
        self.whole = self.whole or not elements
        for element in elements:
            namespace, name = split(element.tag)
            key = f"{{{namespace}}}{name}" if namespace else ANY + name
            self._inside.setdefault(key, _Choice()).add(element)

    @property
    def by_names(self) -> bool:
        """Whether no value and no attribute decides, here or below."""
        inside = (node for choice in self._inside.values() for node in choice.nodes.values())
        return not self.matches and not self.attributes and all(node.by_names for node in inside)

    def inside(self, namespace: str, name: str) -> list[_Choice]:
        """Return what is asked for under that name, by namespace and without."""
        found = (self._inside.get(f"{{{namespace}}}{name}"), self._inside.get(ANY + name))
        return [choice for choice in found if choice is not None]

    def holds(self, siblings: Sequence[_Element]) -> bool:
        """Tell whether every content match holds among these elements."""
        return all(any(match.holds(element) for element in siblings) for match in self.matches)

    def names(self, element: _Element) -> bool:
        """Tell whether the element is one that a content match is about."""
        return any(match.holds(element) for match in self.matches)


class _Choice:
    """All nodes of one name in one sibling set, merged where they ask alike."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[_Attributes, tuple[_Match, ...]], _Node] = {}
        self._by_value: dict[tuple[str, str], list[_Node]] | None = None
        self._by_attribute: dict[tuple[str, str], list[_Node]] = {}
        self._free: list[_Node] = []

    def add(self, element: _Element) -> None:
        attributes = _attributes(element)
        matches = tuple(sorted({_match(child) for child in element if _is_match(child)}))
        key = (attributes, matches)
        self.nodes.setdefault(key, _Node(attributes, matches)).take(element)

    def candidates(self, element: _Element) -> Iterator[_Node]:
        """Find the nodes which may ask for this element, whose name is theirs; at least their attributes fit."""
        if self._by_value is None:
            self._by_value = self._index()
        yield from self._free
        if self._by_attribute:
            for item in element.attrib.items():
                nodes = self._by_attribute.get((str(item[0]), str(item[1])), ())
                yield from (node for node in nodes if all(element.get(k) == v for k, v in node.attributes))
        if self._by_value:
            for value in {(split(child.tag)[1], _text(child)) for child in element}:
                yield from self._by_value.get(value, ())

    def _index(self) -> dict[tuple[str, str], list[_Node]]:
        """File every node under an attribute, or under that content match which it shares with fewest others."""
        values: dict[tuple[str, str], list[_Node]] = {}
        sharing = Counter((match.name, match.text) for node in self.nodes.values() for match in node.matches)
        for node in self.nodes.values():
            if node.attributes:
                self._by_attribute.setdefault(node.attributes[0], []).append(node)
            elif node.matches:
                rarest = min(((match.name, match.text) for match in node.matches), key=sharing.__getitem__)
                values.setdefault(rarest, []).append(node)
            else:
                self._free.append(node)
        return values


class Selection:
    """What is wanted below one place of a tree. Whoever builds the tree asks it what may be left out.

    It errs on the side of wanting; `prune` has the last word on what was built.
    """

    def __init__(self, nodes: Sequence[_Node]) -> None:
        self._nodes = nodes

    @classmethod
    def of(cls, filter_element: _Element) -> Selection:
        """Return what a <filter type="subtree"> asks for; an empty one asks for nothing (section 6.4.2).

        Raises TooBig when it has more than `LARGEST` elements.
        """
        if sum(1 for _ in islice(filter_element.iter(), LARGEST + 2)) > LARGEST + 1:
            raise TooBig(f"a filter may have at most {LARGEST} elements", name="filter")
        root = _Node((), sorted({_match(child) for child in filter_element if _is_match(child)}))
        root.take(filter_element)
        root.whole = root.whole and len(filter_element) > 0
        return cls([root])

    @property
    def everything(self) -> bool:
        """Whether all that is here is wanted, without any condition."""
        return any(node.whole and not node.matches for node in self._nodes)

    @property
    def unconditional(self) -> bool:
        """Whether all that is here is wanted, whatever it is: no value and no attribute decides on it."""
        return any(node.whole and not node.matches and not node.attributes for node in self._nodes)

    @property
    def plain(self) -> bool:
        """Whether the names of what is here decide alone on what of it is wanted."""
        return not any(node.matches or node.attributes for node in self._nodes)

    @property
    def by_names(self) -> bool:
        """Whether names alone decide here and everywhere below: no value and no attribute is looked at."""
        return all(node.by_names for node in self._nodes)

    def picks(self, namespace: str, key: str) -> bool:
        """Tell whether just those entries of a list are wanted, as a whole, whose key is one of `values(key)`."""
        return all(node.whole and not node.attributes and len(node.matches) == 1 for node in self._nodes) and all(
            match.name == key and match.namespace in {"", namespace} and not match.attributes
            for node in self._nodes
            for match in node.matches
        )

    @property
    def named_last(self) -> bool:
        """Whether what is here is asked for as it is, and not for something inside it; it may be for a value of it."""
        return any(node.whole for node in self._nodes)

    def child(self, namespace: str, name: str) -> Selection | None:
        """Return what is wanted below the children of that name, None when such children are not wanted."""
        if any(node.whole for node in self._nodes):
            return EVERYTHING
        if any(match.name == name for node in self._nodes for match in node.matches):
            return EVERYTHING
        choices = [choice for node in self._nodes for choice in node.inside(namespace, name)]
        nodes = [node for choice in choices for node in choice.nodes.values()]
        return Selection(nodes) if nodes else None

    def values(self, leaf: str) -> frozenset[str] | None:
        """Return the values of the leaf with which a node is wanted here at all, None when it may have any.

        For a list, ask `selection.child(namespace, list).values(key)`: the entries with other keys may be left out.
        """
        values = set()
        for node in self._nodes:
            named = {match.text for match in node.matches if match.name == leaf}
            if not named:
                return None
            values |= named
        return frozenset(values)

    def prune(self, elements: Sequence[_Element], keyed: Mapping[str, Keyed] | None = None) -> list[_Element]:
        """Return those of the top-level elements that are wanted, reduced in place to what is wanted of them.

        With `keyed`, nodes of the schema by tag, entries of which something is wanted keep their keys as well.
        """
        return list(elements) if self.everything else _select(elements, self._nodes, keyed or {})[0]


def _select(
    siblings: Sequence[_Element], nodes: Sequence[_Node], keyed: Mapping[str, Keyed]
) -> tuple[list[_Element], list[_Element]]:
    """Apply the nodes that ask for one element to its children: those to keep, and those to drop."""
    holding = [node for node in nodes if node.holds(siblings)]
    if any(node.whole for node in holding):
        return list(siblings), []
    kept: list[_Element] = []
    dropped: list[_Element] = []
    for element in siblings:
        (kept if holding and _wanted(element, holding, keyed.get(str(element.tag))) else dropped).append(element)
    return kept, dropped


def _wanted(element: _Element, nodes: Sequence[_Node], keyed: Keyed | None) -> bool:
    """Decide on one child, and reduce it."""
    if any(node.names(element) for node in nodes):
        return True
    namespace, name = split(element.tag)
    inner = [
        node for parent in nodes for choice in parent.inside(namespace, name) for node in choice.candidates(element)
    ]
    if any(node.whole and not node.matches for node in inner):
        return True
    if not inner:
        return False
    kept, dropped = _select(list(element), inner, keyed.children if keyed else {})
    keys = keyed.key_tags if keyed else ()
    for child in dropped:
        if child.tag not in keys:
            element.remove(child)
    return bool(kept)


def _match(element: _Element) -> _Match:
    namespace, name = split(element.tag)
    return _Match(namespace, name, _attributes(element), _text(element))


def _is_match(element: _Element) -> bool:
    return len(element) == 0 and bool(_text(element))


def _attributes(element: _Element) -> _Attributes:
    return tuple(sorted((str(key), str(value)) for key, value in element.attrib.items()))


def _text(element: _Element) -> str:
    return (element.text or "").strip()


def _all() -> Selection:
    node = _Node((), ())
    node.whole = True
    return Selection([node])


EVERYTHING: Final = _all()
"""The selection of a request without filter."""
