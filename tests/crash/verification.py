"""Asks a server for everything, and holds it against the book, the arithmetic, the ledger and the cloud."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final, TypeVar

from crash.kept import kept_in, kept_instance, kept_pool, kept_reservation, replayed
from crash.processes import PATIENCE
from crash.records import Snapshot
from crash.settlement import settle
from crash.shown import EVERYTHING, NAMESPACE, P, capacity_in, shown_in, sure_moment_in
from crash.sweep import check_never_oversold, course, remaining
from lxml import etree
from netconf_client import chunked, rpc_message

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping, Sequence

    from crash.book import Book
    from crash.deployment import Deployment
    from crash.kept import Event, Tables
    from crash.shown import Shown
    from netconf_client import NetconfClient

    from promise.clock import Clock

R = TypeVar("R")

ZONES: Final = (None, "az1", "az2")
MAKING: Final = frozenset({"reservation-accepted", "pool-added", "allocation-accepted"})
"""The events that make something that somebody has asked for."""
GROWING: Final = MAKING | {"reservation-updated", "reservation-started"}
"""Those after which more may be promised than before."""

_MESSAGE_ID = re.compile(rb' message-id="\d+"')


async def verify(client: NetconfClient, book: Book, provider: str, clock: Clock) -> tuple[Shown, int]:
    """Compare what is there with the book and the arithmetic; return it, and how much nobody had acknowledged."""
    queries = [_columns_of(provider, zone) for zone in ZONES]
    async with asyncio.timeout(PATIENCE):
        while True:
            since = clock.now()
            first, *columns, last = await _read(client, [EVERYTHING, *queries, EVERYTHING])
            until = clock.now()
            if first == last:
                break
    shown = shown_in(etree.fromstring(first))
    found = settle(book, shown, since, until)
    _check_remains(shown)
    for zone, answer in zip(ZONES, columns, strict=True):
        _check_columns(shown, zone, etree.fromstring(answer))
    return shown, found


async def _read(client: NetconfClient, operations: Sequence[str]) -> list[bytes]:
    """Return the answers, without their message ids, to requests that are all sent before the first is answered."""
    client.send(b"".join(chunked(rpc_message(operation, str(number))) for number, operation in enumerate(operations)))
    return [_MESSAGE_ID.sub(b"", await client.receive(), 1) for _ in operations]


def _columns_of(provider: str, zone: str | None) -> str:
    where = f"<provider-id>{provider}</provider-id>" + (f"<zone>{zone}</zone>" if zone else "")
    return f'<query-capacity xmlns="{NAMESPACE}">{where}<all-metrics>true</all-metrics></query-capacity>'


def _check_remains(shown: Shown) -> None:
    """Assert that what remains of each reservation is what its instances leave of it, and that it names these."""
    records = shown.records
    for key, left in remaining(records).items():
        inside = {one.id for one in records.instances.values() if one.counted and one.reservation == key}
        assert shown.allocations[key] == inside, f"reservation {key} names other instances"
        assert {name: shown.remaining[key].get(name, 0) for name in left} == left, f"of {key} other amounts remain"


def _check_columns(shown: Shown, zone: str | None, answer: etree._Element) -> None:
    """Assert that the server's columns are those of the sweep, at every instant at which one of the two changes."""
    points = {sure_moment_in(point, "timestamp"): point for point in answer.findall(P + "utilization")}
    now = min(points)
    expected = course(shown.records, zone, now, shown.bounds[zone])
    told = columns = None
    for moment in sorted(points.keys() | expected.keys()):
        columns, told = expected.get(moment, columns), points.get(moment, told)
        assert columns is not None
        assert told is not None
        assert not columns.oversold, f"oversold in {zone}: {columns}"
        for metric in ("total", "reserved", "usage", "available", "overdrawn"):
            found, wanted = capacity_in(told, metric), getattr(columns, metric)
            assert {name: found.get(name, 0) for name in columns.total} == wanted, f"{metric} of {zone} at {moment}"


# ---- the ledger


def check_ledger(events: Sequence[Event], tables: Tables, shown: Shown, book: Book) -> None:
    """Assert that the tables are what the journal makes of them, that nothing was ever oversold, and nobody overtaken.

    `events` and `tables` are read from the file, `shown` is what the server has shown last.
    """
    made: dict[str, int] = {}
    counting = Snapshot({}, {}, {}, {})
    for event in events:
        if event.kind in MAKING:
            assert event.record is not None
            name = event.record.get("name") or event.record["note"]
            assert made.setdefault(name, event.seq) == event.seq, f"{name} was made twice"
        _count(counting, event)
        if event.kind in GROWING:
            check_never_oversold(counting, event.at, shown.bounds)
    assert tables == replayed(events), "the tables are not what the journal makes of them"
    assert kept_in(tables) == shown.records, "the ledger is not what the server has shown"
    assert tables["policy"]["reservation"]["alternatives"] == shown.alternatives, "the policy is another one"
    for order in book.orders:
        places = [made[name] for name in order if name in made]
        assert places == sorted(places), "requests of one session were decided in another order"


def _count(counting: Snapshot, event: Event) -> None:
    """Let `counting` hold what adds to the columns after an event, and nothing else."""
    assert event.record is not None
    if event.table == "reservation":
        reservation = kept_reservation(event.record)
        _put(counting.reservations, reservation.id, reservation if reservation.live else None)
    elif event.table == "allocation":
        instance = kept_instance(event.record)
        _put(counting.instances, instance.id, instance if instance.counted else None)
    elif event.table == "pool":
        pool = kept_pool(event.record)
        _put(counting.pools, pool.id, None if event.record["finished"] else pool)


def _put(records: MutableMapping[str, R], key: str, record: R | None) -> None:
    if record is None:
        records.pop(key, None)
    else:
        records[key] = record


# ---- the cloud


async def quiet(deployment: Deployment, client: NetconfClient) -> Snapshot:
    """Return what is there once nothing is under way and the cloud has no servers but those of instances."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    while True:
        (answer,) = await _read(client, [EVERYTHING])
        records = shown_in(etree.fromstring(answer)).records
        differing = (await _in_cloud(deployment)).items() ^ _recorded(records).items()
        if not records.moving and not differing:
            return records
        assert loop.time() < deadline, f"still not quiet: {records.moving}, {differing}"
        await asyncio.sleep(0.05)


async def _in_cloud(deployment: Deployment) -> Mapping[str, tuple[str, ...]]:
    """Return the servers of the cloud by the allocation id that they carry."""
    found: dict[str, tuple[str, ...]] = {}
    for server in await deployment.servers():
        instance = server["metadata"].get("promise-allocation-id", "")
        found[instance] = (*found.get(instance, ()), server["id"])
    return found


def _recorded(records: Snapshot) -> Mapping[str, tuple[str, ...]]:
    """Return the one server of each instance that has one."""
    return {one.id: (one.server,) for one in records.instances.values() if one.counted and one.server}
