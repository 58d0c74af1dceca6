"""What a discovery asks, what it makes of the answers, and what it does when it may not ask."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from contract.scripted_cloud import PROJECT, SERVERS, Reply, Reset, ScriptedCloud, driver_for

from promise.capacity.provider import Zone
from promise.errors import BadValue, CloudRefused, CloudUnreachable

NOVA = "/compute/v2.1"
QUOTAS = f"/network/v2.0/quotas/{PROJECT}"
FORBIDDEN = Reply(403, {"forbidden": {"code": 403, "message": "Policy doesn't allow it."}})
CORES = {"VCPU": {"total": 16, "reserved": 0, "allocation_ratio": 1.0}}


def held(**cores: int) -> Reply:
    return Reply(200, {"allocations": {name: {"resources": {"VCPU": amount}} for name, amount in cores.items()}})


def of_project(project_id: str | None) -> Reply:
    """Return what Placement says of a consumer; None = it has gone."""
    if project_id is None:
        return Reply(200, {"allocations": {}})
    return Reply(200, {"allocations": {"rp": {"resources": {"VCPU": 1}}}, "project_id": project_id, "user_id": "u"})


def furnish(cloud: ScriptedCloud, *servers: str) -> None:
    """Script one healthy host, h1 in az1, of 16 cores, and these servers of ours."""
    cloud.on("GET", f"{NOVA}/limits", Reply(200, {"limits": {"absolute": {
        "maxTotalInstances": 10, "maxTotalCores": 20, "maxTotalRAMSize": -1,
    }}}))  # fmt: skip
    cloud.on("GET", f"{NOVA}/flavors/detail", Reply(200, {"flavors": [
        {"id": "f1", "name": "small", "vcpus": 1, "ram": 512, "disk": 1, "swap": ""},
    ]}))  # fmt: skip
    cloud.on("GET", f"{NOVA}/os-services", Reply(200, {"services": [
        {"binary": "nova-compute", "host": "h1", "zone": "az1", "state": "up", "status": "enabled"},
        {"binary": "nova-scheduler", "host": "ctl", "zone": "internal", "state": "up", "status": "enabled"},
    ]}))  # fmt: skip
    cloud.on("GET", f"{NOVA}/os-hypervisors/detail", Reply(200, {"hypervisors": [
        {"id": "rp-1", "hypervisor_hostname": "h1.example", "service": {"host": "h1"}},
    ]}))  # fmt: skip
    cloud.on("GET", f"{NOVA}/os-availability-zone", Reply(200, {"availabilityZoneInfo": [
        {"zoneName": "az2", "zoneState": {"available": False}}, {"zoneName": "az1", "zoneState": {"available": True}},
    ]}))  # fmt: skip
    cloud.on("GET", SERVERS, Reply(200, {"servers": [{"id": one} for one in servers]}))
    cloud.on("GET", QUOTAS, Reply(200, {"quota": {"network": 5, "port": -1, "floatingip": 2}}))
    cloud.on("GET", "/block-storage/v3/limits", Reply(200, {"limits": {"absolute": {"maxTotalVolumes": 7}}}))
    cloud.on("GET", "/placement/resource_providers", Reply(200, {"resource_providers": [
        {"uuid": "rp-1", "name": "h1.example", "root_provider_uuid": "rp-1"},
    ]}))  # fmt: skip
    cloud.on("GET", "/placement/resource_providers/rp-1/inventories", Reply(200, {"inventories": CORES}))
    cloud.on("GET", "/placement/resource_providers/rp-1/allocations", held())


async def test_by_placement(cloud: ScriptedCloud) -> None:
    furnish(cloud)
    async with driver_for(cloud) as driver:
        found = await driver.discover()
    assert (found.source, found.project_id, found.project_name) == ("placement", PROJECT, "nfv")
    assert found.compute_endpoint == cloud.url + NOVA
    assert found.bound == {"cores": 16, "ram": 0, "instances": 10, "networks": 5, "addresses": 2, "volumes": 7}
    assert [(host.name, host.zone, host.up, host.enabled) for host in found.hosts] == [("h1", "az1", True, True)]
    assert found.zones == (Zone("az1", up=True, hosts=1, capacity={"cores": 16}),)
    assert [(flavor.id, flavor.needs) for flavor in found.flavors] == [
        ("f1", {"instances": 1, "cores": 1, "ram": 512, "DISK_GB": 1})
    ]


@pytest.mark.parametrize("closed", ["/placement/resource_providers", f"{NOVA}/os-hypervisors/detail"])
async def test_who_may_not_read_placement_or_hosts_goes_by_quota(cloud: ScriptedCloud, closed: str) -> None:
    furnish(cloud)
    cloud.on("GET", closed, FORBIDDEN)
    async with driver_for(cloud) as driver:
        found = await driver.discover()
        assert found.source == "quota"
        assert found.bound == {"cores": 20, "instances": 10, "networks": 5, "addresses": 2, "volumes": 7}
        assert found.zones == (Zone("az1", up=True, hosts=1, capacity={}),)
        with pytest.raises(CloudRefused, match="capacity-source placement is not open to this user") as caught:
            await driver.discover("placement")
        assert caught.value.status == 403


async def test_who_may_not_see_hosts_goes_by_the_list_of_zones(cloud: ScriptedCloud) -> None:
    furnish(cloud)
    cloud.on("GET", f"{NOVA}/os-services", FORBIDDEN)
    async with driver_for(cloud) as driver:
        found = await driver.discover("quota")
    assert found.hosts == ()
    assert found.zones == (Zone("az1", up=True, hosts=0, capacity={}), Zone("az2", up=False, hosts=0, capacity={}))
    assert cloud.count("GET", "/placement/resource_providers") == 0


async def test_services_that_the_cloud_does_not_have_bound_nothing(cloud: ScriptedCloud) -> None:
    furnish(cloud)
    cloud.services = ["compute"]
    async with driver_for(cloud) as driver:
        found = await driver.discover()
        assert (found.source, found.bound) == ("quota", {"cores": 20, "instances": 10})
        with pytest.raises(CloudRefused, match="names no placement service"):
            await driver.discover("placement")


@pytest.mark.parametrize("trouble", [Reply(500), Reply(503), Reset])
async def test_a_placement_in_trouble_is_no_reason_to_take_the_quota(cloud: ScriptedCloud, trouble: Any) -> None:
    furnish(cloud)
    cloud.on("GET", "/placement/resource_providers", trouble)
    async with driver_for(cloud) as driver:
        with pytest.raises(CloudUnreachable):
            await driver.discover()


@pytest.mark.parametrize(
    "path",
    [
        "/placement/resource_providers", "/placement/resource_providers/rp-1/inventories",
        "/placement/resource_providers/rp-1/allocations", f"{NOVA}/os-services", f"{NOVA}/os-hypervisors/detail",
        f"{NOVA}/limits", f"{NOVA}/flavors/detail", SERVERS, "/block-storage/v3/limits", QUOTAS,
    ],
)  # fmt: skip
@pytest.mark.parametrize("nonsense", [{}, {"resource_providers": [5]}, {"inventories": 5}, {"services": [{}]}])
async def test_nonsense_is_never_taken_for_no_capacity(cloud: ScriptedCloud, path: str, nonsense: Any) -> None:
    furnish(cloud)
    cloud.on("GET", path, Reply(200, nonsense))
    async with driver_for(cloud) as driver:
        with pytest.raises(CloudUnreachable, match="in a form that is not OpenStack's"):
            await driver.discover()


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/placement/resource_providers", "resource_providers"),
        ("/placement/resource_providers/rp-1/inventories", "inventories"), (f"{NOVA}/os-services", "services"),
        ("/placement/resource_providers/rp-1/allocations", "allocations"), (f"{NOVA}/limits", "limits"),
        (f"{NOVA}/os-hypervisors/detail", "hypervisors"), (f"{NOVA}/flavors/detail", "flavors"), (SERVERS, "servers"),
        ("/block-storage/v3/limits", "limits"), (QUOTAS, "quota"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "value", [5, None, "five", [5], [[]], [{"id": {}}], {"VCPU": 5}, {"port": {}}, {"x": {"y": 1}}]
)
async def test_values_of_other_kinds_are_an_error_or_do_not_matter(
    cloud: ScriptedCloud, path: str, key: str, value: Any
) -> None:
    furnish(cloud)
    cloud.on("GET", path, Reply(200, {key: value}))
    async with driver_for(cloud) as driver:
        with suppress(CloudUnreachable):
            assert (await driver.discover()).bound["cores"] in (0, 16)


async def test_an_unknown_source(cloud: ScriptedCloud) -> None:
    async with driver_for(cloud) as driver:
        with pytest.raises(BadValue, match="placement or quota"):
            await driver.discover("guess")
    assert cloud.requests == []


async def test_a_provider_that_goes_away_while_it_is_read_counts_as_gone(cloud: ScriptedCloud) -> None:
    furnish(cloud)
    cloud.on("GET", "/placement/resource_providers/rp-1/allocations", Reply(404))
    async with driver_for(cloud) as driver:
        assert (await driver.discover()).bound["cores"] == 0


def owned(cloud: ScriptedCloud, **owners: str | None) -> None:
    """Script whose consumers these are; None = it has gone meanwhile."""
    for consumer, owner in owners.items():
        cloud.on("GET", f"/placement/allocations/{consumer}", of_project(owner))


@pytest.mark.parametrize(
    ("servers", "allocations", "left"),
    [
        ((), {"theirs": 5}, 11),
        (("s1",), {"s1": 2, "theirs": 5}, 11),
        (("s1",), {"s1": 16}, 16),
        (("s1", "building"), {"s1": 2}, 16),
        ((), {"theirs": 40}, 0),
    ],
)
async def test_what_others_use_is_not_ours_to_give(
    cloud: ScriptedCloud, servers: tuple[str, ...], allocations: dict[str, int], left: int
) -> None:
    furnish(cloud, *servers)
    owned(cloud, theirs="else")
    cloud.on("GET", "/placement/resource_providers/rp-1/allocations", held(**allocations))
    async with driver_for(cloud) as driver:
        assert (await driver.discover()).bound["cores"] == left
    assert cloud.count("GET", "/placement/allocations/s1") == 0  # Nova lists it: nobody need be asked


async def test_a_consumer_that_nova_does_not_list_is_asked_for(cloud: ScriptedCloud) -> None:
    """A server being resized holds its old place as a migration; one just deleted may hold it a moment longer."""
    furnish(cloud, "s1")
    owned(cloud, move=PROJECT, gone=None, theirs="else")
    cloud.on("GET", "/placement/resource_providers/rp-1/allocations", held(s1=2, move=3, gone=4, theirs=5))
    async with driver_for(cloud) as driver:
        assert (await driver.discover()).bound["cores"] == 11
        assert (await driver.discover()).bound["cores"] == 11
    assert cloud.count("GET", "/placement/allocations/theirs") == 1  # a stranger is remembered
    assert cloud.count("GET", "/placement/allocations/move") == 2


async def test_one_server_going_does_not_make_another_a_stranger(cloud: ScriptedCloud) -> None:
    """Ours in sum before and after: `s1` goes while `s2`, of its size, is there already and not yet listed."""
    furnish(cloud, "s1")
    owned(cloud, s2=PROJECT)
    cloud.on("GET", "/placement/resource_providers/rp-1/allocations", held(s1=3, s2=3), held(s2=3))
    async with driver_for(cloud) as driver:
        assert (await driver.discover()).bound["cores"] == 16
        assert (await driver.discover()).bound["cores"] == 16


async def test_a_stranger_that_comes_back_is_asked_for_again(cloud: ScriptedCloud) -> None:
    furnish(cloud)
    owned(cloud, theirs="else")
    cloud.on("GET", "/placement/resource_providers/rp-1/allocations", held(theirs=5), held(), held(theirs=5))
    async with driver_for(cloud) as driver:
        assert [(await driver.discover()).bound["cores"] for _ in range(3)] == [11, 16, 11]
    assert cloud.count("GET", "/placement/allocations/theirs") == 2


@pytest.mark.parametrize("nonsense", [{}, {"allocations": {"rp": {}}}, {"project_id": PROJECT}])
async def test_an_owner_that_is_not_told_is_not_guessed(cloud: ScriptedCloud, nonsense: Any) -> None:
    furnish(cloud)
    cloud.on("GET", "/placement/resource_providers/rp-1/allocations", held(theirs=5))
    cloud.on("GET", "/placement/allocations/theirs", Reply(200, nonsense))
    async with driver_for(cloud) as driver:
        with pytest.raises(CloudUnreachable, match="in a form that is not OpenStack's"):
            await driver.discover()


async def test_a_big_cloud_is_not_asked_for_everybody_at_once(cloud: ScriptedCloud) -> None:
    furnish(cloud, "s1")
    crowd = {f"x{n:04}": 1 for n in range(300)}
    inventory = {"VCPU": {"total": 1000, "reserved": 0, "allocation_ratio": 1.0}}
    cloud.on("GET", "/placement/resource_providers/rp-1/inventories", Reply(200, {"inventories": inventory}))
    cloud.on("GET", "/placement/resource_providers/rp-1/allocations", held(s1=2, zz=4, **crowd))
    owned(cloud, **dict.fromkeys(crowd, "else"), zz=PROJECT)
    async with driver_for(cloud) as driver:
        assert (await driver.discover()).bound["cores"] == 1000 - 304
        assert (await driver.discover()).bound["cores"] == 1000 - 300
