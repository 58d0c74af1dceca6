"""Who is at a door and has not said who he is: so many may be there in all, and so many from one address.

Where there is no room, the one who has been there for longest gives way, once he has been there for a few seconds:
sockets that never speak keep nobody out. Before that the newcomer is refused. It is pure: time comes in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from promise.northbound.brakes import network

if TYPE_CHECKING:
    from collections.abc import Callable


class Stranger(Protocol):
    """A connection on which nobody has logged in yet."""

    def give_way(self) -> None:
        """Close it: another one wants in."""


@dataclass(frozen=True, slots=True)
class Room:
    """How many may be there, and after how many seconds one gives way."""

    in_all: int = 1024
    per_address: int = 256
    patience: int = 3


class Strangers:
    """The connections at one door that have not logged in; `now` tells the time in seconds."""

    def __init__(self, room: Room, now: Callable[[], int]) -> None:
        self._room = room
        self._now = now
        self._refused = 0
        self._told = 0  # when a refusal was told of last
        self._since: dict[Stranger, int] = {}  # in the order in which they came
        self._address: dict[Stranger, str] = {}
        self._from: dict[str, dict[Stranger, None]] = {}

    def __len__(self) -> int:
        return len(self._since)

    def admit(self, stranger: Stranger, host: str) -> bool:
        """Note that somebody has come; False when there is no room for him."""
        address = network(host)
        neighbours = self._from.get(address, {})
        if len(neighbours) >= self._room.per_address and not self._clear(next(iter(neighbours))):
            return False
        if len(self._since) >= self._room.in_all and not self._clear(next(iter(self._since))):
            return False
        self._since[stranger] = self._now()
        self._address[stranger] = address
        self._from.setdefault(address, {})[stranger] = None
        return True

    def leave(self, stranger: Stranger) -> None:
        """Forget somebody who has gone, or is no stranger any more."""
        if self._since.pop(stranger, None) is None:
            return
        address = self._address.pop(stranger)
        neighbours = self._from[address]
        del neighbours[stranger]
        if not neighbours:
            del self._from[address]

    def refused(self) -> int:
        """Count a refusal; returns how many there were since the last one that was told, 0 for one not to be told.

        One a second is: a flood of connections must not become one of the log.
        """
        self._refused += 1
        now = self._now()
        if now == self._told:
            return 0
        self._told, count = now, self._refused
        self._refused = 0
        return count

    def _clear(self, oldest: Stranger) -> bool:
        """Let the one who came first give way, if he has had his time."""
        if self._now() - self._since[oldest] < self._room.patience:
            return False
        self.leave(oldest)
        oldest.give_way()
        return True
