"""What a room needs of the ledger: to decide, and to read nothing that could still be lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from promise.events import Decision

B_co = TypeVar("B_co", covariant=True)
T = TypeVar("T")


class Decisions(Protocol[B_co]):
    """The door to the ledger; the book that it hands to a decision is the room's view of the state."""

    async def submit(self, decide: Callable[[B_co, int], Decision[T]], *, actor: str) -> T:
        """Decide, make it durable, and return the answer. Raises `errors.LedgerFailure`."""

    async def read(self, query: Callable[[B_co, int], T]) -> T:
        """Return what the query says, once all that it saw is durable; it gets the moment as well."""
