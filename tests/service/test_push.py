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
@pytest.mark.rfc("8641", "4.3.2", "push-update and push-change-update")
@pytest.mark.rfc("8641", "4.4.3", "delete-subscription")
@pytest.mark.rfc("8641", "4.4.4", "resync-subscription")
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


@pytest.mark.rfc("8641", "3.3", "dampening-period, sync-on-start and excluded-change")
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


@pytest.mark.rfc("8641", "4.4.2", "the period and the filter of a push can be changed, its kind and datastore cannot")
@pytest.mark.rfc("8641", "4.2", "each push is at a multiple of the period from the anchor-time")
async def test_what_is_pushed_and_when_can_be_changed(player: Player) -> None:
    client = await player.stage.session("admin")
    anchor = "<yp:anchor-time>2029-12-31T23:59:57Z</yp:anchor-time>"
    number = await establish(client, f"{COLUMNS}<yp:periodic><yp:period>500</yp:period>{anchor}</yp:periodic>")
    await pushed(client)
    await player.stage.advance(2)
    assert (await pushed(client)).findtext(f".//{P}reserved/{P}cores") == "0"
    longer = f"<id>{number}</id><yp:periodic><yp:period>1000</yp:period></yp:periodic>"
    assert (await ask(client, "modify-subscription", longer))[0].tag == NC + "ok"
    await player.stage.advance(9)
    assert not client.notifications
    await player.stage.advance(1)
    await pushed(client)
    total = '<yp:datastore-xpath-filter xmlns:p="urn:opnfv:promise">/p:promise/p:capacity/p:total'
    wanted = f"<id>{number}</id>{OPERATIONAL}{total}</yp:datastore-xpath-filter>"
    assert (await ask(client, "modify-subscription", wanted))[0].tag == NC + "ok"
    found = await pushed(client)
    assert (found.findtext(f".//{P}total/{P}cores"), found.find(f".//{P}reserved")) == ("100000", None)
    for inside in (
        "<yp:on-change/>",
        OPERATIONAL.replace("operational", "running"),
        "<stream-filter-name>x</stream-filter-name>",
        "<yp:periodic><yp:period>1</yp:period></yp:periodic>",
    ):
        reply = await ask(client, "modify-subscription", f"<id>{number}</id>{inside}")
        assert reply.find(NC + "rpc-error") is not None, inside


ACM = "urn:ietf:params:xml:ns:yang:ietf-netconf-acm"


def rules(name: str, rule: str = "", *, how: str = "nc:operation='merge'", group: str = "nobody") -> str:
    """Return an edit of the access rules: one list of them."""
    entry = f"<rule-list {how}><name>{name}</name><group>{group}</group>{rule}</rule-list>"
    groups = "<groups><group><name>tenants</name><user-name>alice</user-name></group></groups>"
    config = f'<config><nacm xmlns="{ACM}" xmlns:nc="{NC[1:-1]}">{groups}{entry}</nacm></config>'
    return f'<edit-config xmlns="{NC[1:-1]}"><target><running/></target>{config}</edit-config>'


def placed(where: str) -> str:
    return f"xmlns:y='urn:ietf:params:xml:ns:yang:1' y:insert='{where}'"


@pytest.mark.rfc("8641", "3.5.2", "of entries that the user orders, those that come are inserted and others are moved")
@pytest.mark.rfc("8641", "4.4.1", "running is pushed as well, and other commits are no change of it")
async def test_the_order_of_configuration_is_pushed(player: Player) -> None:
    client = await player.stage.session("admin")
    await client.rpc(rules("a"))
    wanted = f'<yp:datastore-subtree-filter><nacm xmlns="{ACM}"><rule-list/></nacm></yp:datastore-subtree-filter>'
    await establish(client, f"{OPERATIONAL.replace('operational', 'running')}{wanted}<yp:on-change/>")
    assert len((await pushed(client))[1][0]) == 1
    await client.rpc(reserve())
    target = "/ietf-netconf-acm:nacm/rule-list"
    leaves = ("operation", "target", "where", "point")
    for where, told in (
        ("first", ("insert", f"{target}=b", "first", None)),
        ("last", ("move", f"{target}=a", "first", None)),
    ):
        assert (await client.rpc(rules("b", how=placed(where))))[0].tag == NC + "ok"
        (edit,) = (await pushed(client)).iter(Y + "edit")
        assert tuple(edit.findtext(Y + leaf) for leaf in leaves) == told


