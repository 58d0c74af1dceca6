"""RFC 7951 rule by rule, in bodies that are sent and in answers, by plain HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from restconf_house import JSON, PROMISE, RPC, XML, House, house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")
RULES = PROMISE + "/policy/reservation"
CLOUD = "00000000-0000-4000-8000-000000000001"
PROVIDER = f"{PROMISE}/providers={CLOUD}"
RULE = "/restconf/data/ietf-netconf-acm:nacm/rule-list=l/rule=r"
ENTRY = {
    "id": CLOUD,
    "name": "c1",
    "provider-type": "openstack",
    "endpoint": "http://127.0.0.1:9/v3",
    "project": {"name": "p", "domain-name": "d"},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("json") / "state") as found:
        made = await found.ask("PUT", PROVIDER, {"opnfv-promise:providers": [ENTRY]})
        assert made.status == 201, made.body
        lists = {"ietf-netconf-acm:rule-list": [{"name": "l", "rule": [{"name": "r", "action": "permit"}]}]}
        assert (await found.ask("PUT", RULE.partition("/rule=")[0], lists)).status == 201
        yield found


@pytest.mark.parametrize(
    ("path", "body", "taken"),
    [
        pytest.param(RULES, '{"opnfv-promise:reservation": {"opnfv-promise:expiry": 5}}', True,
                     marks=pytest.mark.rfc("7951", "4", "the name of a module may stand before every member")),
        pytest.param(RULES, '{"reservation": {"expiry": 5}}', False,
                     marks=pytest.mark.rfc("7951", "4", "at the top it has to")),
        pytest.param(RULES, '{"promise:reservation": {"expiry": 5}}', False,
                     marks=pytest.mark.rfc("7951", "4", "a prefix is no name of a module")),
        pytest.param(RULES, '{"opnfv-promise:reservation": {"expiry": [5]}}', False,
                     marks=pytest.mark.rfc("7951", "5.1", "a leaf is a scalar")),
        pytest.param(RULES, '{"opnfv-promise:reservation": []}', False,
                     marks=pytest.mark.rfc("7951", "5.2", "a container is an object")),
        pytest.param(RULES, '{"opnfv-promise:reservation": {}}', True,
                     marks=pytest.mark.rfc("7951", "5.2", "also without members")),
        pytest.param(PROMISE + "/users=u", '{"opnfv-promise:users": [{"group": ["a", "b"], "name": "u"}]}', True,
                     marks=pytest.mark.rfc("7951", "5.4", "keys stand anywhere in their entry")),
        pytest.param(PROMISE + "/users=u", '{"opnfv-promise:users": {"name": "u"}}', False,
                     marks=pytest.mark.rfc("7951", "5.4", "a list is an array, also with one entry")),
        pytest.param(PROMISE + "/users=u", '{"opnfv-promise:users": [{"name": "u", "group": "a"}]}', False,
                     marks=pytest.mark.rfc("7951", "5.3", "a leaf-list is an array")),
        pytest.param(RULES + "/expiry", '{"opnfv-promise:expiry": "5"}', False,
                     marks=pytest.mark.rfc("7951", "6.1", "numbers of 32 bits are numbers")),
        pytest.param(RULES + "/expiry", '{"opnfv-promise:expiry": 5.0}', False,
                     marks=pytest.mark.rfc("7951", "6.1", "without fraction")),
        pytest.param(RULES + "/expiry", '{"opnfv-promise:expiry": 5e1}', False,
                     marks=pytest.mark.rfc("7951", "6.1", "without exponent")),
        pytest.param(f"{PROVIDER}/overcommit=cores",
                     '{"opnfv-promise:overcommit": [{"resource": "cores", "ratio": "2.50"}]}', True,
                     marks=pytest.mark.rfc("7951", "6.1", "decimal64 is a string")),
        pytest.param(f"{PROVIDER}/overcommit=ram", '{"opnfv-promise:overcommit": [{"resource": "ram", "ratio": 2.5}]}',
                     False, marks=pytest.mark.rfc("7951", "6.1", "and no number")),
        pytest.param(PROVIDER + "/region", '{"opnfv-promise:region": "\\u0041\\u00e9\\ud83d\\ude00"}', True,
                     marks=pytest.mark.rfc("7951", "6.2", "escapes in strings")),
        pytest.param(PROVIDER + "/region", '{"opnfv-promise:region": "\\ud83d"}', False,
                     marks=pytest.mark.rfc("7951", "8", "half of a surrogate pair is no text")),
        pytest.param(PROVIDER + "/alarms", '{"opnfv-promise:alarms": "true"}', False,
                     marks=pytest.mark.rfc("7951", "6.3", "booleans are true and false")),
        pytest.param(PROVIDER + "/alarms", '{"opnfv-promise:alarms": false}', True,
                     marks=pytest.mark.rfc("7951", "6.3", "and nothing else")),
        pytest.param(RULE + "/action", '{"ietf-netconf-acm:action": "deny"}', True,
                     marks=pytest.mark.rfc("7951", "6.4", "an enumeration is its name")),
        pytest.param(RULE + "/action", '{"ietf-netconf-acm:action": 1}', False,
                     marks=pytest.mark.rfc("7951", "6.4", "and not its value")),
        pytest.param(RULE + "/access-operations", '{"ietf-netconf-acm:access-operations": "read create"}', True,
                     marks=pytest.mark.rfc("7951", "6.5", "bits are a string of their names")),
        pytest.param(RULE + "/access-operations", '{"ietf-netconf-acm:access-operations": ["read", "create"]}', False,
                     marks=pytest.mark.rfc("7951", "6.5", "and no array")),
        pytest.param(RULE + "/access-operations", '{"ietf-netconf-acm:access-operations": "*"}', True,
                     marks=pytest.mark.rfc("7951", "6.10", "a union is a value of one of its types")),
        pytest.param(RULE + "/access-operations", '{"ietf-netconf-acm:access-operations": "all"}', False,
                     marks=pytest.mark.rfc("7951", "6.10", "and of no other")),
        pytest.param(RULES, '{"opnfv-promise:reservation": {"expiry": 5, "expiry": 6}}', False,
                     marks=pytest.mark.rfc("7951", "8", "members have different names")),
        pytest.param(RULES, '{"opnfv-promise:reservation": {"expiry": 5, "opnfv-promise:expiry": 5}}', False,
                     marks=pytest.mark.rfc("7951", "8", "however they are written")),
    ],
)  # fmt: skip
async def test_what_is_sent(opened: House, path: str, body: str, taken: bool) -> None:
    answer = await opened.ask("PUT", path, body.encode(), Content_Type=JSON)
    assert (answer.status in {201, 204}) is taken, answer.content
    if not taken:
        assert answer.status == 400
    for gone in (PROMISE + "/users=u", RULES):
        await opened.ask("DELETE", gone)


@pytest.mark.rfc("7951", "6.1", "what is shown: 64 bits as strings, 32 bits as numbers, decimal64 in canonical form")
@pytest.mark.rfc("7951", "6.8", "identities have the name of their module where another one stands")
@pytest.mark.rfc("7951", "6.9", "empty is [null]")
async def test_what_is_shown(opened: House) -> None:
    put = {"opnfv-promise:overcommit": [{"resource": "cores", "ratio": "2.50"}]}
    assert (await opened.ask("PUT", f"{PROVIDER}/overcommit=cores", put)).status in {201, 204}
    assert (await opened.ask("GET", f"{PROVIDER}/overcommit=cores/ratio")).body == {"opnfv-promise:ratio": "2.5"}
    asked: dict[str, Any] = {"opnfv-promise:input": {"capacity": {"ram": "5000000000", "cores": 4294967295}}}
    refused = (await opened.ask("POST", RPC + "create-reservation", asked)).body["opnfv-promise:output"]
    assert str(refused["reason"]).startswith("opnfv-promise:")
    asked["opnfv-promise:input"]["capacity"]["ram"] = 5_000_000_000
    wrong = await opened.ask("POST", RPC + "create-reservation", asked)
    assert (wrong.status, wrong.error["error-path"]) == (400, "/opnfv-promise:input/capacity/ram")
    operations = (await opened.ask("GET", "/restconf/operations")).body["ietf-restconf:operations"]
    assert operations["opnfv-promise:query-capacity"] == [None]
    library = (await opened.ask("GET", "/restconf/data/ietf-yang-library:yang-library/datastore")).body
    names = [entry["name"] for entry in library["ietf-yang-library:datastore"]]
    assert "ietf-datastores:operational" in names
    key = await opened.ask("GET", "/restconf/data/ietf-yang-library:yang-library/datastore=ietf-datastores%3Arunning")
    assert [entry["name"] for entry in key.body["ietf-yang-library:datastore"]] == ["ietf-datastores:running"]


@pytest.mark.rfc("7951", "3", "a document is one value in UTF-8, in each encoding the same")
async def test_both_encodings_tell_the_same(opened: House) -> None:
    await opened.ask("PUT", PROVIDER + "/region", {"opnfv-promise:region": "Århus"})
    in_json = await opened.ask("GET", PROVIDER + "/region")
    assert json.loads(in_json.content.decode("utf-8")) == {"opnfv-promise:region": "Århus"}
    in_xml = await opened.ask("GET", PROVIDER + "/region", Accept=XML)
    assert in_xml.xml.text == "Århus"
    for body in (b"", b"\xef\xbb\xbf{}", b"{} {}", b'{"a": NaN}', b'{"opnfv-promise:region": "\xff"}'):
        answer = await opened.ask("PUT", PROVIDER + "/region", body, Content_Type=JSON)
        assert (answer.status, answer.error["error-tag"]) == (400, "malformed-message"), body
