"""Subtree filters as RFC 6241 section 6.2 says them, word by word, on nested tuples; without any care for speed."""

from __future__ import annotations

from typing import Any

from lxml import etree

Tree = tuple[
    str, str, tuple[tuple[str, str], ...], str, tuple["Tree", ...]
]  # namespace, name, attributes, text, children


def is_match(node: Tree) -> bool:
    return not node[4] and bool(node[3].strip())


def is_selection(node: Tree) -> bool:
    return not node[4] and not node[3].strip()


def same_node(wanted: Tree, data: Tree) -> bool:
    return wanted[1] == data[1] and wanted[0] in ("", data[0]) and set(wanted[2]) <= set(data[2])


def holds(wanted: Tree, data: Tree) -> bool:
    return same_node(wanted, data) and not data[4] and wanted[3].strip() == data[3].strip()


def chosen(siblings: tuple[Tree, ...], data: tuple[Tree, ...]) -> list[frozenset[tuple[int, ...]]]:
    """For one sibling set of the filter: the paths of everything that is chosen below each data node."""
    matches = [node for node in siblings if is_match(node)]
    if not all(any(holds(match, node) for node in data) for match in matches):
        return [frozenset() for _ in data]
    if siblings and len(matches) == len(siblings):
        return [everything(node) for node in data]
    result = []
    for node in data:
        paths: set[tuple[int, ...]] = set()
        if any(holds(match, node) for match in matches):
            paths |= everything(node)
        for wanted in siblings:
            if is_match(wanted) or not same_node(wanted, node):
                continue
            if is_selection(wanted):
                paths |= everything(node)
                continue
            below = chosen(wanted[4], node[4])
            found = {(index, *path) for index, inner in enumerate(below) for path in inner}
            if found:
                paths |= {(), *found}
        result.append(frozenset(paths))
    return result


def everything(node: Tree) -> frozenset[tuple[int, ...]]:
    paths: set[tuple[int, ...]] = {()}
    for index, child in enumerate(node[4]):
        paths |= {(index, *path) for path in everything(child)}
    return frozenset(paths)


def reduced(node: Tree, paths: frozenset[tuple[int, ...]]) -> Tree:
    children = []
    for index, child in enumerate(node[4]):
        inner = frozenset(path[1:] for path in paths if path and path[0] == index)
        if inner:
            children.append(reduced(child, inner))
    return (*node[:4], tuple(children))


def to_element(node: Tree) -> Any:
    namespace, name, attributes, text, children = node
    element: Any = etree.Element(f"{{{namespace}}}{name}" if namespace else name)
    for key, value in attributes:
        element.set(key, value)
    if text:
        element.text = text
    element.extend([to_element(child) for child in children])
    return element


def to_tree(element: Any) -> Tree:
    name = etree.QName(element)
    attributes = tuple(sorted((str(key), str(value)) for key, value in element.attrib.items()))
    return (
        name.namespace or "",
        name.localname,
        attributes,
        element.text or "",
        tuple(to_tree(child) for child in element),
    )
