"""The base notifications of NETCONF (RFC 6470): configuration, confirmed commits, sessions; and the locks."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from configured import PROMISE, controller, do, edit, expiry, nc, provider, target
from lxml import etree
from netconf_client import open_channel
from notified import EVENT_TIME, playing

from promise.configuration.model import Revision
from promise.events import Entry, Event
from promise.northbound.events.content import notices
from promise.northbound.library.modules import library

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from configured import House
    from netconf_client import NetconfClient

N = "{urn:ietf:params:xml:ns:yang:ietf-netconf-notifications}"
NCM = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"
YANGLINT = shutil.which("yanglint")
PLAYED = "<startTime>2030-01-01T00:00:00Z</startTime>"
START = "<startTime>2027-01-01T00:00:00Z</startTime>"
USER = f'<promise xmlns="{PROMISE}"><users><name>eve</name></users></promise>'


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with controller(tmp_path) as running:
        yield running


def plain(element: Any) -> Any:
    """Return an element as plain values, namespaces left out."""
    if not len(element):
        return element.text or ""
    found: dict[str, Any] = {}
    for child in element:
        found.setdefault(str(child.tag).rpartition("}")[2], []).append(plain(child))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


async def heard(client: NetconfClient, name: str) -> Any:
    """Return the content of the next notification, which has this name."""
    told = etree.fromstring(await client.notification())
    assert told[0].tag == EVENT_TIME
    assert told[1].tag == N + name, etree.tostring(told)
    return plain(told[1])


@pytest.mark.rfc("6470", "2.2", "netconf-config-change with its edits")
async def test_a_change_is_told_with_who_made_it_and_what_it_was(house: House) -> None:
    async with await house.session() as admin, await house.session("fred") as fred:
        await admin.subscribe()
        await fred.subscribe()
        who = {"username": "admin", "session-id": str(admin.session_id), "source-host": "127.0.0.1"}
        await do(admin, edit(provider(1), "running"), edit(USER, "running"), edit(expiry(5), "running"))
        at = "/promise:promise/promise:policy"
        for client in (admin, fred):  # the first of a kind is told as the topmost node that came
            told = await heard(client, "netconf-config-change")
            assert told["changed-by"] == who
            assert told["datastore"] == "running"
            if client is admin:
                told = (await heard(client, "netconf-config-change"))["edit"]  # of users, fred is told nothing
                assert told == {"target": "/promise:promise/promise:users[promise:name='eve']", "operation": "create"}
            told = (await heard(client, "netconf-config-change"))["edit"]
            assert told == {"target": at, "operation": "create"}
        await do(admin, edit(expiry(6), "running"))
        told = (await heard(fred, "netconf-config-change"))["edit"]
        assert told == {"target": f"{at}/promise:reservation/promise:expiry", "operation": "replace"}


@pytest.mark.rfc("6470", "2.2", "netconf-confirmed-commit at each step")
async def test_a_commit_on_trial_is_told_at_each_step_and_told_again(house: House) -> None:
    async with await house.session() as admin, await house.session() as watching:
        await watching.subscribe()
        trial = nc("commit", "<confirmed/><confirm-timeout>20</confirm-timeout>")
        await do(admin, edit(expiry(5)), trial, nc("commit", "<confirmed/><confirm-timeout>30</confirm-timeout>"))
        await do(admin, nc("commit"), edit(expiry(6)), trial, nc("cancel-commit"), edit(expiry(7)), trial)
        await house.clock.advance(21)
        who = {"username": "admin", "session-id": str(admin.session_id), "source-host": "127.0.0.1"}
        steps = [
            (who, {**who, "confirm-event": "start", "timeout": "20"}),
            (None, {**who, "confirm-event": "extend", "timeout": "30"}),
            (None, {**who, "confirm-event": "complete"}),
            (who, {**who, "confirm-event": "start", "timeout": "20"}),
            (who, {**who, "confirm-event": "cancel"}),
            (who, {**who, "confirm-event": "start", "timeout": "20"}),
            ({"server": ""}, {"confirm-event": "timeout"}),
        ]
        for changed_by, commit in steps:
            if changed_by is not None:
                assert (await heard(watching, "netconf-config-change"))["changed-by"] == changed_by
            told = await heard(watching, "netconf-confirmed-commit")
            assert told == commit
        async with await house.session() as later:
            await later.subscribe(START)
            assert (await heard(later, "netconf-config-change"))["changed-by"] == who
            assert await heard(later, "netconf-confirmed-commit") == steps[0][1]


@pytest.mark.rfc("6470", "2.2", "netconf-session-start and -end")
async def test_sessions_are_told_to_administrators_and_to_their_users_and_never_replayed(house: House) -> None:
    async with await house.session() as admin, await house.session("fred") as fred:
        await admin.subscribe()
        await fred.subscribe()
        closing = await house.session()
        number, host = str(closing.session_id), "127.0.0.1"
        await closing.rpc("<close-session/>")
        killed = await house.session("fred")
        await do(admin, nc("kill-session", f"<session-id>{killed.session_id}</session-id>"))
        told = {"username": "admin", "session-id": number, "source-host": host}
        assert await heard(admin, "netconf-session-start") == told
        assert await heard(admin, "netconf-session-end") == {**told, "termination-reason": "closed"}
        told = {"username": "fred", "session-id": str(killed.session_id), "source-host": host}
        by = {"killed-by": str(admin.session_id), "termination-reason": "killed"}
        for client in (admin, fred):
            assert await heard(client, "netconf-session-start") == told
            assert await heard(client, "netconf-session-end") == {**told, **by}
        await fred.close()
        assert (await heard(admin, "netconf-session-end"))["termination-reason"] == "dropped"
        async with await open_channel(*house.app.address, "fred", "secret") as speechless:
            speechless.send(b"<hello/>]]>]]>")
            await speechless.closed()
        assert (await heard(admin, "netconf-session-end"))["termination-reason"] == "bad-hello"
        async with await house.session() as later:
            await later.subscribe(START)
            assert etree.fromstring(await later.notification())[1].tag.endswith("replayComplete")


@pytest.mark.rfc("6470", "2.2", "what RPCs change in the configuration is told too")
async def test_providers_that_rpcs_bring_and_take_are_changes(tmp_path: Path) -> None:
    async with playing(tmp_path) as player:
        admin = await player.stage.session("admin")
        (cloud,) = player.stage.running.state.providers
        which = f"<provider-id>{cloud}</provider-id><force>true</force>"
        removed = await admin.rpc(f'<remove-provider xmlns="{PROMISE}">{which}</remove-provider>')
        assert removed.findtext(f"{{{PROMISE}}}result") == "ok"
        late = await player.stage.another("admin")
        filtered = f'<filter><netconf-config-change xmlns="{N[1:-1]}"/></filter>'
        await late.subscribe(f"{PLAYED}{filtered}")
        target = f"/promise:promise/promise:providers[promise:id='{cloud}']"
        told = await heard(late, "netconf-config-change")
        while told["edit"]["target"] != target:
            told = await heard(late, "netconf-config-change")
        assert told["edit"]["operation"] == "create"
        assert told["changed-by"] == {"username": "admin", "session-id": str(admin.session_id)}
        assert (await heard(late, "netconf-config-change"))["edit"] == {"target": target, "operation": "delete"}


@pytest.mark.rfc("7951", "6.11", "instance-identifiers name modules")
async def test_the_json_names_modules_and_both_forms_are_what_the_module_says(tmp_path: Path) -> None:
    edits = [
        {"target": "/promise:promise/promise:users[promise:name='a-b']/promise:group[.='c:d']", "operation": "create"},
        {"target": "/nacm:nacm/nacm:enable-nacm", "operation": "replace"},
    ]
    detail: dict[str, Any] = {"session": 4, "source": "[2001:db8::1]:40022", "edits": edits, "user": "admin"}
    entry = Entry(7, 1_900_000_000, "admin", Event("configuration-changed", "revision", "running", Revision(1), detail))
    (notice,) = notices(entry)
    told = json.loads(notice.json_for(["unused"]))["ietf-restconf:notification"]
    body = told.pop("ietf-netconf-notifications:netconf-config-change")
    assert told == {"eventTime": "2030-03-17T17:46:40Z"}
    assert body["changed-by"] == {"username": "admin", "session-id": 4, "source-host": "2001:db8::1"}
    assert [edit["target"] for edit in body["edit"]] == [
        "/opnfv-promise:promise/users[name='a-b']/group[.='c:d']",
        "/ietf-netconf-acm:nacm/enable-nacm",
    ]
    if YANGLINT:
        for module in library().modules.values():
            (tmp_path / f"{module.name}.yang").write_text(module.text, encoding="utf-8")
        said = {**detail, "edits": [], "confirm": "start"}  # it wants to see what an edit is about
        (notice,) = notices(replace(entry, event=replace(entry.event, detail=said)))
        (tmp_path / "told.xml").write_bytes(notice.content)
        files = [
            str(tmp_path / f"{name}.yang")
            for name in ("opnfv-promise", "ietf-netconf-acm", "ietf-netconf-notifications")
        ]
        process = await asyncio.create_subprocess_exec(
            YANGLINT, "-p", str(tmp_path), "-t", "notif", *files, str(tmp_path / "told.xml")
        )
        assert await process.wait() == 0


@pytest.mark.rfc("6022", "2.1.2", "datastores and their locks")
async def test_the_locks_are_told(house: House) -> None:
    async with await house.session() as one, await house.session() as other:
        await do(one, target("lock", "candidate"))
        await house.clock.advance(5)
        await do(other, target("lock", "running"))
        reply = await one.rpc(f'<get><filter><netconf-state xmlns="{NCM}"><datastores/></netconf-state></filter></get>')
        stores = [plain(each) for each in reply.iter(f"{{{NCM}}}datastore")]
        assert stores == [
            {"name": name, "locks": {"global-lock": {"locked-by-session": str(session), "locked-time": at}}}
            for name, session, at in (
                ("running", other.session_id, "2027-01-15T08:00:05Z"),
                ("candidate", one.session_id, "2027-01-15T08:00:00Z"),
            )
        ]
        await do(one, target("unlock", "candidate"))
        reply = await one.rpc(f'<get><filter><netconf-state xmlns="{NCM}"><datastores/></netconf-state></filter></get>')
        assert plain(reply.findall(f".//{{{NCM}}}datastore")[1]) == {"name": "candidate"}
