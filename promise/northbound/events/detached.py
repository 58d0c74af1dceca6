"""Subscriptions that were made over RESTCONF: each waits for its one reader, who may go and come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from promise.northbound.events.feed import Feed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promise.northbound.events.feed import Member
    from promise.northbound.events.notice import Notice
    from promise.northbound.events.stream import EventStream

ALONE: Final = 300
"""Seconds for which one waits for its reader."""


class Detached:
    """One subscription; see `restconf.streaming.Source`. A new reader takes the place of the one before."""

    def __init__(self, stream: EventStream, member: Member) -> None:
        self.member = member
        self.feed = Feed(stream)
        self.feed.add(member)
        self._clock = stream.clock
        self._alone_since: int | None = stream.clock.now()
        self._reader: Reader | None = None

    @property
    def forsaken(self) -> bool:
        """Tell whether nobody has read it for too long."""
        return self._alone_since is not None and self._clock.now() >= self._alone_since + ALONE

    def attach(self, behind: tuple[int, int] | None) -> Reader:
        """Let somebody read, from here or from behind a place on."""
        if self._reader is not None:
            self._reader.over = True
            self._reader.wake()
        if behind is not None:
            seq, told = behind
            self.member.after = min(seq - 1 if told else seq, self.member.after)
            self.member.skip = behind
        self._alone_since = None
        self._reader = Reader(self)
        return self._reader

    def left(self, reader: Reader) -> None:
        """Note that a reader went away."""
        if self._reader is reader:
            self._reader, self._alone_since = None, self._clock.now()

    def close(self) -> None:
        """End it."""
        self.feed.close()
        if self._reader is not None:
            self._reader.over = True
            self._reader.wake()


class Reader:
    """One reading of a subscription."""

    def __init__(self, source: Detached) -> None:
        self.over = False
        self._source = source

    async def take(self) -> Sequence[tuple[Notice, Sequence[str]]] | None:
        """Return what is told next; None when there is nothing yet."""
        return None if self.over else await self._source.feed.take()

    async def news(self) -> None:
        """Wait until there may be something."""
        if not self.over:
            await self._source.feed.news()

    def wake(self) -> None:
        """Let `news` return."""
        self._source.feed.wake()

    def close(self) -> None:
        """Go away; the subscription waits for somebody else."""
        self._source.left(self)
