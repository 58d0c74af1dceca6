"""Trees as RFC 7951 writes them, written as XML (RFC 7950 section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from promise.northbound.datastore import Kind
from promise.northbound.message import escape
from promise.northbound.restconf.exchange import RESTCONF

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from promise.northbound.datastore import Node

LIST: Final = "urn:ietf:params:xml:ns:yang:ietf-restconf-list"
"""The namespace of <xml-list> (draft-ietf-netconf-list-pagination-rc section 4)."""


def element(node: Node, value: Any) -> bytes:
    """Return the element of a container, a leaf, or one entry."""
    out: list[str] = []
    _write(node, value, "", out)
    return "".join(out).encode()


def datastore(tree: Mapping[str, Any], nodes: Mapping[str, Node]) -> bytes:
    """Return <data> with the top-level nodes of a datastore."""
    out: list[str] = []
    _children(tree, {node.member: node for node in nodes.values()}, RESTCONF, out)
    return f'<data xmlns="{RESTCONF}">{"".join(out)}</data>'.encode()


def several(node: Node, entries: Iterable[Any]) -> bytes:
    """Return <xml-list> with entries of a list or leaf-list."""
    out: list[str] = []
    for entry in entries:
        _write(node, entry, "", out)
    return f'<xml-list xmlns="{LIST}">{"".join(out)}</xml-list>'.encode()


def _children(body: Mapping[str, Any], nodes: Mapping[str, Node], namespace: str, out: list[str]) -> None:
    for member, value in body.items():
        node = nodes[member]
        for entry in value if node.many else (value,):
            _write(node, entry, namespace, out)


def _write(node: Node, value: Any, namespace: str, out: list[str]) -> None:
    """Append an element; `namespace` is the default one where it stands."""
    start = node.name if node.namespace == namespace else f'{node.name} xmlns="{node.namespace}"'
    if node.kind in {Kind.CONTAINER, Kind.LIST}:
        out.append(f"<{start}>")
        _children(value, {child.member: child for child in node.children.values()}, node.namespace, out)
        out.append(f"</{node.name}>")
    else:
        out.append(f"<{start}>{_text(value)}</{node.name}>")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value == [None] else escape(str(value))
