"""From the compact form of a story to XML: names and their order come from the schema, by way of the bindings."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, get_args, get_type_hints
from xml.sax.saxutils import escape

from lxml import etree
from scenarios.runner.words import StoryError

from promise.northbound import bindings as yang

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml.etree import _Element
    from scenarios.runner.words import Words

NAMESPACE = yang.DATA["/promise"].namespace
BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"


@cache
def children(body: type) -> Mapping[str, type | None]:
    """Return the nodes inside a body by their YANG names, in schema order; those with nodes inside have a class."""
    hints = get_type_hints(body)
    return {field.name.rstrip("_").replace("_", "-"): _class_in(hints[field.name]) for field in fields(body)}


def _class_in(hint: Any) -> type | None:
    """Return the class of a container or list entry in a type such as `Capacity | None` or `tuple[Capacity, ...]`."""
    found = [part for part in (hint, *get_args(hint)) if isinstance(part, type) and is_dataclass(part)]
    return found[0] if found else None


def operation(name: str, given: Any, words: Words) -> str:
    """Return the element of an RPC."""
    inside = "".join(_inside(yang.RPCS[name].input, given or {}, words, name))
    return f'<{name} xmlns="{NAMESPACE}">{inside}</{name}>'


def _inside(body: type, given: Any, words: Words, where: str) -> Iterator[str]:
    known = children(body)
    if not isinstance(given, dict):
        raise StoryError(f"{where} has nodes inside: {', '.join(known)}")
    if strange := [key for key in given if key not in known]:
        raise StoryError(f"{where} has no {strange[0]}; it has {', '.join(known)}")
    for name, inner in known.items():
        if name in given:
            for value in given[name] if isinstance(given[name], list) else [given[name]]:
                yield _element(name, inner, value, words, where)


def _element(name: str, inner: type | None, value: Any, words: Words, where: str) -> str:
    if inner is not None:
        return f"<{name}>{''.join(_inside(inner, value, words, f'{where}/{name}'))}</{name}>"
    return f"<{name}>{escape(words.text(value))}</{name}>" if value is not None else f"<{name}/>"


def body(reply: _Element) -> _Element:
    """Return the content of a reply in an element without attributes, as the bindings read it."""
    found = etree.Element("output")
    found.extend(deepcopy(child) for child in reply)
    return found


def reading(kind: str, given: Any, words: Words) -> str:
    """Return a <get> or <get-config>; `given` is the subtree filter below /promise, a leaf without value selects."""
    source = "<source><running/></source>" if kind == "get-config" else ""
    if given is None:
        return f'<{kind} xmlns="{BASE}">{source}</{kind}>'
    inside = "".join(_filtered(yang.Promise, given, words, "promise"))
    return (
        f'<{kind} xmlns="{BASE}">{source}<filter type="subtree"><promise xmlns="{NAMESPACE}">{inside}</promise>'
        f"</filter></{kind}>"
    )


def _filtered(body: type, given: Mapping[str, Any], words: Words, where: str) -> Iterator[str]:
    known = children(body)
    for name, said in given.items():
        if name not in known:
            raise StoryError(f"{where} has no {name}; it has {', '.join(known)}")
        inner = known[name]
        for value in said if isinstance(said, list) else [said]:
            if value is None:
                yield f"<{name}/>"
            elif inner is None:
                yield f"<{name}>{escape(words.text(value))}</{name}>"
            else:
                yield f"<{name}>{''.join(_filtered(inner, value, words, f'{where}/{name}'))}</{name}>"
