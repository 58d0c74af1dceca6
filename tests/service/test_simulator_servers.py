"""The simulated Nova: a server's life by the clock, where it goes, and what can be done to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from simulated import Cloud, simulated

from promise.vim.simulator import FlavorOption, SimulatorOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FLAVORS = (
    *SimulatorOptions().flavors,
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


async def status(cloud: Cloud, server_id: str) -> tuple[str, str | None]:
    shown = await cloud.server(server_id)
    return shown["status"], shown["OS-EXT-STS:task_state"]


def used(cloud: Cloud) -> dict[str, int]:
    return cloud.world.placement.usage_of(next(iter(cloud.world.identity.projects)))


async def test_a_server_builds_for_its_time_and_then_is_active(cloud: Cloud) -> None:
    server_id = await cloud.create()
    assert await status(cloud, server_id) == ("BUILD", "spawning")
    await cloud.clock.advance(9)
    assert await status(cloud, server_id) == ("BUILD", "spawning")
    await cloud.clock.advance(1)
    shown = await cloud.server(server_id)
    assert (shown["status"], shown["OS-EXT-STS:vm_state"], shown["OS-EXT-STS:power_state"]) == ("ACTIVE", "active", 1)
    assert shown["created"] == "2027-01-15T08:00:00Z"
    assert shown["OS-SRV-USG:launched_at"] == "2027-01-15T08:00:10.000000"
    assert shown["addresses"]["private"][0]["addr"] == "10.0.0.2"


async def test_a_launch_is_dated_by_its_own_moment_however_late_somebody_looks(cloud: Cloud) -> None:
    server_id = await cloud.create()
    await cloud.clock.advance(1000)
    assert (await cloud.server(server_id))["OS-SRV-USG:launched_at"] == "2027-01-15T08:00:10.000000"


async def test_a_deleted_server_takes_its_time_and_then_is_gone_with_all_it_held(cloud: Cloud) -> None:
    server_id = await cloud.create()
    await cloud.clock.advance(10)
    assert used(cloud) == {"VCPU": 1, "MEMORY_MB": 2048, "DISK_GB": 20}
    assert (await cloud.nova("DELETE", f"/servers/{server_id}")).status == 204
    assert await status(cloud, server_id) == ("ACTIVE", "deleting")
    await cloud.clock.advance(4)
    assert (await cloud.nova("DELETE", f"/servers/{server_id}")).status == 204
    await cloud.clock.advance(1)
    reply = await cloud.nova("GET", f"/servers/{server_id}")
    assert (reply.status, reply.body) == (
        404,
        {"itemNotFound": {"code": 404, "message": f"Instance {server_id} could not be found."}},
    )
    assert used(cloud) == {}
    assert not cloud.world.network.rows["port"]


async def test_a_server_that_is_deleted_while_it_builds_never_becomes_active(cloud: Cloud) -> None:
    server_id = await cloud.create()
    await cloud.nova("DELETE", f"/servers/{server_id}")
    assert await status(cloud, server_id) == ("BUILD", "deleting")
    await cloud.clock.advance(10)
    assert (await cloud.nova("GET", f"/servers/{server_id}")).status == 404
    assert (await cloud.nova("DELETE", f"/servers/{server_id}")).status == 404


async def test_the_markers_in_a_name_make_builds_fail_lag_or_stick(cloud: Cloud) -> None:
    failing = await cloud.create("a-sim-fail-b")
    slow = await cloud.create("sim-slow")
    stuck = await cloud.create("sim-stuck")
    await cloud.clock.advance(10)
    shown = await cloud.server(failing)
    assert (shown["status"], shown["OS-EXT-SRV-ATTR:host"]) == ("ERROR", None)
    assert shown["fault"]["message"] == f"Build of instance {failing} aborted: its name contains sim-fail"
    assert (await status(cloud, slow))[0] == "BUILD"
    await cloud.clock.advance(5)
    assert (await status(cloud, slow))[0] == "ACTIVE"
    await cloud.clock.advance(100000)
    assert stuck in cloud.world.compute.servers
    assert cloud.world.compute.servers[stuck].status == "BUILD"


async def test_a_failed_build_holds_no_room_but_quota(cloud: Cloud) -> None:
    await cloud.create("sim-fail")
    await cloud.clock.advance(10)
    limits = (await cloud.nova("GET", "/limits")).body["limits"]["absolute"]
    assert used(cloud) == {}
    assert (limits["totalInstancesUsed"], limits["totalCoresUsed"], limits["totalRAMUsed"]) == (1, 1, 2048)


async def test_without_room_a_server_is_accepted_and_then_error(cloud: Cloud) -> None:
    server_id = await cloud.create(flavor="huge")
    shown = await cloud.server(server_id)
    assert (shown["status"], shown["fault"]["code"]) == ("ERROR", 500)
    assert shown["fault"]["message"] == "No valid host was found. "
    assert "details" in shown["fault"]
    assert shown["hostId"] == ""
    assert "details" not in (await cloud.server(server_id, user="member"))["fault"]
    assert (await cloud.nova("DELETE", f"/servers/{server_id}")).status == 204
    assert (await cloud.nova("GET", f"/servers/{server_id}")).status == 404


async def test_servers_fill_the_cloud_to_the_last_core_and_not_beyond(cloud: Cloud) -> None:
    ids = [await cloud.create(f"s{index}", "m1.xlarge") for index in range(17)]
    states = [(await status(cloud, server_id))[0] for server_id in ids]
    assert states == ["BUILD"] * 16 + ["ERROR"]
    for host in cloud.world.hosts.by_name.values():
        assert cloud.world.placement.used(host.provider.id)["VCPU"] == 32


async def test_a_zone_is_kept_to(cloud: Cloud) -> None:
    server_id = await cloud.create(availability_zone="az2")
    shown = await cloud.server(server_id)
    assert (shown["OS-EXT-AZ:availability_zone"], shown["OS-EXT-SRV-ATTR:host"]) == ("az2", "cmp2")
    assert shown["pinned_availability_zone"] == "az2"
    free = await cloud.create()
    assert (await cloud.server(free))["pinned_availability_zone"] is None
    for _ in range(8):
        await cloud.create(flavor="m1.xlarge", availability_zone="az2")
    full = await cloud.create(flavor="m1.xlarge", availability_zone="az2")
    assert (await status(cloud, full))[0] == "ERROR"


async def test_metadata_are_kept_merged_replaced_and_limited(cloud: Cloud) -> None:
    server_id = await cloud.create(metadata={"promise-allocation-id": "a"})
    path = f"/servers/{server_id}/metadata"
    assert (await cloud.nova("GET", path)).body == {"metadata": {"promise-allocation-id": "a"}}
    reply = await cloud.nova("POST", path, {"metadata": {"b": "2"}})
    assert reply.body == {"metadata": {"promise-allocation-id": "a", "b": "2"}}
    assert (await cloud.nova("PUT", path, {"metadata": {"c": "3"}})).body == {"metadata": {"c": "3"}}
    assert (await cloud.nova("DELETE", f"{path}/c")).status == 204
    assert (await cloud.nova("GET", f"{path}/c")).status == 404
    many = {f"k{index}": "v" for index in range(129)}
    reply = await cloud.nova("POST", "/servers", cloud.order(metadata=many))
    assert reply.body["forbidden"]["message"] == "Maximum number of metadata items exceeds 128"


async def test_stop_start_reboot_take_their_time_and_refuse_the_wrong_state(cloud: Cloud) -> None:
    server_id = await cloud.create()
    act = f"/servers/{server_id}/action"
    reply = await cloud.nova("POST", act, {"os-stop": None})
    assert reply.status == 409
    assert reply.body["conflictingRequest"]["message"] == (
        f"Cannot 'stop' instance {server_id} while it is in vm_state building"
    )
    await cloud.clock.advance(10)
    assert (await cloud.nova("POST", act, {"os-stop": None})).status == 202
    assert await status(cloud, server_id) == ("ACTIVE", "powering-off")
    assert (await cloud.nova("POST", act, {"os-start": None})).status == 409
    await cloud.clock.advance(3)
    assert await status(cloud, server_id) == ("SHUTOFF", None)
    assert (await cloud.nova("POST", act, {"os-start": None})).status == 202
    await cloud.clock.advance(3)
    assert (await cloud.nova("POST", act, {"reboot": {"type": "SOFT"}})).status == 202
    assert (await status(cloud, server_id))[0] == "REBOOT"
    await cloud.clock.advance(3)
    assert await status(cloud, server_id) == ("ACTIVE", None)
    assert (await cloud.nova("POST", act, {"dance": None})).status == 400
    names = [
        each["action"]
        for each in (await cloud.nova("GET", f"/servers/{server_id}/os-instance-actions")).body["instanceActions"]
    ]
    assert names == ["reboot", "start", "stop", "create"]


async def test_a_locked_server_stays(cloud: Cloud) -> None:
    server_id = await cloud.create()
    await cloud.clock.advance(10)
    await cloud.nova("POST", f"/servers/{server_id}/action", {"lock": {"locked_reason": "mine"}})
    assert (await cloud.server(server_id))["locked_reason"] == "mine"
    assert (await cloud.nova("DELETE", f"/servers/{server_id}")).status == 409
    await cloud.nova("POST", f"/servers/{server_id}/action", {"unlock": None})
    assert (await cloud.nova("DELETE", f"/servers/{server_id}")).status == 204


async def test_a_resize_holds_both_until_it_is_confirmed_or_reverted(cloud: Cloud) -> None:
    server_id = await cloud.create(flavor="m1.medium")
    await cloud.clock.advance(10)
    act = f"/servers/{server_id}/action"
    await cloud.nova("POST", act, {"resize": {"flavorRef": "4"}})
    assert (await status(cloud, server_id))[0] == "RESIZE"
    assert used(cloud)["VCPU"] == 6
    await cloud.clock.advance(3)
    assert (await status(cloud, server_id))[0] == "VERIFY_RESIZE"
    assert (await cloud.nova("POST", act, {"revertResize": None})).status == 202
    assert used(cloud)["VCPU"] == 2
    assert (await cloud.server(server_id))["flavor"]["original_name"] == "m1.medium"
    await cloud.nova("POST", act, {"resize": {"flavorRef": "4"}})
    await cloud.clock.advance(3)
    assert (await cloud.nova("POST", act, {"confirmResize": None})).status == 204
    assert used(cloud)["VCPU"] == 4
    assert (await cloud.server(server_id))["flavor"]["original_name"] == "m1.large"


async def test_a_shelved_server_holds_quota_but_no_host(cloud: Cloud) -> None:
    server_id = await cloud.create()
    await cloud.clock.advance(10)
    await cloud.nova("POST", f"/servers/{server_id}/action", {"shelve": None})
    assert (await status(cloud, server_id))[0] == "SHELVED_OFFLOADED"
    assert used(cloud) == {}
    assert (await cloud.nova("GET", "/limits")).body["limits"]["absolute"]["totalCoresUsed"] == 1
    await cloud.nova("POST", f"/servers/{server_id}/action", {"unshelve": None})
    assert used(cloud)["VCPU"] == 1


async def test_anti_affinity_puts_each_on_its_own_host_until_there_is_none(cloud: Cloud) -> None:
    group = await cloud.nova("POST", "/os-server-groups", {"server_group": {"name": "g", "policy": "anti-affinity"}})
    hint = {"os:scheduler_hints": {"group": group.body["server_group"]["id"]}}
    for index in range(5):
        reply = await cloud.nova("POST", "/servers", {**cloud.order(f"s{index}"), **hint})
        assert reply.status == 202
    servers = list(cloud.world.compute.servers.values())
    assert sorted(server.host or "" for server in servers) == ["", "cmp1", "cmp2", "cmp3", "cmp4"]
    assert servers[-1].fault is not None
    assert servers[-1].fault[1] == "No valid host was found. There are not enough hosts available."


async def test_affinity_keeps_them_together(cloud: Cloud) -> None:
    group = await cloud.nova("POST", "/os-server-groups", {"server_group": {"name": "g", "policy": "affinity"}})
    hint = {"os:scheduler_hints": {"group": group.body["server_group"]["id"]}}
    for index in range(5):
        await cloud.nova("POST", "/servers", {**cloud.order(f"s{index}", "m1.xlarge"), **hint})
    servers = list(cloud.world.compute.servers.values())
    assert [server.host for server in servers] == ["cmp1"] * 4 + [None]
