"""What only reads is asked again where that may help, and ends in time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from contract.scripted_cloud import (
    IMPATIENT,
    LIMITS,
    PROJECT,
    SERVERS,
    SIGN_IN,
    Hang,
    Reply,
    Reset,
    ScriptedCloud,
    driver_for,
    shown_server,
)

from promise.allocation.server import ALLOCATION_KEY, ServerSpec
from promise.errors import CloudError, CloudRefused, CloudUnreachable, CredentialsRejected, OutcomeUnknown

NO_SERVERS = Reply(200, {"servers": []})
HTML = Reply(200, b"<html><body>Welcome to nginx</body></html>", {"Content-Type": "text/html"})


@pytest.mark.parametrize(
    "behaviour",
    [Reply(429, None, {"Retry-After": "0"}), Reply(502), Reply(503), Reply(504), Reset, HTML, Reply(200, {}, cut=1)],
)
async def test_a_read_survives_a_passing_failure(cloud: ScriptedCloud, behaviour: Any) -> None:
    cloud.on("GET", f"{SERVERS}/detail", behaviour, behaviour, NO_SERVERS)
    async with driver_for(cloud) as driver:
        assert await driver.servers() == []
    assert cloud.count("GET", f"{SERVERS}/detail") == 3


@pytest.mark.parametrize(
    ("behaviour", "error", "tries"),
    [
        (Reply(503), CloudUnreachable, 3),
        (Reply(500), CloudUnreachable, 1),
        (Reply(400), CloudRefused, 1),
        (Reply(403, {"forbidden": {"message": "Policy says no"}}), CloudRefused, 1),
        (HTML, CloudUnreachable, 3),
        (Reply(200, ["servers"]), CloudUnreachable, 3),
        (Reply(200, {"servers": None}), CloudUnreachable, 1),
        (Reply(200, {"servers": [{"name": "no id"}]}), CloudUnreachable, 1),
        (Reply(200, {"servers": [shown_server("s", created="yesterday")]}), CloudUnreachable, 1),
        (Reply(200, {"servers": [shown_server("s", flavor={"vcpus": None})]}), CloudUnreachable, 1),
    ],
)
async def test_a_read_that_fails(cloud: ScriptedCloud, behaviour: Any, error: type[CloudError], tries: int) -> None:
    cloud.on("GET", f"{SERVERS}/detail", behaviour)
    async with driver_for(cloud) as driver:
        with pytest.raises(CloudError) as caught:
            await driver.servers()
    assert type(caught.value) is error
    assert cloud.count("GET", f"{SERVERS}/detail") == tries


async def test_a_read_that_hangs_is_given_up(cloud: ScriptedCloud) -> None:
    cloud.on("GET", f"{SERVERS}/detail", Hang)
    async with driver_for(cloud, IMPATIENT) as driver:
        with pytest.raises(CloudUnreachable, match="no answer in time"):
            await driver.servers()


async def test_a_token_that_a_service_never_accepts(cloud: ScriptedCloud) -> None:
    cloud.on("GET", f"{SERVERS}/detail", Reply(401))
    async with driver_for(cloud) as driver:
        with pytest.raises(CredentialsRejected):
            await driver.servers()
    assert cloud.count("GET", f"{SERVERS}/detail") == 3  # the second token could be of the second of a revocation
    assert cloud.tokens == 3


async def test_a_token_that_is_over_is_not_even_sent(cloud: ScriptedCloud) -> None:
    cloud.on(*SIGN_IN, lambda _: cloud.token(expires_at="2020-01-01T00:00:01.000000Z"), lambda _: cloud.token())
    cloud.on("GET", f"{SERVERS}/detail", NO_SERVERS)
    async with driver_for(cloud) as driver:
        await driver.servers()
        await driver.servers()
    assert cloud.tokens >= 2
    last = [request.headers["x-auth-token"] for request in cloud.requests if request.path == f"{SERVERS}/detail"][-1]
    assert last == f"secret-token-{cloud.tokens}"


async def test_many_at_once_sign_in_once(cloud: ScriptedCloud) -> None:
    cloud.on("GET", f"{SERVERS}/detail", NO_SERVERS)
    async with driver_for(cloud) as driver:
        await asyncio.gather(*(driver.servers() for _ in range(20)))
    assert cloud.tokens == 1
    assert cloud.count("GET", f"{SERVERS}/detail") == 20


async def test_all_pages_are_read_whatever_host_their_links_name(cloud: ScriptedCloud) -> None:
    elsewhere = [{"rel": "next", "href": "https://nova.internal:1/v2.1/servers/detail?marker=x"}]
    rest = {"": ("a", "b"), "b": ("b", "c"), "c": ("d",)}

    def page(request: Any) -> Reply:
        ids = rest[request.query.get("marker", "")]
        links = {} if "d" in ids else {"servers_links": elsewhere}
        return Reply(200, {"servers": [shown_server(one, metadata={ALLOCATION_KEY: one * 2}) for one in ids], **links})

    cloud.on("GET", f"{SERVERS}/detail", page)
    async with driver_for(cloud) as driver:
        assert [server.id for server in await driver.servers()] == ["a", "b", "c", "d"]
        assert [server.id for server in await driver.servers_of("cc")] == ["c"]
        assert await driver.servers_of("c") == []


async def test_a_list_that_repeats_itself_ends(cloud: ScriptedCloud) -> None:
    page = Reply(200, {"servers": [shown_server("a")], "servers_links": [{"rel": "next", "href": "x"}]})
    cloud.on("GET", f"{SERVERS}/detail", page)
    async with driver_for(cloud) as driver:
        assert [server.id for server in await driver.servers()] == ["a"]


async def test_a_server_that_is_not_there_or_not_ours(cloud: ScriptedCloud) -> None:
    cloud.on("GET", f"{SERVERS}/ours", Reply(200, {"server": shown_server("ours")}))
    cloud.on("GET", f"{SERVERS}/theirs", Reply(200, {"server": shown_server("theirs", tenant_id="else")}))
    cloud.on("GET", f"{SERVERS}/gone", Reply(200, {"server": shown_server("gone", status="DELETED")}))
    async with driver_for(cloud) as driver:
        found = await driver.server("ours")
        assert found is not None
        assert found.id == "ours"
        assert [await driver.server(one) for one in ("theirs", "gone", "nowhere")] == [None, None, None]


async def test_a_deadline_covers_a_whole_discovery(cloud: ScriptedCloud) -> None:
    cloud.on("GET", "/compute/v2.1/limits", Hang)
    hurried = replace(IMPATIENT, read=10.0, discovery=0.3)
    async with driver_for(cloud, hurried) as driver:
        cloud.on("GET", "/compute/v2.1/flavors/detail", Hang)
        cloud.on("GET", "/compute/v2.1/os-services", Hang)
        for path in (
            "/network/v2.0/quotas/" + PROJECT,
            "/block-storage/v3/limits",
            "/compute/v2.1/os-hypervisors/detail",
        ):
            cloud.on("GET", path, Hang)
        with pytest.raises(CloudUnreachable, match=r"the discovery of the cloud at .* took longer than 0.3 s"):
            await driver.discover()
        cloud.stop()


async def test_closing_ends_what_waits_for_a_cloud_and_what_waits_for_a_thread(cloud: ScriptedCloud) -> None:
    cloud.on("GET", f"{SERVERS}/detail", NO_SERVERS, Hang)
    cloud.on("POST", SERVERS, Hang)
    async with driver_for(cloud, replace(LIMITS, read=3600.0, whole=3600.0, retries=0)) as driver:
        await driver.servers()
        spec = ServerSpec("a", "n", "i", "f", networks=("n",))
        asked = [asyncio.create_task(driver.create_server(spec)) for _ in range(2)]
        await cloud.asked("POST", SERVERS, times=2)
        reads = [asyncio.create_task(driver.servers()) for _ in range(5)]
        await cloud.asked("GET", f"{SERVERS}/detail", times=3)
    ended = await asyncio.gather(*asked, *reads, return_exceptions=True)
    assert [type(one) for one in ended] == [OutcomeUnknown] * 2 + [CloudUnreachable] * 5
    assert cloud.count("GET", f"{SERVERS}/detail") == 3


async def test_a_closed_driver_says_so(cloud: ScriptedCloud) -> None:
    async with driver_for(cloud) as driver:
        pass
    with pytest.raises(CloudUnreachable, match="closed"):
        await driver.servers()
