"""The simulated world under any sequence of events: what is held is what the servers need, no more and no less."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from promise.vim.simulator import FlavorOption, NetworkOption, SimulatorOptions
from promise.vim.simulator.api import aodh, cinder, glance, keystone, neutron, nova, placement
from promise.vim.simulator.api.exchange import Request
from promise.vim.simulator.world.building import Order
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.servers import Server
from promise.vim.simulator.world.world import World

if TYPE_CHECKING:
    from promise.vim.simulator.api.service import Service

BUILD, DELETE, ACT = 7, 3, 2
FLAVORS = (
    FlavorOption("small", 1, 100, 1),
    FlavorOption("large", 3, 300, 7),
    FlavorOption("gold", 2, 50, 0, swap=100, extra_specs={"resources:CUSTOM_GOLD": "1"}),
)
NEEDS = {
    "small": {"VCPU": 1, "MEMORY_MB": 100, "DISK_GB": 1},
    "large": {"VCPU": 3, "MEMORY_MB": 300, "DISK_GB": 7},
    "gold": {"VCPU": 2, "MEMORY_MB": 50, "DISK_GB": 1, "CUSTOM_GOLD": 1},
}
CORES = {"small": 1, "large": 3, "gold": 2}
OPTIONS = SimulatorOptions(
    hosts=3, vcpus=4, ram=500, disk=20, cpu_ratio=1.5, reserved_ram=100, classes={"CUSTOM_GOLD": 2}, flavors=FLAVORS,
    networks=(NetworkOption("private", "10.0.0.0/28"),), build_seconds=BUILD, delete_seconds=DELETE,
    action_seconds=ACT, quotas={"cores": 16, "instances": 9, "ram": 10**6},
)  # fmt: skip
CAPACITY = {"VCPU": 6, "MEMORY_MB": 400, "DISK_GB": 20, "CUSTOM_GOLD": 2}


class Life(RuleBasedStateMachine):
    """Servers are made, moved and ended while hosts die and come back; the books always agree."""

    @initialize()
    def begin(self) -> None:
        self.now = 1000.0
        self.world = World(OPTIONS, self.now)
        self.project = next(iter(self.world.identity.projects))
        self.network = next(iter(self.world.network.rows["network"]))
        self.names = count()

    def servers(self) -> list[Server]:
        return list(self.world.compute.servers.values())

    @rule(flavor=st.sampled_from(FLAVORS), zone=st.sampled_from([None, "az1", "az2"]), most=st.integers(1, 3),
          failing=st.booleans())  # fmt: skip
    def create(self, flavor: FlavorOption, zone: str | None, most: int, failing: bool) -> None:
        chosen = next(each for each in self.world.compute.flavors.values() if each.name == flavor.name)
        name = f"s{next(self.names)}{'-sim-fail' if failing else ''}"
        draft = Server(name, self.project, "u", chosen, "", self.now, self.now, zone=zone)
        before = self.servers()
        cores = sum(CORES[server.flavor.name] for server in before)
        room = min(9 - len(before), (16 - cores) // CORES[flavor.name])
        try:
            made = self.world.compute.create(Order(draft, [{"uuid": self.network}], at_most=most), self.now)
        except ApiError as error:
            assert (error.status, room) == (403, 0) or room < 1  # noqa: PT017 -- the quota is the only reason
            return
        assert len(made) == min(most, room)

    @precondition(lambda self: self.world.compute.servers)
    @rule(data=st.data(), verb=st.sampled_from(["delete", "stop", "resize", "confirm", "revert", "shelve", "unshelve",
                                                "migrate", "evacuate"]))  # fmt: skip
    def act(self, data: Any, verb: str) -> None:
        server = data.draw(st.sampled_from(self.servers()))
        compute, mover = self.world.compute, self.world.compute.mover
        flavor = data.draw(st.sampled_from(sorted(compute.flavors.values(), key=lambda each: each.name)))
        try:
            if verb == "delete":
                compute.delete(server, self.now)
            elif verb == "stop":
                server.require("stop", "active")
                compute.later(server, "powering-off", "stopped", self.now)
            elif verb == "resize":
                server.require("resize", "active", "stopped")
                compute.check_quota(self.project, max(0, flavor.vcpus - server.flavor.vcpus), 0, 0)
                mover.resize(server, flavor, self.now)
            elif verb in {"confirm", "revert"}:
                server.require(verb, "resized")
                (mover.confirm if verb == "confirm" else mover.revert)(server, self.now)
            elif verb in {"shelve", "unshelve"}:
                server.require(verb, "active" if verb == "shelve" else "shelved_offloaded")
                (mover.shelve if verb == "shelve" else mover.unshelve)(server, self.now)
            else:
                server.require(verb, "active")
                (mover.migrate if verb == "migrate" else mover.evacuate)(server, None, self.now)
        except ApiError as error:
            assert error.status in {400, 403, 409}  # noqa: PT017 -- refused, and the invariants say: unchanged

    @rule(seconds=st.integers(0, 12))
    def wait(self, seconds: int) -> None:
        self.now += seconds
        self.world.advance(self.now)

    @rule(
        name=st.sampled_from(["cmp1", "cmp2", "cmp3"]), event=st.sampled_from(["kill", "revive", "disable", "enable"])
    )
    def host(self, name: str, event: str) -> None:
        hosts, host = self.world.hosts, self.world.hosts.by_name[name]
        if event in {"kill", "revive"}:
            (hosts.kill if event == "kill" else hosts.revive)(host, self.now)
        else:
            hosts.enable(host, self.now, enabled=event == "enable")

    @invariant()
    def held_is_what_is_needed(self) -> None:
        expected: dict[str, dict[str, int]] = {name: dict.fromkeys(CAPACITY, 0) for name in self.world.hosts.by_name}
        for server in self.servers():
            places = [(server.host, server.flavor.name)] if server.host else []
            if server.migration and server.old_flavor and server.old_host:
                places.append((server.old_host, server.old_flavor.name))
            for host, flavor in places:
                for name, amount in NEEDS[flavor].items():
                    expected[host][name] += amount
        for each in self.world.hosts.by_name.values():
            used = self.world.placement.used(each.provider.id)
            assert used == expected[each.name]
            assert all(used[name] <= CAPACITY[name] for name in CAPACITY)

    @invariant()
    def ports_and_addresses_belong_to_servers(self) -> None:
        ports = self.world.network.rows["port"].values()
        owners = [port["device_id"] for port in ports]
        living = {server.id for server in self.servers() if server.vm_state != "error"}
        assert len(owners) == len(set(owners))
        assert set(owners) <= set(self.world.compute.servers)
        assert living <= set(owners)
        addresses = [port["fixed_ips"][0]["ip_address"] for port in ports]
        assert len(addresses) == len(set(addresses))
        subnet = next(iter(self.world.network.rows["subnet"]))
        assert self.world.network.addresses.used(subnet) == len(addresses)

    @invariant()
    def nothing_that_is_due_is_left_undone(self) -> None:
        for server in self.servers():
            host = self.world.hosts.by_name.get(server.host or "")
            if server.vm_state == "building" and server.task_state == "spawning" and host and host.alive:
                assert self.now < server.created + BUILD

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        for host in self.world.hosts.by_name.values():
            self.world.hosts.revive(host, self.now)
        for server in self.servers():
            self.world.compute.delete(server, self.now)
        self.world.advance(self.now + DELETE)
        assert self.servers() == []
        assert self.world.placement.consumers == {}
        assert self.world.network.rows["port"] == {}
        assert self.world.compute.used(self.project)["cores"] == 0


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
ORDERS: list[tuple[Service, str, str, str, tuple[str, ...]]] = [
    (nova.SERVICE, "POST", "/compute/v2.1/servers", "server",
     ("name", "imageRef", "flavorRef", "networks", "metadata", "block_device_mapping_v2", "security_groups", "tags",
      "availability_zone", "min_count", "max_count", "user_data", "key_name", "config_drive", "description",
      "hostname", "accessIPv4")),
    (nova.SERVICE, "POST", "/compute/v2.1/flavors", "flavor",
     ("name", "vcpus", "ram", "disk", "swap", "id", "rxtx_factor")),
    (nova.SERVICE, "POST", "/compute/v2.1/os-server-groups", "server_group", ("name", "policy", "rules")),
    (nova.SERVICE, "POST", "/compute/v2.1/os-keypairs", "keypair", ("name", "public_key", "type")),
    (neutron.SERVICE, "POST", "/network/v2.0/networks", "network", ("name", "shared", "project_id", "admin_state_up")),
    (neutron.SERVICE, "POST", "/network/v2.0/subnets", "subnet",
     ("network_id", "cidr", "ip_version", "gateway_ip", "allocation_pools", "enable_dhcp")),
    (neutron.SERVICE, "POST", "/network/v2.0/ports", "port",
     ("network_id", "fixed_ips", "security_groups", "device_id", "mac_address", "name")),
    (neutron.SERVICE, "POST", "/network/v2.0/routers", "router", ("name", "external_gateway_info")),
    (neutron.SERVICE, "POST", "/network/v2.0/floatingips", "floatingip", ("floating_network_id", "port_id")),
    (cinder.SERVICE, "POST", "/volume/v3/volumes", "volume",
     ("size", "name", "volume_type", "snapshot_id", "source_volid", "imageRef", "metadata")),
    (placement.SERVICE, "PUT", "/placement/allocations/x", "allocations", ("a", "project_id", "user_id")),
    (placement.SERVICE, "POST", "/placement/resource_providers", "name", ("name", "uuid", "parent_provider_uuid")),
    (keystone.SERVICE, "POST", "/identity/v3/auth/tokens", "auth", ("identity", "scope")),
    (aodh.SERVICE, "POST", "/alarming/v2/alarms", "name",
     ("name", "severity", "event_rule", "alarm_actions", "state", "type", "project_id")),
    (glance.SERVICE, "POST", "/image/v2/images", "name", ("name", "min_ram", "visibility", "tags", "id")),
]  # fmt: skip


@pytest.mark.parametrize("order", ORDERS, ids=[path for _, _, path, _, _ in ORDERS])
@given(data=st.data())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_body_is_more_than_a_service_can_answer(
    order: tuple[Service, str, str, str, tuple[str, ...]], data: st.DataObject
) -> None:
    service, method, path, key, members = order
    world = World(OPTIONS, 1000.0)
    user = world.identity.user_named("admin")
    project = next(iter(world.identity.projects.values()))
    token = world.identity.issue(user, "project", project, ("password",), 1000.0)
    sound: dict[str, Any] = {
        "name": "n", "imageRef": next(iter(world.images)), "flavorRef": next(iter(world.compute.flavors)),
        "networks": [{"uuid": next(iter(world.network.rows["network"]))}], "size": 1, "cidr": "192.0.2.0/24",
        "network_id": next(iter(world.network.rows["network"])), "vcpus": 1, "ram": 1, "disk": 1,
    }  # fmt: skip
    given_members = data.draw(st.dictionaries(st.sampled_from(members), VALUES, max_size=2))
    inner = {name: sound[name] for name in members if name in sound} | given_members
    body = {key: inner, **inner} if data.draw(st.booleans()) else data.draw(VALUES)
    headers = {"x-auth-token": token.secret, "openstack-api-version": f"{service.name} latest"}
    request = Request(method, path, "", headers, json.dumps(body).encode(), "http://localhost")
    answer = service.answer(world, request, 1000.0, "req-1")
    assert answer.status < 500
    assert len(answer.encoded()) >= 0
