"""Statements as the document speaks of them: their children, names and descriptions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bindgen.model import Statement  # type: ignore[import-not-found]  # on the path that pyang makes

_DATA: Final = {"container", "list", "leaf", "leaf-list"}
_BETWEEN: Final = {"choice", "case"}


def children(node: Statement) -> list[Statement]:
    """Return what is below a node as data: choices and cases are seen through."""
    found: list[Statement] = []
    for child in node.i_children:
        found += children(child) if child.keyword in _BETWEEN else [child]
    return found


def data_nodes(node: Statement) -> list[Statement]:
    """Return the data nodes below a node, none for a leaf."""
    inner = node.keyword in {"container", "list"}
    return [child for child in children(node) if child.keyword in _DATA] if inner else []


def configured(node: Statement) -> bool:
    """Tell whether a node is configuration."""
    return node.i_config is not False


def name_of(node: Statement) -> str:
    """Return the name of a node with those of the nodes around it."""
    names = []
    while node.keyword != "module":
        if node.keyword not in _BETWEEN:
            names.append(node.arg)
        node = node.parent
    return "-".join(reversed(names))


def text(statement: Statement) -> str:
    """Return a description as one line."""
    found = statement.search_one("description")
    return re.sub(r"\s+", " ", found.arg).strip() if found is not None else ""


def first_sentence(statement: Statement) -> str:
    """Return what a description begins with."""
    return re.split(r"(?<=[.:]) ", text(statement))[0].rstrip(".:")
