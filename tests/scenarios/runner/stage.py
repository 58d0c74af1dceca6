"""What a story is played on: the controller with its NETCONF door, simulated clouds, users, and one clock for all.

All in one event loop, over real sockets. The clock only moves when the story moves it; `quiet` then waits until
everything that was due has been done, so that the next step always meets the same state.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import asyncssh
from evidence import EVIDENCE
from netconf_client import NetconfClient, connect
from scenarios.runner.words import T0, StoryError

from promise.app import App, build
from promise.clock import ManualClock
from promise.config import Config
from promise.vim.simulator import FlavorOption, ImageOption, NetworkOption, Simulator, SimulatorOptions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from scenarios.runner.story import Story

USERS: Final[tuple[tuple[str, list[str], str], ...]] = (
    ("admin", ["admin"], ""),
    ("alice", [], "red"),
    ("bob", [], "red"),
    ("carol", [], "blue"),
    ("dave", [], ""),
)
"""Who may take part: name, groups and project. Alice and Bob share a project, Dave has none."""

ROUNDS: Final = 12
"""So many turns of the event loop nothing may happen before we call it quiet."""

PATIENCE: Final = 20.0
"""Seconds after which something that does not come to rest is a failure."""

_OPTIONS: Final = {"flavors": FlavorOption, "images": ImageOption, "networks": NetworkOption}


@cache
def key() -> asyncssh.SSHKey:
    """Return the key with which all users log in: proving it is cheap, and a password is not."""
    return asyncssh.generate_private_key("ssh-ed25519")


class StoryClock(ManualClock):
    """A manual clock that knows whether somebody's moment has come who has not noticed yet."""

    def __init__(self, now: int) -> None:
        super().__init__(now)
        self._sleepers: dict[object, float] = {}

    async def sleep_until(self, moment: float) -> None:
        """Wait until the clock has been moved far enough."""
        sleeper = object()
        self._sleepers[sleeper] = moment
        try:
            await super().sleep_until(moment)
        finally:
            del self._sleepers[sleeper]

    @property
    def late(self) -> bool:
        """Tell whether somebody sleeps who should be awake."""
        return any(moment <= self.now() for moment in self._sleepers.values())


@dataclass
class Site:
    """A simulated cloud and where it listens."""

    simulator: Simulator
    url: str = ""

    async def start(self) -> None:
        """Listen, at the address of before if there was one."""
        port = int(self.url.rpartition(":")[2]) if self.url else 0
        self.url = await self.simulator.start(port=port)


@dataclass
class Stage:
    """One story's controller and clouds; `sites` by the names that the story gives them."""

    config: Config
    clock: StoryClock
    sites: Mapping[str, Site]
    app: App | None = None
    _sessions: dict[str, NetconfClient] = field(default_factory=dict)

    @property
    def running(self) -> App:
        """Return the controller."""
        assert self.app is not None
        return self.app

    async def open(self) -> None:
        """Start everything."""
        for site in self.sites.values():
            await site.start()
        await self.start()

    async def start(self) -> None:
        """Start the controller on its state directory."""
        self.app = await build(self.config, self.clock)
        await self.app.start()
        await self.quiet()

    async def stop(self) -> None:
        """Stop the controller; its clouds go on."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()
        app, self.app = self.app, None
        if app is not None:
            await app.stop()

    async def close(self) -> None:
        """Stop everything."""
        try:
            await self.stop()
        finally:
            for site in self.sites.values():
                await site.simulator.stop()

    async def session(self, user: str) -> NetconfClient:
        """Return the session of a user, which lasts."""
        if user not in self._sessions:
            self._sessions[user] = await self.another(user)
        return self._sessions[user]

    async def another(self, user: str) -> NetconfClient:
        """Return a new session of a user."""
        if user not in [name for name, _, _ in USERS]:
            raise StoryError(f"there is no user {user}")
        host, port = self.running.address
        return await connect(host, port, user, client_keys=[key()], evidence=EVIDENCE)

    async def advance(self, seconds: int) -> None:
        """Move the clock and wait for what falls due."""
        if seconds < 0:
            raise StoryError("time does not run backwards")
        await self.clock.advance(seconds)
        await self.quiet()

    async def quiet(self) -> None:
        """Wait until everything that works by itself has nothing to do before the clock moves on.

        First nobody may be late and no decision on its way, for some turns of the loop, so that whoever was woken has
        set out; then every task must have gone to sleep again.
        """
        deadline = asyncio.get_running_loop().time() + PATIENCE
        still = 0
        while still < ROUNDS:
            await self.running.ledger.read(lambda _book, _now: None)
            still = 0 if self._stirring() else still + 1
            busy = _busy() if still == ROUNDS else []
            if busy:
                still = 0
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"no rest after {PATIENCE} s: {', '.join(_busy())}")
            await asyncio.sleep(0.001 if busy else 0)

    def _stirring(self) -> bool:
        """Tell whether somebody sleeps who should be awake, or a decision is on its way."""
        ledger = self.running.ledger
        return self.clock.late or ledger.seq != ledger.durable_seq


def _busy() -> list[str]:
    """Return the tasks for clouds and receivers that are at work, and do not wait for the clock."""
    tasks = [
        task for task in asyncio.all_tasks() if task.get_name().startswith(("operation ", "sync of ", "callback "))
    ]
    return [task.get_name() for task in tasks if not _asleep(task)]


def _asleep(task: asyncio.Task[Any]) -> bool:
    """Tell whether a task waits for the clock: somewhere down its coroutines is one that does nothing else."""
    awaited: Any = task.get_coro()
    while awaited is not None:
        if getattr(awaited, "__name__", "") in {"sleep_until", "_pause"}:
            return True
        awaited = getattr(awaited, "cr_await", None)
    return False


def stage(story: Story, folder: Path) -> Stage:
    """Return the stage of a story, not yet open; the state is kept in `folder`."""
    clock = StoryClock(T0)
    sites = {name: Site(Simulator(_options(name, said), clock)) for name, said in story.clouds.items()}
    line = key().export_public_key().decode()
    users = [
        {"name": name, "groups": groups, "project": project, "authorized_keys": [line]}
        for name, groups, project in USERS
    ]
    said = {name.replace("-", "_"): value for name, value in story.policy.items()}
    anywhere = {"listen": "127.0.0.1:0"}
    config = {"state_dir": folder, "netconf": anywhere, "restconf": anywhere, "user": users, "policy": said}
    return Stage(Config.model_validate({**config, **story.config}), clock, sites)


def _options(name: str, said: Mapping[str, Any]) -> SimulatorOptions:
    """Return the options of a cloud: two hosts in two zones, if nothing else is said."""
    given = {"hosts": 2, **{key.replace("-", "_"): value for key, value in (said or {}).items() if key != "added"}}
    for option, kind in _OPTIONS.items():
        if option in given:
            given[option] = tuple(kind(**entry) for entry in given[option])
    for option in ("zones", "projects"):
        if option in given:
            given[option] = tuple(given[option])
    try:
        return SimulatorOptions(**given)
    except (TypeError, ValueError) as error:
        raise StoryError(f"cloud {name}: {error}") from None
