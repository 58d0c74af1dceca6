"""What of a piece of data its reader may see (RFC 8341 section 3.2.4): the rest is left out, silently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promise.northbound.message import split
from promise.northbound.nacm.rulebook import Access

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lxml.etree import _Element

    from promise.northbound.nacm.rights import Rights, Walk


class Leaves:
    """The leaves inside an element, or an object, by name; "." is its own value."""

    def __init__(self, node: _Element | Any) -> None:
        self._node = node

    def get(self, name: str, /) -> str | None:
        """Return the text of a leaf, None when it is not there."""
        node = self._node
        if isinstance(node, dict):
            found = next((value for key, value in node.items() if key.rpartition(":")[2] == name), None)
            return None if found is None else _text(found)
        if isinstance(node, (str, int, float)):
            return _text(node) if name == "." else None
        if name == ".":
            return (node.text or "").strip()
        return next(((child.text or "").strip() for child in node if split(child.tag)[1] == name), None)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def readable(rights: Rights, elements: Iterable[_Element], modules: Mapping[str, str]) -> list[_Element]:
    """Return the top-level elements that may be read; what may not be is taken out of them, in place.

    `modules` tells the module of each namespace.
    """
    if rights.reads_all:
        return list(elements)
    top = rights.top()
    return [element for element in elements if _keep(top, element, modules)]


def _keep(above: Walk, element: _Element, modules: Mapping[str, str]) -> bool:
    namespace, name = split(element.tag)
    walk = above.into(modules.get(namespace, namespace), name, Leaves(element))
    if not walk.may(Access.READ):
        return False
    if walk.varies_below(Access.READ):
        for child in list(element):
            if not _keep(walk, child, modules):
                element.remove(child)
    return True


def readable_tree(rights: Rights, tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be read of top-level nodes as RFC 7951 writes them; those given stay as they are."""
    return dict(tree) if rights.reads_all else _kept(rights.top(), tree, "")


def _kept(above: Walk, tree: Mapping[str, Any], module: str) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for member, value in tree.items():
        prefix, _, name = member.rpartition(":")
        if member.startswith("@"):
            continue
        found = _value(above, prefix or module, name, value)
        if found is not None:
            kept[member] = found
    return kept | {member: value for member, value in tree.items() if member[:1] == "@" and member[1:] in {"", *kept}}


def _value(above: Walk, module: str, name: str, value: Any) -> Any:
    """Return what may be read of a node, or of the entries of a list; None when it is nothing."""
    if isinstance(value, list) and value != [None]:
        found = [_value(above, module, name, entry) for entry in value]
        return [entry for entry in found if entry is not None] or None
    walk = above.into(module, name, Leaves(value))
    if not walk.may(Access.READ):
        return None
    if isinstance(value, dict) and walk.varies_below(Access.READ):
        return _kept(walk, value, module)
    return value
