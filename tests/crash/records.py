"""What there is, as plain values; `shown` reads them from the server, `kept` from the tables of a ledger.

Capacities are {resource: amount}, moments seconds of UTC; an open end is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Capacity = dict[str, int]
LIVE: Final = frozenset({"initialized", "active"})


@dataclass(frozen=True)
class Reservation:
    """A reservation."""

    id: str
    name: str
    owner: str
    project: str
    provider: str
    zone: str | None
    start: int
    end: int | None
    expiry: int | None
    state: str
    degraded: bool
    priority: str
    capacity: Capacity
    version: int
    created: int

    @property
    def live(self) -> bool:
        """Tell whether it has a claim."""
        return self.state in LIVE


@dataclass(frozen=True)
class Instance:
    """An instance; `server` is the cloud's id of it."""

    id: str
    name: str
    owner: str
    project: str
    zone: str | None
    reservation: str | None
    flavor: str
    capacity: Capacity
    start: int
    vm_state: str
    server: str | None
    created: int

    @property
    def counted(self) -> bool:
        """Tell whether it takes anything: it may have a server, or may yet get one."""
        return self.vm_state != "DELETED" and not (self.vm_state == "ERROR" and self.server is None)

    @property
    def moving(self) -> bool:
        """Tell whether it is on its way to another state."""
        return self.vm_state in {"INITIALIZED", "BUILD", "DELETING", "UNKNOWN"}


@dataclass(frozen=True)
class Pool:
    """A contribution to what may be reserved; `note` is what its maker wrote on it."""

    id: str
    note: str
    owner: str
    zone: str | None
    start: int
    end: int | None
    direction: str
    capacity: Capacity
    created: int


@dataclass(frozen=True)
class Operation:
    """Something that was asked of a cloud."""

    id: str
    instance: str
    kind: str
    state: str
    attempts: int

    @property
    def moving(self) -> bool:
        """Tell whether it is not through."""
        return self.state in {"pending", "running", "uncertain"}


@dataclass(frozen=True)
class Snapshot:
    """Every record at one moment, by id."""

    reservations: dict[str, Reservation]
    instances: dict[str, Instance]
    pools: dict[str, Pool]
    operations: dict[str, Operation]

    @property
    def moving(self) -> list[Instance | Operation]:
        """Return what is under way in the cloud."""
        instances = [one for one in self.instances.values() if one.moving]
        return [*instances, *(one for one in self.operations.values() if one.moving)]
