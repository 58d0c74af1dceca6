"""Controllers to judge: built as the product builds them, on a clock and clouds of ours, stopped and started anew."""

from __future__ import annotations

import asyncio
import random
import tempfile
import uuid
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh
from netconf_client import connect
from oracle.model_doors import SocketDoor, TableDoor
from oracle.model_store import FlakyStore

from promise.app import build
from promise.config import Config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from oracle.model_cloud import Clouds
    from oracle.model_doors import Door
    from oracle.model_records import Policy

    from promise.app import App
    from promise.clock import ManualClock

KEY = asyncssh.generate_private_key("ssh-ed25519")
PUBLIC = KEY.export_public_key().decode()
GUEST = "guest"
"""A user who sees only what is his; a query of a step that begins with "as": "guest" is his."""

MEMORY = next((folder for folder in [Path("/dev", "shm")] if folder.is_dir()), None)
"""Where files are as fast as memory: what is judged here is no disk."""


class Controller:
    """One state directory, and the controller that runs on it just now."""

    app: App
    door: Door

    def __init__(self, config: Config, clock: ManualClock, clouds: Clouds, new_id: Callable[[], str]) -> None:
        self._config = config
        self.clock = clock
        self.clouds = clouds
        self._new_id = new_id

    async def build(self) -> None:
        self.app = await build(self._config, self.clock, self.clouds, self._new_id)

    async def begin(self) -> None:
        """Start without sockets."""
        await self.build()
        database = self.app.ledger._database
        database.store = FlakyStore(database.store)
        self.app.run()
        self.door = TableDoor(self.app)

    @property
    def store(self) -> FlakyStore:
        store = self.app.ledger._database.store
        assert isinstance(store, FlakyStore)
        return store

    async def stop(self) -> None:
        await self.app.stop()

    async def kill(self) -> None:
        """Let go of everything in the middle of whatever it is; what is not durable is lost."""
        ledger = self.app.ledger
        tasks = [*self.app._tasks, ledger._writer]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        ledger._database.store.close()


def _config(folder: str, policy: Policy, users: list[dict[str, Any]]) -> Config:
    given = {name: value for name, value in vars(policy).items() if value is not None}
    return Config.model_validate({
        "state_dir": Path(folder), "netconf": {"listen": "127.0.0.1:0"}, "policy": given, "user": users,
    })  # fmt: skip


@asynccontextmanager
async def served(clock: ManualClock, clouds: Clouds, policy: Policy) -> AsyncIterator[Controller]:
    """A controller that is asked over its NETCONF socket."""
    users: list[dict[str, Any]] = [
        {"name": "admin", "authorized_keys": [PUBLIC], "groups": ["admin"]},
        {"name": GUEST, "authorized_keys": [PUBLIC]},
    ]
    with tempfile.TemporaryDirectory() as folder:
        running = Controller(_config(folder, policy, users), clock, clouds, lambda: str(uuid.uuid4()))
        await running.build()
        await running.app.start()
        try:
            async with (
                await connect(*running.app.address, "admin", client_keys=[KEY]) as admin,
                await connect(*running.app.address, GUEST, client_keys=[KEY]) as guest,
            ):
                running.door = SocketDoor({"admin": admin, GUEST: guest})
                yield running
        finally:
            await running.stop()


@asynccontextmanager
async def inside(clock: ManualClock, clouds: Clouds, policy: Policy, seed: int) -> AsyncIterator[Controller]:
    """A controller without sockets whose ids follow from the seed, to be run by `still_loop`."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        config = _config(folder, policy, [])
        running = Controller(config, clock, clouds, lambda: str(uuid.UUID(int=chance.getrandbits(128), version=4)))
        await running.begin()
        try:
            yield running
        finally:
            await running.stop()
