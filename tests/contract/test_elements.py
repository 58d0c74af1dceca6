"""What a cloud has under an id, whatever it is: on the simulator, on a real OpenStack, and on a scripted cloud."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from contract.scripted_cloud import (
    IMPATIENT,
    LIMITS,
    PROJECT,
    SERVERS,
    SIGN_IN,
    Hang,
    Reply,
    ScriptedCloud,
    driver_for,
    shown_server,
)

from promise.allocation.address import AddressSpec
from promise.allocation.server import ServerSpec, ServerState
from promise.allocation.volume import VolumeSpec
from promise.errors import CloudRefused, CloudUnreachable, CredentialsRejected
from promise.reservation.elements import Element, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contract.sites import Site

    from promise.reservation.elements import Look

NOBODY = "00000000-0000-4000-8000-000000000000"
VOLUMES, NETWORK = "/block-storage/v3/volumes", "/network/v2.0"
HYPERVISORS = "/compute/v2.1/os-hypervisors/detail"


async def test_every_kind_of_thing_is_found_by_its_id(site: Site) -> None:
    asked = ServerSpec(str(uuid4()), "vnf-1", site.image, site.flavor.id, networks=(site.network,))
    server = await site.ours.create_server(asked)
    await site.settled(
        lambda: site.ours.server(server.id), lambda one: one is not None and one.state is ServerState.ACTIVE
    )
    volume = await site.ours.create_volume(VolumeSpec(str(uuid4()), "data", 1))
    address = await site.ours.create_address(AddressSpec(str(uuid4()), "1", server.id, (site.network,)))
    (port, *_) = await site.ours._calls.read("network", "/ports", "ports", device_id=server.id)
    (host, *_) = await site.ours._calls.pages("compute", "/os-hypervisors/detail", "hypervisors")
    things = {
        server.id: Kind.SERVER,
        volume.id: Kind.VOLUME,
        site.network: Kind.NETWORK,
        port["id"]: Kind.PORT,
        address.id: Kind.ADDRESS,
        host["id"]: Kind.HOST,
        host["hypervisor_hostname"]: Kind.HOST,
        host["service"]["host"]: Kind.HOST,
    }
    strange = [NOBODY, "nobody", server.id.upper(), site.flavor.id, site.image, "detail", "..", ".", "a/b", "?", "%2e"]
    found = await site.ours.elements([*things, *strange])
    assert kinds(found) == things | dict.fromkeys(strange)
    called = {host["id"], host["hypervisor_hostname"], host["service"]["host"]}
    by_service = found[host["service"]["host"]]
    assert isinstance(by_service, Element)
    assert {host["service"]["host"], *by_service.also} == called
    # another project has none of it, and no right to read hosts; a network is its own or shared
    theirs = await site.theirs.elements([one for one, kind in things.items() if kind is not Kind.NETWORK])
    assert set(theirs.values()) == {None}

    await site.ours.delete_address(address.id)
    await site.ours.delete_server(server.id)
    await site.settled(lambda: site.ours.server(server.id), lambda one: one is None)
    await site.ours.delete_volume(volume.id)
    await site.settled(lambda: site.ours.volume(volume.id), lambda one: one is None)
    assert set((await site.ours.elements([server.id, volume.id, port["id"], address.id])).values()) == {None}


def kinds(looks: Mapping[str, Look]) -> dict[str, Kind | None]:
    """Return of what kind everything is that is there and up."""
    return {wanted: look.kind if isinstance(look, Element) and look.up else None for wanted, look in looks.items()}


def furnish(cloud: ScriptedCloud, **listed: Any) -> None:
    """Script services that have nothing but what is listed."""
    for plural in ("networks", "ports", "floatingips"):
        cloud.on("GET", f"{NETWORK}/{plural}", Reply(200, {plural: listed.get(plural, [])}))
    cloud.on("GET", HYPERVISORS, Reply(200, {"hypervisors": listed.get("hypervisors", [])}))


def host(name: str, **said: Any) -> dict[str, Any]:
    return {
        "id": f"id-{name}",
        "hypervisor_hostname": f"{name}.example",
        "service": {"host": name},
        "state": "up",
    } | said


async def test_nobody_knows_it(cloud: ScriptedCloud) -> None:
    furnish(cloud)
    cloud.on("GET", f"{SERVERS}/x", Reply(400, {"badRequest": {"message": "no uuid"}}))
    async with driver_for(cloud) as driver:
        assert await driver.elements(["x", "y"]) == {"x": None, "y": None}
        assert cloud.count("GET", HYPERVISORS) == 1
        assert await driver.elements([]) == {}


async def test_who_has_it_is_believed_whatever_the_others_say(cloud: ScriptedCloud) -> None:
    furnish(cloud, hypervisors=[host("h1"), host("h2", state="down")])
    cloud.on("GET", f"{SERVERS}/s", Reply(200, {"server": shown_server("s")}))
    for unsure in ("s", "h1", "h2", "x"):
        cloud.on("GET", f"{VOLUMES}/{unsure}", Reply(500, {"computeFault": {"message": "sorry"}}))
    async with driver_for(cloud) as driver:
        found = dict(await driver.elements(["s", "h1", "h2.example", "h2", "x"]))
    assert isinstance(found.pop("x"), CloudUnreachable)
    assert found == {
        "s": Element(Kind.SERVER),
        "h1": Element(Kind.HOST, also=("h1.example", "id-h1")),
        "h2.example": Element(Kind.HOST, up=False, also=("id-h2",)),
        "h2": Element(Kind.HOST, up=False, also=("h2.example", "id-h2")),
    }


async def test_where_it_was_found_it_is_looked_for_first(cloud: ScriptedCloud) -> None:
    furnish(cloud)
    shown = {"volume": {"id": "v", "os-vol-tenant-attr:tenant_id": PROJECT}}
    cloud.on("GET", f"{VOLUMES}/v", Reply(200, shown), Reply(200, shown), Reply(404))
    async with driver_for(cloud) as driver:
        assert await driver.elements(["v"]) == await driver.elements(["v"]) == {"v": Element(Kind.VOLUME)}
        assert cloud.count("GET", f"{SERVERS}/v") == 1
        assert await driver.elements(["v"]) == {"v": None}
        assert cloud.count("GET", f"{SERVERS}/v") == 2


async def test_hosts_are_for_those_who_may_read_them(cloud: ScriptedCloud) -> None:
    furnish(cloud)
    cloud.on("GET", HYPERVISORS, Reply(403, {"forbidden": {"message": "Policy doesn't allow it."}}))
    async with driver_for(cloud) as driver:
        assert await driver.elements(["h1"]) == {"h1": None}
        cloud.on("GET", f"{SERVERS}/h1", Reply(403, {"forbidden": {"message": "Policy doesn't allow it."}}))
        assert isinstance((await driver.elements(["h1"]))["h1"], CloudRefused)


async def test_a_service_with_several_nodes_is_up_while_one_of_them_is(cloud: ScriptedCloud) -> None:
    nodes = [host("h", id="1", hypervisor_hostname="n1"), host("h", id="2", hypervisor_hostname="n2", state="down")]
    furnish(cloud, hypervisors=nodes)
    async with driver_for(cloud) as driver:
        found = await driver.elements(["h", "n1", "n2"])
    assert found == {
        "h": Element(Kind.HOST, also=("1", "2", "n1", "n2")),
        "n1": Element(Kind.HOST, also=("1",)),
        "n2": Element(Kind.HOST, up=False, also=("2",)),
    }


async def test_what_belongs_to_others_is_not_there(cloud: ScriptedCloud) -> None:
    theirs = {"id": "x", "project_id": "else"}
    furnish(cloud, networks=[theirs], ports=[theirs], floatingips=[theirs])
    cloud.on("GET", f"{SERVERS}/x", Reply(200, {"server": shown_server("x", tenant_id="else")}))
    cloud.on("GET", f"{VOLUMES}/x", Reply(200, {"volume": {"id": "x", "os-vol-tenant-attr:tenant_id": "else"}}))
    async with driver_for(cloud) as driver:
        assert await driver.elements(["x"]) == {"x": None}
        for shared in ({"shared": True}, {"router:external": True}):
            furnish(cloud, networks=[theirs | shared])
            assert await driver.elements(["x"]) == {"x": Element(Kind.NETWORK)}


async def test_services_that_the_cloud_does_not_have_know_nothing(cloud: ScriptedCloud) -> None:
    cloud.services = ["compute"]
    furnish(cloud, hypervisors=[host("h1")])
    async with driver_for(cloud) as driver:
        assert kinds(await driver.elements(["h1", "x"])) == {"h1": Kind.HOST, "x": None}


async def test_a_cloud_that_does_not_say_has_not_lost_it(cloud: ScriptedCloud) -> None:
    furnish(cloud)
    cloud.on("GET", f"{SERVERS}/x", Reply(200, {"flavor": {}}))
    async with driver_for(cloud) as driver:
        assert isinstance((await driver.elements(["x"]))["x"], CloudUnreachable)
    cloud.on("GET", f"{SERVERS}/x", Hang)
    async with driver_for(cloud, replace(IMPATIENT, read=10.0, whole=0.3)) as driver:
        assert {type(look) for look in (await driver.elements(["x", "y"])).values()} == {CloudUnreachable}
    cloud.on(*SIGN_IN, Reply(401, {"error": {"message": "The request you have made requires authentication."}}))
    async with driver_for(cloud, replace(LIMITS, retries=0)) as driver:
        assert {type(look) for look in (await driver.elements(["x", "y"])).values()} == {CredentialsRejected}
