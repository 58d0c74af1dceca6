"""What hosts give and what of it others use, from Placement's inventories and allocations; pure.

Placement knows resource providers: a compute node, and what is nested below it (NUMA cells, GPUs). A provider whose
root is no hypervisor of Nova (left behind by a removed host, or shared storage) is nobody's host and counts nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from promise.capacity.provider import Host, Zone
from promise.resources import LARGEST, total_of
from promise.vim.openstack.flavors import NAMES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

ALWAYS: Final = {"cores": 0, "ram": 0}
"""What a compute cloud gives at least nothing of: absent would mean "without bound"."""


@dataclass(frozen=True, slots=True)
class ComputeHost:
    """A nova-compute service, with the compute nodes (by uuid or name) that it runs."""

    name: str
    zone: str
    up: bool
    enabled: bool
    nodes: frozenset[str] = frozenset()

    @property
    def usable(self) -> bool:
        """Tell whether Nova would put a server here."""
        return self.up and self.enabled


@dataclass(frozen=True, slots=True)
class Provider:
    """A resource provider of Placement: its root's uuid and name, its inventory, its allocations by consumer."""

    uuid: str
    root: str
    root_name: str
    inventories: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    allocations: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Supply:
    """What there is for us: `hosts` with what they give, `zones` and `bound` less what other projects use."""

    hosts: tuple[Host, ...]
    zones: tuple[Zone, ...]
    bound: Mapping[str, int]


def supply(hosts: Sequence[ComputeHost], providers: Sequence[Provider], ours: Collection[str]) -> Supply:
    """Add up per host, zone and cloud (design section 4, `bound`).

    `ours` are the consumers of our project; what all others use lowers what a provider leaves us, to no less than 0.
    Hosts that are down or disabled leave nothing, but their resources stay named: 0 is a bound, absent is none.
    """
    owned = _by_host(hosts, providers)
    given = {host.name: _sum(map(capacity, owned[host.name])) for host in hosts}
    left = {host.name: _sum(_left_by(provider, host, ours) for provider in owned[host.name]) for host in hosts}
    zones = sorted({host.zone for host in hosts})
    return Supply(
        hosts=tuple(Host(host.name, host.zone, host.up, host.enabled, given[host.name]) for host in hosts),
        zones=tuple(_zone(name, [host for host in hosts if host.zone == name], left) for name in zones),
        bound=ALWAYS | _sum(left.values()),
    )


def without_placement(hosts: Sequence[ComputeHost]) -> Supply:
    """Return hosts and zones whose capacity nobody told us: nothing is named, nothing is bound."""
    zones = sorted({host.zone for host in hosts})
    return Supply(
        hosts=tuple(Host(host.name, host.zone, host.up, host.enabled, {}) for host in hosts),
        zones=tuple(_zone(name, [host for host in hosts if host.zone == name], {}) for name in zones),
        bound={},
    )


def capacity(provider: Provider) -> dict[str, int]:
    """Return (total - reserved) x ratio per resource in our names, rounded down as Placement does."""
    return {NAMES.get(name, name): _usable(inventory) for name, inventory in provider.inventories.items()}


def used_by_others(provider: Provider, ours: Collection[str]) -> dict[str, int]:
    """Return what consumers other than ours hold of this provider, in our names."""
    foreign = (held for consumer, held in provider.allocations.items() if consumer not in ours)
    return {NAMES.get(name, name): amount for name, amount in total_of(foreign).items()}


def _by_host(hosts: Sequence[ComputeHost], providers: Iterable[Provider]) -> dict[str, list[Provider]]:
    owner = {node: host.name for host in hosts for node in host.nodes}
    found: dict[str, list[Provider]] = {host.name: [] for host in hosts}
    for provider in providers:
        host = owner.get(provider.root) or owner.get(provider.root_name)
        if host is not None:
            found[host].append(provider)
    return found


def _left_by(provider: Provider, host: ComputeHost, ours: Collection[str]) -> dict[str, int]:
    taken = used_by_others(provider, ours)
    return {
        name: max(0, amount - taken.get(name, 0)) if host.usable else 0
        for name, amount in capacity(provider).items()
    }  # fmt: skip


def _zone(name: str, hosts: Sequence[ComputeHost], left: Mapping[str, Mapping[str, int]]) -> Zone:
    return Zone(
        name=name,
        up=any(host.usable for host in hosts),
        hosts=len(hosts),
        capacity=_sum(left.get(host.name, {}) for host in hosts),
    )


def _sum(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    return {name: min(amount, LARGEST) for name, amount in total_of(parts).items()}


def _usable(inventory: Mapping[str, Any]) -> int:
    free = int(inventory["total"]) - int(inventory.get("reserved", 0))
    return max(0, int(free * float(inventory.get("allocation_ratio", 1.0))))
