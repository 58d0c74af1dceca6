"""Access rules (RFC 8341): one set of rules, and the same view of everything on every door."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree
from netconf_client import BASE, NC, connect
from restconf_house import JSON, PROMISE, RPC, XML, house
from structlog.testing import capture_logs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from netconf_client import NetconfClient
    from restconf_house import House

P = "urn:opnfv:promise"
NACM = "/restconf/data/ietf-netconf-acm:nacm"
TOPS = {"promise", "nacm", "restconf-state"}
RESERVATION = {"start": "2027-02-01T00:00:00Z", "end": "2027-02-02T00:00:00Z", "capacity": {"cores": 1}}
WHEN = "2027-01-15T07:00:00Z", "2027-01-15T08:00:30Z"
DEFAULTS = '<with-defaults xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults">explicit</with-defaults>'


def nc(name: str, inside: str = "") -> str:
    return f'<{name} xmlns="{BASE}">{inside}</{name}>'


def get_data(datastore: str, more: str = "") -> str:
    return (
        '<get-data xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-nmda" '
        f'xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores"><datastore>ds:{datastore}</datastore>{more}'
        "<with-defaults>explicit</with-defaults></get-data>"
    )


def edit(inside: str, target: str = "running") -> str:
    return nc("edit-config", f"<target><{target}/></target><config>{inside}</config>")


def policy(inside: str) -> str:
    return f'<promise xmlns="{P}"><policy><reservation>{inside}</reservation></policy></promise>'


def rule(name: str, action: str, **said: Any) -> dict[str, Any]:
    return {"name": name, "action": action, **{key.replace("_", "-"): value for key, value in said.items()}}


def nacm(*rules: dict[str, Any], **leaves: Any) -> dict[str, Any]:
    """Return the container with rules for alice and for nobody else."""
    groups = {"group": [{"name": "guests", "user-name": ["alice"]}]}
    lists = [{"name": "guests", "group": ["guests"], "rule": list(rules)}]
    return {"ietf-netconf-acm:nacm": {**leaves, "groups": groups, "rule-list": lists}}


@asynccontextmanager
async def alice(found: House) -> AsyncIterator[NetconfClient]:
    async with await connect(*found.app.address, "alice", "alice") as client:
        yield client


async def ruled(found: House, *rules: dict[str, Any], **leaves: Any) -> None:
    answer = await found.ask("PUT", NACM, nacm(*rules, **leaves))
    assert answer.status in {201, 204}, answer.body


async def tag(client: NetconfClient, operation: str) -> str:
    reply = await client.rpc(operation)
    return str(reply.findtext(f"{NC}rpc-error/{NC}error-tag") or "ok")


async def counts(found: House) -> tuple[int, int, int]:
    """Return denied-operations, -data-writes and -notifications."""
    shown = (await found.ask("GET", NACM)).body["ietf-netconf-acm:nacm"]
    return shown["denied-operations"], shown["denied-data-writes"], shown["denied-notifications"]


# --- what is there, leaf by leaf, whatever it is written in


def in_xml(element: Any, path: str = "") -> Iterator[tuple[str, str]]:
    name = f"{path}/{etree.QName(element).localname}"
    if len(element) == 0:
        yield name, (element.text or "").rpartition(":")[2]
    for child in element:
        yield from in_xml(child, name)


def in_json(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for member, inside in value.items():
            yield from in_json(inside, f"{path}/{member.rpartition(':')[2]}")
    elif isinstance(value, list) and value != [None]:
        for entry in value:
            yield from in_json(entry, path)
    else:
        text = "" if value == [None] else str(value).lower() if isinstance(value, bool) else str(value)
        yield path, text.rpartition(":")[2]


def leaves_in(found: Iterator[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(each for each in found if each[0].split("/")[1] in TOPS)


async def over_netconf(client: NetconfClient, operation: str) -> list[tuple[str, str]]:
    (data,) = await client.rpc(operation)
    assert etree.QName(data).localname == "data", etree.tostring(data)
    return leaves_in(each for child in data for each in in_xml(child))


async def over_restconf(found: House, query: str, media: str) -> list[tuple[str, str]]:
    answer = await found.ask("GET", f"/restconf/data{query}", user="alice", Accept=media)
    assert answer.status == 200
    if media == JSON:
        return leaves_in(in_json(answer.body["ietf-restconf:data"]))
    return leaves_in(each for child in answer.xml for each in in_xml(child))


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[House]:
    """Open a controller with a cloud, two reservations of alice's, users, and a policy."""
    async with house(tmp_path, cloud=True) as found:
        for name in ("first", "second"):
            await found.invoke("create-reservation", "alice", **RESERVATION, name=name)
        users = [{"name": "dora", "group": ["ops"], "project": "red"}, {"name": "emil", "group": ["ops"]}]
        made = await found.ask(
            "PATCH", PROMISE, {"opnfv-promise:promise": {"users": users, "policy": {"reservation": {"expiry": 90}}}}
        )
        assert made.status == 204, made.body
        yield found


