"""What one receiver is told of all its subscriptions of Promise's own: each event once, with the ids that it matches.

The receiver goes along the journal once. Each subscription knows up to where it was told; one that begins in the past
takes the receiver back there, and what the others were told already is not for them again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from promise.northbound.events import about
from promise.northbound.events.cursor import Cursor, Told

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence

    from promise.actor import Actor
    from promise.northbound.events.notice import Notice
    from promise.northbound.events.stream import EventStream
    from promise.subscription.model import Filter, Kind, Threshold


class Member:
    """One subscription of a receiver: for whom, what of which kind, and up to where it was told.

    `aside` is what it is told before anything else: the present state, what was lost. `behind` is what follows from
    the journal beside its entries, told behind the entry that it names: lines that were crossed. One that has
    `thresholds` is told of nothing else.
    """

    __slots__ = ("actor", "after", "aside", "behind", "dropped", "id", "kind", "sent", "skip", "thresholds", "wanted")

    def __init__(self, key: str, actor: Actor, kind: Kind, wanted: Filter, after: int) -> None:
        self.id = key
        self.actor = actor
        self.kind = kind
        self.wanted = wanted
        self.after = after
        self.aside: deque[Notice] = deque()
        self.behind: deque[Notice] = deque()
        self.thresholds: tuple[Threshold, ...] = ()
        self.skip = (0, 0)  # of this entry so many notifications were told
        self.sent = 0
        self.dropped = 0

    def wants(self, notice: Notice) -> bool:
        """Tell whether it is told this."""
        if notice.only is not None:
            return notice.only == self.id
        if notice.seq == self.skip[0] and notice.number < self.skip[1]:
            return False
        return not self.thresholds and notice.for_eyes_of(self.actor) and notice.matches(self.kind, self.wanted)


@dataclass(frozen=True, slots=True)
class Step:
    """What is told next, each with the subscriptions that it is for; when that is done it is to be `passed`."""

    told: Sequence[tuple[Notice, Sequence[str]]]
    those: Sequence[Member]
    cursor: Cursor
    seq: int

    def passed(self) -> None:
        """Note that all of it was told."""
        for member in self.those:
            member.after = self.seq
        self.cursor.position = self.seq


class Feed:
    """The subscriptions of one receiver; see `port.Subscription`. It is over when it has had some and has none."""

    def __init__(self, stream: EventStream) -> None:
        self.members: dict[str, Member] = {}
        self.over = False
        self._dropped: dict[str, int] = {}
        self._stream = stream
        self._cursor = Cursor(stream, 0)
        self._news = stream.listen(self)

    def add(self, member: Member, aside: Iterable[Notice] = ()) -> None:
        """Begin to tell what a subscription asks for, what stands aside first."""
        member.aside.extend(aside)
        self.members[member.id] = member
        self._news.set()

    def tell(self, member: Member, notice: Notice) -> None:
        """Tell a subscription something behind the journal's entry that it names, when that is told."""
        if len(member.behind) >= self._stream.bounds.waiting:
            member.behind.popleft()
            member.dropped += 1
            self._dropped[member.id] = self._dropped.get(member.id, 0) + 1
        member.behind.append(notice)
        self._news.set()

    def remove(self, key: str) -> None:
        """Tell no more of a subscription, not even what is on its way."""
        self.members.pop(key, None)
        self._news.set()

    def close(self) -> None:
        """Listen no more."""
        self.over = True
        self.members.clear()
        self._stream.ignore(self)

    async def documents(self) -> AsyncGenerator[Callable[[], bytes], None]:
        """Yield what writes one <notification> after the other: nothing, when nobody is subscribed to it any more."""
        try:
            async with aclosing(self.notices()) as found:
                async for notice, ids in found:
                    yield partial(self._written, notice, ids)
        finally:
            self.close()

    async def notices(self) -> AsyncGenerator[tuple[Notice, Sequence[str]], None]:
        """Yield each notification with the ids of the subscriptions that are told it."""
        while self.members:
            step = await self.step()
            if step is None:
                await self.news()
                continue
            for each in step.told:
                yield each
            step.passed()
            await asyncio.sleep(0)  # whoever else has something to do goes first

    async def news(self) -> None:
        """Wait until there may be a further step."""
        await self._news.wait()

    def wake(self) -> None:
        """Let `news` return."""
        self._news.set()

    async def take(self) -> Sequence[tuple[Notice, Sequence[str]]] | None:
        """Return what is told next, and count it as told; None when there is nothing yet."""
        step = await self.step()
        if step is None:
            return None
        step.passed()
        for _, ids in step.told:
            for key in ids:
                self.members[key].sent += 1
        return step.told

    async def step(self) -> Step | None:
        """Return what is told next, None when there is nothing yet."""
        self._news.clear()
        if aside := list(self._aside()):
            return Step(aside, (), self._cursor, self._cursor.position)
        told = await self._next()
        if told is None:
            return None
        those = self._behind(told.seq)  # one that comes meanwhile begins where it says
        found = [(notice, ids) for notice in told.notices if (ids := self._ids(notice, those))]
        return Step(found, those, self._cursor, told.seq)

    def _ids(self, notice: Notice, those: Sequence[Member]) -> list[str]:
        """Return the ids of those who want a notification, and may be told it."""
        for each in those:
            each.actor = self._stream.current(each.actor)
        return [each.id for each in those if each.wants(notice) and self._permitted(notice, each)]

    def _permitted(self, notice: Notice, member: Member) -> bool:
        return self._stream.permits(member.actor, notice.namespace, notice.name)

    def still(self, ids: Iterable[str]) -> list[str]:
        """Return the ids of those subscriptions that have not ended."""
        return [key for key in ids if key in self.members]

    def _written(self, notice: Notice, ids: Sequence[str]) -> bytes:
        there = self.still(ids)
        for key in there:
            self.members[key].sent += 1
        return notice.document_for(there) if there else b""

    def _aside(self) -> Iterator[tuple[Notice, Sequence[str]]]:
        """Yield what stands beside the journal, and what is gone from it."""
        for member in list(self.members.values()):
            while member.aside:
                notice = member.aside.popleft()
                if self._permitted(notice, member):
                    yield notice, [member.id]
            if member.behind and (dropped := self._dropped.pop(member.id, 0)):
                yield about.dropped(member.id, dropped, (member.behind[0].seq, self._stream.now())), [member.id]
            while member.behind and member.behind[0].seq <= member.after:
                notice = member.behind.popleft()
                if self._permitted(notice, member):
                    yield notice, [member.id]

    async def _next(self) -> Told | None:
        """Return the entry behind the one that all were told."""
        if not self.members:
            return None
        self._cursor.seek(min(member.after for member in self.members.values()))
        told = await self._cursor.next()
        if told is not None and self._cursor.lost(told):
            for member in self._behind(told.seq - 1):
                member.aside.append(about.lost(member.id, member.after, told.seq - 1, self._stream.now()))
                member.after = told.seq - 1
            self._cursor.seek(told.seq - 1)
            self._news.set()
            return None
        return told

    def _behind(self, seq: int) -> list[Member]:
        return [member for member in self.members.values() if member.after < seq]
