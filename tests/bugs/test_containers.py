"""Flavors that a reservation names are promised only where what they take is managed."""

from __future__ import annotations

from oracle.model_cloud import Clouds
from oracle.model_records import Policy
from oracle.model_trial import Call, FakeCloud, trial


async def test_flavors_are_not_reserved_where_nothing_of_them_is_managed() -> None:
    clouds = Clouds(FakeCloud("a", {"cores": 10, "ram": 40}, {"z1": {}}), FakeCloud("b", {"cores": 10}, {"z1": {}}))
    async with trial(clouds, Policy()) as court:
        await court.step(Call("p-a", "add-provider", {"name": "a"}))
        await court.step(Call("p-b", "add-provider", {"name": "b"}))
        asked = {"containers": [{"flavor": "f1", "count": 2}]}
        told = await court.step(Call("1", "create-reservation", asked))
        assert told["reason"] == "nothing-requested"
        await court.step(Call("2", "increase-capacity", {"source": "@p-b", "capacity": {"cores": 10}}))
        told = await court.step(Call("3", "create-reservation", asked))
        assert told["provider-id"] == court.ids["p-b"]
