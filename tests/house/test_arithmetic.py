"""The worked example of docs/explanation/arithmetic.md, played; the numbers on the page are the answers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from promise.actor import Actor
from promise.allocation.create import create
from promise.allocation.requests import CreateInstance
from promise.capacity.offer import ChangeCapacity
from promise.capacity.provider import Access, Discovery, Flavor, Provider
from promise.capacity.query import METRICS
from promise.capacity.service import CapacityAnswer, CapacityService, QueryCapacity
from promise.clock import ManualClock
from promise.events import Decision, fact
from promise.ledger.state import CODECS, State
from promise.ledger.writer import Ledger
from promise.reservation.requests import Accepted, CreateReservation
from promise.reservation.service import ReservationService

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "arithmetic.md"
MIDNIGHT = 1_893_456_000
CLOUD = "11111111-1111-4111-8111-111111111111"
ADA = Actor("ada", "")

Row = dict[str, int]


def at(time: str) -> int:
    hours, minutes = time.split(":")
    return MIDNIGHT + int(hours) * 3600 + int(minutes) * 60


def written() -> dict[str, Row]:
    """Return the rows of the page's example by their first column."""
    rows = re.findall(
        r"^\| (\d\d:\d\d|after) \| " + r" \| ".join([r"(\d+)"] * 5) + r" \|$", PAGE.read_text(), re.MULTILINE
    )
    return {row[0]: dict(zip(METRICS, map(int, row[1:]), strict=True)) for row in rows}


def flavor(cores: int) -> Flavor:
    return Flavor(str(cores), f"c{cores}", cores, 1, 0, {"cores": cores})


@pytest.fixture
async def ledger() -> AsyncIterator[tuple[Ledger[State], ManualClock]]:
    clock = ManualClock(at("09:00"))
    opened = await Ledger.open("sqlite://", State(), clock=clock, codecs=CODECS, advance=State.advance, load=State.load)
    found = Discovery("p", "demo", "quota", {}, (), (), (flavor(1), flavor(2), flavor(3)), "http://cloud")
    provider = Provider(CLOUD, "cloud", "openstack", Access("http://cloud", "u"), "c", 1, discovery=found)
    await opened.submit(lambda _book, _now: Decision(None, (fact("provider-added", provider),)), actor="test")
    yield opened, clock
    await opened.close()


async def course(ledger: Ledger[State]) -> dict[int, Row]:
    service = CapacityService(ledger, lambda *_: pytest.fail("no cloud is asked"))
    answer = await service.query(ADA, QueryCapacity(all_metrics=True))
    assert isinstance(answer, CapacityAnswer)
    return {point.instant: {name: point.levels.metric(name)["cores"] for name in METRICS} for point in answer.points}


async def test_the_example(ledger: tuple[Ledger[State], ManualClock]) -> None:
    opened, clock = ledger
    rows = written()
    assert len(rows) == 5

    def no_cloud(*_: object) -> NoReturn:
        pytest.fail("no cloud is asked")

    capacity = CapacityService(opened, no_cloud)
    await capacity.change(ADA, ChangeCapacity("pool", CLOUD, {"cores": 10}))

    async def boot(name: str, cores: int, reservation: str | None = None) -> bool:
        request = CreateInstance(name, f"create {name}", CLOUD, name, "image", str(cores), reservation=reservation)
        answer = await opened.submit(lambda book, now: create(book, request, ADA, now), actor="ada")
        return type(answer).__name__ == "Admitted"

    assert await boot("loose", 1)
    wanted = CreateReservation("A", {"cores": 6}, start=at("10:00"), end=at("14:00"))
    assert isinstance(await ReservationService(opened, no_cloud).create(ADA, wanted), Accepted)
    await clock.advance(at("10:30") - clock.now())
    assert await boot("reserved", 2, "A")
    await clock.advance(at("11:00") - clock.now())
    less = ChangeCapacity("less", CLOUD, {"cores": 5}, decrease=True, start=at("12:00"), end=at("13:00"))
    await capacity.change(ADA, less)

    assert await course(opened) == {at(time): row for time, row in rows.items() if time != "after"}
    assert await opened.read(lambda book, _now: book.reservations["A"].shortfall) == {"cores": 2}
    assert not await boot("too much", 3, "A")

    await clock.advance(at("13:00") - clock.now())
    assert await opened.read(lambda book, _now: book.reservations["A"].shortfall) == {}
    await clock.advance(at("14:00") - clock.now())
    assert await course(opened) == {at("14:00"): rows["after"]}
