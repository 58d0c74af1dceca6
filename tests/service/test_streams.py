"""Server-sent events on RESTCONF: both encodings, replay, filters, coming back, and who may read what."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from evidence import EVIDENCE
from lxml import etree
from netconf_server import HASH, P
from notified import event, playing, reserve

from promise.northbound import bindings as yang

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from scenarios.runner.play import Player

PASSWORD = "secret"


@pytest.fixture
async def player(tmp_path: Path) -> AsyncIterator[Player]:
    async with playing(tmp_path) as opened:
        known = opened.stage.running.users._users
        for name in ("admin", "alice", "carol"):
            known[name] = replace(known[name], password_hash=HASH)
        yield opened


def login(user: str) -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth(user, PASSWORD)}


class Events:
    """A reader of one stream: its events as (id, data)."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self._lines: list[str] = []

    async def next(self) -> tuple[str, str]:
        """Return the next event; comments and `retry` are passed over."""
        found: dict[str, list[str]] = {}
        async with asyncio.timeout(20):
            while True:
                line = (await self.response.content.readline()).decode()
                if not line:
                    raise EOFError
                line = line.rstrip("\n")
                if not line and "data" in found:
                    data = "\n".join(found["data"])
                    EVIDENCE.sent(data)
                    return found["id"][0], data
                name, _, value = line.partition(": ")
                if name in {"id", "data"}:
                    found.setdefault(name, []).append(value)

    async def ended(self) -> bool:
        async with asyncio.timeout(20):
            return not (await self.response.content.read()).replace(b"retry: 1000\n\n", b"")


@asynccontextmanager
async def reading(player: Player, path: str, user: str = "admin", **headers: str) -> AsyncIterator[Events]:
    host, port = player.stage.running.http
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with aiohttp.ClientSession(headers=login(user)) as http:
        url = path if path.startswith("http") else f"http://{host}:{port}/restconf/streams/{path}"
        async with http.get(url, headers={"Accept": "text/event-stream", **sent}) as response:
            yield Events(response)


async def post(player: Player, name: str, asked: Any, user: str = "admin") -> Any:
    host, port = player.stage.running.http
    async with (
        aiohttp.ClientSession(headers=login(user)) as http,
        http.post(
            f"http://{host}:{port}/restconf/operations/opnfv-promise:{name}",
            json={"opnfv-promise:input": asked},
            headers={"Content-Type": "application/yang-data+json"},
        ) as response,
    ):
        return (await response.json(content_type=None))["opnfv-promise:output"]


def body(data: str) -> Any:
    outer = json.loads(data)["ietf-restconf:notification"]
    del outer["eventTime"]
    ((member, _),) = outer.items()
    return yang.NOTIFICATIONS[member.partition(":")[2]].decode_json(outer)


@pytest.mark.rfc("8040", "6.4", "notifications as events, in JSON and XML")
async def test_live_in_json_and_in_xml_is_what_the_session_is_told(player: Player) -> None:
    client = await player.stage.session("admin")
    await client.subscribe()
    async with reading(player, "NETCONF/json") as plain, reading(player, "NETCONF/xml") as marked:
        assert plain.response.status == 200
        assert plain.response.content_type == "text/event-stream"
        await client.rpc(reserve(3, "a\nb"))
        for _ in range(2):
            document = await client.notification()
            name, seq = event(document)
            number, data = await plain.next()
            assert number.startswith(f"{seq}.")
            told = yang.NOTIFICATIONS[name].decode_xml(etree.fromstring(document)[1])
            assert body(data) == told
            again, text = await marked.next()
            assert (again, etree.fromstring(text.encode())[1].tag) == (number, P + name)
            assert yang.NOTIFICATIONS[name].decode_xml(etree.fromstring(text.encode())[1]) == told


@pytest.mark.rfc("8040", "4.8.4", "filter")
@pytest.mark.rfc("8040", "4.8.7", "start-time")
@pytest.mark.rfc("8040", "4.8.8", "stop-time")
async def test_a_stream_has_its_own_events_and_replays_them(player: Player) -> None:
    client = await player.stage.session("admin")
    await client.pipeline([reserve(each) for each in range(1, 6)])
    start = "start-time=2030-01-01T00:00:00Z"
    async with reading(player, f"reservation/json?{start}") as events:
        told = [body((await events.next())[1]) for _ in range(5)]
        assert [each.reservation.capacity.cores for each in told] == [1, 2, 3, 4, 5]
        await client.rpc(reserve(6))
        assert body((await events.next())[1]).reservation.capacity.cores == 6
    expression = "/opnfv-promise:reservation-event[opnfv-promise:reservation/promise:capacity/promise:cores>4]"
    async with reading(player, f"NETCONF/json?{start}&filter={expression}") as events:
        told = [body((await events.next())[1]) for _ in range(2)]
        assert [each.reservation.capacity.cores for each in told] == [5, 6]
    async with reading(player, f"allocation/xml?{start}&stop-time=2030-01-01T00:00:10%2B00:00") as events:
        await player.stage.advance(60)
        assert await events.ended()


