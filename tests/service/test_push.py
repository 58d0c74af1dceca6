"""RFC 8641 on NETCONF sessions: what the operational datastore holds, every so often or whenever it has changed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree
from netconf_client import NC, NetconfClient
from netconf_server import P
from notified import playing, reserve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from scenarios.runner.play import Player

SN = "urn:ietf:params:xml:ns:yang:ietf-subscribed-notifications"
YP = "urn:ietf:params:xml:ns:yang:ietf-yang-push"
Y = f"{{{YP}}}"
SPACES = f'xmlns="{SN}" xmlns:yp="{YP}" xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores"'
OPERATIONAL = "<yp:datastore>ds:operational</yp:datastore>"
RECORDS = (
    OPERATIONAL + '<yp:datastore-subtree-filter><promise xmlns="urn:opnfv:promise"><reservations/></promise>'
    "</yp:datastore-subtree-filter>"
)
COLUMNS = (
    OPERATIONAL + '<yp:datastore-xpath-filter xmlns:p="urn:opnfv:promise">/p:promise/p:capacity/p:reserved'
    "</yp:datastore-xpath-filter>"
)


@pytest.fixture
async def player(tmp_path: Path) -> AsyncIterator[Player]:
    async with playing(tmp_path) as opened:
        yield opened


async def ask(client: NetconfClient, name: str, inside: str, namespace: str = SN) -> Any:
    return await client.rpc(f"<{name} {SPACES.replace(SN, namespace, 1)}>{inside}</{name}>")


async def establish(client: NetconfClient, inside: str) -> str:
    reply = await ask(client, "establish-subscription", inside)
    number = reply.findtext(f"{{{SN}}}id")
    assert number, etree.tostring(reply)
    return str(number)


async def pushed(client: NetconfClient) -> Any:
    async with asyncio.timeout(20):
        return etree.fromstring(await client.notification())[1]


def edits(found: Any) -> list[tuple[str | None, str]]:
    assert found.tag == Y + "push-change-update"
    return [
        (each.findtext(Y + "operation"), str(each.findtext(Y + "target")).partition("=")[0])
        for each in found.iter(Y + "edit")
    ]


@pytest.mark.rfc("8641", "3.1", "on-change: what has changed is pushed as a patch")
async def test_changes_are_pushed_as_a_patch(player: Player) -> None:
    client = await player.stage.session("admin")
    number = await establish(client, f"{RECORDS}<yp:on-change/>")
    first = await pushed(client)
    assert (first.tag, first.findtext(Y + "id")) == (Y + "push-update", number)
    assert not list(first.iter(P + "reservations"))
    reservation = (await client.rpc(reserve(5))).findtext(P + "reservation-id")
    found = await pushed(client)
    assert edits(found) == [("create", "/opnfv-promise:promise/reservations")]
    assert found.findtext(f".//{P}capacity/{P}cores") == "5"
    await client.rpc(
        f'<update-reservation xmlns="urn:opnfv:promise"><reservation-id>{reservation}</reservation-id><name>n</name>'
        "</update-reservation>"
    )
    assert edits(await pushed(client)) == [("replace", "/opnfv-promise:promise/reservations")]
    assert (await ask(client, "resync-subscription", f"<id>{number}</id>", YP))[0].tag == NC + "ok"
    assert len(list((await pushed(client)).iter(P + "reservations"))) == 1
    assert (await ask(client, "delete-subscription", f"<id>{number}</id>"))[0].tag == NC + "ok"
    await client.rpc(reserve())
    assert not client.notifications


async def test_within_the_dampening_period_changes_gather(player: Player) -> None:
    client = await player.stage.session("admin")
    changed = "<yp:on-change><yp:dampening-period>1000</yp:dampening-period><yp:sync-on-start>false</yp:sync-on-start>"
    await establish(client, f"{RECORDS}{changed}<yp:excluded-change>delete</yp:excluded-change></yp:on-change>")
    await client.rpc(reserve())
    assert len(edits(await pushed(client))) == 1
    for _ in range(3):
        await client.rpc(reserve())
    await player.stage.quiet()
    await client.rpc(reserve())
    assert not client.notifications
    await player.stage.advance(10)
    assert len(edits(await pushed(client))) == 4


@pytest.mark.rfc("8641", "3.1", "periodic")
async def test_everything_is_pushed_every_so_often_until_the_stop_time(player: Player) -> None:
    client = await player.stage.session("admin")
    number = await establish(
        client,
        f"{COLUMNS}<yp:periodic><yp:period>500</yp:period></yp:periodic><stop-time>2030-01-01T00:00:12Z</stop-time>",
    )
    for _ in range(3):
        found = await pushed(client)
        assert found.findtext(f".//{P}reserved/{P}cores") == "0"
        assert not client.notifications
        await player.stage.advance(5)
    found = await pushed(client)
    assert found.tag == f"{{{SN}}}subscription-terminated"
    assert found.findtext(f"{{{SN}}}id") == number


@pytest.mark.parametrize(
    ("inside", "app_tag"),
    [
        (f"{RECORDS}<yp:periodic><yp:period>5</yp:period></yp:periodic>", "ietf-yang-push:period-unsupported"),
        (
            RECORDS.replace("ds:operational", "ds:candidate") + "<yp:on-change/>",
            "ietf-yang-push:datastore-not-subscribable",
        ),
        (
            f"{OPERATIONAL}<yp:datastore-subtree-filter/><yp:on-change/>",
            "ietf-yang-push:unchanging-selection",
        ),
        (
            f"{OPERATIONAL}<yp:datastore-xpath-filter>//[</yp:datastore-xpath-filter><yp:on-change/>",
            "ietf-subscribed-notifications:filter-unsupported",
        ),
        (RECORDS, None),
        (f"{RECORDS}<yp:on-change><yp:excluded-change>all</yp:excluded-change></yp:on-change>", None),
    ],
)
async def test_what_cannot_be_pushed_is_told_why(player: Player, inside: str, app_tag: str | None) -> None:
    client = await player.stage.session("admin")
    reply = await ask(client, "establish-subscription", inside)
    found = reply.find(NC + "rpc-error")
    assert found is not None, etree.tostring(reply)
    assert found.findtext(NC + "error-app-tag") == app_tag
