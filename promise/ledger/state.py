"""Everything in memory: records, indexes and timelines. Pure; a cache of the ledger's tables (design section 3).

Only the ledger's writer calls `apply`; everybody else reads. The state is the set of its records: each says by itself
what it adds to the timelines, so taking an event back is putting the record that stood before in its place again.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID, uuid5

from promise.allocation import outcome
from promise.allocation.leaving import END_GRACE, leaving
from promise.allocation.model import Allocation, Operation
from promise.allocation.transitions import loose, reclaimed
from promise.capacity.book import Holding, Lack
from promise.capacity.due import Due, of_pool, pool_event
from promise.capacity.idempotency import KEPT, Key
from promise.capacity.model import Pool
from promise.capacity.provider import Provider
from promise.configuration.model import Revision, Section
from promise.events import Performed, fact
from promise.ledger import index
from promise.ledger.agenda import Agenda, Item
from promise.ledger.columns import Columns
from promise.ledger.contribution import live_window
from promise.ledger.effect import Change, effects
from promise.ledger.retention import forgetting, forgotten_at
from promise.ledger.shelves import Shelves
from promise.reservation import degrade
from promise.reservation.model import Reservation
from promise.reservation.policy import Policy
from promise.reservation.transitions import of_reservation, reservation_events
from promise.resources import total_of
from promise.subscription.model import Subscription

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from promise.capacity.model import Scope, Supply
    from promise.capacity.timeline import Timeline
    from promise.events import Codec, Event, Record, Undo
    from promise.ledger.columns import Shift

CODECS: Mapping[str, Codec] = {
    kind.table: kind.from_json
    for kind in (Provider, Pool, Reservation, Allocation, Operation, Policy, Key, Section, Revision, Subscription)
}
"""How the ledger reads the record of each table."""


NAMESPACE = UUID("6f1b4d0e-6a35-4f7a-9d5c-0f8f2b0f6f10")
"""The ids of what the state itself asks of clouds follow from this, so that a decision stays a pure function."""

HOLDING_TABLES = {
    "ResourcePool": Pool.table,
    "ResourceReservation": Reservation.table,
    "ResourceAllocation": Allocation.table,
}
"""The tables behind the kinds of `collections` (contract, Types)."""


class State(Shelves):
    """The books of all rooms: `allocation.book.AllocationBook` and, below it, those of the others."""

    def __init__(self) -> None:
        super().__init__()
        self._tables: dict[str, dict[str, Any]] = {table: {} for table in CODECS}
        self._columns = Columns()
        self._agenda = Agenda(self._is_due, self._all_due)
        self._default_policy = Policy()
        self._first_revision = Revision()
        self._misplaced: set[str] = set()
        self.looks: dict[str, int] = {}

    # --- reading: records ----------------------------------------------------------------------------------------

    @property
    def providers(self) -> Mapping[str, Provider]:
        """Return every provider by id, in configured order."""
        return self._tables[Provider.table]

    @property
    def pools(self) -> Mapping[str, Pool]:
        """Return every pool by id, oldest first."""
        return self._tables[Pool.table]

    @property
    def reservations(self) -> Mapping[str, Reservation]:
        """Return every reservation by id, oldest first."""
        return self._tables[Reservation.table]

    @property
    def allocations(self) -> Mapping[str, Allocation]:
        """Return every allocation by id, oldest first."""
        return self._tables[Allocation.table]

    @property
    def operations(self) -> Mapping[str, Operation]:
        """Return everything that was asked of clouds, by id, oldest first."""
        return self._tables[Operation.table]

    @property
    def keys(self) -> Mapping[str, Key]:
        """Return every idempotency key that is kept, by id."""
        return self._tables[Key.table]

    @property
    def subscriptions(self) -> Mapping[str, Subscription]:
        """Return every subscription that outlives sessions, by id, oldest first."""
        return self._tables[Subscription.table]

    @property
    def policy(self) -> Policy:
        """Return the rules in force."""
        return cast("Policy", self._tables[Policy.table].get(Policy.id, self._default_policy))

    @property
    def sections(self) -> Mapping[str, Section]:
        """Return every section that is configured, by id."""
        return self._tables[Section.table]

    @property
    def revision(self) -> Revision:
        """Return which revision of the configuration is in force, and whether on trial."""
        return cast("Revision", self._tables[Revision.table].get(Revision.id, self._first_revision))

    # --- reading: some of them -----------------------------------------------------------------------------------

    def used_of(self, reservation: str) -> Mapping[str, int]:
        """Return what the instances of a reservation take of it, and of the resources that it does not name."""
        return total_of(allocation.drawn for allocation in self.records_of(reservation))

    def reclaimed(self, reservation: Reservation, now: int, since: int | None = None) -> Sequence[Event]:
        """Return how its instances stand once the reservation stands like this; policy at-end may tell them to go."""
        stand = reclaimed(self.records_of(reservation.id), reservation, now if since is None else since)
        if reservation.live or not self.policy.terminates:
            return stand
        return [*stand, *self._told_to_go(stand, now)]

    def _told_to_go(self, stand: Iterable[Event], now: int) -> Iterator[Event]:
        """Yield the end of the instances that a reservation leaves behind."""
        for event in stand:
            if isinstance(event.record, Allocation):
                asked = str(uuid5(NAMESPACE, f"{event.kind} {event.key} {now}"))
                yield from outcome.destroy(self, event.record, asked, now).events

    def going_in(self, scope: Scope) -> Mapping[str, int]:
        """Return what the instances of a scope take without a claim that were told to go and need not be gone yet."""
        going = cast("Iterable[Allocation]", self._index.of(index.going_in(scope)).values())
        return total_of(allocation.loose_in(scope) for allocation in going)

    def kept_by(self, reservation: str) -> Mapping[str, int]:
        """Return what the instances of a reservation take of it, but for those that were told to go."""
        return total_of(allocation.drawn for allocation in self.records_of(reservation) if not allocation.going)

    def making_room(self, reservation: Reservation, now: int, start: int) -> Sequence[Event]:
        """Return which instances would have to leave as this reservation starts; policy preempt tells them to go."""
        chosen = leaving(self, reservation, start)
        events = [fact("allocation-leaving", each, reservation=reservation.id) for each in chosen]
        return [*events, *self._told_to_go(events, now)] if self.policy.preempt else events

    def holdings(self, kinds: Collection[str]) -> Iterator[Holding]:
        """Yield the live pools, reservations and allocations of these kinds, in this order, oldest first."""
        for kind, table in HOLDING_TABLES.items():
            if kind in kinds:
                for record in self._tables[table].values():
                    window = live_window(record)
                    if window is not None:
                        yield Holding(kind, record, window, record.scopes)

    def zones_of(self, provider: str) -> Sequence[str]:
        """Return the zones of a provider: those seen in the cloud and those that a pool names, by name."""
        discovery = self.providers[provider].discovery
        seen = {zone.name for zone in discovery.zones} if discovery else set()
        return sorted(seen | self._columns.zones(provider))

    # --- reading: columns ----------------------------------------------------------------------------------------

    def supply(self, scope: Scope) -> Supply:
        """Return what makes up the total of a scope."""
        return self._columns.supply(scope)

    def timeline(self, scope: Scope) -> Timeline:
        """Return the step functions of a scope."""
        return self._columns.timeline(scope)

    @contextmanager
    def supposing(self, gone: Iterable[Record], come: Iterable[Record] = ()) -> Iterator[None]:
        """Make the timelines, for a while, what they would be without the one and with the other records."""
        changes: list[tuple[Record | None, Record | None]] = [(record, None) for record in gone]
        changes += [(None, record) for record in come]
        touched = set(self._columns.touched)
        for old, new in changes:
            self._columns.replace(old, new)
        try:
            yield
        finally:
            for old, new in reversed(changes):
                self._columns.replace(new, old)
            self._columns.touched = touched

    def without(self, records: Sequence[Record]) -> AbstractContextManager[None]:
        """Make the timelines, for a while, what they would be if these records did not exist.

        The instances of a reservation that is thought away are still there: without a claim, as unreserved ones are.
        """
        gone = {record.id: record for record in records}
        left = [
            found
            for record in records
            if isinstance(record, Reservation)
            for found in self.records_of(record.id)
            if found.id not in gone
        ]
        return self.supposing([*records, *left], [loose(found) for found in left])

    # --- time ----------------------------------------------------------------------------------------------------

    def next_due(self) -> int | None:
        """Return the moment of the next transition, None when nothing will ever happen by itself."""
        item = self._agenda.first()
        return item.moment if item else None

    def advance(self, now: int) -> Iterator[Event]:
        """Yield the events of the next transition that is due at `now`, none when nothing is."""
        self._in_order()
        item = self._agenda.due(now)
        if item is None:
            return
        record = self._tables[item.table][item.key]
        if item.due is Due.FORGOTTEN:
            yield from self._forgotten(record, now)
        elif item.due is Due.OVERDUE:
            yield fact("allocation-overdue", replace(record, overdue=True))
        elif isinstance(record, Pool):
            yield pool_event(self, record, item.due)
        else:
            yield from reservation_events(self, record, item, now)

    def _forgotten(self, record: Record, now: int) -> Iterator[Event]:
        """Yield the end of a record's retention, and of the keys that stood for it and are old enough."""
        yield forgetting(record)
        for key in list(self._index.of(index.keys_for(record.id)).values()):
            moment = forgotten_at(key, 0)
            if moment is not None and moment <= now:
                yield forgetting(key)

    def consequences(self, now: int) -> list[Event]:
        """Return how the reservations stand that what was just applied has degraded or healed.

        They are worked out before each start, and when nothing is due any more (design section 3): of several that
        end at one moment, or during one long stop, the first degrades nobody whom the next heals.
        """
        item = self._agenda.due(now)
        if item is not None and item.due is not Due.RESERVATION_START:
            return []
        touched, self._columns.touched = self._columns.touched, set()
        return list(degrade.events(degrade.changes(self, touched, now), now)) if touched else []

    def degraded_by(self, pool: Pool, now: int, instead_of: Pool | None = None) -> list[Lack]:
        """Return the reservations that would lack more if this pool were there, with what they would lack."""
        with self.supposing([instead_of] if instead_of else [], [pool]):
            changes = degrade.changes(self, pool.scopes, now)
        return [Lack(held, shortfall) for held, shortfall in changes if _worse(held.shortfall, shortfall)]

    def degraded_despite(self, pool: Pool, now: int) -> list[Lack]:
        """Return who in the window of this pool would still lack something if it were there, and what."""
        degraded = {held.id: held for scope in pool.scopes for held in self.degraded_in(scope)}
        if not degraded:
            return []
        with self.supposing([], [pool]):
            healed = {held.id: shortfall for held, shortfall in degrade.changes(self, pool.scopes, now)}
        there = [held for held in degraded.values() if held.window.overlaps(pool.window)]
        lacking = [Lack(held, healed.get(held.id, held.shortfall)) for held in there]
        return [lack for lack in lacking if lack.shortfall]

    def _is_due(self, item: Item) -> bool:
        record = self._tables[item.table].get(item.key)
        if isinstance(record, Key) and self._stands(record.subject):
            return False
        return record is not None and item in self._transitions(record)

    def _stands(self, subject: str) -> bool:
        """Tell whether there is still the record that an idempotency key stands for."""
        return any(subject in records for records in (self.pools, self.reservations, self.allocations, self.providers))

    def _all_due(self) -> Iterator[Item]:
        for records in self._tables.values():
            for record in records.values():
                yield from self._transitions(record)

    def _transitions(self, record: Record | None) -> list[Item]:
        """Return the transitions that a record has before it."""
        if record is None:
            return []
        moments: list[tuple[int, Due]] = []
        if isinstance(record, Pool):
            moments += of_pool(record)
        elif isinstance(record, Reservation):
            moments += of_reservation(record)
        elif isinstance(record, Allocation) and record.going and record.told is not None:
            moments.append((record.told + END_GRACE, Due.OVERDUE))
        forgotten = forgotten_at(record, self.policy.kept)
        if forgotten is not None:
            keys = cast("Iterable[Key]", self._index.of(index.keys_for(record.id)).values())
            forgotten = max([forgotten, *(key.created + KEPT for key in keys)])  # they are answered from the record
            moments.append((forgotten, Due.FORGOTTEN))
        created = getattr(record, "created", 0)
        return [Item(moment, due, created, record.table, record.id) for moment, due in moments]

    # --- changing ------------------------------------------------------------------------------------------------

    def apply(self, event: Event) -> Undo:
        """Make the event true, and return what takes it back exactly."""
        return self._undoing(event, self._put(event.table, event.key, event.record).old)

    def perform(self, events: Sequence[Event], now: int) -> Performed:
        """Make the events of one decision true, in order, and tell what each brought about (`ledger.effect`)."""
        changes = [self._put(event.table, event.key, event.record) for event in events]
        undo = [self._undoing(event, change.old) for event, change in zip(events, changes, strict=True)]
        return Performed(undo, effects(changes, self, self._columns, now))

    def _undoing(self, event: Event, old: Record | None) -> Undo:
        def undo() -> None:
            self._put(event.table, event.key, old)
            if event.record is None:
                self._misplaced.add(event.table)
            if isinstance(old, Reservation):  # what it lacks may follow from what was committed before
                self._columns.touched.update(old.scopes)

        return undo

    def _in_order(self) -> None:
        """Put records whose forgetting was taken back where they were: each table is oldest first."""
        while self._misplaced:
            table = self._misplaced.pop()
            ordered = sorted(self._tables[table].items(), key=lambda item: getattr(item[1], "created", 0))
            self._tables[table] = dict(ordered)

    def _put(self, table: str, key: str, new: Record | None) -> Change:
        """Let `new` stand under `key`, and return what that has changed."""
        records = self._tables[table]
        old: Record | None = records.get(key)
        if new is None:
            records.pop(key, None)
        else:
            records[key] = new
        self._index.move(old, new)
        if table == Provider.table:
            shift = self._provider_changed(key)
        else:
            shift = self._columns.replace(old, new)
            self._agenda.put(self._transitions(new))
            if table == Policy.table:
                self._agenda.renew()
            if isinstance(new, Reservation | Allocation) and _bears(old) != _bears(new):
                self._columns.touched.update(new.scopes)
        return Change(old, new, shift)

    def _provider_changed(self, key: str) -> Shift:
        in_order = sorted(self.providers.items(), key=lambda item: item[1].position)
        self._tables[Provider.table] = dict(in_order)
        return self._columns.bind(self.providers[key]) if key in self.providers else self._columns.forget(key)

    def load(self, records: Iterable[Record]) -> None:
        """Take the records of the tables into an empty state, all at once."""
        others = []
        for record in records:
            if isinstance(record, Provider):
                self._put(record.table, record.id, record)
                continue
            self._tables[record.table][record.id] = record
            self._index.move(None, record)
            others.append(record)
        self._columns.load(
            others
        )  # all of it counts as touched: the last commit may have been in the middle of an instant
        self._agenda.put(self._all_due())


def _bears(record: Record | None) -> tuple[object, ...]:
    """Return what decides who bears a shortage, and how much of it there is, beside the columns."""
    if isinstance(record, Reservation):
        return record.state, record.priority
    return (record.going,) if isinstance(record, Allocation) else ()


def _worse(before: Mapping[str, int], after: Mapping[str, int]) -> bool:
    return any(amount > before.get(name, 0) for name, amount in after.items())
