"""What a simulated cloud is made of when it starts; every value can be said, none must be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class FlavorOption:
    """A flavor: ram in MB, disk and ephemeral in GB, swap in MB; extra specs as Nova knows them."""

    name: str
    vcpus: int
    ram: int
    disk: int
    ephemeral: int = 0
    swap: int = 0
    extra_specs: Mapping[str, str] = field(default_factory=dict)
    id: str | None = None


@dataclass(frozen=True, slots=True)
class ImageOption:
    """An image of `size` bytes; min_ram in MB and min_disk in GB keep it from smaller flavors."""

    name: str
    size: int = 512
    min_ram: int = 0
    min_disk: int = 0


@dataclass(frozen=True, slots=True)
class NetworkOption:
    """A network with one subnet; `shared` is for every project, `external` for floating addresses."""

    name: str
    cidr: str
    shared: bool = True
    external: bool = False


FLAVORS: Final = (
    FlavorOption("m1.tiny", 1, 512, 1, id="1"),
    FlavorOption("m1.small", 1, 2048, 20, id="2"),
    FlavorOption("m1.medium", 2, 4096, 40, id="3"),
    FlavorOption("m1.large", 4, 8192, 80, id="4"),
    FlavorOption("m1.xlarge", 8, 16384, 160, id="5"),
)
NETWORKS: Final = (
    NetworkOption("private", "10.0.0.0/16"),
    NetworkOption("public", "172.24.4.0/22", shared=False, external=True),
)


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """A whole cloud: hosts, zones, flavors, quotas, people and how long things take.

    Hosts are named cmp1, cmp2, ... and go to the zones in turn. vcpus, ram (MB), disk (GB), `classes` (further
    Placement resource classes), ratios and reservations are those of each host. `quotas` are by the names of
    Nova, Neutron and Cinder, for every project; where they say nothing of cores and ram, those are never the
    scarcer limit. `volume_zones` are Cinder's availability zones. `build_seconds` and the like may be fractions.
    `promise_admin` gives the user promise the role admin, without which Placement says 403. A page of any list holds
    at most `page_size` entries. A server or volume with `fail_marker` in its name fails, one with `stuck_marker` is
    never made.
    """

    hosts: int = 4
    zones: tuple[str, ...] = ("az1", "az2")
    vcpus: int = 32
    ram: int = 131072
    disk: int = 1000
    classes: Mapping[str, int] = field(default_factory=dict)
    cpu_ratio: float = 1.0
    ram_ratio: float = 1.0
    disk_ratio: float = 1.0
    reserved_cpus: int = 0
    reserved_ram: int = 0
    reserved_disk: int = 0
    flavors: tuple[FlavorOption, ...] = FLAVORS
    images: tuple[ImageOption, ...] = (ImageOption("cirros"),)
    networks: tuple[NetworkOption, ...] = NETWORKS
    quotas: Mapping[str, int] = field(default_factory=dict)
    volume_types: tuple[str, ...] = ("standard",)
    volume_zones: tuple[str, ...] = ("nova",)
    volume_pool: int = 20000
    build_seconds: float = 1.0
    delete_seconds: float = 0.5
    action_seconds: float = 0.5
    volume_seconds: float = 0.5
    token_seconds: int = 3600
    promise_admin: bool = True
    projects: tuple[str, ...] = ("promise", "admin", "tenant")
    page_size: int = 1000
    fail_marker: str = "sim-fail"
    slow_marker: str = "sim-slow"
    stuck_marker: str = "sim-stuck"
    region: str = "RegionOne"

    def __post_init__(self) -> None:
        """Refuse a cloud that could not exist, naming what is wrong with it."""
        if self.hosts < 0 or not self.zones or not self.volume_zones:
            raise ValueError("a cloud has zero or more hosts and at least one zone, of volumes too")
        for name in ("vcpus", "ram", "disk", "reserved_cpus", "reserved_ram", "reserved_disk", "volume_pool"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")
        for name in ("cpu_ratio", "ram_ratio", "disk_ratio", "page_size", "token_seconds"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be greater than zero")
        for name in ("build_seconds", "delete_seconds", "action_seconds", "volume_seconds"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")
        names = [flavor.name for flavor in self.flavors]
        if len(set(names)) != len(names):
            raise ValueError("two flavors have the same name")
        if "promise" not in self.projects or "admin" not in self.projects:
            raise ValueError("the projects promise and admin must exist")
