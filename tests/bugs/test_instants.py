"""What several transitions of one instant come to, and what those come to that are made long after they fell due."""

from __future__ import annotations

from oracle.model_cloud import Clouds
from oracle.model_records import Policy
from oracle.model_trial import T0, Call, FakeCloud, trial

HOUR = 3600


async def test_who_is_well_at_the_end_of_an_instant_was_not_degraded_in_it() -> None:
    async with trial(Clouds(FakeCloud("a", {"cores": 10}, {"z1": {}})), Policy()) as court:
        for call in (
            Call("p-a", "add-provider", {"name": "a"}),
            Call("1", "increase-capacity", {"source": "@p-a", "capacity": {"cores": 10}}),
            Call("ends", "create-reservation", {"capacity": {"cores": 3}, "end": T0 + HOUR}),
            Call("vm", "create-instance", {"name": "vm", "image": "image", "flavor": "f2", "reservation-id": "@ends"}),
            Call("stays", "create-reservation", {"capacity": {"cores": 4}}),
            Call("expires", "create-reservation", {"capacity": {"cores": 3}, "expiry": T0 + HOUR}),
            Call("starts", "create-reservation", {"capacity": {"cores": 3}, "start": T0 + HOUR}),
            Call("later", "advance", {"seconds": HOUR}),
        ):
            await court.step(call)
        kinds = [entry.event.kind for entry in await court.app.ledger.journal(0, 1000)]
        assert {"reservation-ended", "reservation-expired", "reservation-started"} < set(kinds)
        assert not {"reservation-degraded", "reservation-healed"} & set(kinds)


async def test_an_instance_has_its_grace_from_when_it_was_told_to_go() -> None:
    cloud = FakeCloud("a", {"cores": 10}, {"z1": {}})
    async with trial(Clouds(cloud), Policy(at_end="terminate")) as court:
        for call in (
            Call("p-a", "add-provider", {"name": "a"}),
            Call("1", "increase-capacity", {"source": "@p-a", "capacity": {"cores": 10}}),
            Call("2", "create-reservation", {"capacity": {"cores": 3}, "end": T0 + HOUR}),
            Call("vm", "create-instance", {"name": "vm", "image": "image", "flavor": "f2", "reservation-id": "@2"}),
        ):
            await court.step(call)
        cloud.slow = True
        await court.clock.advance(3 * HOUR)
        await court.ask("query-instance", {})
        going = court.app.state.allocations[court.ids["vm"]]
        assert (going.told, going.overdue) == (T0 + 3 * HOUR, False)
        assert court.app.state.reservations[court.ids["2"]].modified == T0 + HOUR
