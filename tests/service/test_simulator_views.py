"""The simulated Nova: how servers are shown and listed, by microversion, page, filter and project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from simulated import Cloud, simulated

from promise.vim.simulator import FlavorOption, SimulatorOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FLAVORS = (
    *SimulatorOptions().flavors,
    FlavorOption("gold", 2, 1024, 1, extra_specs={"resources:CUSTOM_GOLD": "3", "resources:VCPU": "0"}),
    FlavorOption("huge", 64, 1024, 1),
)
OPTIONS = SimulatorOptions(
    build_seconds=10,
    delete_seconds=5,
    action_seconds=3,
    flavors=FLAVORS,
    classes={"PCPU": 8, "CUSTOM_GOLD": 4},
)


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    async with simulated(OPTIONS) as running:
        yield running


async def test_a_flavor_is_embedded_since_2_47_and_a_link_before(cloud: Cloud) -> None:
    server_id = await cloud.create(flavor="gold")
    assert (await cloud.server(server_id))["flavor"] == {
        "original_name": "gold", "vcpus": 2, "ram": 1024, "disk": 1, "ephemeral": 0, "swap": 0,
        "extra_specs": {"resources:CUSTOM_GOLD": "3", "resources:VCPU": "0"},
    }  # fmt: skip
    old = (await cloud.server(server_id, version="2.46"))["flavor"]
    assert set(old) == {"id", "links"}


@pytest.mark.parametrize(
    ("version", "member", "there"),
    [("2.8", "locked", False), ("2.9", "locked", True), ("2.18", "description", False), ("2.19", "description", True),
     ("2.25", "tags", False), ("2.26", "tags", True), ("2.70", "server_groups", False),
     ("2.71", "server_groups", True), ("2.95", "pinned_availability_zone", False),
     ("2.96", "pinned_availability_zone", True), ("2.15", "host_status", False), ("2.16", "host_status", True)],
)  # fmt: skip
async def test_members_come_with_their_microversion(cloud: Cloud, version: str, member: str, there: bool) -> None:
    server_id = await cloud.create()
    assert (member in await cloud.server(server_id, version=version)) is there


async def test_microversions_are_negotiated_as_in_nova(cloud: Cloud) -> None:
    reply = await cloud.nova("GET", "/servers", version="2.97")
    assert reply.status == 406
    assert reply.body["computeFault"]["message"] == (
        "Version 2.97 is not supported by the API. Minimum is 2.1 and maximum is 2.96."
    )
    assert (await cloud.nova("GET", "/servers", version="two")).status == 400
    reply = await cloud.nova("GET", "/servers", version="latest")
    assert reply.headers["OpenStack-API-Version"] == "compute 2.96"
    assert reply.headers["X-OpenStack-Nova-API-Version"] == "2.96"
    reply = await cloud.call("GET", "/compute/v2.1/servers")
    assert reply.headers["OpenStack-API-Version"] == "compute 2.1"


async def test_a_list_comes_in_pages_newest_first(cloud: Cloud) -> None:
    ids = [await cloud.create(f"s{index}") for index in range(5)]
    seen, path = [], "/servers/detail?limit=2"
    while path:
        body = (await cloud.nova("GET", path)).body
        seen += [server["id"] for server in body["servers"]]
        path = body["servers_links"][0]["href"].partition("/v2.1")[2] if "servers_links" in body else ""
    assert seen == ids[::-1]
    reply = await cloud.nova("GET", "/servers?marker=none")
    assert (reply.status, reply.body["badRequest"]["message"]) == (400, "marker [none] not found")


async def test_a_page_is_never_larger_than_the_service_allows() -> None:
    async with simulated(SimulatorOptions(page_size=2)) as cloud:
        for index in range(3):
            await cloud.create(f"s{index}")
        body = (await cloud.nova("GET", "/servers/detail")).body
        assert len(body["servers"]) == 2
        assert "servers_links" in body


async def test_lists_are_filtered(cloud: Cloud) -> None:
    one = await cloud.create("web-1")
    two = await cloud.create("web-2", "m1.large", metadata={"k": "v"})
    other = await cloud.create("web-3", user="tenant", project="tenant")
    failed = await cloud.create("broken", "huge")
    await cloud.clock.advance(10)

    async def found(query: str, **who: str) -> set[str]:
        reply = await cloud.nova("GET", f"/servers/detail?{query}", **who)
        assert reply.status == 200, reply.body
        return {server["id"] for server in reply.body["servers"]}

    assert await found("") == {one, two, failed}
    assert await found("name=web") == {one, two}
    assert await found("name=%5Eweb-1%24") == {one}
    assert await found("status=ERROR") == {failed}
    assert await found("status=active") == {one, two}
    assert await found("status=NONSENSE") == set()
    assert await found("flavor=4") == {two}
    assert await found("all_tenants=1") == {one, two, other, failed}
    assert await found("all_tenants=1&project_id=" + cloud.world.compute.servers[other].project_id) == {other}
    assert await found("host=cmp1") == {one}
    assert await found("", user="member") == {one, two, failed}
    assert (await cloud.nova("GET", "/servers?all_tenants=1", user="member")).status == 403
    assert (await cloud.nova("GET", "/servers?colour=red")).status == 400
    assert (await cloud.nova("GET", "/servers?colour=red", version="2.74")).status == 200


async def test_changes_since_shows_what_was_deleted(cloud: Cloud) -> None:
    server_id = await cloud.create()
    await cloud.clock.advance(10)
    await cloud.nova("DELETE", f"/servers/{server_id}")
    await cloud.clock.advance(5)
    reply = await cloud.nova("GET", "/servers/detail?changes-since=2027-01-15T08:00:15Z")
    assert [(server["id"], server["status"]) for server in reply.body["servers"]] == [(server_id, "DELETED")]
    reply = await cloud.nova("GET", "/servers/detail?changes-since=2027-01-15T08:00:16Z")
    assert reply.body["servers"] == []
    assert (await cloud.nova("GET", "/servers/detail?changes-since=yesterday")).status == 400


async def test_nobody_sees_or_ends_the_servers_of_others(cloud: Cloud) -> None:
    server_id = await cloud.create()
    for method in ("GET", "DELETE"):
        reply = await cloud.nova(method, f"/servers/{server_id}", user="tenant", project="tenant")
        assert reply.status == 404


async def test_an_unknown_path_is_a_404_and_a_wrong_method_a_405(cloud: Cloud) -> None:
    reply = await cloud.nova("GET", "/no-such-thing")
    assert (reply.status, reply.body["title"]) == (404, "Not Found")
    reply = await cloud.nova("PATCH", "/servers")
    assert (reply.status, list(reply.body)) == (405, ["badMethod"])
