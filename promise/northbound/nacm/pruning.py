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
    return _kept_of(rights.top(), elements, modules)


def _kept_of(above: Walk, elements: Iterable[_Element], modules: Mapping[str, str]) -> list[_Element]:
    """Return those of the children of a place that may be read; it is decided once where values do not matter."""
    found: list[_Element] = []
    known: dict[str, Walk] = {}
    whole: set[str] = set()
    for element in elements:
        if element.tag in whole:
            found.append(element)
            continue
        walk = known.get(str(element.tag))
        if walk is None:
            namespace, name = split(element.tag)
            module = modules.get(namespace, namespace)
            walk = above.into(module, name, Leaves(element))
            if not above.depends(module, name):
                known[str(element.tag)] = walk
                if walk.may(Access.READ) and not walk.varies_below(Access.READ):
                    whole.add(str(element.tag))
        if _keep(walk, element, modules):
            found.append(element)
    return found


def _keep(walk: Walk, element: _Element, modules: Mapping[str, str]) -> bool:
    """Tell whether something is left of an element; one of which all is taken out would tell that it is there."""
    if not walk.may(Access.READ):
        return False
    if len(element) == 0 or not walk.varies_below(Access.READ):
        return True
    children = list(element)
    kept = _kept_of(walk, children, modules)
    if len(kept) < len(children):
        stays = set(kept)
        for child in children:
            if child not in stays:
                element.remove(child)
    return bool(kept)


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
        return _entries(above, module, name, value)
    return _at(above.into(module, name, Leaves(value)), module, value)


def _entries(above: Walk, module: str, name: str, entries: list[Any]) -> list[Any] | None:
    """Return the entries of which something may be read; where their values do not matter, it is decided once."""
    if above.depends(module, name):
        found = [_at(above.into(module, name, Leaves(entry)), module, entry) for entry in entries]
    else:
        walk = above.into(module, name, Leaves({}))
        if walk.may(Access.READ) and not walk.varies_below(Access.READ):
            return entries
        found = [_at(walk, module, entry) for entry in entries]
    return [entry for entry in found if entry is not None] or None


def _at(walk: Walk, module: str, value: Any) -> Any:
    if not walk.may(Access.READ):
        return None
    if isinstance(value, dict) and value and walk.varies_below(Access.READ):
        return _kept(walk, value, module) or None
    return value
