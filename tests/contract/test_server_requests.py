"""A server is asked for once, and the driver says what is certain afterwards."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from contract.scripted_cloud import (
    PROJECT,
    SERVERS,
    SIGN_IN,
    Hang,
    Reply,
    Request,
    Reset,
    ScriptedCloud,
    closed_port,
    driver_for,
    limits_for,
    self_signed,
)

from promise.allocation.server import ALLOCATION_KEY, ServerSpec, ServerState
from promise.errors import CloudError, CloudRefused, CloudUnreachable, CredentialsRejected, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SPEC = ServerSpec("7c9e6679-7425-40de-944b-e07fc1f90ae7", "vnf-1", "image-1", "flavor-1", networks=("net-1",))
MADE = Reply(202, {"server": {"id": "server-1"}}, {"Date": "Thu, 02 Jan 2020 03:04:05 GMT"})


async def failure_of_create(cloud: ScriptedCloud, *behaviours: Any) -> CloudError:
    cloud.on("POST", SERVERS, *behaviours)
    async with driver_for(cloud, limits_for(behaviours[0] if behaviours else None)) as driver:
        with pytest.raises(CloudError) as caught:
            await driver.create_server(SPEC)
    return caught.value


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (Reply(400, {"badRequest": {"message": "Invalid imageRef"}}), CloudRefused),
        (Reply(403, {"forbidden": {"message": "Quota exceeded for cores"}}), CloudRefused),
        (Reply(404, {"itemNotFound": {"message": "Flavor f could not be found."}}), CloudRefused),
        (Reply(409, {"conflictingRequest": {"message": "Port p is still in use."}}), CloudRefused),
        (Reply(413, {"overLimit": {"message": "Too many"}}), CloudRefused),
        (Reply(307, None, {"Location": "/compute/v2.1/servers/elsewhere"}), CloudRefused),
        (Reply(408), CloudUnreachable),
        (Reply(429, {"overLimit": {"message": "slower"}}), CloudUnreachable),
        (Reply(500, {"computeFault": {"message": "Unexpected API Error."}}), OutcomeUnknown),
        (Reply(502, b"<html>Bad Gateway</html>"), OutcomeUnknown),
        (Reply(503, b"Service Unavailable"), OutcomeUnknown),
        (Reply(504, b"Gateway Time-out"), OutcomeUnknown),
        (Hang, OutcomeUnknown),
        (Reset, OutcomeUnknown),
        (Reply(202, {"server": {"id": "server-1"}}, cut=5), OutcomeUnknown),
        (Reply(202, b"\xff\xfe not json"), OutcomeUnknown),
        (Reply(202, {"server": {}}), OutcomeUnknown),
        (Reply(202, ["server"]), OutcomeUnknown),
    ],
)
async def test_one_post_and_what_is_certain_after_it(
    cloud: ScriptedCloud, behaviour: Any, error: type[CloudError]
) -> None:
    failed = await failure_of_create(cloud, behaviour)
    assert type(failed) is error
    assert cloud.count("POST", SERVERS) == 1
    assert len([request for request in cloud.requests if "elsewhere" in request.path]) == 0
    if isinstance(behaviour, Reply) and behaviour.status >= 300:
        assert failed.status == behaviour.status


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"forbidden": {"code": 403, "message": "Quota exceeded: 80 of 60"}}, "Quota exceeded: 80 of 60"),
        ({"NeutronError": {"type": "X", "message": "No more ports", "detail": ""}}, "No more ports"),
        ({"error": {"code": 403, "message": "not your project", "title": "Forbidden"}}, "not your project"),
        ({"errors": [{"status": 403, "detail": "Access denied.\n\n By policy. "}]}, "Access denied. By policy."),
        (b"<html><head><title>403 Forbidden</title></head><body>Go <b>away</b></body></html>", "Go away"),
    ],
)  # fmt: skip
async def test_a_refusal_gives_the_cloud_s_reason_on_one_line(cloud: ScriptedCloud, body: Any, words: str) -> None:
    failed = await failure_of_create(cloud, Reply(403, body))
    assert failed.message == f"Nova answered 403: {words}"


async def test_a_connection_that_is_refused_leaves_no_doubt(cloud: ScriptedCloud) -> None:
    cloud.elsewhere["compute"] = closed_port() + "/v2.1"
    failed = await failure_of_create(cloud)
    assert type(failed) is CloudUnreachable
    assert "connection refused" in failed.message


async def test_a_certificate_that_nobody_knows_leaves_no_doubt(cloud: ScriptedCloud, tmp_path: Path) -> None:
    server = await asyncio.start_server(cloud.serve, "127.0.0.1", 0, ssl=self_signed(tmp_path))
    async with server:
        cloud.elsewhere["compute"] = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v2.1"
        failed = await failure_of_create(cloud)
    assert type(failed) is CloudUnreachable
    assert "its certificate is not trusted" in failed.message
    assert "/v2.1" not in str([request.path for request in cloud.requests])


async def test_what_fails_before_the_post_leaves_no_doubt(cloud: ScriptedCloud) -> None:
    cloud.on(*SIGN_IN, Reply(503, b"down"))
    failed = await failure_of_create(cloud, MADE)
    assert type(failed) is CloudUnreachable
    assert cloud.count("POST", SERVERS) == 0


async def test_a_token_that_ended_is_renewed_and_the_post_sent_again(cloud: ScriptedCloud) -> None:
    cloud.on("POST", SERVERS, Reply(401, {"error": {"message": "ended"}}), MADE)
    async with driver_for(cloud) as driver:
        server = await driver.create_server(SPEC)
    assert (server.id, server.state, server.created) == ("server-1", ServerState.BUILD, 1577934245)
    assert [request.headers["x-auth-token"] for request in cloud.requests if request.path == SERVERS] == [
        "secret-token-1", "secret-token-2",
    ]  # fmt: skip


async def test_renewing_the_token_may_fail_and_leaves_no_doubt(cloud: ScriptedCloud) -> None:
    cloud.on(*SIGN_IN, lambda _: cloud.token(), Reply(401, {"error": {"message": "password changed"}}))
    failed = await failure_of_create(cloud, Reply(401))
    assert type(failed) is CredentialsRejected
    assert cloud.count("POST", SERVERS) == 1


async def test_the_body_says_what_the_spec_says(cloud: ScriptedCloud) -> None:
    cloud.on("POST", SERVERS, MADE)
    spec = ServerSpec(
        "a1", "n", "i", "f", networks=("n2", "n1"), zone="az1", key_name="k", security_groups=("s",), user_data="I2E=",
        metadata={"role": "db", ALLOCATION_KEY: "forged"},
    )  # fmt: skip
    async with driver_for(cloud) as driver:
        await driver.create_server(spec)
    (post,) = (request for request in cloud.requests if request.path == SERVERS)
    assert post.body == {"server": {
        "name": "n", "imageRef": "i", "flavorRef": "f", "networks": [{"uuid": "n2"}, {"uuid": "n1"}],
        "availability_zone": "az1", "key_name": "k", "security_groups": [{"name": "s"}], "user_data": "I2E=",
        "metadata": {"role": "db", ALLOCATION_KEY: "a1"},
    }}  # fmt: skip
    assert post.headers["openstack-api-version"] == "compute 2.69"


@pytest.mark.parametrize("own", [0, 2])
async def test_without_networks_the_project_must_have_one(cloud: ScriptedCloud, own: int) -> None:
    networks = [{"id": f"n{n}", "name": "n", "project_id": PROJECT, "shared": False} for n in range(own)]
    cloud.on("GET", "/network/v2.0/networks", Reply(200, {"networks": networks}))
    async with driver_for(cloud) as driver:
        with pytest.raises(CloudRefused, match=f"the project has {own} networks"):
            await driver.create_server(ServerSpec("a", "n", "i", "f"))
    assert cloud.count("POST", SERVERS) == 0


async def test_the_only_network_is_taken(cloud: ScriptedCloud) -> None:
    networks = [
        {"id": "others", "name": "n", "project_id": "else", "shared": False},
        {"id": "uplink", "name": "n", "project_id": PROJECT, "shared": False, "router:external": True},
        {"id": "ours", "name": "n", "project_id": "else", "shared": True},
    ]
    cloud.on("GET", "/network/v2.0/networks", Reply(200, {"networks": networks}))
    cloud.on("POST", SERVERS, MADE)
    async with driver_for(cloud) as driver:
        await driver.create_server(ServerSpec("a", "n", "i", "f"))
    assert cloud.requests[-1].body["server"]["networks"] == [{"uuid": "ours"}]


async def test_a_cloud_without_networks_gets_none(cloud: ScriptedCloud) -> None:
    cloud.services.remove("network")
    cloud.on("POST", SERVERS, MADE)
    async with driver_for(cloud) as driver:
        await driver.create_server(ServerSpec("a", "n", "i", "f"))
    assert cloud.requests[-1].body["server"]["networks"] == "none"


@pytest.mark.parametrize("status", [204, 404])
async def test_gone_is_gone(cloud: ScriptedCloud, status: int) -> None:
    cloud.on("DELETE", f"{SERVERS}/s1", Reply(status))
    async with driver_for(cloud) as driver:
        await driver.delete_server("s1")
    assert cloud.count("DELETE", f"{SERVERS}/s1") == 1


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [(Reply(409), CloudRefused), (Reply(403), CloudRefused), (Reply(500), OutcomeUnknown), (Hang, OutcomeUnknown)],
)
async def test_a_delete_that_fails(cloud: ScriptedCloud, behaviour: Any, error: type[CloudError]) -> None:
    cloud.on("DELETE", f"{SERVERS}/s1", behaviour)
    async with driver_for(cloud, limits_for(behaviour)) as driver:
        with pytest.raises(CloudError) as caught:
            await driver.delete_server("s1")
    assert type(caught.value) is error


async def test_an_id_cannot_leave_its_place_in_the_path(cloud: ScriptedCloud) -> None:
    async with driver_for(cloud) as driver:
        await driver.delete_server("../flavors/f1?force=1")
    assert cloud.requests[-1].path == f"{SERVERS}/..%2Fflavors%2Ff1%3Fforce%3D1"


GROUPS = "/compute/v2.1/os-server-groups"
APART = replace(SPEC, affinity=(("anti-affinity", "db"),))


def groups(*shown: tuple[str, str, str]) -> Callable[[Request], Reply]:
    """Script a list of groups (id, name, policy), two at a time, by offset."""

    def page(request: Request) -> Reply:
        first = int(request.query.get("offset", "0"))
        rows = [{"id": id_, "name": name, "policy": policy} for id_, name, policy in shown[first : first + 2]]
        return Reply(200, {"server_groups": rows})

    return page


async def test_a_group_is_found_on_any_page(cloud: ScriptedCloud) -> None:
    others = [(f"g{n}", "db", "affinity") for n in range(3)] + [("g8", "web", "anti-affinity")]
    cloud.on("GET", GROUPS, groups(*others, ("g9", "db", "anti-affinity"), ("g5", "db", "anti-affinity")))
    cloud.on("POST", SERVERS, MADE)
    async with driver_for(cloud) as driver:
        await driver.create_server(APART)
    assert cloud.requests[-1].body["os:scheduler_hints"] == {"group": "g5"}
    assert cloud.count("POST", GROUPS) == 0


LOST, KEPT = "6c85ffde-1127-45a2-bfc1-e49a1f92b8ff", "0d3b9f57-6b34-4f3d-9b51-c4a3cb0c0a34"


async def test_a_group_is_found_by_its_id(cloud: ScriptedCloud) -> None:
    cloud.on(
        "GET", GROUPS, groups(("g1", KEPT, "anti-affinity"), ("g2", "db", "affinity"), (KEPT, "x", "anti-affinity"))
    )
    cloud.on("POST", SERVERS, MADE)
    async with driver_for(cloud) as driver:
        await driver.create_server(replace(SPEC, affinity=(("anti-affinity", KEPT),)))
    assert cloud.requests[-1].body["os:scheduler_hints"] == {"group": KEPT}
    assert cloud.count("POST", GROUPS) == 0


@pytest.mark.parametrize(
    ("kind", "group", "why"),
    [("affinity", KEPT, "is of kind anti-affinity, not affinity"), ("anti-affinity", LOST, f"no server group {LOST}")],
)
async def test_an_id_is_of_a_group_that_is_there(cloud: ScriptedCloud, kind: str, group: str, why: str) -> None:
    cloud.on("GET", GROUPS, groups((KEPT, "x", "anti-affinity")))
    async with driver_for(cloud) as driver:
        with pytest.raises(CloudRefused, match=why):
            await driver.create_server(replace(SPEC, affinity=((kind, group),)))
    assert [one.method for one in cloud.requests if one.path in {GROUPS, SERVERS}] == ["GET", "GET"]


async def test_of_many_at_once_one_makes_the_group(cloud: ScriptedCloud) -> None:
    made: list[tuple[str, str, str]] = []

    def shown(request: Request) -> Reply:
        return groups(*made)(request)

    def make(request: Request) -> Reply:
        made.append(("g1", request.body["server_group"]["name"], request.body["server_group"]["policy"]))
        return Reply(200, {"server_group": {"id": "g1"}})

    cloud.on("GET", GROUPS, shown)
    cloud.on("POST", GROUPS, make)
    cloud.on("POST", SERVERS, MADE)
    async with driver_for(cloud) as driver:
        await asyncio.gather(*(driver.create_server(APART) for _ in range(5)))
    assert made == [("g1", "db", "anti-affinity")]
    hints = [one.body["os:scheduler_hints"] for one in cloud.requests if (one.method, one.path) == ("POST", SERVERS)]
    assert hints == [{"group": "g1"}] * 5


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (Reply(403, {"forbidden": {"message": "Quota exceeded, too many server groups."}}), CloudRefused),
        (Reply(500), CloudUnreachable),
        (Reset, CloudUnreachable),
        (Reply(200, {"server_group": {}}), CloudUnreachable),
    ],
)
async def test_without_its_group_no_server_is_asked_for(
    cloud: ScriptedCloud, behaviour: Any, error: type[CloudError]
) -> None:
    cloud.on("GET", GROUPS, groups())
    cloud.on("POST", GROUPS, behaviour)
    async with driver_for(cloud, limits_for(behaviour)) as driver:
        with pytest.raises(CloudError) as caught:
            await driver.create_server(APART)
        assert type(caught.value) is error
        with pytest.raises(CloudRefused, match="one server group only"):
            await driver.create_server(replace(SPEC, affinity=(("affinity", "a"), ("affinity", "b"))))
    assert cloud.count("POST", SERVERS) == 0
