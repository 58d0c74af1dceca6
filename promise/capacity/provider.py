"""A provider (a cloud and project we draw on) and what was discovered there; pure values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Access:
    """How a provider is reached, without the secret: Keystone v3 endpoint, user, project; None = not configured.

    `username` belongs to the credentials, not to the configuration: it is empty as long as there are none.
    """

    endpoint: str
    username: str
    user_domain_name: str | None = None
    project_id: str | None = None
    project_name: str | None = None
    project_domain_name: str | None = None
    region: str | None = None

    @property
    def user_domain(self) -> str:
        """Return the name of the user's domain."""
        return self.user_domain_name or "Default"

    @property
    def project_domain(self) -> str:
        """Return the name of the domain in which the project's name is looked up."""
        return self.project_domain_name or self.user_domain

    @property
    def project(self) -> tuple[str | None, ...]:
        """Return what says which project of the cloud it is, in which region."""
        return (self.project_id, self.project_name, self.project_domain_name, self.region)


@dataclass(frozen=True, slots=True)
class Flavor:
    """A flavor of the cloud and what one server of it takes.

    `needs` is the resource vector of one server in our names (design section 4): instances 1, cores, ram (MB),
    custom classes from `resources:*` extra specs (an override of VCPU or MEMORY_MB replaces cores or ram; a
    class set to 0 is absent; dedicated CPUs are PCPU instead of cores), and DISK_GB = root + ephemeral + swap
    rounded up to GB. `root_disk` is the part of DISK_GB that a server booting from a volume does not take.
    """

    id: str
    name: str
    vcpus: int
    ram: int
    disk: int
    needs: Mapping[str, int]
    root_disk: int = 0
    ephemeral: int = 0
    swap: int = 0
    extra_specs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Host:
    """A compute host: its zone, whether it is up and enabled, and what it gives (inventory x ratio - reserved)."""

    name: str
    zone: str
    up: bool
    enabled: bool
    capacity: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Zone:
    """An availability zone: up while one of its hosts is; `capacity` is what its hosts that are up give."""

    name: str
    up: bool
    hosts: int
    capacity: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Discovery:
    """What one look at a cloud found.

    `bound` is what the cloud can give our project at most, per resource; a resource that is absent has no bound.
    With capacity-source `placement` it is, for compute resources, inventory x ratio - reserved - usage of other
    projects; instances, Neutron's and Cinder's resources always come from quota (an unlimited quota is absent).
    `source` is the source that was really used: `placement` where the credentials may read it, else `quota`.
    """

    project_id: str
    project_name: str
    source: str
    bound: Mapping[str, int]
    zones: tuple[Zone, ...]
    hosts: tuple[Host, ...]
    flavors: tuple[Flavor, ...]
    compute_endpoint: str


USUAL_INTERVAL = 60
"""Seconds between two looks at a cloud when nothing is configured."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider as the ledger keeps it. `discovery` is the last successful look; None before the first one.

    `overcommit` multiplies the bound per resource, in thousandths (1000 = as the cloud says), so that all stays
    integer. `sync_interval` is in seconds. `position` is the configured order in which reservations try providers.
    `credential` names an entry of the secret store, None = the one with the id of the provider. None in other leaves
    that are configured means that they are not.
    """

    table: ClassVar[str] = "provider"

    id: str
    name: str
    provider_type: str
    access: Access
    credential: str | None
    position: int
    capacity_source: str | None = None
    overcommit: Mapping[str, int] = field(default_factory=dict)
    sync_interval: int | None = None
    alarms: bool | None = None
    discovery: Discovery | None = None
    reachable: bool = False
    last_sync: int | None = None
    last_error: str | None = None

    @property
    def secret(self) -> str:
        """Return the key of its password in the secret store."""
        return self.credential or self.id

    @property
    def interval(self) -> int:
        """Return the seconds between two looks at its cloud."""
        return self.sync_interval or USUAL_INTERVAL

    def bound(self) -> Mapping[str, int]:
        """Return what the cloud can give, per resource; an absent resource has no bound (design section 4)."""
        return self._committed(self.discovery.bound) if self.discovery else {}

    def zone_bound(self, zone: str) -> Mapping[str, int]:
        """Return what the hosts of a zone can give, per resource; nothing bounds a zone that was never seen."""
        seen = self.zone(zone)
        return (
            self._committed(seen.capacity) if seen and self.discovery and self.discovery.source == "placement" else {}
        )

    @property
    def inventoried(self) -> bool:
        """Tell whether the bound comes from inventories, which name every resource class that there is."""
        return self.discovery is not None and self.discovery.source == "placement"

    def zone(self, name: str) -> Zone | None:
        """Return the zone of this name as it was last seen."""
        zones = self.discovery.zones if self.discovery else ()
        return next((zone for zone in zones if zone.name == name), None)

    def flavor(self, name_or_id: str) -> Flavor | None:
        """Return the flavor with this id, else the one with this name when it is the only one (contract, Types)."""
        flavors = self.discovery.flavors if self.discovery else ()
        by_id = [flavor for flavor in flavors if flavor.id == name_or_id]
        matches = by_id or [flavor for flavor in flavors if flavor.name == name_or_id]
        return matches[0] if len(matches) == 1 else None

    def _committed(self, amounts: Mapping[str, int]) -> Mapping[str, int]:
        if not self.overcommit:
            return amounts
        return {name: amount * self.overcommit.get(name, 1000) // 1000 for name, amount in amounts.items()}

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON values."""
        return {
            "id": self.id,
            "name": self.name,
            "provider-type": self.provider_type,
            "access": asdict(self.access),
            "credential": self.credential,
            "position": self.position,
            "capacity-source": self.capacity_source,
            "overcommit": dict(self.overcommit),
            "sync-interval": self.sync_interval,
            "alarms": self.alarms,
            "discovery": asdict(self.discovery) if self.discovery else None,
            "reachable": self.reachable,
            "last-sync": self.last_sync,
            "last-error": self.last_error,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Provider:
        """Read what `to_json` wrote."""
        found = value["discovery"]
        return cls(
            id=value["id"],
            name=value["name"],
            provider_type=value["provider-type"],
            access=Access(**value["access"]),
            credential=value["credential"],
            position=value["position"],
            capacity_source=value["capacity-source"],
            overcommit=value["overcommit"],
            sync_interval=value["sync-interval"],
            alarms=value.get("alarms"),
            discovery=_discovery(found) if found else None,
            reachable=value["reachable"],
            last_sync=value["last-sync"],
            last_error=value["last-error"],
        )


def _discovery(value: Mapping[str, Any]) -> Discovery:
    """Read a discovery from what `asdict` made of it."""
    parts = {
        "zones": tuple(Zone(**zone) for zone in value["zones"]),
        "hosts": tuple(Host(**host) for host in value["hosts"]),
        "flavors": tuple(Flavor(**flavor) for flavor in value["flavors"]),
    }
    return Discovery(**{**value, **parts})
