"""How what a subscription has to say comes onto a session: one notification after the other, others in between."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from promise.northbound.events.notice import Notice


class Subject(Protocol):
    """A subscription: `take` what is told next, and wait for `news` when that is nothing."""

    over: bool

    async def take(self) -> Sequence[tuple[Notice, Sequence[str]]] | None:
        """Return what is told next, None when there is nothing yet."""

    async def news(self) -> None:
        """Wait until there may be something."""

    def written(self, notice: Notice) -> bytes:
        """Return a notification as it is sent now, nothing when it is not to be sent any more."""

    def close(self) -> None:
        """End it without a word."""


async def documents(subject: Subject) -> AsyncGenerator[Callable[[], bytes], None]:
    """Yield what writes one <notification> after the other."""
    try:
        while not subject.over:
            told = await subject.take()
            for notice, _ in told or ():
                yield partial(subject.written, notice)
            if told:
                await asyncio.sleep(0)  # whoever else has something to do goes first
            else:
                await subject.news()
    finally:
        subject.close()
