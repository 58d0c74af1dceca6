"""The simulated Neutron: networks, ports and addresses that are taken, given back, counted and refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from simulated import Cloud, simulated

from promise.vim.simulator import NetworkOption, SimulatorOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OPTIONS = SimulatorOptions(
    build_seconds=0,
    delete_seconds=0,
    networks=(
        NetworkOption("private", "10.0.0.0/16"),
        NetworkOption("tiny", "10.1.0.0/29"),
        NetworkOption("public", "172.24.4.0/24", shared=False, external=True),
    ),
)


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    async with simulated(OPTIONS) as running:
        yield running


def network(cloud: Cloud, name: str) -> str:
    rows = cloud.world.network.rows["network"].values()
    return str(next(row["id"] for row in rows if row["name"] == name))


async def used(cloud: Cloud) -> dict[str, int]:
    project = next(iter(cloud.world.identity.projects))
    quota = (await cloud.neutron("GET", f"/quotas/{project}/details.json")).body["quota"]
    return {name: entry["used"] for name, entry in quota.items() if entry["used"]}


async def made(cloud: Cloud, kind: str, **values: Any) -> dict[str, Any]:
    reply = await cloud.neutron("POST", f"/{kind}s", {kind: values})
    assert reply.status == 201, reply.body
    row: dict[str, Any] = reply.body[kind]
    return row


async def test_a_member_sees_shared_and_external_networks_but_not_those_of_others(cloud: Cloud) -> None:
    await made(cloud, "network", name="mine")

    async def names(**who: str) -> set[str]:
        return {row["name"] for row in (await cloud.neutron("GET", "/networks", **who)).body["networks"]}

    assert await names(user="member") == {"private", "tiny", "public", "mine"}
    assert await names(user="tenant", project="tenant") == {"private", "tiny", "public"}
    reply = await cloud.neutron("GET", "/networks?router:external=true", user="member")
    assert [row["name"] for row in reply.body["networks"]] == ["public"]
    reply = await cloud.neutron("GET", "/networks?name=private&fields=name&fields=shared")
    assert reply.body["networks"] == [{"name": "private", "shared": True}]


async def test_a_server_takes_one_port_per_network_and_gives_it_back(cloud: Cloud) -> None:
    nets = [{"uuid": network(cloud, "private")}, {"uuid": network(cloud, "tiny")}]
    server_id = await cloud.create(networks=nets)
    assert (await used(cloud))["port"] == 2
    shown = await cloud.server(server_id)
    assert {name: entries[0]["addr"] for name, entries in shown["addresses"].items()} == {
        "private": "10.0.0.2",
        "tiny": "10.1.0.2",
    }
    ports = (await cloud.neutron("GET", f"/ports?device_id={server_id}")).body["ports"]
    assert {(port["status"], port["device_owner"], port["binding:host_id"]) for port in ports} == {
        ("ACTIVE", "compute:az1", "cmp1")
    }
    await cloud.nova("DELETE", f"/servers/{server_id}")
    assert "port" not in await used(cloud)


async def test_a_port_of_one_s_own_outlives_the_server(cloud: Cloud) -> None:
    port = await made(cloud, "port", network_id=network(cloud, "private"))
    server_id = await cloud.create(networks=[{"port": port["id"]}])
    reply = await cloud.nova("POST", "/servers", cloud.order(networks=[{"port": port["id"]}]))
    assert reply.status == 409
    await cloud.nova("DELETE", f"/servers/{server_id}")
    kept = (await cloud.neutron("GET", f"/ports/{port['id']}")).body["port"]
    assert (kept["device_id"], kept["status"], kept["fixed_ips"]) == ("", "DOWN", port["fixed_ips"])


async def test_a_subnet_without_addresses_makes_the_server_error(cloud: Cloud) -> None:
    tiny = [{"uuid": network(cloud, "tiny")}]
    states = []
    for index in range(6):
        server_id = await cloud.create(f"s{index}", networks=tiny)
        states.append((await cloud.server(server_id))["status"])
    assert states == ["ACTIVE"] * 5 + ["ERROR"]
    fault = (await cloud.server(server_id))["fault"]["message"]
    assert f"No more IP addresses available on network {tiny[0]['uuid']}." in fault
    assert cloud.world.placement.usage_of(next(iter(cloud.world.identity.projects)))["VCPU"] == 5


async def test_a_port_too_many_is_refused_before_the_server_is_made(cloud: Cloud) -> None:
    await cloud.control("PUT", "/quotas/promise", {"port": 1})
    await cloud.create()
    reply = await cloud.nova("POST", "/servers", cloud.order())
    assert (reply.status, reply.body["forbidden"]["message"]) == (403, "Maximum number of ports exceeded")
    reply = await cloud.neutron("POST", "/ports", {"port": {"network_id": network(cloud, "private")}})
    assert reply.status == 409
    assert reply.body["NeutronError"] == {
        "type": "OverQuota", "message": "Quota exceeded for resources: ['port'].", "detail": "",
    }  # fmt: skip
    assert (await used(cloud))["port"] == 1


async def test_addresses_are_not_handed_out_again_at_once(cloud: Cloud) -> None:
    first = await made(cloud, "port", network_id=network(cloud, "private"))
    await cloud.neutron("DELETE", f"/ports/{first['id']}")
    second = await made(cloud, "port", network_id=network(cloud, "private"))
    assert [port["fixed_ips"][0]["ip_address"] for port in (first, second)] == ["10.0.0.2", "10.0.0.3"]


async def test_an_address_can_be_asked_for_once(cloud: Cloud) -> None:
    wanted = {"network_id": network(cloud, "private"), "fixed_ips": [{"ip_address": "10.0.7.7"}]}
    assert (await made(cloud, "port", **wanted))["fixed_ips"][0]["ip_address"] == "10.0.7.7"
    reply = await cloud.neutron("POST", "/ports", {"port": wanted})
    assert (reply.status, reply.body["NeutronError"]["type"]) == (409, "IpAddressAlreadyAllocated")
    for address in ("192.0.2.1", "nonsense"):
        body = {"port": {**wanted, "fixed_ips": [{"ip_address": address}]}}
        assert (await cloud.neutron("POST", "/ports", body)).status == 400
    assert (await used(cloud))["port"] == 1


async def test_a_network_with_ports_stays(cloud: Cloud) -> None:
    mine = await made(cloud, "network", name="mine")
    subnet = await made(cloud, "subnet", network_id=mine["id"], cidr="192.0.2.0/24")
    assert subnet["gateway_ip"] == "192.0.2.1"
    assert subnet["allocation_pools"] == [{"start": "192.0.2.2", "end": "192.0.2.254"}]
    port = await made(cloud, "port", network_id=mine["id"])
    reply = await cloud.neutron("DELETE", f"/networks/{mine['id']}")
    assert (reply.status, reply.body["NeutronError"]["type"]) == (409, "NetworkInUse")
    assert (await cloud.neutron("DELETE", f"/subnets/{subnet['id']}")).status == 409
    await cloud.neutron("DELETE", f"/ports/{port['id']}")
    assert (await cloud.neutron("DELETE", f"/networks/{mine['id']}")).status == 204
    assert (await cloud.neutron("GET", f"/subnets/{subnet['id']}")).status == 404


@pytest.mark.parametrize(
    ("cidr", "status"), [("192.0.2.0/24", 201), ("10.0.0.0/8", 400), ("x", 400), ("10.0.1.1/24", 400)]
)
async def test_subnets_are_networks_that_do_not_overlap(cloud: Cloud, cidr: str, status: int) -> None:
    mine = await made(cloud, "network", name="mine")
    await made(cloud, "subnet", network_id=mine["id"], cidr="10.0.0.0/24")
    reply = await cloud.neutron("POST", "/subnets", {"subnet": {"network_id": mine["id"], "cidr": cidr}})
    assert reply.status == status


async def test_a_floating_address_joins_a_server_and_is_counted(cloud: Cloud) -> None:
    server_id = await cloud.create()
    port = (await cloud.neutron("GET", f"/ports?device_id={server_id}")).body["ports"][0]
    floating = await made(cloud, "floatingip", floating_network_id=network(cloud, "public"), port_id=port["id"])
    assert (floating["status"], floating["floating_ip_address"]) == ("ACTIVE", "172.24.4.2")
    shown = (await cloud.server(server_id))["addresses"]["private"]
    assert [(each["addr"], each["OS-EXT-IPS:type"]) for each in shown] == [
        ("10.0.0.2", "fixed"), ("172.24.4.2", "floating"),
    ]  # fmt: skip
    assert ((await used(cloud))["floatingip"], (await used(cloud))["port"]) == (1, 1)
    await cloud.nova("DELETE", f"/servers/{server_id}")
    kept = (await cloud.neutron("GET", f"/floatingips/{floating['id']}")).body["floatingip"]
    assert (kept["status"], kept["port_id"]) == ("DOWN", None)
    assert (await cloud.neutron("DELETE", f"/floatingips/{floating['id']}")).status == 204
    assert "floatingip" not in await used(cloud)
    reply = await cloud.neutron(
        "POST", "/floatingips", {"floatingip": {"floating_network_id": network(cloud, "private")}}
    )
    assert reply.status == 400


async def test_a_floating_address_leads_where_a_router_does_and_only_one_to_each_address(cloud: Cloud) -> None:
    mine = await made(cloud, "network", name="mine")
    subnet = await made(cloud, "subnet", network_id=mine["id"], cidr="192.0.2.0/24")
    port = await made(cloud, "port", network_id=mine["id"])
    wanted = {"floating_network_id": network(cloud, "public"), "port_id": port["id"]}
    reply = await cloud.neutron("POST", "/floatingips", {"floatingip": wanted})
    assert (reply.status, reply.body["NeutronError"]["type"]) == (404, "ExternalGatewayForFloatingIPNotFound")
    assert "floatingip" not in await used(cloud)
    router = await made(cloud, "router", name="r", external_gateway_info={"network_id": network(cloud, "public")})
    await cloud.neutron("PUT", f"/routers/{router['id']}/add_router_interface", {"subnet_id": subnet["id"]})
    floating = await made(cloud, "floatingip", **wanted)
    assert (floating["router_id"], floating["fixed_ip_address"]) == (router["id"], port["fixed_ips"][0]["ip_address"])
    reply = await cloud.neutron("POST", "/floatingips", {"floatingip": wanted})
    assert (reply.status, reply.body["NeutronError"]["type"]) == (409, "FloatingIPPortAlreadyAssociated")
    assert (await used(cloud))["floatingip"] == 1
    body: dict[str, Any] = {"floatingip": {"port_id": None}}
    freed = (await cloud.neutron("PUT", f"/floatingips/{floating['id']}", body)).body["floatingip"]
    assert (freed["port_id"], freed["fixed_ip_address"], freed["status"]) == (None, None, "DOWN")
    body = {"floatingip": {"description": "kept", "port_id": port["id"], "fixed_ip_address": "192.0.2.99"}}
    assert (await cloud.neutron("PUT", f"/floatingips/{floating['id']}", body)).status == 400


async def test_a_router_joins_networks_with_a_port_of_the_project(cloud: Cloud) -> None:
    router = await made(cloud, "router", name="r", external_gateway_info={"network_id": network(cloud, "public")})
    mine = await made(cloud, "network", name="mine")
    subnet = await made(cloud, "subnet", network_id=mine["id"], cidr="192.0.2.0/24")
    path = f"/routers/{router['id']}"
    reply = await cloud.neutron("PUT", f"{path}/add_router_interface", {"subnet_id": subnet["id"]})
    assert (reply.status, reply.body["subnet_ids"]) == (200, [subnet["id"]])
    assert (await used(cloud))["port"] == 1
    assert (await cloud.neutron("PUT", f"{path}/add_router_interface", {"subnet_id": subnet["id"]})).status == 400
    assert (await cloud.neutron("DELETE", path)).status == 409
    port = (await cloud.neutron("GET", f"/ports?device_id={router['id']}&device_owner=network:router_interface")).body
    assert (await cloud.neutron("DELETE", f"/ports/{port['ports'][0]['id']}")).status == 409
    assert (await cloud.neutron("PUT", f"{path}/remove_router_interface", {"subnet_id": subnet["id"]})).status == 200
    assert (await cloud.neutron("DELETE", path)).status == 204
    assert await used(cloud) == {"network": 1, "subnet": 1, "security_group": 1, "security_group_rule": 4}


async def test_quotas_can_be_changed_and_reset(cloud: Cloud) -> None:
    project = next(iter(cloud.world.identity.projects))
    reply = await cloud.neutron("PUT", f"/quotas/{project}", {"quota": {"port": 7}})
    assert reply.body["quota"]["port"] == 7
    assert (await cloud.neutron("GET", f"/quotas/{project}", user="member")).body["quota"]["port"] == 7
    assert (await cloud.neutron("PUT", f"/quotas/{project}", {"quota": {"port": 9}}, user="member")).status == 403
    assert (await cloud.neutron("DELETE", f"/quotas/{project}")).status == 204
    assert (await cloud.neutron("GET", f"/quotas/{project}")).body["quota"]["port"] == 500
    assert (await cloud.neutron("GET", f"/quotas/{project}/default")).body["quota"]["subnetpool"] == -1


async def test_lists_come_in_pages(cloud: Cloud) -> None:
    for index in range(5):
        await made(cloud, "network", name=f"n{index}")
    seen, path = [], "/networks?limit=2&name=n0&name=n1&name=n2&name=n3&name=n4&sort_key=name&sort_dir=asc"
    while path:
        body = (await cloud.neutron("GET", path)).body
        seen += [row["name"] for row in body["networks"]]
        path = body["networks_links"][0]["href"].partition("/v2.0")[2] if "networks_links" in body else ""
    assert seen == ["n0", "n1", "n2", "n3", "n4"]


async def test_neutron_words_its_errors(cloud: Cloud) -> None:
    reply = await cloud.neutron("GET", "/networks/none")
    assert (reply.status, reply.body) == (
        404,
        {"NeutronError": {"type": "NetworkNotFound", "message": "Network none could not be found.", "detail": ""}},
    )
    reply = await cloud.neutron("POST", "/networks", {"network": {"shared": True}}, user="member")
    assert (reply.status, reply.body["NeutronError"]["type"]) == (403, "PolicyNotAuthorized")
    reply = await cloud.neutron("GET", "/no-such-thing")
    assert reply.body["NeutronError"]["type"] == "HTTPNotFound"


async def test_security_groups_are_made_used_and_kept_while_in_use(cloud: Cloud) -> None:
    reply = await cloud.neutron("POST", "/security-groups", {"security_group": {"name": "web"}})
    group = reply.body["security_group"]["id"]
    rule = {"security_group_id": group, "protocol": "tcp", "port_range_min": 80, "port_range_max": 80}
    assert (await cloud.neutron("POST", "/security-group-rules", {"security_group_rule": rule})).status == 201
    server_id = await cloud.create(security_groups=[{"name": "web"}])
    assert (await cloud.server(server_id))["security_groups"] == [{"name": "web"}]
    assert (await cloud.neutron("DELETE", f"/security-groups/{group}")).status == 409
    await cloud.nova("DELETE", f"/servers/{server_id}")
    assert (await cloud.neutron("DELETE", f"/security-groups/{group}")).status == 204
    groups = (
        await cloud.neutron("GET", f"/security-groups?project_id={reply.body['security_group']['project_id']}")
    ).body
    assert [(each["name"], len(each["security_group_rules"])) for each in groups["security_groups"]] == [("default", 4)]
