"""A dynamic subscription whose receiver stands still is suspended, and tells so when it goes on; nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from promise.northbound.events.dynamic import Dynamic
from promise.northbound.events.statement import change_of_state
from promise.northbound.port import Interest


class Source:
    """A way through a journal: `waiting` notifications, of which each step takes one."""

    def __init__(self) -> None:
        self.waiting: list[Any] = []
        self.excluded = 0
        self.interest = Interest()
        self.closed = False
        self.behind = 0

    def come(self, number: int) -> None:
        self.waiting += [change_of_state(f"event-{self.behind + each}", 0, 1) for each in range(number)]
        self.behind += number

    async def step(self) -> list[Any]:
        if not self.waiting:
            return []
        self.behind -= 1
        return [self.waiting.pop(0)]

    def close(self) -> None:
        self.closed = True

    def wake(self) -> None:
        """Nobody waits here."""


class Moment:
    def now(self) -> int:
        return 0


async def told(subject: Dynamic) -> list[str]:
    found = await subject.take()
    return [notice.name for notice, _ in found or ()]


def dynamic() -> tuple[Dynamic, Source]:
    source = Source()
    return Dynamic(7, Moment(), source, lag=3), source  # type: ignore[arg-type]  # what it needs of them


@pytest.mark.rfc("8639", "2.7.4", "subscription-suspended when the receiver takes nothing for too long")
@pytest.mark.rfc("8639", "2.7.5", "subscription-resumed when it takes again, and then all that came meanwhile")
async def test_who_stands_still_is_suspended_and_goes_on_with_everything() -> None:
    subject, source = dynamic()
    source.come(1)
    assert await told(subject) == ["event-0"]
    source.come(3)
    assert not subject.suspended
    source.come(1)
    assert subject.suspended
    assert await told(subject) == ["subscription-suspended", "subscription-resumed"]
    assert not subject.suspended
    assert [await told(subject) for _ in range(4)] == [[f"event-{each}"] for each in (0, 1, 2, 3)]
    assert subject.sent == 5


async def test_who_is_slow_but_goes_on_is_not_suspended_again() -> None:
    subject, source = dynamic()
    await told(subject)
    source.come(9)
    assert (await told(subject))[0] == "subscription-suspended"
    while source.waiting:
        assert "subscription-suspended" not in await told(subject)


async def test_the_end_is_told_behind_what_was_to_be_said_and_once() -> None:
    subject, source = dynamic()
    subject.say(change_of_state("subscription-modified", 0, 7))
    subject.end("filter-unavailable")
    subject.end("no-such-subscription")
    found = await subject.take()
    assert found is not None
    assert [notice.name for notice, _ in found] == ["subscription-modified", "subscription-terminated"]
    assert found[1][0].element.findtext("{*}reason") == "filter-unavailable"
    assert (subject.over, source.closed, await subject.take()) == (True, True, None)


async def test_a_deleted_one_says_nothing_more() -> None:
    subject, source = dynamic()
    source.come(2)
    documents = subject.documents()
    first = await anext(documents)
    assert etree.fromstring(first())[1].tag.endswith("event-0")
    second = await anext(documents)
    subject.close()
    assert second() == b""
    assert [one async for one in documents] == []


def test_a_reason_of_another_module_has_its_prefix() -> None:
    notice = change_of_state("subscription-suspended", 0, 7, "update-too-big", "ietf-yang-push")
    reason = notice.element.find("{*}reason")
    assert reason is not None
    assert reason.text == "ietf-yang-push:update-too-big"
    assert reason.nsmap["ietf-yang-push"] == "urn:ietf:params:xml:ns:yang:ietf-yang-push"
    assert b'"reason":"ietf-yang-push:update-too-big"' in notice.json_for()
