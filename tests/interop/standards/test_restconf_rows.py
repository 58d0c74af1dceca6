"""Rows of RFC 8040 and 8072 that clients look at first, by plain HTTP; and that every capability has a claim."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from restconf_house import JSON, PROMISE, RPC, XML, House, house

from promise.app import CAPABILITIES as NETCONF
from promise.northbound.restconf.monitoring import CAPABILITIES as RESTCONF
from promise.northbound.rpcs import notifications

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")
RULES = PROMISE + "/policy/reservation"
STATE = "/restconf/data/ietf-restconf-monitoring:restconf-state"
SAID = tomllib.loads(Path(__file__).with_name("standards.toml").read_text(encoding="utf-8"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("restconf") / "state", policy={"alternatives": 3}) as found:
        yield found


async def test_every_capability_is_claimed_and_every_claimed_one_is_there() -> None:
    announced = {uri.partition("?")[0] for uri in (*NETCONF, *notifications.CAPABILITIES, *RESTCONF)}
    assert announced == set(SAID["capability"])


@pytest.mark.rfc("8040", "4.2", "HEAD has the status and the header of GET, and no body")
@pytest.mark.parametrize("path", ["/restconf", "/restconf/data", RULES, STATE, PROMISE + "/nosuch"])
async def test_head_is_get_without_a_body(opened: House, path: str) -> None:
    got, head = await opened.ask("GET", path), await opened.ask("HEAD", path)
    assert (head.status, head.content) == (got.status, b"")
    for name in ("Content-Type", "ETag", "Last-Modified", "Content-Length"):
        assert head.headers.get(name) == got.headers.get(name), name


@pytest.mark.rfc("8040", "4.8", "a parameter where it means nothing is invalid-value")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", RULES + "?depth=1"),
        ("PATCH", RULES + "?fields=expiry"),
        ("DELETE", RULES + "?content=config"),
        ("POST", PROMISE + "?with-defaults=trim"),
        ("GET", RULES + "?insert=first"),
        ("GET", RULES + "?start-time=2027-01-01T00:00:00Z"),
        ("GET", RULES + "?Depth=1"),
        ("POST", RPC + "query-capacity?content=all"),
    ],
)
async def test_a_parameter_out_of_place(opened: House, method: str, path: str) -> None:
    answer = await opened.ask(method, path, None if method in {"GET", "DELETE"} else {})
    assert (answer.status, answer.error["error-type"], answer.error["error-tag"]) == (400, "protocol", "invalid-value")
    assert (await opened.ask("GET", RULES)).status == 200


@pytest.mark.rfc("8040", "4.8.1", "content=nonconfig of what is configuration is no resource")
async def test_content_hides_a_target(opened: House) -> None:
    assert (await opened.ask("GET", RULES + "?content=nonconfig")).status == 404
    assert (await opened.ask("GET", PROMISE + "/capacity?content=config")).status == 404


@pytest.mark.rfc("8040", "9.1.1", "the capabilities of the query parameters")
@pytest.mark.rfc("8040", "9.1.2", "the capability of defaults names the basic mode, once")
@pytest.mark.rfc("8072", "2.8", "the capability of YANG patches")
async def test_capabilities_of_parameters(opened: House) -> None:
    told = (await opened.ask("GET", STATE + "/capabilities")).body["ietf-restconf-monitoring:capabilities"]
    assert sorted(told["capability"]) == sorted(RESTCONF)
    assert [uri for uri in told["capability"] if ":defaults:" in uri] == [
        "urn:ietf:params:restconf:capability:defaults:1.0?basic-mode=explicit"
    ]


@pytest.mark.rfc("8040", "6.2", "a stream tells since when it can be replayed, and a place for each encoding")
async def test_streams_tell_what_they_can(opened: House) -> None:
    streams = (await opened.ask("GET", STATE + "/streams")).body["ietf-restconf-monitoring:streams"]["stream"]
    for stream in streams:
        assert (stream["replay-support"], stream["replay-log-creation-time"]) == (True, "2027-01-15T08:00:00Z")
        assert [access["encoding"] for access in stream["access"]] == ["json", "xml"]


@pytest.mark.rfc("8040", "3.4.1.2", "every encoding of a resource has its own ETag, and an edit changes all")
async def test_tags_differ_by_encoding_and_change_with_an_edit(opened: House) -> None:
    async def tags() -> list[Any]:
        paths = ("/restconf/data", PROMISE, RULES)
        return [(await opened.ask("GET", path, Accept=kind)).headers["ETag"] for path in paths for kind in (JSON, XML)]

    before = await tags()
    assert all(one != other for one, other in zip(before[::2], before[1::2], strict=True))
    edited = await opened.ask("PATCH", RULES, {"opnfv-promise:reservation": {"expiry": 7}})
    assert edited.status == 204
    after = await tags()
    assert all(one != other for one, other in zip(before, after, strict=True))
    assert edited.headers["ETag"] == after[4]


@pytest.mark.rfc("8040", "5.2", "a body of a kind that PATCH does not know is 415, with the kinds that it knows")
async def test_a_patch_of_an_unknown_kind_is_told_the_known_ones(opened: House) -> None:
    answer = await opened.ask("PATCH", RULES, b"x", Content_Type="application/json-patch+json")
    assert answer.status == 415
    assert "application/yang-patch+json" in answer.headers["Accept-Patch"]


@pytest.mark.rfc("8040", "4.2", "HEAD of what GET streams")
async def test_a_stream_can_be_looked_at(opened: House) -> None:
    path = "/restconf/streams/NETCONF/json"
    head = await opened.ask("HEAD", path)
    assert (head.status, head.headers["Content-Type"], head.content) == (200, "text/event-stream", b"")
    assert (await opened.ask("OPTIONS", path)).headers["Allow"] == "GET, HEAD, OPTIONS"
    assert (await opened.ask("HEAD", f"{path}?depth=1")).status == 400
    assert (await opened.ask("HEAD", "/restconf/streams/nosuch/json")).status == 405
