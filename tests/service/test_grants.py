"""Grants: groups that see, or also change, what belongs to others; by every door, and from their commit on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from lxml import etree
from netconf_client import BASE, NC, connect
from restconf_house import PROMISE, RPC, house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from restconf_house import Answer, House

NACM = "/restconf/data/ietf-netconf-acm:nacm"
NOTIFICATION = "urn:ietf:params:xml:ns:netconf:notification:1.0"
P = "urn:opnfv:promise"
FUTURE = {"start": "2027-02-01T00:00:00Z", "end": "2027-02-02T00:00:00Z"}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Open a controller with a cloud, in which carol (of the project blue) is an auditor."""
    async with house(tmp_path_factory.mktemp("grants") / "state", cloud=True) as found:
        group = {"name": "auditors", "user-name": ["carol"]}
        rule = {"name": "own", "path": "/opnfv-promise:promise/subscriptions", "action": "permit"}
        lists = [{"name": "subscribers", "group": ["auditors"], "rule": [rule]}]
        body = {"groups": {"group": [group]}, "rule-list": lists}
        made = await found.ask("PUT", NACM, {"ietf-netconf-acm:nacm": body})
        assert made.status == 201, made.body
        yield found


async def granted(found: House, access: str | None, *projects: str) -> None:
    """Let the auditors read or write the records of projects, or of everybody; None = take it back."""
    if access is None:
        taken = await found.ask("DELETE", f"{PROMISE}/grants=audit")
        assert taken.status == 204, taken.body
        return
    grant = {"name": "audit", "group": ["auditors"], "project": list(projects), "access": access}
    if not projects:
        del grant["project"]
    put = await found.ask("PUT", f"{PROMISE}/grants=audit", {"opnfv-promise:grants": [grant]})
    assert put.status in {201, 204}, put.body


async def reserve(found: House, user: str = "alice", **more: Any) -> str:
    made = await found.invoke("create-reservation", user, **{**FUTURE, "capacity": {"cores": 1}, **more})
    assert made["result"] == "ok", made
    return str(made["reservation-id"])


async def ask(found: House, rpc: str, /, **given: Any) -> Answer:
    return await found.ask("POST", RPC + rpc, {"opnfv-promise:input": given}, user="carol")


async def denials(found: House) -> int:
    shown = (await found.ask("GET", NACM)).body["ietf-netconf-acm:nacm"]
    return int(shown["denied-operations"])


async def test_who_may_read_sees_and_may_not_change(town: House) -> None:
    own = await reserve(town)
    sub = await town.invoke("subscribe-reservation-events", "alice", **{"callback-uri": "http://127.0.0.1:9/"})
    assert (await town.get(f"/reservations={own}", user="carol")).status == 404
    await granted(town, "read", "red")
    assert (await town.get(f"/reservations={own}", user="carol")).status == 200
    listed = (await ask(town, "query-reservation")).body["opnfv-promise:output"]
    assert own in json.dumps(listed)
    key = sub["subscription-id"]
    assert (await town.get(f"/subscriptions={key}", user="carol")).status == 200
    before = await denials(town)
    for rpc, given in (
        ("cancel-reservation", {"reservation-id": own}),
        ("update-reservation", {"reservation-id": own, "name": "x"}),
        ("create-instance", {"name": "vm", "image": "cirros", "flavor": "m1.tiny", "reservation-id": own}),
        ("unsubscribe", {"subscription-id": key}),
    ):
        refused = await ask(town, rpc, **given)
        assert (refused.status, refused.error["error-tag"]) == (403, "access-denied"), rpc
    assert await denials(town) == before + 4
    async with await connect(*town.app.address, "carol", "carol") as client:
        body = f"<reservation-id>{own}</reservation-id>"
        reply = await client.rpc(f'<cancel-reservation xmlns="{P}">{body}</cancel-reservation>')
        assert reply.findtext(f"{NC}rpc-error/{NC}error-tag") == "access-denied"
    assert await denials(town) == before + 5
    await granted(town, "read", "green")
    assert (await town.get(f"/reservations={own}", user="carol")).status == 404
    assert (await town.get(f"/subscriptions={key}", user="carol")).status == 404
    unknown = (await ask(town, "cancel-reservation", **{"reservation-id": own})).body["opnfv-promise:output"]
    assert unknown["reason"] == "opnfv-promise:not-found"
    await granted(town, "write")
    ended = (await ask(town, "unsubscribe", **{"subscription-id": key})).body["opnfv-promise:output"]
    assert ended["result"] == "ok"
    done = (await ask(town, "cancel-reservation", **{"reservation-id": own})).body["opnfv-promise:output"]
    assert done["result"] == "ok"
    await granted(town, None)


