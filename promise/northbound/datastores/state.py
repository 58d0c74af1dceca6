"""What is under /promise in operation: configuration and state, made from the records when it is asked for."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from promise.capacity.model import Scope
from promise.capacity.query import levels_at
from promise.northbound import answers
from promise.northbound import bindings as yang
from promise.northbound.port import Content
from promise.northbound.running import policy_config, provider_config
from promise.northbound.subscribed import shown, visible
from promise.northbound.words import capacity, told
from promise.reservation.view import view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from promise.actor import Actor
    from promise.allocation.book import AllocationBook
    from promise.allocation.model import Allocation, Operation
    from promise.capacity.model import Pool
    from promise.capacity.provider import Provider
    from promise.northbound.access import Caller
    from promise.northbound.codec import Data
    from promise.northbound.datastores.kept import Kept
    from promise.northbound.subtree import Selection
    from promise.northbound.treexml import Writer
    from promise.reservation.view import ReservationView

Keys: TypeAlias = frozenset[str] | None
"""The keys of the entries that are asked for; None = all."""

AT_ONCE: Final = 200
"""Entries of a list that are read before others have their turn: some milliseconds."""

NAMESPACE = yang.DATA["/promise"].namespace


class Asked(NamedTuple):
    """A question to the records: at which moment, and whether for configuration, state, or both.

    The doors know who asks as a caller, the rooms as an actor.
    """

    book: AllocationBook
    now: int
    caller: Caller
    actor: Actor
    content: Content


class Listing(NamedTuple):
    """A list of /promise whose entries follow from one record each: `made` makes an entry, `id_of` tells its key.

    `chosen` are the records that an actor may see; None = all keys.
    """

    chosen: Callable[[AllocationBook, Actor, Keys], Iterable[Any]]
    id_of: Callable[[Any], str]
    made: Callable[[Any], Any]

    def entries(self, book: AllocationBook, actor: Actor, now: int, keys: Keys) -> list[Any]:
        """Return the entries with these keys."""
        del now
        return [self.made(record) for record in self.chosen(book, actor, keys)]


class Rest(NamedTuple):
    """What of a long list is still to be read: the entries with these keys, a few at a time."""

    name: str
    keys: Sequence[str]
    wanted: Selection


def elements(asked: Asked, wanted: Selection, writer: Writer, kept: Kept[bytes], rests: list[Rest]) -> Iterator[bytes]:
    """Yield the children of /promise that are wanted, as far as records of their own stand behind them.

    The `writer` is told where more is yielded than is wanted; what was written of records before is `kept`. Lists that
    are too long to be read at once are added to the `rests`, and not yielded.
    """
    for name, values in PARTS[asked.content].items():
        below = wanted.child(NAMESPACE, name)
        if below is None or name == "subscriptions":  # whoever knows of the sessions shows all of them
            continue
        data, keys = yang.DATA[f"/promise/{name}"], below.values("id")
        if name in LISTS and (many := _many(getattr(asked.book, name), keys)):
            rests.append(Rest(name, many, below))
            continue
        if not _exact(data, below):
            writer.exact = False
        if name in LISTS:
            listing, write = LISTS[name], partial(_written, data, LISTS[name])
            for record in listing.chosen(asked.book, asked.actor, keys):
                yield kept.of((name, listing.id_of(record)), record, write)
        else:
            yield from map(data.encode_xml, values(asked.book, asked.actor, asked.now, keys))


def some(asked: Asked, rest: Rest, writer: Writer, keys: Sequence[str]) -> bytes:
    """Return the entries with these keys of a long list; the `writer` is told whether more than is wanted."""
    data, listing = yang.DATA[f"/promise/{rest.name}"], LISTS[rest.name]
    writer.exact = _exact(data, rest.wanted)
    records = listing.chosen(asked.book, asked.actor, frozenset(keys))
    return b"".join([_written(data, listing, record) for record in records])


def _many(records: Mapping[str, Any], keys: Keys) -> list[str]:
    """Return the keys that are asked for when they are too many to be read at once."""
    if keys is None:
        return list(records) if len(records) > AT_ONCE else []
    return sorted(keys & records.keys()) if len(keys) > AT_ONCE else []


def _exact(data: Data[Any], wanted: Selection) -> bool:
    """Tell whether the entries with the keys that are asked for are all that is wanted, as a whole."""
    return wanted.unconditional or (data.entry and wanted.picks(NAMESPACE, "id"))


def _written(data: Data[Any], listing: Listing, record: Any) -> bytes:
    return data.encode_xml(listing.made(record))


def _chosen(records: Mapping[str, Any], keys: Keys) -> Iterable[Any]:
    return records.values() if keys is None else [records[key] for key in sorted(keys) if key in records]


def _capacity(book: AllocationBook, actor: Actor, now: int, keys: Keys) -> Iterable[yang.Columns]:
    del actor, keys
    return [answers.columns(levels_at(book, [Scope(provider) for provider in book.providers], now))]


def _pools(book: AllocationBook, actor: Actor, keys: Keys) -> Iterable[Pool]:
    del actor
    return _chosen(book.pools, keys)


def _reservations(book: AllocationBook, actor: Actor, keys: Keys) -> Iterable[ReservationView]:
    return (view(book, held) for held in _chosen(book.reservations, keys) if actor.sees(held))


def _allocations(book: AllocationBook, actor: Actor, keys: Keys) -> Iterable[Allocation]:
    return filter(actor.sees, _chosen(book.allocations, keys))


def _operations(book: AllocationBook, actor: Actor, keys: Keys) -> Iterable[Operation]:
    return (record for record in _chosen(book.operations, keys) if _concerns(book, actor, record.instance))


def _concerns(book: AllocationBook, actor: Actor, instance: str) -> bool:
    """Tell whether what was asked for an instance is the actor's business; of one that is forgotten, an operator's."""
    found = book.allocations.get(instance)
    return actor.operator if found is None else actor.sees(found)


def _policy(book: AllocationBook, actor: Actor, now: int, keys: Keys) -> Iterable[yang.PromisePolicy]:
    del actor, now, keys
    policy = policy_config(book.policy)
    return [policy] if policy else []


def _providers(book: AllocationBook, actor: Actor, now: int, keys: Keys) -> Iterable[yang.PromiseProviders]:
    del actor, now
    return [_with_state(book, record, provider_config(record)) for record in _chosen(book.providers, keys)]


def _provider_state(book: AllocationBook, actor: Actor, now: int, keys: Keys) -> Iterable[yang.PromiseProviders]:
    del actor, now
    chosen = _chosen(book.providers, keys)
    return [_with_state(book, record, yang.PromiseProviders(id=record.id)) for record in chosen]


def _with_state(book: AllocationBook, record: Provider, shown: yang.PromiseProviders) -> yang.PromiseProviders:
    """Add to what is shown of a provider what is state."""
    found = record.discovery
    pools = book.supply(Scope(record.id)).pools
    return replace(
        shown,
        health=yang.PromiseProvidersHealth(
            reachable=record.reachable,
            last_sync=told(_looked(book, record)),
            last_error=record.last_error,
            capacity_source=found.source if found else None,
        ),
        capacity=capacity(record.bound()),
        zones=tuple(answers.zone(zone) for zone in found.zones) if found else (),
        hosts=tuple(answers.host(host) for host in found.hosts) if found else (),
        services=yang.PromiseProvidersServices(
            compute=yang.ComputeService(
                endpoint=found.compute_endpoint, flavors=tuple(answers.flavor(flavor) for flavor in found.flavors)
            )
        )
        if found
        else None,
        pools=tuple(pool.id for pool in pools),
    )


def _looked(book: AllocationBook, record: Provider) -> int | None:
    """Return when a cloud was last looked at with success: what was recorded, or a look since that had no news."""
    if record.last_sync is None:
        return None
    return max(record.last_sync, book.looks.get(record.id, record.last_sync))


def _provider_config(book: AllocationBook, actor: Actor, now: int, keys: Keys) -> Iterable[yang.PromiseProviders]:
    del actor, now
    return [provider_config(record) for record in _chosen(book.providers, keys)]


def _subscriptions(
    content: Content, book: AllocationBook, actor: Actor, now: int, keys: Keys
) -> Iterable[yang.PromiseSubscriptions]:
    """Return those with a callback-uri; those that live on sessions have no record."""
    del now
    return [shown(record, content) for record in visible(book, actor) if keys is None or record.id in keys]


CONFIG: Mapping[str, Callable[..., Iterable[Any]]] = {
    "providers": _provider_config,
    "policy": _policy,
    "subscriptions": partial(_subscriptions, Content.CONFIG),
}
"""The children of /promise that are configuration with records of its own, as <get-config> shows them."""

BOTH: Mapping[str, Callable[..., Iterable[Any]]] = {
    "providers": _providers,
    "subscriptions": partial(_subscriptions, Content.ALL),
}
"""Those with state inside, as <get> shows them."""

_ID = attrgetter("id")
LISTS: Mapping[str, Listing] = {
    "pools": Listing(_pools, _ID, answers.pool),
    "reservations": Listing(_reservations, attrgetter("reservation.id"), answers.reservation),
    "allocations": Listing(_allocations, _ID, answers.allocation),
    "operations": Listing(_operations, _ID, answers.operation),
}
"""The lists that may be long: state alone, an entry for each record."""

STATE: Mapping[str, Callable[..., Iterable[Any]]] = {
    "capacity": _capacity,
    **{name: listing.entries for name, listing in LISTS.items()},
}
"""Those that are state alone."""

PARTS: Mapping[Content, Mapping[str, Callable[..., Iterable[Any]]]] = {
    Content.CONFIG: CONFIG,
    Content.NONCONFIG: {
        **STATE,
        "providers": _provider_state,
        "subscriptions": partial(_subscriptions, Content.NONCONFIG),
    },
    Content.ALL: {**STATE, **CONFIG, **BOTH},
}
"""What each kind of reading shows."""
