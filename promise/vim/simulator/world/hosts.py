"""Compute hosts: the service that runs there, its zone, and the resource provider that stands for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.names import lasting
from promise.vim.simulator.world.placement import DISABLED, Inventory, Provider

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from promise.vim.simulator.options import SimulatorOptions
    from promise.vim.simulator.world.placement import Placement


@dataclass(slots=True)
class Host:
    """One compute host. `alive` is the machine, `forced_down` and `enabled` what operators say of it.

    `waiting` holds the changes that fell due while it was dead; they are made when it comes back, as messages
    wait in a queue.
    """

    name: str
    zone: str
    number: int
    provider: Provider
    service_id: str
    updated: float
    alive: bool = True
    enabled: bool = True
    forced_down: bool = False
    disabled_reason: str | None = None
    waiting: list[Callable[[float], None]] = field(default_factory=list)

    @property
    def up(self) -> bool:
        """Tell whether Nova shows the service as up."""
        return self.alive and not self.forced_down

    def when_alive(self, change: Callable[[float], None]) -> Callable[[float], None]:
        """Wrap a change that this host makes, so that it waits while the host is dead."""

        def make(moment: float) -> None:
            if self.alive:
                change(moment)
            else:
                self.waiting.append(change)

        return make


class Hosts:
    """The compute hosts of the cloud by name, and the zones that they form."""

    def __init__(self, options: SimulatorOptions, placement: Placement, now: float) -> None:
        self._options = options
        self._placement = placement
        self._made = 0
        self.by_name: dict[str, Host] = {}
        self.zones = list(options.zones)
        for index in range(options.hosts):
            self.add(f"cmp{index + 1}", options.zones[index % len(options.zones)], now)

    def standard(self) -> dict[str, Inventory]:
        """Return the inventories that the options give to every host."""
        o = self._options
        of = {
            "VCPU": (o.vcpus, o.reserved_cpus, o.cpu_ratio),
            "MEMORY_MB": (o.ram, o.reserved_ram, o.ram_ratio),
            "DISK_GB": (o.disk, o.reserved_disk, o.disk_ratio),
            **{name: (amount, 0, 1.0) for name, amount in o.classes.items()},
        }
        return {
            name: Inventory(total, reserved, max_unit=total, allocation_ratio=ratio)
            for name, (total, reserved, ratio) in of.items()
            if total
        }

    def add(self, name: str, zone: str, now: float, inventories: Mapping[str, Inventory] | None = None) -> Host:
        """Add a host (409 when there is one of this name); without inventories it is like every other."""
        if name in self.by_name:
            raise ApiError(409, f"Host {name} already exists.")
        provider = Provider(lasting("host", name), name, generation=1, traits={"COMPUTE_NODE"})
        provider.inventories = dict(self.standard() if inventories is None else inventories)
        provider.aggregates = {lasting("aggregate", zone)}
        for resource_class in provider.inventories:
            self._placement.classes.setdefault(resource_class)
        self._placement.providers[provider.id] = provider
        self._made += 1
        host = Host(name, zone, self._made, provider, lasting("service", name), now)
        self.by_name[name] = host
        if zone not in self.zones:
            self.zones.append(zone)
        return host

    def get(self, name: str) -> Host:
        """Return the host with this name, or raise a 404."""
        if name not in self.by_name:
            raise ApiError(404, f"Compute host {name} could not be found.")
        return self.by_name[name]

    def remove(self, host: Host) -> None:
        """Remove a host that holds nothing, or raise a 409."""
        self._placement.remove(host.provider)
        del self.by_name[host.name]

    def enable(self, host: Host, now: float, *, enabled: bool, reason: str | None = None) -> None:
        """Enable or disable the service; Placement learns of it by a trait, as from Nova."""
        host.enabled, host.disabled_reason, host.updated = enabled, None if enabled else reason, now
        if enabled:
            host.provider.traits.discard(DISABLED)
        else:
            host.provider.traits.add(DISABLED)
        host.provider.generation += 1

    def kill(self, host: Host, now: float) -> None:
        """Take the machine down: its servers stay as they are, and nothing that it should do happens."""
        host.alive, host.updated = False, now

    def revive(self, host: Host, now: float) -> None:
        """Bring the machine back: what waited for it happens now."""
        host.alive, host.updated = True, now
        waiting, host.waiting = host.waiting, []
        for change in waiting:
            change(now)
