"""The ledger: the only way to change the state, and to read of it nothing that could still be lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from promise.clock import Clock
    from promise.events import Codec, Decision, Entry, Event, Record, Undo


class State(Protocol):
    """What the writer needs of the state; everything else of it is between the rooms."""

    def apply(self, event: Event) -> Undo:
        """Make the event true, and return what takes it back exactly. Raises only where we have a bug."""


S = TypeVar("S", bound=State)
T = TypeVar("T")

TIME = "time"
"""The actor of what fell due."""


class Ledger(Generic[S]):
    """The writer, the journal and the tables, around one state."""

    @classmethod
    async def open(
        cls,
        url: str,
        state: S,
        *,
        clock: Clock,
        codecs: Mapping[str, Codec],
        advance: Callable[[S, int], Iterator[Event]],
        load: Callable[[S, Sequence[Record]], Any] | None = None,
        group_limit: int = 256,
    ) -> Ledger[S]:
        """Open or create the ledger at `url`, and rebuild `state`, which is empty, from its tables."""
        raise NotImplementedError

    async def submit(self, decide: Callable[[S, int], Decision[T]], *, actor: str) -> T:
        """Decide, make it durable, and return the decision's answer."""
        raise NotImplementedError

    async def read(self, query: Callable[[S, int], T]) -> T:
        """Return what the query says of the state, once everything that it saw is durable."""
        raise NotImplementedError

    def subscribe(self, on_commit: Callable[[Sequence[Entry]], None]) -> Callable[[], None]:
        """Call `on_commit` with the entries of each group, in order, on the loop; returns what ends that."""
        raise NotImplementedError

    def wake(self) -> None:
        """Say that something fell due."""
        raise NotImplementedError

    async def journal(self, after: int, limit: int) -> list[Entry]:
        """Return up to `limit` durable entries behind seq `after`."""
        raise NotImplementedError

    async def secret(self, key: str) -> str | None:
        """Return a secret of the side table, None when there is none."""
        raise NotImplementedError

    async def close(self) -> None:
        """Decide what is waiting, make it durable, and let go of the database."""
        raise NotImplementedError
