from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promise.capacity.provider import Flavor
from promise.vim.openstack.flavors import flavor_from, needs, needs_of_embedded

PLAIN = {"instances": 1, "cores": 4, "ram": 2048, "DISK_GB": 21}


def flavor(**said: Any) -> Flavor:
    sizes: dict[str, Any] = {"vcpus": 4, "ram": 2048, "disk": 20, "ephemeral": 0, "swap": 1, "needs": {}}
    return Flavor(id="f", name="f", **sizes | said)


# Each of these was compared with what Nova 34's own scheduler code says.
@pytest.mark.parametrize(
    ("specs", "other"),
    [
        ({}, {}),
        ({"hw:numa_nodes": "2", "trait:HW_GPU": "required", "aggregate_instance_extra_specs:a": "b"}, {}),
        ({"resources:VCPU": "2"}, {"cores": 2}),
        ({"resources:VCPU": "0"}, {"cores": None}),
        ({"resources:PCPU": "3"}, {"cores": None, "PCPU": 3}),
        ({"resources:PCPU": "0"}, {"cores": None}),
        ({"resources:VCPU": "1", "resources:PCPU": "3"}, {"cores": 1, "PCPU": 3}),
        ({"resources:MEMORY_MB": "0"}, {"ram": None}),
        ({"resources:DISK_GB": "0"}, {"DISK_GB": None}),
        ({"resources:DISK_GB": "7"}, {"DISK_GB": 7}),
        ({"resources:VGPU": "1", "resources1:VGPU": "2", "resources_B-2:PCPU": "0"}, {"VGPU": 3, "cores": None}),
        ({"resources:VGPU": "-1", "resources:CUSTOM_GOLD": "many"}, {}),
        ({"resources:VGPU": " 3", "resources:CUSTOM_GOLD": "+4"}, {"VGPU": 3, "CUSTOM_GOLD": 4}),
        ({"hw:cpu_policy": "shared"}, {}),
        ({"hw:cpu_policy": "dedicated"}, {"cores": None, "PCPU": 4}),
        ({"hw:cpu_policy": "dedicated", "hw:emulator_threads_policy": "isolate"}, {"cores": None, "PCPU": 5}),
        ({"hw:cpu_policy": "dedicated", "hw:emulator_threads_policy": "share"}, {"cores": None, "PCPU": 4}),
        ({"hw:emulator_threads_policy": "isolate"}, {}),
        ({"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0-1"}, {"cores": 2, "PCPU": 2}),
        ({"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "^0"}, {"cores": 1, "PCPU": 3}),
        ({"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0-2, ^1"}, {"cores": 2, "PCPU": 2}),
        ({"hw:cpu_policy": "mixed", "hw:cpu_realtime": "yes", "hw:cpu_realtime_mask": "^0-1"}, {"cores": 2, "PCPU": 2}),
    ],
)  # fmt: skip
def test_what_a_flavor_takes(specs: dict[str, str], other: dict[str, int | None]) -> None:
    expected = {name: amount for name, amount in {**PLAIN, **other}.items() if amount is not None}
    assert needs(flavor(extra_specs=specs)) == expected


@pytest.mark.parametrize(
    ("sizes", "whole", "without_root"),
    [
        ({"disk": 20, "ephemeral": 0, "swap": 0}, 20, None),
        ({"disk": 20, "ephemeral": 3, "swap": 0}, 23, 3),
        ({"disk": 20, "ephemeral": 3, "swap": 1}, 24, 4),
        ({"disk": 20, "ephemeral": 3, "swap": 1024}, 24, 4),
        ({"disk": 20, "ephemeral": 3, "swap": 1025}, 25, 5),
        ({"disk": 0, "ephemeral": 0, "swap": 0}, None, None),
        ({"disk": 20, "extra_specs": {"resources:DISK_GB": "9"}}, 9, 9),
    ],
)
def test_local_disk(sizes: dict[str, Any], whole: int | None, without_root: int | None) -> None:
    assert needs(flavor(**sizes)).get("DISK_GB") == whole
    assert needs(flavor(**sizes), boot_from_volume=True).get("DISK_GB") == without_root


@given(
    st.dictionaries(
        st.sampled_from(
            ["resources:VCPU", "resources:VGPU", "resources1:VGPU", "hw:cpu_policy", "hw:cpu_dedicated_mask"]
        ),
        st.sampled_from(["0", "1", "3", "-1", "x", "dedicated", "mixed", "^0", "0-99", "^^", "9" * 40, ""]),
    ),
    st.integers(0, 64), st.integers(0, 4096),
)  # fmt: skip
def test_needs_are_never_zero_nor_negative_and_always_one_instance(
    specs: dict[str, str], vcpus: int, swap: int
) -> None:
    taken = needs(flavor(extra_specs=specs, vcpus=vcpus, swap=swap))
    assert taken["instances"] == 1
    assert all(0 < amount <= 10**12 for amount in taken.values())


def test_a_flavor_as_nova_lists_it() -> None:
    listed = {
        "id": "42", "name": "m1.tiny", "vcpus": 1, "ram": 512, "disk": 1, "swap": "", "OS-FLV-EXT-DATA:ephemeral": 2,
        "extra_specs": {"resources:VGPU": "1"},
    }  # fmt: skip
    found = flavor_from(listed)
    assert (found.id, found.name, found.vcpus, found.ram, found.disk) == ("42", "m1.tiny", 1, 512, 1)
    assert (found.ephemeral, found.swap, found.root_disk) == (2, 0, 1)
    assert found.needs == {"instances": 1, "cores": 1, "ram": 512, "VGPU": 1, "DISK_GB": 3}
    assert found.extra_specs == {"resources:VGPU": "1"}


@pytest.mark.parametrize(("override", "saved"), [({}, 20), ({"resources:DISK_GB": "9"}, 0)])
def test_the_root_disk_that_a_volume_saves(override: dict[str, str], saved: int) -> None:
    listed = {"id": "f", "name": "f", "vcpus": 1, "ram": 1, "disk": 20, "swap": 0, "extra_specs": override}
    assert flavor_from(listed).root_disk == saved


def test_a_flavor_as_it_stands_in_a_server() -> None:
    embedded = {
        "original_name": "m1.tiny", "vcpus": 2, "ram": 512, "disk": 10, "ephemeral": 1, "swap": 512,
        "extra_specs": {"hw:cpu_policy": "dedicated"},
    }  # fmt: skip
    assert needs_of_embedded(embedded, boot_from_volume=False) == {
        "instances": 1, "PCPU": 2, "ram": 512, "DISK_GB": 12,
    }  # fmt: skip
    assert needs_of_embedded(embedded, boot_from_volume=True)["DISK_GB"] == 2


@pytest.mark.parametrize("broken", [{}, {"id": "f", "name": "f", "vcpus": "many", "ram": 1, "disk": 1}, {"id": "f"}])
def test_what_is_no_flavor_is_not_read_as_one(broken: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        flavor_from(broken)