@pytest.mark.rfc("8341", "3.4.5", "what may not be read is left out, on every door")
async def test_one_set_of_rules_is_one_view_on_every_door(town: House) -> None:
    body = (await town.get("/reservations", user="alice")).body
    first, second = body["opnfv-promise:reservations"]
    at = "/opnfv-promise:promise"
    await ruled(
        town,
        rule("a", "deny", module_name="opnfv-promise", path=f"{at}/providers/endpoint", access_operations="read"),
        rule("b", "deny", path=f"{at}/reservations[id='{first['id']}']", access_operations="read"),
        rule("c", "permit", path=f"{at}/users[name='emil']/group", access_operations="read"),
        rule("d", "permit", path=f"{at}/users[name='emil']", access_operations="read"),
        rule("e", "deny", path="/ietf-restconf-monitoring:restconf-state/streams", access_operations="read"),
        rule("f", "deny", notification_name="capacity-event", access_operations="read"),
        rule("g", "deny", path=f"{at}/policy/reservation/preempt", access_operations="read"),
    )
    async with alice(town) as client:
        whole = await over_netconf(client, nc("get", DEFAULTS))
        config = await over_netconf(client, nc("get-config", f"<source><running/></source>{DEFAULTS}"))
        assert await over_netconf(client, get_data("operational")) == whole
        assert await over_netconf(client, get_data("running")) == config
        assert await over_netconf(client, nc("get-config", "<source><candidate/></source>")) == config
        for media in (JSON, XML):
            assert await over_restconf(town, "", media) == whole
            assert await over_restconf(town, "?content=config", media) == config
        seen = dict(whole)
        assert ("/promise/reservations/id", second["id"]) in whole
        assert ("/promise/reservations/id", first["id"]) not in whole
        assert [text for name, text in whole if name == "/promise/users/name"] == ["emil"]
        assert ("/promise/users/group", "ops") in config
        assert "/promise/providers/endpoint" not in seen
        assert not [name for name in seen if name.startswith(("/nacm", "/restconf-state/streams"))]
        assert "/restconf-state/capabilities/capability" in seen
        endpoint = f"{town.cloud}/identity/v3"
        for asked in (
            f'<filter><promise xmlns="{P}"><providers><name/><endpoint>{endpoint}</endpoint></providers></promise></filter>',  # noqa: E501
            f'<filter type="xpath" xmlns:p="{P}" select="/p:promise/p:providers[p:endpoint=\'{endpoint}\']"/>',
            f'<filter><promise xmlns="{P}"><users><name>dora</name></users></promise></filter>',
            f'<filter><promise xmlns="{P}"><users><project>red</project><name/></users></promise></filter>',
            f'<filter type="xpath" xmlns:p="{P}" select="//p:users[p:project]"/>',
            f'<filter type="xpath" xmlns:p="{P}" select="/p:promise[p:users/p:project=\'red\']/p:policy"/>',
        ):
            assert await over_netconf(client, nc("get", asked)) == [], asked
        only_group = f'<filter><promise xmlns="{P}"><users><group/></users></promise></filter>'
        shown = await over_netconf(client, nc("get", only_group))
        assert [text for name, text in shown if name.endswith("group")] == ["ops"]
        for mode in ("report-all", "report-all-tagged"):
            said = nc("get", DEFAULTS.replace(">explicit<", f">{mode}<"))
            assert "/promise/policy/reservation/preempt" not in dict(await over_netconf(client, said))
    page = await town.get("/reservations?limit=1", user="alice")
    assert [entry["id"] for entry in page.body["opnfv-promise:reservations"]] == [second["id"]]
    assert "Link" not in page.headers
    assert (await town.get(f"/reservations?limit=1&cursor={first['id']}", user="alice")).status == 400
    for hidden in (f"/reservations={first['id']}", f"/providers={town.provider}/endpoint", "/users=dora"):
        unknown = await town.get(hidden, user="alice")
        assert (unknown.status, unknown.error["error-tag"]) == (404, "invalid-value"), hidden
    for hidden in ("/policy/reservation", "/policy", ""):
        answer = await town.get(f"{hidden}?with-defaults=report-all", user="alice")
        assert b"preempt" not in answer.content, hidden


