"""Subscriptions with a callback-uri: signed, retried, resumed, given up, and told about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree
from netconf_server import P
from notified import event, playing, reserve
from receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from scenarios.runner.play import Player

EDIT = "urn:ietf:params:xml:ns:netconf:base:1.0"


@pytest.fixture
async def player(tmp_path: Path) -> AsyncIterator[Player]:
    async with playing(tmp_path) as opened:
        yield opened


async def subscribe(player: Player, kind: str, inside: str) -> str:
    client = await player.stage.session("admin")
    reply = await client.rpc(f'<subscribe-{kind}-events xmlns="urn:opnfv:promise">{inside}</subscribe-{kind}-events>')
    assert reply.findtext(P + "result") == "ok", etree.tostring(reply)
    return str(reply.findtext(P + "subscription-id"))


async def rpc(player: Player, asked: str) -> Any:
    return await (await player.stage.session("admin")).rpc(asked)


async def shown(player: Player, key: str) -> Any:
    reply = await rpc(player, f'<get xmlns="{EDIT}"/>')
    (found,) = [each for each in reply.iter(P + "subscriptions") if each.findtext(P + "id") == key]
    return found


def states(found: Any) -> tuple[str | None, ...]:
    return tuple(found.findtext(P + name) for name in ("state", "sent", "last-error"))


async def test_what_is_posted_is_signed_and_comes_in_order(player: Player) -> None:
    async with Receiver("top secret") as receiver:
        inside = f"<callback-uri>{receiver.uri}</callback-uri><secret>top secret</secret>"
        key = await subscribe(player, "reservation", inside)
        client = await player.stage.session("admin")
        await client.pipeline([reserve() for _ in range(100)])
        posts = await receiver.take(100)
        sequences = [int(each["sequence"]) for each in posts]
        assert sequences == sorted(set(sequences))
        assert {each["event"] for each in posts} == {"accepted"}
        await player.stage.quiet()
        assert states(await shown(player, key)) == ("active", "100", None)
        ledger = player.stage.running.ledger
        assert await ledger.secret(f"callback:{key}") == "top secret"
        journal = await ledger.journal(0, 1000)
        assert not [entry for entry in journal if "top secret" in repr(entry)]


async def test_what_is_not_taken_is_posted_again_later_and_later(player: Player) -> None:
    async with Receiver() as receiver:
        receiver.answers = [500, 302, 429]
        key = await subscribe(player, "reservation", f"<callback-uri>{receiver.uri}</callback-uri>")
        await rpc(player, reserve())
        await rpc(player, reserve())
        for tries, pause in ((1, 1), (2, 2), (3, 4)):
            await receiver.until_tried(tries)
            await player.stage.quiet()
            state = states(await shown(player, key))
            assert state[:2] == ("retrying", "0")
            await player.stage.advance(pause - 1)
            assert len(receiver.tried) == tries
            await player.stage.advance(1)
        first, second = await receiver.take(2)
        assert receiver.tried == [first["event-id"]] * 4 + [second["event-id"]]
        await player.stage.quiet()
        assert states(await shown(player, key)) == ("active", "2", None)


async def test_after_a_stop_it_goes_on_where_it_was(player: Player) -> None:
    async with Receiver() as receiver:
        inside = f"<callback-uri>{receiver.uri}</callback-uri><initial-state>true</initial-state>"
        await rpc(player, reserve())
        key = await subscribe(player, "reservation", inside)
        (first,) = await receiver.take(1)
        assert first["event"] == "initial"
        await rpc(player, reserve())
        assert [each["event"] for each in await receiver.take(1)] == ["accepted"]
        await player.stage.stop()
        await player.stage.start()
        await rpc(player, reserve())
        assert [each["event"] for each in await receiver.take(1)] == ["accepted"]
        await player.stage.quiet()
        assert len(receiver.tried) == 3
        assert states(await shown(player, key)) == ("active", "3", None)


async def test_one_who_is_gone_is_suspended_told_of_and_resumed_by_a_change(player: Player) -> None:
    async with Receiver() as receiver, Receiver() as other:
        listener = await player.stage.another("admin")
        await listener.subscribe('<filter type="subtree"><subscription-event xmlns="urn:opnfv:promise"/></filter>')
        receiver.answers = [410]
        key = await subscribe(player, "reservation", f"<callback-uri>{receiver.uri}</callback-uri>")
        await rpc(player, reserve())
        told = etree.fromstring(await listener.notification())[1]
        assert told.findtext(P + "event") == "suspended"
        assert told.findtext(P + "subscription-id") == key
        assert "410" in str(told.findtext(P + "message"))
        assert states(await shown(player, key))[0] == "suspended"
        await rpc(player, reserve())
        reply = await rpc(
            player,
            f'<edit-config xmlns="{EDIT}"><target><running/></target><config><promise xmlns="urn:opnfv:promise">'
            f"<subscriptions><id>{key}</id><callback-uri>{other.uri}</callback-uri></subscriptions></promise></config>"
            "</edit-config>",
        )
        assert reply[0].tag.endswith("ok"), etree.tostring(reply)
        assert [each["event"] for each in await other.take(2)] == ["accepted", "accepted"]
        assert etree.fromstring(await listener.notification())[1].findtext(P + "event") == "resumed"
        assert len(receiver.tried) == 1


async def test_one_who_never_answers_is_given_up(tmp_path: Path) -> None:
    patience = {"callback": {"give_up": 3600, "first_pause": 10}}
    async with playing(tmp_path, patience) as player, Receiver() as receiver:
        receiver.answers = [503] * 10_000
        key = await subscribe(player, "reservation", f"<callback-uri>{receiver.uri}</callback-uri>")
        await rpc(player, reserve())
        await receiver.until_tried(1)
        while states(await shown(player, key))[0] != "suspended":
            await player.stage.advance(300)
        seconds = player.stage.clock.now() - 1_893_456_000
        assert 3600 <= seconds < 3600 + 700
        tried = len(receiver.tried)
        await player.stage.advance(86_400)
        assert len(receiver.tried) == tried


async def test_lines_are_crossed_in_the_journal_and_posted(player: Player) -> None:
    async with Receiver() as receiver:
        inside = (
            f"<callback-uri>{receiver.uri}</callback-uri><threshold><metric>available</metric>"
            "<resource>cores</resource><bound>lower</bound><value>99990</value><horizon>864000</horizon></threshold>"
        )
        listener = await player.stage.another("admin")
        await listener.subscribe()
        await subscribe(player, "capacity", inside)
        await player.stage.quiet()
        assert receiver.posts == []
        await rpc(player, reserve(20))
        await player.stage.advance(22 * 86_400 + 1)
        (crossed,) = await receiver.take(1)
        assert crossed["threshold"]["measured"] == "99980"
        assert crossed["time"] == "2030-01-22T00:00:01Z"
        await player.stage.stop()
        await player.stage.start()
        await player.stage.quiet()
        await player.stage.advance(11 * 86_400)
        (cleared,) = await receiver.take(1)
        assert (cleared["threshold"]["crossed"], cleared["time"]) == (False, "2030-02-02T00:00:00Z")
        assert len(receiver.tried) == 2
        names = [event(each) for each in listener.notifications]
        assert all(name in {"reservation-event", "capacity-event"} for name, _ in names)


async def test_nothing_is_posted_to_odd_places(player: Player) -> None:
    key = await subscribe(player, "reservation", "<callback-uri>http://169.254.169.254/latest</callback-uri>")
    await rpc(player, reserve())
    await player.stage.quiet()
    found = states(await shown(player, key))
    assert found[0] == "retrying"
    assert "link-local" in str(found[2])


async def test_a_subscription_made_by_an_edit_is_told_from_then_on(player: Player) -> None:
    async with Receiver() as receiver:
        key = "0b47342c-ff44-4186-9aed-e1c70c3e82bf"
        await rpc(player, reserve())
        begin = (
            f'<edit-config xmlns="{EDIT}"><target><running/></target><config><promise xmlns="urn:opnfv:promise">'
            f"<subscriptions><id>{key}</id>%s<callback-uri>{receiver.uri}</callback-uri></subscriptions></promise>"
            "</config></edit-config>"
        )
        wrong = (
            "<kind>reservation</kind><filter><provider-id>1b47342c-ff44-4186-9aed-e1c70c3e82bf</provider-id></filter>"
        )
        reply = await rpc(player, begin % wrong)
        assert "not-found" in etree.tostring(reply).decode()
        reply = await rpc(player, begin % "<kind>reservation</kind>")
        assert reply[0].tag.endswith("ok"), etree.tostring(reply)
        await rpc(player, reserve(7))
        (post,) = await receiver.take(1)
        assert post["reservation"]["capacity"] == {"cores": 7}
        await rpc(
            player, f'<unsubscribe xmlns="urn:opnfv:promise"><subscription-id>{key}</subscription-id></unsubscribe>'
        )
        await rpc(player, reserve())
        await player.stage.quiet()
        assert len(receiver.tried) == 1


async def test_a_locked_configuration_takes_no_subscription(player: Player) -> None:
    kept = await subscribe(player, "reservation", "<callback-uri>http://127.0.0.1:9/</callback-uri>")
    other = await player.stage.another("admin")
    await other.rpc(f'<lock xmlns="{EDIT}"><target><running/></target></lock>')
    asked = (
        (
            '<subscribe-capacity-events xmlns="urn:opnfv:promise"><callback-uri>http://127.0.0.1:9/</callback-uri>'
            "</subscribe-capacity-events>"
        ),
        f'<unsubscribe xmlns="urn:opnfv:promise"><subscription-id>{kept}</subscription-id></unsubscribe>',
    )
    for each in asked:
        assert "in-use" in etree.tostring(await rpc(player, each)).decode()
    await subscribe(player, "capacity", "")  # one that is bound to its session is no configuration
    await other.rpc(f'<unlock xmlns="{EDIT}"><target><running/></target></unlock>')
    assert (await rpc(player, asked[1])).findtext(P + "result") == "ok"
