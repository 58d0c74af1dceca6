"""Configuration by RESTCONF: create, replace, merge, delete, order, conditions (RFC 8040 sections 3.4.1 and 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from restconf_house import JSON, PROMISE, XML, Answer, House, house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="module")
RULES = PROMISE + "/policy/reservation"
NACM = "/restconf/data/ietf-netconf-acm:nacm"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("restconf") / "state") as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def empty(opened: House) -> House:
    answer = await opened.ask("PUT", "/restconf/data", {"ietf-restconf:data": {}})
    assert answer.status == 204
    return opened


def id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def provider(number: int, **more: Any) -> dict[str, Any]:
    endpoint = f"http://cloud{number}.example/v3"
    return {"id": id_of(number), "name": f"c{number}", "provider-type": "openstack", "endpoint": endpoint, **more}


async def names(house: House) -> list[str]:
    shown = await house.get("?content=config")
    entries = shown.body["opnfv-promise:promise"]["providers"] if shown.status == 200 else []
    return [entry["name"] for entry in entries]


async def create(house: House, number: int, query: str = "", **headers: str) -> Answer:
    return await house.ask("POST", PROMISE + query, {"opnfv-promise:providers": [provider(number)]}, **headers)


@pytest.mark.rfc("8040", "4.4.1", "POST creates: 201, Location; data-exists is 409")
@pytest.mark.rfc("8040", "4.5", "PUT creates or replaces: 201 or 204")
@pytest.mark.rfc("8040", "4.6.1", "plain PATCH merges, and creates nothing")
@pytest.mark.rfc("8040", "4.7", "DELETE")
async def test_a_resource_comes_changes_and_goes(empty: House) -> None:
    made = await create(empty, 1)
    assert made.status == 201
    path = f"{PROMISE}/providers={id_of(1)}"
    assert made.headers["Location"] == f"http://{empty.app.http[0]}:{empty.app.http[1]}{path}"
    assert made.headers["ETag"]
    again = await create(empty, 1)
    assert (again.status, again.error["error-tag"]) == (409, "data-exists")
    assert again.error["error-path"] == f"/opnfv-promise:promise/providers[id='{id_of(1)}']"
    assert (await empty.ask("PATCH", f"{path}/region", {"opnfv-promise:region": "north"})).status == 404
    entry = {"opnfv-promise:providers": [{"id": id_of(1), "region": "north"}]}
    assert (await empty.ask("PATCH", path, entry)).status == 204
    shown = (await empty.ask("GET", f"{path}?content=config")).body["opnfv-promise:providers"]
    assert shown == [provider(1, region="north")]
    replaced = await empty.ask("PUT", path, {"opnfv-promise:providers": [provider(1, alarms=True)]})
    assert (replaced.status, "Location" in replaced.headers) == (204, False)
    shown = (await empty.ask("GET", f"{path}?content=config")).body["opnfv-promise:providers"]
    assert shown == [provider(1, alarms=True)]
    leaf = await empty.ask("PUT", f"{path}/region", {"opnfv-promise:region": "south"})
    assert (leaf.status, leaf.headers["Location"].endswith("/region")) == (201, True)
    assert (await empty.ask("PUT", f"{path}/region", {"opnfv-promise:region": "west"})).status == 204
    assert (await empty.ask("GET", f"{path}/region")).body == {"opnfv-promise:region": "west"}
    assert (await empty.ask("DELETE", f"{path}/region")).status == 204
    assert (await empty.ask("DELETE", f"{path}/region")).status == 404
    assert (await empty.ask("DELETE", path)).status == 204
    assert (await empty.ask("DELETE", path)).status == 404
    assert (await empty.ask("PUT", path, {"opnfv-promise:providers": [provider(1)]})).status == 201


@pytest.mark.rfc("8040", "5.2", "edits in XML")
async def test_xml_edits_mean_the_same(empty: House) -> None:
    body = b'<reservation xmlns="urn:opnfv:promise"><alternatives>7</alternatives><expiry>5</expiry></reservation>'
    assert (await empty.ask("PUT", RULES, body, Content_Type=XML)).status == 201
    assert (await empty.ask("GET", RULES)).body == {"opnfv-promise:reservation": {"alternatives": 7, "expiry": 5}}
    rule = b"<policy><reservation><retention>9</retention></reservation></policy>"
    more = b'<promise xmlns="urn:opnfv:promise">%b</promise>' % rule
    assert (await empty.ask("PATCH", PROMISE, more, Content_Type="application/xml")).status == 204
    shown = (await empty.ask("GET", RULES, Accept=XML)).xml
    assert {child.tag.rpartition("}")[2]: child.text for child in shown} == {
        "alternatives": "7", "expiry": "5", "retention": "9",
    }  # fmt: skip
    key = f"<id>{id_of(3)}</id><name>three</name><provider-type>openstack</provider-type>".encode()
    entry = b'<providers xmlns="urn:opnfv:promise">%b<endpoint>http://three.example</endpoint></providers>' % key
    assert (await empty.ask("POST", PROMISE, entry, Content_Type=XML)).status == 201
    assert await names(empty) == ["three"]
    orders = (
        b'<policy xmlns="urn:opnfv:promise" xmlns:y="urn:ietf:params:xml:ns:netconf:base:1.0" y:operation="delete"/>'
    )
    refused = await empty.ask("PUT", PROMISE + "/policy", orders, Content_Type=XML, Accept=JSON)
    assert (refused.status, refused.error["error-tag"]) == (400, "unknown-attribute")


async def test_a_value_keeps_its_prefixes_wherever_it_is_put(empty: House) -> None:
    """Though they are those of the elements around it, too."""
    acm = "urn:ietf:params:xml:ns:yang:ietf-netconf-acm"
    inside = "<name>r</name><path>/acm:nacm/acm:groups</path><action>permit</action>"
    await empty.ask("PUT", NACM, {"ietf-netconf-acm:nacm": {"rule-list": [{"name": "one", "group": ["*"]}]}})
    rule = f'<rule xmlns="{acm}" xmlns:acm="{acm}">{inside}</rule>'.encode()
    made = await empty.ask("POST", NACM + "/rule-list=one", rule, Content_Type=XML)
    assert made.status == 201, made.content
    (shown,) = (await empty.ask("GET", NACM + "/rule-list=one")).body["ietf-netconf-acm:rule-list"]
    assert shown["rule"] == [{"name": "r", "path": "/ietf-netconf-acm:nacm/groups", "action": "permit"}]


@pytest.mark.rfc("8040", "3.4", "the datastore as a resource")
async def test_the_datastore_as_a_whole(empty: House) -> None:
    body = {"ietf-restconf:data": {"opnfv-promise:promise": {"providers": [provider(1), provider(2)]}}}
    assert (await empty.ask("PUT", "/restconf/data", body)).status == 204
    assert await names(empty) == ["c1", "c2"]
    more = {"ietf-restconf:data": {"opnfv-promise:promise": {"policy": {"reservation": {"expiry": 3}}}}}
    assert (await empty.ask("PATCH", "/restconf/data", more)).status == 204
    assert await names(empty) == ["c1", "c2"]
    assert (await empty.ask("GET", RULES)).body == {"opnfv-promise:reservation": {"expiry": 3}}
    assert (await empty.ask("DELETE", "/restconf/data")).status == 405
    xml = b'<data xmlns="urn:ietf:params:xml:ns:yang:ietf-restconf"/>'
    assert (await empty.ask("PUT", "/restconf/data", xml, Content_Type=XML)).status == 204
    assert await names(empty) == []


@pytest.mark.rfc("8040", "4.8.5", "insert")
@pytest.mark.rfc("8040", "4.8.6", "point")
async def test_entries_stand_where_they_are_put(empty: House) -> None:
    for number, query in ((1, ""), (2, "?insert=first"), (3, "?insert=last")):
        assert (await create(empty, number, query)).status == 201
    point = PROMISE.removeprefix("/restconf/data").replace("/", "%2F") + f"%2Fproviders%3D{id_of(1)}"
    assert (await create(empty, 4, f"?insert=before&point={point}")).status == 201
    assert (await create(empty, 5, f"?insert=after&point={point}")).status == 201
    assert await names(empty) == ["c2", "c4", "c1", "c5", "c3"]
    moved = {"opnfv-promise:providers": [provider(3)]}
    assert (await empty.ask("PUT", f"{PROMISE}/providers={id_of(3)}?insert=first", moved)).status == 204
    assert await names(empty) == ["c3", "c2", "c4", "c1", "c5"]
    for query, status in (
        ("?insert=before", 400),
        (f"?point={point}", 400),
        (f"?insert=first&point={point}", 400),
        ("?insert=middle", 400),
        (f"?insert=before&point={point[:-1]}9", 400),
        ("?insert=before&point=%2Fopnfv-promise%3Apromise", 400),
    ):
        assert (await create(empty, 6, query)).status == status, query
    rules = {"opnfv-promise:policy": {"reservation": {"expiry": 3}}}
    assert (await empty.ask("POST", PROMISE + "?insert=first", rules)).error["error-tag"] == "invalid-value"


@pytest.mark.rfc("9110", "13.1.1", "If-Match")
@pytest.mark.rfc("9110", "13.1.2", "If-None-Match")
@pytest.mark.rfc("8040", "3.4.1.2", "ETag, If-Match, If-None-Match")
@pytest.mark.rfc("8040", "3.5.2", "ETags of configuration resources")
async def test_conditions_are_held_against_the_moment_of_the_edit(empty: House) -> None:
    made = await empty.ask("PUT", RULES, {"opnfv-promise:reservation": {"expiry": 5}})
    tag = made.headers["ETag"]
    got = await empty.ask("GET", RULES)
    assert got.headers["ETag"] == tag
    assert (await empty.ask("GET", RULES, If_None_Match=tag)).status == 304
    assert (await empty.ask("GET", RULES, If_None_Match=f'"x", W/{tag}')).status == 304
    in_xml = await empty.ask("GET", RULES, Accept=XML)
    assert in_xml.headers["ETag"] != tag
    body = {"opnfv-promise:reservation": {"expiry": 6}}
    stale = await empty.ask("PUT", RULES, body, If_Match='"0000-json"')
    assert (stale.status, stale.error["error-tag"]) == (412, "operation-failed")
    changed = await empty.ask("PUT", RULES, body, If_Match=in_xml.headers["ETag"])
    assert changed.status == 204
    assert (await empty.ask("PUT", RULES, body, If_Match=tag)).status == 412
    assert (await empty.ask("PUT", RULES, body, If_None_Match="*")).status == 412
    assert (await empty.ask("DELETE", RULES, If_Match=changed.headers["ETag"])).status == 204
    assert (await empty.ask("PUT", RULES, body, If_Match="*")).status == 412
    assert (await empty.ask("PUT", RULES, body, If_None_Match="*")).status == 201
    assert (await empty.ask("GET", RULES, If_Match='"0000-json"')).status == 412


@pytest.mark.rfc("8040", "3.5.1", "Last-Modified of configuration resources")
@pytest.mark.rfc("9110", "13.1.3", "If-Modified-Since")
@pytest.mark.rfc("9110", "13.1.4", "If-Unmodified-Since")
@pytest.mark.rfc("8040", "3.4.1.1", "Last-Modified and the conditions on it")
async def test_the_datastore_knows_when_it_was_changed(empty: House) -> None:
    await empty.clock.advance(100)
    before = await empty.ask("PUT", RULES, {"opnfv-promise:reservation": {"expiry": 5}})
    since = before.headers["Last-Modified"]
    whole = await empty.ask("GET", "/restconf/data?content=config")
    assert whole.headers["Last-Modified"] == since
    assert (await empty.ask("GET", RULES, If_Modified_Since=since)).status == 304
    await empty.clock.advance(10)
    body = {"opnfv-promise:reservation": {"expiry": 6}}
    after = await empty.ask("PUT", RULES, body, If_Unmodified_Since=since)
    assert after.status == 204
    assert after.headers["Last-Modified"] != since
    assert (await empty.ask("PUT", RULES, body, If_Unmodified_Since=since)).status == 412
    assert (await empty.ask("GET", RULES, If_Modified_Since=since)).status == 200
    assert (await empty.ask("GET", "/restconf/data?content=config")).headers["ETag"] != whole.headers["ETag"]
    assert (await empty.ask("GET", RULES, If_Modified_Since="nonsense")).status == 200


@pytest.mark.rfc("8040", "7", "tag and status of edits that cannot be")
@pytest.mark.parametrize(
    ("method", "path", "body", "status", "tag"),
    [
        ("PUT", "/policy", {"opnfv-promise:policies": {}}, 400, "unknown-element"),
        ("PUT", "/policy", {"nosuch:policy": {}}, 400, "unknown-namespace"),
        ("PUT", "/policy", {"policy": {}}, 400, "unknown-element"),
        ("PUT", "/policy", {"opnfv-promise:providers": []}, 400, "invalid-value"),
        ("PUT", "/policy", {}, 400, "invalid-value"),
        ("PUT", "/policy", [], 400, "invalid-value"),
        ("PUT", "/policy", {"opnfv-promise:policy": {"reservation": {"expiry": "5"}}}, 400, "invalid-value"),
        ("PUT", "/policy", {"opnfv-promise:policy": {"reservation": {"expiry": 0}}}, 400, "invalid-value"),
        ("PUT", "/policy", {"opnfv-promise:policy": {"reservation": {"expiry": 1.5}}}, 400, "invalid-value"),
        ("PUT", "/policy", {"opnfv-promise:policy": {"reservation": {"expiry": None}}}, 400, "invalid-value"),
        ("PUT", "/policy", {"opnfv-promise:policy": {"reservation": {"preempt": "true"}}}, 400, "invalid-value"),
        ("PUT", "/policy", {"opnfv-promise:policy": {"@": {"x:y": 1}, "nosuch": 1}}, 400, "unknown-element"),
        ("PUT", f"/providers={id_of(1)}", {"opnfv-promise:providers": [provider(2)]}, 400, "invalid-value"),
        ("PUT", f"/providers={id_of(1)}", {"opnfv-promise:providers": provider(1)}, 400, "invalid-value"),
        ("POST", "", {"opnfv-promise:providers": [provider(1), provider(2)]}, 400, "invalid-value"),
        ("POST", "", {"opnfv-promise:providers": [provider(1), provider(1)]}, 400, "bad-element"),
        ("POST", "", {"opnfv-promise:providers": [{"name": "x"}]}, 400, "missing-element"),
        ("POST", "", {"opnfv-promise:providers": [{"id": id_of(1), "name": "x"}]}, 400, "missing-element"),
        ("POST", "", {"opnfv-promise:providers": [provider(1, health={})]}, 400, "unknown-element"),
        ("POST", "", {"opnfv-promise:reservations": [{"id": id_of(1)}]}, 400, "unknown-element"),
        ("POST", f"/providers={id_of(1)}", {"opnfv-promise:region": "x"}, 404, "invalid-value"),
        ("PATCH", f"/providers={id_of(1)}", {"opnfv-promise:providers": [provider(1)]}, 404, "invalid-value"),
        ("PUT", f"/providers={id_of(1)}/region", {"opnfv-promise:region": "x"}, 404, "invalid-value"),
        ("POST", "/reservations", {}, 405, "operation-not-supported"),
        ("DELETE", "/providers", None, 405, "operation-not-supported"),
        ("PUT", f"/reservations={id_of(1)}", {}, 405, "operation-not-supported"),
        ("PUT", f"/providers={id_of(1)}/id", {"opnfv-promise:id": id_of(1)}, 405, "operation-not-supported"),
        ("POST", "/policy/reservation/expiry", {}, 405, "operation-not-supported"),
        ("DELETE", "/policy?insert=first", None, 400, "invalid-value"),
        ("PROPFIND", "/policy", None, 405, "operation-not-supported"),
    ],
)
async def test_what_cannot_be_edited_is_told_and_nothing_changes(
    empty: House, method: str, path: str, body: Any, status: int, tag: str
) -> None:
    answer = await empty.ask(method, PROMISE + path, body)
    assert (answer.status, answer.error["error-tag"]) == (status, tag), answer.body
    assert ("Allow" in answer.headers) is (status == 405)
    assert await names(empty) == []


@pytest.mark.rfc("8040", "7", "access-denied is 403")
async def test_only_administrators_edit(empty: House) -> None:
    refused = await empty.ask("PUT", RULES, {"opnfv-promise:reservation": {"expiry": 5}}, user="alice")
    assert (refused.status, refused.error["error-tag"]) == (403, "access-denied")


@pytest.mark.rfc("8040", "4.1", "OPTIONS: Allow and Accept-Patch")
async def test_options_tell_what_can_be_done(empty: House) -> None:
    for path, allowed in (
        ("/restconf/data", "GET, HEAD, OPTIONS, POST, PUT, PATCH"),
        (RULES, "GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE"),
        (RULES + "/expiry", "GET, HEAD, OPTIONS, PUT, PATCH, DELETE"),
        (PROMISE + "/capacity", "GET, HEAD, OPTIONS"),
        (PROMISE + "/providers", "GET, HEAD, OPTIONS"),
    ):
        answer = await empty.ask("OPTIONS", path)
        assert (answer.status, answer.headers["Allow"]) == (200, allowed), path
        patch = answer.headers.get("Accept-Patch", "")
        assert ("application/yang-data+json" in patch) is ("PATCH" in allowed)


@pytest.mark.rfc("8040", "4.5", "entries of leaf-lists")
async def test_users_and_access_rules_are_configuration_too(empty: House) -> None:
    erin = {"name": "erin", "project": "red", "group": ["readers"]}
    path = PROMISE + "/users=erin"
    made = await empty.ask("PUT", path, {"opnfv-promise:users": [erin]})
    assert made.status == 201, made.body
    assert (await empty.ask("GET", path)).body == {"opnfv-promise:users": [erin]}
    assert (await empty.ask("GET", f"{path}/group=readers", Accept=XML)).xml.text == "readers"
    assert (await empty.ask("PUT", f"{path}/group=writers", {"opnfv-promise:group": ["writers"]})).status == 201
    assert (await empty.ask("DELETE", f"{path}/group=readers")).status == 204
    assert (await empty.ask("GET", f"{path}/group")).body == {"opnfv-promise:group": ["writers"]}
    rule = {"name": "r1", "path": "/opnfv-promise:promise/providers", "access-operations": "read", "action": "deny"}
    rules = {"ietf-netconf-acm:nacm": {"rule-list": [{"name": "l1", "group": ["readers"], "rule": [rule]}]}}
    put = await empty.ask("PUT", "/restconf/data/ietf-netconf-acm:nacm", rules)
    assert put.status == 201, put.body
    nacm = "/restconf/data/ietf-netconf-acm:nacm/rule-list=l1/rule=r1"
    spelled_out = "/opnfv-promise:promise/providers"  # XML wants a prefix at each step
    assert (await empty.ask("GET", f"{nacm}/path")).body == {"ietf-netconf-acm:path": spelled_out}
    in_xml = await empty.ask("GET", f"{nacm}/path", Accept=XML)
    text = str(in_xml.xml.text)
    assert in_xml.xml.nsmap[text[1:].partition(":")[0]] == "urn:opnfv:promise"
    back = await empty.ask("PUT", f"{nacm}/path", in_xml.content, Content_Type=XML)
    assert back.status == 204, back.content
    assert (await empty.ask("GET", f"{nacm}/path")).body == {"ietf-netconf-acm:path": spelled_out}
    for hidden in ("/restconf/data/ietf-netconf-acm:nacm", path, "/restconf/data?content=config"):
        for root in ("/restconf/data", "/restconf/ds/ietf-datastores:candidate"):
            seen = await empty.ask("GET", hidden.replace("/restconf/data", root), user="alice")
            assert b"writers" not in seen.content
            assert b"rule-list" not in seen.content
    assert (await empty.ask("DELETE", "/restconf/data/ietf-netconf-acm:nacm")).status == 204


@pytest.mark.rfc("6243", "4.5.2", "what is tagged as default is not set, in JSON as in XML")
@pytest.mark.parametrize("kind", [JSON, XML])
async def test_what_was_read_with_tags_can_be_written_back(empty: House, kind: str) -> None:
    nacm = "/restconf/data/ietf-netconf-acm:nacm"
    rules = {"ietf-netconf-acm:nacm": {"exec-default": "permit", "rule-list": [{"name": "l1"}]}}
    assert (await empty.ask("PUT", nacm, rules)).status == 201
    read = await empty.ask("GET", f"{nacm}?content=config&with-defaults=report-all-tagged", Accept=kind)
    assert b"write-default" in read.content
    assert (await empty.ask("PUT", nacm, read.content, Content_Type=kind)).status == 204
    assert (await empty.ask("GET", f"{nacm}?content=config")).body == rules
    tag = {"ietf-netconf-with-defaults:default": True}
    for body in (
        {"ietf-netconf-acm:write-default": "permit", "@ietf-netconf-acm:write-default": tag},
        {"ietf-netconf-acm:write-default": "deny", "@ietf-netconf-acm:write-default": {**tag, next(iter(tag)): "yes"}},
    ):
        assert (await empty.ask("PUT", f"{nacm}/write-default", body)).status == 400
    assert (await empty.ask("DELETE", nacm)).status == 204


@pytest.mark.rfc("8040", "3.4.1.1", "a restart is no change of the configuration")
async def test_times_and_tags_outlive_a_restart(tmp_path: Path) -> None:
    async with house(tmp_path / "state") as first:
        await first.clock.advance(100)
        assert (await first.ask("PUT", RULES, {"opnfv-promise:reservation": {"expiry": 5}})).status == 201
        await first.clock.advance(50)
        before = await first.ask("HEAD", "/restconf/data")
        assert before.headers["Last-Modified"] == "Fri, 15 Jan 2027 08:01:40 GMT"
    async with house(tmp_path / "state") as second:
        after = await second.ask("HEAD", "/restconf/data")
        assert [after.headers[name] for name in ("ETag", "Last-Modified")] == [
            before.headers[name] for name in ("ETag", "Last-Modified")
        ]
