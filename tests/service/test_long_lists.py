"""Lists that are too long to be read at once: on every door all of their entries, once, and others have their turn."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from configured import PROMISE as SPACE
from configured import P
from lxml import etree
from netconf_client import BASE, connect
from restconf_house import JSON, PROMISE, house

from promise.capacity.model import Pool
from promise.events import Decision, fact
from promise.northbound.access import Caller
from promise.northbound.datastores.state import AT_ONCE
from promise.northbound.port import Content, Datastore
from promise.northbound.restconf.longlist import LONG
from promise.northbound.restconf.media import XML_LIST
from promise.northbound.subtree import EVERYTHING, Selection
from promise.resources import FOREVER, Window

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from netconf_client import NetconfClient
    from restconf_house import House

COUNT = LONG + 3
IDS = [f"00000000-0000-4000-8000-{number:012}" for number in range(COUNT)]
HIDDEN = {
    "groups": {"group": [{"name": "guests", "user-name": ["alice"]}]},
    "rule-list": [
        {
            "name": "hidden",
            "group": ["guests"],
            "rule": [{"name": "notes", "path": "/opnfv-promise:promise/pools/note", "action": "deny"}],
        }
    ],
}

pytestmark = pytest.mark.asyncio(loop_scope="module")


def pool(number: int) -> Pool:
    window = Window(1_900_000_000, FOREVER)
    amount, note = {"cores": number}, f"{number} & more"
    return Pool(IDS[number], IDS[0], None, window, decrease=False, capacity=amount, note=note, created=number)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Open a controller with many pools, each with its own note, which only administrators may read."""
    async with house(tmp_path_factory.mktemp("long") / "state") as found:
        pools = [pool(number) for number in range(COUNT)]
        made = Decision(None, tuple(fact("pool-added", each) for each in pools))
        await found.app.ledger.submit(lambda _book, _now: made, actor="test")
        answer = await found.ask("PUT", "/restconf/data/ietf-netconf-acm:nacm", {"ietf-netconf-acm:nacm": HIDDEN})
        assert answer.status == 201, answer.body
        yield found


async def got(client: NetconfClient, inside: str, kind: str = "subtree") -> Any:
    """Return the promise element of a filtered <get>."""
    wanted = f'<filter type="{kind}">{inside}</filter>' if inside else ""
    reply = await client.rpc(f'<get xmlns="{BASE}">{wanted}</get>')
    return reply[0].find(f"{P}promise")


def of(promise: Any, leaf: str) -> list[str]:
    return [pool.findtext(P + leaf) for pool in promise.iter(f"{P}pools")]


async def test_over_netconf_all_entries_come_once_whatever_the_filter(town: House) -> None:
    async with await connect(*town.app.address, "admin", "admin") as client:
        everything = await got(client, "")
        assert of(everything, "id") == IDS
        assert everything.find(f"{P}capacity") is not None
        whole = await got(client, f'<promise xmlns="{SPACE}"><pools/></promise>')
        assert of(whole, "id") == IDS
        assert {child.tag for child in whole} == {f"{P}pools"}
        some = await got(client, f'<promise xmlns="{SPACE}"><pools><note/></pools></promise>')
        assert {child.tag for pool in some for child in pool} == {f"{P}note"}
        assert of(some, "note")[-1] == f"{COUNT - 1} & more"
        named = "".join(f"<pools><id>{key}</id><note/></pools>" for key in IDS[: AT_ONCE + 2])
        assert of(await got(client, f'<promise xmlns="{SPACE}">{named}</promise>'), "id") == IDS[: AT_ONCE + 2]
        valued = f'<promise xmlns="{SPACE}"><pools><note>300 &amp; more</note></pools></promise>'
        assert of(await got(client, valued), "id") == [IDS[300]]


async def test_over_netconf_what_may_not_be_read_is_left_out(town: House) -> None:
    async with await connect(*town.app.address, "alice", "alice") as client:
        for inside in ("", f'<promise xmlns="{SPACE}"><pools/></promise>'):
            shown = await got(client, inside)
            assert of(shown, "id") == IDS
            assert shown.find(f".//{P}note") is None
        asked = f'<promise xmlns="{SPACE}"><pools><note>300 &amp; more</note></pools></promise>'
        assert await got(client, asked) is None


async def test_over_restconf_all_entries_come_once_in_each_form(town: House) -> None:
    listed = await town.get("/pools")
    entries = listed.body["opnfv-promise:pools"]
    assert [entry["id"] for entry in entries] == IDS
    assert entries[-1]["note"] == f"{COUNT - 1} & more"
    walked, path = [], f"/pools?limit={AT_ONCE}"
    while path:
        page = await town.get(path)
        walked += page.body["opnfv-promise:pools"]
        path = page.headers.get("Link", "").partition(">")[0][1:].removeprefix(PROMISE)
    assert entries == walked
    some = (await town.get("/pools?fields=note")).body["opnfv-promise:pools"]
    assert some[0] == {"id": IDS[0], "note": "0 & more"}
    assert len(some) == COUNT
    assert (await town.get("/pools?fields=nothing")).status == 400
    xml = await town.get("/pools", Accept=XML_LIST)
    assert [pool.findtext(f"{P}id") for pool in xml.xml] == IDS
    assert (await town.get("/pools", Accept="application/yang-data+xml")).status == 400


async def test_over_restconf_a_container_holds_them_all(town: House) -> None:
    inside = (await town.get("")).body["opnfv-promise:promise"]
    assert [entry["id"] for entry in inside["pools"]] == IDS
    assert "capacity" in inside
    whole = await town.ask("GET", "/restconf/data")
    assert whole.body["ietf-restconf:data"]["opnfv-promise:promise"]["pools"] == inside["pools"]
    xml = (await town.get("", Accept="application/yang-data+xml")).xml
    assert of(xml, "id") == IDS
    assert json.loads((await town.get("?depth=1")).content) == {"opnfv-promise:promise": {}}


async def test_over_restconf_what_may_not_be_read_is_left_out(town: House) -> None:
    for path in ("/pools", ""):
        body = (await town.get(path, user="alice")).content
        assert b"more" not in body
        assert body.count(b'"cores"') == COUNT


async def test_the_head_is_that_of_the_answer(town: House) -> None:
    head = await town.ask("HEAD", f"{PROMISE}/pools")
    assert (head.status, head.headers["Content-Type"], head.content) == (200, JSON, b"")
    assert (await town.get("/pools?limit=1")).status == 200  # on the same connection


@pytest.mark.parametrize("filtered", [False, True])
async def test_others_have_their_turn(town: House, *, filtered: bool) -> None:
    inside = f'<filter><promise xmlns="{SPACE}"><pools><note/></pools></promise></filter>'
    wanted = Selection.of(etree.fromstring(inside)) if filtered else EVERYTHING
    caller = Caller("admin", frozenset({"admin"}))
    reading = asyncio.ensure_future(
        town.app.front.datastores.read(caller, Datastore.OPERATIONAL, wanted, Content.NONCONFIG)
    )
    turns = 0
    while not reading.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > COUNT // AT_ONCE
    (promise,) = [text for text in reading.result().texts() if text.startswith(b"<promise")]
    assert promise.count(b"<note") == COUNT
