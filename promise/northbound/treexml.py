"""A configuration tree as XML (RFC 7950 section 7, "XML Encoding"); pure. `editxml` goes the other way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promise.northbound.datastore import Kind, text_of
from promise.northbound.message import escape
from promise.northbound.qualified import declarations
from promise.northbound.subtree import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from promise.northbound.datastore import Node, Tree
    from promise.northbound.subtree import Selection


def written(
    tree: Tree, nodes: Iterable[Node], wanted: Selection, space: str = "", keys: tuple[str, ...] = ()
) -> Iterator[bytes]:
    """Yield the elements of what a tree holds, in the order of the schema, as far as it is wanted.

    `space` is the default namespace where they are to stand. `keys` are written in any case: access rules ask them.
    """
    for node in nodes:
        if node.member not in tree:
            continue
        below = EVERYTHING if node.member in keys else wanted.child(node.namespace, node.name)
        if below is not None:
            yield from _node(node, tree[node.member], below, space)


def _node(node: Node, value: Any, wanted: Selection, space: str) -> Iterator[bytes]:
    for one in value if node.many else [value]:
        if node.kind in {Kind.LEAF, Kind.LEAF_LIST}:
            yield _element(node, space, _spaces(node, one), escape(text_of(one)).encode())
        elif _may_be_wanted(node, one, wanted):
            inside = b"".join(written(one, node.children.values(), wanted, node.namespace, node.keys))
            yield _element(node, space, "", inside)


def _may_be_wanted(node: Node, entry: Tree, wanted: Selection) -> bool:
    """Tell whether the keys of an entry are not among those that are asked for; the filter has the last word."""
    for member in node.keys:
        values = wanted.values(node.child(member).name)
        if values is not None and text_of(entry[member]) not in values:
            return False
    return True


def _element(node: Node, space: str, more: str, content: bytes) -> bytes:
    own = "" if node.namespace == space else f' xmlns="{escape(node.namespace)}"'
    if not content:
        return f"<{node.name}{own}{more}/>".encode()
    return b"<%b>%b</%b>" % (f"{node.name}{own}{more}".encode(), content, node.name.encode())


def _spaces(node: Node, value: Any) -> str:
    """Return the declarations that the names in a value need: there, prefixes are the names of modules."""
    if not node.qualified:
        return ""
    used = declarations(text_of(value)).items()
    return "".join(f' xmlns:{name}="{escape(uri)}"' for name, uri in used)