async def test_a_default_is_shown_to_whoever_may_read_its_node(town: House) -> None:
    hidden, seen = "/ietf-netconf-acm:nacm/read-default", "/ietf-netconf-acm:nacm"
    await ruled(
        town,
        rule("a", "deny", path=hidden, access_operations="read"),
        rule("b", "permit", path=seen, access_operations="read"),
    )
    for mode in ("", "?with-defaults=report-all", "?with-defaults=report-all-tagged"):
        assert (await town.ask("GET", f"{NACM}/read-default{mode}", user="alice")).status == 404, mode
        one = await town.ask("GET", f"{NACM}/write-default{mode}", user="alice")
        assert one.body["ietf-netconf-acm:write-default"] == "deny", mode
        whole = (await town.ask("GET", NACM + mode, user="alice")).body["ietf-netconf-acm:nacm"]
        assert ("write-default" in whole, "read-default" in whole) == (bool(mode), False), mode


@pytest.mark.rfc("8341", "3.4.6", "notifications are told to those who may hear them")
@pytest.mark.rfc("8341", "3.5.2", "denied-notifications")
async def test_notifications_are_told_to_those_who_may_hear_them(town: House) -> None:
    await ruled(town, rule("a", "deny", module_name="opnfv-promise", notification_name="capacity-event"))
    await town.clock.advance(60)
    start, stop = WHEN
    async with alice(town) as client:
        space = "urn:ietf:params:xml:ns:netconf:notification:1.0"
        asked = f"<startTime>{start}</startTime><stopTime>{stop}</stopTime>"
        assert await tag(client, f'<create-subscription xmlns="{space}">{asked}</create-subscription>') == "ok"
        told: list[str] = []
        while not told or told[-1] != "notificationComplete":
            told.append(etree.QName(etree.fromstring(await client.notification())[1]).localname)
    told = [name for name in told if name != "netconf-config-change"]
    assert told == ["reservation-event", "reservation-event", "replayComplete", "notificationComplete"]
    _, _, denied = await counts(town)
    assert denied > 0
    for encoding in ("json", "xml"):
        path = f"/restconf/streams/NETCONF/{encoding}?start-time={start}&stop-time={stop}"
        answer = await town.ask("GET", path, user="alice")
        assert answer.content.count(b"reservation-event") >= 2
        assert b"capacity-event" not in answer.content
    assert (await counts(town))[2] == 3 * denied


@pytest.mark.rfc("8341", "3.4.4", "operations are for those who may")
@pytest.mark.rfc("8341", "3.2.7", "delete-config is denied without a rule about it")
@pytest.mark.rfc("8341", "3.2.10", "kill-session is denied without a rule about it")
@pytest.mark.rfc("8341", "3.5.2", "denied-operations")
async def test_operations_are_for_those_who_may(town: House) -> None:
    await ruled(
        town,
        rule("a", "deny", rpc_name="cancel-reservation"),
        rule("b", "deny", module_name="ietf-netconf-monitoring", rpc_name="get-schema"),
        rule("c", "permit", rpc_name="set-user-password", access_operations="exec"),
        rule("d", "permit", module_name="ietf-netconf", rpc_name="kill-session", access_operations="exec"),
        rule("e", "deny", module_name="notifications", rpc_name="create-subscription"),
    )
    body = {"opnfv-promise:input": {"reservation-id": "00000000-0000-4000-8000-000000000000"}}
    refused = await town.ask("POST", f"{RPC}cancel-reservation", body, user="alice")
    assert (refused.status, refused.error["error-tag"]) == (403, "access-denied")
    assert (await town.ask("POST", f"{RPC}cancel-reservation", body, user="carol")).status == 200
    said = {"opnfv-promise:input": {"name": "dora", "password": "a-good-password"}}
    assert (await town.ask("POST", f"{RPC}set-user-password", said, user="carol")).status == 403
    granted = await town.ask("POST", f"{RPC}set-user-password", said, user="alice")
    assert granted.body["opnfv-promise:output"]["result"] == "ok"
    async with alice(town) as client, alice(town) as other:
        space = "urn:ietf:params:xml:ns:netconf:notification:1.0"
        schema = '<get-schema xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"/>'
        for operation in (schema, f'<cancel-reservation xmlns="{P}"/>', f'<create-subscription xmlns="{space}"/>'):
            assert await tag(client, operation) == "access-denied", operation
        assert await tag(client, nc("delete-config", "<target><running/></target>")) == "access-denied"
        assert await tag(client, nc("lock", "<target><running/></target>")) == "access-denied"
        assert await tag(client, nc("kill-session", f"<session-id>{other.session_id}</session-id>")) == "ok"
        assert (await counts(town))[0] == 2 + 5
        await ruled(town, rule("a", "deny", access_operations="exec"))
        assert await tag(client, nc("get")) == "access-denied"
        assert await tag(client, nc("close-session")) == "ok"


