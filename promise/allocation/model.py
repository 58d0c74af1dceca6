"""An allocation (our record of one instance) and the operations asked of a cloud for it; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from promise.capacity.model import Scope
from promise.resources import minus, named

if TYPE_CHECKING:
    from collections.abc import Mapping


class VmState(StrEnum):
    """Where an instance stands in its life (design section 5)."""

    INITIALIZED = "INITIALIZED"
    BUILD = "BUILD"
    ACTIVE = "ACTIVE"
    STOPPED = "STOPPED"
    ERROR = "ERROR"
    DELETING = "DELETING"
    DELETED = "DELETED"
    UNKNOWN = "UNKNOWN"


UNSETTLED = frozenset({VmState.INITIALIZED, VmState.BUILD, VmState.DELETING, VmState.UNKNOWN})
"""The states from which an instance is expected to move on by itself."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """One instance and what it takes.

    `capacity` is all that it takes. `covered` is the part of it under the claim of `reservation`, from `start` to
    `covered_until`; the rest is loose. `counted` is False once the cloud holds nothing for it any more.
    `server` is the cloud's id, None until the cloud has accepted. `ours` is False for a server made directly.
    `told` is the moment at which it was told to go, `overdue` that it should be gone by now.
    `user_data` tells that there is some: it may hold secrets, so it is kept beside the journal.
    """

    table: ClassVar[str] = "allocation"

    id: str
    name: str
    owner: str
    project: str
    provider: str
    zone: str | None
    flavor: str
    image: str
    capacity: Mapping[str, int]
    start: int
    vm_state: VmState
    created: int
    modified: int
    reservation: str | None = None
    reserved_zone: str | None = None
    covered: Mapping[str, int] = field(default_factory=dict)
    covered_until: int = 0
    networks: tuple[str, ...] = ()
    server: str | None = None
    host: str | None = None
    end: int | None = None
    priority: str = "low"
    fault: str | None = None
    counted: bool = True
    ours: bool = True
    key_name: str | None = None
    security_groups: tuple[str, ...] = ()
    user_data: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    told: int | None = None
    overdue: bool = False
    affinity: tuple[tuple[str, str], ...] = ()

    @property
    def elements(self) -> tuple[str, ...]:
        """Return the elements of the cloud that it is made of, by which queries find it: its server."""
        return (self.server,) if self.server else ()

    @property
    def going(self) -> bool:
        """Tell whether it was told to go and may still be there for a while: then it is no shortage."""
        return self.counted and self.vm_state is VmState.DELETING and self.told is not None and not self.overdue

    @property
    def loose(self) -> Mapping[str, int]:
        """Return what it takes without a claim; after a resize in the cloud also what is more than the claim covers."""
        return named(minus(self.capacity, self.covered))

    @property
    def drawn(self) -> Mapping[str, int]:
        """Return what it takes of its reservation, and of the resources that this one does not name."""
        return {**self.capacity, **self.covered}

    def loose_in(self, scope: Scope) -> Mapping[str, int]:
        """Return what it takes in a scope without a claim there: a reservation without a zone has none in a zone."""
        return self.loose if scope.zone in {None, self.reserved_zone} else self.capacity

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Return the scopes in which it counts: its provider, and the zone where it is."""
        whole = Scope(self.provider)
        return (whole, Scope(self.provider, self.zone)) if self.zone else (whole,)

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON values."""
        return {
            "id": self.id,
            "name": self.name,
            "owner": self.owner,
            "project": self.project,
            "provider": self.provider,
            "zone": self.zone,
            "flavor": self.flavor,
            "image": self.image,
            "capacity": dict(self.capacity),
            "start": self.start,
            "vm_state": self.vm_state.value,
            "created": self.created,
            "modified": self.modified,
            "reservation": self.reservation,
            "reserved_zone": self.reserved_zone,
            "covered": dict(self.covered),
            "covered_until": self.covered_until,
            "networks": list(self.networks),
            "server": self.server,
            "host": self.host,
            "end": self.end,
            "priority": self.priority,
            "fault": self.fault,
            "counted": self.counted,
            "ours": self.ours,
            "key_name": self.key_name,
            "security_groups": list(self.security_groups),
            "user_data": self.user_data,
            "metadata": dict(self.metadata),
            "affinity": [list(rule) for rule in self.affinity],
            "told": self.told,
            "overdue": self.overdue,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Allocation:
        """Read what `to_json` wrote."""
        read = {
            "vm_state": VmState(value["vm_state"]),
            "networks": tuple(value["networks"]),
            "security_groups": tuple(value["security_groups"]),
            "affinity": tuple((kind, group) for kind, group in value.get("affinity", ())),
        }
        return cls(**{**value, **read})


class Asked(StrEnum):
    """What an operation asks of a cloud."""

    CREATE = "create-server"
    DELETE = "delete-server"


class Progress(StrEnum):
    """How far an operation is: `uncertain` = sent, and nobody knows whether it had its effect."""

    PENDING = "pending"
    RUNNING = "running"
    UNCERTAIN = "uncertain"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


OPEN = frozenset({Progress.PENDING, Progress.RUNNING, Progress.UNCERTAIN})
"""An operation in one of these is not through."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Something asked of a cloud for an instance: durable, so that it is resumed after a crash.

    `not_before` is the moment of the next attempt; `attempted` that of the last one.
    """

    table: ClassVar[str] = "operation"

    id: str
    instance: str
    provider: str
    asked: Asked
    progress: Progress
    created: int
    attempts: int = 0
    attempted: int | None = None
    not_before: int = 0
    finished: int | None = None
    result: str | None = None

    @property
    def open(self) -> bool:
        """Tell whether there is still something to do for it."""
        return self.progress in OPEN

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON values."""
        return {
            "id": self.id,
            "instance": self.instance,
            "provider": self.provider,
            "asked": self.asked.value,
            "progress": self.progress.value,
            "created": self.created,
            "attempts": self.attempts,
            "attempted": self.attempted,
            "not_before": self.not_before,
            "finished": self.finished,
            "result": self.result,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Operation:
        """Read what `to_json` wrote."""
        return cls(**{**value, "asked": Asked(value["asked"]), "progress": Progress(value["progress"])})
