"""Parameters of requests: the keys in a path, and the query parameters of RFC 8040 section 4.8."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apigen.words import children, data_nodes  # type: ignore[import-not-found]  # on the path that pyang makes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bindgen.model import Statement  # type: ignore[import-not-found]

    from apigen.nodes import Schemas  # type: ignore[import-not-found]  # on the path that pyang makes

Json = dict[str, Any]

_LARGEST: Final = 2**32 - 1

QUERY: Final[Mapping[str, Json]] = {
    "content": {
        "description": "Configuration, state, or both (RFC 8040 section 4.8.1).",
        "schema": {"type": "string", "enum": ["config", "nonconfig", "all"], "default": "all"},
    },
    "depth": {
        "description": "So many levels; 1 is the resource alone (RFC 8040 section 4.8.2).",
        "schema": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 65535}, {"const": "unbounded"}]},
    },
    "with-defaults": {
        "description": "Whether values that were not set are shown (RFC 6243).",
        "schema": {"type": "string", "enum": ["report-all", "report-all-tagged", "trim", "explicit"]},
    },
    "limit": {
        "description": "So many entries at most; the header Link leads to the next ones.",
        "schema": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": _LARGEST}, {"const": "unbounded"}]},
    },
    "offset": {
        "description": "So many entries are skipped first.",
        "schema": {"type": "integer", "minimum": 0, "maximum": _LARGEST},
    },
    "cursor": {
        "description": "Behind which entry to go on: as the header Link of the page before says.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 1024},
    },
    "direction": {
        "description": "Oldest first, or newest first.",
        "schema": {"type": "string", "enum": ["forwards", "backwards"]},
    },
    "where": {
        "description": "An XPath 1.0 expression: entries of which it is true, or in which it finds something.",
        "schema": {"type": "string", "minLength": 1},
    },
    "locale": {
        "description": "How texts are sorted; only with `sort-by`.",
        "schema": {"type": "string", "enum": ["C", "C.UTF-8", "POSIX", "POSIX.UTF-8"]},
    },
    "sublist-limit": {
        "description": "So many entries at most of each list inside.",
        "schema": {"type": "integer", "minimum": 1, "maximum": _LARGEST},
    },
    "with-origin": {
        "description": "From where configuration comes is told (RFC 8527 section 3.2.2); it has no value.",
        "schema": {"type": "string", "maxLength": 0},
        "allowEmptyValue": True,
    },
    "insert": {
        "description": "Where the entry is to stand among the others (RFC 8040 section 4.8.5).",
        "schema": {"type": "string", "enum": ["first", "last", "before", "after"]},
    },
    "point": {
        "description": "The path of the entry before or after which it is to stand; only with such an `insert`.",
        "schema": {"type": "string", "pattern": "^/"},
    },
    "filter": {
        "description": "An XPath 1.0 expression: events of which it is true, or in which it finds something.",
        "schema": {"type": "string", "minLength": 1},
    },
    "start-time": {
        "description": "Events since this moment, which is over, come first.",
        "schema": {"type": "string", "format": "date-time"},
    },
    "stop-time": {
        "description": "The stream ends with the last event before this moment; only with `start-time`.",
        "schema": {"type": "string", "format": "date-time"},
    },
}
READING: Final = ("content", "depth", "with-defaults", "sublist-limit")
PAGING: Final = ("limit", "offset", "cursor", "direction", "where", "locale")
PLACING: Final = ("insert", "point")
STREAMING: Final = ("filter", "start-time", "stop-time")


def shared() -> Json:
    """Return the query parameters as components."""
    return {name: {"name": name, "in": "query", **said} for name, said in QUERY.items()}


def referred(*names: str) -> list[Json]:
    """Return references to query parameters."""
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def reading(node: Statement, *, paged: bool = False) -> list[Json]:
    """Return the query parameters with which a node is read."""
    found = referred(*READING, *(PAGING if paged else ()))
    leaves = [child.arg for child in data_nodes(node) if child.keyword == "leaf"]
    if paged and leaves:
        found.append(_sort_by(leaves))
    return [*found, _fields(node)] if data_nodes(node) else found


def _sort_by(leaves: list[str]) -> Json:
    """Return the parameter `sort-by` of a list; it may also be the path of a leaf deeper in an entry."""
    return {
        "name": "sort-by",
        "in": "query",
        "description": "The leaf by which entries are sorted: those without it come last.",
        "schema": {"type": "string", "pattern": f"^(?:{'|'.join(sorted(leaves))})$"},
    }


def _fields(node: Statement) -> Json:
    """Return the parameter `fields` of a node: it begins with a child; what is deeper no pattern can say."""
    names = "|".join(sorted(child.arg for child in data_nodes(node)))
    return {
        "name": "fields",
        "in": "query",
        "description": 'These nodes only: "a;b/c;d(e;f)" (RFC 8040 section 4.8.3).',
        "schema": {"type": "string", "pattern": f"^(?:{names})(?:[/;(].*)?$"},
    }


def key(node: Statement, name: str, schemas: Schemas) -> Json:
    """Return the parameter in the path that is a key of a list."""
    leaf = next(child for child in children(node) if child.arg == name)
    return {"name": key_name(node, name), "in": "path", "required": True, "schema": schemas.node(leaf)}


def key_name(node: Statement, name: str) -> str:
    """Return how the parameter is called."""
    return f"{node.arg}-{name}"
