from __future__ import annotations

import pytest

from promise.vim.openstack.quotas import CINDER, NEUTRON, NOVA, limits


def test_limits_have_our_names() -> None:
    nova = {
        "maxTotalInstances": 10,
        "maxTotalCores": 20,
        "maxTotalRAMSize": 51200,
        "totalCoresUsed": 3,
        "maxServerMeta": 5,
    }
    assert limits(nova, NOVA) == {"instances": 10, "cores": 20, "ram": 51200}
    neutron = {"network": 1, "subnet": 2, "port": 3, "router": 4, "floatingip": 5, "subnetpool": 6}
    assert limits(neutron, NEUTRON) == {"networks": 1, "subnets": 2, "ports": 3, "routers": 4, "addresses": 5}
    cinder = {"maxTotalVolumes": 1, "maxTotalVolumeGigabytes": 2, "maxTotalSnapshots": 0, "maxTotalBackups": 9}
    assert limits(cinder, CINDER) == {"volumes": 1, "gigabytes": 2, "snapshots": 0}


def test_no_limit_is_absent_and_none_at_all_is_zero() -> None:
    assert limits({"maxTotalCores": -1, "maxTotalInstances": 0}, NOVA) == {"instances": 0}
    assert limits({"maxTotalCores": 10**15}, NOVA) == {"cores": 10**12}


def test_what_is_no_number_is_no_limit() -> None:
    with pytest.raises(ValueError, match="many"):
        limits({"maxTotalCores": "many"}, NOVA)
