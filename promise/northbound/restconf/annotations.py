"""Metadata in answers (RFC 7952): which values are defaults (RFC 6243), and from where those in operation come.

In JSON an annotation of a member stands beside it, as "@member", and that of a container or entry in it, as "@"; in XML
they are attributes. Only configuration has an origin (RFC 8342 section 5.3.4); it is inherited, so it is said at the
top, and below where it differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from promise.northbound.datastore import Kind
from promise.northbound.defaults import TAGGED
from promise.northbound.origin import NAMESPACE as ORIGIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lxml.etree import _Element

    from promise.northbound.datastore import Node

Annotation: TypeAlias = dict[str, Any]

DEFAULT: Final[Annotation] = {"ietf-netconf-with-defaults:default": True}
"""The annotation of a value that was not set (RFC 6243 section 6)."""

FROM_DEFAULT: Final[Annotation] = {"ietf-origin:origin": "ietf-origin:default"}
INTENDED: Final[Annotation] = {"ietf-origin:origin": "ietf-origin:intended"}

REMAINING: Final = "ietf-list-pagination:remaining"
"""The annotation of a list of which so many entries are not shown (draft-ietf-netconf-list-pagination section 3.2)."""

PAGINATION: Final = "urn:ietf:params:xml:ns:yang:ietf-list-pagination"

PREFIXES: Final = {"wd": TAGGED, "or": ORIGIN, "lpg": PAGINATION}
"""The namespaces of the attributes, under the prefixes that are declared for them."""

_TAG: Final = f"{{{TAGGED}}}default"
_ORIGIN: Final = f"{{{ORIGIN}}}origin"


def mark(mode: str | None, *, with_origin: bool) -> Annotation:
    """Return what is said of a leaf that has its default value."""
    return (DEFAULT if mode == "report-all-tagged" else {}) | (FROM_DEFAULT if with_origin else {})


def with_origin(value: Any, node: Node | None, top: Mapping[str, Node]) -> Any:
    """Return a resource with its origin: that of a container or of each entry, in the datastore of each top node."""
    if node is None:
        known = {one.member: one for one in top.values()}
        return {name: with_origin(one, known[name], top) if name in known else one for name, one in value.items()}
    if not node.config:
        return value
    if node.kind is Kind.LIST and isinstance(value, list):
        return [{"@": INTENDED, **entry} for entry in value]
    return {"@": INTENDED, **value} if isinstance(value, dict) else value


def annotated(value: Any) -> bool:
    """Tell whether a value has annotations somewhere inside."""
    if isinstance(value, list):
        return any(annotated(entry) for entry in value)
    return isinstance(value, dict) and any(name[0] == "@" or annotated(one) for name, one in value.items())


def put(element: _Element, annotation: Mapping[str, Any]) -> None:
    """Set the attributes that say what an annotation says."""
    if "ietf-netconf-with-defaults:default" in annotation:
        element.set(_TAG, "true")
    if "ietf-origin:origin" in annotation:
        element.set(_ORIGIN, f"or:{annotation['ietf-origin:origin'].rpartition(':')[2]}")
    if REMAINING in annotation:
        element.set(f"{{{PAGINATION}}}remaining", str(annotation[REMAINING]))


def put_inside(element: _Element, body: dict[str, Any], nodes: Iterable[Node]) -> None:
    """Set the attributes of an element and of all below it, as the same body in JSON has annotations."""
    put(element, body.get("@", {}))
    entries: dict[str, int] = {}
    known = {f"{{{one.namespace}}}{one.name}": one for one in nodes}
    for child in element:
        one = known[str(child.tag)]
        said = body.get(f"@{one.member}", {})
        if not isinstance(said, list):
            put(child, said)
        elif one.member not in entries:  # of a list that is not shown as a whole, the first entry tells it
            put(child, said[0])
        value = body[one.member]
        if one.many:
            value = value[entries.setdefault(one.member, 0)]
            entries[one.member] += 1
        if isinstance(value, dict):
            put_inside(child, value, one.children.values())
