"""Resources in XML: what stands around the elements that `treexml` writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from promise.northbound.restconf.defaults import tag
from promise.northbound.restconf.exchange import RESTCONF
from promise.northbound.subtree import EVERYTHING
from promise.northbound.treexml import written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promise.northbound.datastore import Node, Tree

LIST: Final = "urn:ietf:params:xml:ns:yang:ietf-restconf-list"
"""The namespace of <xml-list> (draft-ietf-netconf-list-pagination-rc section 4)."""


def element(node: Node, value: Any) -> bytes:
    """Return the element of a container, a leaf, or one entry."""
    return _tagged(b"".join(written({node.member: [value] if node.many else value}, [node], EVERYTHING)), value, node)


def _tagged(text: bytes, value: Any, node: Node) -> bytes:
    """Return an element with the attributes that tag defaults, where the value has such annotations."""
    if not (isinstance(value, dict) and _has_tags(value)):
        return text
    root = etree.fromstring(text)
    tag(root, value, node.children.values())
    return etree.tostring(root)


def _has_tags(value: Any) -> bool:
    if isinstance(value, list):
        return any(_has_tags(entry) for entry in value)
    return isinstance(value, dict) and any(name[0] == "@" or _has_tags(one) for name, one in value.items())


def datastore(tree: Tree, nodes: Mapping[str, Node]) -> bytes:
    """Return <data> with the top-level nodes of a datastore."""
    inside = b"".join(
        _tagged(text, tree[node.member], node) for node in nodes.values() for text in written(tree, [node], EVERYTHING)
    )
    return b'<data xmlns="%b">%b</data>' % (RESTCONF.encode(), inside)


def several(node: Node, entries: Sequence[Any]) -> bytes:
    """Return <xml-list> with entries of a list or leaf-list."""
    inside = b"".join(written({node.member: entries}, [node], EVERYTHING))
    return b'<xml-list xmlns="%b">%b</xml-list>' % (LIST.encode(), inside)
