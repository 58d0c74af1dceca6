"""Servers made directly in a cloud, seen by the driver and recorded by the sync: simulated and real."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from unit.ledger.memory import MemoryStore

from promise.allocation.listing import found_id
from promise.allocation.model import Allocation, VmState
from promise.allocation.server import ServerSpec, ServerState
from promise.allocation.sync import Sync
from promise.capacity.model import Pool, Scope
from promise.capacity.provider import Provider
from promise.capacity.query import levels_at
from promise.clock import SystemClock
from promise.events import Decision, fact
from promise.ledger.state import CODECS, State
from promise.ledger.writer import Ledger
from promise.resources import FOREVER, Window

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from contract.sites import Site

    from promise.vim.openstack import OpenStack

HERE = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
async def ledger(site: Site) -> AsyncIterator[Ledger[State]]:
    opened = await Ledger.open(MemoryStore, State(), clock=SystemClock(), codecs=CODECS, advance=State.advance)
    now = SystemClock().now()
    provider = Provider(HERE, "here", "openstack", site.access, HERE, 1, reachable=True, last_sync=now)
    pool = Pool("pool", HERE, None, Window(now, FOREVER), decrease=False, capacity={"cores": 8, "instances": 8})
    events = (fact("provider-added", provider), fact("pool-added", replace(pool, started=True)))
    await opened.submit(lambda _book, _now: Decision(None, events), actor="root")
    yield opened
    await opened.close()


async def used(ledger: Ledger[State]) -> Mapping[str, int]:
    return await ledger.read(lambda book, now: levels_at(book, [Scope(HERE)], now).usage)


async def test_what_is_made_directly_is_found_counted_and_let_go(site: Site, ledger: Ledger[State]) -> None:
    async def clouds(_provider: str) -> OpenStack:
        return site.ours

    sync = Sync(ledger, clouds, SystemClock())
    asked = ServerSpec(str(uuid4()), "by-hand", site.image, site.flavor.id, (site.network,), zone="az2")
    made = await site.ours.create_server(asked)
    await site.settled(lambda: site.ours.server(made.id), lambda one: one is not None and one.state == "ACTIVE")
    await sync.look(HERE)

    def look(book: State, _now: int) -> list[Allocation]:
        return list(book.allocations.values())

    (record,) = await ledger.read(look)
    assert (record.id, record.server, record.name, record.ours) == (found_id(HERE, made.id), made.id, "by-hand", False)
    assert (record.vm_state, record.zone, record.flavor) == (VmState.ACTIVE, "az2", site.flavor.id)
    assert (record.image, record.capacity) == (site.image, {**site.flavor.needs, "ports": 1})
    assert await used(ledger) == {"cores": site.flavor.vcpus, "instances": 1}
    before = ledger.seq
    await sync.look(HERE)
    assert ledger.seq == before

    await site.operator("POST", "compute", f"/servers/{made.id}/action", {"os-stop": None})
    await site.settled(
        lambda: site.ours.server(made.id), lambda one: one is not None and one.state is ServerState.STOPPED
    )
    await sync.look(HERE)
    assert [one.vm_state for one in await ledger.read(look)] == [VmState.STOPPED]
    await site.ours.delete_server(made.id)
    await site.settled(lambda: site.ours.server(made.id), lambda one: one is None)
    await sync.look(HERE)
    assert [(one.vm_state, one.counted) for one in await ledger.read(look)] == [(VmState.DELETED, False)]
    assert await used(ledger) == {"cores": 0, "instances": 0}