@pytest.mark.rfc("8341", "3.4.5", "edits are judged by what they change")
@pytest.mark.rfc("8341", "3.2.6", "copy-config")
@pytest.mark.rfc("8341", "3.4.3", "access-denied with the path of the node")
@pytest.mark.rfc("8341", "3.5.2", "denied-data-writes")
async def test_edits_are_judged_by_their_effect(town: House) -> None:
    path = "/opnfv-promise:promise/policy/reservation/expiry"
    await ruled(town, rule("a", "permit", path=path, access_operations="create update"))
    leaf = f"{PROMISE}/policy/reservation/expiry"
    async with alice(town) as client:
        assert await tag(client, edit(policy("<expiry>45</expiry>"))) == "ok"
        assert await tag(client, edit(policy("<expiry>45</expiry><preempt>true</preempt>"))) == "access-denied"
        assert await tag(client, edit(policy("<max-duration>1</max-duration>"), "candidate")) == "access-denied"
        gone = f'<expiry xmlns:nc="{BASE}" nc:operation="delete"/>'
        assert await tag(client, edit(policy(gone))) == "access-denied"
        assert await tag(client, edit(policy("<expiry>50</expiry>"), "candidate")) == "ok"
        assert await tag(client, nc("commit")) == "ok"
        async with await connect(*town.app.address, "admin", "admin") as admin:
            assert await tag(admin, edit(policy("<max-duration>9</max-duration>"), "candidate")) == "ok"
            assert await tag(client, nc("commit")) == "access-denied"  # what somebody else has prepared
            assert await tag(admin, nc("discard-changes")) == "ok"
        replaced = f"<target><running/></target><source><config>{policy('<expiry>51</expiry>')}</config></source>"
        assert await tag(client, nc("copy-config", replaced)) == "access-denied"
        reply = await client.rpc(edit(policy("<preempt>true</preempt>")))
        assert (
            reply.findtext(f".//{NC}error-path")
            == "/promise:promise/promise:policy/promise:reservation/promise:preempt"
        )
    for method, said, status in (("PUT", {"opnfv-promise:expiry": 55}, 204), ("DELETE", None, 403)):
        assert (await town.ask(method, leaf, said, user="alice")).status == status
    patch = {"opnfv-promise:reservation": {"expiry": 56, "preempt": True}}
    assert (await town.ask("PATCH", f"{PROMISE}/policy/reservation", patch, user="alice")).status == 403
    one = {"edit-id": "1", "operation": "replace", "target": "/preempt", "value": {"opnfv-promise:preempt": True}}
    many = {"ietf-yang-patch:yang-patch": {"patch-id": "p", "edit": [one]}}
    kind = "application/yang-patch+json"
    patched = await town.ask(
        "PATCH", f"{PROMISE}/policy/reservation", json.dumps(many).encode(), user="alice", Content_Type=kind
    )
    assert patched.status == 403
    assert (await town.get("/policy/reservation/expiry")).body == {"opnfv-promise:expiry": 55}
    assert (await counts(town))[:2] == (0, 9)


