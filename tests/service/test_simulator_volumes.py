"""The simulated Cinder and Glance: volumes within quota, with servers and without; images until they are active."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from simulated import Cloud, simulated

from promise.vim.simulator import SimulatorOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    async with simulated(SimulatorOptions(volume_seconds=5, build_seconds=0, delete_seconds=0)) as running:
        yield running


async def made(cloud: Cloud, size: int = 1, **values: Any) -> str:
    reply = await cloud.cinder("POST", "/volumes", {"volume": {"size": size, **values}})
    assert reply.status == 202, reply.body
    return str(reply.body["volume"]["id"])


async def used(cloud: Cloud) -> dict[str, int]:
    project = next(iter(cloud.world.identity.projects))
    quota = (await cloud.cinder("GET", f"/os-quota-sets/{project}?usage=True")).body["quota_set"]
    return {name: quota[name]["in_use"] for name in ("volumes", "snapshots", "gigabytes")}


async def test_a_volume_is_creating_then_available_then_gone(cloud: Cloud) -> None:
    volume_id = await made(cloud, 3, name="data")
    assert (await cloud.cinder("GET", f"/volumes/{volume_id}")).body["volume"]["status"] == "creating"
    await cloud.clock.advance(5)
    shown = (await cloud.cinder("GET", f"/volumes/{volume_id}")).body["volume"]
    assert (shown["status"], shown["name"], shown["size"]) == ("available", "data", 3)
    assert await used(cloud) == {"volumes": 1, "snapshots": 0, "gigabytes": 3}
    assert (await cloud.cinder("DELETE", f"/volumes/{volume_id}")).status == 202
    assert (await cloud.cinder("GET", f"/volumes/{volume_id}")).body["volume"]["status"] == "deleting"
    await cloud.clock.advance(5)
    assert (await cloud.cinder("GET", f"/volumes/{volume_id}")).status == 404
    assert await used(cloud) == {"volumes": 0, "snapshots": 0, "gigabytes": 0}


async def test_over_quota_is_a_413_in_cinder_s_words(cloud: Cloud) -> None:
    await cloud.control("PUT", "/quotas/promise", {"volumes": 1, "gigabytes": 10})
    reply = await cloud.cinder("POST", "/volumes", {"volume": {"size": 11}})
    assert reply.status == 413
    assert reply.body["overLimit"]["message"] == (
        "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. "
        "Requested 11G, quota is 10G and 0G has been consumed."
    )
    await made(cloud, 10)
    reply = await cloud.cinder("POST", "/volumes", {"volume": {"size": 1}})
    assert reply.body["overLimit"]["message"] == (
        "VolumeLimitExceeded: Maximum number of volumes allowed (1) exceeded for quota 'volumes'."
    )


async def test_snapshots_count_their_size_and_hold_their_volume(cloud: Cloud) -> None:
    volume_id = await made(cloud, 4)
    body = {"snapshot": {"volume_id": volume_id, "name": "s"}}
    assert (await cloud.cinder("POST", "/snapshots", body)).status == 400
    await cloud.clock.advance(5)
    snapshot = (await cloud.cinder("POST", "/snapshots", body)).body["snapshot"]["id"]
    assert await used(cloud) == {"volumes": 1, "snapshots": 1, "gigabytes": 8}
    reply = await cloud.cinder("DELETE", f"/volumes/{volume_id}")
    assert "dependent snapshots" in reply.body["badRequest"]["message"]
    await cloud.cinder("DELETE", f"/snapshots/{snapshot}")
    await cloud.clock.advance(5)
    assert (await cloud.cinder("DELETE", f"/volumes/{volume_id}")).status == 202


async def test_a_server_that_boots_from_a_volume_takes_no_root_disk(cloud: Cloud) -> None:
    image = next(iter(cloud.world.images))
    mapping = {"boot_index": 0, "uuid": image, "source_type": "image", "destination_type": "volume",
               "volume_size": 9, "delete_on_termination": True}  # fmt: skip
    data = {"boot_index": -1, "source_type": "blank", "destination_type": "volume", "volume_size": 2}
    server_id = await cloud.create(imageRef="", block_device_mapping_v2=[mapping, data])
    shown = await cloud.server(server_id)
    assert (shown["image"], len(shown["os-extended-volumes:volumes_attached"])) == ("", 2)
    assert cloud.world.placement.usage_of(shown["tenant_id"]) == {"VCPU": 1, "MEMORY_MB": 2048}
    assert await used(cloud) == {"volumes": 2, "snapshots": 0, "gigabytes": 11}
    attachments = (await cloud.nova("GET", f"/servers/{server_id}/os-volume_attachments")).body["volumeAttachments"]
    assert [(each["device"], each["delete_on_termination"]) for each in attachments] == [
        ("/dev/vda", True), ("/dev/vdb", False),
    ]  # fmt: skip
    await cloud.nova("DELETE", f"/servers/{server_id}")
    assert await used(cloud) == {"volumes": 1, "snapshots": 0, "gigabytes": 2}


async def test_a_server_whose_volume_is_over_quota_becomes_error_and_leaves_nothing(cloud: Cloud) -> None:
    await cloud.control("PUT", "/quotas/promise", {"gigabytes": 5})
    disks = [{"source_type": "blank", "destination_type": "volume", "volume_size": size} for size in (4, 2)]
    server_id = await cloud.create(block_device_mapping_v2=[{**disk, "delete_on_termination": True} for disk in disks])
    shown = await cloud.server(server_id)
    assert shown["status"] == "ERROR"
    assert "VolumeSizeExceedsAvailableQuota" in shown["fault"]["message"]
    assert await used(cloud) == {"volumes": 0, "snapshots": 0, "gigabytes": 0}
    assert cloud.world.placement.consumers == {}
    assert not cloud.world.network.rows["port"]


async def test_volumes_are_attached_and_detached(cloud: Cloud) -> None:
    volume_id = await made(cloud)
    server_id = await cloud.create()
    path, body = f"/servers/{server_id}/os-volume_attachments", {"volumeAttachment": {"volumeId": volume_id}}
    assert (await cloud.nova("POST", path, body)).status == 400
    await cloud.clock.advance(5)
    assert (await cloud.nova("POST", path, body)).body["volumeAttachment"]["device"] == "/dev/vdb"
    shown = (await cloud.cinder("GET", f"/volumes/{volume_id}")).body["volume"]
    assert (shown["status"], shown["attachments"][0]["server_id"]) == ("in-use", server_id)
    assert (await cloud.cinder("DELETE", f"/volumes/{volume_id}")).status == 400
    assert (await cloud.nova("DELETE", f"{path}/{volume_id}")).status == 202
    assert (await cloud.cinder("GET", f"/volumes/{volume_id}")).body["volume"]["status"] == "available"


async def test_a_volume_grows_within_quota(cloud: Cloud) -> None:
    await cloud.control("PUT", "/quotas/promise", {"gigabytes": 5, "volumes": 1})
    volume_id = await made(cloud, 2)
    await cloud.clock.advance(5)
    path = f"/volumes/{volume_id}/action"
    assert (await cloud.cinder("POST", path, {"os-extend": {"new_size": 2}})).status == 400
    assert (await cloud.cinder("POST", path, {"os-extend": {"new_size": 6}})).status == 413
    assert (await cloud.cinder("POST", path, {"os-extend": {"new_size": 5}})).status == 202
    assert (await used(cloud))["gigabytes"] == 5


@pytest.mark.parametrize("body", [{}, {"size": 0}, {"size": "x"}, {"size": 1.5}, {"size": True}, {"size": None}])
async def test_a_volume_has_a_size(cloud: Cloud, body: dict[str, Any]) -> None:
    assert (await cloud.cinder("POST", "/volumes", {"volume": body})).status == 400


async def test_old_catalogs_put_the_project_into_the_path(cloud: Cloud) -> None:
    project = next(iter(cloud.world.identity.projects))
    await made(cloud)
    assert len((await cloud.cinder("GET", f"/{project}/volumes/detail")).body["volumes"]) == 1
    assert (await cloud.cinder("GET", f"/{project}/os-quota-sets/{project}")).body["quota_set"]["volumes"] == 100
    assert (await cloud.nova("GET", f"/{project}/servers")).status == 200


async def test_others_do_not_see_a_volume(cloud: Cloud) -> None:
    volume_id = await made(cloud)
    assert (await cloud.cinder("GET", f"/volumes/{volume_id}", user="tenant", project="tenant")).status == 404
    assert (await cloud.cinder("GET", "/volumes", user="tenant", project="tenant")).body == {"volumes": []}
    assert (
        len((await cloud.cinder("GET", "/volumes?all_tenants=1", user="admin", project="admin")).body["volumes"]) == 1
    )


async def test_pools_and_limits_tell_the_same_story(cloud: Cloud) -> None:
    await made(cloud, 8)
    pool = (await cloud.cinder("GET", "/scheduler-stats/get_pools?detail=True")).body["pools"][0]["capabilities"]
    assert (pool["total_capacity_gb"], pool["free_capacity_gb"]) == (20000, 19992)
    limits = (await cloud.cinder("GET", "/limits")).body["limits"]["absolute"]
    assert (limits["totalGigabytesUsed"], limits["maxTotalVolumeGigabytes"], limits["totalVolumesUsed"]) == (
        8,
        10000,
        1,
    )
    assert (await cloud.cinder("GET", "/scheduler-stats/get_pools", user="member")).status == 403


async def test_an_image_is_queued_until_its_data_come(cloud: Cloud) -> None:
    body = {"name": "mine", "disk_format": "raw", "container_format": "bare", "os_distro": "cirros"}
    made_image = (await cloud.call("POST", "/image/v2/images", body)).body
    assert (made_image["status"], made_image["visibility"], made_image["os_distro"]) == ("queued", "shared", "cirros")
    reply = await cloud.nova("POST", "/servers", cloud.order(imageRef=made_image["id"]))
    assert reply.body["badRequest"]["message"] == f"Image {made_image['id']} is not active."
    path = f"/image/v2/images/{made_image['id']}"
    assert (await cloud.call("PUT", f"{path}/file", b"0" * 3_000_000)).status == 204
    shown = (await cloud.call("GET", path)).body
    assert (shown["status"], shown["size"]) == ("active", 3_000_000)
    assert (await cloud.call("PUT", f"{path}/file", b"1")).status == 409
    assert (await cloud.call("GET", path, user="tenant", project="tenant")).status == 404
    patch = [{"op": "replace", "path": "/name", "value": "other"}, {"op": "add", "path": "/colour", "value": "red"}]
    changed = (await cloud.call("PATCH", path, patch)).body
    assert (changed["name"], changed["colour"]) == ("other", "red")
    assert (await cloud.call("DELETE", path)).status == 204


async def test_glance_answers_errors_in_html(cloud: Cloud) -> None:
    reply = await cloud.call("GET", "/image/v2/images/none")
    assert reply.status == 404
    assert reply.headers["Content-Type"].startswith("text/html")
    assert "No image found with ID none" in reply.body


async def test_only_a_volume_with_an_image_can_be_booted_from(cloud: Cloud) -> None:
    empty = await made(cloud, 1)
    await cloud.clock.advance(5)
    disk = {"source_type": "volume", "destination_type": "volume", "uuid": empty, "boot_index": 0}
    order = cloud.order(block_device_mapping_v2=[disk])
    order["server"].pop("imageRef", None)
    reply = await cloud.nova("POST", "/servers", order)
    assert (reply.status, "is not bootable" in reply.body["badRequest"]["message"]) == (400, True)


async def test_a_zone_of_cinder_s_own(cloud: Cloud) -> None:
    reply = await cloud.cinder("POST", "/volumes", {"volume": {"size": 1, "availability_zone": "az1"}})
    assert (reply.status, reply.body["badRequest"]["message"]) == (400, "Availability zone 'az1' is invalid.")
    made_there = await made(cloud, 1, availability_zone="nova")
    assert (await cloud.cinder("GET", f"/volumes/{made_there}")).body["volume"]["availability_zone"] == "nova"


async def test_a_volume_that_fails_and_one_that_vanishes(cloud: Cloud) -> None:
    failing, stuck = await made(cloud, 1, name="sim-fail"), await made(cloud, 1, name="sim-stuck")
    await cloud.clock.advance(100)
    states = [(await cloud.cinder("GET", f"/volumes/{each}")).body["volume"]["status"] for each in (failing, stuck)]
    assert states == ["error", "creating"]
    assert (await cloud.control("DELETE", f"/volumes/{stuck}")).status == 204
    assert (await cloud.cinder("GET", f"/volumes/{stuck}")).status == 404
    assert (await used(cloud))["volumes"] == 1
    assert (await cloud.control("DELETE", f"/volumes/{stuck}")).status == 404
