"""The clouds on which the driver must behave alike: the simulator, and a real OpenStack if there is one."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from promise.capacity.provider import Access
from promise.clock import SystemClock
from promise.vim.openstack import Limits, OpenStack
from promise.vim.simulator import Simulator, SimulatorOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from promise.capacity.provider import Flavor

T = TypeVar("T")
LIVE = os.environ.get("PROMISE_LIVE_CLOUDS", "")
FAILING = os.environ.get("PROMISE_LIVE_FAILING", "promise-fail")
"""A server with this in its name fails to build, on both clouds."""

PATIENT = Limits(connect=10.0, read=60.0, discovery=60.0, whole=120.0, back_off=0.05)


class MovingClock:
    """Time that moves on whenever somebody looks at it, so that nobody waits for a simulated server."""

    def __init__(self, start: int | None = None) -> None:
        self._now = float(SystemClock().now() if start is None else start)

    def now(self) -> float:
        self._now += 0.01
        return self._now

    async def sleep_until(self, moment: float) -> None:
        self._now = max(self._now, moment)


@dataclass
class Site:
    """A cloud: `ours` may read Placement and administer, `theirs` is a plain member of another project."""

    name: str
    ours: OpenStack
    theirs: OpenStack
    access: Access
    password: str
    image: str
    network: str
    flavor: Flavor

    async def operator(self, method: str, service: str, path: str, body: Any = None) -> Any:
        """Do what an administrator does, by the services' own APIs."""
        return (await self.ours._calls.act(method, service, path, body)).body

    async def settled(self, look: Callable[[], Awaitable[T]], until: Callable[[T], bool]) -> T:
        """Look until it is as wanted; a real cloud takes a second or two, and longer when it is busy."""
        async with asyncio.timeout(120):
            while not until(found := await look()):  # noqa: ASYNC110 - nobody tells when a cloud has come so far
                await asyncio.sleep(0 if self.name == "simulator" else 0.1)
            return found

    async def clean(self) -> None:
        for driver in (self.ours, self.theirs):
            for server in await driver.servers():
                await driver.delete_server(server.id)
            await self.settled(driver.servers, lambda servers: not servers)


@asynccontextmanager
async def simulated() -> AsyncIterator[Site]:
    options = SimulatorOptions(
        hosts=2, vcpus=16, ram=32768, disk=500, fail_marker=FAILING, build_seconds=0.3, delete_seconds=0.1
    )
    simulator = Simulator(options, MovingClock())
    url = await simulator.start()
    try:
        async with _site("simulator", simulator.clouds_yaml(url), "simulator", "simulator-tenant") as site:
            yield site
    finally:
        await simulator.stop()


@asynccontextmanager
async def real() -> AsyncIterator[Site]:
    text = await asyncio.to_thread(Path(LIVE).read_text)
    ours, theirs, *_ = yaml.safe_load(text)["clouds"]
    async with _site("live", text, ours, theirs) as site:
        await site.clean()
        yield site


@asynccontextmanager
async def _site(name: str, text: str, our_cloud: str, their_cloud: str) -> AsyncIterator[Site]:
    clouds = yaml.safe_load(text)["clouds"]
    access, password = _access(clouds[our_cloud])
    ours, theirs = OpenStack(access, password, PATIENT), OpenStack(*_access(clouds[their_cloud]), PATIENT)
    try:
        (network,) = await ours.networks()
        image = (await ours._calls.pages("image", "/images", "images"))[0]["id"]
        flavor = min((await ours.discover()).flavors, key=lambda one: (one.vcpus, one.ram))
        site = Site(name, ours, theirs, access, password, image, network, flavor)
        yield site
        await site.clean()
    finally:
        await ours.close()
        await theirs.close()


def _access(cloud: dict[str, Any]) -> tuple[Access, str]:
    auth = cloud["auth"]
    access = Access(
        auth["auth_url"], auth["username"], auth["user_domain_name"], project_name=auth["project_name"],
        project_domain_name=auth["project_domain_name"], region=cloud["region_name"],
    )  # fmt: skip
    return access, auth["password"]
