"""The simulated Nova: what a request for servers may ask, what it takes by flavor, and how far quota goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from simulated import Cloud, simulated

from promise.vim.simulator import FlavorOption, ImageOption, SimulatorOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FLAVORS = (
    *SimulatorOptions().flavors,
    FlavorOption("pinned", 4, 4096, 10, ephemeral=5, swap=1500, extra_specs={"hw:cpu_policy": "dedicated"}),
    FlavorOption("gold", 2, 1024, 1, extra_specs={"resources:CUSTOM_GOLD": "3", "resources:VCPU": "0"}),
)
OPTIONS = SimulatorOptions(
    build_seconds=10,
    delete_seconds=5,
    action_seconds=3,
    flavors=FLAVORS,
    classes={"PCPU": 8, "CUSTOM_GOLD": 4},
    images=(ImageOption("cirros"), ImageOption("big", min_ram=4096, min_disk=50)),
)


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    async with simulated(OPTIONS) as running:
        yield running


def used(cloud: Cloud) -> dict[str, int]:
    return cloud.world.placement.usage_of(next(iter(cloud.world.identity.projects)))


BAD_ORDERS: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "'' is too short"),
    ({"name": "x" * 256}, "is too long"),
    ({"name": 5}, "is not of type 'string'"),
    ({"imageRef": "none"}, "Invalid imageRef provided."),
    ({"imageRef": "11111111-2222-3333-4444-555555555555"}, "Image 11111111-2222-3333-4444-555555555555 could not be"),
    ({"flavorRef": "999"}, "Flavor 999 could not be found."),
    ({"flavorRef": ""}, "'flavorRef' is a required property"),
    ({"networks": [{"uuid": "11111111-2222-3333-4444-555555555555"}]}, "Network 11111111-2222-3333-4444-555555555555"),
    ({"networks": [{"uuid": "private"}]}, "not in proper format (private)"),
    ({"networks": "all"}, "networks"),
    ({"networks": 7}, "networks"),
    ({"networks": ["private"]}, "networks"),
    ({"availability_zone": "az9"}, "The requested availability zone is not available"),
    ({"key_name": "none"}, "Invalid key_name provided."),
    ({"metadata": {"k": 1}}, "is not of type 'string'"),
    ({"metadata": {"k" * 256: "v"}}, "wrong length"),
    ({"metadata": []}, "metadata"),
    ({"security_groups": [{"name": "none"}]}, "Security group none not found"),
    ({"user_data": "not base64!"}, "user_data"),
    ({"min_count": 3, "max_count": 2}, "min_count must be <= max_count"),
    ({"min_count": 0}, "min_count"),
    ({"colour": "red"}, "Additional properties are not allowed ('colour' was unexpected)"),
    ({"block_device_mapping_v2": "x"}, "block_device_mapping_v2"),
    ({"block_device_mapping_v2": [{"source_type": "blank", "destination_type": "volume"}]}, "non-zero size"),
    ({"tags": [1]}, "tags"),
]


@pytest.mark.parametrize(("change", "words"), BAD_ORDERS, ids=[words[:30] for _, words in BAD_ORDERS])
async def test_a_bad_order_is_a_400_that_names_what_is_wrong(cloud: Cloud, change: dict[str, Any], words: str) -> None:
    reply = await cloud.nova("POST", "/servers", cloud.order(**change))
    assert reply.status == 400
    assert words in reply.body["badRequest"]["message"]
    assert not cloud.world.compute.servers


async def test_networks_must_be_named_since_2_37_and_are_found_before(cloud: Cloud) -> None:
    order = cloud.order()
    del order["server"]["networks"]
    reply = await cloud.nova("POST", "/servers", order)
    assert "'networks' is a required property" in reply.body["badRequest"]["message"]
    assert (await cloud.nova("POST", "/servers", order, version="2.36")).status == 202
    made = await cloud.neutron("POST", "/networks", {"network": {"name": "mine"}})
    await cloud.neutron(
        "POST", "/subnets", {"subnet": {"network_id": made.body["network"]["id"], "cidr": "10.9.0.0/24"}}
    )
    reply = await cloud.nova("POST", "/servers", order, version="2.36")
    assert (reply.status, reply.body["conflictingRequest"]["message"]) == (
        409,
        "Multiple possible networks found, use a Network ID to be more specific.",
    )


async def test_an_image_keeps_itself_from_small_flavors(cloud: Cloud) -> None:
    big = next(image.id for image in cloud.world.images.values() if image.name == "big")
    reply = await cloud.nova("POST", "/servers", cloud.order(imageRef=big))
    assert reply.body["badRequest"]["message"] == "Flavor's memory is too small for requested image."
    reply = await cloud.nova("POST", "/servers", cloud.order(imageRef=big, flavor="m1.medium"))
    assert reply.body["badRequest"]["message"].startswith("Flavor's disk is too small for requested image.")
    assert (await cloud.nova("POST", "/servers", cloud.order(imageRef=big, flavor="m1.large"))).status == 202


async def test_over_quota_is_a_403_in_nova_s_words_and_makes_nothing(cloud: Cloud) -> None:
    await cloud.control("PUT", "/quotas/promise", {"cores": 9, "ram": 20000})
    await cloud.create(flavor="m1.xlarge")
    reply = await cloud.nova("POST", "/servers", cloud.order(flavor="m1.large"))
    assert reply.status == 403
    assert reply.body == {
        "forbidden": {
            "code": 403,
            "message": "Quota exceeded for cores, ram: Requested 4, 8192, but already used 8, 16384 of 9, 20000 "
            "cores, ram",
        }
    }
    assert len(cloud.world.compute.servers) == 1


async def test_several_servers_come_as_far_as_quota_goes(cloud: Cloud) -> None:
    await cloud.control("PUT", "/quotas/promise", {"instances": 3})
    reply = await cloud.nova("POST", "/servers", cloud.order(min_count=1, max_count=5))
    assert reply.status == 202
    assert sorted(server.name for server in cloud.world.compute.servers.values()) == ["one-1", "one-2", "one-3"]
    reply = await cloud.nova("POST", "/servers", cloud.order(min_count=1, max_count=5))
    assert "already used 3 of 3 instances" in reply.body["forbidden"]["message"]


@pytest.mark.parametrize(
    ("flavor", "takes"),
    [
        ("m1.xlarge", {"VCPU": 8, "MEMORY_MB": 16384, "DISK_GB": 160}),
        ("pinned", {"PCPU": 4, "MEMORY_MB": 4096, "DISK_GB": 17}),
        ("gold", {"CUSTOM_GOLD": 3, "MEMORY_MB": 1024, "DISK_GB": 1}),
    ],
)
async def test_a_server_takes_what_its_flavor_asks_of_placement(
    cloud: Cloud, flavor: str, takes: dict[str, int]
) -> None:
    server_id = await cloud.create(flavor=flavor)
    assert used(cloud) == takes
    allocations = (await cloud.placement("GET", f"/allocations/{server_id}")).body["allocations"]
    assert [entry["resources"] for entry in allocations.values()] == [takes]


async def test_quota_sets_show_and_take_limits(cloud: Cloud) -> None:
    project = next(iter(cloud.world.identity.projects))
    path = f"/os-quota-sets/{project}"
    await cloud.create(flavor="m1.large")
    detail = (await cloud.nova("GET", f"{path}/detail")).body["quota_set"]
    assert detail["cores"] == {"limit": 200, "in_use": 4, "reserved": 0}
    assert detail["ram"] == {"limit": 4 * 131072, "in_use": 8192, "reserved": 0}
    assert detail["instances"] == {"limit": 100, "in_use": 1, "reserved": 0}
    assert (await cloud.nova("PUT", path, {"quota_set": {"cores": 2}})).status == 400
    reply = await cloud.nova("PUT", path, {"quota_set": {"cores": 2, "force": True}})
    assert reply.body["quota_set"]["cores"] == 2
    assert (await cloud.nova("GET", path, user="member")).body["quota_set"]["cores"] == 2
    assert (await cloud.nova("PUT", path, {"quota_set": {"cores": 9}}, user="member")).status == 403
    assert (await cloud.nova("DELETE", path)).status == 202
    assert (await cloud.nova("GET", path)).body["quota_set"]["cores"] == 200


async def test_a_flavor_can_be_made_changed_and_ended_without_touching_servers(cloud: Cloud) -> None:
    body = {"flavor": {"name": "new", "vcpus": 3, "ram": 300, "disk": 0, "id": "42"}}
    assert (await cloud.nova("POST", "/flavors", body, user="member")).status == 403
    assert (await cloud.nova("POST", "/flavors", body)).status == 200
    assert (await cloud.nova("POST", "/flavors", body)).status == 409
    specs = {"extra_specs": {"resources:VCPU": "1"}}
    assert (await cloud.nova("POST", "/flavors/42/os-extra_specs", specs)).body == specs
    server_id = await cloud.create(flavor="new")
    assert used(cloud) == {"VCPU": 1, "MEMORY_MB": 300}
    assert (await cloud.nova("DELETE", "/flavors/42")).status == 202
    assert (await cloud.nova("GET", "/flavors/42")).body["itemNotFound"]["message"] == "Flavor 42 could not be found."
    assert (await cloud.server(server_id))["flavor"]["original_name"] == "new"


async def test_a_flavor_shows_its_extra_specs_since_2_61(cloud: Cloud) -> None:
    reply = await cloud.nova("GET", "/flavors/detail", version="2.61")
    assert {flavor["name"]: flavor["extra_specs"] for flavor in reply.body["flavors"]}["gold"]["resources:VCPU"] == "0"
    reply = await cloud.nova("GET", "/flavors/detail", version="2.60")
    assert not any("extra_specs" in flavor for flavor in reply.body["flavors"])
