"""Volumes and floating addresses through the driver: on the simulator and on a real OpenStack alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from contract.scripted_cloud import PROJECT, Hang, Reply, Reset, ScriptedCloud, driver_for, limits_for
from contract.sites import LIVE, Site, real, simulated

from promise.allocation.address import AddressSpec
from promise.allocation.server import Attached, ServerSpec, ServerState
from promise.allocation.volume import VolumeSpec, VolumeState
from promise.errors import CloudError, CloudRefused, CloudUnreachable, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from promise.allocation.server import Server
    from promise.allocation.volume import Volume

NOBODY = "00000000-0000-4000-8000-000000000000"
VOLUMES, FLOATING = "/block-storage/v3/volumes", "/network/v2.0/floatingips"
live = pytest.param(
    real, id="live", marks=[pytest.mark.live, pytest.mark.skipif(not LIVE, reason="PROMISE_LIVE_CLOUDS")]
)


@pytest.fixture(params=[pytest.param(simulated, id="simulator"), live])
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    async with request.param() as running:
        yield running
        await running.clean()
        for address in await running.ours.addresses():
            await running.ours.delete_address(address.id)
        for volume in await running.ours.volumes():
            await running.ours.delete_volume(volume.id)
        await running.settled(running.ours.volumes, lambda volumes: not volumes)


async def available(site: Site, volume: Volume) -> Volume:
    found = await site.settled(
        lambda: site.ours.volume(volume.id), lambda one: one is not None and one.state is not VolumeState.CREATING
    )
    assert found is not None
    return found


async def bootable(site: Site) -> Volume:
    """Return a volume to boot from; the live stack's Cinder copies no images, and is told that one is on it."""
    image = None if site.name == "live" else site.image
    made = await available(site, await site.ours.create_volume(VolumeSpec("a", "root", 1, image=image)))
    if image is None:
        await site.operator(
            "POST", "block_storage", f"/volumes/{made.id}/action", {"os-set_bootable": {"bootable": True}}
        )
    return made


async def external(site: Site) -> None:
    """Let there be a way out of the network: the simulator's shared networks have one."""
    rows = await site.ours._calls.pages("network", "/networks", "networks")
    if any(row["router:external"] for row in rows):
        return
    made = await site.operator("POST", "network", "/networks", {"network": {"name": "public", "router:external": True}})
    outside = {"network_id": made["network"]["id"]}
    subnet = {**outside, "cidr": "172.24.4.0/24", "ip_version": 4, "enable_dhcp": False}
    await site.operator("POST", "network", "/subnets", {"subnet": subnet})
    router = {"name": "way-out", "external_gateway_info": outside}
    made = await site.operator("POST", "network", "/routers", {"router": router})
    (inside,) = await site.ours._calls.read("network", "/subnets", "subnets", network_id=site.network)
    path = f"/routers/{made['router']['id']}/add_router_interface"
    await site.operator("PUT", "network", path, {"subnet_id": inside["id"]})


async def active(site: Site, **said: Any) -> Server:
    spec = ServerSpec(str(uuid4()), "vnf-1", site.image, site.flavor.id, networks=(site.network,), **said)
    asked = await site.ours.create_server(spec)
    found = await site.settled(
        lambda: site.ours.server(asked.id), lambda one: one is not None and one.state is not ServerState.BUILD
    )
    assert found is not None
    assert found.state is ServerState.ACTIVE, found
    return found


async def test_the_life_of_a_volume(site: Site) -> None:
    spec = VolumeSpec(str(uuid4()), "data 1", 2, zone="no-zone-of-cinder")
    asked = await site.ours.create_volume(spec)
    assert (asked.name, asked.size, asked.allocation_id, asked.part) == ("data 1", 2, spec.allocation_id, "data 1")
    made = await available(site, asked)
    assert made.state is VolumeState.AVAILABLE
    assert list(await site.ours.volumes()) == [made]
    assert await site.theirs.volumes() == []
    assert await site.theirs.volume(made.id) is None
    await site.ours.delete_volume(made.id)
    assert await site.settled(lambda: site.ours.volume(made.id), lambda one: one is None) is None
    await site.ours.delete_volume(made.id)


async def test_a_server_with_volumes_of_its_own(site: Site) -> None:
    boot = await bootable(site)
    data = await available(site, await site.ours.create_volume(VolumeSpec("a", "data", 1)))
    server = await active(site, volumes=(Attached(data.id), Attached(boot.id, boot=True)))
    assert server.image == ""
    assert server.needs.get("DISK_GB", 0) == site.flavor.needs.get("DISK_GB", 0) - site.flavor.root_disk
    assert [await _state(site, one) for one in (boot, data)] == [VolumeState.IN_USE, VolumeState.IN_USE]
    with pytest.raises(CloudRefused) as caught:
        await site.ours.delete_volume(data.id)
    assert caught.value.status == 400
    await site.ours.delete_server(server.id)
    await site.settled(lambda: site.ours.server(server.id), lambda one: one is None)
    for volume in (boot, data):
        await site.settled(lambda one=volume: _state(site, one), lambda state: state is VolumeState.AVAILABLE)  # type: ignore[misc]