async def test_what_is_made_of_a_reservation_of_others_is_theirs(town: House) -> None:
    await granted(town, "write", "red")
    now = await reserve(town, start="2027-01-15T08:00:00Z", capacity={"cores": 1, "instances": 1})
    asked = {"name": "vm", "image": "cirros", "flavor": "m1.tiny", "reservation-id": now}
    made = (await ask(town, "create-instance", **asked)).body["opnfv-promise:output"]
    assert made["result"] == "ok", made
    await granted(town, None)
    key = made["instance-id"]
    (shown,) = (await town.get(f"/allocations={key}", user="alice")).body["opnfv-promise:allocations"]
    assert (shown["owner"], shown["project"], shown["reservation"]) == ("alice", "red", now)
    assert (await town.get(f"/allocations={key}", user="carol")).status == 404
    gone = (await ask(town, "destroy-instance", **{"instance-id": key})).body["opnfv-promise:output"]
    assert gone["reason"] == "opnfv-promise:not-found"
    assert (await town.invoke("destroy-instance", "alice", **{"instance-id": key}))["result"] == "ok"


async def test_open_streams_show_what_may_be_seen_at_that_moment(town: House) -> None:
    async with await connect(*town.app.address, "carol", "carol") as client:
        stream = "<stream>reservation</stream>"
        await client.rpc(f'<create-subscription xmlns="{NOTIFICATION}">{stream}</create-subscription>')
        await client.rpc(f'<subscribe-reservation-events xmlns="{P}"/>')
        told: list[str] = []
        own: list[str] = []

        async def all_told() -> list[str]:
            """Return the reservations of others that were told since the last time."""
            own.append(await reserve(town, "carol"))
            while told.count(own[-1]) < 2:
                event = etree.fromstring(await client.notification())
                told.append(str(event.findtext(f".//{{{P}}}reservation-id")))
            others = [key for key in told if key not in own]
            told.clear()
            return others

        made = [await reserve(town)]
        assert await all_told() == []
        await granted(town, "read", "red")
        made.append(await reserve(town))
        assert await all_told() == [made[1]] * 2
        await granted(town, None)
        made.append(await reserve(town))
        assert await all_told() == []
    for key in made:
        await town.invoke("cancel-reservation", "alice", **{"reservation-id": key})
    for key in own:
        await town.invoke("cancel-reservation", "carol", **{"reservation-id": key})


async def test_answers_name_what_may_be_seen_and_count_everything(town: House) -> None:
    window = {"start": "2027-03-01T00:00:00Z", "end": "2027-03-02T00:00:00Z"}
    holder = await reserve(town, **window, capacity={"cores": 20})

    async def answers() -> str:
        refused = (await ask(town, "create-reservation", **window, capacity={"cores": 1})).body["opnfv-promise:output"]
        assert (refused["result"], refused["reason"]) == ("conflict", "opnfv-promise:insufficient-capacity")
        assert refused["refusal"]["shortfall"][0]["available"] == "0"
        less = {"source": town.provider, "capacity": {"cores": 19}, "start": window["start"], "strict": True}
        fewer = (await ask(town, "decrease-capacity", **less)).body["opnfv-promise:output"]
        course = (await ask(town, "query-capacity", window=window)).body["opnfv-promise:output"]
        return json.dumps([refused, fewer, course])

    assert holder not in await answers()
    await granted(town, "read", "red")
    assert (await answers()).count(holder) >= 2
    await granted(town, None)
    assert holder not in await answers()
    await town.invoke("cancel-reservation", "alice", **{"reservation-id": holder})


