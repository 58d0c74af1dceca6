"""What the columns say when a pool is planned, or is thought away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from oracle.model_cloud import Clouds
from oracle.model_records import Policy
from oracle.model_trial import T0, Call, FakeCloud, Trial, trial

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HOUR = 3600


@pytest.fixture
async def court() -> AsyncIterator[Trial]:
    clouds = Clouds(FakeCloud("a", {"cores": 10, "ram": 40}, {"z1": {"cores": 10, "ram": 40}}))
    async with trial(clouds, Policy(expiry=60)) as running:
        await running.step(Call("p-a", "add-provider", {"name": "a"}))
        yield running


async def ask(court: Trial, label: str, operation: str, **query: Any) -> Any:
    return await court.step(Call(label, operation, {name.replace("_", "-"): value for name, value in query.items()}))


async def test_a_planned_pool_is_cut_for_good_when_it_starts(court: Trial) -> None:
    await ask(court, "1", "increase-capacity", source="@p-a", capacity={"cores": 6})
    await ask(court, "2", "increase-capacity", source="@p-a", start=T0 + HOUR, capacity={"cores": 9}, planned=True)
    before = await ask(court, "3", "query-capacity", window={"start": T0 + HOUR}, capacity="total")
    await ask(court, "4", "advance", seconds=HOUR)
    await ask(court, "5", "resize", name="a", bound={"cores": 30, "ram": 40}, zones={"z1": {"cores": 30}})
    after = await ask(court, "6", "query-capacity", capacity="total")
    assert before["utilization"][0]["capacity"] == {"cores": 15}
    assert after["utilization"][0]["capacity"] == {"cores": 10}


async def test_without_a_pool_no_total_is_below_zero(court: Trial) -> None:
    await ask(court, "1", "increase-capacity", source="@p-a", capacity={"cores": 6})
    await ask(court, "2", "decrease-capacity", source="@p-a", capacity={"cores": 2})
    told = await ask(court, "3", "query-capacity", without=["@1"], all_metrics=True)
    assert told["metrics"]["total"] == {"cores": 0}


async def test_a_pool_of_the_provider_is_thought_away_for_a_zone_as_well(court: Trial) -> None:
    await ask(court, "1", "increase-capacity", source="@p-a", capacity={"cores": 0, "ram": 2})
    told = await ask(court, "2", "query-capacity", zone="z1", without=["@1"], flavor="f2")
    assert "fits" not in told


async def test_without_an_expiry_of_its_own_a_reservation_has_that_of_the_policy(court: Trial) -> None:
    await ask(court, "1", "increase-capacity", source="@p-a", capacity={"cores": 6})
    await ask(court, "2", "create-reservation", capacity={"cores": 6}, expiry=T0 + 5 * HOUR)
    told = await ask(court, "3", "update-reservation", reservation_id="@2", remove=["expiry"])
    assert told["reservation"]["expiry"] == T0 + HOUR


async def test_instances_of_a_reservation_thought_away_are_loose(court: Trial) -> None:
    await ask(court, "1", "increase-capacity", source="@p-a", capacity={"cores": 6})
    await ask(court, "2", "create-reservation", capacity={"cores": 4}, end=T0 + 2 * HOUR)
    await ask(court, "3", "create-instance", name="vm", image="image", flavor="f1", reservation_id="@2")
    told = await ask(court, "4", "query-capacity", without=["@2"], all_metrics=True)
    assert [entry["usage"] for entry in told["utilization"]] == [{"cores": 1}]
    assert told["metrics"]["reserved"] == {"cores": 0}


async def test_a_coarse_course_over_providers_has_the_extremes_of_the_sum() -> None:
    clouds = Clouds(FakeCloud("a", {"cores": 9}, {"z1": {}}), FakeCloud("b", {"cores": 9}, {"z1": {}}))
    async with trial(clouds, Policy()) as court:
        for name in ("a", "b"):
            await court.step(Call(f"p-{name}", "add-provider", {"name": name}))
        await ask(court, "1", "increase-capacity", source="@p-a", end=T0 + HOUR, capacity={"cores": 5})
        await ask(court, "2", "increase-capacity", source="@p-b", start=T0 + HOUR, capacity={"cores": 6})
        told = await ask(court, "3", "query-capacity", capacity="total", resolution=2 * HOUR)
        assert told["utilization"][0]["capacity"] == {"cores": 5}


async def test_where_the_sum_of_providers_stays_the_course_has_no_entry() -> None:
    clouds = Clouds(FakeCloud("a", {"cores": 9}, {"z1": {}}), FakeCloud("b", {"cores": 9}, {"z1": {}}))
    async with trial(clouds, Policy()) as court:
        for name in ("a", "b"):
            await court.step(Call(f"p-{name}", "add-provider", {"name": name}))
        await ask(court, "1", "increase-capacity", source="@p-a", end=T0 + HOUR, capacity={"cores": 5})
        await ask(court, "2", "increase-capacity", source="@p-b", start=T0 + HOUR, capacity={"cores": 5})
        told = await ask(court, "3", "query-reservation")
        assert [entry["timestamp"] for entry in told["utilization"]] == [T0]
