"""What one server of a flavor takes, reckoned as Nova's scheduler does; pure.

Facts (design section 4; Nova's flavor documentation, "resources:*", "hw:cpu_policy"):

* `resources:CLASS=n` overrides what the flavor says of that class; groups (`resources1:VGPU`) add up;
* explicit VCPU or PCPU, also 0, replaces the flavor's vcpus;
* `hw:cpu_policy=dedicated` takes PCPU instead of VCPU, `mixed` both; an isolated emulator thread is one PCPU more;
* DISK_GB is root + ephemeral + swap (MB, rounded up to GB); a server booting from a volume takes no root disk.

What only an image or a port adds (hw_cpu_policy of the image, PCI aliases, bandwidth) is not the flavor's to say.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from promise.capacity.provider import Flavor
from promise.resources import LARGEST, named

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES: Final = {"VCPU": "cores", "MEMORY_MB": "ram"}
"""Placement's resource classes that have a leaf of ours; every other class goes by its own name."""

_OVERRIDE: Final = re.compile(r"resources(?:[a-zA-Z0-9_-]{1,64})?:([A-Z0-9_]+)")
_MB_PER_GB: Final = 1024


def flavor_from(shown: Mapping[str, Any]) -> Flavor:
    """Read a flavor as `GET /flavors/detail` shows it (Nova 2.61: with extra_specs).

    Raises:
        KeyError, TypeError, ValueError: what was read is not a flavor.
    """
    flavor = _sizes(shown, id_=str(shown["id"]), name=str(shown["name"]))
    return _with_needs(flavor, boot_from_volume=False)


def needs_of_embedded(shown: Mapping[str, Any], *, boot_from_volume: bool) -> dict[str, int]:
    """Return what a server takes, from the flavor inside it (Nova 2.47: sizes and extra_specs, no id)."""
    flavor = _sizes(shown, id_="", name=str(shown.get("original_name", "")))
    return needs(flavor, boot_from_volume=boot_from_volume)


def needs(flavor: Flavor, *, boot_from_volume: bool = False) -> dict[str, int]:
    """Return the resource vector of one server in our names; zeros are absent."""
    asked = _overrides(flavor.extra_specs) | _pinned(flavor)
    if "VCPU" not in asked and "PCPU" not in asked:
        asked["VCPU"] = flavor.vcpus
    asked.setdefault("MEMORY_MB", flavor.ram)
    asked.setdefault("DISK_GB", _local_disk(flavor, boot_from_volume=boot_from_volume))
    return {"instances": 1} | named({NAMES.get(name, name): min(amount, LARGEST) for name, amount in asked.items()})


def _sizes(shown: Mapping[str, Any], *, id_: str, name: str) -> Flavor:
    ephemeral = shown.get("OS-FLV-EXT-DATA:ephemeral", shown.get("ephemeral", 0))
    specs = shown.get("extra_specs") or {}
    return Flavor(
        id=id_, name=name, vcpus=int(shown["vcpus"]), ram=int(shown["ram"]), disk=int(shown["disk"]), needs={},
        ephemeral=int(ephemeral or 0), swap=int(shown.get("swap") or 0),  # no swap is "" before Nova 2.75
        extra_specs={str(key): str(value) for key, value in specs.items()},
    )  # fmt: skip


def _with_needs(flavor: Flavor, *, boot_from_volume: bool) -> Flavor:
    taken = needs(flavor, boot_from_volume=boot_from_volume)
    saved = taken.get("DISK_GB", 0) - needs(flavor, boot_from_volume=True).get("DISK_GB", 0)
    return Flavor(
        id=flavor.id, name=flavor.name, vcpus=flavor.vcpus, ram=flavor.ram, disk=flavor.disk, needs=taken,
        root_disk=saved, ephemeral=flavor.ephemeral, swap=flavor.swap, extra_specs=flavor.extra_specs,
    )  # fmt: skip


def _overrides(extra_specs: Mapping[str, str]) -> dict[str, int]:
    """Return the sum per class of `resources:*`; amounts that Nova would ignore are ignored."""
    found: dict[str, int] = {}
    for key, text in extra_specs.items():
        match = _OVERRIDE.fullmatch(key)
        amount = _whole(text)
        if match is not None and amount is not None:
            found[match[1]] = found.get(match[1], 0) + amount
    return found


def _pinned(flavor: Flavor) -> dict[str, int]:
    specs = flavor.extra_specs
    emulator = 1 if specs.get("hw:emulator_threads_policy") == "isolate" else 0
    match specs.get("hw:cpu_policy"):
        case "dedicated":
            return {"PCPU": flavor.vcpus + emulator}
        case "mixed":
            pinned = len(_cpus(specs.get("hw:cpu_dedicated_mask") or specs.get("hw:cpu_realtime_mask") or "", flavor))
            return {"PCPU": pinned + emulator, "VCPU": flavor.vcpus - pinned}
        case _:
            return {}


def _cpus(mask: str, flavor: Flavor) -> set[int]:
    """Return the flavor's CPUs in a mask like "0-3,^1"; one that only excludes is meant against all of them."""
    everyone = set(range(flavor.vcpus))
    taken: set[int] = everyone if mask.strip().startswith("^") else set()
    excluded: set[int] = set()
    for rule in mask.replace(" ", "").split(","):
        first, _, last = rule.removeprefix("^").partition("-")
        low, high = _whole(first), _whole(last or first)
        if low is not None and high is not None:
            (excluded if rule.startswith("^") else taken).update(range(low, min(high, flavor.vcpus) + 1))
    return (taken - excluded) & everyone


def _local_disk(flavor: Flavor, *, boot_from_volume: bool) -> int:
    root = 0 if boot_from_volume else flavor.disk
    return root + flavor.ephemeral + -(-flavor.swap // _MB_PER_GB)


def _whole(text: str) -> int | None:
    """Return a number as Nova reads it (" 3" and "+3" are 3); None for what it would ignore."""
    try:
        amount = int(text)
    except ValueError:
        return None
    return amount if amount >= 0 else None