async def test_an_edit_touches_no_subscription_that_its_editor_does_not_see(town: House) -> None:
    """Whoever may configure subscriptions may configure his own."""
    whole = f"{PROMISE}?content=config"
    tags = [(await town.ask("GET", whole, user="carol")).headers["ETag"]]
    made = await town.invoke("subscribe-capacity-events", "alice", **{"callback-uri": "http://127.0.0.1:9/"})
    key, nobodys = made["subscription-id"], "00000000-0000-4000-8000-00000000dead"
    tags.append((await town.ask("GET", whole, user="carol")).headers["ETag"])
    assert tags[0] == tags[1]
    mine = {"id": "00000000-0000-4000-8000-0000000000aa", "kind": "capacity", "callback-uri": "http://127.0.0.1:9/"}

    async def removed(which: str) -> str:
        gone = f'<subscriptions xmlns:nc="{BASE}" nc:operation="delete"><id>{which}</id></subscriptions>'
        config = f'<config><promise xmlns="{P}">{gone}</promise></config>'
        reply = await client.rpc(f'<edit-config xmlns="{BASE}"><target><running/></target>{config}</edit-config>')
        return etree.tostring(reply[0]).decode().replace(which, "ID")

    async with await connect(*town.app.address, "carol", "carol") as client:
        answers = []
        for which in (key, nobodys):
            gone = await town.ask("DELETE", f"{PROMISE}/subscriptions={which}", user="carol")
            put = {"opnfv-promise:callback-uri": "http://127.0.0.1:9/other"}
            changed = await town.ask("PUT", f"{PROMISE}/subscriptions={which}/callback-uri", put, user="carol")
            told = [one.content.decode().replace(which, "ID") for one in (gone, changed)]
            answers.append((gone.status, changed.status, *told, await removed(which)))
        assert answers[0] == answers[1]
        assert answers[0][0] == 404
        assert "data-missing" in str(answers[0][-1])
        taken = await town.ask("POST", PROMISE, {"opnfv-promise:subscriptions": [{**mine, "id": key}]}, user="carol")
        assert (taken.status, taken.error["error-tag"]) == (403, "access-denied")
        own = await town.ask("POST", PROMISE, {"opnfv-promise:subscriptions": [mine]}, user="carol")
        assert own.status == 201, own.body
        assert (await town.get(f"/subscriptions={key}", user="alice")).status == 200
        await granted(town, "read")
        assert (await town.ask("DELETE", f"{PROMISE}/subscriptions={key}", user="carol")).status == 403
        assert "access-denied" in await removed(key)
        await granted(town, "write")
        assert (await town.ask("DELETE", f"{PROMISE}/subscriptions={key}", user="carol")).status == 204
        await granted(town, None)
    assert (await town.ask("DELETE", f"{PROMISE}/subscriptions={mine['id']}", user="carol")).status == 204


async def test_grants_are_for_those_who_may_configure_access(town: House) -> None:
    await granted(town, "read")
    assert (await town.get("/grants", user="carol")).body in ({"opnfv-promise:grants": []}, None)
    assert (await town.get("/grants=audit", user="carol")).status == 404
    mine = {"name": "mine", "group": ["auditors"], "access": "write"}
    for method, path in (("POST", PROMISE), ("PUT", f"{PROMISE}/grants=mine")):
        refused = await town.ask(method, path, {"opnfv-promise:grants": [mine]}, user="carol")
        assert refused.status == 403
    (shown,) = (await town.get("/grants?limit=1")).body["opnfv-promise:grants"]
    assert shown == {"name": "audit", "group": ["auditors"], "access": "read"}
    nobody = {"opnfv-promise:grants": [{"name": "void", "access": "read"}]}
    assert (await town.ask("POST", PROMISE, nobody)).status in {400, 409, 412}
    await granted(town, None)


async def test_the_file_says_who_operates_without_any_grant(tmp_path: Path) -> None:
    async with house(tmp_path, cloud=True, access={"operator_groups": []}) as found:
        made = await reserve(found)
        assert (await found.get(f"/reservations={made}")).status == 404
        assert (await found.ask("GET", NACM)).status == 200  # rules are another matter
        grant = {"name": "all", "group": ["admin"], "access": "write"}
        assert (await found.ask("POST", PROMISE, {"opnfv-promise:grants": [grant]})).status == 201
        assert (await found.get(f"/reservations={made}")).status == 200
