"""Clauses of RFC 8040 and 8527 one by one, by plain HTTP: what a reader of the RFCs tries first."""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from restconf_house import JSON, PROMISE, RPC, XML, House, house

from promise.northbound.library.modules import library

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")
NACM = "/restconf/data/ietf-netconf-acm:nacm"
OPERATIONAL = "/restconf/ds/ietf-datastores:operational"
RUNNING = "/restconf/ds/ietf-datastores:running"
RULES = PROMISE + "/policy/reservation"
WD = "{urn:ietf:params:xml:ns:netconf:default:1.0}default"
OR = "{urn:ietf:params:xml:ns:yang:ietf-origin}origin"
DEFAULT = {"ietf-netconf-with-defaults:default": True}
FROM_DEFAULT = {"ietf-origin:origin": "ietf-origin:default"}
INTENDED = {"ietf-origin:origin": "ietf-origin:intended"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("restconf") / "state", policy={"alternatives": 3}) as found:
        for rules in ("a", "b"):
            await found.ask("PUT", f"{NACM}/rule-list={rules}", {"ietf-netconf-acm:rule-list": [rule_list(rules)]})
        yield found


def rule_list(name: str) -> dict[str, Any]:
    return {"name": name, "group": ["nobody"], "rule": [{"name": "r", "action": "permit", "comment": "x"}]}


async def lists(opened: House) -> list[str]:
    answer = await opened.ask("GET", f"{NACM}/rule-list?fields=name")
    return [entry["name"] for entry in answer.body["ietf-netconf-acm:rule-list"]]


@pytest.mark.rfc("8040", "3.5.4", "a leaf that is not set has its default when it is asked for")
async def test_a_default_is_the_value_of_a_leaf_that_is_asked_for(opened: House) -> None:
    path = f"{NACM}/write-default"
    assert (await opened.ask("GET", path)).body == {"ietf-netconf-acm:write-default": "deny"}
    assert (await opened.ask("GET", path, Accept=XML)).xml.text == "deny"
    tagged = await opened.ask("GET", f"{path}?with-defaults=report-all-tagged")
    name = "ietf-netconf-acm:write-default"
    assert tagged.body == {name: "deny", f"@{name}": DEFAULT}
    assert (await opened.ask("GET", f"{path}?with-defaults=report-all-tagged", Accept=XML)).xml.get(WD) == "true"
    assert (await opened.ask("GET", f"{NACM}/rule-list=a/rule=r/access-operations")).body == {
        "ietf-netconf-acm:access-operations": "*"
    }
    assert (await opened.ask("GET", f"{NACM}/rule-list=nosuch/rule=r/access-operations")).status == 404
    assert (await opened.ask("GET", path, user="alice")).status == 404  # it is not for these eyes
    assert "write-default" not in (await opened.ask("GET", NACM)).body["ietf-netconf-acm:nacm"]
    assert (await opened.ask("GET", f"{RUNNING}/ietf-netconf-acm:nacm/write-default")).status == 404  # RFC 8527, 3.2
    assert (await opened.ask("DELETE", path)).status == 404


async def test_defaults_are_told_to_those_only_who_may_read_the_leaf(opened: House) -> None:
    assert (await opened.ask("PUT", f"{NACM}/enable-external-groups", {"ietf-netconf-acm:enable-external-groups": True})
            ).status == 201  # fmt: skip
    for root in (NACM, "/restconf/data", f"{OPERATIONAL}/ietf-netconf-acm:nacm", OPERATIONAL):
        for mode in ("report-all", "report-all-tagged"):
            seen = await opened.ask("GET", f"{root}?with-defaults={mode}", user="alice")
            assert b"enable-external-groups" not in seen.content
            assert b"write-default" not in seen.content
    assert (await opened.ask("DELETE", f"{NACM}/enable-external-groups")).status == 204


@pytest.mark.rfc("8527", "3.2.1", "in operation defaults are shown, but for trim")
async def test_operation_shows_what_is_in_use(opened: House) -> None:
    path = f"{OPERATIONAL}/ietf-netconf-acm:nacm"
    for query in ("", "?with-defaults=explicit", "?with-defaults=report-all"):
        assert (await opened.ask("GET", path + query)).body["ietf-netconf-acm:nacm"]["enable-nacm"] is True
    tagged = (await opened.ask("GET", f"{path}?with-defaults=report-all-tagged")).body["ietf-netconf-acm:nacm"]
    assert (tagged["enable-nacm"], tagged["@enable-nacm"]) == (True, DEFAULT)
    trimmed = (await opened.ask("GET", f"{path}?with-defaults=trim")).body["ietf-netconf-acm:nacm"]
    assert "enable-nacm" not in trimmed
    assert (await opened.ask("GET", f"{RUNNING}/ietf-netconf-acm:nacm?content=nonconfig")).status == 404
    assert (await opened.ask("GET", f"{RUNNING}?content=nonconfig")).body == {"ietf-restconf:data": {}}


