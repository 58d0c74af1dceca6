"""XML elements of data as RFC 7951 writes them: by the schema, and where there is none (anydata) by their form; pure.

`treexml` goes the other way.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from promise.errors import BadValue
from promise.northbound.datastore import Kind
from promise.northbound.library.modules import library
from promise.northbound.message import split
from promise.northbound.qualified import qualified

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lxml.etree import _Element

    from promise.northbound.datastore import Node, Tree


DEEPEST: Final = 64
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def members(elements: Iterable[_Element], nodes: Mapping[str, Node]) -> Tree:
    """Return what elements of data say; what the schema does not know is written by its form."""
    found: Tree = {}
    for element in elements:
        node = nodes.get(str(element.tag))
        if node is None:
            found.update(free([element]))
        elif node.many:
            found.setdefault(node.member, []).append(_value(node, element))
        else:
            found[node.member] = _value(node, element)
    return found


def _value(node: Node, element: _Element) -> Any:
    if node.free:
        return free(element, node.namespace)
    if node.kind in {Kind.CONTAINER, Kind.LIST}:
        return members(element, node.children)
    text = element.text or ""
    return node.value(qualified(text, element.nsmap) if node.qualified else text)


def free(elements: Iterable[_Element], home: str = "", nodes: Mapping[str, Node] | None = None) -> Tree:
    """Return elements of which no schema says anything, by their form; `home` is the namespace of what is around.

    An element with nothing in it is [null], or {} where it is known among the `nodes` as a container; what stands
    there several times becomes an array, and text stays text.

    Raises:
        BadValue: it has attributes, or a namespace that is no module's; JSON could not say that.
    """
    found: Tree = {}
    for element in elements:
        if not isinstance(element.tag, str):
            continue  # a comment
        name = _name(element, home)
        node = (nodes or {}).get(element.tag)
        value: Any = element.text or ({} if node is not None and node.kind is Kind.CONTAINER else [None])
        if len(element):
            value = free(element, split(element.tag)[0], node.children if node is not None else None)
        if name in found:
            known = found[name]
            value = [*(known if isinstance(known, list) and known != [None] else [known]), value]
        found[name] = value
    return found


def _name(element: _Element, home: str) -> str:
    namespace, name = split(element.tag)
    if element.attrib:
        raise BadValue(f"<{name}> must not have attributes here", name=name)
    if namespace == home:
        return name
    module = next((one.name for one in library().modules.values() if one.namespace == namespace), None)
    if module is None:
        raise BadValue(f"<{name}> must be of a module of this server, not of {namespace or 'no namespace'}", name=name)
    return f"{module}:{name}"


def check_free(value: Any, path: str = "", depth: int = 0) -> None:
    """Raise BadValue unless something is an object whose members could be nodes: JSON has more names than XML."""
    if not isinstance(value, dict) or depth > DEEPEST:
        raise BadValue(f"must be a JSON object, nested at most {DEEPEST} deep", path=path)
    for member, said in value.items():
        module, colon, name = member.rpartition(":")
        if (colon and module not in library().modules) or _NAME.fullmatch(name) is None:
            raise BadValue(f"no module of this server has a node {member[:64]}", path=path, name=name[:64])
        for one in said if isinstance(said, list) else [said]:
            if isinstance(one, list | float):
                raise BadValue(f"{member[:64]} must be an object, a string, an integer, a boolean or [null]", path=path)
            if isinstance(one, dict):
                check_free(one, path, depth + 1)
