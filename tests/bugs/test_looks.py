"""A service of a cloud that does not answer says nothing of what the others have, nor of what itself has had."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from crashpoints.plant import plant

from promise.allocation.model import VmState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from crashpoints.plant import Plant


@pytest.fixture
async def at() -> AsyncIterator[Plant]:
    with tempfile.TemporaryDirectory() as folder:
        async with plant(Path(folder)) as running:
            yield running


async def test_servers_are_looked_at_while_neutron_does_not_answer(at: Plant) -> None:
    one = await at.created()
    at.spoil({"service": "network", "action": "error", "status": 503})
    at.lose(one.name)
    await at.stage.advance(61)
    await at.stage.advance(2)
    state = at.stage.running.state
    assert state.allocations[one.id].vm_state is VmState.DELETED
    assert not state.providers[at.provider].reachable


@pytest.mark.parametrize("status", [403, 404])
async def test_placement_that_is_closed_for_a_moment_takes_nothing_from_anybody(at: Plant, status: int) -> None:
    before = at.stage.running.state.providers[at.provider]
    at.spoil({"service": "placement", "action": "error", "status": status})
    await at.stage.advance(61)
    provider = at.stage.running.state.providers[at.provider]
    assert (provider.bound(), provider.reachable) == (before.bound(), False)
    assert [held.shortfall for held in at.stage.running.state.reservations.values()] == [{}]
    at.heal()
    assert await at.judged() == []


async def test_what_goes_on_failing_is_told_once(at: Plant) -> None:
    """The quotas are told and the servers are not: it would seem to come back at the beginning of each look."""
    at.spoil({"service": "compute", "path": "servers/detail", "action": "error", "status": 403})
    await at.stage.advance(61)
    ledger = at.stage.running.ledger
    told = ledger.durable_seq
    assert not at.stage.running.state.providers[at.provider].reachable
    await at.stage.advance(600)
    assert ledger.durable_seq == told
    at.heal()
    await at.stage.advance(120)
    assert at.stage.running.state.providers[at.provider].reachable
    assert ledger.durable_seq == told + 1
