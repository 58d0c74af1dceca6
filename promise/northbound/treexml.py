"""A tree of data as XML (RFC 7950 section 7, "XML Encoding"); pure. `editxml` goes the other way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promise.northbound.datastore import Kind, text_of
from promise.northbound.library.modules import library
from promise.northbound.message import escape
from promise.northbound.qualified import declarations, spelled_out
from promise.northbound.unchanging import Unchanging

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from promise.northbound.datastore import Node, Tree
    from promise.northbound.subtree import Selection


def whole(tree: Tree, nodes: Iterable[Node], space: str = "") -> bytes:
    """Return the elements of what a tree holds, in the order of the schema.

    `space` is the default namespace where they are to stand.
    """
    return "".join(_nodes(tree, nodes, space)).encode()


def _nodes(tree: Tree, nodes: Iterable[Node], space: str) -> Iterator[str]:
    for node in nodes:
        if node.member in tree:
            yield _node(node, tree[node.member], space)


def _node(node: Node, value: Any, space: str) -> str:
    """Return the element of a node; of a list or leaf-list, those of all its entries."""
    if node.free:
        return _element(node, free(value, node.namespace), space)
    if node.kind is Kind.LEAF:
        return _leaf(node, value, space)
    if node.kind is Kind.LEAF_LIST:
        return "".join([_leaf(node, one, space) for one in value])
    if node.kind is Kind.LIST:
        return "".join([_element(node, "".join(_nodes(one, node.children.values(), node.namespace)), space)
                        for one in value])  # fmt: skip
    return _container(node, value, space)


def _container(node: Node, value: Tree, space: str) -> str:
    if not isinstance(value, Unchanging):
        return _element(node, "".join(_nodes(value, node.children.values(), node.namespace)), space)
    if not hasattr(value, "text"):
        value.text = "".join(_nodes(value, node.children.values(), node.namespace))
    return _element(node, value.text, space)


def _leaf(node: Node, value: Any, space: str) -> str:
    text = value if type(value) is str else text_of(value)
    if node.qualified:
        text = spelled_out(text) if node.instance else text
        used = declarations(text).items()
        return _element(node, escape(text), space, "".join(f' xmlns:{name}="{escape(uri)}"' for name, uri in used))
    return _element(node, escape(text), space)


def _element(node: Node, content: str, space: str, more: str = "") -> str:
    name = node.name
    own = "" if node.namespace == space else f' xmlns="{escape(node.namespace)}"'
    return f"<{name}{own}{more}>{content}</{name}>" if content else f"<{name}{own}{more}/>"


class Writer:
    """Writes of trees what is wanted, and little more.

    `exact` tells whether all of what was written so far is wanted, so that the filter finds nothing to take out.
    """

    def __init__(self, *, exact: bool = True) -> None:
        self.exact = exact

    def nodes(
        self, tree: Tree, nodes: Iterable[Node], wanted: Selection, space: str = "", keys: tuple[str, ...] = ()
    ) -> bytes:
        """Return the elements of what a tree holds as far as it is wanted; see `whole`.

        `keys` are written in any case: access rules ask them.
        """
        return "".join(self._nodes(tree, nodes, wanted, space, keys)).encode()

    def _nodes(
        self, tree: Tree, nodes: Iterable[Node], wanted: Selection, space: str, keys: tuple[str, ...] = ()
    ) -> Iterator[str]:
        if wanted.unconditional:
            yield from _nodes(tree, nodes, space)
            return
        self.exact = self.exact and wanted.plain and not keys
        for node in nodes:
            if node.member not in tree:
                continue
            below = wanted.child(node.namespace, node.name)
            if below is not None and not below.unconditional:
                yield self._some(node, tree[node.member], below, space)
            elif below is not None or node.member in keys:
                yield _node(node, tree[node.member], space)

    def _some(self, node: Node, value: Any, wanted: Selection, space: str) -> str:
        """Return what is wanted of a node of which not simply everything is."""
        if node.kind is Kind.LIST:
            return self._entries(node, value, wanted, space)
        if node.kind is not Kind.CONTAINER:
            self.exact = False  # a filter that asks for something inside a leaf
            return _node(node, value, space)
        inside = "".join(self._nodes(value, node.children.values(), wanted, node.namespace))
        return _element(node, inside, space) if inside else ""

    def _entries(self, node: Node, entries: Iterable[Tree], wanted: Selection, space: str) -> str:
        key = node.child(node.keys[0]) if len(node.keys) == 1 else None
        picked = key is not None and wanted.picks(key.namespace, key.name)
        found = [entry for entry in entries if _may_be_wanted(node, entry, wanted)]
        if picked:
            return _node(node, found, space)
        children = node.children.values()
        inside = ["".join(self._nodes(entry, children, wanted, node.namespace, node.keys)) for entry in found]
        return "".join(_element(node, one, space) for one in inside if one)


def _may_be_wanted(node: Node, entry: Tree, wanted: Selection) -> bool:
    """Tell whether the keys of an entry are not among those that are asked for; the filter has the last word."""
    for member in node.keys:
        values = wanted.values(node.child(member).name)
        if values is not None and (member not in entry or text_of(entry[member]) not in values):
            return False
    return True


def free(value: Tree, space: str) -> str:
    """Return the elements of what no schema says anything of: members of JSON whose names have those of modules."""
    return "".join(_free(value, space))


def _free(value: Tree, space: str) -> Iterator[str]:
    modules = library().modules
    for member, said in value.items():
        module, _, name = member.rpartition(":")
        namespace = modules[module].namespace if module in modules else space
        own = "" if namespace == space else f' xmlns="{escape(namespace)}"'
        for one in said if isinstance(said, list) and said != [None] else [said]:
            inside = free(one, namespace) if isinstance(one, dict) else escape(text_of("" if one is None else one))
            yield f"<{name}{own}>{inside}</{name}>"
