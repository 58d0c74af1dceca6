"""What RESTCONF shows: lists page by page, datastores by name, defaults, and what the server tells of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from restconf_house import JSON, PROMISE, XML, House, house

from promise.northbound.access import Caller
from promise.northbound.port import Confirm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")
LIST = "application/yang-data+xml-list"
DS = "/restconf/ds/ietf-datastores:"
RULES = "/opnfv-promise:promise/policy/reservation"
WD = "{urn:ietf:params:xml:ns:netconf:default:1.0}default"
NACM = "/restconf/data/ietf-netconf-acm:nacm"
ADMIN = Caller("admin", frozenset({"admin"}))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("restconf") / "state", cloud=True) as found:
        yield found


async def reserve(shared: House, user: str = "alice") -> str:
    made = await shared.invoke("create-reservation", user, capacity={"instances": 1})
    return str(made["reservation-id"])


async def page(shared: House, query: str, **more: Any) -> tuple[list[str], str]:
    """Return the ids of a page, and the URI of the next one."""
    answer = await shared.ask("GET", query if query.startswith("/") else f"{PROMISE}/reservations?{query}", **more)
    assert answer.status == 200, answer.body
    link = answer.headers.get("Link", "")
    assert not link or link.endswith('>; rel="next"')
    return [entry["id"] for entry in answer.body["opnfv-promise:reservations"]], link.partition(">")[0][1:]


async def walk(shared: House, query: str, **more: Any) -> list[str]:
    found, following = await page(shared, query, **more)
    while following:
        entries, following = await page(shared, following, **more)
        assert entries
        found += entries
    return found


async def test_a_list_is_walked_in_order_while_it_grows(shared: House) -> None:
    made = [await reserve(shared, user) for user in ("alice", "carol", "alice", "alice", "carol", "alice", "alice")]
    hers = [key for key, user in zip(made, "acaacaa", strict=True) if user == "a"]
    assert (await walk(shared, "limit=3"))[-7:] == made
    assert await walk(shared, "limit=2", user="alice") == hers
    assert await walk(shared, "limit=unbounded", user="alice") == hers
    assert await walk(shared, "limit=2&direction=backwards", user="alice") == hers[::-1]
    assert (await page(shared, "limit=2&offset=1", user="alice"))[0] == hers[1:3]
    assert (await page(shared, "limit=5", user="alice")) == (hers, "")
    first, following = await page(shared, "limit=3", user="alice")
    later = await reserve(shared)
    await shared.invoke("cancel-reservation", "alice", **{"reservation-id": first[0]})
    assert first + await walk(shared, following, user="alice") == [*hers, later]
    fields = await shared.ask("GET", f"{PROMISE}/reservations?limit=1&fields=owner;capacity/instances", user="alice")
    assert fields.body["opnfv-promise:reservations"] == [
        {"id": hers[0], "owner": "alice", "capacity": {"instances": 1}},
    ]  # fmt: skip


@pytest.mark.rfc("8040", "4.3", "several instances in XML are 400")
async def test_a_list_in_xml(shared: House) -> None:
    both = [await reserve(shared), await reserve(shared)]
    path = f"{PROMISE}/reservations?limit=2&direction=backwards"
    several = await shared.ask("GET", path, Accept=LIST)
    assert (several.status, several.headers["Content-Type"]) == (200, LIST)
    assert [entry.findtext("{*}id") for entry in several.xml] == both[::-1]
    refused = await shared.ask("GET", path, Accept=XML)
    assert (refused.status, refused.headers["Content-Type"]) == (400, XML)  # RFC 8040 section 4.3
    assert (await shared.ask("GET", path.replace("limit=2", "limit=1"), Accept=XML)).xml.findtext("{*}id") == both[1]


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("limit=0", 400, "limit"),
        ("limit=-1", 400, "limit"),
        ("limit=4294967296", 400, "limit"),
        ("limit=%C2%B2", 400, "limit"),
        ("offset=x", 400, "offset"),
        ("direction=up", 400, "direction"),
        ("cursor=", 400, "cursor"),
        ("cursor=00000000-0000-4000-8000-000000000000", 400, "cursor"),
        ("cursor=1.", 400, "cursor"),
        ("sort-by=name&cursor=1.x", 400, "cursor"),
        ("sort-by=name&cursor=W10", 400, "cursor"),
        ("offset=1000", 400, "offset"),
        ("where=", 400, "where"),
        ("where=name%5B", 400, "where"),
        ("where=nosuch%3D1", 400, "nosuch"),
        ("where=nosuch%3Aname%3D1", 400, "nosuch"),
        ("where=%24x", 400, "where"),
        ("where=unknown(name)", 400, "where"),
        ("where=//*%5B//*%5B//*%5D%5D", 400, "where"),
        ("sort-by=", 400, "sort-by"),
        ("sort-by=nosuch", 400, "nosuch"),
        ("sort-by=capacity", 400, "leaf"),
        ("sort-by=elements", 400, "elements"),
        ("sort-by=.", 400, "sort-by"),
        ("locale=C", 400, "locale"),
        ("sort-by=name&locale=tlh_KX", 400, "locale"),
        ("sublist-limit=0", 400, "sublist-limit"),
    ],
)
async def test_a_page_that_cannot_be_is_told(shared: House, query: str, status: int, said: str) -> None:
    answer = await shared.ask("GET", f"{PROMISE}/reservations?{query}")
    assert answer.status == status
    assert said in answer.error["error-message"]
    assert (await shared.ask("GET", f"{PROMISE}/capacity?limit=1")).status == 400


@pytest.mark.rfc("8527", "3.1", "ds/ietf-datastores:... as datastore resources")
@pytest.mark.rfc("8527", "3.2", "edits of the candidate, and none of operational")
async def test_datastores_have_names(shared: House) -> None:
    for datastore in ("running", "candidate"):
        assert "reservations" not in (await shared.ask("GET", f"{DS}{datastore}/opnfv-promise:promise")).body
    body = {"opnfv-promise:reservation": {"expiry": 7}}
    made = await shared.ask("PUT", f"{DS}candidate{RULES}", body)
    assert made.status == 201
    assert made.headers["Location"].endswith(f"/restconf/ds/ietf-datastores:candidate{RULES}")
    shown = await shared.ask("GET", f"{DS}candidate{RULES}")
    assert (shown.body, shown.headers["ETag"]) == (body, made.headers["ETag"])
    assert (await shared.ask("GET", f"{DS}running{RULES}")).status == 404
    await shared.app.front.datastores.commit(ADMIN, None, None)
    assert (await shared.ask("GET", f"{DS}running{RULES}")).body == body
    assert (await shared.ask("GET", f"{DS}operational{RULES}")).body == body
    assert (await shared.ask("GET", f"{DS}operational/opnfv-promise:promise/pools")).body["opnfv-promise:pools"]
    assert (await shared.ask("PUT", f"{DS}operational{RULES}", body)).status == 405
    assert (await shared.ask("DELETE", f"{DS}running{RULES}")).status == 204
    assert (await shared.ask("GET", f"{DS}nonsense{RULES}")).status == 404


@pytest.mark.rfc("8040", "1.4", "a lock of a NETCONF session is in-use, 409")
async def test_somebody_elses_lock_is_in_use(shared: House) -> None:
    session = Caller("admin", frozenset({"admin"}), session_id=9)
    await shared.app.front.datastores.lock(session, "running")  # type: ignore[arg-type]
    refused = await shared.ask("PUT", f"{DS}running{RULES}", {"opnfv-promise:reservation": {"expiry": 7}})
    assert (refused.status, refused.error["error-tag"]) == (409, "in-use")
    await shared.app.front.datastores.ended(9)


@pytest.mark.rfc("8040", "1.4", "a confirmed commit that waits is in-use, 409, with persist and without")
@pytest.mark.parametrize("persist", [None, "token"])
async def test_somebody_elses_trial_is_in_use(shared: House, persist: str | None) -> None:
    datastores = shared.app.front.datastores
    session = Caller("admin", frozenset({"admin"}), session_id=9)
    await shared.ask("PUT", f"{DS}candidate{RULES}", {"opnfv-promise:reservation": {"expiry": 8}})
    await datastores.commit(session, Confirm(600, persist), None)
    for method, body in (("PUT", {"opnfv-promise:reservation": {"expiry": 7}}), ("DELETE", None)):
        refused = await shared.ask(method, f"/restconf/data{RULES}", body)
        assert (refused.status, refused.error["error-tag"]) == (409, "in-use")
    await datastores.cancel(session, persist)
    assert (await shared.ask("GET", f"{DS}running{RULES}")).status == 404


@pytest.mark.rfc("8040", "4.8.9", "with-defaults")
@pytest.mark.rfc("7952", "5.2.3", "metadata of a leaf in JSON")
async def test_defaults_are_shown_as_asked(shared: House) -> None:
    assert (await shared.ask("GET", f"{NACM}?content=config")).status == 404
    counters = (await shared.ask("GET", NACM)).body["ietf-netconf-acm:nacm"]
    assert list(counters) == ["denied-operations", "denied-data-writes", "denied-notifications"]
    shown = (await shared.ask("GET", f"{NACM}?with-defaults=report-all&content=config")).body
    assert shown["ietf-netconf-acm:nacm"]["enable-nacm"] is True
    assert shown["ietf-netconf-acm:nacm"]["write-default"] == "deny"
    leaf = await shared.ask("GET", f"{NACM}/enable-nacm?with-defaults=report-all", Accept=XML)
    assert leaf.xml.text == "true"
    tagged = await shared.ask("GET", f"{NACM}?with-defaults=report-all-tagged&fields=enable-nacm")
    assert tagged.body["ietf-netconf-acm:nacm"] == {
        "enable-nacm": True,
        "@enable-nacm": {"ietf-netconf-with-defaults:default": True},
    }
    tagged = await shared.ask("GET", f"{NACM}?with-defaults=report-all-tagged&content=config", Accept=XML)
    assert {child.get(WD) for child in tagged.xml} == {"true"}
    assert (await shared.ask("GET", f"{NACM}?with-defaults=some")).status == 400
    whole = await shared.ask("GET", "/restconf/data?with-defaults=report-all-tagged&content=config", Accept=XML)
    assert (
        whole.xml.find("{*}nacm/{*}enable-nacm[@{urn:ietf:params:xml:ns:netconf:default:1.0}default='true']")
        is not None
    )


@pytest.mark.rfc("8040", "9.1", "the capabilities of the server")
@pytest.mark.rfc("8525", "3", "the library over RESTCONF")
async def test_the_server_tells_of_itself(shared: House) -> None:
    path = "/restconf/data/ietf-restconf-monitoring:restconf-state/capabilities"
    capabilities = (await shared.ask("GET", path)).body["ietf-restconf-monitoring:capabilities"]["capability"]
    assert "urn:ietf:params:restconf:capability:defaults:1.0?basic-mode=explicit" in capabilities
    assert "urn:ietf:params:restconf:capability:depth:1.0" in capabilities
    library = await shared.ask("GET", "/restconf/data/ietf-yang-library:yang-library", Accept=XML)
    datastores = {name.text: dict(name.nsmap) for name in library.xml.iterfind("{*}datastore/{*}name")}
    assert "ietf-datastores:running" in datastores
    assert datastores["ietf-datastores:running"]["ietf-datastores"] == "urn:ietf:params:xml:ns:yang:ietf-datastores"
    state = await shared.ask("GET", "/restconf/data/ietf-netconf-monitoring:netconf-state/schemas", Accept=JSON)
    names = [schema["identifier"] for schema in state.body["ietf-netconf-monitoring:schemas"]["schema"]]
    assert "opnfv-promise" in names


async def test_what_can_be_configured_otherwise(tmp_path_factory: pytest.TempPathFactory) -> None:
    patch = {"edit-id": "1", "operation": "delete", "target": "/policy"}
    body = {"ietf-yang-patch:yang-patch": {"patch-id": "p", "edit": [patch]}}
    url = "https://promise.example:8443"
    async with house(tmp_path_factory.mktemp("restconf") / "state", data_missing_is_404=True, url=url) as kind:
        path = "/restconf/data/ietf-restconf-monitoring:restconf-state/streams/stream=NETCONF/access=json/location"
        places = (await kind.ask("GET", path)).body
        assert places == {"ietf-restconf-monitoring:location": f"{url}/restconf/streams/NETCONF/json"}
        answer = await kind.ask("PATCH", PROMISE, body, Content_Type="application/yang-patch+json")
        assert answer.status == 404


async def test_entries_are_chosen_and_sorted(shared: House) -> None:
    for name, cores in (("w-b", 2), ("w-c", 11), ("w-a", 1)):
        await shared.clock.advance(1)
        await shared.invoke("create-reservation", "carol", name=name, capacity={"cores": cores, "instances": 1})
    chosen = "where=" + quote("starts-with(name, 'w-')")

    async def names(query: str) -> list[str]:
        answer = await shared.ask("GET", f"{PROMISE}/reservations?{query}", user="carol")
        assert answer.status == 200, answer.body
        return [entry["name"] for entry in answer.body["opnfv-promise:reservations"]]

    assert await names(chosen) == ["w-b", "w-c", "w-a"]
    assert await names(f"{chosen}&sort-by=name") == ["w-a", "w-b", "w-c"]
    assert await names(f"{chosen}&sort-by=capacity/cores&direction=backwards&locale=C.UTF-8") == ["w-c", "w-b", "w-a"]
    assert await names(f"{chosen}&sort-by=capacity/cores&offset=1&limit=1") == ["w-b"]
    assert await names("where=opnfv-promise:capacity/promise:cores%3E10") == ["w-c"]
    absolute = quote("/promise/reservations[capacity/cores=2 and not(degraded='true')]")
    assert await names(f"where={absolute}") == ["w-b"]
    path = f"{PROMISE}/reservations?{chosen}&sort-by=name&limit=2"
    first, following = await page(shared, path, user="carol")
    second, end = await page(shared, following, user="carol")
    assert (len(first), len(second), end) == (2, 1, "")
    assert not set(first) & set(second)
    assert (await shared.ask("GET", path, user="alice")).body == {"opnfv-promise:reservations": []}
    raw, following = await page(shared, "where=capacity/cores>1&limit=1", user="carol")
    assert ">" not in following
    assert raw != (await page(shared, following, user="carol"))[0]


async def test_every_list_is_read_page_by_page(shared: House) -> None:
    for name in ("u1", "u2", "u3", "u,4"):
        made = await shared.ask(
            "PUT", f"{PROMISE}/users={quote(name, safe='')}", {"opnfv-promise:users": [{"name": name}]}
        )
        assert made.status == 201, made.body
    told, uri = [], f"{PROMISE}/users?limit=2&direction=backwards&where=starts-with(name,%22u%22)"
    while uri:
        answer = await shared.ask("GET", uri)
        told += [user["name"] for user in answer.body["opnfv-promise:users"]]
        uri = answer.headers.get("Link", "").partition(">")[0][1:]
    assert sorted(told) == ["u,4", "u1", "u2", "u3"]
    assert told[0] != told[-1]
    gone = await shared.ask("GET", f"{PROMISE}/users?limit=1&cursor=nobody")
    assert (gone.status, gone.error["error-app-tag"]) == (400, "ietf-list-pagination:cursor-not-found")
    hosts = f"{PROMISE}/providers={shared.provider}/hosts"
    some = await shared.ask("GET", f"{hosts}?limit=1&sort-by=name&direction=backwards&fields=name")
    assert some.body == {"opnfv-promise:hosts": [{"name": "cmp4"}]}
    more = await shared.ask("GET", some.headers["Link"].partition(">")[0][1:])
    assert more.body == {"opnfv-promise:hosts": [{"name": "cmp3"}]}
    capabilities = "/restconf/data/ietf-restconf-monitoring:restconf-state/capabilities/capability"
    leaves = await shared.ask("GET", f"{capabilities}?where=contains(.,%22depth%22)&sort-by=.&limit=1&offset=0")
    assert leaves.body == {"ietf-restconf-monitoring:capability": ["urn:ietf:params:restconf:capability:depth:1.0"]}
    cut = (await shared.ask("GET", f"{PROMISE}/providers={shared.provider}?sublist-limit=1")).body
    (entry,) = cut["opnfv-promise:providers"]
    assert (len(entry["hosts"]), entry["@hosts"]) == (1, [{"ietf-list-pagination:remaining": 3}])
    in_xml = await shared.ask("GET", f"{PROMISE}/providers={shared.provider}?sublist-limit=1", Accept=XML)
    remaining = "{urn:ietf:params:xml:ns:yang:ietf-list-pagination}remaining"
    assert [host.get(remaining) for host in in_xml.xml.findall("{*}hosts")] == ["3"]
    for name in ("u1", "u2", "u3", "u,4"):
        await shared.ask("DELETE", f"{PROMISE}/users={quote(name, safe='')}")
