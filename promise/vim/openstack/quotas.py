"""A project's limits as Nova, Neutron and Cinder show them, in our names; pure. No limit (-1) is absent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from promise.resources import LARGEST

if TYPE_CHECKING:
    from collections.abc import Mapping

NOVA: Final = {"maxTotalInstances": "instances", "maxTotalCores": "cores", "maxTotalRAMSize": "ram"}
NEUTRON: Final = {
    "network": "networks", "subnet": "subnets", "port": "ports", "router": "routers", "floatingip": "addresses",
}  # fmt: skip
CINDER: Final = {
    "maxTotalVolumes": "volumes", "maxTotalVolumeGigabytes": "gigabytes", "maxTotalSnapshots": "snapshots",
}  # fmt: skip


def limits(shown: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, int]:
    """Return the limits that bind, by our names (ram in MB, gigabytes in GB).

    Raises:
        TypeError, ValueError: a limit is not a number.
    """
    found = {ours: int(shown[theirs]) for theirs, ours in names.items() if theirs in shown}
    return {name: min(amount, LARGEST) for name, amount in found.items() if amount >= 0}
