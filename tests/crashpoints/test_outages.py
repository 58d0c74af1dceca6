"""One service of a cloud is away for minutes: nothing is lost, degraded or forgotten, and what others say counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from crashpoints.plant import plant

from promise.allocation.model import VmState

if TYPE_CHECKING:
    from pathlib import Path

    from crashpoints.plant import Plant

SERVICES: Final = ("identity", "compute", "placement", "image", "network", "volume")
WAYS: Final[dict[str, dict[str, Any]]] = {
    "not available": {"action": "error", "status": 503},
    "cut off": {"action": "drop"},
    "too many requests": {"action": "error", "status": 429},
    "a gateway knows nobody": {"action": "error", "status": 404, "answer": "<html>no such backend</html>"},
    "closed": {"action": "error", "status": 403},
    "all tokens are over": {"action": "error", "status": 401},
    "broken": {"action": "error", "status": 500},
    "in conflict": {"action": "error", "status": 409},
}
WITHOUT_SERVERS: Final = frozenset({"identity", "compute"})


async def outage(at: Plant, service: str, way: str) -> None:
    """Let a service be away for five minutes; meanwhile one instance is to go, and another one goes by itself."""
    kept, leaving, vanishing = [await at.created() for _ in range(3)]
    at.forget_tokens()
    at.spoil({"service": service, **WAYS[way]})
    await at.ask("destroy-instance", instance_id=leaving.id)
    at.lose(vanishing.name)
    await at.stage.advance(70)
    for _ in range(23):
        await at.stage.advance(10)
    state = at.stage.running.state
    assert [held for held in state.reservations.values() if held.shortfall or not held.live] == []
    assert state.allocations[kept.id].vm_state is VmState.ACTIVE
    gone = {state.allocations[one.id].vm_state for one in (leaving, vanishing)}
    if service not in WITHOUT_SERVERS:
        assert gone == {VmState.DELETED}
    bound = state.providers[at.provider].bound()
    at.heal()
    await at.settled(leaving.id)
    assert await at.judged(kept.name) == []
    assert state.providers[at.provider].bound() == bound
    kinds = [entry.event.kind for entry in await at.stage.running.ledger.journal(0, 10_000)]
    assert "reservation-degraded" not in kinds
    await at.destroyed(kept)


@pytest.mark.slow
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("way", WAYS)
async def test_a_service_is_away(service: str, way: str, memory: Path) -> None:
    async with plant(memory) as at:
        await outage(at, service, way)
