"""The steps of what is done with clouds, numbered, so that each in turn can be the one at which something happens."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING

from promise.errors import CloudUnreachable, LedgerFailure, OutcomeUnknown, Overloaded

if TYPE_CHECKING:
    from collections.abc import Mapping


class Crash(BaseException):
    """The end of the process."""


class Trouble(Enum):
    """What happens at a step."""

    CRASH = "the process ends"
    CLOUD = "the cloud's answer is lost, or there is none"
    LEDGER = "the ledger cannot write"
    BUG = "something raises what nobody expects"


class Steps:
    """Counts, and lets `trouble` happen at the steps whose numbers are in `at`.

    The names of all are in `taken`, the numbers of those at which there can be such trouble in `exposed`.
    """

    def __init__(self, trouble: Trouble = Trouble.CRASH, at: frozenset[int] = frozenset()) -> None:
        self.trouble = trouble
        self.at = at
        self.taken: list[str] = []
        self.exposed: list[int] = []
        self.dead = False

    async def read(self, name: str) -> None:
        """Pass a step of a request to a cloud that has no effect."""
        await self._step(name, {Trouble.CLOUD: CloudUnreachable("no answer"), Trouble.BUG: ZeroDivisionError()})

    async def act(self, name: str) -> None:
        """Pass the step before an effect in a cloud."""
        await self._step(f"before {name}", _UNKNOWN)

    async def acted(self, name: str) -> None:
        """Pass the step between an effect in a cloud and its answer."""
        await self._step(f"after {name}", _UNKNOWN)

    async def decide(self, what: str) -> None:
        """Pass the step before a decision."""
        failure = Overloaded("10000 wait") if len(self.taken) % 2 else LedgerFailure("disk full")
        await self._step(f"before {what}", {Trouble.LEDGER: failure})

    async def decided(self, what: str) -> None:
        """Pass the step after a decision is durable: from then on there is no failure but a crash."""
        await self._step(f"after {what}", {})

    async def _step(self, name: str, failures: Mapping[Trouble, Exception]) -> None:
        await asyncio.sleep(0)
        if self.dead:
            raise Crash
        number = len(self.taken)
        self.taken.append(name)
        if self.trouble is not Trouble.CRASH and self.trouble not in failures:
            return
        self.exposed.append(number)
        if number not in self.at:
            return
        if self.trouble is Trouble.CRASH:
            self.dead = True
            raise Crash
        raise failures[self.trouble]


_UNKNOWN: Mapping[Trouble, Exception] = {
    Trouble.CLOUD: OutcomeUnknown("no answer"), Trouble.BUG: ZeroDivisionError(),
}  # fmt: skip
