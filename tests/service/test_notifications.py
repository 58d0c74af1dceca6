"""Notifications on NETCONF sessions: replay and live without a seam, slow readers, order, and refusals."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree
from netconf_client import NC, NOTIFICATION, NOTIFICATIONS, NetconfClient, connect, rpc_message
from netconf_server import P, serving, until
from notified import START, event, playing, reserve
from scenarios.runner.stage import key

from promise.northbound.events.stream import RECENT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from scenarios.runner.play import Player

NETMOD = "{urn:ietf:params:xml:ns:netmod:notification}"


@pytest.fixture
async def player(tmp_path: Path) -> AsyncIterator[Player]:
    async with playing(tmp_path) as opened:
        yield opened


async def told(client: NetconfClient, last: int) -> list[bytes]:
    """Return the notifications up to the last one of an entry, which has two: the record's and the provider's."""
    found = []
    while True:
        found.append(await client.notification())
        if event(found[-1]) == ("capacity-event", last):
            return found


def told_once(documents: list[bytes]) -> list[tuple[str, int]]:
    """Return what was told but for <replayComplete>, having seen that nothing came twice or out of order."""
    events = [event(each) for each in documents]
    events = [each for each in events if each[1]]
    assert len(events) == len(set(events))
    assert [seq for _, seq in events] == sorted(seq for _, seq in events)
    return events


async def error(client: NetconfClient, inside: str) -> Any:
    reply = await client.rpc(f'<create-subscription xmlns="{NOTIFICATIONS}">{inside}</create-subscription>')
    found = reply.find(NC + "rpc-error")
    assert found is not None, etree.tostring(reply)
    return found


async def test_who_comes_amid_a_storm_misses_nothing_and_hears_nothing_twice(player: Player) -> None:
    rng = random.Random(5)
    writers = [await player.stage.another("admin") for _ in range(3)]
    storms = [
        asyncio.create_task(_storm(writer, [reserve(rng.randint(1, 5)) for _ in range(160)])) for writer in writers
    ]
    listeners = []
    for number in range(6):
        listener = await player.stage.another("admin")
        await listener.subscribe(START if number % 2 else "")
        listeners.append(listener)
    await asyncio.gather(*storms)
    last = player.stage.running.ledger.durable_seq
    everything = await player.stage.another("admin")
    await everything.subscribe(START)
    truth = await told(everything, last)
    assert len(told_once(truth)) >= 2 * 480
    for listener in listeners:
        heard = [each for each in await told(listener, last) if event(each)[1]]
        assert told_once(heard)
        first = next(index for index, each in enumerate(truth) if each == heard[0])
        assert heard == [each for each in truth[first:] if event(each)[1]]  # byte for byte, live or replayed
        assert not listener.notifications


async def _storm(client: NetconfClient, requests: list[str]) -> None:
    for first in range(0, len(requests), 8):
        await client.pipeline(requests[first : first + 8])


@pytest.mark.rfc("5277", "3.3.1", "replay, replayComplete, then live")
async def test_after_a_restart_the_same_bytes_are_told(player: Player) -> None:
    client = await player.stage.session("admin")
    await client.subscribe()
    await client.pipeline([reserve(number) for number in range(1, 20)])
    last = player.stage.running.ledger.durable_seq
    live = await told(client, last)
    await player.stage.stop()
    await player.stage.start()
    client = await player.stage.session("admin")
    await client.subscribe(START)
    replayed = await told(client, last)
    assert replayed[-len(live) :] == live
    assert event(await client.notification()) == ("replayComplete", 0)
    await client.rpc(reserve())
    assert [event(each)[0] for each in await told(client, last + 1)] == ["reservation-event", "capacity-event"]


@pytest.mark.rfc("5277", "3.3.1", "replayComplete comes at once, whatever the last entry of the log is")
async def test_a_replay_of_nothing_is_complete_at_once(player: Player) -> None:
    client, other = await player.stage.session("admin"), await player.stage.another("admin")
    await client.rpc(reserve())
    unwanted = '<filter type="subtree"><allocation-event xmlns="urn:opnfv:promise"/></filter>'
    await client.subscribe(f"{unwanted}{START}")
    assert event(await client.notification()) == ("replayComplete", 0)
    await other.subscribe(f"<stream>allocation</stream>{START}<stopTime>2030-01-01T00:00:30Z</stopTime>")
    await player.stage.advance(60)
    told = [event(await other.notification())[0] for _ in range(2)]
    assert told == ["replayComplete", "notificationComplete"]


async def test_a_slow_reader_delays_nobody_costs_little_and_loses_nothing(player: Player) -> None:
    host, port = player.stage.running.address
    slow = await connect(host, port, "admin", client_keys=[key()], window=2**15)
    quick = await player.stage.another("admin")
    await slow.subscribe()
    await quick.subscribe()
    slow.channel.pause_reading()
    writer = await player.stage.another("admin")
    await _storm(writer, [reserve(1, "x" * 200) for _ in range(2 * RECENT)])
    last = player.stage.running.ledger.durable_seq
    heard = await told(quick, last)
    assert len(told_once(heard)) == 4 * RECENT
    assert slow.bytes_received < sum(map(len, heard)) / 2  # it still waits in the journal
    slow.channel.resume_reading()
    assert await told(slow, last) == heard
    await slow.close()


@pytest.mark.rfc("5277", "6", "interleave: requests are answered meanwhile")
async def test_an_answer_goes_before_what_is_told_of_it(player: Player) -> None:
    client = await player.stage.session("admin")
    await client.subscribe()
    for number in range(64):
        client.send_message(rpc_message(reserve(), str(number)))
    seen: list[Any] = [await client.receive_element() for _ in range(3 * 64)]
    answered = {each.findtext(P + "reservation-id"): at for at, each in enumerate(seen) if each.tag != NOTIFICATION}
    events = [(at, each[1].findtext(P + "reservation-id")) for at, each in enumerate(seen) if each.tag == NOTIFICATION]
    assert len(answered) == 64
    assert len([1 for _, reservation in events if reservation]) == 64
    assert all(at > answered[reservation] for at, reservation in events if reservation)


async def test_a_replay_lets_answers_through(player: Player) -> None:
    writer = await player.stage.another("admin")
    await _storm(writer, [reserve() for _ in range(600)])
    client = await player.stage.session("admin")
    await client.subscribe(START)
    await client.rpc('<get xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><filter type="subtree"/></get>')
    before = len(client.notifications)
    assert before < 600  # of some 1200
    last = player.stage.running.ledger.durable_seq
    assert len(told_once(await told(client, last))) >= 1200


@pytest.mark.rfc("5277", "3.6", "filters choose whole notifications")
async def test_a_filter_chooses_whole_notifications(player: Player) -> None:
    client = await player.stage.session("admin")
    other = await player.stage.another("admin")
    await client.subscribe(
        '<filter type="subtree"><reservation-event xmlns="urn:opnfv:promise"><event>cancelled</event>'
        "</reservation-event></filter>"
    )
    await other.subscribe('<filter type="subtree"/>')
    third = await player.stage.another("admin")
    select = "/p:reservation-event[p:event='cancelled']/p:reservation/p:capacity[p:cores &gt; 2]"
    await third.subscribe(f'<filter type="xpath" xmlns:p="urn:opnfv:promise" select="{select}"/>')
    reply = await client.rpc(reserve(3))
    reservation = reply.findtext(P + "reservation-id")
    await client.rpc(
        f'<cancel-reservation xmlns="urn:opnfv:promise"><reservation-id>{reservation}</reservation-id>'
        "</cancel-reservation>"
    )
    found = etree.fromstring(await client.notification())[1]
    assert found.findtext(P + "event") == "cancelled"
    assert found.findtext(f"{P}reservation/{P}capacity/{P}cores") == "3"
    await client.rpc(reserve())
    await other.rpc(reserve())
    assert etree.fromstring(await third.notification())[1].findtext(P + "event") == "cancelled"
    assert not client.notifications
    assert not other.notifications
    assert not third.notifications


@pytest.mark.rfc("5277", "2.1.1", "startTime, stopTime, stream and filter are checked")
@pytest.mark.parametrize(
    ("inside", "tag", "named"),
    [
        ("<stream>SNMP</stream>", "invalid-value", None),
        ("<stopTime>2030-01-01T00:00:00Z</stopTime>", "missing-element", "startTime"),
        (f"{START}<stopTime>2030-01-01T00:00:00Z</stopTime>", "bad-element", "stopTime"),
        (f"{START}<stopTime>2029-12-31T23:00:00Z</stopTime>", "bad-element", "stopTime"),
        ("<startTime>2030-01-01T00:00:02Z</startTime>", "bad-element", "startTime"),
        ("<startTime>yesterday</startTime>", "invalid-value", None),
        ("<startTime>2030-01-01T00:00:00</startTime>", "invalid-value", None),
        ("<startTime/>", "invalid-value", None),
        (f"{START}{START}", "bad-element", "startTime"),
        ('<filter type="xpath" select="/x["/>', "invalid-value", None),
        ('<filter type="xpath"/>', "missing-attribute", "filter"),
        ('<filter type="regex"/>', "bad-attribute", "filter"),
        ("<encoding>json</encoding>", "unknown-element", "encoding"),
        ('<stream xmlns="urn:opnfv:promise">NETCONF</stream>', "unknown-element", "stream"),
        ("text", "invalid-value", None),
    ],
)
async def test_what_cannot_be_subscribed_is_told_why(player: Player, inside: str, tag: str, named: str | None) -> None:
    client = await player.stage.session("admin")
    found = await error(client, inside)
    assert found.findtext(NC + "error-type") == "protocol"
    assert found.findtext(NC + "error-tag") == tag
    assert found.findtext(f"{NC}error-info/{NC}bad-element") == named
    await client.subscribe()  # the session is as good as before


@pytest.mark.rfc("5277", "3.6", "XPath filters")
async def test_an_xpath_filter_and_a_stream_choose_whole_notifications(player: Player) -> None:
    client, other = await player.stage.session("admin"), await player.stage.another("admin")
    select = "/p:*[.//p:cores = 7 and p:event]"
    await client.subscribe(f'<filter xmlns:p="urn:opnfv:promise" type="xpath" select="{select}"/>')
    await other.subscribe("<stream>capacity</stream>")
    await client.pipeline([reserve(3), reserve(7), reserve(2)])
    assert event(await client.notification())[0] == "reservation-event"
    told = [event(await other.notification())[0] for _ in range(3)]
    assert told == ["capacity-event"] * 3
    assert not client.notifications


@pytest.mark.rfc("5277", "2.1.1", "one subscription at a time")
async def test_a_session_has_one_subscription_at_a_time(player: Player) -> None:
    client = await player.stage.session("admin")
    await client.subscribe("<stream>NETCONF</stream>")
    found = await error(client, "")
    assert found.findtext(NC + "error-tag") == "operation-failed"
    assert found.findtext(NC + "error-app-tag") == "promise:already-subscribed"
    await (await player.stage.another("admin")).subscribe()
    await client.rpc(reserve())
    assert event(await client.notification())[0] == "netconf-session-start"
    assert event(await client.notification())[0] == "reservation-event"


@pytest.mark.rfc("5277", "3.2.5.1", "the streams are listed")
async def test_the_stream_is_listed_with_what_it_can_replay(player: Player) -> None:
    client = await player.stage.session("admin")
    assert "urn:ietf:params:netconf:capability:notification:1.0" in client.capabilities
    assert "urn:ietf:params:netconf:capability:interleave:1.0" in client.capabilities
    reply = await client.rpc(
        '<get xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><filter type="subtree">'
        '<netconf xmlns="urn:ietf:params:xml:ns:netmod:notification"><streams/></netconf></filter></get>'
    )
    stream, *others = reply.iter(NETMOD + "stream")
    assert [each.findtext(NETMOD + "name") for each in others] == ["capacity", "reservation", "allocation"]
    assert [each.tag.removeprefix(NETMOD) for each in stream] == [
        "name",
        "description",
        "replaySupport",
        "replayLogCreationTime",
    ]
    assert stream.findtext(NETMOD + "name") == "NETCONF"
    assert stream.findtext(NETMOD + "replaySupport") == "true"
    assert stream.findtext(NETMOD + "replayLogCreationTime") == "2030-01-01T00:00:00Z"
    config = await client.rpc(
        '<get-config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><source><running/></source></get-config>'
    )
    assert not list(config.iter(NETMOD + "netconf"))


@pytest.mark.rfc("5277", "2.3", "a subscription ends with its session")
async def test_who_leaves_is_forgotten(player: Player) -> None:
    sessions = player.stage.running.server.sessions
    before = len(sessions)
    client = await player.stage.another("admin")
    await client.subscribe()
    await client.close()
    await until(lambda: len(sessions) == before)
    writer = await player.stage.session("admin")
    await _storm(writer, [reserve() for _ in range(16)])
    await writer.subscribe()
    await writer.rpc('<close-session xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"/>')
    assert await writer.closed() == 0


async def test_a_door_without_events_knows_no_subscription(tmp_path: Path) -> None:
    async with serving(tmp_path) as door, await connect(*door.admin) as client:
        assert not [each for each in client.capabilities if "capability:notification" in each]
        found = await error(client, "")
        assert found.findtext(NC + "error-tag") == "unknown-element"
