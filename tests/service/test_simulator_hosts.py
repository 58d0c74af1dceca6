"""Simulated hosts: what happens to servers when one goes down, is disabled, comes, goes, shrinks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from simulated import Cloud, simulated

from promise.vim.simulator import SimulatorOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    async with simulated(SimulatorOptions(hosts=2, build_seconds=10, delete_seconds=5)) as running:
        yield running


async def services(cloud: Cloud) -> dict[str, tuple[str, str]]:
    rows = (await cloud.nova("GET", "/os-services?binary=nova-compute")).body["services"]
    return {row["host"]: (row["state"], row["status"]) for row in rows}


async def state(cloud: Cloud, server_id: str) -> str:
    shown = await cloud.server(server_id)
    return str(shown["status"])


async def test_a_dead_host_is_down_keeps_its_servers_and_gets_no_more(cloud: Cloud) -> None:
    server_id = await cloud.create()
    await cloud.clock.advance(10)
    assert (await cloud.control("PUT", "/hosts/cmp1", {"state": "down"})).body["state"] == "down"
    assert await services(cloud) == {"cmp1": ("down", "enabled"), "cmp2": ("up", "enabled")}
    shown = await cloud.server(server_id)
    assert (shown["status"], shown["host_status"], shown["OS-EXT-SRV-ATTR:host"]) == ("ACTIVE", "UNKNOWN", "cmp1")
    hosts = [(await cloud.server(await cloud.create(f"s{index}")))["OS-EXT-SRV-ATTR:host"] for index in range(3)]
    assert hosts == ["cmp2"] * 3
    failed = await cloud.server(await cloud.create(availability_zone="az1"))
    assert failed["fault"]["message"] == "No valid host was found. There are not enough hosts available."


async def test_a_build_waits_for_its_dead_host_and_ends_when_it_is_back(cloud: Cloud) -> None:
    server_id = await cloud.create()
    await cloud.control("PUT", "/hosts/cmp1", {"state": "down"})
    await cloud.clock.advance(100)
    assert await state(cloud, server_id) == "BUILD"
    await cloud.control("PUT", "/hosts/cmp1", {"state": "up"})
    shown = await cloud.server(server_id)
    assert (shown["status"], shown["OS-SRV-USG:launched_at"]) == ("ACTIVE", "2027-01-15T08:01:40.000000")


async def test_a_server_on_a_dead_host_is_deleted_at_once(cloud: Cloud) -> None:
    server_id = await cloud.create()
    await cloud.clock.advance(10)
    await cloud.control("PUT", "/hosts/cmp1", {"state": "down"})
    assert (await cloud.nova("DELETE", f"/servers/{server_id}")).status == 204
    assert (await cloud.nova("GET", f"/servers/{server_id}")).status == 404
    assert cloud.world.placement.consumers == {}


async def test_a_deletion_under_way_waits_for_its_host_too(cloud: Cloud) -> None:
    server_id = await cloud.create()
    await cloud.clock.advance(10)
    await cloud.nova("DELETE", f"/servers/{server_id}")
    await cloud.control("PUT", "/hosts/cmp1", {"state": "down"})
    await cloud.clock.advance(100)
    assert (await cloud.server(server_id))["OS-EXT-STS:task_state"] == "deleting"
    await cloud.control("PUT", "/hosts/cmp1", {"state": "up"})
    assert (await cloud.nova("GET", f"/servers/{server_id}")).status == 404


async def test_disabling_shows_in_nova_and_as_a_trait_in_placement(cloud: Cloud) -> None:
    rows = (await cloud.nova("GET", "/os-services?host=cmp1")).body["services"]
    reply = await cloud.nova("PUT", f"/os-services/{rows[0]['id']}", {"status": "disabled", "disabled_reason": "disk"})
    assert (reply.body["service"]["status"], reply.body["service"]["disabled_reason"]) == ("disabled", "disk")
    provider = cloud.world.hosts.by_name["cmp1"].provider.id
    traits = (await cloud.placement("GET", f"/resource_providers/{provider}/traits")).body["traits"]
    assert "COMPUTE_STATUS_DISABLED" in traits
    assert (await cloud.server(await cloud.create()))["OS-EXT-SRV-ATTR:host"] == "cmp2"
    zones = (await cloud.nova("GET", "/os-availability-zone")).body["availabilityZoneInfo"]
    assert {zone["zoneName"]: zone["zoneState"]["available"] for zone in zones} == {"az1": False, "az2": True}
    await cloud.nova("PUT", f"/os-services/{rows[0]['id']}", {"status": "enabled"})
    traits = (await cloud.placement("GET", f"/resource_providers/{provider}/traits")).body["traits"]
    assert "COMPUTE_STATUS_DISABLED" not in traits


async def test_a_zone_of_dead_hosts_still_counts_as_available(cloud: Cloud) -> None:
    await cloud.control("PUT", "/hosts/cmp1", {"state": "down"})
    zones = (await cloud.nova("GET", "/os-availability-zone/detail")).body["availabilityZoneInfo"]
    assert [zone["zoneName"] for zone in zones] == ["internal", "az1", "az2"]
    assert zones[1]["zoneState"] == {"available": True}
    assert zones[1]["hosts"]["cmp1"]["nova-compute"]["available"] is False


async def test_forcing_down_shows_at_once(cloud: Cloud) -> None:
    rows = (await cloud.nova("GET", "/os-services?host=cmp1")).body["services"]
    await cloud.nova("PUT", f"/os-services/{rows[0]['id']}", {"forced_down": True})
    assert (await services(cloud))["cmp1"] == ("down", "enabled")
    hypervisors = (await cloud.nova("GET", "/os-hypervisors")).body["hypervisors"]
    assert {row["hypervisor_hostname"]: row["state"] for row in hypervisors} == {"cmp1": "down", "cmp2": "up"}


async def test_servers_of_a_dead_host_can_be_evacuated(cloud: Cloud) -> None:
    server_id = await cloud.create()
    await cloud.clock.advance(10)
    act = f"/servers/{server_id}/action"
    assert (await cloud.nova("POST", act, {"evacuate": {}})).status == 400
    await cloud.control("PUT", "/hosts/cmp1", {"state": "down"})
    assert (await cloud.nova("POST", act, {"evacuate": {}})).status == 200
    shown = await cloud.server(server_id)
    assert (shown["status"], shown["OS-EXT-SRV-ATTR:host"]) == ("ACTIVE", "cmp2")
    used = {
        host.name: cloud.world.placement.used(host.provider.id)["VCPU"] for host in cloud.world.hosts.by_name.values()
    }
    assert used == {"cmp1": 0, "cmp2": 1}


async def test_a_migration_without_a_place_to_go_is_refused_and_changes_nothing(cloud: Cloud) -> None:
    server_id = await cloud.create(flavor="m1.xlarge")
    await cloud.clock.advance(10)
    for index in range(4):
        await cloud.create(f"s{index}", "m1.xlarge", availability_zone="az2")
    reply = await cloud.nova("POST", f"/servers/{server_id}/action", {"migrate": None})
    assert (reply.status, reply.body["badRequest"]["message"]) == (400, "No valid host was found. ")
    assert (await cloud.server(server_id))["OS-EXT-SRV-ATTR:host"] == "cmp1"
    assert cloud.world.placement.used(cloud.world.hosts.by_name["cmp1"].provider.id)["VCPU"] == 8


async def test_hosts_come_and_go(cloud: Cloud) -> None:
    body = {"name": "cmp9", "zone": "az3", "inventories": {"VCPU": {"total": 4}, "MEMORY_MB": {"total": 8192},
                                                           "DISK_GB": {"total": 100}}}  # fmt: skip
    assert (await cloud.control("POST", "/hosts", body)).status == 201
    assert (await cloud.control("POST", "/hosts", body)).status == 409
    server_id = await cloud.create(availability_zone="az3")
    assert (await cloud.server(server_id))["OS-EXT-SRV-ATTR:host"] == "cmp9"
    reply = await cloud.control("DELETE", "/hosts/cmp9")
    assert (reply.status, "has allocations" in reply.body["error"]) == (409, True)
    service = (await cloud.nova("GET", "/os-services?host=cmp9")).body["services"][0]["id"]
    assert (await cloud.nova("DELETE", f"/os-services/{service}")).status == 409
    assert (await cloud.control("DELETE", "/hosts/cmp9?servers=lost")).status == 204
    assert (await cloud.nova("GET", f"/servers/{server_id}")).status == 404
    assert (await cloud.control("DELETE", "/hosts/cmp9")).status == 404
    assert set(await services(cloud)) == {"cmp1", "cmp2"}
    providers = (await cloud.placement("GET", "/resource_providers")).body["resource_providers"]
    assert [provider["name"] for provider in providers] == ["cmp1", "cmp2"]


async def test_an_inventory_may_fall_below_what_is_used(cloud: Cloud) -> None:
    await cloud.create(flavor="m1.xlarge")
    await cloud.control("PUT", "/hosts/cmp1", {"inventories": {"VCPU": {"total": 4}}})
    provider = cloud.world.hosts.by_name["cmp1"].provider.id
    inventories = (await cloud.placement("GET", f"/resource_providers/{provider}/inventories")).body["inventories"]
    usages = (await cloud.placement("GET", f"/resource_providers/{provider}/usages")).body["usages"]
    assert (inventories["VCPU"]["total"], usages["VCPU"]) == (4, 8)
    assert inventories["MEMORY_MB"]["total"] == 131072
    assert (await cloud.server(await cloud.create()))["OS-EXT-SRV-ATTR:host"] == "cmp2"


async def test_hypervisors_have_numbers_until_2_87_only(cloud: Cloud) -> None:
    await cloud.create(flavor="m1.large")
    old = (await cloud.nova("GET", "/os-hypervisors/detail", version="2.87")).body["hypervisors"][0]
    assert (old["vcpus"], old["vcpus_used"], old["memory_mb_used"], old["running_vms"]) == (32, 4, 8192, 1)
    new = (await cloud.nova("GET", "/os-hypervisors/detail", version="2.88")).body["hypervisors"][0]
    assert not {"vcpus", "memory_mb", "running_vms"} & set(new)
    assert new["id"] == cloud.world.hosts.by_name["cmp1"].provider.id
    first = (await cloud.nova("GET", "/os-hypervisors", version="2.52")).body["hypervisors"][0]
    assert first["id"] == 1
    statistics = (await cloud.nova("GET", "/os-hypervisors/statistics", version="2.87")).body["hypervisor_statistics"]
    assert (statistics["count"], statistics["vcpus"], statistics["vcpus_used"]) == (2, 64, 4)
    assert (await cloud.nova("GET", "/os-hypervisors/statistics", version="2.88")).status == 404


@pytest.mark.parametrize("path", ["/os-hypervisors", "/os-services", "/os-availability-zone/detail", "/os-aggregates"])
async def test_what_operators_see_is_not_for_members(cloud: Cloud, path: str) -> None:
    reply = await cloud.nova("GET", path, user="member")
    assert reply.status == 403
    assert reply.body["forbidden"]["message"].startswith("Policy doesn't allow os_compute_api:")
    assert (await cloud.nova("GET", "/os-availability-zone", user="member")).status == 200


async def test_the_state_sums_everything_up(cloud: Cloud) -> None:
    server_id = await cloud.create(metadata={"a": "b"})
    await cloud.cinder("POST", "/volumes", {"volume": {"size": 7}})
    state: dict[str, Any] = (await cloud.control("GET", "/state")).body
    assert state["hosts"]["cmp1"]["inventories"]["VCPU"] == {
        "total": 32, "reserved": 0, "allocation_ratio": 1.0, "capacity": 32, "used": 1,
    }  # fmt: skip
    assert [(each["id"], each["status"], each["metadata"]) for each in state["servers"]] == [
        (server_id, "BUILD", {"a": "b"})
    ]
    used = state["projects"]["promise"]["used"]
    assert (used["instances"], used["cores"], used["port"], used["volumes"], used["gigabytes"]) == (1, 1, 1, 1, 7)
    assert state["projects"]["promise"]["placement"] == {"VCPU": 1, "MEMORY_MB": 2048, "DISK_GB": 20}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [("PUT", "/hosts/none", {"state": "down"}, 404), ("PUT", "/hosts/cmp1", {"state": "asleep"}, 400),
     ("PUT", "/hosts/cmp1", {"colour": 1}, 400), ("PUT", "/hosts/cmp1", b"{", 400), ("POST", "/hosts", {}, 400),
     ("PUT", "/hosts/cmp1", {"inventories": {"VCPU": {}}}, 400), ("PUT", "/quotas/none", {"cores": 1}, 404),
     ("PUT", "/quotas/promise", {"colours": 1}, 400), ("PUT", "/servers/none", {"status": "ERROR"}, 404),
     ("GET", "/none", None, 404), ("POST", "/faults", {"action": "dance"}, 400), ("POST", "/faults", {}, 400),
     ("POST", "/faults", {"action": "drop", "path": "("}, 400), ("DELETE", "/faults/7", None, 404)],
)  # fmt: skip
async def test_the_control_api_says_what_it_does_not_understand(
    cloud: Cloud, method: str, path: str, body: Any, status: int
) -> None:
    reply = await cloud.control(method, path, body)
    assert (reply.status, list(reply.body)) == (status, ["error"])


async def test_a_server_can_be_broken_and_lost_from_outside(cloud: Cloud) -> None:
    server_id = await cloud.create()
    await cloud.clock.advance(10)
    await cloud.control("PUT", f"/servers/{server_id}", {"status": "ERROR", "fault": "disk gone"})
    shown = await cloud.server(server_id)
    assert (shown["status"], shown["fault"]["message"]) == ("ERROR", "disk gone")
    assert cloud.world.placement.usage_of(shown["tenant_id"])["VCPU"] == 1
    assert (await cloud.control("DELETE", f"/servers/{server_id}")).status == 204
    assert (await cloud.nova("GET", f"/servers/{server_id}")).status == 404
