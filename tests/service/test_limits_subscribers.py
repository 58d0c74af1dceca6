"""What subscribers may take: subscriptions, streams, and what waits for them."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from netconf_client import NC, connect
from netconf_server import until
from restconf_house import House, house

from promise.northbound.access import Caller
from promise.northbound.events.bounds import Bounds
from promise.northbound.port import Interest
from promise.northbound.words import actor_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")
SN = "urn:ietf:params:xml:ns:yang:ietf-subscribed-notifications"
ESTABLISH = f'<establish-subscription xmlns="{SN}"><stream>NETCONF</stream></establish-subscription>'
OWN = '<subscribe-capacity-events xmlns="urn:opnfv:promise"/>'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def frugal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("subscribers") / "state") as found:
        assert found.app.front.events.bounds == Bounds()
        found.app.front.events.bound(Bounds(established=2, own=2, streams=2, waiting=10))
        yield found


def login(user: str) -> bytes:
    return f"Authorization: Basic {base64.b64encode(f'{user}:{user}'.encode()).decode()}\r\n".encode()


async def stream(house: House, user: str) -> tuple[bytes, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(*house.app.http)
    writer.write(b"GET /restconf/streams/NETCONF/json HTTP/1.1\r\nHost: x\r\n" + login(user) + b"\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " in head:
        await reader.readuntil(b"retry: 1000\n\n")
    return head, writer


@pytest.mark.limit(
    "subscriptions without number", "a session has so many", "subscription.max_established", "subscription.max_own"
)
@pytest.mark.parametrize("asked", [ESTABLISH, OWN])
async def test_a_session_has_so_many_subscriptions(frugal: House, asked: str) -> None:
    async with await connect(*frugal.app.address, "alice", "alice") as client:
        replies = await client.pipeline([asked] * 3)
        assert [reply.findtext(f".//{NC}error-tag") for reply in replies] == [None, None, "resource-denied"]
        assert "2 subscriptions" in (replies[2].findtext(f".//{NC}error-message") or "")
    async with await connect(*frugal.app.address, "alice", "alice") as client:
        assert (await client.rpc(asked)).find(f".//{NC}error-tag") is None


@pytest.mark.limit(
    "event streams without number", "a user reads so many at a time", "subscription.max_streams_per_user"
)
async def test_a_user_reads_so_many_streams(frugal: House) -> None:
    first, second, third, other = [await stream(frugal, user) for user in ("alice", "alice", "alice", "carol")]
    assert [b" 200 " in head for head, _ in (first, second, third, other)] == [True, True, False, True]
    assert third[0].startswith(b"HTTP/1.1 409 ")
    first[1].transport.abort()
    await until(lambda: len(frugal.app.front.streams._open) == 2)
    head, writer = await stream(frugal, "alice")
    assert b" 200 " in head
    for _, each in (second, third, other, (head, writer)):
        each.transport.abort()
    await until(lambda: not frugal.app.front.streams._open)


@pytest.mark.limit("a subscriber that never reads", "so much waits beside the journal", "subscription.max_waiting")
async def test_so_much_waits_for_a_subscriber(frugal: House) -> None:
    events = frugal.app.front.events
    subscription = await events.subscribe(actor_of(Caller("admin")), Interest())
    for _ in range(7):  # the beginning and the end of a session stand beside the journal
        async with await connect(*frugal.app.address, "alice", "alice"):
            pass
    await until(lambda: not frugal.app.server.sessions)
    assert len(subscription.aside) == 10
    subscription.close()
