"""What a reservation lacks does not depend on how fast the cloud deletes."""

from __future__ import annotations

from oracle.model_cloud import Clouds
from oracle.model_records import Policy
from oracle.model_trial import Call, FakeCloud, trial


async def test_an_instance_on_its_way_out_heals_nothing_of_its_reservation() -> None:
    cloud = FakeCloud("a", {"cores": 10}, {"z1": {}})
    async with trial(Clouds(cloud), Policy()) as court:
        for call in (
            Call("p-a", "add-provider", {"name": "a"}),
            Call("1", "increase-capacity", {"source": "@p-a", "capacity": {"cores": 10}}),
            Call("2", "create-reservation", {"capacity": {"cores": 10}}),
            Call("3", "create-instance", {"name": "vm", "image": "image", "flavor": "f2", "reservation-id": "@2"}),
            Call("4", "decrease-capacity", {"source": "@p-a", "capacity": {"cores": 4}}),
        ):
            await court.step(call)
        cloud.slow = True
        told = await court.ask("destroy-instance", {"instance-id": court.ids["3"]})
        (stands,) = (await court.ask("query-reservation", {}))["reservation"].values()
        assert told["vm-state"] == "DELETING"
        assert stands["shortfall"] == {"cores": 4}


async def test_who_bears_a_shortage_changes_with_the_priority() -> None:
    async with trial(Clouds(FakeCloud("a", {"cores": 10}, {"z1": {}})), Policy()) as court:
        for call in (
            Call("p-a", "add-provider", {"name": "a"}),
            Call("1", "increase-capacity", {"source": "@p-a", "capacity": {"cores": 10}}),
            Call("2", "create-reservation", {"capacity": {"cores": 5}}),
            Call("3", "advance", {"seconds": 1}),
            Call("4", "create-reservation", {"capacity": {"cores": 5}}),
            Call("5", "decrease-capacity", {"source": "@p-a", "capacity": {"cores": 3}}),
        ):
            await court.step(call)
        told = await court.step(Call("6", "update-reservation", {"reservation-id": "@2", "priority": "low"}))
        assert told["reservation"]["degraded"]
        stands = (await court.ask("query-reservation", {}))["reservation"]
        assert {name: one.get("shortfall") for name, one in stands.items()} == {
            court.ids["2"]: {"cores": 3},
            court.ids["4"]: None,
        }
