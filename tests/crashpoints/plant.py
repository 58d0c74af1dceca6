"""The controller with its OpenStack driver and a simulated cloud whose requests go wrong when they are told to.

The clock is one for all and only moves when it is told to, so that storms of minutes take no time; a reply that never
comes costs `PATIENCE` seconds of ours, and what is judged does not depend on how many of those there are.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from crashpoints.judge import columns_wrong
from crashpoints.script import answered, reason_or_result
from scenarios.runner import messages
from scenarios.runner.stage import Stage, stage
from scenarios.runner.story import Story
from scenarios.runner.words import Words

from promise.allocation.model import Allocation, VmState
from promise.app import build
from promise.vim.openstack import Limits, OpenStack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from lxml.etree import _Element

    from promise.allocation.model import Operation
    from promise.capacity.provider import Access
    from promise.vim.simulator import Simulator

PATIENCE: Final = 1.0
LIMITS: Final = Limits(connect=5.0, read=PATIENCE, discovery=20.0, whole=20.0, retries=1, back_off=0.0, threads=4)
LONGEST: Final = 1500
"""Seconds of the clock after which everything has come to an end: longer than all patience of the worker."""

CREATED: Final = frozenset({VmState.ACTIVE, VmState.ERROR})

_PART: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


class Driven(Stage):
    """A stage whose driver asks again at once."""

    async def start(self) -> None:
        """Start the controller on its state directory."""
        self.app = await build(self.config, self.clock, self._driver)
        await self.app.start()
        await self.quiet()

    def _driver(self, access: Access, password: str) -> OpenStack:
        return OpenStack(access, password, LIMITS)


@dataclass(frozen=True)
class Request:
    """One request of a workflow: the `nth` of its method to such a path."""

    method: str
    path: str
    nth: int

    def __str__(self) -> str:
        return f"{self.method} {self.path} #{self.nth + 1}"

    @property
    def rule(self) -> dict[str, Any]:
        """Return what of a fault says that it is this request."""
        return {"method": self.method, "path": f"^{self.path}/?([?].*)?$", "skip": self.nth, "count": 1}


@dataclass
class Plant:
    """What runs, with one provider on which a reservation is sound. `numbers` name instances."""

    stage: Stage
    simulator: Simulator
    provider: str = ""
    numbers: count[int] = field(default_factory=count)

    async def ask(self, rpc: str, **given: Any) -> _Element:
        """Ask, and wait until everything is quiet."""
        said = {name.replace("_", "-"): value for name, value in given.items()}
        reply = await answered(self.stage.running, messages.operation(rpc, said, Words()))
        await self.stage.quiet()
        return reply

    async def make(self) -> None:
        """Register the cloud, offer all of it and promise some."""
        reply = await self.ask(
            "add-provider", provider_type="openstack", name="one", username="promise", password="promise",
            endpoint=f"{self.stage.sites['cloud'].url}/identity/v3", project={"name": "promise"},
        )  # fmt: skip
        self.provider = reply.findtext("{*}provider-id") or ""
        await self.ask("increase-capacity", source=self.provider, capacity={"cores": 30, "instances": 20})
        await self.ask("create-reservation", name="sound", capacity={"cores": 18, "instances": 8})

    # ---- the workflow

    async def created(self, **given: Any) -> Allocation:
        """Ask for an instance until that is accepted, and wait until it is through."""
        return await self.settled(await self.asked(**given))

    async def asked(self, **given: Any) -> str:
        """Ask for an instance until that is accepted, as a client does; return its id."""
        name = f"vm-{next(self.numbers)}"
        for _ in range(10):
            reply = await self.ask(
                "create-instance", name=name, image="cirros", flavor="m1.tiny", networks=["private"],
                idempotency_key=name, **given,
            )  # fmt: skip
            if reason_or_result(reply) == "ok":
                break
            assert reply.findtext("{*}instance-id") is None, "an instance that was not accepted has no id"
            await self.stage.advance(60)
        else:
            raise AssertionError(reason_or_result(reply))
        return reply.findtext("{*}instance-id") or ""

    async def destroyed(self, instance: Allocation) -> Allocation:
        """Ask for the end of an instance, and wait until it is through."""
        reply = await self.ask("destroy-instance", instance_id=instance.id)
        assert reason_or_result(reply) == "ok"
        return await self.settled(instance.id)

    async def settled(self, key: str) -> Allocation:
        """Wait until an instance neither builds nor leaves, and nothing is open."""
        state, last = self.stage.running.state, self.stage.clock.now() + LONGEST
        while state.open_operations or state.allocations[key].vm_state in {"BUILD", "INITIALIZED", "DELETING"}:
            assert self.stage.clock.now() < last, (list(state.open_operations.values()), state.allocations[key])
            await self.stage.advance(1)
        return state.allocations[key]

    def operations(self, instance: str) -> Mapping[str, Operation]:
        """Return what was asked of the cloud for an instance, by what it was."""
        every = self.stage.running.state.operations.values()
        return {one.asked.value: one for one in every if one.instance == instance}

    # ---- the cloud

    def forget_tokens(self) -> None:
        """Let every token be over, so that signing in is part of what follows."""
        self.simulator.world.identity.tokens.clear()
        self.simulator.requests.clear()

    def requests(self) -> list[Request]:
        """Return the requests since then."""
        found: list[Request] = []
        for entry in self.simulator.requests:
            method, path = str(entry["method"]), _PART.sub("[^/]+", str(entry["path"]))
            nth = sum((one.method, one.path) == (method, path) for one in found)
            found.append(Request(method, path, nth))
        return found

    def spoil(self, rule: Mapping[str, Any]) -> None:
        """Let requests go wrong."""
        self.simulator.faults.add(dict(rule))

    def lose(self, name: str) -> None:
        """Let a server vanish behind our back."""
        compute = self.simulator.world.compute
        for server in [server for server in compute.servers.values() if server.name == name]:
            compute.forget(server, self.stage.clock.now())

    def heal(self) -> None:
        """Let nothing go wrong any more; requests that hang are cut off."""
        self.simulator.faults.rules.clear()
        self.simulator.release()

    def left_in_the_cloud(self) -> list[str]:
        """Return the names of the servers there are."""
        return sorted(server.name for server in self.simulator.world.compute.servers.values())

    def parts_in_the_cloud(self) -> tuple[int, int]:
        """Return how many volumes and floating addresses there are."""
        world = self.simulator.world
        return len(world.volumes.volumes), len(world.network.rows["floatingip"])

    async def judged(self, *names: str) -> list[str]:
        """Return what is wrong when these instances, and no others, should be there."""
        for seconds in (61, 2, 4):  # one look at everything, and two more in case it fails
            await self.stage.advance(seconds)
        state = self.stage.running.state
        found = await columns_wrong(self.stage.running)
        there, counted = self.left_in_the_cloud(), sorted(one.name for one in state.allocations.values() if one.counted)
        if there != sorted(names):
            found.append(f"in the cloud are {there}, not {list(names)}")
        if counted != sorted(names):
            found.append(f"counted are {counted}, not {list(names)}")
        found += [f"degraded: {held}" for held in state.reservations.values() if held.shortfall]
        if not state.providers[self.provider].reachable:
            found.append(f"not reachable: {state.providers[self.provider].last_error}")
        return found


@asynccontextmanager
async def plant(folder: Path, **options: Any) -> AsyncIterator[Plant]:
    """Run a controller and its cloud, whose quota is less than what is promised of its hosts."""
    config = {"cloud": {"reply_wait": 0}, "log_level": "error"}
    told = Story(
        "a plant",
        (),
        {"cloud": {"build-seconds": 2, "delete-seconds": 2, "quotas": {"cores": 16}}},
        [],
        {},
        config,
        (),
        "",
        "",
    )
    made = stage(told, folder)
    on = Driven(made.config, made.clock, made.sites)
    await on.open()
    try:
        running = Plant(on, on.sites["cloud"].simulator)
        await running.make()
        yield running
    finally:
        running.heal()
        await on.close()
