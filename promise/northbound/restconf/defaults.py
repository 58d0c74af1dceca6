"""Default values in answers (RFC 6243, RFC 8040 section 4.8.9), on trees as RFC 7951 writes them; pure.

The basic mode is explicit: what was set is shown, and nothing else. In operation it is what is in use (RFC 8527
section 3.2.1): defaults are always shown there, but for `trim`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promise.northbound.datastore import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from promise.northbound.datastore import Node


def with_defaults(
    body: dict[str, Any], nodes: Iterable[Node], mode: str, mark: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what is in a container, an entry or a datastore with defaults as the mode says; `nodes` may be in it.

    A leaf that was not set is annotated with `mark`, where there is one.
    """
    found: dict[str, Any] = {}
    for node in nodes:
        if node.member in body:
            value = _reported(body[node.member], node, mode, mark)
            if value is not None:
                found[node.member] = value
        elif mode.startswith("report-all") and node.config:
            _supply(found, node, mode, mark)
    return found


def _reported(value: Any, node: Node, mode: str, mark: Mapping[str, Any] | None) -> Any:
    """Return the value of a node that is there; None where it is to go."""
    if node.kind is Kind.LEAF:
        return None if mode == "trim" and node.default is not None and value == node.default else value
    if node.kind is Kind.LIST:
        return [with_defaults(entry, node.children.values(), mode, mark) for entry in value]
    if node.kind is Kind.CONTAINER:
        inside = with_defaults(value, node.children.values(), mode, mark)
        return None if value and not inside and not node.presence else inside
    return value


def _supply(found: dict[str, Any], node: Node, mode: str, mark: Mapping[str, Any] | None) -> None:
    """Add the defaults of a node that is not there."""
    if node.kind is Kind.LEAF and node.default is not None:
        found[node.member] = node.default
        if mark:
            found[f"@{node.member}"] = dict(mark)
    elif node.kind is Kind.CONTAINER and not node.presence:
        inside = with_defaults({}, node.children.values(), mode, mark)
        if inside:
            found[node.member] = inside
