"""The simulated Nova: a server's life by the clock, what it takes, and what Nova says no with."""

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
    FlavorOption("huge", 64, 1024, 1),
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


async def test_an_unknown_path_is_a_404_and_a_wrong_method_a_405(cloud: Cloud) -> None:
    reply = await cloud.nova("GET", "/no-such-thing")
    assert (reply.status, reply.body["title"]) == (404, "Not Found")
    reply = await cloud.nova("PATCH", "/servers")
    assert (reply.status, list(reply.body)) == (405, ["badMethod"])
