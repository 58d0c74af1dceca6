"""A long list of records, read page by page: what comes next is found by what came last, not by counting.

The order is that of age, as everywhere. A cursor names the last records that were told, and when the last of them came.
So it stays good when some of them are forgotten, and after a restart: who follows it sees each record once that is
there throughout, whatever comes and goes meanwhile. When all that it names are gone, those of that second may be told
again; none is left out. With an order of its own (`sort`) a cursor is a place in that order.

Records are looked at a few at a time, and others have their turn in between.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from promise.errors import BadParameter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

AT_ONCE: Final = 128
"""So many records are looked at before others have their turn."""

ANCHORS: Final = 4
"""So many records a cursor names."""

_DIGITS: Final = 12
"""So many digits may a moment have."""

NO_CURSOR: Final = "ietf-list-pagination:cursor-not-found"
NO_OFFSET: Final = "ietf-list-pagination:offset-out-of-range"
"""What errors say of pages (draft-ietf-netconf-list-pagination section 3.1)."""


class Record(Protocol):
    """What has an age."""

    created: int
    """When it came, in seconds."""


class Sort(Protocol):
    """An order other than that of age."""

    def text(self, body: Any) -> str | None:
        """Return the value by which an entry is sorted, None where it has none."""

    def rank(self, text: str | None) -> Any:
        """Return what compares as the value does; none comes last."""


class Page(NamedTuple):
    """A part of a list: at most `limit` of the entries for which `where` holds, `offset` behind a cursor."""

    limit: int | None = None
    offset: int = 0
    cursor: str = ""
    backwards: bool = False
    where: Callable[[Any], bool] | None = None
    sort: Sort | None = None

    def wants(self, body: Any) -> bool:
        """Tell whether an entry may be on the page."""
        return self.where is None or self.where(body)


class Place(NamedTuple):
    """Where a record stands."""

    created: int
    key: str


class Behind(NamedTuple):
    """Where a page begins: behind the first of these records that is still there; that came at `created`."""

    created: int
    keys: tuple[str, ...]

    @classmethod
    def after(cls, places: Sequence[Place], before: Behind | None) -> Behind:
        """Return the place behind the last of some records, which came behind another place."""
        keys = [place.key for place in reversed(places[-ANCHORS:])]
        return cls(places[-1].created, tuple([*keys, *(before.keys if before else ())][:ANCHORS]))

    @classmethod
    def of(cls, cursor: str) -> Behind:
        """Read a cursor. Raises BadParameter."""
        created, _, keys = cursor.partition(".")
        if not (keys and created.isascii() and created.isdigit() and len(created) <= _DIGITS):
            raise no_cursor()
        return cls(int(created), tuple(keys.split(".")[:ANCHORS]))

    @property
    def cursor(self) -> str:
        """What a client sends to go on here."""
        return ".".join([str(self.created), *self.keys])


class Seen(NamedTuple):
    """A record and what may be seen of it, None when that is nothing."""

    place: Place
    body: Any


class Source(Protocol):
    """A list of records."""

    async def after(self, place: Behind | None, count: int, *, backwards: bool) -> Sequence[Seen]:
        """Return the records behind a place, as many of them as there are; fewer than `count` only at the end."""

    async def some(self, places: Sequence[Place]) -> Sequence[Seen]:
        """Return those of the records that are still there."""


def following(records: Mapping[str, Record], after: Behind | None, count: int, *, backwards: bool) -> list[Place]:
    """Return the places of the next `count` records; `records` are oldest first."""
    keys = list(records)
    if backwards:
        keys.reverse()
    at = 0 if after is None else _index(keys, records, after, -1 if backwards else 1)
    return [Place(records[key].created, key) for key in keys[at : at + count]]


def _index(keys: Sequence[str], records: Mapping[str, Record], after: Behind, sign: int) -> int:
    """Return where the records behind a place begin; `sign` is 1 where the keys are oldest first."""

    def first(created: int) -> int:
        return bisect_left(keys, sign * created, key=lambda key: sign * records[key].created)

    there = next((key for key in after.keys if key in records), None)
    return first(after.created) if there is None else keys.index(there, first(records[there].created)) + 1


async def page_of(source: Source, page: Page) -> tuple[list[Any], str]:
    """Return the entries of a page, and the cursor of the next one, empty when this is the last.

    Raises:
        BadParameter: the cursor is none, or the offset is beyond the end.
    """
    if page.sort is not None:
        return await _sorted(source, page, page.sort)
    start = after = Behind.of(page.cursor) if page.cursor else None
    size = AT_ONCE if page.limit is None or page.where else min(AT_ONCE, page.offset + page.limit + 1)
    found: list[Seen] = []
    passed = 0
    while True:
        some = await source.after(after, size, backwards=page.backwards)
        for seen in some:
            if seen.body is None or not page.wants(seen.body):
                continue
            if passed < page.offset:
                passed += 1
            elif len(found) == page.limit:
                told = Behind.after([one.place for one in found], start)
                return [one.body for one in found], told.cursor
            else:
                found.append(seen)
        if len(some) < size:
            break
        after = Behind.after([seen.place for seen in some], after)
        await asyncio.sleep(0)
    if passed < page.offset:
        raise beyond(passed)
    return [one.body for one in found], ""


async def _sorted(source: Source, page: Page, sort: Sort) -> tuple[list[Any], str]:
    """Rank all entries, then read those of the page."""
    ranked: list[tuple[Any, Place, str | None]] = []
    after: Behind | None = None
    while True:
        some = await source.after(after, AT_ONCE, backwards=False)
        for seen in some:
            if seen.body is not None and page.wants(seen.body):
                text = sort.text(seen.body)
                ranked.append((sort.rank(text), seen.place, text))
        if len(some) < AT_ONCE:
            break
        after = Behind.after([seen.place for seen in some], after)
        await asyncio.sleep(0)
    ranked.sort(key=lambda one: one[:2], reverse=page.backwards)
    if page.cursor:
        text, place = _ranked(page.cursor)
        here = (sort.rank(text), place)
        ranked = [one for one in ranked if (one[:2] < here if page.backwards else one[:2] > here)]
    if page.offset > len(ranked):
        raise beyond(len(ranked))
    last = len(ranked) if page.limit is None else page.offset + page.limit
    chosen = ranked[page.offset : last]
    bodies = [seen.body for seen in await source.some([place for _, place, _ in chosen]) if seen.body is not None]
    return bodies, _cursor(chosen[-1][2], chosen[-1][1]) if chosen and last < len(ranked) else ""


def beyond(count: int) -> BadParameter:
    """Return the error of an offset that is larger than the number of entries."""
    return BadParameter(f"offset must not be larger than the number of entries, {count}", app_tag=NO_OFFSET)


def no_cursor() -> BadParameter:
    """Return the error of a cursor that was never given."""
    return BadParameter("cursor must be one that an answer has given, of the same list in the same order",
                        app_tag=NO_CURSOR)  # fmt: skip


def _cursor(text: str | None, place: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps([text, *place]).encode()).decode().rstrip("=")


def _ranked(cursor: str) -> tuple[str | None, Place]:
    try:
        text, created, key = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise no_cursor() from None
    if not (isinstance(text, str | None) and type(created) is int and isinstance(key, str)):
        raise no_cursor()
    return text, Place(created, key)
