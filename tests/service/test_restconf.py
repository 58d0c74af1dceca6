"""The RESTCONF door as clients meet it: discovery, operations, reads and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from restconf_house import JSON, PROMISE, RPC, XML, House, house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NS = "{urn:opnfv:promise}"
INPUT = "/opnfv-promise:input"
RC = "{urn:ietf:params:xml:ns:yang:ietf-restconf}"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("restconf") / "state", cloud=True, policy={"alternatives": 3}) as found:
        yield found


@pytest.mark.rfc("8040", "3.3.1", "{+restconf}/data is where the entry point says")
@pytest.mark.rfc("8040", "3.3.2", "{+restconf}/operations lists every operation")
@pytest.mark.rfc("8040", "3.1", "root discovery by host-meta")
@pytest.mark.rfc("8040", "3.3", "data, operations and yang-library-version")
async def test_a_client_finds_its_way_from_the_root(shared: House) -> None:
    meta = await shared.ask("GET", "/.well-known/host-meta", user=None)
    assert meta.status == 200
    assert meta.headers["Content-Type"] == "application/xrd+xml"
    link = meta.xml.find("{*}Link")
    assert link is not None
    assert (link.get("rel"), link.get("href")) == ("restconf", "/restconf")
    entry = await shared.ask("GET", "/restconf")
    assert entry.body == {
        "ietf-restconf:restconf": {"data": {}, "operations": {}, "yang-library-version": "2019-01-04"}
    }
    assert (await shared.ask("GET", "/restconf", Accept=XML)).xml.tag == f"{RC}restconf"
    version = await shared.ask("GET", "/restconf/yang-library-version", Accept=XML)
    assert version.xml.text == "2019-01-04"
    operations = await shared.ask("GET", "/restconf/operations")
    assert operations.body["ietf-restconf:operations"]["opnfv-promise:create-reservation"] == [None]
    assert (await shared.ask("GET", "/restconf/operations", Accept=XML)).xml.find(f"{NS}query-capacity") is not None
    assert (await shared.ask("GET", "/healthz", user=None)).body["status"] == "ready"


@pytest.mark.rfc("8040", "3.2", "JSON and XML mean the same")
@pytest.mark.rfc("8040", "4.4.2", "POST invokes an operation")
@pytest.mark.rfc("8040", "3.6", "input and output in XML and JSON")
async def test_an_operation_means_the_same_in_both_encodings(shared: House) -> None:
    made = await shared.invoke("create-reservation", "alice", capacity={"cores": 3}, name="one")
    assert (made["result"], made["state"]) == ("ok", "active")
    asked = b'<input xmlns="urn:opnfv:promise"><capacity><cores>18</cores></capacity></input>'
    refused = await shared.ask("POST", RPC + "create-reservation", asked, user="alice", Content_Type=XML)
    assert refused.status == 200
    assert refused.xml.tag == f"{NS}output"
    assert refused.xml.findtext(f"{NS}result") == "conflict"
    assert refused.xml.findtext(f"{NS}refusal/{NS}shortfall/{NS}available") == "17"
    await shared.invoke("cancel-reservation", "alice", **{"reservation-id": made["reservation-id"]})
    crossed = await shared.ask("POST", RPC + "query-capacity", asked[:0], Accept="text/xml")
    assert (crossed.headers["Content-Type"], crossed.xml.findtext(f"{NS}result")) == ("text/xml", "ok")


@pytest.mark.rfc("8040", "3.5", "every data resource can be read")
@pytest.mark.rfc("8040", "4.2", "HEAD")
@pytest.mark.rfc("8040", "4.3", "GET")
async def test_every_level_of_the_tree_can_be_read(shared: House) -> None:
    made = await shared.invoke("create-reservation", "alice", capacity={"cores": 3})
    path = f"/reservations={made['reservation-id']}"
    (entry,) = (await shared.get(path)).body["opnfv-promise:reservations"]
    assert (entry["owner"], entry["capacity"]) == ("alice", {"cores": 3})
    assert (await shared.get(path + "/capacity")).body == {"opnfv-promise:capacity": {"cores": 3}}
    assert (await shared.get(path + "/capacity/cores")).body == {"opnfv-promise:cores": 3}
    leaf = await shared.get(path + "/opnfv-promise:capacity/cores", Accept=XML)
    assert leaf.content == b'<cores xmlns="urn:opnfv:promise">3</cores>'
    whole = await shared.ask("GET", "/restconf/data")
    assert whole.body["ietf-restconf:data"]["opnfv-promise:promise"]["capacity"]["total"]["cores"] == 20
    assert (await shared.ask("GET", "/restconf/data", Accept=XML)).xml.find(f"{NS}promise/{NS}pools") is not None
    upper = await shared.get(path.upper().replace("/RESERVATIONS", "/reservations"))
    assert upper.body["opnfv-promise:reservations"] == [entry]
    head = await shared.ask("HEAD", PROMISE + path)
    assert (head.status, head.content, int(head.headers["Content-Length"]) > 100) == (200, b"", True)


async def test_nobody_sees_what_is_not_his(shared: House) -> None:
    made = await shared.invoke("create-reservation", "alice", capacity={"cores": 3})
    path = f"/reservations={made['reservation-id']}"
    unknown = await shared.get("/reservations=00000000-0000-4000-8000-000000000000", user="carol")
    hidden = await shared.get(path, user="carol")
    assert (hidden.status, unknown.status) == (404, 404)
    assert hidden.error["error-message"] == unknown.error["error-message"]
    assert (await shared.get("/reservations", user="carol")).body == {"opnfv-promise:reservations": []}


@pytest.mark.rfc("8040", "4.8.1", "content")
@pytest.mark.rfc("8040", "4.8.2", "depth")
@pytest.mark.rfc("8040", "4.8.3", "fields")
@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("depth=1", {}),
        ("depth=2", {"reservation": {}}),
        ("depth=3", {"reservation": {"alternatives": 3}}),
        ("depth=unbounded", {"reservation": {"alternatives": 3}}),
        ("fields=reservation/alternatives", {"reservation": {"alternatives": 3}}),
        ("fields=reservation(alternatives;retention)", {"reservation": {"alternatives": 3}}),
        ("fields=opnfv-promise:reservation%2Fretention", {"reservation": {}}),
        ("content=config", {"reservation": {"alternatives": 3}}),
        ("content=all&depth=2", {"reservation": {}}),
    ],
)
async def test_a_query_says_what_is_shown(shared: House, query: str, shown: dict[str, Any]) -> None:
    answer = await shared.get(f"/policy?{query}")
    assert answer.body == {"opnfv-promise:policy": shown}


@pytest.mark.rfc("8040", "4.8", "an unknown or repeated parameter is invalid-value")
@pytest.mark.rfc("8040", "3.5.3", "a path that names nothing")
@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/restconf/data/opnfv-promise:promise?nonsense=1", 400, "nonsense"),
        ("/restconf/data/opnfv-promise:promise?depth=1&depth=1", 400, "twice"),
        ("/restconf/data/opnfv-promise:promise?depth=0", 400, "depth"),
        ("/restconf/data/opnfv-promise:promise?depth", 400, "value"),
        ("/restconf/data/opnfv-promise:promise?content=some", 400, "content"),
        ("/restconf/data/opnfv-promise:promise?fields=a(b", 400, '")"'),
        ("/restconf/data/opnfv-promise:promise?fields=nosuch", 400, "nosuch"),
        ("/restconf/data/opnfv-promise:promise?limit=1", 400, "limit"),
        ("/restconf/data/opnfv-promise:promise?insert=first", 400, "insert"),
        ("/restconf/data/promise", 400, "module"),
        ("/restconf/data/nosuch:promise", 404, "nosuch"),
        ("/restconf/data/opnfv-promise:promise/nosuch", 404, "nosuch"),
        ("/restconf/data/opnfv-promise:promise//policy", 400, "empty"),
        ("/restconf/data/opnfv-promise:promise=1", 400, "no list"),
        ("/restconf/data/opnfv-promise:promise/pools=1,2", 400, "pools=<id>"),
        ("/restconf/data/opnfv-promise:promise/pools=nonsense", 400, "id"),
        ("/restconf/data/opnfv-promise:promise/pools/capacity", 400, "pools=<id>"),
        ("/restconf/data/opnfv-promise:promise/%zz", 400, "hexadecimal"),
        ("/restconf/data/opnfv-promise:promise/%ff", 400, "UTF-8"),
        ("/restconf/nosuch", 404, "/restconf"),
        ("/nosuch", 404, "/restconf"),
        ("/restconf/operations/opnfv-promise:nosuch", 404, "nosuch"),
    ],
)
async def test_a_target_that_is_none_is_told(shared: House, path: str, status: int, said: str) -> None:
    answer = await shared.ask("GET", path)
    assert (answer.status, answer.error["error-tag"]) == (status, "invalid-value")
    assert said in answer.error["error-message"]


@pytest.mark.rfc("8040", "5.2", "Accept chooses the encoding")
@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", JSON),
        ("application/*", JSON),
        (XML, XML),
        ("application/xml", "application/xml"),
        ("application/json", "application/json"),
        (f"{JSON};q=0.3, {XML};q=0.9", XML),
        (f"{JSON};q=0, */*;q=0.1", XML),
        ("text/html, application/yang-data+xml;q=0.5, */*;q=0", XML),
    ],
)
async def test_the_client_chooses_the_encoding(shared: House, accept: str, kind: str) -> None:
    answer = await shared.ask("GET", "/restconf", Accept=accept)
    assert (answer.status, answer.headers["Content-Type"]) == (200, kind)


@pytest.mark.rfc("9110", "12.5.1", "weights of Accept")
@pytest.mark.rfc("8040", "5.4", "statuses tell what became of a request")
@pytest.mark.rfc("8040", "5.2", "406 and 415")
@pytest.mark.rfc("8040", "4", "405 with Allow")
async def test_what_cannot_be_spoken_or_done_is_told(shared: House) -> None:
    assert (await shared.ask("GET", "/restconf", Accept="text/html")).status == 406
    assert (await shared.ask("GET", "/restconf", Accept=f"{JSON};q=0, {XML};q=0")).status == 406
    body = b'{"opnfv-promise:input": {}}'
    assert (await shared.ask("POST", RPC + "query-capacity", body, Content_Type="text/plain")).status == 415
    latin = await shared.ask("POST", RPC + "query-capacity", body, Content_Type=f"{JSON}; charset=latin-1")
    assert latin.status == 415
    wrong = await shared.ask("DELETE", RPC + "query-capacity")
    assert (wrong.status, wrong.headers["Allow"], wrong.error["error-tag"]) == (
        405, "OPTIONS, POST", "operation-not-supported",
    )  # fmt: skip
    options = await shared.ask("OPTIONS", RPC + "query-capacity")
    assert (options.status, options.headers["Allow"]) == (200, "OPTIONS, POST")
    assert (await shared.ask("POST", RPC + "query-capacity?depth=1", body, Content_Type=JSON)).status == 400
    later = await shared.ask("PATCH", "/restconf/operations")
    assert (later.status, later.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.rfc("8040", "7.1", "errors with tag, path and status")
@pytest.mark.rfc("8040", "3.6.3", "errors of an operation's input")
@pytest.mark.parametrize(
    ("body", "kind", "tag", "path"),
    [
        (b'{"opnfv-promise:input":{"capacity":{"cores":"x"}}}', JSON, "invalid-value", INPUT + "/capacity/cores"),
        (b'{"opnfv-promise:input":{"nosuch":1}}', JSON, "unknown-element", "/opnfv-promise:input/nosuch"),
        (b'{"opnfv-promise:input":', JSON, "malformed-message", None),
        (b'{"input":{}}', JSON, "malformed-message", "/opnfv-promise:input"),
        (b"[" * 100_000, JSON, "too-big", None),
        (b"<input", XML, "malformed-message", None),
        (b'<!DOCTYPE a><input xmlns="urn:opnfv:promise"/>', XML, "malformed-message", None),
        (b'<inputs xmlns="urn:opnfv:promise"/>', XML, "invalid-value", None),
        (b'<input xmlns="urn:opnfv:promise"><nosuch/></input>', XML, "unknown-element", "/promise:input"),
    ],
)  # fmt: skip
async def test_a_body_that_is_wrong_is_told_where(
    shared: House, body: bytes, kind: str, tag: str, path: str | None
) -> None:
    answer = await shared.ask("POST", RPC + "create-reservation", body, Content_Type=kind, Accept=JSON)
    assert answer.status == (413 if tag == "too-big" else 400)
    assert answer.error["error-tag"] == tag
    if kind == JSON:
        assert answer.error.get("error-path") == path


@pytest.mark.rfc("8040", "2.5", "401 with WWW-Authenticate")
async def test_who_proves_nothing_is_asked_to(shared: House) -> None:
    nobody = await shared.ask("GET", "/restconf", user=None, Accept=XML)
    assert (nobody.status, nobody.headers["WWW-Authenticate"]) == (401, 'Basic realm="promise", charset="UTF-8"')
    assert nobody.xml.findtext(f"{RC}error/{RC}error-tag") == "access-denied"
    for field in ("Basic", "Basic !", "Basic YWRtaW4=", "Basic YWRtaW46d3Jvbmc=", "Bearer x"):
        refused = await shared.ask("GET", "/restconf/data", user=None, Authorization=field)
        assert (refused.status, refused.error["error-tag"]) == (401, "access-denied"), field


async def test_a_body_is_read_to_a_limit(tmp_path: Path) -> None:
    async with house(tmp_path / "state", max_body=4096) as small:
        answer = await small.ask("POST", RPC + "query-capacity", b" " * 5000, Content_Type=JSON)
        assert (answer.status, answer.error["error-tag"]) == (413, "too-big")
