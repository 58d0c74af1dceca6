"""A subscription to a datastore (RFC 8641): what it holds is pushed every so often, or whenever it has changed.

What is compared are the children of the top-level nodes: a container, or one entry of a list. A change of one of them
is one edit of a YANG Patch (RFC 8072): create, delete or replace. The state changes only with a commit, so a look after
each one finds every change; what changes there and back within the dampening period is not told (section 3.3).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from lxml import etree

from promise.clock import first_of
from promise.northbound.datastore import Kind
from promise.northbound.events.dynamic import NAMESPACE
from promise.northbound.events.notice import document

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

    from lxml.etree import _Element

    from promise.northbound.datastore import Node
    from promise.northbound.events.stream import EventStream

YANG_PUSH: Final = "urn:ietf:params:xml:ns:yang:ietf-yang-push"
HUNDREDTH: Final = 100
"""Periods are in hundredths of a second."""

Parts = dict[str, bytes]
"""What is compared: the XML of each part, by its path as RFC 8040 section 3.5.3 writes it."""


@dataclass(frozen=True, slots=True)
class Periodic:
    """Everything, every `period` hundredths of a second, so that one push is at the `anchor` (seconds)."""

    period: int
    anchor: int | None = None

    def following(self, now: int) -> float:
        """Return the next moment of a push after now."""
        seconds = self.period / HUNDREDTH
        if self.anchor is None:
            return now + seconds
        return self.anchor + ((now - self.anchor) // seconds + 1) * seconds


@dataclass(frozen=True, slots=True)
class OnChange:
    """What has changed, at most once in `dampening` hundredths; everything first, if `sync`."""

    dampening: int = 0
    sync: bool = True
    excluded: frozenset[str] = frozenset()


class Push:
    """See `port.Subscription`; `read` returns what is selected of the datastore."""

    def __init__(
        self,
        number: int,
        events: EventStream,
        nodes: Mapping[str, Node],
        read: Callable[[], Awaitable[Sequence[_Element]]],
        trigger: Periodic | OnChange,
    ) -> None:
        self.number = number
        self.over = False
        self.trigger = trigger
        self.stop: int | None = None
        self._events = events
        self._nodes = nodes
        self._read = read
        self._news = events.listen(self)
        self._again = False
        self._ending = False
        self._known: Parts = {}
        self._patches = 0

    def close(self) -> None:
        """End it without a word."""
        self.over = True
        self._events.ignore(self)
        self._news.set()

    def kill(self) -> None:
        """End it, and say so."""
        self._ending = True
        self._news.set()

    def resync(self) -> None:
        """Push everything, now (section 4.4.4)."""
        self._again = True
        self._news.set()

    async def documents(self) -> AsyncGenerator[Callable[[], bytes], None]:
        """Yield what writes one <notification> after the other."""
        try:
            self._again = isinstance(self.trigger, Periodic) or self.trigger.sync
            self._known = {} if self._again else await self._parts()
            while not self.over:
                if self._ended:
                    last = b"<reason>no-such-subscription</reason>"
                    yield partial(self._about, NAMESPACE, "subscription-terminated", last)
                    break
                if told := await self._next():
                    yield partial(self._written, *told)
                await self._wait(pushed=bool(told))
        finally:
            self.close()

    @property
    def _ended(self) -> bool:
        return self._ending or (self.stop is not None and self._events.clock.now() > self.stop)

    async def _next(self) -> tuple[str, bytes] | None:
        """Return the notification that is due: its name, and what follows the id."""
        self._news.clear()
        found = await self._parts()
        if self._again:
            self._again, self._known = False, found
            return "push-update", b"<datastore-contents>%b</datastore-contents>" % await self._contents()
        if isinstance(self.trigger, Periodic):
            return None
        edits = list(_edits(self._known, found))
        self._known = found
        told = [edit for edit in edits if edit[0] not in self.trigger.excluded]
        return ("push-change-update", self._patch(told)) if told else None

    async def _wait(self, *, pushed: bool) -> None:
        """Wait for the next push, or for the end."""
        clock = self._events.clock
        waits: list[asyncio.Task[None]] = []
        if isinstance(self.trigger, Periodic):
            waits.append(asyncio.create_task(self._due(self.trigger)))
        elif pushed and self.trigger.dampening:
            await first_of([asyncio.create_task(clock.sleep_until(clock.now() + self.trigger.dampening / HUNDREDTH))])
            return
        waits.append(asyncio.create_task(self._heard()))
        if self.stop is not None:
            waits.append(asyncio.create_task(clock.sleep_until(self.stop + 1)))
        await first_of(waits)

    async def _due(self, trigger: Periodic) -> None:
        clock = self._events.clock
        await clock.sleep_until(trigger.following(clock.now()))
        self._again = True

    async def _heard(self) -> None:
        """Wait for a commit, of which a periodic push takes no notice, or for somebody who wants something of us."""
        await self._news.wait()
        while isinstance(self.trigger, Periodic) and not (self.over or self._ending or self._again):
            self._news.clear()
            await self._news.wait()

    async def _contents(self) -> bytes:
        return b"".join(etree.tostring(element, with_tail=False) for element in await self._read())

    async def _parts(self) -> Parts:
        found: Parts = {}
        for top in await self._read():
            node = self._nodes[str(top.tag)]
            for child in top:
                found[_path(node, child)] = etree.tostring(child, with_tail=False)
        return found

    def _patch(self, edits: Sequence[tuple[str, str, bytes]]) -> bytes:
        """Return the changes as a YANG Patch."""
        self._patches += 1
        inside = b"".join(
            b"<edit><edit-id>%d</edit-id><operation>%b</operation><target>%b</target>%b</edit>"
            % (number, operation.encode(), target.encode(), b"<value>%b</value>" % value if value else b"")
            for number, (operation, target, value) in enumerate(edits, 1)
        )
        patch = b"<yang-patch><patch-id>%d</patch-id>%b</yang-patch>" % (self._patches, inside)
        return b"<datastore-changes>%b</datastore-changes>" % patch

    def _written(self, name: str, more: bytes) -> bytes:
        return b"" if self.over else self._about(YANG_PUSH, name, more)

    def _about(self, namespace: str, name: str, more: bytes) -> bytes:
        tag = name.encode()
        inside = b'<%b xmlns="%b"><id>%d</id>%b</%b>' % (tag, namespace.encode(), self.number, more, tag)
        return document(self._events.now(), inside)


def _edits(before: Parts, after: Parts) -> list[tuple[str, str, bytes]]:
    """Return the edits that make the one from the other: operation, target, value."""
    gone = [("delete", path, b"") for path in before if path not in after]
    return gone + [
        ("replace" if path in before else "create", path, value)
        for path, value in after.items()
        if before.get(path) != value
    ]


def _path(top: Node, child: _Element) -> str:
    node = top.children[str(child.tag)]
    path = f"/{top.member}/{node.name}"
    if node.kind is not Kind.LIST:
        return path
    keys = (child.findtext(f"{{{node.namespace}}}{key}") or "" for key in node.keys)
    return f"{path}={','.join(quote(key, safe='') for key in keys)}"
