"""What falls due when: changes that are owed to time are made before anybody looks, in the order of their moments."""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Agenda:
    """Changes to come; two of the same moment happen in the order in which they were entered."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = count()

    def at(self, moment: float, change: Callable[[float], None]) -> None:
        """Enter a change; it is called with its own moment, however late `run` comes."""
        heapq.heappush(self._due, (moment, next(self._order), change))

    def next(self) -> float | None:
        """Return the moment of the next change, None when there is none."""
        return self._due[0][0] if self._due else None

    def run(self, now: float) -> None:
        """Make every change whose moment has come, including those that the changes themselves enter."""
        while self._due and self._due[0][0] <= now:
            moment, _, change = heapq.heappop(self._due)
            change(moment)