async def test_who_comes_back_goes_on_behind_what_was_read(player: Player) -> None:
    client = await player.stage.session("admin")
    async with reading(player, "NETCONF/json") as events:
        await client.pipeline([reserve(each) for each in range(1, 4)])
        whole = [await events.next() for _ in range(6)]
    for read in range(6):
        async with reading(player, "NETCONF/json", Last_Event_ID=whole[read][0]) as events:
            rest = [await events.next() for _ in range(5 - read)]
            assert rest == whole[read + 1 :]
    await player.stage.stop()
    await player.stage.start()


async def test_records_are_told_to_those_who_may_see_them(player: Player) -> None:
    alice = await player.stage.session("alice")
    stream = "reservation/json"
    async with reading(player, stream, "carol") as others, reading(player, stream, "alice") as own:
        await alice.rpc(reserve(1))
        carol = await player.stage.session("carol")
        await carol.rpc(reserve(2))
        assert body((await own.next())[1]).reservation.capacity.cores == 1
        assert body((await others.next())[1]).reservation.capacity.cores == 2


@pytest.mark.rfc("8040", "6.3", "what cannot be subscribed is refused")
@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("SNMP/json", {}, 404),
        ("NETCONF", {}, 404),
        ("NETCONF/yaml", {}, 404),
        ("NETCONF/json?start-time=soon", {}, 400),
        ("NETCONF/json?start-time=2031-01-01T00:00:00Z", {}, 400),
        ("NETCONF/json?stop-time=2031-01-01T00:00:00Z", {}, 400),
        ("NETCONF/json?filter=//[", {}, 400),
        ("NETCONF/json?filter=unknown:x", {}, 400),
        ("NETCONF/json?depth=1", {}, 400),
        ("NETCONF/json", {"Last_Event_ID": "yesterday"}, 400),
        ("NETCONF/json", {"Accept": "application/json"}, 406),
    ],
)
async def test_what_cannot_be_read_is_told_why(player: Player, path: str, headers: dict[str, str], status: int) -> None:
    async with reading(player, path, **headers) as events:
        assert events.response.status == status
        told = json.loads(await events.response.read())
        assert told["ietf-restconf:errors"]["error"][0]["error-message"]


@pytest.mark.rfc("8040", "6.3.1", "the stream NETCONF is there")
@pytest.mark.rfc("8040", "3.8", "event stream resources")
@pytest.mark.rfc("8040", "6.2", "every location that is listed is served")
@pytest.mark.rfc("8040", "9.2", "the list of streams")
async def test_the_places_of_streams_can_be_followed(player: Player) -> None:
    host, port = player.stage.running.http
    url = f"http://{host}:{port}/restconf/data/ietf-restconf-monitoring:restconf-state/streams"
    async with aiohttp.ClientSession(headers=login("admin")) as http, http.get(url) as response:
        listed = json.loads(await response.read())["ietf-restconf-monitoring:streams"]["stream"]
    assert [each["name"] for each in listed] == ["NETCONF", "capacity", "reservation", "allocation"]
    for stream in listed:
        for access in stream["access"]:
            async with reading(player, access["location"]) as events:
                assert events.response.status == 200


async def test_a_subscription_made_over_restconf_has_a_stream_of_its_own(player: Player) -> None:
    client = await player.stage.session("alice")
    told = await post(player, "subscribe-reservation-events", {"filter": {"state": ["cancelled"]}}, "alice")
    key = told["subscription-id"]
    assert told["stream"] == key
    reservation = (await client.rpc(reserve())).findtext(P + "reservation-id")
    named = f"<reservation-id>{reservation}</reservation-id>"
    cancel = f'<cancel-reservation xmlns="urn:opnfv:promise">{named}</cancel-reservation>'
    await client.rpc(cancel)
    async with reading(player, f"{key}/json", "carol") as events:
        assert events.response.status == 404
    async with reading(player, f"{key}/json", "alice") as events:
        first = await events.next()
        assert (body(first[1]).event, body(first[1]).subscription_id) == ("cancelled", (key,))
    await client.rpc(reserve())
    second = (await client.rpc(reserve())).findtext(P + "reservation-id")
    await client.rpc(cancel.replace(str(reservation), str(second)))
    async with reading(player, f"{key}/xml", "alice", Last_Event_ID=first[0]) as events:
        _, text = await events.next()
        assert etree.fromstring(text.encode())[1].findtext(P + "reservation-id") == second
        assert (await post(player, "unsubscribe", {"subscription-id": key}, "alice"))["result"] == "ok"
        assert await events.ended()
    lonely = await post(player, "subscribe-capacity-events", {})
    await player.stage.advance(301)
    await post(player, "subscribe-capacity-events", {})
    async with reading(player, f"{lonely['subscription-id']}/json") as events:
        assert events.response.status == 404


async def test_a_stream_without_news_has_a_heartbeat(player: Player) -> None:
    async with reading(player, "NETCONF/json") as events:
        assert await events.response.content.readexactly(13) == b"retry: 1000\n\n"
        for _ in range(3):
            await player.stage.advance(15)
        async with asyncio.timeout(20):
            assert await events.response.content.readexactly(4) == b": \n\n"
    open_streams = player.stage.running.front.streams._open
    async with asyncio.timeout(20):
        while open_streams:  # that the reader has gone is noticed when the next heartbeats are sent
            await player.stage.advance(30)
            await asyncio.sleep(0)