@pytest.mark.rfc("8527", "3.2.2", "with-origin tells where configuration in operation comes from")
async def test_origins_are_told(opened: House) -> None:
    path = f"{OPERATIONAL}/ietf-netconf-acm:nacm"
    shown = (await opened.ask("GET", f"{path}?with-origin&fields=enable-nacm;rule-list")).body["ietf-netconf-acm:nacm"]
    assert (shown["@"], shown["@enable-nacm"]) == (INTENDED, FROM_DEFAULT)
    assert shown["rule-list"][0]["rule"][0]["@access-operations"] == FROM_DEFAULT
    assert "@comment" not in shown["rule-list"][0]["rule"][0]
    both = await opened.ask("GET", f"{path}/enable-nacm?with-origin&with-defaults=report-all-tagged")
    assert both.body["@ietf-netconf-acm:enable-nacm"] == DEFAULT | FROM_DEFAULT
    in_xml = (await opened.ask("GET", f"{path}?with-origin", Accept=XML)).xml
    prefix, _, origin = str(in_xml.get(OR)).partition(":")
    assert (in_xml.nsmap[prefix], origin) == ("urn:ietf:params:xml:ns:yang:ietf-origin", "intended")
    leaf = in_xml.find("{*}enable-nacm")
    assert leaf is not None
    assert leaf.get(OR) == "or:default"
    whole = (await opened.ask("GET", f"{OPERATIONAL}?with-origin&depth=2")).body["ietf-restconf:data"]
    assert whole["ietf-netconf-acm:nacm"]["@"] == INTENDED
    assert "@" not in whole["ietf-yang-library:yang-library"]
    entries = await opened.ask("GET", f"{path}/rule-list?with-origin&depth=1")
    assert entries.body["ietf-netconf-acm:rule-list"][0] == {"@": INTENDED, "name": "a"}
    comment = await opened.ask("GET", f"{path}/rule-list=a/rule=r/comment?with-origin")
    assert comment.body == {"ietf-netconf-acm:comment": "x", "@ietf-netconf-acm:comment": INTENDED}
    group = await opened.ask("GET", f"{path}/rule-list=a/group?with-origin")
    assert group.body == {"ietf-netconf-acm:group": ["nobody"], "@ietf-netconf-acm:group": [INTENDED]}
    for root in ("/restconf/data", RUNNING):
        refused = await opened.ask("GET", f"{root}?with-origin")
        assert (refused.status, refused.error["error-tag"]) == (400, "invalid-value")
    assert (await opened.ask("GET", f"{OPERATIONAL}?with-origin=true")).status == 400


@pytest.mark.rfc("8040", "3.3", "the entry point knows depth and fields; content and with-defaults are for data")
@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("depth=1", {}),
        ("depth=2", {"data": {}, "operations": {}, "yang-library-version": "2019-01-04"}),
        ("fields=yang-library-version", {"yang-library-version": "2019-01-04"}),
        ("fields=ietf-restconf:data;operations", {"data": {}, "operations": {}}),
        ("fields=nosuch", None),
        ("fields=data/x", None),
        ("content=all", None),
        ("with-defaults=trim", None),
    ],
)
async def test_the_entry_point_can_be_asked_for_parts(opened: House, query: str, shown: Any) -> None:
    answer = await opened.ask("GET", f"/restconf?{query}")
    assert answer.status == (200 if shown is not None else 400)
    assert shown is None or answer.body == {"ietf-restconf:restconf": shown}


@pytest.mark.rfc("8040", "4.8.2", "what fields names is as deep as the target: depth counts from there")
@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("depth=1&fields=rule-list/rule", [{"name": "a", "rule": [{"name": "r"}]}]),
        ("depth=2&fields=rule-list/rule", [{"name": "a", "rule": [{"name": "r", "comment": "x", "action": "permit"}]}]),
        ("depth=1&fields=rule-list/rule/action", [{"name": "a", "rule": [{"name": "r", "action": "permit"}]}]),
        ("depth=1&fields=rule-list", [{"name": "a"}]),
        ("depth=2&fields=rule-list(group)", [{"name": "a", "group": ["nobody"]}]),
    ],
)
async def test_depth_counts_from_the_fields(opened: House, query: str, shown: list[Any]) -> None:
    answer = await opened.ask("GET", f"{NACM}?{query}")
    assert answer.body["ietf-netconf-acm:nacm"]["rule-list"][:1] == shown


