"""Plays a story: one step after the other, each compared with what the story expects, then what must always hold."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from scenarios.runner import messages, told
from scenarios.runner.cloud import control
from scenarios.runner.comparison import differences
from scenarios.runner.invariants import columns_hold, rebuilt_is_live
from scenarios.runner.judgement import StoryFailed, invalid, judge, outcome
from scenarios.runner.probe import untrue
from scenarios.runner.stage import stage
from scenarios.runner.story import step
from scenarios.runner.words import T0, StoryError, Words, duration, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from pathlib import Path

    from lxml.etree import _Element
    from netconf_client import NetconfClient
    from scenarios.runner.stage import Stage
    from scenarios.runner.story import Step, Story

LONGEST_SETTLE: Final = "PT60S"


class Player:
    """Plays the steps of one story on its stage. `asked` counts the requests, for the report."""

    def __init__(self, story: Story, on: Stage) -> None:
        self.story = story
        self.stage = on
        self.words = Words()
        self.asked = 0
        self._kinds: Mapping[str, Callable[[Step], Coroutine[Any, Any, None]]] = {
            "get": self._ask,
            "get-config": self._ask,
            "raw": self._ask,
            "advance": self._advance,
            "restart": self._restart,
            "parallel": self._parallel,
            "pipeline": self._pipeline,
            "settle": self._settle,
            "cloud": self._cloud,
            "subscribe": lambda what: told.subscribe(self, what),
            "expect-notifications": lambda what: told.expect(self, what),
            "check": lambda what: check(self, what.place),
        }

    async def play(self) -> None:
        """Play the whole story."""
        for name, site in self.stage.sites.items():
            self.words.learn(f"{name}.url", site.url)
        for each in self._given():
            await self._step(each)
        for each in self.story.steps:
            await self._step(each)
        if self.words.idle:
            raise StoryError(f"${', $'.join(self.words.idle)} got a value from a reply and was never used again")

    def _given(self) -> list[Step]:
        """Return the steps that make what the story starts with: its providers and pools."""
        made = []
        for name, said in self.story.clouds.items():
            if (said or {}).get("added", True):
                made.append({"add-provider": self._access(name), "expect": {"provider-id": f"${name}"}})
        first = next(iter(self.stage.sites), "")
        for number, pool in enumerate(self.story.pools, 1):
            given = pool if "capacity" in pool else {"capacity": pool}
            given = {"source": f"${first}", **given}
            made.append({"increase-capacity": given, "expect": {"pool-id": f"$pool{number}"}})
        return [step(given, f"given {number}") for number, given in enumerate(made, 1)]

    def _access(self, name: str) -> dict[str, Any]:
        return {
            "provider-type": "openstack",
            "endpoint": f"{self.stage.sites[name].url}/identity/v3",
            "username": "promise",
            "password": "promise",
            "project": {"name": "promise"},
            "name": name,
        }

    async def _step(self, what: Step) -> None:
        self.stage.running  # noqa: B018 - a story that has stopped its controller cannot go on
        await self._kinds.get(what.kind, self._ask)(what)
        if not what.beside.get("unsettled"):
            await self.stage.quiet()
        if what.place.startswith("given"):
            self.words.forgive()

    # ---- asking

    def request(self, what: Step) -> str:
        """Return the element that a step asks with."""
        if what.kind == "raw":
            return self.words.filled(what.given)
        if what.kind in {"get", "get-config"}:
            return messages.reading(what.kind, what.given, self.words)
        return messages.operation(what.kind, what.given, self.words)

    async def ask(self, session: NetconfClient, asked: str) -> _Element:
        """Return the reply to a request."""
        self.asked += 1
        reply: _Element = await session.rpc(asked)
        return reply

    async def _ask(self, what: Step) -> None:
        asked = self.request(what)
        reply = await self.ask(await self.stage.session(what.user), asked)
        judge(what, asked, reply, self.words)
        if found := await untrue(self, what, reply):
            raise StoryFailed(what.place, found, asked, reply)

    # ---- several at once

    async def _parallel(self, what: Step) -> None:
        """Ask from a session for each, all at the same time; `outcomes` counts the results, or the reasons."""
        steps = self._several(what)
        sessions = await asyncio.gather(*(self.stage.another(each.user) for each in steps))
        try:
            asked = [self.request(each) for each in steps]
            replies = await asyncio.gather(*(self.ask(*pair) for pair in zip(sessions, asked, strict=True)))
        finally:
            await asyncio.gather(*(session.close() for session in sessions))
        self._judge_all(what, steps, asked, replies)

    async def _pipeline(self, what: Step) -> None:
        """Send all in one write on one session; the replies must come in the same order."""
        steps = self._several(what)
        session = await self.stage.session(what.user)
        asked = [self.request(each) for each in steps]
        self.asked += len(asked)
        self._judge_all(what, steps, asked, await session.pipeline(asked))

    def _several(self, what: Step) -> list[Step]:
        times = what.beside.get("times", 1)
        given = what.given if isinstance(what.given, list) else [what.given]
        return [step(each, f"{what.place}.{number}") for number, each in enumerate(given * times, 1)]

    def _judge_all(self, what: Step, steps: Sequence[Step], asked: Sequence[str], replies: Sequence[_Element]) -> None:
        outcomes = what.beside.get("outcomes")
        for each, request, reply in zip(steps, asked, replies, strict=True):
            if outcomes is None:
                judge(each, request, reply, self.words)
            elif found := invalid(each, reply):
                raise StoryFailed(each.place, found, request, reply)
        if outcomes is None:
            return
        counted = Counter(outcome(reply) for reply in replies)
        if counted != Counter(outcomes):
            raise StoryFailed(what.place, [f"outcomes must be {outcomes}, and are {dict(counted)}"], asked[0])

    # ---- time and what goes on by itself

    async def _advance(self, what: Step) -> None:
        if not isinstance(what.given, str):
            raise StoryError(f"step {what.place}: advance by a duration, or to a moment")
        to = moment(what.given)
        seconds = int(duration(what.given).total_seconds()) if to is None else int(to.timestamp() - self.now())
        await self.stage.advance(seconds)

    def now(self) -> int:
        """Return the moment at which the story is."""
        return self.stage.clock.now()

    async def _restart(self, what: Step) -> None:
        """Stop the controller and start it again; `advance` is how long it is away."""
        given = what.given or {}
        await self.stage.stop()
        if "away" in given:
            await self.stage.clock.advance(int(duration(given["away"]).total_seconds()))
        await self.stage.start()

    async def _settle(self, what: Step) -> None:
        """Advance second by second until an instance has a state."""
        instance, state = self.words.text(what.given["instance"]), what.given["state"]
        last = self.now() + int(duration(what.given.get("within", LONGEST_SETTLE)).total_seconds())
        asked = messages.operation("query-instance", {"instance-id": instance}, self.words)
        while True:
            reply = await self.ask(await self.stage.session("admin"), asked)
            found = reply.findtext(f".//{{{messages.NAMESPACE}}}vm-state")
            if found == state:
                return
            if self.now() >= last:
                seconds = self.now() - T0
                raise StoryFailed(
                    what.place, [f"{instance} is {found}, not {state}, {seconds} s after T0"], asked, reply
                )
            await self.stage.advance(1)

    # ---- the clouds

    async def _cloud(self, what: Step) -> None:
        """Ask the simulator's control API, or let the cloud vanish and come back."""
        name = what.beside.get("at", next(iter(self.stage.sites)))
        if name not in self.stage.sites:
            raise StoryError(f"step {what.place}: there is no cloud {name}")
        answer = await control(
            self.stage.sites[name], self.words.filled(what.given), what.beside.get("body"), self.words
        )
        found = list(differences(what.expect, [answer], self.words, what.given)) if what.expect is not None else []
        if found:
            raise StoryFailed(what.place, found, what.given, answer)


async def perform(story: Story, folder: Path) -> Player:
    """Play a story, and check what must be true after every one; the state is kept in `folder`."""
    on = stage(story, folder)
    player = Player(story, on)
    try:
        await on.open()
        await player.play()
        await check(player)
        live, url = on.running.state, on.config.ledger_url
        await on.stop()
        if found := rebuilt_is_live(live, url):
            raise StoryFailed("end", found)
    finally:
        await on.close()
    return player


async def check(player: Player, place: str = "end") -> None:
    """Check that what is answered is what the records add up to."""
    if found := await columns_hold(player.stage, may_overdraw=bool(player.story.may_overdraw)):
        raise StoryFailed(place, found)
