"""Subscriptions of Promise's own on real sessions: nothing lost, nothing twice, nothing after the end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree
from netconf_client import NC, NetconfClient, rpc_message
from netconf_server import P
from notified import event, playing, reserve

from promise.northbound import bindings as yang
from promise.northbound.events.content import notices

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from scenarios.runner.play import Player

    from promise.events import Entry

FENCE = '<get xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><filter type="subtree"/></get>'


@pytest.fixture
async def player(tmp_path: Path) -> AsyncIterator[Player]:
    async with playing(tmp_path) as opened:
        yield opened


def ask(kind: str, inside: str = "") -> str:
    return f'<subscribe-{kind}-events xmlns="urn:opnfv:promise">{inside}</subscribe-{kind}-events>'


def end(key: str) -> str:
    return f'<unsubscribe xmlns="urn:opnfv:promise"><subscription-id>{key}</subscription-id></unsubscribe>'


async def subscribe(client: NetconfClient, kind: str, inside: str = "") -> str:
    reply = await client.rpc(ask(kind, inside))
    assert reply.findtext(P + "result") == "ok", etree.tostring(reply)
    return str(reply.findtext(P + "subscription-id"))


def ids(document: bytes) -> list[str]:
    return [str(each.text) for each in etree.fromstring(document)[1].iterchildren(P + "subscription-id")]


async def test_nothing_of_a_subscription_comes_after_the_answer_that_it_ended(player: Player) -> None:
    client = await player.stage.session("admin")
    for _ in range(8):
        key = await subscribe(client, "reservation")
        other = await subscribe(client, "capacity")
        requests = [reserve() for _ in range(16)]
        for number, request in enumerate([*requests, end(key), *requests, FENCE, FENCE]):
            client.send_message(rpc_message(request, str(number)))
        ended, seen, answered = False, 0, 0
        while answered < 35 or seen < 32:
            message: Any = await client.receive_element()
            if message.tag == NC + "rpc-reply":
                answered += 1
                ended = ended or message.get("message-id") == "16"
            elif other in (told := ids(etree.tostring(message))):
                seen += 1
            else:
                assert told == [key]
                assert not ended
        await client.rpc(end(other))


async def test_subscriptions_of_a_session_share_what_they_both_match(player: Player) -> None:
    client = await player.stage.session("admin")
    first, second = await subscribe(client, "reservation"), await subscribe(client, "reservation")
    writer = await player.stage.another("admin")
    await writer.pipeline([reserve() for _ in range(300)])
    told = [await client.notification() for _ in range(300)]
    sequences = [event(each)[1] for each in told]
    assert sequences == sorted(set(sequences))
    assert all(ids(each) == [first, second] for each in told)
    # a third goes back to the beginning without telling the others anything again
    third = await subscribe(client, "reservation", "<from-sequence>0</from-sequence>")
    again = [await client.notification() for _ in range(300)]
    assert [event(each)[1] for each in again] == sequences
    assert all(ids(each) == [third] for each in again)
    await writer.rpc(reserve())
    assert ids(await client.notification()) == [first, second, third]


async def test_a_session_that_goes_takes_its_subscriptions_along(player: Player) -> None:
    admin = await player.stage.session("admin")
    client = await player.stage.another("alice")
    await subscribe(client, "instance")
    shown = '<get xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"/>'
    assert len(list((await admin.rpc(shown)).iter(P + "subscriptions"))) == 1
    await client.close()
    await player.stage.quiet()
    assert not list((await admin.rpc(shown)).iter(P + "subscriptions"))
    await admin.rpc(reserve())


async def test_what_retention_cut_away_is_said_to_be_lost(player: Player) -> None:
    client = await player.stage.session("admin")
    await client.pipeline([reserve() for _ in range(10)])
    await player.stage.advance(3600)
    ledger = player.stage.running.ledger
    await client.pipeline([reserve(), reserve()])
    await ledger.prune(player.stage.clock.now())
    base = (await ledger.base()).seq
    assert base > 0
    key = await subscribe(client, "reservation", "<from-sequence>3</from-sequence>")
    lost = etree.fromstring(await client.notification())[1]
    said = yang.SUBSCRIPTION_EVENT_NOTIFICATION.decode_xml(lost)
    assert (said.event, said.lost_after, said.lost_until) == ("lost", 3, base)
    assert said.subscription_id == (key,)
    after = [event(await client.notification())[1] for _ in range(2)]
    assert after == [base + 1, base + 2]
    other = await subscribe(client, "reservation", "<start-time>2030-01-01T00:00:00Z</start-time>")
    lost = etree.fromstring(await client.notification())[1]
    assert (lost.findtext(P + "event"), lost.findtext(P + "lost-until")) == ("lost", str(base))
    assert lost.findtext(P + "subscription-id") == other


async def test_json_says_what_xml_says(player: Player) -> None:
    client = await player.stage.session("admin")
    await client.pipeline([reserve(3, r'a "name" with &lt;&amp;\ marks') for _ in range(3)])
    entries: list[Entry] = await player.stage.running.ledger.journal(0, 1000)
    keys = ("0b47342c-ff44-4186-9aed-e1c70c3e82bf", "9a5d2f5e-33f0-4b5f-8b63-0d5f5f2d2f11")
    found = [notice for entry in entries for notice in notices(entry) if notice.name in yang.NOTIFICATIONS]
    assert len(found) >= 6
    for notice in found:
        for chosen in ((), keys):
            outer = json.loads(notice.json_for(chosen))["ietf-restconf:notification"]
            xml = etree.fromstring(notice.document_for(chosen))
            assert outer.pop("eventTime") == xml[0].text
            binding = yang.NOTIFICATIONS[notice.name]
            body: Any = binding.decode_json(outer)
            assert body == binding.decode_xml(xml[1])
            assert body.subscription_id == chosen


async def test_a_session_may_have_so_many(player: Player) -> None:
    client = await player.stage.session("alice")
    await client.pipeline([ask("instance") for _ in range(256)])
    reply = await client.rpc(ask("instance"))
    assert reply.findtext(f"{NC}rpc-error/{NC}error-tag") == "resource-denied"
    assert reply.findtext(f"{NC}rpc-error/{NC}error-app-tag") == "promise:no-room"
    await subscribe(await player.stage.another("alice"), "instance")
