"""RFC 8639 on NETCONF sessions: several subscriptions, each for itself, with replay, filters, changes and an end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree
from netconf_client import NC, NetconfClient
from netconf_server import P
from notified import event, playing, reserve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from scenarios.runner.play import Player

SN = "urn:ietf:params:xml:ns:yang:ietf-subscribed-notifications"


@pytest.fixture
async def player(tmp_path: Path) -> AsyncIterator[Player]:
    async with playing(tmp_path) as opened:
        yield opened


async def ask(client: NetconfClient, name: str, inside: str) -> Any:
    return await client.rpc(f'<{name} xmlns="{SN}" xmlns:p="urn:opnfv:promise">{inside}</{name}>')


async def establish(client: NetconfClient, inside: str) -> str:
    reply = await ask(client, "establish-subscription", inside)
    number = reply.findtext(f"{{{SN}}}id")
    assert number, etree.tostring(reply)
    return str(number)


def error(reply: Any) -> tuple[str | None, ...]:
    found = reply.find(NC + "rpc-error")
    assert found is not None, etree.tostring(reply)
    return tuple(found.findtext(NC + name) for name in ("error-tag", "error-app-tag"))


def state(document: bytes) -> tuple[str, ...]:
    """Return a state-change notification: its name, the subscription, the reason if there is one."""
    found = etree.fromstring(document)[1]
    assert str(found.tag).startswith(f"{{{SN}}}")
    return (str(found.tag).rpartition("}")[2], *(str(each.text) for each in found))


@pytest.mark.rfc("8639", "2.4.2", "several subscriptions of one session")
@pytest.mark.rfc("8639", "2.4.4", "delete-subscription, for one's own only")
async def test_several_on_a_session_are_told_each_for_itself(player: Player) -> None:
    client = await player.stage.session("admin")
    everything = await establish(client, "<stream>NETCONF</stream>")
    columns = await establish(client, "<stream>capacity</stream><encoding>encode-xml</encoding>")
    assert everything != columns
    await client.rpc(reserve())
    told = sorted([event(await client.notification())[0] for _ in range(3)])
    assert told == ["capacity-event", "capacity-event", "reservation-event"]
    reply = await ask(client, "delete-subscription", f"<id>{everything}</id>")
    assert reply[0].tag == NC + "ok"
    await client.rpc(reserve())
    assert event(await client.notification())[0] == "capacity-event"
    assert not client.notifications
    gone = ("invalid-value", "ietf-subscribed-notifications:no-such-subscription")
    assert error(await ask(client, "delete-subscription", f"<id>{everything}</id>")) == gone
    other = await player.stage.another("admin")
    assert error(await ask(other, "delete-subscription", f"<id>{columns}</id>")) == gone
    assert error(await ask(other, "modify-subscription", f"<id>{columns}</id>")) == gone


@pytest.mark.rfc("8639", "2.4.2.1", "replay, and replay-start-time-revision where the log does not go back so far")
@pytest.mark.rfc("8639", "2.7.7", "replay-completed")
@pytest.mark.rfc("8639", "2.7.3", "subscription-terminated at the stop time")
async def test_replay_ends_with_replay_completed_and_a_stop_time_ends_it(player: Player) -> None:
    client = await player.stage.session("admin")
    await client.pipeline([reserve(each) for each in (1, 2, 3)])
    start = "<replay-start-time>2030-01-01T00:00:00Z</replay-start-time>"
    number = await establish(
        client,
        f"<stream>reservation</stream><stream-xpath-filter>//p:cores != 2</stream-xpath-filter>{start}"
        "<stop-time>2030-01-01T00:01:00Z</stop-time>",
    )
    told = [etree.fromstring(await client.notification())[1] for _ in range(2)]
    assert [each.findtext(f"{P}reservation/{P}capacity/{P}cores") for each in told] == ["1", "3"]
    assert state(await client.notification()) == ("replay-completed", number)
    await client.rpc(reserve(4))
    assert event(await client.notification())[0] == "reservation-event"
    await player.stage.advance(61)
    assert state(await client.notification()) == ("subscription-terminated", number, "no-such-subscription")
    reply = await ask(client, "establish-subscription", "<stream>NETCONF</stream>" + start.replace("2030", "2029"))
    assert reply.findtext(f"{{{SN}}}replay-start-time-revision") == "2030-01-01T00:00:00Z"


@pytest.mark.rfc("8639", "2.4.3", "modify-subscription")
async def test_a_filter_can_be_changed(player: Player) -> None:
    client = await player.stage.session("admin")
    subtree = (
        '<stream-subtree-filter><reservation-event xmlns="urn:opnfv:promise"><event>%s</event></reservation-event>'
        "</stream-subtree-filter>"
    )
    number = await establish(client, "<stream>NETCONF</stream>" + subtree % "cancelled")
    await client.rpc(reserve())
    reply = await ask(client, "modify-subscription", f"<id>{number}</id>" + subtree % "accepted")
    assert reply[0].tag == NC + "ok"
    await client.rpc(reserve())
    assert event(await client.notification())[0] == "reservation-event"
    assert not client.notifications


@pytest.mark.rfc("8640", "3", "a session has subscriptions of RFC 5277 or of RFC 8639, not both")
async def test_a_session_keeps_to_one_kind(player: Player) -> None:
    client = await player.stage.session("admin")
    create = '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>'
    number = await establish(client, "<stream>NETCONF</stream>")
    assert error(await client.rpc(create))[0] == "operation-not-supported"
    await ask(client, "delete-subscription", f"<id>{number}</id>")
    assert (await client.rpc(create))[0].tag == NC + "ok"
    refused = await ask(client, "establish-subscription", "<stream>NETCONF</stream>")
    assert error(refused)[0] == "operation-not-supported"


@pytest.mark.rfc("8639", "2.4.5", "kill-subscription")
async def test_an_administrator_kills_anybody_s_and_its_receiver_is_told(player: Player) -> None:
    alice, admin = await player.stage.session("alice"), await player.stage.session("admin")
    number = await establish(alice, "<stream>NETCONF</stream>")
    assert error(await ask(alice, "kill-subscription", f"<id>{number}</id>"))[0] == "access-denied"
    reply = await ask(admin, "kill-subscription", f"<id>{number}</id>")
    assert reply[0].tag == NC + "ok"
    assert state(await alice.notification()) == ("subscription-terminated", number, "no-such-subscription")
    await admin.rpc(reserve())
    assert error(await ask(admin, "kill-subscription", f"<id>{number}</id>"))[0] == "invalid-value"


@pytest.mark.rfc("8640", "7", "each identity is an error-app-tag, with its error-tag, of type application")
@pytest.mark.rfc("8640", "4", "notifications on a session are in XML: encode-json is refused")
@pytest.mark.parametrize(
    ("inside", "tag", "why"),
    [
        ("", "missing-element", None),
        ("<stream>SNMP</stream>", "invalid-value", None),
        ("<stream>NETCONF</stream><encoding>encode-json</encoding>", "invalid-value", "encoding-unsupported"),
        ("<stream>NETCONF</stream><dscp>10</dscp>", "invalid-value", "dscp-unavailable"),
        (
            "<stream>NETCONF</stream><stream-xpath-filter>//[</stream-xpath-filter>",
            "invalid-value",
            "filter-unsupported",
        ),
        ("<stream>NETCONF</stream><stream-filter-name>x</stream-filter-name>", "invalid-value", "filter-unsupported"),
        (
            "<stream>NETCONF</stream><stream-xpath-filter>/a</stream-xpath-filter><stream-subtree-filter/>",
            "bad-element",
            None,
        ),
        ("<stream>NETCONF</stream><stop-time>2029-01-01T00:00:00Z</stop-time>", "invalid-value", None),
        ("<stream>NETCONF</stream><replay-start-time>2031-01-01T00:00:00Z</replay-start-time>", "invalid-value", None),
        ("<stream>NETCONF</stream><datastore/>", "unknown-element", None),
    ],
)
async def test_what_cannot_be_established_is_told_why(player: Player, inside: str, tag: str, why: str | None) -> None:
    client = await player.stage.session("admin")
    app_tag = None if why is None else f"ietf-subscribed-notifications:{why}"
    reply = await ask(client, "establish-subscription", inside)
    assert error(reply) == (tag, app_tag)
    assert reply.findtext(f".//{NC}error-type") == "application"
    if "//[" in inside:
        hints = reply.find(f".//{NC}error-info/{{{SN}}}establish-subscription-stream-error-info")
        assert hints is not None
        assert "XPath" in hints.findtext(f"{{{SN}}}filter-failure-hint")


@pytest.mark.rfc("8639", "2.4.6", "insufficient-resources")
async def test_a_session_may_have_so_many(player: Player) -> None:
    client = await player.stage.session("admin")
    for _ in range(64):
        await establish(client, "<stream>allocation</stream>")
    found = error(await ask(client, "establish-subscription", "<stream>allocation</stream>"))
    assert found == ("resource-denied", "ietf-subscribed-notifications:insufficient-resources")


@pytest.mark.rfc("8639", "2.9", "the module and its features are advertised")
@pytest.mark.rfc("8639", "3.1", "the event streams and how far back each can be replayed")
async def test_the_module_is_advertised_and_its_streams_are_listed(player: Player) -> None:
    client = await player.stage.session("admin")
    (capability,) = [each for each in client.capabilities if each.startswith(SN)]
    assert "revision=2019-09-09" in capability
    assert "features=encode-json,encode-xml,replay,subtree,xpath" in capability
    inside = f'<get xmlns="{NC[1:-1]}"><filter type="subtree"><streams xmlns="{SN}"/></filter></get>'
    found = list((await client.rpc(inside)).iter(f"{{{SN}}}stream"))
    assert [each.findtext(f"{{{SN}}}name") for each in found] == ["NETCONF", "capacity", "reservation", "allocation"]
    times = {each.findtext(f"{{{SN}}}replay-log-creation-time") for each in found}
    assert times == {"2030-01-01T00:00:00Z"}


async def test_configured_ones_are_refused_and_not_ignored(player: Player) -> None:
    client = await player.stage.session("admin")
    edit = f'<target><running/></target><config><subscriptions xmlns="{SN}"/></config>'
    reply = await client.rpc(f'<edit-config xmlns="{NC[1:-1]}">{edit}</edit-config>')
    assert error(reply)[0] == "operation-not-supported"


def filters(inside: str, operation: str = "merge") -> str:
    """Return an edit of the configured filters."""
    spaces = f'xmlns="{SN}" xmlns:yp="urn:ietf:params:xml:ns:yang:ietf-yang-push" xmlns:nc="{NC[1:-1]}"'
    config = f'<config><filters {spaces} nc:operation="{operation}">{inside}</filters></config>'
    return f'<edit-config xmlns="{NC[1:-1]}"><target><running/></target>{config}</edit-config>'


WANTED = (
    "<stream-filter><name>%s</name><stream-subtree-filter>"
    '<reservation-event xmlns="urn:opnfv:promise"><event>%s</event></reservation-event>'
    "</stream-subtree-filter></stream-filter>"
)


@pytest.mark.rfc("8639", "2.2", "a filter that is configured is used by its name, and as it is from each commit on")
@pytest.mark.rfc("8639", "2.7.2", "subscription-modified when the configured filter has changed")
@pytest.mark.rfc("8639", "2.7.3", "subscription-terminated, with filter-unavailable, when it is gone")
async def test_a_configured_filter_is_used_by_its_name(player: Player) -> None:
    client = await player.stage.session("admin")
    anything = "<stream-filter><name>anything</name></stream-filter>"
    assert (await client.rpc(filters(WANTED % ("mine", "cancelled") + anything)))[0].tag == NC + "ok"
    asked = f'<source><running/></source><filter><filters xmlns="{SN}"/></filter>'
    shown = await client.rpc(f'<get-config xmlns="{NC[1:-1]}">{asked}</get-config>')
    (wanted,) = shown.iter("{urn:opnfv:promise}reservation-event")
    assert wanted.findtext(P + "event") == "cancelled"
    number = await establish(client, "<stream>NETCONF</stream><stream-filter-name>mine</stream-filter-name>")
    other = await establish(client, "<stream>allocation</stream><stream-filter-name>anything</stream-filter-name>")
    await client.rpc(reserve())
    await client.rpc(filters(WANTED % ("mine", "accepted")))
    modified = etree.fromstring(await client.notification())[1]
    assert [(str(each.tag).rpartition("}")[2], each.text) for each in modified][:3] == [
        ("id", number),
        ("stream-filter-name", "mine"),
        ("stream", "NETCONF"),
    ]
    await client.rpc(reserve())
    assert event(await client.notification())[0] == "reservation-event"
    await client.rpc(filters("", "remove"))
    over = sorted([state(await client.notification()) for _ in range(2)])
    assert over == sorted(("subscription-terminated", each, "filter-unavailable") for each in (number, other))
    assert not client.notifications


@pytest.mark.rfc("8342", "5.3.4", "subscriptions are learned: nobody has configured them")
@pytest.mark.rfc("8639", "2.8", "the list of subscriptions: their terms, receivers and counts")
async def test_the_subscriptions_are_listed(player: Player) -> None:
    client, alice = await player.stage.session("admin"), await player.stage.session("alice")
    wanted = '<reservation-event xmlns="urn:opnfv:promise"><event>accepted</event></reservation-event>'
    subtree = f"<stream-subtree-filter>{wanted}</stream-subtree-filter>"
    number = await establish(client, f"<stream>NETCONF</stream>{subtree}")
    mine = "<stream-xpath-filter>/p:capacity-event</stream-xpath-filter>"
    await establish(alice, f"<stream>capacity</stream>{mine}<stop-time>2031-01-01T00:00:00Z</stop-time>")
    await client.rpc(reserve())
    await client.notification()
    get = f'<get xmlns="{NC[1:-1]}"><filter type="subtree"><subscriptions xmlns="{SN}"/></filter></get>'
    first, second = (await client.rpc(get)).iter(f"{{{SN}}}subscription")
    told = {str(each.tag).rpartition("}")[2]: each for each in first.iter()}
    assert (told["id"].text, told["stream"].text) == (number, "NETCONF")
    assert told["encoding"].text == "ietf-subscribed-notifications:encode-xml"
    assert told["stream-subtree-filter"].findtext(f"{P}reservation-event/{P}event") == "accepted"
    assert (told["sent-event-records"].text, told["excluded-event-records"].text) == ("1", "1")
    assert (told["state"].text, str(told["name"].text).partition("@")[0]) == ("active", "admin")
    assert second.findtext(f"{{{SN}}}stop-time") == "2031-01-01T00:00:00Z"
    shown = second.find(f"{{{SN}}}stream-xpath-filter")
    assert shown is not None
    assert (shown.text, shown.nsmap["opnfv-promise"]) == ("/opnfv-promise:capacity-event", "urn:opnfv:promise")
    data = (
        '<get-data xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-nmda" '
        'xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores"><datastore>ds:operational</datastore>'
        f'<subtree-filter><subscriptions xmlns="{SN}"/></subtree-filter><with-origin/></get-data>'
    )
    (found,) = (await client.rpc(data)).iter(f"{{{SN}}}subscriptions")
    assert found.get("{urn:ietf:params:xml:ns:yang:ietf-origin}origin").endswith(":learned")
    own = list((await alice.rpc(get)).iter(f"{{{SN}}}subscription"))
    assert [each.findtext(f"{{{SN}}}stream") for each in own] == ["capacity"]
