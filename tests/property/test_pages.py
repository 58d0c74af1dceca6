"""A walk through a long list while records come and go: what is there throughout is told once, in order."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from promise.errors import BadParameter
from promise.northbound.pages import ANCHORS, AT_ONCE, Behind, Page, Place, Seen, following, page_of

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass
class Thing:
    created: int
    value: int | None = None
    hidden: bool = False


@dataclass
class Things:
    """A list of records; `told` counts how many were looked at."""

    records: dict[str, Thing] = field(default_factory=dict)

    async def after(self, place: Behind | None, count: int, *, backwards: bool) -> Sequence[Seen]:
        return await self.some(following(self.records, place, count, backwards=backwards))

    async def some(self, places: Sequence[Place]) -> Sequence[Seen]:
        known = [(place, self.records[place.key]) for place in places if place.key in self.records]
        return [Seen(place, None if one.hidden else {"key": place.key, "value": one.value}) for place, one in known]


class ByValue:
    def text(self, body: Any) -> str | None:
        return None if body["value"] is None else str(body["value"])

    def rank(self, text: str | None) -> Any:
        return text is None, int(text or 0)


things = st.lists(
    st.tuples(st.integers(0, 2), st.text("abc", min_size=1, max_size=4), st.none() | st.integers(-3, 3), st.booleans()),
    max_size=40,
)
moves = st.lists(
    st.lists(st.tuples(st.booleans(), st.integers(0, 10**6), st.text("abc", min_size=5, max_size=9)), max_size=8),
    max_size=12,
)


def built(given_things: list[tuple[int, str, int | None, bool]]) -> Things:
    now, found = 100, Things()
    for later, key, value, hidden in given_things:
        now += later
        found.records.setdefault(key, Thing(now, value, hidden=hidden))
    return found


def move(found: Things, steps: list[tuple[bool, int, str]], kept: str = "") -> set[str]:
    """Let records go and come, but for one; return those that went."""
    gone = set()
    for going, which, key in steps:
        if going and found.records:
            name = list(found.records)[which % len(found.records)]
            if name != kept:
                del found.records[name]
                gone.add(name)
        elif key not in found.records:
            newest = max((one.created for one in found.records.values()), default=100)
            found.records[key] = Thing(max(newest, 120) + which % 2, which % 5)
    return gone


def walked(
    found: Things, page: Page, changes: list[list[tuple[bool, int, str]]], *, keeping: bool = True
) -> tuple[list[str], set[str]]:
    """Return what a walk tells, and what has been there from its begin to its end.

    With `keeping`, one of the last records that were told is still there whenever the walk goes on.
    """
    steady, told, left = set(found.records), [], list(changes)
    while True:
        bodies, cursor = asyncio.run(page_of(found, page))
        told += [body["key"] for body in bodies]
        if not cursor:
            return told, steady
        assert len(bodies) == page.limit
        page = page._replace(cursor=cursor, offset=0)
        if left:
            steady -= move(found, left.pop(0), told[-ANCHORS:][0] if keeping else "")


def positive(body: Any) -> bool:
    return body["value"] is not None and bool(body["value"] >= 0)


def _rank(key: str, one: Thing, order: int, *, sort: bool) -> Any:
    value = ByValue().rank(ByValue().text({"value": one.value}))
    return (value, one.created, key) if sort else (one.created, order)


@settings(max_examples=100, deadline=None)
@given(things, moves, st.integers(1, 7), st.booleans())
def test_whatever_goes_nothing_is_left_out(
    some: list[tuple[int, str, int | None, bool]],
    changes: list[list[tuple[bool, int, str]]],
    limit: int,
    backwards: bool,
) -> None:
    """Also when all records are gone that a cursor names."""
    found = built(some)
    seen = {key for key, one in found.records.items() if not one.hidden}
    told, steady = walked(found, Page(limit, backwards=backwards), changes, keeping=False)
    assert seen & steady <= set(told)


@settings(max_examples=150, deadline=None)
@given(things, moves, st.integers(1, 7), st.booleans(), st.booleans(), st.booleans())
@example([(0, "a", 1, False), (0, "b", 1, False)], [[(True, 0, "x")]], 1, False, False, False)
def test_what_is_there_throughout_is_told_once(
    some: list[tuple[int, str, int | None, bool]],
    changes: list[list[tuple[bool, int, str]]],
    limit: int,
    backwards: bool,
    sort: bool,
    choose: bool,
) -> None:
    found = built(some)
    known = dict(found.records)
    page = Page(limit, backwards=backwards, sort=ByValue() if sort else None, where=positive if choose else None)
    told, steady = walked(found, page, changes)
    assert len(told) == len(set(told))
    seen = {key for key, one in known.items() if not one.hidden and (not choose or positive({"value": one.value}))}
    assert seen & steady <= set(told)
    assert not {key for key, one in known.items() if one.hidden} & set(told)
    everything = {**known, **found.records}
    order = {key: at for at, key in enumerate(everything)}
    rank = [_rank(key, everything[key], order[key], sort=sort) for key in told if key in everything]
    assert rank == sorted(rank, reverse=backwards)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 300), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_page_is_a_slice(size: int, offset: int, limit: int, backwards: bool, sort: bool) -> None:
    found = Things({f"{number:04}": Thing(100 + number // 50, number % 7) for number in range(size)})
    order = sorted(found.records, key=lambda key: (found.records[key].value if sort else 0, key), reverse=backwards)
    page = Page(limit, offset, backwards=backwards, sort=ByValue() if sort else None)
    if offset > size:
        with pytest.raises(BadParameter) as caught:
            asyncio.run(page_of(found, page))
        assert caught.value.app_tag.endswith("offset-out-of-range")
        return
    bodies, cursor = asyncio.run(page_of(found, page))
    assert [body["key"] for body in bodies] == order[offset : offset + limit]
    assert bool(cursor) is (offset + limit < size)
    assert AT_ONCE < 300
