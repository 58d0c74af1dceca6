"""A dynamic subscription of RFC 8639 on a NETCONF session (RFC 8640): one of several, each told for itself.

Its state-change notifications are told to its receiver alone, whatever the filter says (RFC 8639 section 2.7).
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from promise.northbound.events.notice import document

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from promise.northbound.events.notice import Notice
    from promise.northbound.events.stream import EventStream, Subscription
    from promise.northbound.port import Interest

NAMESPACE: Final = "urn:ietf:params:xml:ns:yang:ietf-subscribed-notifications"

_OVER: Final = "no-such-subscription"
"""The only reason of RFC 8639 with which a subscription ends by itself that is not lack of something."""


class Dynamic:
    """See `port.Subscription`; `number` is its id, `owner` the user of its session."""

    def __init__(self, number: int, owner: str, stream: EventStream, source: Subscription) -> None:
        self.number = number
        self.owner = owner
        self.over = False
        self.sent = 0
        self._stream = stream
        self._source = source
        self._last: deque[bytes] = deque()

    @property
    def interest(self) -> Interest:
        """What it is about."""
        return self._source.interest

    def change(self, interest: Interest) -> None:
        """Let it be about something else from now on: another filter, another stop time."""
        self._source.change(interest)

    def kill(self) -> None:
        """End it on somebody else's behalf, and say so."""
        self._end()

    def close(self) -> None:
        """End it without a word."""
        self.over = True
        self._source.close()
        self._source.wake()

    async def documents(self) -> AsyncGenerator[Callable[[], bytes], None]:
        """Yield what writes one <notification> after the other."""
        try:
            while not self.over:
                told = await self._source.step()
                for written in self._said(told):
                    yield written
                if self._last:
                    break
                if told:
                    await asyncio.sleep(0)  # whoever else has something to do goes first
                else:
                    await self._source.news()
            while self._last:
                last = self._last.popleft()
                yield lambda last=last: last  # type: ignore[misc]
        finally:
            self.close()

    def _said(self, told: Sequence[Notice | str]) -> list[Callable[[], bytes]]:
        found: list[Callable[[], bytes]] = []
        for one in told:
            if one == "replayComplete":
                said = self._about("replay-completed")
                found.append(lambda said=said: said)  # type: ignore[misc]
            elif one == "notificationComplete":
                self._end()
            else:
                found.append(lambda one=one: self._written(one))  # type: ignore[misc]
        return found

    def _written(self, notice: Notice) -> bytes:
        if self.over:
            return b""
        self.sent += 1
        return notice.document

    def _end(self) -> None:
        """Say that nothing follows: RFC 8639 has subscription-completed for configured subscriptions alone."""
        self._last.append(self._about("subscription-terminated", f"<reason>{_OVER}</reason>"))
        self._source.wake()

    def _about(self, name: str, more: str = "") -> bytes:
        inside = f'<{name} xmlns="{NAMESPACE}"><id>{self.number}</id>{more}</{name}>'
        return document(self._stream.now(), inside.encode())
