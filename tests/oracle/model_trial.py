"""A history of calls against a controller and against the model, in lockstep; every step is judged."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from oracle import model_controller, model_instances
from oracle.model import Model, differences, pruned
from oracle.model_cloud import FLAVORS, Clouds, FakeCloud
from oracle.model_controller import GUEST, Controller
from oracle.model_judges import Shadow
from oracle.model_state import differing

from promise.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from oracle.model_records import Policy

    from promise.app import App
    from promise.events import Entry

T0 = 1_800_000_000 - 1_800_000_000 % 86400
NOBODY = "00000000-0000-4000-8000-000000000000"
IGNORED = frozenset({"message"})
QUERIES = frozenset({"query-capacity", "query-reservation", "query-instance"})


class Call(NamedTuple):
    """One step: an RPC, or what the world does. "@label" in a query is the id that the step of this label made."""

    label: str
    operation: str
    query: dict[str, Any]


class Disagreement(AssertionError):
    """Controller and model differ."""


class Trial:
    """One controller and one model; `step` plays one call."""

    def __init__(self, controller: Controller, model: Model) -> None:
        self.controller = controller
        self.clock = controller.clock
        self.clouds = controller.clouds
        for cloud in self.clouds.by_name.values():
            cloud.now = self.clock.now()
        self.model = model
        self.ids: dict[str, str] = {}
        self.calls: list[Call] = []
        self.cloud_of: dict[str, FakeCloud] = {}
        self.shadow = Shadow()
        self._commits: list[Sequence[Entry]] = []

    @property
    def app(self) -> App:
        return self.controller.app

    async def follow(self) -> None:
        """Hear what the ledger commits from now on, after what it has in its journal already."""
        self.learn()
        ledger = self.app.ledger
        self._commits.append(await ledger.journal(len(self.shadow.told), 1_000_000))
        ledger.subscribe(self._commits.append)

    async def step(self, call: Call) -> dict[str, Any]:
        """Play a call on both, and compare its answer and then every record and column."""
        self.calls.append(call)
        answer = await self._played(call)
        self.learn()
        await self._judge_state(call)
        return answer

    async def _played(self, call: Call) -> dict[str, Any]:
        match call.operation:
            case "advance":
                await self.advance(call.query["seconds"])
            case "resize":
                await self._resize(call.query)
            case "add-provider":
                await self._add_provider(call)
            case _:
                return await self._asked(call)
        return {}

    async def ask(self, operation: str, query: dict[str, Any]) -> dict[str, Any]:
        user = self.model.world.user
        given = {name: value for name, value in query.items() if name != "as"}
        return await self.controller.door.ask(user, operation, given)

    async def _asked(self, call: Call) -> dict[str, Any]:
        query = self.resolved(call.query)
        self.model.world.user = query.get("as", "admin")
        if "elements" in query:
            self.model.world.things = {name: cloud.shown_things() for name, cloud in self.cloud_of.items()}
        told = await self.ask(call.operation, query)
        self.model.advance(self.clock.now())
        if self._undone(told):
            self.model.world.user = "admin"
            await self.ask("query-instance", {})  # what was due was undone with it
            await self.settle()
            return told
        expected = self.model.call(call.operation, query, told)
        self.learn()
        instances = self.model.world.instances
        if call.operation == "create-instance" and expected.get("instance-id") in instances:
            expected = model_instances.answered(instances[expected["instance-id"]])
        if call.operation == "destroy-instance":
            for name, one in expected.get("outcome", {query.get("instance-id"): expected}).items():
                if "vm-state" in one:  # one that was not yet made is gone with that
                    one["vm-state"] = instances[name].state
        self.judge(call, expected, told)
        self.model.world.user = "admin"
        for name in ("reservation-id", "pool-id", "instance-id"):
            if name in told and told["result"] == "ok":
                self.ids[call.label] = told[name]
        await self.settle()
        return told

    def _undone(self, told: dict[str, Any]) -> bool:
        """Whether nothing was decided, because it could not be written."""
        return False

    def learn(self) -> None:
        """Take from the commits since what clouds did."""
        commits, self._commits[:] = list(self._commits), []
        for entries in commits:
            for entry in entries:
                self.shadow.heard(entry)
            self.model.learn(self.cloud_of, entries)

    def judge(self, call: Call, expected: dict[str, Any], told: dict[str, Any]) -> None:
        told, expected = _without(told, IGNORED), _without(expected, IGNORED)
        if "resolution" in call.query and "end" not in call.query.get("window", {}):
            _without_echo(told)
            _without_echo(expected)
        if found := differences(pruned(expected), pruned(told)):
            raise Disagreement(f"{call.operation} {self.resolved(call.query)}\n  " + "\n  ".join(found))

    async def _add_provider(self, call: Call) -> None:
        name = call.query["name"]
        cloud = self.clouds.by_name[name]
        query = {"provider-type": "openstack", "endpoint": f"http://cloud/{name}", "username": "u", "password": "p",
                 "name": name}  # fmt: skip
        told = await self.ask("add-provider", query)
        if cloud.mood == "away" or self._undone(told):
            assert told["result"] == "rpc-error" or told.get("reason") == "provider-unreachable", told
            return
        assert told["result"] == "ok", told
        self.ids[call.label] = told["provider-id"]
        self.cloud_of[told["provider-id"]] = cloud
        self.model.advance(self.clock.now())
        expected = self.model.add_provider(told["provider-id"], cloud.bound, cloud.zones, FLAVORS)
        told = told | {"zones": set(told.get("zones", ()))}
        told.pop("flavors")
        self.judge(call, expected, told)
        await self.settle()

    async def advance(self, seconds: int) -> None:
        for cloud in self.clouds.by_name.values():
            cloud.now = self.clock.now() + seconds
        await self.clock.advance(seconds)
        self.model.advance(self.clock.now())
        await self.ask("query-instance", {})  # whoever asks sees everything done that has fallen due
        await self.settle()

    async def _resize(self, query: dict[str, Any]) -> None:
        """The cloud changes; the controller sees it at its next whole look, a minute later at the latest."""
        cloud = self.clouds.by_name[query["name"]]
        cloud.bound, cloud.zones = query["bound"], query["zones"]
        await self.advance(60)
        provider = self.ids.get(f"p-{query['name']}")
        while provider and self.app.state.providers[provider].discovery.bound != cloud.bound:  # type: ignore[union-attr]
            self.app.work.sync.hint(provider)
            await asyncio.sleep(0.001)
        await self.settle()

    async def settle(self) -> None:
        """Wait until clouds have done what they were asked, and what they did is known."""
        state, ledger = self.app.state, self.app.ledger
        while True:
            leaving = [one for one in state.allocations.values() if one.vm_state == "DELETING"]
            due = state.next_due()
            done = not state.open_operations and not leaving and ledger.seq == ledger.durable_seq
            if done and (due is None or due > self.clock.now()):
                return
            for provider in list(state.providers):
                self.app.work.sync.hint(provider)
            await asyncio.sleep(0.001)

    async def end(self) -> None:
        """Nothing more is judged at the end."""

    async def _judge_state(self, call: Call) -> None:
        if call.operation in QUERIES:
            return
        self.held_against_the_model()
        await self.compare_answers()

    def held_against_the_model(self) -> None:
        """Every record, and every column of every scope over all time."""
        if found := [*differing(self.model.world, self.app.state), *self.shadow.differing(self.app.state)]:
            raise Disagreement("the state\n  " + "\n  ".join(found))

    async def compare_answers(self) -> None:
        """The same once more as answers tell it."""
        for provider in self.model.world.providers.values():
            for zone in (None, *provider.zones):
                query: dict[str, Any] = {"provider-id": provider.id, "all-metrics": True, "flavor": "f1"}
                query |= {"zone": zone} if zone else {}
                await self._same("query-capacity", query)
        await self._same("query-reservation", {"state": ["initialized", "active", "ended", "expired", "cancelled"]})
        await self._same("query-instance", {})
        self.model.check()

    async def _same(self, operation: str, query: dict[str, Any]) -> None:
        told = await self.ask(operation, query)
        expected = self.model.call(operation, query, told)
        self.judge(Call("", operation, query), expected, told)

    def resolved(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self.resolved(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.resolved(one) for one in value]
        if isinstance(value, str) and value.startswith("@"):
            return self.ids.get(value[1:], NOBODY)
        return value


def _without_echo(answer: dict[str, Any]) -> None:
    """Leave out the last entries of a course that only say again what the one before says: nobody cares how many."""
    course = answer.get("utilization") or []
    while len(course) > 1 and course[-1] | {"timestamp": 0, "count": 0} == course[-2] | {"timestamp": 0, "count": 0}:
        course.pop()


def _without(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(inner, names) for name, inner in value.items() if name not in names}
    return [_without(one, names) for one in value] if isinstance(value, list) else value


@asynccontextmanager
async def served(clouds: Clouds, policy: Policy, seed: int) -> AsyncIterator[Trial]:
    """The same, as those are who are given a seed; here ids are as they come."""
    async with trial(clouds, policy) as court:
        yield court


@asynccontextmanager
async def trial(clouds: Clouds, policy: Policy) -> AsyncIterator[Trial]:
    """A fresh controller behind a NETCONF socket with these clouds to add and this policy, and its model."""
    async with model_controller.served(ManualClock(T0), clouds, policy) as controller:
        court = Trial(controller, Model(T0, policy))
        await court.follow()
        yield court


__all__ = ["GUEST", "Call", "Disagreement", "FakeCloud", "Trial", "served", "trial"]
