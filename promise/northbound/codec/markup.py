"""What XML may hold besides elements and values: attributes, comments, white space; and what of it is an error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NoReturn

from lxml import etree

from promise.errors import BadValue, UnknownAttribute, UnknownElement, UnknownNamespace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lxml.etree import _Element

_EDITING: Final = frozenset({"urn:ietf:params:xml:ns:netconf:base:1.0", "urn:ietf:params:xml:ns:yang:1"})
"""Namespaces of attributes that ask for an edit (operation, insert, key, value): nothing here would obey them."""


IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")
"""A YANG identifier: what is none cannot stand in a path."""

_LONGEST: Final = 100


def shown(name: str) -> str:
    """Return a name that a client made up, short enough to be told back."""
    return name if len(name) <= _LONGEST else name[:_LONGEST] + "…"


def check_attributes(element: _Element) -> None:
    """Refuse attributes without a namespace, and those that ask for an edit.

    Other attributes with a namespace are annotations (RFC 7952), `xml:lang`, `xsi:schemaLocation` and the like; they
    do not change what the element says.
    """
    for key in map(str, element.attrib):
        namespace, name = _split(key)
        if not namespace or namespace in _EDITING:
            name = shown(name)
            raise UnknownAttribute(f"must not have the attribute {name}", name=name, namespace=namespace)


def leaf_text(element: _Element) -> str:
    """Return the text of an element that has attributes or children: comments do not interrupt it."""
    check_attributes(element)
    text = element.text or ""
    for child in element:
        if isinstance(child.tag, str):
            namespace, name = map(shown, _split(child.tag))
            raise UnknownElement(f"must not hold an element {name}", name=name, namespace=namespace)
        refuse_entity(child)
        text += child.tail or ""
    return text


def refuse_text() -> NoReturn:
    """Raise for text between the elements of a container."""
    raise BadValue("must hold elements only, without text between them")


def refuse_entity(node: _Element) -> None:
    """Raise BadValue for an entity reference, which a parser without DTD cannot have resolved."""
    if node.tag is etree.Entity:
        raise BadValue("must not hold entity references")


def refuse_child(child: _Element, prefixes: Mapping[str, str], names: Iterable[str]) -> NoReturn:
    """Raise for an element that may not stand here; `prefixes` are those of the namespaces of the `names` that may."""
    namespace, name = _split(child.tag)
    name, namespace = shown(name), shown(namespace)
    if namespace in prefixes and IDENTIFIER.fullmatch(name):
        path = f"/{prefixes[namespace]}:{name}"
        raise UnknownElement(elsewhere(names), path=path, name=name, namespace=namespace)
    if namespace in prefixes or not prefixes:
        raise UnknownElement(f"must not hold an element {name}", name=name, namespace=namespace)
    where = f"of the namespace {namespace}" if namespace else "without a namespace"
    rule = f"must not hold an element {name} {where}, only of {', '.join(prefixes)}"
    raise UnknownNamespace(rule, name=name, namespace=namespace)


def elsewhere(names: Iterable[str]) -> str:
    """Return the rule for a node that stands where only others may."""
    return f"must not stand here, only {', '.join(names)}"


def _split(tag: str) -> tuple[str, str]:
    """Return namespace and local name of `{namespace}name`."""
    namespace, _, name = tag.rpartition("}")
    return namespace[1:], name
