"""The examples of RFC 8040 (sections 3 to 7 and appendix B) and RFC 8072 (appendix A), told of our modules, by curl.

The jukebox and its user-ordered playlist are the access rules here, which are lists that the user orders as well.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from lxml import etree
from restconf_house import House, house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine"),
]
JSON = "application/yang-data+json"
XML = "application/yang-data+xml"
PATCH = "application/yang-patch+json"
PATCH_XML = "application/yang-patch+xml"
NACM = "/restconf/data/ietf-netconf-acm:nacm"
RULES = f"{NACM}/rule-list=Foo-One"
POLICY = "/restconf/data/opnfv-promise:promise/policy/reservation"
ACM = "urn:ietf:params:xml:ns:yang:ietf-netconf-acm"
RC = "{urn:ietf:params:xml:ns:yang:ietf-restconf}"
YP = "{urn:ietf:params:xml:ns:yang:ietf-yang-patch}"


@dataclass(frozen=True)
class Said:
    """An answer as curl prints it with -i."""

    status: int
    headers: dict[str, str]
    content: str

    @property
    def body(self) -> Any:
        return json.loads(self.content)

    @property
    def xml(self) -> etree._Element:
        return etree.fromstring(self.content.encode())


class Curl:
    def __init__(self, found: House) -> None:
        self._origin = f"http://{found.app.http[0]}:{found.app.http[1]}"

    async def __call__(self, method: str, path: str, body: str | None = None, /, **headers: str) -> Said:
        """Ask with curl; `body` goes with the Content-Type that is given."""
        options = ["-sS", "-i", "-g", "-u", "admin:admin"]
        options += ["--head"] if method == "HEAD" else ["-X", method]
        for name, value in headers.items():
            options += ["-H", f"{name.replace('_', '-')}: {value}"]
        if body is not None:
            options += ["--data-binary", body]
        process = await asyncio.create_subprocess_exec(
            "curl", *options, f"{self._origin}{path}", stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        assert process.returncode == 0
        head, _, content = out.decode().partition("\r\n\r\n")
        status, *fields = head.split("\r\n")
        named = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        return Said(int(status.split()[1]), named, content)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def curl(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Curl]:
    async with house(tmp_path_factory.mktemp("examples") / "state", policy={"alternatives": 3}) as found:
        yield Curl(found)


def rule(name: str) -> str:
    return json.dumps({"ietf-netconf-acm:rule": [{"name": name, "action": "permit"}]})


async def songs(curl: Curl) -> list[str]:
    said = await curl("GET", f"{RULES}?fields=rule/name", Accept=JSON)
    return [one["name"] for one in said.body["ietf-netconf-acm:rule-list"][0].get("rule", ())]


async def playlist(curl: Curl, *names: str) -> None:
    """Let there be a list with these rules, in this order."""
    whole = {"name": "Foo-One", "group": ["x"], "rule": [{"name": name, "action": "permit"} for name in names]}
    said = await curl("PUT", RULES, json.dumps({"ietf-netconf-acm:rule-list": [whole]}), Content_Type=JSON)
    assert said.status in {201, 204}


@pytest.mark.rfc("8040", "3.1", "the example: host-meta, then the API at its link")
@pytest.mark.rfc("8040", "3.3.3", "the example: yang-library-version, alone")
@pytest.mark.rfc("8040", "B.1.1", "retrieve the top-level API resource")
async def test_the_api_is_found(curl: Curl) -> None:
    meta = await curl("GET", "/.well-known/host-meta", Accept="application/xrd+xml")
    assert (meta.status, meta.headers["content-type"]) == (200, "application/xrd+xml")
    link = meta.xml.find("{http://docs.oasis-open.org/ns/xri/xrd-1.0}Link[@rel='restconf']")
    assert link is not None
    root = str(link.get("href"))
    in_json = await curl("GET", root, Accept=JSON)
    assert in_json.body == {
        "ietf-restconf:restconf": {"data": {}, "operations": {}, "yang-library-version": "2019-01-04"}
    }
    in_xml = await curl("GET", root, Accept=XML)
    assert [child.tag for child in in_xml.xml] == [f"{RC}data", f"{RC}operations", f"{RC}yang-library-version"]
    version = await curl("GET", f"{root}/yang-library-version", Accept=XML)
    assert (version.xml.tag, version.xml.text) == (f"{RC}yang-library-version", "2019-01-04")


@pytest.mark.rfc("8040", "B.1.2", "retrieve the server's module information")
@pytest.mark.rfc("8040", "B.1.3", "retrieve the server's capability information")
@pytest.mark.rfc("8040", "10.1", "modules-state/module")
async def test_the_server_tells_what_it_is(curl: Curl) -> None:
    modules = await curl("GET", "/restconf/data/ietf-yang-library:modules-state", Accept=JSON)
    told = modules.body["ietf-yang-library:modules-state"]
    ours = next(one for one in told["module"] if one["name"] == "opnfv-promise")
    assert (ours["namespace"], ours["conformance-type"]) == ("urn:opnfv:promise", "implement")
    assert (
        await curl("GET", ours["schema"].partition("/restconf")[1] + ours["schema"].partition("/restconf")[2])
    ).status == 200
    path = "/restconf/data/ietf-restconf-monitoring:restconf-state/capabilities"
    capabilities = await curl("GET", path, Accept=XML)
    texts = [str(child.text) for child in capabilities.xml]
    assert "urn:ietf:params:restconf:capability:defaults:1.0?basic-mode=explicit" in texts
    assert capabilities.headers["cache-control"] == "no-cache"


@pytest.mark.rfc("8040", "B.2.1", "create new data resources")
@pytest.mark.rfc("8040", "3.5.3", "keys in a Location are percent-encoded")
async def test_resources_are_created(curl: Curl) -> None:
    made = await curl("POST", NACM, '{"ietf-netconf-acm:rule-list": [{"name": "Foo Fighters"}]}', Content_Type=JSON)
    assert made.status == 201
    assert made.headers["location"].endswith("/restconf/data/ietf-netconf-acm:nacm/rule-list=Foo%20Fighters")
    assert {"last-modified", "etag"} <= made.headers.keys()
    body = (
        f'<rule xmlns="{ACM}"><name>Wasting Light</name><action>deny</action><comment>2011 &amp; more</comment></rule>'
    )
    below = f"{NACM}/rule-list=Foo%20Fighters"
    in_xml = await curl("POST", below, body, Content_Type=XML)
    assert in_xml.headers["location"].endswith("/rule-list=Foo%20Fighters/rule=Wasting%20Light")
    again = await curl("POST", below, body, Content_Type=XML)
    assert (again.status, again.xml.findtext(f"{RC}error/{RC}error-tag")) == (409, "data-exists")
    assert (await curl("DELETE", below)).status == 204


@pytest.mark.rfc("8040", "B.2.2", "detect a changed entity tag")
@pytest.mark.rfc("8040", "3.4.1.3", "an edit of one resource changes the tag of those that hold it, and of no others")
async def test_a_change_is_detected(curl: Curl) -> None:
    first = await curl("HEAD", "/restconf/data", Accept=JSON)
    assert {"etag", "last-modified"} <= first.headers.keys()
    other = await curl("HEAD", f"{NACM}?content=config", Accept=JSON)
    edit = '{"opnfv-promise:reservation": {"expiry": 11}}'
    done = await curl("PATCH", POLICY, edit, Content_Type=JSON, If_Match=(await curl("HEAD", POLICY)).headers["etag"])
    assert done.status == 204
    late = await curl("PATCH", "/restconf/data", json.dumps({"ietf-restconf:data": {}}), Content_Type=JSON,
                      If_Match=first.headers["etag"])  # fmt: skip
    assert (late.status, late.body["ietf-restconf:errors"]["error"][0]["error-tag"]) == (412, "operation-failed")
    assert (await curl("HEAD", "/restconf/data", Accept=JSON)).headers["etag"] != first.headers["etag"]
    assert (await curl("HEAD", f"{NACM}?content=config", Accept=JSON)).headers.get("etag") == other.headers.get("etag")


@pytest.mark.rfc("8040", "B.2.3", "edit a datastore resource")
@pytest.mark.rfc("8040", "B.2.4", "replace a datastore resource")
@pytest.mark.rfc("8040", "B.2.5", "edit a data resource")
async def test_datastores_and_data_are_edited(curl: Curl) -> None:
    data = '<data xmlns="urn:ietf:params:xml:ns:yang:ietf-restconf">{}</data>'
    rules = "<reservation><retention>{}</retention></reservation>"
    promise = f'<promise xmlns="urn:opnfv:promise"><policy>{rules}</policy></promise>'
    assert (await curl("PATCH", "/restconf/data", data.format(promise.format(20)), Content_Type=XML)).status == 204
    before = (await curl("GET", POLICY)).body["opnfv-promise:reservation"]
    assert (before["retention"], before["alternatives"]) == (20, 3)
    edit = '<reservation xmlns="urn:opnfv:promise"><retention>21</retention></reservation>'
    assert (await curl("PATCH", POLICY, edit, Content_Type=XML)).status == 204
    whole = (await curl("GET", "/restconf/data?content=config")).content
    assert (await curl("PUT", "/restconf/data", data.format(promise.format(22)), Content_Type=XML)).status == 204
    assert (await curl("GET", POLICY)).body == {"opnfv-promise:reservation": {"retention": 22}}
    assert (await curl("PUT", "/restconf/data", whole, Content_Type=JSON)).status == 204
    assert (await curl("GET", "/restconf/data?content=config")).body == json.loads(whole)


@pytest.mark.rfc("8040", "B.3.1", "content")
@pytest.mark.rfc("8040", "B.3.2", "depth")
@pytest.mark.rfc("8040", "B.3.3", "fields")
async def test_queries_choose_what_is_shown(curl: Curl) -> None:
    await playlist(curl, "one")
    everything = (await curl("GET", f"{NACM}?content=all")).body["ietf-netconf-acm:nacm"]
    state = (await curl("GET", f"{NACM}?content=nonconfig")).body["ietf-netconf-acm:nacm"]
    configuration = (await curl("GET", f"{NACM}?content=config")).body["ietf-netconf-acm:nacm"]
    assert set(state) == {"denied-operations", "denied-data-writes", "denied-notifications"}
    assert everything == {**state, **configuration}
    assert (await curl("GET", f"{NACM}?depth=1")).body == {"ietf-netconf-acm:nacm": {}}
    three = (await curl("GET", f"{NACM}?content=config&depth=3")).body["ietf-netconf-acm:nacm"]["rule-list"]
    assert three == [{"name": "Foo-One", "group": ["x"], "rule": [{"name": "one"}]}]
    fields = "fields=ietf-yang-library:modules-state/module(name;revision)"
    some = (await curl("GET", f"/restconf/data?{fields}")).body["ietf-restconf:data"]
    assert {"name": "ietf-restconf", "revision": "2017-01-26"} in some["ietf-yang-library:modules-state"]["module"]
    assert list(some) == ["ietf-yang-library:modules-state"]


@pytest.mark.rfc("8040", "B.3.4", "insert")
@pytest.mark.rfc("8040", "B.3.5", "point")
async def test_entries_are_put_where_they_belong(curl: Curl) -> None:
    await playlist(curl, "2")
    first = await curl("POST", f"{RULES}?insert=first", rule("1"), Content_Type=JSON)
    assert first.headers["location"].endswith(f"{RULES}/rule=1")
    point = "%2Fietf-netconf-acm%3Anacm%2Frule-list%3DFoo-One%2Frule%3D1"
    assert (await curl("POST", f"{RULES}?insert=after&point={point}", rule("1a"), Content_Type=JSON)).status == 201
    assert await songs(curl) == ["1", "1a", "2"]
    assert (await curl("PUT", f"{RULES}/rule=2?insert=first", rule("2"), Content_Type=JSON)).status == 204
    assert await songs(curl) == ["2", "1", "1a"]


@pytest.mark.rfc("8040", "B.3.9", "with-defaults")
@pytest.mark.rfc("8040", "5.3.1", "the example: a default is tagged in XML")
@pytest.mark.rfc("8040", "5.3.2", "the example: a default is tagged in JSON")
async def test_defaults_are_told(curl: Curl) -> None:
    await playlist(curl, "eth0")
    path = f"{RULES}/rule=eth0"
    assert (await curl("GET", path)).body == {"ietf-netconf-acm:rule": [{"name": "eth0", "action": "permit"}]}
    every = (await curl("GET", f"{path}?with-defaults=report-all")).body["ietf-netconf-acm:rule"][0]
    assert (every["module-name"], every["access-operations"]) == ("*", "*")
    tagged = (await curl("GET", f"{path}?with-defaults=report-all-tagged", Accept=JSON)).body["ietf-netconf-acm:rule"]
    assert tagged[0]["@module-name"] == {"ietf-netconf-with-defaults:default": True}
    in_xml = (await curl("GET", f"{path}?with-defaults=report-all-tagged", Accept=XML)).xml
    named = in_xml.find(f"{{{ACM}}}module-name")
    assert named is not None
    assert named.get("{urn:ietf:params:xml:ns:netconf:default:1.0}default") == "true"


@pytest.mark.rfc("8040", "4.4.2", "the examples: an operation with input, and one without")
@pytest.mark.rfc("8040", "3.6.1", "the input of an operation")
@pytest.mark.rfc("8040", "3.6.2", "the output of an operation")
@pytest.mark.rfc("8040", "7.1", "the example: what is wrong with the input of an operation")
async def test_operations_are_invoked(curl: Curl) -> None:
    path = "/restconf/operations/opnfv-promise:query-capacity"
    body = '<input xmlns="urn:opnfv:promise"><capacity>total</capacity></input>'
    done = await curl("POST", path, body, Content_Type=XML)
    assert (done.status, done.xml.tag) == (200, "{urn:opnfv:promise}output")
    assert (await curl("POST", path, Accept=JSON)).body["opnfv-promise:output"]["result"] == "ok"
    wrong = await curl("POST", path, '{"opnfv-promise:input": {"resolution": -33}}', Content_Type=JSON)
    (told,) = wrong.body["ietf-restconf:errors"]["error"]
    assert (wrong.status, told["error-type"], told["error-tag"]) == (400, "application", "invalid-value")
    assert told["error-path"] == "/opnfv-promise:input/resolution"
    assert (await curl("POST", "/restconf/operations/opnfv-promise:nosuch")).status == 404


def patch(*edits: dict[str, Any], patch_id: str = "patch") -> str:
    return json.dumps({"ietf-yang-patch:yang-patch": {"patch-id": patch_id, "edit": list(edits)}})


@pytest.mark.rfc("8072", "A.1.1", "add resources: the edit that is wrong is named, the others are not made")
@pytest.mark.rfc("8072", "A.1.2", "add resources: all are made")
@pytest.mark.rfc("8072", "2.1", "the target resource of a patch; OPTIONS tells the types")
@pytest.mark.rfc("8072", "2.4", "targets of edits are relative to it")
async def test_a_patch_adds_resources(curl: Curl) -> None:
    await playlist(curl, "Bridge Burning")
    edit = (
        "<edit><edit-id>{0}</edit-id><operation>create</operation><target>/rule={1}</target>"
        f'<value><rule xmlns="{ACM}"><name>{{2}}</name><action>permit</action></rule></value></edit>'
    )
    start = '<yang-patch xmlns="urn:ietf:params:xml:ns:yang:ietf-yang-patch"><patch-id>add-songs-patch</patch-id>'
    edits = [edit.format("edit1", "Bridge%20Burning", "Bridge Burning"), edit.format("edit2", "Rope", "Rope")]
    failed = await curl("PATCH", RULES, f"{start}{''.join(edits)}</yang-patch>", Content_Type=PATCH_XML, Accept=XML)
    assert (failed.status, failed.headers["content-type"]) == (409, XML)
    assert failed.xml.findtext(f"{YP}patch-id") == "add-songs-patch"
    one = failed.xml.find(f"{YP}edit-status/{YP}edit")
    assert one is not None
    assert one.findtext(f"{YP}edit-id") == "edit1"
    error = one.find(f"{YP}errors/{YP}error")
    assert error is not None
    assert error.findtext(f"{YP}error-tag") == "data-exists"
    assert str(error.findtext(f"{YP}error-path")).endswith("rule[nacm:name='Bridge Burning']")
    assert await songs(curl) == ["Bridge Burning"]
    more = [edit.format("edit1", "Rope", "Rope"), edit.format("edit2", "Dear%20Rosemary", "Dear Rosemary")]
    done = await curl("PATCH", RULES, f"{start}{''.join(more)}</yang-patch>", Content_Type=PATCH_XML, Accept=XML)
    assert (done.status, done.xml.find(f"{YP}ok") is not None) == (200, True)
    assert await songs(curl) == ["Bridge Burning", "Rope", "Dear Rosemary"]
    assert PATCH_XML in (await curl("OPTIONS", RULES)).headers["accept-patch"]


@pytest.mark.rfc("8072", "A.1.3", "insert a list entry")
@pytest.mark.rfc("8072", "A.1.4", "move a list entry")
@pytest.mark.rfc("8072", "A.1.5", "edit a datastore resource")
async def test_a_patch_inserts_and_moves(curl: Curl) -> None:
    await playlist(curl, "1", "2")
    new = {"edit-id": "edit1", "operation": "insert", "target": "/rule=3", "point": "/rule=1", "where": "after"}
    done = await curl("PATCH", RULES, patch({**new, "value": json.loads(rule("3"))}), Content_Type=PATCH, Accept=JSON)
    assert done.body == {"ietf-yang-patch:yang-patch-status": {"patch-id": "patch", "ok": [None]}}
    moving = {"edit-id": "edit1", "operation": "move", "target": "/rule=1", "point": "/rule=2", "where": "after"}
    assert (await curl("PATCH", RULES, patch(moving), Content_Type=PATCH)).status == 200
    assert await songs(curl) == ["3", "2", "1"]
    at = "/ietf-netconf-acm:nacm/rule-list=Foo-One"
    edits: list[dict[str, Any]] = [
        {
            "edit-id": "edit1",
            "operation": "merge",
            "target": f"{at}/rule=3/comment",
            "value": {"ietf-netconf-acm:comment": "c"},
        },
        {"edit-id": "edit2", "operation": "delete", "target": f"{at}/rule=2"},
        {"edit-id": "edit3", "operation": "replace", "target": f"{at}/rule=1", "value": json.loads(rule("1"))},
        {"edit-id": "edit4", "operation": "remove", "target": f"{at}/rule=9"},
    ]  # fmt: skip
    assert (await curl("PATCH", "/restconf/data", patch(*edits), Content_Type=PATCH)).status == 200
    assert (await curl("GET", f"{RULES}/rule=3/comment")).body == {"ietf-netconf-acm:comment": "c"}
    assert await songs(curl) == ["3", "1"]


@pytest.mark.rfc("8072", "2.6", "a patch without edits is done")
@pytest.mark.rfc("8072", "2.2", "a patch needs a patch-id, and each edit an edit-id of its own")
async def test_a_patch_is_a_message_of_its_form(curl: Curl) -> None:
    await playlist(curl, "1")
    assert (await curl("PATCH", RULES, patch(), Content_Type=PATCH)).status == 200
    gone = {"edit-id": "e", "operation": "remove", "target": "/rule=7"}
    for body in (
        json.dumps({"ietf-yang-patch:yang-patch": {"edit": [gone]}}),
        patch(gone, gone),
        patch({**gone, "edit-id": None}),
        patch({**gone, "colour": "red"}),
        "[]",
    ):
        refused = await curl("PATCH", RULES, body, Content_Type=PATCH)
        assert refused.status == 400, body
    nowhere = await curl("PATCH", f"{NACM}/rule-list=nosuch", patch(gone), Content_Type=PATCH)
    assert nowhere.status == 404


@pytest.mark.rfc("8040", "5.1", "a fragment means nothing")
@pytest.mark.rfc("8040", "5.5", "answers are not to be cached without asking")
@pytest.mark.rfc("8040", "3.9", "errors in both encodings")
async def test_messages(curl: Curl) -> None:
    answer = await curl("GET", f"{POLICY}/alternatives#nothing")
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-cache")
    for kind in (JSON, XML):
        wrong = await curl("GET", f"{NACM}?depth=none", Accept=kind)
        assert (wrong.status, wrong.headers["content-type"]) == (400, kind)
