"""Resource providers, their inventories and who holds what of them, by the rules of Placement.

capacity = (total - reserved) * allocation_ratio; an allocation fits while used + amount <= capacity.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from promise.resources import plus
from promise.vim.simulator.world.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

CLASSES: Final = (
    "VCPU", "MEMORY_MB", "DISK_GB", "PCI_DEVICE", "SRIOV_NET_VF", "NUMA_SOCKET", "NUMA_CORE", "NUMA_THREAD",
    "NUMA_MEMORY_MB", "IPV4_ADDRESS", "VGPU", "VGPU_DISPLAY_HEAD", "NET_BW_EGR_KILOBIT_PER_SEC",
    "NET_BW_IGR_KILOBIT_PER_SEC", "PCPU", "MEM_ENCRYPTION_CONTEXT", "FPGA", "PGPU",
    "NET_PACKET_RATE_KILOPACKET_PER_SEC", "NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC",
    "NET_PACKET_RATE_IGR_KILOPACKET_PER_SEC",
)  # fmt: skip
TRAITS: Final = (
    "COMPUTE_NODE", "COMPUTE_STATUS_DISABLED", "COMPUTE_VOLUME_ATTACH", "COMPUTE_DEVICE_TAGGING",
    "COMPUTE_TRUSTED_CERTS", "HW_CPU_X86_AVX2", "HW_CPU_X86_VMX", "MISC_SHARES_VIA_AGGREGATE", "STORAGE_DISK_SSD",
)  # fmt: skip
DISABLED: Final = "COMPUTE_STATUS_DISABLED"


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a provider has of one resource class."""

    total: int
    reserved: int = 0
    min_unit: int = 1
    max_unit: int = 2147483647
    step_size: int = 1
    allocation_ratio: float = 1.0

    @property
    def capacity(self) -> int:
        """Return what can be allocated in all."""
        return int((self.total - self.reserved) * self.allocation_ratio)

    def refuses(self, amount: int, used: int) -> bool:
        """Tell whether this amount cannot be added to what is used."""
        in_units = self.min_unit <= amount <= self.max_unit and amount % self.step_size == 0
        return not in_units or used + amount > self.capacity


@dataclass(slots=True)
class Provider:
    """A resource provider; every compute host is one."""

    id: str
    name: str
    parent: str | None = None
    generation: int = 0
    inventories: dict[str, Inventory] = field(default_factory=dict)
    traits: set[str] = field(default_factory=set)
    aggregates: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Consumer:
    """Who holds resources: a server, or anything else that was entered; `held` is by provider and class."""

    id: str
    project_id: str
    user_id: str
    held: dict[str, dict[str, int]]
    generation: int = 1
    type: str = "INSTANCE"


class Placement:
    """All providers and consumers, and the running sum of what each provider has given."""

    def __init__(self) -> None:
        self.providers: dict[str, Provider] = {}
        self.consumers: dict[str, Consumer] = {}
        self.classes: dict[str, None] = dict.fromkeys(CLASSES)
        self.traits: dict[str, None] = dict.fromkeys(TRAITS)
        self._used: dict[str, dict[str, int]] = {}

    def used(self, provider_id: str) -> dict[str, int]:
        """Return what is allocated of this provider, per class of its inventory."""
        used = self._used.get(provider_id, {})
        return {name: used.get(name, 0) for name in (*self.providers[provider_id].inventories, *used)}

    def has_room(self, provider_id: str, request: Mapping[str, int]) -> bool:
        """Tell whether the whole request fits on this provider now."""
        return not self.lacks(provider_id, request)

    def lacks(self, provider_id: str, request: Mapping[str, int]) -> list[str]:
        """Return the classes of the request that do not fit on this provider."""
        used, inventories = self._used.get(provider_id, {}), self.providers[provider_id].inventories
        return [
            name
            for name, amount in request.items()
            if name not in inventories or inventories[name].refuses(amount, used.get(name, 0))
        ]

    def hold(self, consumer: Consumer) -> None:
        """Replace what a consumer holds; it was checked before, or may not be refused."""
        self.release(consumer.id)
        for provider_id, amounts in consumer.held.items():
            self._used[provider_id] = plus(self._used.get(provider_id, {}), amounts)
            self.providers[provider_id].generation += 1
        if any(consumer.held.values()):
            self.consumers[consumer.id] = consumer

    def release(self, consumer_id: str) -> None:
        """Take everything from a consumer; one that holds nothing is fine."""
        consumer = self.consumers.pop(consumer_id, None)
        for provider_id, amounts in (consumer.held if consumer else {}).items():
            used = self._used[provider_id]
            for name, amount in amounts.items():
                used[name] -= amount
            self._used[provider_id] = {name: amount for name, amount in used.items() if amount}

    def claim(self, consumer: Consumer) -> None:
        """Give a consumer what it asks for, or raise a 409 that names provider and classes that lack room."""
        before = self.consumers.get(consumer.id)
        self.release(consumer.id)
        for provider_id, amounts in consumer.held.items():
            if lacking := self.lacks(provider_id, amounts):
                if before:
                    self.hold(before)
                classes = ", ".join(f"'{name}'" for name in lacking)
                raise ApiError(
                    409,
                    f"Unable to allocate inventory: Unable to create allocation for {classes} on resource provider "
                    f"'{provider_id}'. The requested amount would exceed the capacity.",
                )
        self.hold(consumer)

    def set_inventories(self, provider: Provider, inventories: dict[str, Inventory]) -> None:
        """Replace a provider's inventories; a class that is in use cannot be taken away (409)."""
        used = self._used.get(provider.id, {})
        if gone := sorted(name for name in used if name not in inventories):
            raise ApiError(
                409,
                f"update conflict: Inventory for '{', '.join(gone)}' on resource provider '{provider.id}' in use.",
                "placement.inventory.inuse",
            )
        provider.inventories = inventories
        provider.generation += 1

    def holders(self, provider_id: str) -> list[Consumer]:
        """Return the consumers that hold something of this provider."""
        return [consumer for consumer in self.consumers.values() if provider_id in consumer.held]

    def usage_of(self, project_id: str, user_id: str | None = None) -> dict[str, int]:
        """Return what all consumers of a project (and user) hold, per class."""
        total: dict[str, int] = {}
        for consumer in self.consumers.values():
            if consumer.project_id == project_id and user_id in {None, consumer.user_id}:
                for amounts in consumer.held.values():
                    total = plus(total, amounts)
        return total

    def remove(self, provider: Provider) -> None:
        """Remove a provider that nobody holds anything of, or raise a 409."""
        if self.holders(provider.id):
            raise ApiError(
                409,
                f"Unable to delete resource provider {provider.id}: Resource provider has allocations.",
                "placement.resource_provider.inuse",
            )
        del self.providers[provider.id]
        self._used.pop(provider.id, None)


def with_change(inventory: Inventory, **change: float) -> Inventory:
    """Return the inventory with these of its figures replaced; total and reserved must agree (400)."""
    changed = replace(inventory, **change)  # type: ignore[arg-type]
    if changed.reserved > changed.total:
        raise ApiError(400, "Invalid inventory: reserved is greater than total.")
    return changed
