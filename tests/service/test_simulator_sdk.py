"""The unmodified openstacksdk against the simulator, from sign-in to the last port."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import openstack
import pytest
from openstack import exceptions
from simulated import Cloud, simulated

from promise.vim.simulator import SimulatorOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings(
    "ignore::PendingDeprecationWarning", "ignore::openstack.warnings.RemovedFieldWarning"
)


@pytest.fixture
async def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cloud]:
    async with simulated(SimulatorOptions(build_seconds=5, delete_seconds=5)) as running:
        clouds = tmp_path / "clouds.yaml"
        clouds.write_text(running.simulator.clouds_yaml(running.url))
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds))
        yield running


async def with_sdk(play: Any, cloud: str = "simulator") -> Any:
    """Run a function of a connection in a thread, as the simulator runs on this loop."""

    def run() -> Any:
        with openstack.connect(cloud=cloud) as connection:
            return play(connection)

    return await asyncio.to_thread(run)


async def test_what_a_controller_reads(cloud: Cloud) -> None:
    def read(c: Any) -> None:
        flavors = {flavor.name: (flavor.vcpus, flavor.ram, flavor.disk) for flavor in c.compute.flavors()}
        assert flavors["m1.small"] == (1, 2048, 20)
        quota = c.compute.get_quota_set(c.current_project_id, usage=True)
        assert (quota.cores, quota.usage["cores"], quota.ram) == (200, 0, 524288)
        limits = c.compute.get_limits().absolute
        assert (limits.total_cores, limits.instances_used) == (200, 0)
        for provider in c.placement.resource_providers():
            found = {each.resource_class: each.total for each in c.placement.resource_provider_inventories(provider)}
            assert found == {"VCPU": 32, "MEMORY_MB": 131072, "DISK_GB": 1000}
        zones = {zone.name: set(zone.hosts) for zone in c.compute.availability_zones(details=True)}
        assert (zones["az1"], zones["az2"]) == ({"cmp1", "cmp3"}, {"cmp2", "cmp4"})
        assert [host.state for host in c.compute.hypervisors(details=True)] == ["up"] * 4
        assert {service.binary for service in c.compute.services()} >= {"nova-compute", "nova-scheduler"}
        assert c.network.get_quota(c.current_project_id, details=True).ports["limit"] == 500
        assert c.block_storage.get_limits().absolute.max_total_volumes == 100
        assert c.block_storage.get_quota_set(c.current_project_id, usage=True).usage["gigabytes"] == 0

    await with_sdk(read)


async def test_a_server_from_create_to_gone(cloud: Cloud) -> None:
    def create(c: Any) -> Any:
        return c.compute.create_server(
            name="one",
            image_id=c.image.find_image("cirros").id,
            flavor_id=c.compute.find_flavor("m1.small").id,
            networks=[{"uuid": c.network.find_network("private").id}],
            metadata={"promise-allocation-id": "x"},
        )

    server_id = (await with_sdk(create)).id
    assert (await with_sdk(lambda c: c.compute.get_server(server_id))).status == "BUILD"
    await cloud.clock.advance(5)
    server = await with_sdk(lambda c: c.compute.get_server(server_id))
    assert (server.status, server.compute_host, server.availability_zone) == ("ACTIVE", "cmp1", "az1")
    assert (server.flavor.vcpus, server.flavor.name, server.metadata) == (1, "m1.small", {"promise-allocation-id": "x"})
    assert [port.fixed_ips[0]["ip_address"] for port in await with_sdk(lambda c: list(c.network.ports()))] == [
        "10.0.0.2"
    ]
    await with_sdk(lambda c: c.compute.delete_server(server_id))
    await cloud.clock.advance(5)
    with pytest.raises(exceptions.NotFoundException):
        await with_sdk(lambda c: c.compute.get_server(server_id))
    assert await with_sdk(lambda c: list(c.network.ports())) == []


async def test_refusals_arrive_as_the_library_s_exceptions(cloud: Cloud) -> None:
    await cloud.control("PUT", "/quotas/promise", {"instances": 0})
    order = cloud.order()["server"]

    def create(c: Any) -> None:
        c.compute.create_server(
            name="one", image_id=order["imageRef"], flavor_id=order["flavorRef"], networks=order["networks"]
        )

    with pytest.raises(exceptions.ForbiddenException, match="Quota exceeded for instances: Requested 1, but already"):
        await with_sdk(create)
    with pytest.raises(exceptions.ForbiddenException):
        await with_sdk(lambda c: list(c.placement.resource_providers()), cloud="simulator-member")
    with pytest.raises(exceptions.NotFoundException, match="No image found with ID"):
        await with_sdk(lambda c: c.image.get_image("none"))


async def test_an_expired_token_is_renewed_by_the_library(cloud: Cloud) -> None:
    await with_sdk(lambda c: list(c.compute.servers()))
    connection = await asyncio.to_thread(lambda: openstack.connect(cloud="simulator"))
    try:
        assert await asyncio.to_thread(lambda: list(connection.compute.servers())) == []
        await cloud.control("DELETE", "/tokens")
        assert await asyncio.to_thread(lambda: list(connection.compute.servers())) == []
    finally:
        connection.close()


async def test_volumes_networks_and_addresses(cloud: Cloud) -> None:
    def play(c: Any) -> None:
        volume = c.block_storage.create_volume(name="v", size=2)
        assert c.block_storage.get_volume(volume).status in {"creating", "available"}
        net = c.network.create_network(name="mine")
        subnet = c.network.create_subnet(network_id=net.id, ip_version=4, cidr="192.0.2.0/24")
        router = c.network.create_router(name="r")
        c.network.add_interface_to_router(router, subnet=subnet)
        public = c.network.find_network("public")
        address = c.network.create_ip(floating_network_id=public.id)
        used = c.network.get_quota(c.current_project_id, details=True)
        assert [
            each["used"] for each in (used.networks, used.subnets, used.routers, used.ports, used.floating_ips)
        ] == [1] * 5
        c.network.delete_ip(address)
        c.network.remove_interface_from_router(router, subnet=subnet)
        c.network.delete_router(router)
        c.network.delete_network(net)
        assert [each.name for each in c.network.networks(project_id=c.current_project_id)] == []

    await with_sdk(play)