async def _state(site: Site, volume: Volume) -> VolumeState:
    found = await site.ours.volume(volume.id)
    assert found is not None
    return found.state


async def test_a_data_volume_beside_a_local_disk(site: Site) -> None:
    data = await available(site, await site.ours.create_volume(VolumeSpec("a", "data", 1)))
    server = await active(site, volumes=(Attached(data.id),))
    assert (server.image, server.needs) == (site.image, site.flavor.needs)
    assert await _state(site, data) is VolumeState.IN_USE


@pytest.mark.parametrize(("wrong", "status"), [({"type": "no-such-type"}, {400, 404}), ({"image": NOBODY}, {400, 404})])
async def test_what_cinder_refuses_makes_nothing(site: Site, wrong: dict[str, Any], status: set[int]) -> None:
    with pytest.raises(CloudRefused) as caught:
        await site.ours.create_volume(VolumeSpec("a", "data", 1, **wrong))
    assert caught.value.status in status
    assert await site.ours.volumes() == []


async def test_volumes_beyond_the_quota_are_refused(site: Site) -> None:
    project = (await site.ours._calls.grant()).project_id
    path = f"/os-quota-sets/{project}"
    before = await site.ours._calls.read("block_storage", path, "quota_set")
    await site.operator("PUT", "block_storage", path, {"quota_set": {"gigabytes": 1}})
    try:
        with pytest.raises(CloudRefused) as caught:
            await site.ours.create_volume(VolumeSpec("a", "data", 2))
    finally:
        await site.operator("PUT", "block_storage", path, {"quota_set": {"gigabytes": before["gigabytes"]}})
    assert caught.value.status in {403, 413}


async def test_the_life_of_an_address(site: Site) -> None:
    await external(site)
    server = await active(site)
    spec = AddressSpec(str(uuid4()), "1", server.id, (site.network,))
    made = await site.ours.create_address(spec)
    assert (made.allocation_id, made.part) == (spec.allocation_id, "1")
    ports = await site.ours._calls.read("network", "/ports", "ports", device_id=server.id)
    assert made.fixed == ports[0]["fixed_ips"][0]["ip_address"]
    (listed,) = await site.ours.addresses()
    assert (listed.id, listed.address, listed.fixed, listed.part) == (made.id, made.address, made.fixed, "1")
    second = await site.ours.create_address(AddressSpec(spec.allocation_id, "2", server.id, (site.network,)))
    assert second.fixed is None  # its only fixed address has one already
    assert await site.theirs.addresses() == []
    for address in (made, second):
        await site.ours.delete_address(address.id)
        await site.ours.delete_address(address.id)
    assert await site.ours.addresses() == []


async def test_a_server_without_ports_gets_no_address(site: Site) -> None:
    with pytest.raises(CloudRefused, match="has no port"):
        await site.ours.create_address(AddressSpec("a", "1", NOBODY))
    assert await site.ours.addresses() == []


def _shown(volume_id: str = "v1") -> dict[str, Any]:
    return {"id": volume_id, "name": "data", "size": 1, "status": "creating", "created_at": "2020-01-02T03:04:05.0"}


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (Reply(413, {"overLimit": {"message": "VolumeLimitExceeded"}}), CloudRefused),
        (Reply(404, {"itemNotFound": {"message": "Volume type x could not be found."}}), CloudRefused),
        (Reply(429), CloudUnreachable),
        (Reply(500), OutcomeUnknown),
        (Reply(503), OutcomeUnknown),
        (Hang, OutcomeUnknown),
        (Reset, OutcomeUnknown),
        (Reply(202, {"volume": {"id": "v1"}}), OutcomeUnknown),
        (Reply(202, _shown(), cut=3), OutcomeUnknown),
    ],
)
async def test_one_post_of_a_volume_and_what_is_certain_after_it(
    cloud: ScriptedCloud, behaviour: Any, error: type[CloudError]
) -> None:
    cloud.on("POST", VOLUMES, behaviour)
    async with driver_for(cloud, limits_for(behaviour)) as driver:
        with pytest.raises(CloudError) as caught:
            await driver.create_volume(VolumeSpec("a", "data", 1))
    assert type(caught.value) is error
    assert cloud.count("POST", VOLUMES) == 1


