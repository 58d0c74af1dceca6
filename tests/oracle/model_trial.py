"""A history of calls against a controller over its NETCONF socket, and against the model, in lockstep."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncssh
from netconf_client import connect
from oracle import model_wire
from oracle.model import Model, differences, pruned
from oracle.model_cloud import FLAVORS, Clouds, FakeCloud

from promise.app import build
from promise.clock import ManualClock
from promise.config import Config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from netconf_client import NetconfClient
    from oracle.model_records import Policy

    from promise.app import App

    Clients = dict[str, NetconfClient]

T0 = 1_800_000_000 - 1_800_000_000 % 86400
KEY = asyncssh.generate_private_key("ssh-ed25519")
PUBLIC = KEY.export_public_key().decode()
NOBODY = "00000000-0000-4000-8000-000000000000"
IGNORED = frozenset({"message"})
GUEST = "guest"
"""A user who sees only what is his; a query of a step that begins with "as": "guest" is his."""


class Call(NamedTuple):
    """One step: an RPC, or what the world does. "@label" in a query is the id that the step of this label made."""

    label: str
    operation: str
    query: dict[str, Any]


class Disagreement(AssertionError):
    """Controller and model differ."""


class Trial:
    """One controller and one model; `step` plays one call."""

    def __init__(self, app: App, clock: ManualClock, clouds: Clouds, clients: Clients, model: Model) -> None:
        self.app = app
        self.clock = clock
        self.clouds = clouds
        self.clients = clients
        self.model = model
        self.ids: dict[str, str] = {}
        self.calls: list[Call] = []

    async def step(self, call: Call) -> dict[str, Any]:
        """Play a call on both, and compare its answer and then every column."""
        self.calls.append(call)
        answer = await self._played(call)
        if call.operation not in {"query-capacity", "query-reservation", "query-instance"}:
            await self._compare_everything()
        return answer

    async def _played(self, call: Call) -> dict[str, Any]:
        match call.operation:
            case "advance":
                await self._advance(call.query["seconds"])
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
        reply = await self.clients[user].rpc(model_wire.request(operation, given))
        return model_wire.answer(operation, reply)

    async def _asked(self, call: Call) -> dict[str, Any]:
        query = self._resolved(call.query)
        self.model.world.user = query.get("as", "admin")
        told = await self.ask(call.operation, query)
        self.model.advance(self.clock.now())
        expected = self.model.call(call.operation, query, told)
        self._judge(call, expected, told)
        self.model.world.user = "admin"
        for name in ("reservation-id", "pool-id", "instance-id"):
            if name in told and told["result"] == "ok":
                self.ids[call.label] = told[name]
        await self._settle()
        return told

    def _judge(self, call: Call, expected: dict[str, Any], told: dict[str, Any]) -> None:
        told, expected = _without(told, IGNORED), _without(expected, IGNORED)
        if "resolution" in call.query and "end" not in call.query.get("window", {}):
            _without_echo(told)
            _without_echo(expected)
        if found := differences(pruned(expected), pruned(told)):
            raise Disagreement(f"{call.operation} {self._resolved(call.query)}\n  " + "\n  ".join(found))

    async def _add_provider(self, call: Call) -> None:
        name = call.query["name"]
        cloud = self.clouds.by_name[name]
        query = {"provider-type": "openstack", "endpoint": f"http://cloud/{name}", "username": "u", "password": "p",
                 "name": name}  # fmt: skip
        told = await self.ask("add-provider", query)
        assert told["result"] == "ok", told
        self.ids[call.label] = told["provider-id"]
        self.model.advance(self.clock.now())
        expected = self.model.add_provider(told["provider-id"], cloud.bound, cloud.zones, FLAVORS)
        told = told | {"zones": set(told.get("zones", ()))}
        told.pop("flavors")
        self._judge(call, expected, told)

    async def _advance(self, seconds: int) -> None:
        await self.clock.advance(seconds)
        for cloud in self.clouds.by_name.values():
            cloud.now = self.clock.now()
        self.model.advance(self.clock.now())
        await self.ask("query-instance", {})  # whoever asks sees everything done that has fallen due
        await self._settle()

    async def _resize(self, query: dict[str, Any]) -> None:
        """The cloud changes; the controller sees it at its next whole look, a minute later at the latest."""
        cloud = self.clouds.by_name[query["name"]]
        cloud.bound, cloud.zones = query["bound"], query["zones"]
        await self._advance(60)
        provider = self.ids.get(f"p-{query['name']}")
        if provider is None:
            return
        while self.app.state.providers[provider].discovery.bound != cloud.bound:  # type: ignore[union-attr]
            self.app.sync.hint(provider)
            await asyncio.sleep(0.001)
        self.model.resize(provider, cloud.bound, cloud.zones)

    async def _settle(self) -> None:
        """Wait until clouds have done what they were asked, and what they did is known."""
        state = self.app.state
        while True:
            leaving = [one for one in state.allocations.values() if one.vm_state == "DELETING"]
            if not state.open_operations and not leaving:
                break
            for provider in list(state.providers):
                self.app.sync.hint(provider)
            await asyncio.sleep(0.001)
        for one in list(self.model.world.instances.values()):
            if one.state == "DELETING":
                self.model.gone(one.id)

    async def _compare_everything(self) -> None:
        """Every column of every scope over all time, and every record."""
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
        self._judge(Call("", operation, query), expected, told)

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._resolved(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._resolved(one) for one in value]
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
async def trial(clouds: Clouds, policy: Policy) -> AsyncIterator[Trial]:
    """A fresh controller with these clouds to add and this policy, and its model."""
    with tempfile.TemporaryDirectory() as folder:
        given = {name: value for name, value in vars(policy).items() if value is not None}
        config = Config.model_validate({
            "state_dir": Path(folder),
            "netconf": {"listen": "127.0.0.1:0"},
            "policy": given,
            "user": [
                {"name": "admin", "authorized_keys": [PUBLIC], "groups": ["admin"]},
                {"name": GUEST, "authorized_keys": [PUBLIC]},
            ],
        })  # fmt: skip
        clock = ManualClock(T0)
        app = await build(config, clock, clouds)
        await app.start()
        try:
            async with (
                await connect(*app.address, "admin", client_keys=[KEY]) as admin,
                await connect(*app.address, GUEST, client_keys=[KEY]) as guest,
            ):
                yield Trial(app, clock, clouds, {"admin": admin, GUEST: guest}, Model(T0, policy))
        finally:
            await app.stop()


__all__ = ["Call", "Disagreement", "FakeCloud", "Trial", "trial"]
