"""Refusals name each short resource once, over the whole of its interval, and propose only what would really fit."""

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
    zones = {"z1": {"cores": 10, "DISK_GB": 4}, "z2": {"cores": 10, "DISK_GB": 4}}
    clouds = Clouds(FakeCloud("a", {"cores": 20, "ram": 40, "instances": 20, "DISK_GB": 6}, zones))
    async with trial(clouds, Policy()) as running:
        await running.step(Call("p-a", "add-provider", {"name": "a"}))
        yield running


async def ask(court: Trial, label: str, operation: str, **query: Any) -> Any:
    return await court.step(Call(label, operation, {name.replace("_", "-"): value for name, value in query.items()}))


async def test_an_increase_that_neither_provider_nor_zone_can_give_names_the_resource_once(court: Trial) -> None:
    told = await ask(court, "1", "increase-capacity", source="@p-a", zone="z1", capacity={"DISK_GB": 8})
    assert told["refusal"]["shortfall"]["DISK_GB"]["available"] == 4


async def test_a_shortfall_lasts_as_long_as_so_little_is_there(court: Trial) -> None:
    await ask(court, "1", "increase-capacity", source="@p-a", capacity={"cores": 4})
    await ask(court, "2", "increase-capacity", source="@p-a", start=T0 + HOUR, capacity={"ram": 4})
    told = await ask(court, "3", "decrease-capacity", source="@p-a", capacity={"cores": 5})
    assert told["refusal"]["shortfall"]["cores"] == {
        "resource": "cores", "requested": 5, "available": 4, "from": T0,
    }  # fmt: skip


async def test_where_zone_and_provider_are_short_in_turn_it_is_one_interval(court: Trial) -> None:
    await ask(court, "1", "increase-capacity", source="@p-a", zone="z1", capacity={"cores": 4})
    await ask(court, "2", "increase-capacity", source="@p-a", zone="z2", capacity={"cores": 4})
    await ask(court, "3", "create-reservation", zone="z1", end=T0 + HOUR, capacity={"cores": 4})
    await ask(court, "4", "create-reservation", start=T0 + HOUR, end=T0 + 2 * HOUR, capacity={"cores": 8})
    told = await ask(court, "5", "create-reservation", zone="z1", end=T0 + 3 * HOUR, capacity={"cores": 1})
    short = told["refusal"]["shortfall"]["cores"]
    assert (short["available"], short["from"], short["to"]) == (0, T0, T0 + 2 * HOUR)


async def test_an_update_is_offered_windows_in_which_all_of_it_fits(court: Trial) -> None:
    await ask(court, "1", "increase-capacity", source="@p-a", capacity={"cores": 4, "ram": 4})
    await ask(court, "2", "create-reservation", start=T0 + HOUR, end=T0 + 2 * HOUR, capacity={"cores": 2, "ram": 4})
    await ask(court, "3", "create-reservation", start=T0 + HOUR, end=T0 + 2 * HOUR, capacity={"cores": 2})
    await ask(court, "4", "create-reservation", start=T0 + 2 * HOUR, end=T0 + 3 * HOUR, capacity={"ram": 1})
    told = await ask(court, "5", "update-reservation", reservation_id="@2", capacity={"cores": 3})
    assert [other["start"] for other in told["refusal"]["alternative"]] == [T0 + 3 * HOUR]
    assert told["refusal"]["max-capacity"] == {"cores": 2, "ram": 4}


async def test_a_refused_update_shows_the_reservation_as_it_stands(court: Trial) -> None:
    await ask(court, "1", "increase-capacity", source="@p-a", capacity={"cores": 4})
    await ask(court, "2", "create-reservation", capacity={"cores": 2})
    told = await ask(court, "3", "update-reservation", reservation_id="@2", capacity={"cores": 5})
    assert told["reason"] == "insufficient-capacity"
    assert told["reservation"]["capacity"] == {"cores": 2}


async def test_an_instance_is_told_what_is_short_inside_and_outside_its_reservation(court: Trial) -> None:
    await ask(court, "1", "increase-capacity", source="@p-a", capacity={"cores": 4, "ram": 3})
    await ask(court, "2", "create-reservation", end=T0 + HOUR, capacity={"cores": 2})
    told = await ask(court, "3", "create-instance", name="vm", image="image", flavor="f2", reservation_id="@2")
    short = told["refusal"]["shortfall"]
    assert {name: one["available"] for name, one in short.items()} == {"cores": 2, "ram": 3}


async def test_a_strict_decrease_that_is_refused_names_whom_it_would_affect(court: Trial) -> None:
    await ask(court, "1", "increase-capacity", source="@p-a", capacity={"cores": 4})
    made = await ask(court, "2", "create-reservation", capacity={"cores": 3})
    told = await ask(court, "3", "decrease-capacity", source="@p-a", capacity={"cores": 2}, strict=True)
    assert told["reason"] == "below-commitments"
    assert told["affected"][made["reservation-id"]]["shortfall"] == {"cores": 1}


async def test_a_longer_reservation_is_told_what_is_short_in_the_time_that_it_grows_by(court: Trial) -> None:
    await ask(court, "1", "increase-capacity", source="@p-a", capacity={"cores": 4, "ram": 4})
    await ask(court, "2", "create-reservation", end=T0 + HOUR, capacity={"cores": 3, "ram": 4})
    await ask(court, "3", "create-reservation", start=T0 + HOUR, end=T0 + 2 * HOUR, capacity={"cores": 3})
    await ask(court, "4", "decrease-capacity", source="@p-a", end=T0 + HOUR, capacity={"ram": 4})
    told = await ask(court, "5", "update-reservation", reservation_id="@2", end=T0 + 3 * HOUR)
    assert told["refusal"]["shortfall"] == {
        "cores": {"resource": "cores", "requested": 3, "available": 1, "from": T0 + HOUR, "to": T0 + 2 * HOUR}
    }


async def test_a_strict_removal_is_told_what_is_short_once_the_pool_is_gone(court: Trial) -> None:
    await ask(court, "1", "increase-capacity", source="@p-a", capacity={"cores": 4})
    await ask(court, "2", "increase-capacity", source="@p-a", start=T0 + HOUR, capacity={"cores": 3})
    await ask(court, "3", "create-reservation", start=T0 + 3 * HOUR, capacity={"cores": 5})
    told = await ask(court, "4", "remove-pool", pool_id="@2", end=T0 + 2 * HOUR, strict=True)
    assert told["refusal"]["shortfall"]["cores"] == {
        "resource": "cores", "requested": 3, "available": 2, "from": T0 + 3 * HOUR,
    }  # fmt: skip


async def test_a_pool_that_is_over_cannot_be_decreased(court: Trial) -> None:
    await ask(court, "1", "increase-capacity", source="@p-a", start=T0 + HOUR, capacity={"cores": 4})
    await ask(court, "2", "remove-pool", pool_id="@1")
    told = await ask(court, "3", "decrease-capacity", source="@1", start=T0 + 2 * HOUR, capacity={"cores": 1})
    assert told["reason"] == "ended"