@pytest.mark.rfc("8040", "4.8.6", "point is a path, as it stands in a URI; one that names nothing is invalid-value")
async def test_a_point_is_the_path_of_a_target(opened: House) -> None:
    async def insert(name: str, query: str) -> Any:
        return await opened.ask("POST", f"{NACM}?{query}", {"ietf-netconf-acm:rule-list": [{"name": name}]})

    assert (await insert("p1", "insert=after&point=%2Fietf-netconf-acm%3Anacm%2Frule-list%3Da")).status == 201
    assert (await insert("p2", "insert=before&point=/restconf/data/ietf-netconf-acm:nacm/rule-list=b")).status == 201
    assert await lists(opened) == ["a", "p1", "p2", "b"]
    for point, tag in (
        ("/ietf-netconf-acm:nacm/nosuch=1", "invalid-value"),
        ("/nosuch:nacm", "invalid-value"),
        ("/ietf-netconf-acm:nacm/rule-list", "invalid-value"),
        ("/ietf-netconf-acm:nacm/rule-list=a/rule=r", "invalid-value"),
        ("/ietf-netconf-acm:nacm/rule-list=zz", "bad-attribute"),
    ):
        answer = await insert("p3", f"insert=after&point={point}")
        assert (answer.status, answer.error["error-tag"]) == (400, tag), point
    for name in ("p1", "p2"):
        assert (await opened.ask("DELETE", f"{NACM}/rule-list={name}")).status == 204


@pytest.mark.rfc("8040", "3.7", "the schema of each module is at the place that the library tells")
@pytest.mark.rfc("8525", "3", "the places of the modules' texts")
async def test_schemas_can_be_followed(opened: House) -> None:
    state = (await opened.ask("GET", "/restconf/data/ietf-yang-library:modules-state")).body
    told = {module["name"]: module["schema"] for module in state["ietf-yang-library:modules-state"]["module"]}
    assert told.keys() == library().modules.keys()
    origin = f"http://{opened.app.http[0]}:{opened.app.http[1]}"
    tags = set()
    for name, url in told.items():
        answer = await opened.ask("GET", url.removeprefix(origin), user="alice")
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/yang"), url
        assert answer.content.decode() == library().modules[name].text
        tags.add(answer.headers["ETag"])
    assert len(tags) == len(told)
    path = told["opnfv-promise"].removeprefix(origin)
    head = await opened.ask("HEAD", path)
    assert (head.status, head.content, head.headers["Content-Length"]) == (
        200, b"", str(len(library().modules["opnfv-promise"].text.encode())),
    )  # fmt: skip
    assert (await opened.ask("GET", path, If_None_Match=head.headers["ETag"])).status == 304
    assert (await opened.ask("GET", path, Accept=JSON)).status == 406
    assert (await opened.ask("PUT", path, b"x")).status == 405
    assert (await opened.ask("GET", path, user=None)).status == 401
    assert (await opened.ask("GET", "/restconf/schema/opnfv-promise@2015-01-01")).status == 404
    assert (await opened.ask("GET", "/restconf/schema/nosuch")).status == 404
    sets = await opened.ask("GET", "/restconf/data/ietf-yang-library:yang-library/module-set=promise")
    (found,) = sets.body["ietf-yang-library:module-set"]
    assert {one["name"]: one["location"][0] for one in found["module"] + found["import-only-module"]} == told


def raw(found: House, method: str, target: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Ask exactly that: nothing is normalised on the way."""
    connection = http.client.HTTPConnection(*found.app.http, timeout=10)
    connection.putrequest(method, target)
    for name, value in {"Authorization": "Basic YWRtaW46YWRtaW4=", **headers}.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), content


@pytest.mark.rfc("8040", "4.1", "OPTIONS of the server as a whole")
@pytest.mark.rfc("9110", "9.3.7", "OPTIONS *")
@pytest.mark.rfc("9110", "9.1", "a method that nobody knows is 501")
async def test_the_server_as_a_whole(opened: House) -> None:
    status, headers, _ = await asyncio.to_thread(raw, opened, "OPTIONS", "*")
    assert (status, headers["Allow"]) == (200, "GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE")
    status, _, content = await asyncio.to_thread(raw, opened, "FROBNICATE", "/restconf/data")
    told = json.loads(content)["ietf-restconf:errors"]["error"][0]
    assert (status, told["error-tag"]) == (501, "operation-not-supported")


async def test_habits_that_harm_nobody_are_understood(opened: House) -> None:
    assert (await opened.ask("GET", "/restconf/yang-library-version/")).status == 200
    assert (await opened.ask("POST", RPC + "query-capacity/")).status == 200
    assert (await opened.ask("GET", RULES + "?&depth=1&")).status == 200
    assert (await opened.ask("GET", RULES + "/")).status == 200
