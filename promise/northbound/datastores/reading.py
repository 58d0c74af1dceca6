"""What a datastore shows, as XML: a configuration from its tree, operation from the records (RFC 8342 section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lxml import etree

from promise.northbound import bindings as yang
from promise.northbound.datastores import state
from promise.northbound.port import Content
from promise.northbound.running import TOP, in_sections
from promise.northbound.subscribed import MEMBER
from promise.northbound.treexml import written
from promise.northbound.words import actor_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lxml.etree import _Element

    from promise.allocation.book import AllocationBook
    from promise.northbound.access import Caller
    from promise.northbound.datastore import Schema, Tree
    from promise.northbound.nacm.control import Control
    from promise.northbound.port import Subscriptions
    from promise.northbound.subtree import Selection

_PARSER: Final = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
"""What it reads we have written ourselves."""


class Reading:
    """Writes what is asked for, and little more: `access` and then the door's filter have the last word."""

    def __init__(self, schema: Schema, access: Control, told: Subscriptions | None = None) -> None:
        self._access = access
        self._told = told
        self._nodes = tuple(schema.top.values())
        (self._promise,) = (node for node in self._nodes if node.member == TOP)
        self._others = tuple(node for node in self._nodes if node is not self._promise)

    def configuration(self, tree: Tree, wanted: Selection) -> Sequence[_Element]:
        """Return the top-level nodes of a configuration."""
        return [etree.fromstring(text, _PARSER) for text in written(tree, self._nodes, wanted)]

    def operational(
        self, book: AllocationBook, now: int, caller: Caller, wanted: Selection, content: Content
    ) -> Sequence[_Element]:
        """Return the top-level nodes with the configuration in force and the state, or with one of them."""
        texts: list[bytes] = []
        inside = wanted.child(self._promise.namespace, self._promise.name)
        tree = in_sections(book) if content is not Content.NONCONFIG else {}
        if content is not Content.CONFIG:
            tree = self._access.counted(tree)
        if inside is not None:
            sections = {name: value for name, value in tree.get(TOP, {}).items() if name not in state.CONFIG}
            parts = [
                *state.elements(book, actor_of(caller), now, inside, content),
                *written(sections, self._promise.children.values(), inside, self._promise.namespace),
            ]
            parts += self._subscriptions(book, caller, inside, content)
            texts.append(b'<promise xmlns="%b">%b</promise>' % (self._promise.namespace.encode(), b"".join(parts)))
        texts += written(tree, self._others, wanted)
        return self._access.readable(caller, [etree.fromstring(text, _PARSER) for text in texts])

    def _subscriptions(
        self, book: AllocationBook, caller: Caller, wanted: Selection, content: Content
    ) -> Iterator[bytes]:
        """Yield the subscriptions, those that live on sessions behind the others."""
        below = wanted.child(self._promise.namespace, "subscriptions")
        if below is not None and self._told is not None:
            keys, entry = below.values("id"), yang.DATA["/promise/subscriptions"]
            found = self._told.listed(book, actor_of(caller), content)
            yield from (entry.encode_xml(one) for one in found if keys is None or one.id in keys)


def visible(tree: Tree, subscriptions: frozenset[str]) -> Tree:
    """Return a configuration with those subscriptions only that have one of these ids: the others belong to others."""
    inside = tree.get(TOP, {})
    if MEMBER not in inside:
        return tree
    kept = {name: value for name, value in inside.items() if name != MEMBER}
    if shown := [entry for entry in inside[MEMBER] if entry["id"] in subscriptions]:
        kept[MEMBER] = shown
    rest = {top: value for top, value in tree.items() if top != TOP}
    return {TOP: kept, **rest} if kept else rest
