"""Default values in answers (RFC 6243, RFC 8040 section 4.8.9), on trees as RFC 7951 writes them; pure.

The basic mode is explicit: what was set is shown, and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from promise.northbound.datastore import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element

    from promise.northbound.datastore import Node

TAG: Final = {"ietf-netconf-with-defaults:default": True}
"""The annotation of a value that was not set (RFC 6243 section 6, RFC 7952)."""

_ATTRIBUTE: Final = "{urn:ietf:params:xml:ns:netconf:default:1.0}default"


def with_defaults(body: dict[str, Any], nodes: Iterable[Node], mode: str) -> dict[str, Any]:
    """Return what is in a container, an entry or a datastore with defaults as the mode says; `nodes` may be in it."""
    found: dict[str, Any] = {}
    for node in nodes:
        if node.member in body:
            value = _reported(body[node.member], node, mode)
            if value is not None:
                found[node.member] = value
        elif mode.startswith("report-all") and node.config:
            _supply(found, node, mode)
    return found


def _reported(value: Any, node: Node, mode: str) -> Any:
    """Return the value of a node that is there; None where it is to go."""
    if node.kind is Kind.LEAF:
        return None if mode == "trim" and node.default is not None and value == node.default else value
    if node.kind is Kind.LIST:
        return [with_defaults(entry, node.children.values(), mode) for entry in value]
    if node.kind is Kind.CONTAINER:
        inside = with_defaults(value, node.children.values(), mode)
        return None if value and not inside and not node.presence else inside
    return value


def _supply(found: dict[str, Any], node: Node, mode: str) -> None:
    """Add the defaults of a node that is not there."""
    if node.kind is Kind.LEAF and node.default is not None:
        found[node.member] = node.default
        if mode == "report-all-tagged":
            found[f"@{node.member}"] = TAG
    elif node.kind is Kind.CONTAINER and not node.presence:
        inside = with_defaults({}, node.children.values(), mode)
        if inside:
            found[node.member] = inside


def tag(element: _Element, body: dict[str, Any], nodes: Iterable[Node]) -> None:
    """Tag those leaves of an element that the same body in JSON has tagged."""
    entries: dict[str, int] = {}
    known = {f"{{{one.namespace}}}{one.name}": one for one in nodes}
    for child in element:
        one = known[str(child.tag)]
        if f"@{one.member}" in body:
            child.set(_ATTRIBUTE, "true")
        value = body[one.member]
        if one.kind is Kind.LIST:
            value = value[entries.setdefault(one.member, 0)]
            entries[one.member] += 1
        if isinstance(value, dict):
            tag(child, value, one.children.values())


def default_of(node: Node) -> Any:
    """Return what a node of the configuration is when it is not there; None where it is nothing."""
    if not node.config or node.many or node.presence:
        return None
    if node.kind is Kind.LEAF:
        return node.default
    return {} if with_defaults({}, node.children.values(), "report-all") else None
