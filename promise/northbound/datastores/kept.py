"""What was last made of each record, kept as long as the record is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

R = TypeVar("R")
T = TypeVar("T")

MOST = 4096
"""So much is kept; then all of it is forgotten, as most of it may belong to records that are gone."""


class Kept(Generic[T]):
    """Remembers; what it hands out belongs to many, and is not to be changed."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: dict[Hashable, tuple[object, T]] = {}

    def of(self, key: Hashable, record: R, make: Callable[[R], T]) -> T:
        """Return what was made of the record that stood for this key, or make it when another one stands there now."""
        known = self._known.get(key)
        if known is not None and (known[0] is record or known[0] == record):
            return known[1]
        made = make(record)
        if len(self._known) >= self._most:
            self._known.clear()
        self._known[key] = record, made
        return made
