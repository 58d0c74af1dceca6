"""`vim.port.Cloud` as the rooms rely on it, on the simulator and on a real OpenStack alike."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import requests
from contract.sites import FAILING, PATIENT, Site

from promise.allocation.server import Server, ServerSpec, ServerState
from promise.errors import CloudError, CloudRefused, CredentialsRejected
from promise.resources import minus
from promise.vim.openstack import OpenStack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from promise.capacity.provider import Discovery

NOBODY = "00000000-0000-4000-8000-000000000000"


def spec_on(site: Site, **said: Any) -> ServerSpec:
    asked = ServerSpec(str(uuid4()), "vnf-1", site.image, site.flavor.id, networks=(site.network,))
    return replace(asked, **said)


async def until(site: Site, server: Server, *states: ServerState) -> Server:
    found = await site.settled(
        lambda: site.ours.server(server.id), lambda server: server is not None and server.state in states
    )
    assert found is not None
    return found


@asynccontextmanager
async def service(site: Site, change: dict[str, Any], undo: dict[str, Any]) -> AsyncIterator[str]:
    """Change one compute service while the test goes on; yields its host."""
    services = await site.ours._calls.read("compute", "/os-services", "services", binary="nova-compute")
    chosen = min(services, key=lambda one: one["host"])
    await site.operator("PUT", "compute", f"/os-services/{chosen['id']}", change)
    try:
        yield chosen["host"]
    finally:
        await site.operator("PUT", "compute", f"/os-services/{chosen['id']}", undo)


def zone(found: Discovery, name: str) -> Any:
    return next(zone for zone in found.zones if zone.name == name)


async def test_discovery_adds_up(site: Site) -> None:
    found = await site.ours.discover()
    assert found.source == "placement"
    assert len(found.hosts) == 2
    assert all(host.up and host.enabled for host in found.hosts)
    assert {zone.name for zone in found.zones} == {host.zone for host in found.hosts} == {"az1", "az2"}
    assert all(zone.up and zone.hosts == 1 for zone in found.zones)
    for resource, amount in (("cores", 16), ("ram", 32768), ("DISK_GB", 500)):
        assert [host.capacity[resource] for host in found.hosts] == [amount, amount]
        assert found.bound[resource] == sum(zone.capacity[resource] for zone in found.zones) == 2 * amount
    quotas = {"instances", "networks", "subnets", "ports", "routers", "addresses", "volumes", "gigabytes", "snapshots"}
    assert found.bound.keys() == quotas | {"cores", "ram", "DISK_GB"}
    assert found.compute_endpoint.endswith("/v2.1")
    assert site.flavor.needs == {
        "instances": 1, "cores": site.flavor.vcpus, "ram": site.flavor.ram, "DISK_GB": site.flavor.disk,
    }  # fmt: skip


async def test_a_plain_member_goes_by_quota(site: Site) -> None:
    found = await site.theirs.discover()
    limits = (await site.theirs._calls.read("compute", "/limits", "limits"))["absolute"]
    assert found.source == "quota"
    assert found.bound["cores"] == limits["maxTotalCores"]
    assert found.bound["ram"] == limits["maxTotalRAMSize"]
    assert found.bound["instances"] == limits["maxTotalInstances"]
    assert (found.hosts, {zone.name for zone in found.zones}) == ((), {"az1", "az2"})
    with pytest.raises(CloudRefused, match="capacity-source placement is not open") as caught:
        await site.theirs.discover("placement")
    assert caught.value.status == 403


async def test_quota_when_it_is_asked_for(site: Site) -> None:
    found = await site.ours.discover("quota")
    assert found.source == "quota"
    assert len(found.hosts) == 2
    assert all(not zone.capacity for zone in found.zones)
    assert "DISK_GB" not in found.bound


async def test_no_limit_is_no_bound(site: Site) -> None:
    project = (await site.ours._calls.grant()).project_id
    before = await site.ours._calls.read("compute", f"/os-quota-sets/{project}", "quota_set")
    await site.operator("PUT", "compute", f"/os-quota-sets/{project}", {"quota_set": {"instances": -1, "cores": 7}})
    try:
        bound = (await site.ours.discover("quota")).bound
    finally:
        undo = {"quota_set": {"instances": before["instances"], "cores": before["cores"]}}
        await site.operator("PUT", "compute", f"/os-quota-sets/{project}", undo)
    assert "instances" not in bound
    assert bound["cores"] == 7


async def test_the_life_of_a_server(site: Site) -> None:
    spec = spec_on(site, zone="az2", metadata={"role": "db"}, user_data="I2Nsb3VkLWNvbmZpZwo=")
    asked = await site.ours.create_server(spec)
    assert (asked.state, asked.allocation_id, asked.needs) == (ServerState.BUILD, spec.allocation_id, site.flavor.needs)
    assert [server.id for server in await site.ours.servers_of(spec.allocation_id)] == [asked.id]  # while it builds
    made = await until(site, asked, ServerState.ACTIVE)
    assert (made.name, made.zone, made.allocation_id) == ("vnf-1", "az2", spec.allocation_id)
    assert (made.flavor, made.needs, made.fault) == (site.flavor.name, site.flavor.needs, None)
    assert made.host in {host.name for host in (await site.ours.discover()).hosts if host.zone == "az2"}
    assert abs(made.created - asked.created) <= 60
    assert list(await site.ours.servers()) == [made]
    assert await site.ours.servers_of(NOBODY) == []
    assert await site.theirs.servers() == []
    assert await site.theirs.server(made.id) is None
    await site.ours.delete_server(made.id)
    gone = await site.settled(lambda: site.ours.server(made.id), lambda server: server is None)
    assert gone is None
    await site.ours.delete_server(made.id)
    assert await site.ours.servers_of(spec.allocation_id) == []


async def test_a_server_of_another_project_is_not_ours_even_for_an_administrator(site: Site) -> None:
    theirs = await site.theirs.create_server(spec_on(site))
    assert await site.ours.server(theirs.id) is None
    assert await site.ours.servers() == []


async def test_the_only_network_is_taken_when_none_is_named(site: Site) -> None:
    server = await until(site, await site.ours.create_server(spec_on(site, networks=())), ServerState.ACTIVE)
    shown = await site.ours._calls.read("compute", f"/servers/{server.id}/os-interface", "interfaceAttachments")
    assert [port["net_id"] for port in shown] == [site.network]


async def test_a_server_that_fails_says_why(site: Site) -> None:
    asked = await site.ours.create_server(spec_on(site, name=f"{FAILING}-1"))
    failed = await until(site, asked, ServerState.ERROR)
    assert failed.fault
    assert failed.needs == site.flavor.needs
    assert failed.allocation_id == asked.allocation_id


async def test_a_server_that_is_stopped(site: Site) -> None:
    server = await until(site, await site.ours.create_server(spec_on(site)), ServerState.ACTIVE)
    await site.operator("POST", "compute", f"/servers/{server.id}/action", {"os-stop": None})
    stopped = await until(site, server, ServerState.STOPPED)
    assert stopped.needs == site.flavor.needs


async def test_servers_of_a_group_are_kept_apart(site: Site) -> None:
    name = f"apart-{uuid4()}"
    asked = [spec_on(site, name=f"n{n}", affinity=(("anti-affinity", name),)) for n in range(3)]
    made = await asyncio.gather(*(site.ours.create_server(spec) for spec in asked))
    seen = [await until(site, server, ServerState.ACTIVE, ServerState.ERROR) for server in made]
    assert sorted(server.state for server in seen) == [ServerState.ACTIVE, ServerState.ACTIVE, ServerState.ERROR]
    assert len({server.host for server in seen if server.state is ServerState.ACTIVE}) == 2  # there are two hosts
    shown = await site.ours._calls.read("compute", "/os-server-groups", "server_groups")
    (group,) = (one for one in shown if one["name"] == name)
    assert group["policy"] == "anti-affinity"
    others = [spec_on(site, affinity=(("soft-affinity", name),)) for _ in range(2)]  # another kind is another group
    seen = [await until(site, await site.ours.create_server(spec), ServerState.ACTIVE) for spec in others]
    assert len({server.host for server in seen}) == 1
    await site.clean()
    for one in await site.ours._calls.read("compute", "/os-server-groups", "server_groups"):
        if one["name"] == name:
            await site.operator("DELETE", "compute", f"/os-server-groups/{one['id']}")


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"flavor": NOBODY}, {400, 404}),
        ({"image": NOBODY}, {400}),
        ({"networks": (NOBODY,)}, {400}),
        ({"zone": "nowhere"}, {400}),
        ({"key_name": "nobody"}, {400}),
        ({"name": ""}, {400}),
        ({"metadata": {"k": "x" * 256}}, {400}),
    ],
)
async def test_what_nova_refuses_makes_nothing(site: Site, wrong: dict[str, Any], status: set[int]) -> None:
    with pytest.raises(CloudRefused) as caught:
        await site.ours.create_server(spec_on(site, **wrong))
    assert caught.value.status in status
    assert caught.value.message.startswith("Nova answered 4")
    assert await site.ours.servers() == []


async def test_over_quota_is_a_refusal_with_its_numbers(site: Site) -> None:
    project = (await site.theirs._calls.grant()).project_id
    before = await site.ours._calls.read("compute", f"/os-quota-sets/{project}", "quota_set")
    await site.operator("PUT", "compute", f"/os-quota-sets/{project}", {"quota_set": {"instances": 0}})
    try:
        with pytest.raises(CloudRefused, match=r"Quota exceeded for instances: Requested 1, but already used 0 of 0"):
            await site.theirs.create_server(spec_on(site))
    finally:
        undo = {"quota_set": {"instances": before["instances"]}}
        await site.operator("PUT", "compute", f"/os-quota-sets/{project}", undo)


async def test_what_others_use_lowers_the_bound_and_what_we_use_does_not(site: Site) -> None:
    before = await site.ours.discover()
    ours = await until(site, await site.ours.create_server(spec_on(site, zone="az1")), ServerState.ACTIVE)
    assert (await site.ours.discover()).bound == before.bound
    theirs = await site.theirs.create_server(spec_on(site, zone="az2"))
    await site.settled(
        lambda: site.theirs.server(theirs.id), lambda one: one is not None and one.state is ServerState.ACTIVE
    )
    after = await site.ours.discover()
    taken = {name: amount for name, amount in minus(before.bound, after.bound).items() if amount}
    assert taken == {name: amount for name, amount in ours.needs.items() if name != "instances"}
    assert zone(after, "az1").capacity == zone(before, "az1").capacity
    assert minus(zone(before, "az2").capacity, zone(after, "az2").capacity) == taken
    assert [host.capacity for host in after.hosts] == [host.capacity for host in before.hosts]


async def test_the_bound_stands_still_while_our_servers_come_and_go(site: Site) -> None:
    before = (await site.ours.discover()).bound

    async def churn() -> None:
        for _ in range(3):
            server = await site.ours.create_server(spec_on(site))
            await until(site, server, ServerState.ACTIVE)
            await site.ours.delete_server(server.id)
            await site.settled(partial(site.ours.server, server.id), lambda found: found is None)

    churning = asyncio.gather(churn(), churn())
    while not churning.done():
        assert (await site.ours.discover()).bound == before
    await churning


@pytest.mark.parametrize(
    ("change", "undo", "up", "enabled"),
    [
        ({"status": "disabled", "disabled_reason": "test"}, {"status": "enabled"}, True, False),
        ({"forced_down": True}, {"forced_down": False}, False, True),
    ],
    ids=["disabled", "forced-down"],
)
async def test_a_host_that_cannot_be_used_lowers_the_bound(
    site: Site, change: dict[str, Any], undo: dict[str, Any], up: bool, enabled: bool
) -> None:
    before = await site.ours.discover()
    async with service(site, change, undo) as lost:
        after = await site.ours.discover()
    host = next(host for host in after.hosts if host.name == lost)
    assert (host.up, host.enabled) == (up, enabled)
    assert minus(before.bound, after.bound)["cores"] == host.capacity["cores"] == 16
    assert (zone(after, host.zone).up, zone(after, host.zone).capacity["cores"]) == (False, 0)
    assert (await site.ours.discover()).bound == before.bound


async def test_all_pages_of_a_list(site: Site) -> None:
    asked = [await site.ours.create_server(spec_on(site, name=f"n{n}")) for n in range(5)]
    shown = await site.ours._calls.pages("compute", "/servers/detail", "servers", limit="2")
    assert sorted(one["id"] for one in shown) == sorted(server.id for server in asked)
    flavors = await site.ours._calls.pages("compute", "/flavors/detail", "flavors", limit="2", is_public="none")
    assert {one["id"] for one in flavors} == {one.id for one in (await site.ours.discover()).flavors}


async def test_images_and_networks_by_id_and_by_name(site: Site) -> None:
    (shown,) = (one for one in await site.ours._calls.pages("image", "/images", "images") if one["id"] == site.image)
    named = (await site.ours._calls.read("network", f"/networks/{site.network}", "network"))["name"]
    assert await site.ours.image(site.image) == [site.image]
    assert await site.ours.image(shown["name"]) == [site.image]
    assert await site.ours.network(site.network) == [site.network]
    assert await site.ours.network(named) == [site.network]
    assert await site.theirs.networks() == [site.network]
    for unknown in (NOBODY, "nobody", "", "../images", "a/b", "%", "é"):
        assert await site.ours.image(unknown) == []
        assert await site.ours.network(unknown) == []


async def test_one_name_of_several(site: Site) -> None:
    (shown,) = (one for one in await site.ours._calls.pages("image", "/images", "images") if one["id"] == site.image)
    body = {"name": shown["name"], "disk_format": "raw", "container_format": "bare"}
    twin = (await site.operator("POST", "image", "/images", body))["id"]
    try:
        assert sorted(await site.ours.image(shown["name"])) == sorted([site.image, twin])
        assert await site.ours.image(twin) == [twin]
    finally:
        await site.operator("DELETE", "image", f"/images/{twin}")


async def test_a_revoked_token_is_replaced(site: Site) -> None:
    grant = await site.ours._calls.grant()
    tokens = f"{site.ours._calls._session.where}/auth/tokens"
    headers = {"X-Auth-Token": grant.token, "X-Subject-Token": grant.token}
    revoked = await asyncio.to_thread(requests.delete, tokens, headers=headers, timeout=60)
    assert revoked.status_code == 204
    revoked.close()
    assert await site.ours.servers() == []
    server = await site.ours.create_server(spec_on(site))
    if site.name == "simulator":  # the services of a real one remember for minutes that a token was good
        assert (await site.ours._calls.grant()).token != grant.token
    assert len(await site.ours.servers_of(server.allocation_id or "")) == 1


@pytest.mark.parametrize(
    "wrong", [{"username": "nobody"}, {"project_name": "nobody"}, {"project_domain_name": "nowhere"}]
)
async def test_who_is_not_known_is_told_so(site: Site, wrong: dict[str, str]) -> None:
    driver = OpenStack(replace(site.access, **wrong), site.password, PATIENT)
    with pytest.raises(CredentialsRejected):
        await driver.discover()
    await driver.close()


async def test_a_wrong_password(site: Site) -> None:
    driver = OpenStack(site.access, "not the password", PATIENT)
    with pytest.raises(CredentialsRejected) as caught:
        await driver.servers()
    assert caught.value.status == 401
    assert "not the password" not in str(caught.value)
    await driver.close()


async def test_a_region_that_the_cloud_does_not_have(site: Site) -> None:
    driver = OpenStack(replace(site.access, region="Elsewhere"), site.password, PATIENT)
    with pytest.raises(CloudError, match="names no compute service in region Elsewhere"):
        await driver.discover()
    await driver.close()
