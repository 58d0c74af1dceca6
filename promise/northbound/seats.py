"""How many sessions there may be at a time, whatever they come on: in all, and of one user."""

from __future__ import annotations

from collections import Counter

from promise.errors import NoRoom


class Seats:
    """The seats of a door. A user's seats are given back one by one."""

    def __init__(self, in_all: int, per_user: int) -> None:
        self._in_all = in_all
        self._per_user = per_user
        self._taken: Counter[str] = Counter()
        self.taken = 0
        """How many seats are taken in all."""

    def take(self, user: str) -> None:
        """Take a seat.

        Raises:
            NoRoom: there is none, or the user has as many as he may have.
        """
        if self.taken >= self._in_all:
            raise NoRoom(f"too many sessions: this server holds {self._in_all}")
        if self._taken[user] >= self._per_user:
            raise NoRoom(f"too many sessions: a user may have {self._per_user}")
        self._taken[user] += 1
        self.taken += 1

    def give(self, user: str) -> None:
        """Give a seat back."""
        self._taken[user] -= 1
        self.taken -= 1
        if not self._taken[user]:
            del self._taken[user]