async def test_the_zone_of_a_volume_is_one_that_cinder_has(cloud: ScriptedCloud) -> None:
    rows = [{"zoneName": name, "zoneState": {"available": name != "az3"}} for name in ("az1", "az3")]
    cloud.on("GET", "/block-storage/v3/os-availability-zone", Reply(200, {"availabilityZoneInfo": rows}))
    cloud.on("POST", VOLUMES, Reply(202, {"volume": _shown()}))
    async with driver_for(cloud) as driver:
        for zone in ("az1", "az2", "az3"):
            await driver.create_volume(VolumeSpec("a", "data", 1, "fast", "image-1", zone))
    bodies = [one.body["volume"] for one in cloud.requests if (one.method, one.path) == ("POST", VOLUMES)]
    assert [body.get("availability_zone") for body in bodies] == ["az1", None, None]
    assert bodies[0] == {
        "name": "data", "size": 1, "volume_type": "fast", "imageRef": "image-1", "availability_zone": "az1",
        "metadata": {"promise-allocation-id": "a", "promise-volume": "data"},
    }  # fmt: skip


def network_of(cloud: ScriptedCloud, *, routed: bool, external: int, shared: bool = False) -> None:
    """Script a network `n1` with a port of the server, perhaps joined by a router to `public`."""
    ports = [{"id": "p1", "network_id": "n1", "device_id": "s", "fixed_ips": [{"ip_address": "10.0.0.2"}]}]
    way = {"id": "p2", "network_id": "n1", "device_id": "r", "device_owner": "network:router_interface"}
    cloud.on(
        "GET", "/network/v2.0/ports",
        lambda asked: Reply(200, {"ports": ports if "device_id" in asked.query else [way] if routed else []}),
    )  # fmt: skip
    router = {"id": "r", "external_gateway_info": {"network_id": "public"}}
    cloud.on("GET", "/network/v2.0/routers", Reply(200, {"routers": [router]}))
    outside = [{"id": f"x{n}", "router:external": True, "shared": shared} for n in range(external)]
    cloud.on("GET", "/network/v2.0/networks", Reply(200, {"networks": outside}))
    cloud.on("GET", FLOATING, Reply(200, {"floatingips": []}))
    made = {"id": "f1", "floating_ip_address": "192.0.2.1"}
    cloud.on("POST", FLOATING, Reply(201, {"floatingip": made}))


@pytest.mark.parametrize(
    ("routed", "external", "taken"), [(True, 3, "public"), (False, 1, "x0"), (False, 0, None), (False, 2, None)]
)
async def test_from_which_network_an_address_comes(
    cloud: ScriptedCloud, routed: bool, external: int, taken: str | None
) -> None:
    network_of(cloud, routed=routed, external=external)
    async with driver_for(cloud) as driver:
        if taken is None:
            with pytest.raises(CloudRefused, match=f"there are {external} external networks"):
                await driver.create_address(AddressSpec("a", "1", "s", ("n1",)))
            assert cloud.count("POST", FLOATING) == 0
        else:
            await driver.create_address(AddressSpec("a", "1", "s", ("n1",)))
            assert cloud.requests[-1].body["floatingip"] == {
                "floating_network_id": taken, "port_id": "p1", "fixed_ip_address": "10.0.0.2",
                "description": "promise-allocation-id=a address=1",
            }  # fmt: skip


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (Reply(409, {"NeutronError": {"type": "OverQuota", "message": "Quota exceeded"}}), CloudRefused),
        (Reply(503), OutcomeUnknown),
        (Reset, OutcomeUnknown),
        (Reply(201, {"floatingip": {}}), OutcomeUnknown),
    ],
)
async def test_one_post_of_an_address(cloud: ScriptedCloud, behaviour: Any, error: type[CloudError]) -> None:
    network_of(cloud, routed=True, external=1)
    cloud.on("POST", FLOATING, behaviour)
    async with driver_for(cloud, limits_for(behaviour)) as driver:
        with pytest.raises(CloudError) as caught:
            await driver.create_address(AddressSpec("a", "1", "s", ("n1",)))
    assert type(caught.value) is error
    assert cloud.count("POST", FLOATING) == 1


async def test_only_our_project_s_volumes_are_ours(cloud: ScriptedCloud) -> None:
    for volume, project in (("v1", PROJECT), ("v2", "else")):
        shown = _shown(volume) | {"os-vol-tenant-attr:tenant_id": project}
        cloud.on("GET", f"{VOLUMES}/{volume}", Reply(200, {"volume": shown}))
    async with driver_for(cloud) as driver:
        assert (await driver.volume("v1")) is not None
        assert await driver.volume("v2") is None
        assert await driver.volume("v3") is None
