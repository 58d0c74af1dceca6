"""Flavors, and what one server of a flavor asks of Placement."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_OVERRIDE: Final = re.compile(r"resources(?:[1-9][0-9]*)?:([A-Z0-9_]+)")
_MB_PER_GB: Final = 1024


@dataclass(slots=True)
class Flavor:
    """A flavor: ram and swap in MB, disk and ephemeral in GB."""

    id: str
    name: str
    vcpus: int
    ram: int
    disk: int
    ephemeral: int = 0
    swap: int = 0
    public: bool = True
    description: str | None = None
    rxtx_factor: float = 1.0
    extra_specs: dict[str, str] = field(default_factory=dict)
    projects: set[str] = field(default_factory=set)


def request_of(flavor: Flavor, *, from_volume: bool = False) -> dict[str, int]:
    """Return what Nova asks of Placement for one server, per resource class, without zeros.

    Dedicated CPUs are PCPU; the disk is root + ephemeral + swap, rounded up to GB, without the root disk when the
    server boots from a volume; `resources:CLASS` in the extra specs replaces or adds, and 0 takes away.
    """
    disk = (0 if from_volume else flavor.disk) + flavor.ephemeral + -(-flavor.swap // _MB_PER_GB)
    request = {**_cpus(flavor), "MEMORY_MB": flavor.ram, "DISK_GB": disk}
    for key, value in flavor.extra_specs.items():
        if found := _OVERRIDE.fullmatch(key):
            request[found[1]] = int(value)
    return {name: amount for name, amount in request.items() if amount}


def _cpus(flavor: Flavor) -> Mapping[str, int]:
    policy = flavor.extra_specs.get("hw:cpu_policy", "shared")
    if policy == "dedicated":
        return {"PCPU": flavor.vcpus}
    if policy == "mixed":
        dedicated = len(_masked(flavor.extra_specs.get("hw:cpu_dedicated_mask", ""), flavor.vcpus))
        return {"VCPU": flavor.vcpus - dedicated, "PCPU": dedicated}
    return {"VCPU": flavor.vcpus}


def _masked(mask: str, vcpus: int) -> set[int]:
    """Return the CPUs that a mask names: "0-3,^2,8", or with "^" in front all but those that follow."""
    if mask.startswith("^"):
        return set(range(vcpus)) - _masked(mask[1:], vcpus)
    cpus: set[int] = set()
    for part in filter(None, (part.strip() for part in mask.split(","))):
        first, _, last = part.lstrip("^").partition("-")
        named = set(range(int(first), int(last or first) + 1))
        cpus = cpus - named if part.startswith("^") else cpus | named
    return cpus & set(range(vcpus))


def required_traits(flavor: Flavor) -> tuple[set[str], set[str]]:
    """Return the traits that a host must have, and those that it must not."""
    wanted = {key.partition(":")[2]: value for key, value in flavor.extra_specs.items() if key.startswith("trait:")}
    return (
        {trait for trait, value in wanted.items() if value == "required"},
        {trait for trait, value in wanted.items() if value == "forbidden"},
    )
