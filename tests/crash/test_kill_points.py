"""kill -9 at chosen points between the decision on an instance and what becomes of it in the cloud.

Faults of the simulated cloud hold each request where the kill is to find it. Whatever the point, one server survives
for each instance that is wanted, none for others, and nobody asks twice for what the cloud has.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from crash.asking import Cancel, Create, Destroy, Edit, Increase, Launch, Update
from crash.book import Book, Fate, Launched, Offered, Promised
from crash.deployment import ADMIN, Deployment
from crash.kept import Lock
from crash.processes import PATIENCE
from crash.shown import EVERYTHING
from crash.terms import Change, Terms
from crash.verification import quiet, verify
from netconf_client import rpc_message

from promise.allocation.server import ServerSpec
from promise.capacity.provider import Access
from promise.clock import SystemClock
from promise.vim.openstack import OpenStack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from crash.asking import Request
    from crash.book import Market
    from crash.processes import Cradle
    from crash.records import Instance, Snapshot
    from netconf_client import NetconfClient

POST: Final = {"service": "compute", "method": "POST", "path": "/servers$", "count": 1}


DOUBLED: Final = ("made-and-reply-hangs", "sent-and-never-made", "destroyed-and-never-made")
"""The instances that in the end get a server too many."""

MOMENT: Final = 0.15
"""Seconds in which an answer would come that did not wait until it is durable."""


@dataclass(frozen=True)
class Point:
    """Where the kill finds a create; `asked` is how often the cloud is asked for the server in all."""

    name: str
    fault: dict[str, Any]
    asked: int
    unwanted: bool = False


POINTS: Final = (
    Point("made-and-reply-hangs", {"action": "hang", "after": True}, 1),
    Point("made-and-reply-lost", {"action": "drop", "after": True}, 1),
    Point("made-and-reply-is-an-error", {"action": "error", "status": 500, "after": True}, 1),
    Point("sent-and-made-later", {"action": "delay", "seconds": 1.5}, 1),
    Point("sent-and-never-made", {"action": "hang"}, 2),
    Point("sent-and-dropped", {"action": "drop"}, 2),
    Point("put-off-by-the-cloud", {"action": "error", "status": 429}, 2),
    Point("destroyed-and-made", {"action": "hang", "after": True}, 1, unwanted=True),
    Point("destroyed-and-made-later", {"action": "delay", "seconds": 1.5}, 1, unwanted=True),
    Point("destroyed-and-never-made", {"action": "hang"}, 1, unwanted=True),
)
ENDS: Final[dict[str, dict[str, Any]]] = {
    "delete-sent-and-reply-hangs": {"action": "hang", "after": True},
    "delete-sent-and-reply-lost": {"action": "drop", "after": True},
    "delete-sent-without-effect": {"action": "hang"},
}
"""Where the kill finds a delete."""

BEFORE_POST: Final = "claimed-and-nothing-sent"
"""The create is claimed; what the kill finds is a sign-in that it waits for, since its token was not accepted."""


class Story:
    """One deployment with a reservation for all the instances."""

    def __init__(self, deployment: Deployment, market: Market, book: Book, client: NetconfClient) -> None:
        self.deployment = deployment
        self.market = market
        self.book = book
        self.client = client
        self.clock = SystemClock()
        self.reservation = Promised("all", ADMIN, self.clock.now())

    async def ask(self, *requests: Request) -> None:
        """Ask for several things at once, and write down the answers."""
        for request, reply in zip(requests, await self.client.pipeline([one.xml for one in requests]), strict=True):
            request.answered(reply, self.clock.now())

    async def reserve(self) -> None:
        """Promise enough for everything that follows."""
        count = len(POINTS) + len(ENDS) + 1
        self.reservation.asked = Terms(
            {"cores": count, "ram": 512 * count, "instances": count}, 0, None, None, "high", None
        )
        self.book.promised["all"] = self.reservation
        await self.ask(Create(self.reservation))

    def launch(self, name: str) -> Launch:
        """Return the request for an instance."""
        launched = Launched(name, ADMIN, self.clock.now(), capacity=self.market.needs["m1.tiny"])
        launched.reservation = self.reservation
        self.book.launched[name] = launched
        return Launch(launched, "m1.tiny")

    def destroy(self, name: str) -> Destroy:
        """Return the request to end it."""
        launched = self.book.launched[name]
        launched.destroyed = Fate.OPEN
        return Destroy(launched)

    async def struck(self, rules: Sequence[int]) -> None:
        """Wait until each of these faults has met its request."""
        async with asyncio.timeout(PATIENCE):
            while True:
                hits = {rule["id"]: rule["hits"] for rule in await self.deployment.control("GET", "/faults")}
                if all(hits[rule] for rule in rules):
                    return
                await asyncio.sleep(0.02)

    async def start_again(self, cradle: Cradle) -> None:
        """Start the server after a kill, and log in."""
        await self.client.close()
        await self.deployment.launch(cradle)
        await self.deployment.ready()
        self.client = await self.deployment.session()

    async def rest(self) -> Snapshot:
        """Return what is there when all is quiet, once it is what was asked for."""
        records = await quiet(self.deployment, self.client)
        await verify(self.client, self.book, self.market.provider, self.clock)
        return records

    async def posts(self) -> int:
        """Return how many servers the cloud was asked for."""
        requests = await self.deployment.control("GET", "/requests")
        return sum(one["method"] == "POST" and one["path"].endswith("/servers") for one in requests)


async def opened(deployment: Deployment) -> Story:
    """Offer, reserve, and start the instances whose end is to go wrong."""
    clock, book = SystemClock(), Book()
    market = await deployment.offer(book, clock)
    story = Story(deployment, market, book, await deployment.session())
    await story.reserve()
    await story.ask(*(story.launch(name) for name in ENDS))
    await story.rest()
    return story


async def hold(story: Story) -> None:
    """Bring everything to the point at which the kill is to find it."""
    deployment = story.deployment
    rules = [await deployment.spoil(**POST, body=f'"{point.name}"', **point.fault) for point in POINTS]
    for name, fault in ENDS.items():
        path = f"/servers/{story.book.launched[name].server}$"
        rules.append(await deployment.spoil(service="compute", method="DELETE", path=path, **fault, count=1))
    await story.ask(*(story.launch(point.name) for point in POINTS))
    await story.ask(*(story.destroy(point.name) for point in POINTS if point.unwanted))
    await story.ask(*(story.destroy(name) for name in ENDS))
    await story.struck(rules)
    sign_in = {"service": "identity", "method": "POST", "path": "/auth/tokens$", "action": "hang", "count": 1}
    rules = [
        await deployment.spoil(**POST, body=BEFORE_POST, action="error", status=401),
        await deployment.spoil(**sign_in),
    ]
    await story.ask(story.launch(BEFORE_POST))
    await story.struck(rules)


async def double(deployment: Deployment, instances: Iterable[Instance]) -> None:
    """Make a second server for each instance, as a request does that took its effect after all patience."""
    who = {"username": "promise", "project_name": "promise", "project_domain_name": "Default"}
    cloud = OpenStack(Access(f"{deployment.url}/identity/v3", **who), "promise")
    images, networks = await cloud.image("cirros"), await cloud.network("private")
    for one in instances:
        await cloud.create_server(ServerSpec(one.id, one.name, images[0], one.flavor, tuple(networks), one.zone))
    await cloud.close()


async def test_one_server_survives_wherever_the_kill_finds_its_create(tmp_path: Path, cradle: Cradle) -> None:
    async with Deployment.opened(tmp_path, cradle) as deployment:
        story = await opened(deployment)
        before = await story.posts()
        await hold(story)
        for _ in range(2):  # where all is held, and when the next server has just begun to look for it
            await deployment.kill()
            await story.start_again(cradle)
            await verify(story.client, story.book, story.market.provider, story.clock)
        records = await story.rest()

        states = {one.name: one.vm_state for one in records.instances.values()}
        wanted = {point.name: "DELETED" if point.unwanted else "ACTIVE" for point in POINTS}
        assert states == wanted | dict.fromkeys(ENDS, "DELETED") | {BEFORE_POST: "ACTIVE"}
        creates = {one.instance: one.attempts for one in records.operations.values() if one.kind == "create-server"}
        attempts = {one.name: creates[one.id] for one in records.instances.values() if one.name not in ENDS}
        expected = {point.name: point.asked for point in POINTS} | {BEFORE_POST: 2}
        assert attempts == expected
        assert await story.posts() - before == sum(expected.values())
        await double(deployment, [one for one in records.instances.values() if one.name in DOUBLED])
        await deployment.kill()
        await story.start_again(cradle)
        assert (await story.rest()).instances == records.instances
        await story.client.close()
        deployment.server.terminate()
        await deployment.stopped()


def undurable(story: Story) -> Iterator[Request]:
    """Yield requests of every kind, each made up when the one before it has been forgotten."""
    now, held = story.clock.now(), story.reservation

    def changed(change: Change) -> Change:
        held.changes.append(change)
        return change

    yield Cancel(held, changed(Change(cancel=True)))
    yield Update(held, changed(Change({"cores": 30})))
    created = Promised("new", ADMIN, now, asked=replace(held.asked, capacity={"cores": 1}))
    story.book.promised["new"] = created
    yield Create(created)
    offered = Offered("more", ADMIN, now, capacity={"cores": 1})
    story.book.offered["more"] = offered
    yield Increase(offered, story.market.provider)
    setting = story.book.alternatives
    setting.edits.append(setting.value + 1)
    yield Edit(setting, setting.value + 1)
    yield story.launch("early")
    yield story.destroy(next(iter(ENDS)))


async def test_nothing_is_answered_or_shown_before_it_is_durable(tmp_path: Path, cradle: Cradle) -> None:
    async with Deployment.opened(tmp_path, cradle) as deployment:
        story, lock = await opened(deployment), Lock(deployment.ledger)
        before, _ = await verify(story.client, story.book, story.market.provider, story.clock)
        for request in undurable(story):
            looking = await deployment.session()
            heard = story.client.bytes_received, looking.bytes_received
            lock.hold()
            story.client.send_message(rpc_message(request.xml, "1"))
            await asyncio.sleep(MOMENT)
            looking.send_message(rpc_message(EVERYTHING, "1"))
            await asyncio.sleep(MOMENT)
            await deployment.kill()
            assert (story.client.bytes_received, looking.bytes_received) == heard, request
            lock.release()
            await looking.close()
            await story.start_again(cradle)
            after, found = await verify(story.client, story.book, story.market.provider, story.clock)
            assert (found, after) == (0, before), request
        await story.client.close()