@pytest.mark.rfc("8641", "3.9", "what may not be read is not pushed; when the rules change, what is hidden is deleted")
async def test_access_rules_bind_in_the_middle(player: Player) -> None:
    admin, alice = await player.stage.session("admin"), await player.stage.session("alice")
    await establish(alice, f"{RECORDS}<yp:on-change/>")
    await pushed(alice)
    await admin.rpc(reserve())  # somebody else's
    own = (await alice.rpc(reserve(2))).findtext(P + "reservation-id")
    assert edits(await pushed(alice)) == [("create", "/opnfv-promise:promise/reservations")]
    hide = (
        "<rule><name>r</name><module-name>*</module-name>"
        '<path xmlns:p="urn:opnfv:promise">/p:promise/p:reservations</path>'
        "<access-operations>read</access-operations><action>deny</action></rule>"
    )
    assert (await admin.rpc(rules("hidden", hide, group="tenants")))[0].tag == NC + "ok"
    found = await pushed(alice)
    assert edits(found) == [("delete", "/opnfv-promise:promise/reservations")]
    assert str(found.findtext(f".//{Y}target")).endswith(f"={own}")
    await alice.rpc(reserve())
    await player.stage.quiet()
    assert not alice.notifications


@pytest.mark.rfc("8641", "3.6", "a selection filter that is configured is used by its name")
async def test_a_configured_selection_is_used_by_its_name(player: Player) -> None:
    client = await player.stage.session("admin")
    xpath = '<datastore-xpath-filter xmlns:p="urn:opnfv:promise">/p:promise/p:reservations</datastore-xpath-filter>'
    entry = f'<selection-filter xmlns="{YP}"><filter-id>mine</filter-id>{xpath}</selection-filter>'
    edit = f'<target><running/></target><config><filters xmlns="{SN}">{entry}</filters></config>'
    assert (await client.rpc(f'<edit-config xmlns="{NC[1:-1]}">{edit}</edit-config>'))[0].tag == NC + "ok"
    referring = f"{OPERATIONAL}<yp:selection-filter-ref>%s</yp:selection-filter-ref><yp:on-change/>"
    await establish(client, referring % "mine")
    await pushed(client)
    await client.rpc(reserve())
    assert edits(await pushed(client)) == [("create", "/opnfv-promise:promise/reservations")]
    reply = await ask(client, "establish-subscription", referring % "other")
    assert reply.findtext(f".//{NC}error-app-tag") == "ietf-subscribed-notifications:filter-unsupported"


def shown(found: Any) -> dict[str, bytes]:
    """Return the parts of /promise in a document."""
    told = {}
    for child in found.iterfind(f".//{P}promise/*"):
        name, key = str(child.tag).rpartition("}")[2], child.findtext(P + "id")
        told[name if key is None else f"{name}={key}"] = canonical(child)
    return told


def canonical(element: Any) -> bytes:
    """Return an element as text, but for when its cloud was last looked at, which is no commit."""
    copy = etree.fromstring(etree.tostring(element, with_tail=False))
    for health in copy.iterfind(f"{P}health"):
        copy.remove(health)
    etree.cleanup_namespaces(copy)
    return etree.tostring(copy, method="c14n")


def mirror(before: dict[str, bytes], patch: Any) -> None:
    """Change a copy as a patch says."""
    for edit in patch.iter(Y + "edit"):
        path = str(edit.findtext(Y + "target")).removeprefix("/opnfv-promise:promise/")
        if edit.findtext(Y + "operation") == "delete":
            del before[path]
        else:
            assert (path in before) is (edit.findtext(Y + "operation") == "replace"), path
            before[path] = canonical(edit.find(Y + "value")[0])


INSTANCE = "<name>vnf</name><image>cirros</image><flavor>m1.tiny</flavor>"


