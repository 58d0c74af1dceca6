"""Resources in XML: what stands around the elements that `treexml` writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from promise.northbound.restconf.annotations import PREFIXES, annotated, put, put_inside
from promise.northbound.restconf.exchange import RESTCONF
from promise.northbound.treexml import whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promise.northbound.datastore import Node, Tree

LIST: Final = "urn:ietf:params:xml:ns:yang:ietf-restconf-list"
"""The namespace of <xml-list> (draft-ietf-netconf-list-pagination-rc section 4)."""

LIST_START: Final = b'<xml-list xmlns="%b">' % LIST.encode()
LIST_END: Final = b"</xml-list>"

_DECLARED: Final = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in PREFIXES.items()).encode()


def element(node: Node, value: Any, annotation: Mapping[str, Any]) -> bytes:
    """Return the element of a container, a leaf, or one entry; the annotation is that of a leaf itself."""
    text = whole({node.member: [value] if node.many else value}, [node])
    if not (annotation or annotated(value)):
        return text
    name = 1 + len(node.name)
    root = etree.fromstring(text[:name] + _DECLARED + text[name:])
    if isinstance(value, dict):
        put_inside(root, value, node.children.values())
    put(root, annotation)
    return etree.tostring(root, encoding="utf-8")


def datastore(tree: Tree, nodes: Mapping[str, Node]) -> bytes:
    """Return <data> with the top-level nodes of a datastore."""
    inside = b"".join(
        element(node, value, {})
        for node in nodes.values() if node.member in tree
        for value in (tree[node.member] if node.many else [tree[node.member]])
    )  # fmt: skip
    return b'<data xmlns="%b">%b</data>' % (RESTCONF.encode(), inside)


def several(node: Node, entries: Sequence[Any]) -> bytes:
    """Return <xml-list> with entries of a list or leaf-list."""
    inside = b"".join(element(node, entry, {}) for entry in entries)
    return LIST_START + inside + LIST_END
