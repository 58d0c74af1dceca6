"""A whole cloud, or all of what changes something in it, misbehaves for minutes while instances come and go.

When it is over, each instance is there with one server, or told to have failed and with none; and what was promised
has not changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from crashpoints.plant import plant
from crashpoints.script import reason_or_result

from promise.allocation.model import VmState

if TYPE_CHECKING:
    from pathlib import Path

    from crashpoints.plant import Plant

STORMS: Final[dict[str, list[dict[str, Any]]]] = {
    "Nova is in conflict": [{"service": "compute", "action": "error", "status": 409}],
    "Nova is not available": [{"service": "compute", "action": "error", "status": 503}],
    "Nova makes what is asked, and says it is not available": [
        {"service": "compute", "method": "POST", "action": "error", "status": 503, "after": True},
        {"service": "compute", "method": "DELETE", "action": "error", "status": 503, "after": True},
    ],
    "Nova makes what is asked, and nobody sees it": [
        {"service": "compute", "method": "POST", "action": "drop", "after": True},
        {"service": "compute", "method": "GET", "action": "drop"},
    ],
    "everything is slowed down": [{"action": "error", "status": 429}],
    "every connection is cut": [{"action": "drop"}],
    "Keystone is gone": [
        {"service": "identity", "action": "drop"},
        {"service": "compute", "action": "error", "status": 401, "count": 3},
    ],
    "no token is accepted": [{"service": "compute", "action": "error", "status": 401}],
    "Nova deletes nothing": [{"service": "compute", "method": "DELETE", "action": "error", "status": 409}],
    "Nova says that it deletes": [{"service": "compute", "method": "DELETE", "action": "error", "status": 404}],
}
MINUTES: Final = 10


async def storm(at: Plant, rules: list[dict[str, Any]]) -> None:
    """Ask for one instance and for the end of another, let the cloud misbehave, and see what is left after it."""
    kept, leaving = await at.created(), await at.created()
    at.forget_tokens()
    for rule in rules:
        at.spoil(rule)
    coming = await at.ask("create-instance", name="coming", image="cirros", flavor="m1.tiny", networks=["private"])
    going = await at.ask("destroy-instance", instance_id=leaving.id)
    assert reason_or_result(going) == "ok"
    for _ in range(MINUTES * 6):
        await at.stage.advance(10)
        state = at.stage.running.state
        assert [held for held in state.reservations.values() if held.shortfall or not held.live] == []
        assert state.allocations[kept.id].vm_state is VmState.ACTIVE
    at.heal()
    assert (await at.settled(leaving.id)).vm_state is VmState.DELETED
    there = [kept.name]
    if reason_or_result(coming) == "ok":
        last = await at.settled(coming.findtext("{*}instance-id") or "")
        assert last.vm_state is VmState.ACTIVE or (last.vm_state is VmState.ERROR and last.fault)
        there += [last.name] if last.vm_state is VmState.ACTIVE else []
    await at.stage.advance(61)
    assert await at.judged(*there) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", STORMS)
async def test_after_a_storm_everything_is_as_it_was_told(name: str, memory: Path) -> None:
    async with plant(memory) as at:
        await storm(at, STORMS[name])
