"""Query parameters (RFC 8040 section 4.8), and those with which lists are read page by page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Optional

from promise.errors import BadParameter
from promise.northbound.editing import Place
from promise.northbound.pages import no_cursor
from promise.northbound.port import Content
from promise.northbound.restconf.paths import decoded

Fields = Mapping[str, Optional["Fields"]]
"""What is wanted of a node: its children by name, with what is wanted of each (None = all of it)."""

ENTRY: Final = frozenset({"depth", "fields"})
"""What the entry point of the API knows (RFC 8040 sections 4.8.1 to 4.8.3)."""

READING: Final = ENTRY | {"content", "with-defaults", "sublist-limit"}
OPERATION: Final = READING | {"with-origin"}
"""What the datastore `operational` knows (RFC 8527 section 3.2.2)."""

PAGING: Final = frozenset({"limit", "offset", "cursor", "direction", "where", "sort-by", "locale"})
"""What lists know (draft-ietf-netconf-list-pagination section 3.1)."""

PLACING: Final = frozenset({"insert", "point"})
STREAMING: Final = frozenset({"filter", "start-time", "stop-time"})
NOTHING: Final[frozenset[str]] = frozenset()

_FLAGS: Final = frozenset({"with-origin"})
"""Parameters that say something by being there."""

_LONGEST_CURSOR: Final = 1024
_MOST_FIELDS: Final = 1000
_DEEPEST_FIELDS: Final = 64
_LARGEST: Final = 2**32 - 1
_DEEPEST: Final = 2**16 - 1


MODES: Final = ("report-all", "report-all-tagged", "trim", "explicit")


@dataclass(frozen=True, slots=True)
class Paging:
    """Which part of a list is wanted, as it was said; `limit` None = all of it."""

    limit: int | None = None
    offset: int = 0
    cursor: str = ""
    backwards: bool = False
    where: str | None = None
    sort_by: str | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What the parameters of a request say; what is not said has its default."""

    content: Content = Content.ALL
    depth: int | None = None
    fields: Fields | None = None
    with_defaults: str | None = None
    insert: Place | None = None
    point: str | None = None
    page: Paging | None = None
    with_origin: bool = False
    sublist_limit: int | None = None

    @property
    def plain(self) -> bool:
        """Whether all of a resource is wanted, as it is."""
        return self.depth is None and self.fields is None and self.sublist_limit is None and not self.with_origin


ALL: Final = Query()


@lru_cache(1024)
def read_query(text: str, allowed: frozenset[str]) -> Query:
    """Return what a query says.

    Raises:
        BadParameter: a parameter is unknown, not `allowed` here, given twice, or has a value that it cannot have.
    """
    given = parameters(text, allowed)
    if not given:
        return ALL
    point = given.get("point")
    insert = _insert(given["insert"]) if "insert" in given else None
    if (insert in {Place.BEFORE, Place.AFTER}) != (point is not None):
        raise BadParameter("point and insert=before or insert=after are given together, or neither")
    return Query(
        _content(given["content"]) if "content" in given else Content.ALL,
        _depth(given["depth"]) if "depth" in given else None,
        _fields(given["fields"]) if "fields" in given else None,
        _mode(given["with-defaults"]) if "with-defaults" in given else None,
        insert,
        point,
        _page(given) if given.keys() & PAGING else None,
        "with-origin" in given,
        _number("sublist-limit", given["sublist-limit"], 1, _LARGEST) if "sublist-limit" in given else None,
    )


def parameters(text: str, allowed: frozenset[str]) -> dict[str, str]:
    """Return the parameters of a query as they are given; raises BadParameter as `read_query` does."""
    found: dict[str, str] = {}
    for part in filter(None, text.split("&")):
        name, equals, value = part.partition("=")
        name = decoded(name)
        if name not in allowed:
            known = f"here there may be {', '.join(sorted(allowed))}" if allowed else "here there may be none"
            raise BadParameter(f'the query parameter "{name[:64]}" is not known or not allowed: {known}')
        if name in found:
            raise BadParameter(f"the query parameter {name} is given twice")
        if name in _FLAGS:
            if value:
                raise BadParameter(f"the query parameter {name} has no value")
        elif not equals:
            raise BadParameter(f"the query parameter {name} must have a value")
        found[name] = decoded(value)
    return found


