"""Worker, sync and driver together against a simulated cloud that has faults: one server in the end, or none."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from cloudwork.clock import START
from cloudwork.cloud import SMALL
from cloudwork.house import House
from cloudwork.steps import Steps
from contract.sites import MovingClock

from promise.allocation.model import VmState
from promise.capacity.provider import Access
from promise.vim.openstack import Limits, OpenStack
from promise.vim.simulator import FlavorOption, Simulator, SimulatorOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from promise.allocation.server import Server

POST = {"service": "compute", "method": "POST", "path": "/servers$"}
DELETE = {"service": "compute", "method": "DELETE", "path": "/servers/"}
LIST = {"service": "compute", "method": "GET", "path": "/servers/detail"}
SIGN_IN = {"service": "identity", "method": "POST", "path": "/auth/tokens"}
LIMITS = Limits(connect=5.0, read=20.0, discovery=30.0, whole=30.0, retries=0, back_off=0.0, threads=4)


pytestmark = pytest.mark.usefixtures("quiet")


class Counted:
    """The driver, which knows whether it is asked something: until it has answered, no time goes by."""

    def __init__(self, driver: OpenStack) -> None:
        self._driver = driver
        self._busy = 0
        self._changed = asyncio.Condition()

    def __getattr__(self, name: str) -> Any:
        async def ask(*said: Any) -> Any:
            self._busy += 1
            try:
                return await getattr(self._driver, name)(*said)
            finally:
                self._busy -= 1
                async with self._changed:
                    self._changed.notify_all()

        return ask

    async def answered(self) -> bool:
        """Wait until nothing is asked; False when nothing was."""
        was_busy = self._busy > 0
        async with self._changed:
            await self._changed.wait_for(lambda: not self._busy)
        return was_busy


@dataclass
class Scene:
    """A house whose cloud is a simulated one."""

    house: House
    driver: OpenStack
    counted: Counted
    http: aiohttp.ClientSession
    url: str
    image: str
    network: str

    async def fault(self, rule: dict[str, Any], count: int, **said: Any) -> None:
        """Let so many requests go wrong."""
        async with self.http.post(f"{self.url}/simulator/faults", json={**rule, "count": count, **said}) as reply:
            assert reply.status < 300, await reply.text()

    async def create(self) -> None:
        await self.house.create(image=self.image, networks=(self.network,))

    async def turn(self) -> None:
        """Let all be asked and answered that needs no time, then let time go on."""
        await self.house.calm()
        while await self.counted.answered():
            await self.house.calm()
        self.house.clock.leap()

    async def until(self, *states: VmState) -> Sequence[Server]:
        """Go on until the instance is in one of these states and nothing is open; return the servers there are."""
        for _ in range(150):
            await self.turn()
            assert self.house.failure() is None
            is_open = await self.house.ledger.read(lambda book, _now: bool(book.open_operations))
            if not is_open and (await self.house.instance("vm-instance")).vm_state in states:
                break
        else:
            raise AssertionError(await self.house.instance("vm-instance"))
        await self.house.sync.look("11111111-1111-4111-8111-111111111111")
        for _ in range(5):
            await self.turn()
        assert (await self.house.instance("vm-instance")).vm_state in states
        return await self.driver.servers()


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    flavor = FlavorOption(name=SMALL.name, vcpus=SMALL.vcpus, ram=SMALL.ram, disk=SMALL.disk, id=SMALL.id)
    options = SimulatorOptions(flavors=(flavor,), build_seconds=0.05, delete_seconds=0.05)
    simulator = Simulator(options, MovingClock(START))
    url = await simulator.start()
    access = Access(f"{url}/identity/v3", "promise", project_name="promise")
    driver = OpenStack(access, "promise", LIMITS)
    counted = Counted(driver)
    house = House(driver=counted)
    (image,), (network,) = await driver.image("cirros"), await driver.network("private")
    await house.start(Steps())
    try:
        async with aiohttp.ClientSession() as http:
            yield Scene(house, driver, counted, http, url, image, network)
    finally:
        await house.stop()
        await driver.close()
        await simulator.stop()


@pytest.mark.parametrize(
    "faults",
    [
        [],
        [(POST, 1, {"action": "drop", "after": True})],
        [(POST, 1, {"action": "error", "status": 503, "after": True})],
        [(POST, 3, {"action": "error", "status": 503})],
        [(POST, 3, {"action": "error", "status": 429})],
        [(POST, 1, {"action": "error", "status": 401})],
        [(POST, 2, {"action": "drop"})],
        [(POST, 1, {"action": "drop", "after": True}), (LIST, 12, {"action": "error", "status": 500})],
        [
            (POST, 1, {"action": "error", "status": 401}),
            (SIGN_IN, 3, {"action": "error", "status": 503}),
        ],
    ],
    ids=str,
)
async def test_a_create_has_one_server_whatever_happens(faults: list[tuple[dict[str, Any], int, Any]]) -> None:
    async with scene() as here:
        for rule, count, said in faults:
            await here.fault(rule, count, **said)
        await here.create()
        servers = await here.until(VmState.ACTIVE)
        instance = await here.house.instance("vm-instance")
        assert [(server.id, server.allocation_id) for server in servers] == [(instance.server, instance.id)]
        assert (await here.house.columns())["usage"]["cores"] == SMALL.vcpus


@pytest.mark.parametrize("status", [400, 403, 409])
async def test_a_refusal_leaves_nothing(status: int) -> None:
    async with scene() as here:
        await here.fault(POST, 1, action="error", status=status)
        await here.create()
        assert await here.until(VmState.ERROR) == []
        assert (await here.house.columns())["usage"]["cores"] == 0


@pytest.mark.parametrize(
    "faults",
    [
        [],
        [(DELETE, 3, {"action": "error", "status": 409})],
        [(DELETE, 3, {"action": "error", "status": 503})],
        [(DELETE, 1, {"action": "error", "status": 401})],
        [(DELETE, 2, {"action": "drop"})],
        [(DELETE, 1, {"action": "drop", "after": True})],
        [(DELETE, 1, {"action": "error", "status": 500, "after": True}), (LIST, 5, {"action": "drop"})],
    ],
    ids=str,
)
@pytest.mark.parametrize("at_once", [True, False])
async def test_a_destroy_leaves_nothing(faults: list[tuple[dict[str, Any], int, Any]], at_once: bool) -> None:
    async with scene() as here:
        await here.create()
        if at_once:
            await here.counted.answered()
        else:
            await here.until(VmState.ACTIVE)
        for rule, count, said in faults:
            await here.fault(rule, count, **said)
        await here.house.destroy("vm-instance")
        assert await here.until(VmState.DELETED) == []
        assert (await here.house.columns())["usage"]["cores"] == 0