async def test_each_write_and_each_denial_is_a_line_with_user_session_and_transport(town: House) -> None:
    body = {"opnfv-promise:input": {**RESERVATION, "name": "third"}}
    async with alice(town) as client:
        with capture_logs() as logs:
            assert await tag(client, f'<cancel-reservation xmlns="{P}"><reservation-id>x</reservation-id>'
                                     "</cancel-reservation>") != "ok"  # fmt: skip
            assert await tag(client, edit(policy("<expiry>45</expiry>"))) == "access-denied"
            assert await tag(client, nc("get")) == "ok"
            assert (await town.ask("POST", f"{RPC}create-reservation", body, user="alice")).status == 200
            assert (
                await town.ask("PATCH", f"{PROMISE}/policy", {"opnfv-promise:policy": {}}, user="carol")
            ).status == 403
            assert (await town.ask("PATCH", f"{PROMISE}/policy", {"opnfv-promise:policy": {}})).status == 204
    session, source = int(client.session_id), "127.0.0.1:"
    rpcs = [one for one in logs if one["event"] == "rpc" and one["log_level"] == "info"]
    assert [one["operation"] for one in rpcs] == ["cancel-reservation", "edit-config"]
    assert {(one["user"], one["session"], one["transport"]) for one in rpcs} == {("alice", session, "netconf-ssh")}
    written = [one for one in logs if one["event"] == "restconf" and one["log_level"] == "info"]
    assert [(one["user"], one["session"], one["transport"], one["method"], one["status"]) for one in written] == [
        ("alice", 0, "restconf", "POST", 200),
        ("carol", 0, "restconf", "PATCH", 403),
        ("admin", 0, "restconf", "PATCH", 204),
    ]
    denied = [one for one in logs if one["event"] == "access-denied"]
    assert [(one["user"], one["session"], one["transport"], one["rule"]) for one in denied] == [
        ("alice", session, "netconf-ssh", "write-default"),
        ("carol", 0, "restconf", "write-default"),
    ]
    assert all(one["source"].startswith(source) for one in [*written, *denied])
    assert [one["what"] for one in denied] == [
        "update /promise:promise/promise:policy/promise:reservation/promise:expiry",
        "update /promise:promise/promise:policy",
    ]


@pytest.mark.rfc("8341", "3.2.3", "methods count as the operations that they stand for")
async def test_methods_count_as_the_operations_that_they_stand_for(town: House) -> None:
    path = "/opnfv-promise:promise/policy"
    leaf = f"{PROMISE}/policy/reservation/expiry"
    body = {"opnfv-promise:expiry": 45}
    everything: dict[str, Any] = {"ietf-restconf:data": {}}

    async def statuses(*denied: str) -> dict[str, int]:
        rules = [rule(f"no {name}", "deny", rpc_name=name, access_operations="exec") for name in denied]
        await ruled(town, *rules, rule("policy", "permit", path=path, access_operations="create update delete"))
        asked = (("GET", leaf, None), ("HEAD", leaf, None), ("GET", f"{leaf}?content=config", None),
                 ("PUT", leaf, body), ("PATCH", leaf, body), ("DELETE", leaf, None),
                 ("POST", f"{PROMISE}/policy/reservation", body), ("PUT", "/restconf/data", everything),
                 ("OPTIONS", leaf, None))  # fmt: skip
        return {
            f"{method} {at[14:] and at.rpartition('/')[2]}": (await town.ask(method, at, said, user="alice")).status
            for method, at, said in asked
        }

    free = await statuses()
    assert list(free.values()) == [200, 200, 200, 204, 204, 204, 201, 403, 200]  # the 403 is for what it would delete
    none = await statuses("get", "get-config", "edit-config", "copy-config")
    assert list(none.values()) == [403, 403, 403, 403, 403, 403, 403, 403, 200]
    reading = await statuses("edit-config")
    assert list(reading.values()) == [200, 200, 200, 403, 403, 403, 403, 403, 200]
    state = await statuses("get-config")
    assert [state["GET expiry"], state["GET expiry?content=config"]] == [200, 403]
    before = await counts(town)
    assert (await statuses("get", "copy-config"))["PUT "] == 403
    operations, writes, _ = await counts(town)
    assert (operations - before[0], writes - before[1]) == (3, 0)


