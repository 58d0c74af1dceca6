"""What must be true after the last life, whatever happened before it."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, cast

from crashpoints.script import answered
from crashpoints.virtual import VirtualClock
from scenarios.runner.invariants import columns_hold, rebuilt_is_live

from promise.allocation.model import Operation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from crashpoints.cloud import MemoryCloud
    from crashpoints.life import Ended
    from lxml.etree import _Element

    from promise.app import App
    from promise.ledger.state import State

ONCE: Final = frozenset(
    {
        *("provider-added", "provider-removed", "pool-added", "pool-started", "pool-ended"),
        *("reservation-accepted", "reservation-started", "reservation-before-end", "reservation-released"),
        *("reservation-ended", "reservation-expired", "reservation-cancelled"),
        *("allocation-accepted", "allocation-leaving", "allocation-gone"),
        *("operation-asked", "operation-done", "operation-failed", "operation-stopped"),
    }
)
"""What happens to a record once, or never. Servers that are found may go, come back and go again."""

WHEN: Final = frozenset(
    {
        *("created", "modified", "start", "end", "expiry", "notice", "last-sync", "told", "covered_until", "window"),
        *(
            "attempted",
            "not_before",
            "finished",
            "attempts",
            "result",
            "version",
            "id",
            "progress",
            "fingerprint",
            "address",
        ),
    }
)
"""What may be different after a restart: when things happened, and how often something had to be tried."""

WHERE: Final = frozenset({"server", "parts", "server_gone", "zone", "host", "fault", "overdue"})
"""What is known of an instance that is gone depends on how far it had come."""

_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class _Desk:
    """What `columns_hold` needs of a stage: somebody to ask, and a clock."""

    clock = VirtualClock()

    def __init__(self, app: App) -> None:
        self._app = app

    async def session(self, user: str) -> _Desk:
        return self

    async def rpc(self, request: str) -> _Element:
        return await answered(self._app, request)


async def columns_wrong(app: App) -> list[str]:
    """Return where query-capacity does not say what the records add up to, anywhere and at any time."""
    return await columns_hold(cast("Any", _Desk(app)), may_overdraw=True)


def wrong(ended: Ended, folder: Path) -> Iterator[str]:
    """Yield what must not be."""
    state = ended.state
    yield from ended.columns
    yield from (f"still open: {asked}" for asked in state.open_operations.values())
    yield from _servers_wrong(ended)
    counted = Counter(pair for pair in ended.kinds if pair[0] in ONCE)
    yield from (f"{kind} {times} times: {key}" for (kind, key), times in counted.items() if times > 1)
    yield from rebuilt_is_live(state, f"sqlite:///{folder / 'ledger.sqlite'}")


def _servers_wrong(ended: Ended) -> Iterator[str]:
    """Yield servers that no record counts, and records whose server is not there."""
    for provider in ended.state.providers.values():
        name = provider.access.endpoint.removeprefix("http://").partition("/")[0]
        yield from _parts_wrong(ended, provider.id, ended.world.clouds[name])
        there = {server.id: server for server in ended.world.clouds[name].servers_there}
        counted = {one.server: one for one in ended.state.counted_on(provider.id) if one.server}
        yield from (f"left over in the cloud: {there[key]}" for key in there.keys() - counted.keys())
        yield from (f"not in the cloud: {counted[key]}" for key in counted.keys() - there.keys())
        for key in there.keys() & counted.keys():
            if there[key].state.value != counted[key].vm_state.value:
                yield f"{counted[key]} is {there[key]}"


def _parts_wrong(ended: Ended, provider: str, cloud: MemoryCloud) -> Iterator[str]:
    """Yield volumes and addresses that no record counts, and those of records that are not there."""
    recorded = {part.id for one in ended.state.counted_on(provider) for part in one.parts if part.there}
    there = {*cloud.blocks, *cloud.floating}
    yield from (f"left over in the cloud: {key}" for key in there - recorded)
    yield from (f"not in the cloud: {key}" for key in recorded - there)


def final(state: State) -> list[str]:
    """Return all records without what may differ from run to run: one line for each, in the order of their lines."""
    names = _names(state)

    def named(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: named(inner) for key, inner in value.items() if key not in WHEN}
        if isinstance(value, list | tuple):
            return [named(inner) for inner in value]
        if isinstance(value, str):
            return _ID.sub(lambda found: names.get(found[0], found[0]), names.get(value, value))
        return value

    tables = ("provider", "pool", "reservation", "allocation", "operation", "policy", "idempotency")
    records = [(table, record) for table in tables for record in state._tables[table].values()]
    return sorted(f"{table} {named(_known(record.to_json()))}" for table, record in records if _stays(state, record))


def _stays(state: State, record: Any) -> bool:
    """Tell whether a record is the same in all runs; what was asked for an instance that is gone depends on its end."""
    instance = state.allocations.get(getattr(record, "instance", ""))
    return not isinstance(record, Operation) or (instance is not None and instance.counted)


def _known(record: Mapping[str, Any]) -> dict[str, Any]:
    gone = record.get("vm_state") == "DELETED"
    return {key: value for key, value in record.items() if not (gone and key in WHERE)}


def _names(state: State) -> Mapping[str, str]:
    """Return what the things are called in all runs: by their names, whatever their ids are."""
    names: dict[str, str] = {}
    for provider in state.providers.values():
        names[provider.id] = f"<{provider.name}>"
    for pool in state.pools.values():
        names[pool.id] = f"<pool {pool.note} {sorted(pool.capacity.items())}>"
    for held in state.reservations.values():
        names[held.id] = f"<reservation {held.name}>"
    for one in state.allocations.values():
        names[one.id] = f"<instance {one.name}>"
        if one.server:
            names[one.server] = f"<server of {one.name}>"
        names.update({part.id: f"<{part.key} of {one.name}>" for part in one.parts if part.id})
    return names