def _content(text: str) -> Content:
    return Content(_one_of("content", text, tuple(Content)))


def _mode(text: str) -> str:
    return _one_of("with-defaults", text, MODES)


def _insert(text: str) -> Place:
    return Place(_one_of("insert", text, tuple(Place)))


def _one_of(name: str, text: str, values: tuple[str, ...]) -> str:
    if text not in values:
        raise BadParameter(f"{name} must be one of {', '.join(values)}")
    return text


def _depth(text: str) -> int | None:
    return None if text == "unbounded" else _number("depth", text, 1, _DEEPEST, ' or "unbounded"')


def _number(name: str, text: str, least: int, most: int, otherwise: str = "") -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most):
        raise BadParameter(f"{name} must be a number from {least} to {most}{otherwise}")
    return int(text)


def _page(given: Mapping[str, str]) -> Paging:
    limit = given.get("limit", "unbounded")
    cursor = given.get("cursor", "")
    if len(cursor) > _LONGEST_CURSOR or ("cursor" in given and not cursor):
        raise no_cursor()
    return Paging(
        None if limit == "unbounded" else _number("limit", limit, 1, _LARGEST, ' or "unbounded"'),
        _number("offset", given["offset"], 0, _LARGEST) if "offset" in given else 0,
        cursor,
        _one_of("direction", given.get("direction", "forwards"), ("forwards", "backwards")) == "backwards",
        given.get("where"),
        given.get("sort-by"),
        given.get("locale"),
    )


def _fields(text: str) -> Fields:
    """Read a fields-expr: paths with ";" between them, "/" between their steps, and others in "()" behind them."""
    rest, found = _expression(text, 0, [0])
    if rest:
        raise BadParameter(f'fields has an unexpected "{rest[:16]}"')
    return found


def _expression(text: str, depth: int, count: list[int]) -> tuple[str, Fields]:
    found: dict[str, Fields | None] = {}
    if depth > _DEEPEST_FIELDS:
        raise BadParameter(f"fields is nested deeper than {_DEEPEST_FIELDS}")
    while True:
        text = _path(text, found, depth, count)
        if not text.startswith(";"):
            return text, found
        text = text[1:]


def _path(text: str, into: dict[str, Fields | None], depth: int, count: list[int]) -> str:
    """Read a path and what is in parentheses behind it, and put it among its siblings; return what follows."""
    name = _name(text)
    count[0] += 1
    if not name or count[0] > _MOST_FIELDS:
        raise BadParameter(
            f"fields names more than {_MOST_FIELDS} nodes" if name else f'fields must name a node before "{text[:16]}"'
        )
    text = text[len(name) :]
    inside: Fields | None = None
    if text.startswith("/"):
        below: dict[str, Fields | None] = {}
        if depth > _DEEPEST_FIELDS:
            raise BadParameter(f"fields is nested deeper than {_DEEPEST_FIELDS}")
        text = _path(text[1:], below, depth + 1, count)
        inside = below
    elif text.startswith("("):
        text, inside = _expression(text[1:], depth + 1, count)
        if not text.startswith(")"):
            raise BadParameter('fields lacks a ")"')
        text = text[1:]
    into[name] = _merged(into[name], inside) if name in into else inside
    return text


def _name(text: str) -> str:
    end = next((at for at, c in enumerate(text) if c in "/;()"), len(text))
    return text[:end]


def _merged(one: Fields | None, other: Fields | None) -> Fields | None:
    """Return what either of two asks for."""
    if one is None or other is None:
        return None
    found = dict(one)
    for name, inside in other.items():
        found[name] = _merged(found[name], inside) if name in found else inside
    return found
