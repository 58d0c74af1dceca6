"""A long list of records, read page by page: what comes next is found by where the last page ended, not by counting.

The order is that of age, and of ids among records of one second. A cursor is such a place, so it stays good when the
record that it was made from is forgotten, and after a restart: who follows it sees each record once that is there
throughout, whatever comes and goes meanwhile. With an order of its own (`sort`) the place is a value in that order.

Records are looked at a few at a time, and others have their turn in between.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import heapq
import json
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from promise.errors import BadParameter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

AT_ONCE: Final = 128
"""So many records are looked at before others have their turn."""

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


class Seen(NamedTuple):
    """A record and what may be seen of it, None when that is nothing."""

    place: Place
    body: Any


class Source(Protocol):
    """A list of records."""

    async def after(self, place: Place | None, count: int, *, backwards: bool) -> Sequence[Seen]:
        """Return the records behind a place, as many of them as there are; fewer than `count` only at the end."""

    async def some(self, places: Sequence[Place]) -> Sequence[Seen]:
        """Return those of the records that are still there."""


def following(records: Mapping[str, Record], after: Place | None, count: int, *, backwards: bool) -> list[Place]:
    """Return the places of the next `count` records; `records` are oldest first."""
    keys = list(records)
    if backwards:
        keys.reverse()
    sign, pick = (-1, heapq.nlargest) if backwards else (1, heapq.nsmallest)

    def age(key: str) -> int:
        return sign * records[key].created

    found: list[Place] = []
    at = 0
    if after is not None:
        at, end = (side(keys, sign * after.created, key=age) for side in (bisect_left, bisect_right))
        rest = filter(after.key.__gt__ if backwards else after.key.__lt__, keys[at:end])
        found += (Place(after.created, key) for key in pick(count, rest))
        at = end
    while at < len(keys) and len(found) < count:
        created = records[keys[at]].created
        alone = at + 1 == len(keys) or records[keys[at + 1]].created != created
        end = at + 1 if alone else bisect_right(keys, sign * created, lo=at, key=age)
        found += (Place(created, key) for key in pick(count - len(found), keys[at:end]))
        at = end
    return found


async def page_of(source: Source, page: Page) -> tuple[list[Any], str]:
    """Return the entries of a page, and the cursor of the next one, empty when this is the last.

    Raises:
        BadParameter: the cursor is none, or the offset is beyond the end.
    """
    if page.sort is not None:
        return await _sorted(source, page, page.sort)
    after = _place(page.cursor) if page.cursor else None
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
                return [one.body for one in found], f"{found[-1].place.created}.{found[-1].place.key}"
            else:
                found.append(seen)
        if len(some) < size:
            break
        after = some[-1].place
        await asyncio.sleep(0)
    if passed < page.offset:
        raise beyond(passed)
    return [one.body for one in found], ""


async def _sorted(source: Source, page: Page, sort: Sort) -> tuple[list[Any], str]:
    """Rank all entries, then read those of the page."""
    ranked: list[tuple[Any, Place, str | None]] = []
    some: Sequence[Seen] = ()
    while not ranked or len(some) == AT_ONCE:
        some = await source.after(some[-1].place if some else None, AT_ONCE, backwards=False)
        for seen in some:
            if seen.body is not None and page.wants(seen.body):
                text = sort.text(seen.body)
                ranked.append((sort.rank(text), seen.place, text))
        if len(some) < AT_ONCE:
            break
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


def _place(cursor: str) -> Place:
    created, dot, key = cursor.partition(".")
    if not (dot and key and created.isascii() and created.isdigit() and len(created) <= 12):  # noqa: PLR2004 - digits
        raise no_cursor()
    return Place(int(created), key)


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
