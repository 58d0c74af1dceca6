"""A dynamic subscription to a stream (RFC 8639), on a NETCONF session (RFC 8640) or read over HTTP (RFC 8650).

Changes of its state are told to its receiver alone, whatever the filter says (RFC 8639 section 2.7). One whose receiver
does not take what is sent is suspended; nothing is lost by that, as the journal keeps it. When the receiver takes
again, it is told that it was suspended and goes on, and then everything that has come meanwhile.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from promise.northbound.events.statement import SUBSCRIBED, change_of_state
from promise.northbound.events.telling import documents

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from promise.northbound.events.notice import Notice
    from promise.northbound.events.stream import EventStream, Subscription
    from promise.northbound.port import Interest

NAMESPACE: Final = "urn:ietf:params:xml:ns:yang:ietf-subscribed-notifications"

OVER: Final = "no-such-subscription"
"""The only reason of RFC 8639 with which a subscription ends by itself that is not lack of something."""

LAG: Final = 1024
"""A receiver that stands still while so many entries of the journal come is suspended."""


class Dynamic:
    """See `port.Subscription` and `restconf.streaming.Source`; `number` is its id."""

    def __init__(self, number: int, stream: EventStream, source: Subscription, lag: int = LAG) -> None:
        self.number = number
        self.over = False
        self.sent = 0
        self._stream = stream
        self._source = source
        self._lag = lag
        self._left = 0
        """How far behind it was when something was last taken from it."""
        self._aside: deque[Notice] = deque()
        self._ending: Notice | None = None

    @property
    def interest(self) -> Interest:
        """What it is about."""
        return self._source.interest

    @property
    def excluded(self) -> int:
        """Events that a filter or an access rule has kept back."""
        return self._source.excluded

    @property
    def suspended(self) -> bool:
        """Tell whether its receiver has not taken anything for too long."""
        return not self.over and self._left <= self._lag < self._source.behind

    def change(self, interest: Interest) -> None:
        """Let it be about something else from now on: another filter, another stop time."""
        self._source.change(interest)

    def say(self, notice: Notice) -> None:
        """Tell its receiver something, next."""
        self._aside.append(notice)
        self._source.wake()

    def end(self, reason: str, module: str = SUBSCRIBED) -> None:
        """End it on somebody else's behalf, and say so."""
        if self._ending is None:
            self._ending = self._state("subscription-terminated", reason, module)
        self._source.wake()

    def rewind(self, behind: tuple[int, int]) -> None:
        """Go back to a place that its reader names."""
        self._source.rewind(behind)

    def close(self) -> None:
        """End it without a word."""
        self.over = True
        self._source.close()
        self._source.wake()

    async def take(self) -> Sequence[tuple[Notice, Sequence[str]]] | None:
        """Return what is told next, None when there is nothing yet; when it was told that it ends, it is over."""
        if self.over:
            return None
        if self.suspended:
            self._aside.append(self._state("subscription-suspended", "unsupportable-volume"))
            self._aside.append(self._state("subscription-resumed"))
        found = [self._aside.popleft() for _ in range(len(self._aside))]
        if not found and self._ending is None:
            found = [self._notice(one) for one in await self._source.step()]
        self._left = self._source.behind
        found = [notice for notice in found if notice is not self._ending]
        if self._ending is not None and not self.over:
            found.append(self._ending)
            self.close()
        return [(notice, ()) for notice in found] or None

    async def news(self) -> None:
        """Wait until there may be something to tell."""
        if not self.over:
            await self._source.news()

    def wake(self) -> None:
        """Let `news` return."""
        self._source.wake()

    def documents(self) -> AsyncGenerator[Callable[[], bytes], None]:
        """Return what writes one <notification> after the other."""
        return documents(self)

    def written(self, notice: Notice) -> bytes:
        """Return the notification; nothing when it was deleted meanwhile, but to say that it ends."""
        return b"" if self.over and self._ending is None else notice.document

    def _notice(self, one: Notice | str) -> Notice:
        if not isinstance(one, str):
            self.sent += 1
            return one
        if one == "replayComplete":
            return self._state("replay-completed")
        # RFC 8639 has subscription-completed for configured subscriptions alone
        self._ending = self._state("subscription-terminated", OVER)
        return self._ending

    def _state(self, name: str, reason: str = "", module: str = SUBSCRIBED) -> Notice:
        return change_of_state(name, self._stream.now(), self.number, reason, module)
