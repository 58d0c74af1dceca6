"""What clients and clouds do in a workflow: a list of steps, of which each life does those that are not done yet.

A request that was not answered is asked again in the next life, as a client does: with its idempotency key where the
request has one. So whatever the stop, in the end each request was answered, and once.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from lxml import etree
from scenarios.runner import messages
from scenarios.runner.words import StoryError, Words

from promise.errors import PromiseError
from promise.northbound.access import Caller
from promise.northbound.port import Pending

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from crashpoints.cloud import MemoryCloud
    from crashpoints.stops import Stops

    from promise.app import App

ADMIN = Caller("admin", frozenset({"admin"}))
EDIT = (
    '<edit-config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0">'
    '<target><running/></target><config><promise xmlns="urn:opnfv:promise">{}</promise></config></edit-config>'
)


class Step(Protocol):
    """One step; what it returns is what clients know from then on."""

    async def do(self, app: App, stops: Stops, *, again: bool) -> object:
        """Do it; `again` tells that an earlier life may have done it."""


@dataclass(frozen=True)
class Ask:
    """An RPC in the compact form of the stories, "$name" standing for an id that was learnt.

    `learn` names the leaf of the answer to keep, and under which name. `result` is what the answer has to say;
    `again` what it may say instead when it is asked again.
    """

    rpc: str
    given: Mapping[str, Any]
    learn: Mapping[str, str] = field(default_factory=dict)
    result: str = "ok"
    again: Sequence[str] = ()

    async def do(self, app: App, stops: Stops, *, again: bool) -> object:
        """Ask, and see that the answer is the expected one."""
        words = Words()
        for known, meant in stops.world.words.items():
            words.learn(known, meant)
        try:
            request = messages.operation(self.rpc, self.given, words)
        except StoryError:
            assert stops.world.late
            return "what it is about was never made"
        reply = await answered(app, request)
        said = reason_or_result(reply)
        expected = {self.result, *(self.again if again else ())}
        if stops.world.late and said not in expected:
            return said
        assert said in expected, f"{self.rpc} is {said}, not {expected}: {etree.tostring(reply).decode()}"
        for name, leaf in self.learn.items():
            value = reply.findtext(f"{{*}}{leaf}")
            assert value, f"{self.rpc} has no {leaf}"
            first = stops.world.words.setdefault(name, value)
            assert first == value, f"{name} was {first}, and is {value} when it is asked for again"
        return said


@dataclass(frozen=True)
class Edit:
    """An <edit-config> of what is below /promise."""

    config: str

    async def do(self, app: App, stops: Stops, *, again: bool) -> object:
        """Edit."""
        config = self.config
        for name, value in stops.world.words.items():
            config = config.replace(f"${name}", value)
        reply = await answered(app, EDIT.format(config))
        assert reply.find("{*}ok") is not None, etree.tostring(reply).decode()
        return "ok"


@dataclass(frozen=True)
class Wait:
    """Let time go by, until so many seconds after T0."""

    until: float

    async def do(self, app: App, stops: Stops, *, again: bool) -> object:
        """Wait."""
        await asyncio.sleep(max(0.0, self.until - asyncio.get_running_loop().time()))
        return None


@dataclass(frozen=True)
class Cloud:
    """Something happens in a cloud behind our back."""

    change: Callable[[MemoryCloud], object]
    name: str = "one"

    async def do(self, app: App, stops: Stops, *, again: bool) -> object:
        """Let it happen; it is done at once."""
        cloud = stops.world.clouds[self.name]
        cloud.pass_time(asyncio.get_running_loop().time())
        self.change(cloud)
        return None


@dataclass(frozen=True)
class Erased:
    """See that no password that was replaced is in any file."""

    async def do(self, app: App, stops: Stops, *, again: bool) -> object:
        """Look through the files."""
        files = b"".join(file.read_bytes() for file in stops.folder.iterdir())
        for cloud in stops.world.clouds.values():
            for old in cloud.old_passwords:
                assert old.encode() not in files, f"{old} is still on the disk"
        return None


async def answered(app: App, request: str) -> etree._Element:
    """Return the reply to a request, as an element; what would be an <rpc-error> too."""
    try:
        found = await app.server._requests.answer(ADMIN, etree.fromstring(request))
        content = await found.reply if isinstance(found, Pending) else found
    except PromiseError as error:
        return etree.fromstring(f"<rpc-reply><result>{type(error).__name__}</result></rpc-reply>")
    assert isinstance(content, bytes)
    return etree.fromstring(b'<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">%s</rpc-reply>' % content)


def reason_or_result(reply: etree._Element) -> str:
    """Return the reason of a refusal, else the result."""
    found = reply.findtext("{*}reason") or reply.findtext("{*}result") or reply.findtext(".//{*}result") or "nothing"
    return found.rpartition(":")[2]


async def play(script: Sequence[Step], app: App, stops: Stops) -> None:
    """Do the steps that were not done in earlier lives."""
    for number, step in enumerate(script):
        if number in stops.world.said:
            continue
        again = number in stops.world.asked
        stops.world.asked.add(number)
        said = await step.do(app, stops, again=again)
        stops.alive()
        stops.world.said[number] = said
        stops.reach(f"step {number + 1} is done: {said}")


async def repeat(script: Sequence[Step], app: App, stops: Stops) -> None:
    """Ask once more for what has a key: the answer is the decision of before, and nothing happens."""
    seq = app.ledger.seq
    for step in script:
        if isinstance(step, Ask) and "idempotency-key" in step.given:
            await step.do(app, stops, again=True)
    assert app.ledger.seq == seq, "a repeated request has changed something"
