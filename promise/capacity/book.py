"""What the capacity room needs to know of the ledger's state; `ledger.state` has it all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from promise.actor import Owned
from promise.configuration.book import ConfigurationBook

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from promise.capacity.idempotency import Key
    from promise.capacity.model import Pool, Scope, Supply
    from promise.capacity.provider import Provider
    from promise.capacity.timeline import Timeline
    from promise.events import Record
    from promise.resources import Window


class Holding(NamedTuple):
    """A record that stands behind the columns: its kind in `collections`, when it is live, and where it counts."""

    kind: str
    record: Record
    window: Window
    scopes: tuple[Scope, ...]


class Promised(Owned, Protocol):
    """A reservation, as far as this room is concerned."""

    @property
    def id(self) -> str:
        """Return its id."""


class Lack(NamedTuple):
    """A reservation, and what of it cannot be kept."""

    held: Promised
    shortfall: Mapping[str, int]


class CapacityBook(ConfigurationBook, Protocol):
    """Providers, pools and timelines, to read. Only the ledger's writer changes them, by applying events."""

    @property
    def providers(self) -> Mapping[str, Provider]:
        """Return every provider by id, in configured order."""

    @property
    def looks(self) -> dict[str, int]:
        """Return when this process looked last at a provider with success; finding no difference is no decision."""

    @property
    def keys(self) -> Mapping[str, Key]:
        """Return every idempotency key that is kept, by id."""

    @property
    def pools(self) -> Mapping[str, Pool]:
        """Return every pool by id, those that are over included while they are kept."""

    def supply(self, scope: Scope) -> Supply:
        """Return what makes up the total of a scope."""

    def timeline(self, scope: Scope) -> Timeline:
        """Return the step functions of a scope; a scope that nothing was ever in has an empty one."""

    def holdings(self, kinds: Collection[str]) -> Iterable[Holding]:
        """Return the live pools, reservations and allocations, those of these kinds ("ResourcePool" ...)."""

    def degraded_by(self, pool: Pool, now: int, instead_of: Pool | None = None) -> Sequence[Lack]:
        """Return who would lack more if this pool were there (instead of another), and what they would lack."""

    def degraded_despite(self, pool: Pool, now: int) -> Sequence[Lack]:
        """Return who in the window of this pool would still lack something if it were there, and what."""

    def zones_of(self, provider: str) -> Sequence[str]:
        """Return the zones of a provider: those seen in the cloud and those that a pool names, by name."""

    def without(self, records: Sequence[Record]) -> AbstractContextManager[None]:
        """Make the timelines, for a while, what they would be if these records did not exist."""

    def supposing(self, gone: Iterable[Record], come: Iterable[Record] = ()) -> AbstractContextManager[None]:
        """Make the timelines, for a while, what they would be without the one and with the other records."""
