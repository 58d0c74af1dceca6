"""A place in the journal, and a page of what comes next: how every receiver goes along, at its own pace."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from promise.northbound.events.content import notices

if TYPE_CHECKING:
    from promise.events import Entry
    from promise.northbound.events.notice import Notice
    from promise.northbound.events.stream import EventStream

PAGE: Final = 64
"""Entries that one who does not keep up reads at a time."""


class Told:
    """An entry and what is told of it; the entry is let go of once that is known."""

    __slots__ = ("_entry", "_notices", "at", "seq")

    def __init__(self, entry: Entry) -> None:
        self.seq = entry.seq
        self.at = entry.at
        self._entry: Entry | None = entry
        self._notices: tuple[Notice, ...] = ()

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The notifications of the entry."""
        if self._entry is not None:
            self._notices, self._entry = notices(self._entry), None
            for number, notice in enumerate(self._notices):
                notice.number = number
        return self._notices


class Cursor:
    """One way through the journal; `position` is the seq behind which it goes on."""

    def __init__(self, stream: EventStream, after: int) -> None:
        self.position = after
        self._stream = stream
        self._page: deque[Told] = deque()

    def seek(self, after: int) -> None:
        """Go on behind another entry."""
        if after != self.position:
            self.position = after
            self._page.clear()

    async def next(self) -> Told | None:
        """Return the entry behind the position, None when there is none yet.

        It has a later seq than the next one where retention has cut the journal behind the cursor (see `lost`).
        """
        if self._page:
            return self._page.popleft()
        recent = self._stream.recent(self.position + 1)
        if recent is None and self.position < self._stream.log.durable_seq:
            self._page.extend(Told(entry) for entry in await self._stream.log.journal(self.position, PAGE))
            return self._page.popleft() if self._page else None
        return recent

    def lost(self, told: Told) -> bool:
        """Tell whether entries between the position and this one are gone from the journal."""
        return told.seq > self.position + 1
