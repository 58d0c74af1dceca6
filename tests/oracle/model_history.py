"""A long history on a controller without sockets: faults of clouds and disk, restarts, and judges after every step."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from oracle import model_controller, model_judges, model_time
from oracle.model import Model
from oracle.model_cloud import BUILDING, LATE
from oracle.model_columns import regrade
from oracle.model_facts import ACTORS
from oracle.model_moves import STATES
from oracle.model_trial import QUERIES, T0, Call, Disagreement, Trial
from oracle.still_loop import quiet

from promise.allocation.configuration import Configuration, configure
from promise.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from oracle.model_cloud import Clouds, FakeCloud
    from oracle.model_records import Policy

OVERDRAWS_NOTHING = frozenset({"create-reservation", "update-reservation", "increase-capacity"})

EVERY = 20
"""So many steps come between two of those after which the answers and the rebuild are judged as well.

At every step the records that the journal told are those of the state. At each restart and at the end every row of
the journal is read back and compared with what was told of it, so that no wrong entry hides behind a later one.
"""

PAGE = 7
"""Entries of a page of a list that is walked."""

PATIENCE = 100
"""So many times thirty seconds may pass until clouds that are well have done what they were asked."""


class History(Trial):
    async def step(self, call: Call) -> dict[str, Any]:
        state, now = self.app.state, self.clock.now()
        before = model_judges.excess(state, now, shown=False) if call.operation in OVERDRAWS_NOTHING else {}
        known = len(self.shadow.told)
        told = await super().step(call)
        alone = not any(entry.actor in ACTORS for entry in self.shadow.told[known:])
        if call.operation in OVERDRAWS_NOTHING and told["result"] == "ok" and alone:
            self._none(model_judges.worse(before, model_judges.excess(state, now)))
        return told

    async def _played(self, call: Call) -> dict[str, Any]:
        query = self.resolved(call.query)
        match call.operation:
            case "cloud":
                await self._mood(**query)
            case "server-made" | "server-gone" | "server-state" | "server-resized" | "thing":
                self._happens(call.operation, self.clouds.by_name[query["name"]], query)
            case "commits":
                self.controller.store.plan[:] = query["plan"]
            case "restart":
                await self._restart(killed=query["killed"])
            case "policy":
                await self._policy(query)
            case "providers":
                await self._providers(query)
            case "calm":
                await self.calm()
            case _:
                return await super()._played(call)
        await self.settle()
        return {}

    def _happens(self, what: str, cloud: FakeCloud, query: dict[str, Any]) -> None:
        """Somebody does something in a cloud without us."""
        if what == "server-made":
            cloud.make("direct", query["flavor"], query["zone"])
        elif what == "thing":
            cloud.turn(query["element"], query["state"])
        elif held := list(cloud.held):
            server = held[query["which"] % len(held)]
            if what == "server-gone":
                del cloud.held[server]
            elif what == "server-resized":
                cloud.resize(server, query["flavor"])
            else:
                cloud.put(server, query["state"])

    async def settle(self) -> None:
        """Wait until nobody has anything to do but to wait; what fell due and could not be written is written then."""
        await quiet()
        while (due := self.app.state.next_due()) is not None and due <= self.clock.now():
            self.controller.store.plan.clear()
            await self.ask("query-instance", {})
            await quiet()
        self.model.world.away = {name for name, cloud in self.cloud_of.items() if cloud.mood == "away"}

    def learn(self) -> None:
        super().learn()
        for one in self.model.world.instances.values():
            if not one.ours:
                self.ids[f"s-{one.server}"] = one.id

    async def _resize(self, query: dict[str, Any]) -> None:
        """The cloud changes; the controller sees it at its next whole look, if the cloud answers then."""
        cloud = self.clouds.by_name[query["name"]]
        cloud.bound, cloud.zones = query["bound"], query["zones"]
        await self.advance(60)

    async def _mood(self, name: str, mood: str, *, builds: bool) -> None:
        cloud = self.clouds.by_name[name]
        cloud.recover()
        cloud.mood, cloud.builds = mood, builds

    async def _restart(self, *, killed: bool) -> None:
        """The same controller again; what it knew must be what the tables say."""
        self.learn()
        self.rebuilt()
        await (self.controller.kill() if killed else self.controller.stop())
        await self.controller.begin()
        await self.follow()
        await self.settle()

    # ---- configuration

    async def _policy(self, query: dict[str, Any]) -> None:
        policy = self.app.state.policy
        await self._configure(replace(policy, **query), list(self.app.state.providers.values()))
        vars(self.model.world.policy).update(query)
        model_time.remember(self.model.world)

    async def _providers(self, query: dict[str, Any]) -> None:
        """The providers in another order, one of them with another overcommit."""
        known = list(self.app.state.providers.values())
        if not known:
            return
        known = known[query["turn"] % len(known) :] + known[: query["turn"] % len(known)]
        known[0] = replace(known[0], overcommit=query["overcommit"])
        await self._configure(self.app.state.policy, known)
        world = self.model.world
        world.providers = {one.id: world.providers[one.id] for one in known}
        world.providers[known[0].id].overcommit = query["overcommit"]
        regrade(world)

    async def _configure(self, policy: Any, providers: list[Any]) -> None:
        self.controller.store.plan.clear()
        wanted = Configuration(policy, providers)
        refusal = await self.app.ledger.submit(lambda book, now: configure(book, wanted, now), actor="admin")
        assert refusal is None, refusal
        self.model.advance(self.clock.now())

    def _undone(self, told: dict[str, Any]) -> bool:
        """Whether a commit has failed as it was planned to."""
        if told["result"] != "rpc-error":
            return False
        assert "disk I/O error" in told["text"], told
        self.controller.store.plan.clear()
        return True

    # ---- what is judged

    async def _judge_state(self, call: Call) -> None:
        if call.operation in QUERIES:
            return
        self.held_against_the_model()
        self._none(model_judges.unborne(self.app.state, self.clock.now()))
        if len(self.calls) % EVERY == 0:
            await self.compare_answers()
            self._none(model_judges.rebuilt(self.app.state, self.controller.store.real))

    async def compare_answers(self) -> None:
        """And page by page they are the same."""
        await super().compare_answers()
        await self._paged("query-reservation", {"state": list(STATES), "show-utilization": False}, "reservation")
        await self._paged("query-instance", {}, "instance")

    async def _paged(self, operation: str, query: dict[str, Any], kind: str) -> None:
        whole = (await self.ask(operation, query)).get(kind, {})
        walked: list[Any] = []
        marker: dict[str, Any] = {}
        while True:
            told = await self.ask(operation, query | {"limit": PAGE} | marker)
            page = told.get(kind, {})
            walked += page.items()
            if "next-marker" not in told:
                break
            assert len(page) == PAGE, f"a page of {len(page)} and more to come"
            marker = {"marker": told["next-marker"]}
        if walked != list(whole.items()):
            raise Disagreement(f"{operation} page by page\n  {[name for name, _ in walked]} is not {list(whole)}")

    def rebuilt(self) -> None:
        state, store = self.app.state, self.controller.store
        self._none(model_judges.rebuilt(state, store.real))
        self._none(model_judges.replayed(state, store.real, self.shadow.told))

    async def calm(self) -> None:
        """Let all faults end and all clouds do what they were asked; then they have what the records say."""
        self.controller.store.plan.clear()
        for cloud in self.clouds.by_name.values():
            cloud.recover()
            cloud.make_up(cloud.now + LATE)
        for _ in range(PATIENCE):
            await self.advance(30)
            self.learn()
            if not self.app.state.open_operations:
                break
        await self.advance(BUILDING + 1)
        for provider in list(self.app.state.providers):
            await self.app.work.sync.look(provider)
        await self.settle()
        self.learn()
        for provider in self.app.state.providers:
            self._none(model_judges.strange(self.app.state, provider, self.cloud_of[provider]))
            self._none(model_judges.unmissed(self.app.state, provider, self.cloud_of[provider]))

    async def end(self) -> None:
        """The judges that come at the end, whatever was before."""
        self.calls.append(Call("end", "calm", {}))
        await self.calm()
        self.held_against_the_model()
        await self.compare_answers()
        await self._restart(killed=False)
        self.learn()
        self.rebuilt()
        self.held_against_the_model()

    def _none(self, found: Any) -> None:
        if parts := list(found):
            raise Disagreement("the controller by itself\n  " + "\n  ".join(parts))


@asynccontextmanager
async def history(clouds: Clouds, policy: Policy, seed: int) -> AsyncIterator[History]:
    """A fresh controller in the loop of `still_loop`, and its model."""
    async with model_controller.inside(ManualClock(T0), clouds, policy, seed) as controller:
        court = History(controller, Model(T0, policy))
        await court.follow()
        yield court
