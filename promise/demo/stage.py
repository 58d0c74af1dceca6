"""Sets the stage: a cloud, simulated or the user's own, and a controller of its own in a directory of its own."""

from __future__ import annotations

import secrets
import tempfile
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from promise.app import build
from promise.capacity.provider import Access
from promise.clock import PreciseClock, SystemClock
from promise.config import Config, NetconfConfig, RestconfConfig, UserConfig
from promise.demo.client import NetconfClient
from promise.demo.orchestrator import Setting
from promise.demo.story import Story
from promise.vim.openstack import OpenStack
from promise.vim.openstack.clouds_yaml import configured_cloud
from promise.vim.simulator.options import SimulatorOptions
from promise.vim.simulator.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from promise.app import App
    from promise.demo.telling import Teller

USER = "orchestrator"


async def play(tell: Teller, cloud: str | None, image: str | None, network: str | None, flavor: str | None) -> None:
    """Play the story on a simulated cloud, or on a cloud of the user's clouds.yaml.

    Raises:
        Wrong: a number of the story is not what it has to be.
        CloudError: the cloud cannot be reached, or has nothing to make an instance of.
    """
    if cloud is None:
        async with _simulated() as setting:
            await _play(tell, replace(setting, flavor=flavor))
    else:
        access, password = configured_cloud(cloud)
        await _play(tell, await _chosen(cloud, access, password, image, network, flavor))


async def _play(tell: Teller, setting: Setting) -> None:
    password = secrets.token_urlsafe(16)
    async with _controller(password) as app:
        host, port = app.address
        tell.say(
            f"A controller has been started for this story, NETCONF on {host}:{port}; its cloud is {setting.cloud}."
        )
        async with NetconfClient(host, port, USER, password) as client:
            await Story(client, tell, setting, SystemClock()).play()


@asynccontextmanager
async def _controller(password: str) -> AsyncIterator[App]:
    with tempfile.TemporaryDirectory(prefix="promise-demo-") as directory:
        config = Config(
            state_dir=Path(directory) / "state",
            netconf=NetconfConfig(listen="127.0.0.1:0"),
            restconf=RestconfConfig(listen="127.0.0.1:0"),
            user=[UserConfig(name=USER, password=password, groups=["admin"])],
        )
        app = await build(config)
        try:
            await app.start()
            yield app
        finally:
            await app.stop()


@asynccontextmanager
async def _simulated() -> AsyncIterator[Setting]:
    simulator = Simulator(SimulatorOptions(build_seconds=0.5, delete_seconds=0.2), PreciseClock())
    url = await simulator.start()
    try:
        access = Access(f"{url}/identity/v3", "promise", project_name="promise", project_domain_name="Default")
        yield Setting("simulated (four hosts, two zones)", access, "promise", "cirros", "private")
    finally:
        await simulator.stop()


async def _chosen(
    name: str, access: Access, password: str, image: str | None, network: str | None, flavor: str | None
) -> Setting:
    """Return the setting on a real cloud: what was named, else the first image and the first network."""
    cloud = OpenStack(access, password)
    try:
        images = [image] if image else await cloud.images()
        networks = [network] if network else await cloud.networks()
    finally:
        await cloud.close()
    if not images or not networks:
        raise ValueError(f"cloud {name} has no image or no network that the project may use")
    return Setting(f"{name} ({access.endpoint})", access, password, images[0], networks[0], flavor)
