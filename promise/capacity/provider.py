"""A provider (a cloud and project we draw on) and what was discovered there; pure values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Access:
    """How a provider is reached, without the secret: Keystone v3 endpoint, user, project.

    `credential` names the entry of the secret store that holds the password.
    """

    endpoint: str
    username: str
    user_domain_name: str = "Default"
    project_id: str | None = None
    project_name: str | None = None
    project_domain_name: str | None = None
    region: str | None = None


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
