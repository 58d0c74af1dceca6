from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promise.capacity.provider import Host, Zone
from promise.vim.openstack.inventory import ComputeHost, Provider, capacity, supply, without_placement


def host(name: str, zone: str = "az1", *, up: bool = True, enabled: bool = True) -> ComputeHost:
    return ComputeHost(name, zone, up, enabled, frozenset({f"uuid-{name}", f"node-{name}"}))


def provider(of: str, inventories: dict[str, Any], allocations: dict[str, dict[str, int]] | None = None) -> Provider:
    return Provider(f"uuid-{of}", f"uuid-{of}", f"node-{of}", inventories, allocations or {})


def give(total: int, reserved: int = 0, ratio: float = 1.0) -> dict[str, Any]:
    return {"total": total, "reserved": reserved, "allocation_ratio": ratio}


@pytest.mark.parametrize(
    ("inventory", "usable"),
    [
        (give(16), 16), (give(16, 2), 14), (give(16, 2, 1.5), 21), (give(10, 0, 1.15), 11), (give(3, 5), 0),
        (give(100, 0, 0.29), 28),  # 28.999...: Placement itself refuses the 29th
        ({"total": 7}, 7),
    ],
)  # fmt: skip
def test_what_an_inventory_gives(inventory: dict[str, Any], usable: int) -> None:
    assert capacity(provider("a", {"VCPU": inventory})) == {"cores": usable}


def test_names_are_ours_where_we_have_one() -> None:
    found = capacity(provider("a", {"VCPU": give(1), "MEMORY_MB": give(2), "DISK_GB": give(3), "PCPU": give(4)}))
    assert found == {"cores": 1, "ram": 2, "DISK_GB": 3, "PCPU": 4}


def test_others_usage_lowers_the_bound_and_ours_does_not() -> None:
    found = supply(
        [host("a"), host("b", "az2")],
        [
            provider("a", {"VCPU": give(16)}, {"ours": {"VCPU": 3}, "theirs": {"VCPU": 5}}),
            provider("b", {"VCPU": give(8)}, {"theirs too": {"VCPU": 20}}),  # more than there is: seen in practice
        ],
        {"ours"},
    )
    assert found.hosts == (
        Host("a", "az1", up=True, enabled=True, capacity={"cores": 16}),
        Host("b", "az2", up=True, enabled=True, capacity={"cores": 8}),
    )
    assert found.zones == (
        Zone("az1", up=True, hosts=1, capacity={"cores": 11}),
        Zone("az2", up=True, hosts=1, capacity={"cores": 0}),
    )
    assert found.bound == {"cores": 11, "ram": 0}


@pytest.mark.parametrize("lost", [host("b", up=False), host("b", enabled=False)])
def test_a_host_that_is_down_or_disabled_gives_nothing_and_stays_named(lost: ComputeHost) -> None:
    of_b = provider("b", {"VCPU": give(8), "VGPU": give(2)}, {"x": {"VCPU": 5}})
    providers = [provider("a", {"VCPU": give(4)}), of_b]
    found = supply([host("a"), lost], providers, set())
    assert found.bound == {"cores": 4, "VGPU": 0, "ram": 0}
    assert found.zones == (Zone("az1", up=True, hosts=2, capacity={"cores": 4, "VGPU": 0}),)
    assert found.hosts[1].capacity == {"cores": 8, "VGPU": 2}
    (zone,) = supply([lost], providers, set()).zones
    assert not zone.up


def test_nested_providers_belong_to_their_root_and_orphans_to_nobody() -> None:
    gpu = Provider("uuid-gpu", "uuid-a", "node-a", {"VGPU": give(4)}, {"theirs": {"VGPU": 1}})
    renamed = Provider("other uuid", "other uuid", "node-a", {"PCPU": give(2)})
    orphan = Provider("uuid-z", "uuid-z", "node-z", {"VCPU": give(99)})
    found = supply([host("a")], [provider("a", {"VCPU": give(4)}), gpu, renamed, orphan], set())
    assert found.bound == {"cores": 4, "ram": 0, "VGPU": 3, "PCPU": 2}


def test_a_cloud_without_hosts_gives_nothing() -> None:
    assert supply([], [], set()).bound == {"cores": 0, "ram": 0}


def test_without_placement_nothing_is_bound() -> None:
    found = without_placement([host("a", "az2"), host("b", "az1", up=False), host("c", "az1")])
    assert found.bound == {}
    assert found.zones == (Zone("az1", up=True, hosts=2, capacity={}), Zone("az2", up=True, hosts=1, capacity={}))
    assert [one.capacity for one in found.hosts] == [{}, {}, {}]


amounts = st.dictionaries(st.sampled_from(["VCPU", "VGPU"]), st.integers(0, 30))
hosts_and_providers = st.lists(
    st.tuples(
        st.sampled_from(["az1", "az2"]), st.booleans(), st.booleans(), amounts,
        st.dictionaries(st.sampled_from(["ours", "o2", "theirs", "t2"]), amounts),
    ),
    max_size=6,
)  # fmt: skip


@given(hosts_and_providers)
def test_zones_and_bound_add_up_to_what_hosts_leave(drawn: list[Any]) -> None:
    hosts = [host(str(n), zone, up=up, enabled=enabled) for n, (zone, up, enabled, *_) in enumerate(drawn)]
    providers = [
        provider(str(n), {name: give(total) for name, total in inventory.items()}, held)
        for n, (*_, inventory, held) in enumerate(drawn)
    ]
    found = supply(hosts, providers, {"ours", "o2"})
    for resource, ours in (("VCPU", "cores"), ("VGPU", "VGPU")):
        left = [
            max(0, inventory[resource] - sum(held.get(name, {}).get(resource, 0) for name in ("theirs", "t2")))
            for _, up, enabled, inventory, held in drawn
            if up and enabled and resource in inventory
        ]
        assert found.bound.get(ours, 0) == sum(left)
        assert sum(zone.capacity.get(ours, 0) for zone in found.zones) == sum(left)
        assert (ours in found.bound) == (ours == "cores" or any(resource in inventory for *_, inventory, _ in drawn))
