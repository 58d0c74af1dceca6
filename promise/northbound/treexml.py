"""A configuration tree as XML (RFC 7950 section 7, "XML Encoding"); pure. `editxml` goes the other way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from promise.northbound.datastore import Kind
from promise.northbound.library.modules import library
from promise.northbound.message import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from promise.northbound.datastore import Node, Tree
    from promise.northbound.subtree import Selection

_QUALIFIED: Final = re.compile(r"([A-Za-z_][\w.-]*):(?!:)|\"[^\"]*\"|'[^']*'")
"""A name before a colon that is no axis, outside of literals."""


def written(tree: Tree, nodes: Iterable[Node], wanted: Selection, space: str = "") -> Iterator[bytes]:
    """Yield the elements of what a tree holds, in the order of the schema, as far as it is wanted.

    `space` is the default namespace where they are to stand.
    """
    for node in nodes:
        if node.member not in tree:
            continue
        below = wanted.child(node.namespace, node.name)
        if below is not None:
            yield from _node(node, tree[node.member], below, space)


def _node(node: Node, value: Any, wanted: Selection, space: str) -> Iterator[bytes]:
    for one in value if node.many else [value]:
        if node.kind in {Kind.LEAF, Kind.LEAF_LIST}:
            yield _element(node, space, _spaces(node, one), escape(text_of(one)).encode())
        elif _may_be_wanted(node, one, wanted):
            yield _element(node, space, "", b"".join(written(one, node.children.values(), wanted, node.namespace)))


def _may_be_wanted(node: Node, entry: Tree, wanted: Selection) -> bool:
    """Tell whether the keys of an entry are not among those that are asked for; the filter has the last word."""
    for member in node.keys:
        values = wanted.values(node.child(member).name)
        if values is not None and text_of(entry[member]) not in values:
            return False
    return True


def _element(node: Node, space: str, more: str, content: bytes) -> bytes:
    own = "" if node.namespace == space else f' xmlns="{escape(node.namespace)}"'
    if not content:
        return f"<{node.name}{own}{more}/>".encode()
    return b"<%b>%b</%b>" % (f"{node.name}{own}{more}".encode(), content, node.name.encode())


def _spaces(node: Node, value: Any) -> str:
    """Return the declarations that the names in a value need: there, prefixes are the names of modules."""
    if not node.qualified:
        return ""
    used = {match[1] for match in _QUALIFIED.finditer(text_of(value)) if match[1] in library().modules}
    return "".join(f' xmlns:{name}="{escape(library().modules[name].namespace)}"' for name in sorted(used))


def text_of(value: Any) -> str:
    """Return the text of a leaf's value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value == [None] else str(value)


def qualified(text: str, spaces: Mapping[str | None, str]) -> str:
    """Return a value that has names in it with names of modules as prefixes; `spaces` are those of the document.

    A prefix that means no module of ours stays as it is.
    """
    modules = {module.namespace: name for name, module in library().modules.items()}

    def module(found: re.Match[str]) -> str:
        name = modules.get(spaces.get(found[1], "")) if found[1] else None
        return f"{name}:" if name else found[0]

    return _QUALIFIED.sub(module, text)
