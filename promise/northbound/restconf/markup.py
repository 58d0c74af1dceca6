"""Resources in XML: what stands around the elements that `treexml` writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

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
    return b"".join(written({node.member: [value] if node.many else value}, [node], EVERYTHING))


def datastore(tree: Tree, nodes: Mapping[str, Node]) -> bytes:
    """Return <data> with the top-level nodes of a datastore."""
    inside = b"".join(written(tree, nodes.values(), EVERYTHING))
    return b'<data xmlns="%b">%b</data>' % (RESTCONF.encode(), inside)


def several(node: Node, entries: Sequence[Any]) -> bytes:
    """Return <xml-list> with entries of a list or leaf-list."""
    inside = b"".join(written({node.member: entries}, [node], EVERYTHING))
    return b'<xml-list xmlns="%b">%b</xml-list>' % (LIST.encode(), inside)