async def test_who_may_change_nothing_learns_nothing_by_trying(town: House) -> None:
    """There is, or there is not: an edit by somebody else cannot find out."""
    refusals = []
    for name in ("dora", "nobody"):
        entry = {"opnfv-promise:users": [{"name": name}]}
        for method, path, body in (
            ("POST", PROMISE, entry),
            ("PUT", f"{PROMISE}/users={name}", entry),
            ("DELETE", f"{PROMISE}/users={name}", None),
            ("DELETE", f"{PROMISE}/users={name}/project", None),
        ):
            answer = await town.ask(method, path, body, user="alice", If_Match='"x"')
            assert (answer.status, answer.error["error-tag"]) == (403, "access-denied")
            refusals.append(json.dumps(answer.body).replace(name, "?"))
    assert refusals[: len(refusals) // 2] == refusals[len(refusals) // 2 :]
    path = "/opnfv-promise:promise/policy"
    await ruled(town, rule("a", "permit", path=path))  # may change something, and still not see users
    for name in ("dora", "nobody"):
        created = await town.ask("POST", PROMISE, {"opnfv-promise:users": [{"name": name}]}, user="alice")
        assert created.status == 403


@pytest.mark.rfc("8341", "3.3.3", "recovery sessions")
@pytest.mark.rfc("8341", "3.4.2", "rules bind open sessions from their commit on")
@pytest.mark.rfc("8341", "3.3.4.1", "enable-nacm")
async def test_rules_bind_from_their_commit_on_and_administrators_never(town: House) -> None:
    async with alice(town) as client, await connect(*town.app.address, "admin", "admin") as admin:
        assert await over_netconf(client, nc("get"))
        await ruled(town, rule("a", "deny"), **{"read-default": "deny"})
        assert await tag(client, nc("get")) == "access-denied"
        for operation in (
            nc("get"),
            nc("lock", "<target><running/></target>"),
            nc("unlock", "<target><running/></target>"),
        ):
            assert await tag(admin, operation) == "ok"
        assert (await town.get("", user="alice")).status == 403
        assert (await town.get("", user="carol")).status == 404  # by read-default
        await ruled(town, **{"enable-nacm": False, "exec-default": "deny"})
        assert await tag(client, edit(policy("<expiry>11</expiry>"))) == "ok"
        assert (await town.ask("GET", NACM, user="alice")).status == 200
        assert (await town.ask("DELETE", NACM)).status == 204
        assert await tag(client, edit(policy("<expiry>12</expiry>"))) == "access-denied"


def path_rule(path: str) -> str:
    """Return a rule with a path, whose prefixes are those of this document alone."""
    space = "urn:ietf:params:xml:ns:yang:ietf-netconf-acm"
    return (
        f'<nacm xmlns="{space}" xmlns:x="{P}" xmlns:y="{space}"><rule-list><name>l</name><group>guests</group><rule>'
        f"<name>r</name><path>{path}</path><action>deny</action></rule></rule-list></nacm>"
    )


async def test_prefixes_of_a_path_are_those_of_its_document(town: House) -> None:
    async with await connect(*town.app.address, "admin", "admin") as admin:
        assert await tag(admin, edit(path_rule("/x:promise/x:providers[x:id='a:b']/x:endpoint"))) == "ok"
        (data,) = await admin.rpc(nc("get-config", "<source><running/></source>"))
        (leaf,) = data.iter("{*}path")
        assert (
            leaf.text == "/opnfv-promise:promise/opnfv-promise:providers[opnfv-promise:id='a:b']/opnfv-promise:endpoint"
        )
        assert leaf.nsmap["opnfv-promise"] == P
        stored = (await town.ask("GET", f"{NACM}/rule-list=l/rule=r/path")).body
        assert stored == {"ietf-netconf-acm:path": "/opnfv-promise:promise/providers[id='a:b']/endpoint"}
        for path, why in (
            ("/z:promise", "prefix z"),
            ("/x:promise/x:provider", "there is no opnfv-promise:provider"),
            ("/x:promise/x:providers[x:name='n']", "name is none of providers"),
            ("/y:promise", "there is no ietf-netconf-acm:promise"),
            ("/x:promise/x:providers[", "wrong from"),
        ):
            for target in ("running", "candidate"):
                reply = await admin.rpc(edit(path_rule(path), target))
                error = reply.find(f"{NC}rpc-error")
                if error is None and target == "candidate":
                    reply = await admin.rpc(nc("commit"))
                    error = reply.find(f"{NC}rpc-error")
                    await admin.rpc(nc("discard-changes"))
                assert error is not None, path
                assert error.findtext(f"{NC}error-tag") == "invalid-value", path
                assert target == "candidate" or why in error.findtext(f"{NC}error-message"), etree.tostring(error)
                assert "nacm:path" in error.findtext(f"{NC}error-path")