@pytest.mark.rfc("8641", "3.4", "what is pushed, applied, is what get shows, whatever happens")
async def test_what_is_pushed_adds_up_to_what_is_there(player: Player) -> None:
    client, stage = await player.stage.session("admin"), player.stage
    whole = f'{OPERATIONAL}<yp:datastore-subtree-filter><promise xmlns="urn:opnfv:promise"/>'
    await establish(client, f"{whole}</yp:datastore-subtree-filter><yp:on-change/>")
    copy = shown(await pushed(client))

    async def same(reply: Any = None) -> Any:
        assert reply is None or reply.findtext(P + "result") == "ok", etree.tostring(reply)
        await stage.quiet()
        wanted = '<filter><promise xmlns="urn:opnfv:promise"/></filter>'
        there = shown(await client.rpc(f'<get xmlns="{NC[1:-1]}">{wanted}</get>'))
        while client.notifications:
            mirror(copy, await pushed(client))
        assert copy == there
        return reply

    async def do(name: str, inside: str) -> Any:
        return await same(await client.rpc(f'<{name} xmlns="urn:opnfv:promise">{inside}</{name}>'))

    await same(await client.rpc(reserve(3)))
    soon = "<end>2030-01-01T02:00:00Z</end><capacity><cores>4</cores><instances>2</instances></capacity>"
    now = await do("create-reservation", soon)
    held = f"<reservation-id>{now.findtext(P + 'reservation-id')}</reservation-id>"
    first = await do("create-instance", INSTANCE + held)
    second = await do("create-instance", INSTANCE)
    await stage.advance(60)
    await same()
    await do("update-reservation", f"{held}<capacity><cores>5</cores></capacity>")
    await do("destroy-instance", f"<instance-id>{first.findtext(P + 'instance-id')}</instance-id>")
    await stage.advance(60)
    await same()
    await stage.advance(7200)
    await same()
    await do("destroy-instance", f"<instance-id>{second.findtext(P + 'instance-id')}</instance-id>")
    provider = next(name.partition("=")[2] for name in copy if name.startswith("providers="))
    await do("decrease-capacity", f"<source>{provider}</source><capacity><cores>99999</cores></capacity>")
    await stage.advance(60)
    await same()


@pytest.mark.rfc("9196", "4", "what can be pushed, and how, is what is told of it")
async def test_what_can_be_pushed_is_told(player: Player) -> None:
    client = await player.stage.session("admin")
    space = "urn:ietf:params:xml:ns:yang:ietf-system-capabilities"
    wanted = f'<filter><system-capabilities xmlns="{space}"/></filter>'
    found = await client.rpc(f'<get xmlns="{NC[1:-1]}">{wanted}</get>')
    notc = "{urn:ietf:params:xml:ns:yang:ietf-notification-capabilities}"
    told = {
        (str(each.findtext(f"{{{space}}}datastore")).rpartition(":")[2], node.findtext(f"{{{space}}}node-selector")): (
            node.findtext(f".//{notc}periodic-notifications-supported"),
            node.findtext(f".//{notc}on-change-supported"),
        )
        for each in found.iter(f"{{{space}}}datastore-capabilities")
        for node in each.iter(f"{{{space}}}per-node-capabilities")
    }
    assert told["operational", "/opnfv-promise:promise"] == ("config-changes state-changes",) * 2
    triggers = ("<yp:periodic><yp:period>100</yp:period></yp:periodic>", "<yp:on-change/>")
    selectors = {
        "/opnfv-promise:promise": '<promise xmlns="urn:opnfv:promise"/>',
        "/ietf-netconf-acm:nacm": f'<nacm xmlns="{ACM}"/>',
        "/": '<netconf-state xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"/>',
    }
    for (datastore, selector), supported in told.items():
        if datastore == "candidate" or (datastore == "operational" and selector in selectors):
            of_it = OPERATIONAL.replace("operational", datastore)
            of_it += f"<yp:datastore-subtree-filter>{selectors[str(selector)]}</yp:datastore-subtree-filter>"
            for trigger, said in zip(triggers, supported, strict=True):
                reply = await ask(client, "establish-subscription", of_it + trigger)
                assert (reply.findtext(f"{{{SN}}}id") is not None) is bool(said), (datastore, selector, trigger)


async def test_a_push_without_filter_is_of_everything(player: Player) -> None:
    client = await player.stage.session("admin")
    await establish(client, f"{OPERATIONAL}<yp:on-change/>")
    first = await pushed(client)
    assert len(list(first.iter(P + "providers"))) == 1
    await client.rpc(reserve())
    assert edits(await pushed(client)) == [("create", "/opnfv-promise:promise/reservations")]


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
        (
            f"{RECORDS}<yp:on-change><yp:dampening-period>5</yp:dampening-period></yp:on-change>",
            "ietf-yang-push:period-unsupported",
        ),
    ],
)
async def test_what_cannot_be_pushed_is_told_why(player: Player, inside: str, app_tag: str | None) -> None:
    client = await player.stage.session("admin")
    reply = await ask(client, "establish-subscription", inside)
    found = reply.find(NC + "rpc-error")
    assert found is not None, etree.tostring(reply)
    assert found.findtext(NC + "error-app-tag") == app_tag
