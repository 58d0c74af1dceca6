"""What a datastore shows, as XML: a configuration from its tree, operation from the records (RFC 8342 section 5)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from promise.northbound import bindings as yang
from promise.northbound.datastores import state
from promise.northbound.datastores.kept import Kept
from promise.northbound.port import Content
from promise.northbound.running import TOP, in_sections
from promise.northbound.shown import Shown, text_of
from promise.northbound.subscribed import shown
from promise.northbound.subscribed import visible as recorded
from promise.northbound.treexml import Writer, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from promise.northbound.datastore import Node, Schema, Tree
    from promise.northbound.datastores.state import Asked, Rest
    from promise.northbound.nacm.control import Control
    from promise.northbound.port import Subscriptions
    from promise.northbound.subtree import Selection


class Reading:
    """Writes what is asked for, and little more: `access` and then the door's filter have the last word."""

    def __init__(self, schema: Schema, access: Control, told: Subscriptions | None = None) -> None:
        self._access = access
        self._told = told
        self._nodes = tuple(schema.top.values())
        (self._promise,) = (node for node in self._nodes if node.member == TOP)
        self._others = tuple(node for node in self._nodes if node is not self._promise)
        self._kept: Kept[bytes] = Kept()
        self.top = self._promise.name, self._promise.namespace
        """The top-level node that holds the records: name and namespace."""

    def configuration(self, tree: Tree, wanted: Selection) -> Shown:
        """Return the top-level nodes of a configuration, which has in it what its reader may see."""
        writer = Writer(exact=wanted.plain)
        texts = [writer.nodes(tree, [node], wanted) for node in self._nodes if node.member in tree]
        return Shown([text for text in texts if text], exact=writer.exact)

    def records(self, asked: Asked, wanted: Selection, rests: list[Rest]) -> Shown:
        """Return the top-level nodes with the configuration in force and the state, or with one of them.

        What is too much to be read at once is added to `rests`: read by `some`, it goes in by `Shown.put`.
        """
        writer = Writer(exact=wanted.plain)
        tree = in_sections(asked.book) if asked.content is not Content.NONCONFIG else {}
        if asked.content is not Content.CONFIG:
            tree = self._access.counted(tree)
        texts = [self._inside(asked, wanted, writer, tree.get(TOP, {}), rests)]
        texts += self._sections(tree, self._others, wanted, writer)
        found = Shown([text for text in texts if text], exact=writer.exact)
        if self._access.reads_whole(asked.caller, self._places(wanted)):
            return found
        exact = found.exact and wanted.by_names  # a value that was asked for may be what is taken out
        return Shown.of(self._access.readable(asked.caller, found.elements()), exact=exact)

    def some(self, asked: Asked, wanted: Selection, rest: Rest, keys: Sequence[str]) -> bytes:
        """Return what of some entries of a long list is wanted, and may be read."""
        writer = Writer()
        text = state.some(asked, rest, writer, keys)
        if not text or (writer.exact and self._access.reads_whole(asked.caller, self._places(wanted))):
            return text
        elements = self._access.readable(asked.caller, Shown([self._around(text)], exact=False).elements())
        found = (child for element in wanted.prune(elements) for child in element)
        return b"".join([text_of(child) for child in found])

    def _around(self, inside: bytes) -> bytes:
        return b'<promise xmlns="%b">%b</promise>' % (self._promise.namespace.encode(), inside)

    def _places(self, wanted: Selection) -> Iterator[tuple[Node, ...]]:
        """Yield the branches of the tree in which something may have been written."""
        inside = wanted.child(self._promise.namespace, self._promise.name)
        if inside is not None:
            for node in self._promise.children.values():
                if inside.child(node.namespace, node.name) is not None:
                    yield self._promise, node
        for node in self._others:
            if wanted.child(node.namespace, node.name) is not None:
                yield (node,)

    def _inside(self, asked: Asked, wanted: Selection, writer: Writer, sections: Tree, rests: list[Rest]) -> bytes:
        """Return /promise with what is wanted of it; empty where nothing is."""
        inside = wanted.child(self._promise.namespace, self._promise.name)
        if inside is None:
            return b""
        writer.exact = writer.exact and (inside.unconditional or inside.plain)
        parts = [
            *state.elements(asked, inside, writer, self._kept, rests),
            *self._sections(sections, self._promise.children.values(), inside, writer, self._promise.namespace),
            *self._subscriptions(asked, inside, writer),
        ]
        return self._around(b"".join(parts)) if parts else b""

    def _sections(
        self, tree: Tree, nodes: Iterable[Node], wanted: Selection, writer: Writer, space: str = ""
    ) -> Iterator[bytes]:
        """Yield what is wanted of the sections; those that have not changed are not written anew."""
        for node in nodes:
            value = tree.get(node.member)
            below = None if value is None else wanted.child(node.namespace, node.name)
            if below is None:
                continue
            if not below.unconditional:
                yield writer.nodes({node.member: value}, [node], wanted, space)
                continue
            yield self._kept.of(node.member, value, partial(_section, node, space))

    def _subscriptions(self, asked: Asked, wanted: Selection, writer: Writer) -> Iterator[bytes]:
        """Yield the subscriptions, those that live on sessions behind the others."""
        below = wanted.child(self._promise.namespace, "subscriptions")
        if below is None:
            return
        keys, entry = below.values("id"), yang.DATA["/promise/subscriptions"]
        writer.exact = writer.exact and (below.unconditional or below.picks(entry.namespace, "id"))
        if self._told is not None:
            found: Iterable[yang.PromiseSubscriptions] = self._told.listed(asked.book, asked.actor, asked.content)
        else:
            found = (shown(record, asked.content) for record in recorded(asked.book, asked.actor))
        yield from (entry.encode_xml(one) for one in found if keys is None or one.id in keys)


def _section(node: Node, space: str, value: Any) -> bytes:
    return whole({node.member: value}, [node], space)
