"""The simulated Placement: inventories, claims that fit or not, generations, and who may look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from simulated import Cloud, simulated

from promise.vim.simulator import SimulatorOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OPTIONS = SimulatorOptions(
    hosts=2, vcpus=8, ram=1000, disk=50, cpu_ratio=2.5, ram_ratio=1.5, reserved_cpus=1, reserved_ram=7,
    classes={"CUSTOM_GOLD": 2},
)  # fmt: skip


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    async with simulated(OPTIONS) as running:
        yield running


def provider_of(cloud: Cloud, host: str = "cmp1") -> str:
    return cloud.world.hosts.by_name[host].provider.id


def claim(cloud: Cloud, resources: dict[str, int], generation: int | None = None) -> dict[str, Any]:
    return {
        "allocations": {provider_of(cloud): {"resources": resources}},
        "project_id": "p", "user_id": "u", "consumer_generation": generation, "consumer_type": "INSTANCE",
    }  # fmt: skip


CONSUMER = "11111111-2222-3333-4444-555555555555"


async def test_inventories_are_those_of_the_options(cloud: Cloud) -> None:
    reply = await cloud.placement("GET", f"/resource_providers/{provider_of(cloud)}/inventories")
    units = {"min_unit": 1, "step_size": 1}
    assert reply.body["inventories"] == {
        "VCPU": {"total": 8, "reserved": 1, "allocation_ratio": 2.5, "max_unit": 8, **units},
        "MEMORY_MB": {"total": 1000, "reserved": 7, "allocation_ratio": 1.5, "max_unit": 1000, **units},
        "DISK_GB": {"total": 50, "reserved": 0, "allocation_ratio": 1.0, "max_unit": 50, **units},
        "CUSTOM_GOLD": {"total": 2, "reserved": 0, "allocation_ratio": 1.0, "max_unit": 2, **units},
    }


async def test_capacity_is_total_less_reserved_times_ratio_rounded_down(cloud: Cloud) -> None:
    path = "/allocation_candidates?resources=VCPU:8"
    reply = await cloud.placement("GET", path)
    assert len(reply.body["allocation_requests"]) == 2
    summary = reply.body["provider_summaries"][provider_of(cloud)]["resources"]
    assert summary["VCPU"] == {"capacity": 17, "used": 0}
    assert summary["MEMORY_MB"] == {"capacity": 1489, "used": 0}
    assert (await cloud.placement("GET", "/allocation_candidates?resources=VCPU:9")).body["allocation_requests"] == []


async def test_claims_fit_up_to_capacity_and_not_one_beyond(cloud: Cloud) -> None:
    for index in range(3):
        consumer = CONSUMER[:-1] + str(index)
        amount = 8 if index < 2 else 1
        assert (await cloud.placement("PUT", f"/allocations/{consumer}", claim(cloud, {"VCPU": amount}))).status == 204
    reply = await cloud.placement("PUT", f"/allocations/{CONSUMER}", claim(cloud, {"VCPU": 1}))
    assert reply.status == 409
    error = reply.body["errors"][0]
    assert (error["title"], error["code"]) == ("Conflict", "placement.undefined_code")
    assert "Unable to create allocation for 'VCPU'" in error["detail"]
    usages = (await cloud.placement("GET", f"/resource_providers/{provider_of(cloud)}/usages")).body["usages"]
    assert usages == {"VCPU": 17, "MEMORY_MB": 0, "DISK_GB": 0, "CUSTOM_GOLD": 0}


async def test_a_consumer_that_is_refused_keeps_what_it_had(cloud: Cloud) -> None:
    path = f"/allocations/{CONSUMER}"
    await cloud.placement("PUT", path, claim(cloud, {"CUSTOM_GOLD": 1}))
    assert (await cloud.placement("PUT", path, claim(cloud, {"CUSTOM_GOLD": 3}, 1))).status == 409
    held = (await cloud.placement("GET", path)).body
    assert held["allocations"][provider_of(cloud)]["resources"] == {"CUSTOM_GOLD": 1}
    assert (held["consumer_generation"], held["project_id"], held["consumer_type"]) == (1, "p", "INSTANCE")
    assert (await cloud.placement("PUT", path, claim(cloud, {"CUSTOM_GOLD": 2}, 1))).status == 204
    assert (await cloud.placement("DELETE", path)).status == 204
    assert (await cloud.placement("GET", path)).body == {"allocations": {}}
    assert (await cloud.placement("DELETE", path)).status == 404


async def test_an_old_consumer_generation_is_a_conflict(cloud: Cloud) -> None:
    path = f"/allocations/{CONSUMER}"
    await cloud.placement("PUT", path, claim(cloud, {"VCPU": 1}))
    reply = await cloud.placement("PUT", path, claim(cloud, {"VCPU": 2}, 7))
    assert (reply.status, reply.body["errors"][0]["code"]) == (409, "placement.concurrent_update")


async def test_an_old_provider_generation_is_a_conflict(cloud: Cloud) -> None:
    path = f"/resource_providers/{provider_of(cloud)}/inventories"
    seen = (await cloud.placement("GET", path)).body
    body = {"resource_provider_generation": seen["resource_provider_generation"], "inventories": {"VCPU": {"total": 3}}}
    reply = await cloud.placement("PUT", path, body)
    assert reply.body["inventories"]["VCPU"]["total"] == 3
    reply = await cloud.placement("PUT", path, body)
    assert (reply.status, reply.body["errors"][0]["code"]) == (409, "placement.concurrent_update")


async def test_a_class_in_use_cannot_lose_its_inventory(cloud: Cloud) -> None:
    await cloud.placement("PUT", f"/allocations/{CONSUMER}", claim(cloud, {"CUSTOM_GOLD": 1}))
    reply = await cloud.placement("DELETE", f"/resource_providers/{provider_of(cloud)}/inventories/CUSTOM_GOLD")
    assert (reply.status, reply.body["errors"][0]["code"]) == (409, "placement.inventory.inuse")


async def test_several_consumers_get_all_or_nothing(cloud: Cloud) -> None:
    other = CONSUMER[:-1] + "6"
    body = {CONSUMER: claim(cloud, {"CUSTOM_GOLD": 1}), other: claim(cloud, {"CUSTOM_GOLD": 2})}
    assert (await cloud.placement("POST", "/allocations", body)).status == 409
    assert cloud.world.placement.consumers == {}
    body[other] = claim(cloud, {"CUSTOM_GOLD": 1})
    assert (await cloud.placement("POST", "/allocations", body)).status == 204
    assert set(cloud.world.placement.consumers) == {CONSUMER, other}


async def test_usage_of_a_project_is_by_consumer_type_since_1_38(cloud: Cloud) -> None:
    await cloud.create(flavor="m1.tiny")
    project = next(iter(cloud.world.identity.projects))
    old = await cloud.placement("GET", f"/usages?project_id={project}", version="1.37")
    assert old.body == {"usages": {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1}}
    new = await cloud.placement("GET", f"/usages?project_id={project}")
    assert new.body == {"usages": {"INSTANCE": {"consumer_count": 1, "VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1}}}
    assert (await cloud.placement("GET", "/usages")).status == 400


async def test_who_holds_what_of_a_provider(cloud: Cloud) -> None:
    server_id = await cloud.create(flavor="m1.tiny")
    reply = await cloud.placement("GET", f"/resource_providers/{provider_of(cloud)}/allocations")
    assert reply.body["allocations"] == {
        server_id: {"resources": {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1}, "consumer_generation": 1}
    }


async def test_providers_are_filtered(cloud: Cloud) -> None:
    async def found(query: str) -> list[str]:
        reply = await cloud.placement("GET", f"/resource_providers?{query}")
        assert reply.status == 200, reply.body
        return [provider["name"] for provider in reply.body["resource_providers"]]

    assert await found("") == ["cmp1", "cmp2"]
    assert await found("name=cmp2") == ["cmp2"]
    assert await found(f"uuid={provider_of(cloud)}") == ["cmp1"]
    assert await found(f"in_tree={provider_of(cloud)}") == ["cmp1"]
    await cloud.placement("PUT", f"/allocations/{CONSUMER}", claim(cloud, {"CUSTOM_GOLD": 2}))
    assert await found("resources=CUSTOM_GOLD:1") == ["cmp2"]
    assert await found("required=COMPUTE_NODE") == ["cmp1", "cmp2"]
    assert await found("required=!COMPUTE_NODE") == []
    aggregates = (await cloud.placement("GET", f"/resource_providers/{provider_of(cloud)}/aggregates")).body
    assert await found(f"member_of={aggregates['aggregates'][0]}") == ["cmp1"]
    assert (await cloud.placement("GET", "/resource_providers?resources=NONSENSE:1")).status == 400
    assert (await cloud.placement("GET", "/resource_providers?resources=VCPU")).status == 400


async def test_own_classes_and_traits_come_and_go(cloud: Cloud) -> None:
    assert (await cloud.placement("PUT", "/resource_classes/CUSTOM_IRON")).status == 201
    assert (await cloud.placement("PUT", "/resource_classes/CUSTOM_IRON")).status == 204
    assert (await cloud.placement("PUT", "/resource_classes/IRON")).status == 400
    names = [each["name"] for each in (await cloud.placement("GET", "/resource_classes")).body["resource_classes"]]
    assert {"VCPU", "CUSTOM_GOLD", "CUSTOM_IRON"} <= set(names)
    assert (await cloud.placement("DELETE", "/resource_classes/CUSTOM_IRON")).status == 204
    assert (await cloud.placement("DELETE", "/resource_classes/CUSTOM_GOLD")).status == 409
    assert (await cloud.placement("DELETE", "/resource_classes/VCPU")).status == 400
    assert (await cloud.placement("PUT", "/traits/CUSTOM_FAST")).status == 201
    path = f"/resource_providers/{provider_of(cloud)}/traits"
    generation = (await cloud.placement("GET", path)).body["resource_provider_generation"]
    body = {"traits": ["CUSTOM_FAST"], "resource_provider_generation": generation}
    assert (await cloud.placement("PUT", path, body)).body["traits"] == ["CUSTOM_FAST"]


async def test_flavors_may_ask_for_traits(cloud: Cloud) -> None:
    await cloud.placement("PUT", "/traits/CUSTOM_FAST")
    path = f"/resource_providers/{provider_of(cloud, 'cmp2')}/traits"
    generation = (await cloud.placement("GET", path)).body["resource_provider_generation"]
    await cloud.placement("PUT", path, {"traits": ["CUSTOM_FAST"], "resource_provider_generation": generation})
    await cloud.nova("POST", "/flavors/1/os-extra_specs", {"extra_specs": {"trait:CUSTOM_FAST": "required"}})
    hosts = [(await cloud.server(await cloud.create(flavor="m1.tiny")))["OS-EXT-SRV-ATTR:host"] for _ in range(2)]
    assert hosts == ["cmp2", "cmp2"]


@pytest.mark.parametrize("path", ["/resource_providers", "/allocation_candidates?resources=VCPU:1", "/traits",
                                  "/resource_classes", f"/allocations/{CONSUMER}"])  # fmt: skip
async def test_members_may_not_look(cloud: Cloud, path: str) -> None:
    reply = await cloud.placement("GET", path, user="member")
    error = reply.body["errors"][0]
    assert (reply.status, error["status"], error["title"]) == (403, 403, "Forbidden")
    assert "Policy doesn't allow placement:" in error["detail"]
    assert error["request_id"].startswith("req-")


async def test_the_user_promise_may_look_only_while_the_options_say_so() -> None:
    async with simulated(SimulatorOptions(promise_admin=False)) as cloud:
        assert (await cloud.placement("GET", "/resource_providers")).status == 403
        assert (await cloud.placement("GET", "/resource_providers", user="admin", project="admin")).status == 200


async def test_a_version_that_is_not_spoken_is_a_406_with_the_range(cloud: Cloud) -> None:
    reply = await cloud.placement("GET", "/resource_providers", version="1.40")
    error = reply.body["errors"][0]
    assert (reply.status, error["max_version"], error["min_version"]) == (406, "1.39", "1.0")
    reply = await cloud.call("GET", "/placement/resource_providers")
    assert reply.headers["OpenStack-API-Version"] == "placement 1.0"
    assert "parent_provider_uuid" not in reply.body["resource_providers"][0]


async def test_an_unknown_provider_is_a_404(cloud: Cloud) -> None:
    reply = await cloud.placement("GET", f"/resource_providers/{CONSUMER}/inventories")
    assert reply.status == 404
    assert f"No resource provider with uuid {CONSUMER} found" in reply.body["errors"][0]["detail"]
