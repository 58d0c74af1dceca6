"""Which transitions fall due next, in the order in which they are made (design section 3); pure.

A heap whose entries may be out of date: a record is asked again when one comes up, and what it no longer says is
dropped. So nothing has to be taken out when a record changes, or when a change is taken back.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from promise.capacity.due import Due


class Item(NamedTuple):
    """A transition: when, its rank at that moment, and the record that has it before it.

    Of several records with the same before them, the oldest comes first: who was there first is served first.
    """

    moment: int
    due: Due
    created: int
    table: str
    key: str


class Agenda:
    """The transitions to come. `holds` tells whether the record of an item still has that transition before it."""

    def __init__(self, holds: Callable[[Item], bool], current: Callable[[], Iterable[Item]]) -> None:
        self._holds = holds
        self._current = current
        self._heap: list[Item] = []
        self._worth_clearing = 1024

    def put(self, items: Iterable[Item]) -> None:
        """Add transitions of a record that has changed; those of the record before may stay."""
        for item in items:
            heapq.heappush(self._heap, item)
        if len(self._heap) > self._worth_clearing:
            self.renew()

    def renew(self) -> None:
        """Ask all records again: what decides on their transitions has changed, or much is out of date."""
        self._heap = sorted(set(self._current()))
        self._worth_clearing = 1024 + 2 * len(self._heap)

    def first(self) -> Item | None:
        """Return the next transition, None when there is none; it stays until its record has changed."""
        while self._heap:
            if self._holds(self._heap[0]):
                return self._heap[0]
            heapq.heappop(self._heap)
        return None

    def due(self, now: int) -> Item | None:
        """Return the next transition when its moment has come; asked often, it asks no record when none has."""
        if not self._heap or self._heap[0].moment > now:  # what still holds comes no earlier
            return None
        item = self.first()
        return None if item is None or item.moment > now else item
