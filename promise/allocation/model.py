"""An allocation (our record of one instance) and the operations asked of a cloud for it; pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from promise.allocation.part import Part, PartKind
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


USER_DATA = "user-data/"
"""Where the user data of an allocation is kept aside, before its id, until its server is made."""

UNSETTLED = frozenset({VmState.INITIALIZED, VmState.BUILD, VmState.DELETING, VmState.UNKNOWN})
"""The states from which an instance is expected to move on by itself."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """One instance and what it takes, or a volume that outlived its instance `kept_from`: it has no server.

    `capacity` is all that it takes. `covered` is the part of it under the claim of `reservation`, from `start` to
    `covered_until`; the rest is loose. `counted` is False once the cloud holds nothing for it any more.
    What its reservation names and has none left of is covered by 0.
    `server` is the cloud's id, None until the cloud has accepted. `ours` is False for a server made directly.
    `told` is the moment at which it was told to go, `overdue` that it should be gone by now.
    `user_data` tells that there is some: it may hold secrets, so it is kept beside the journal.
    `parts` are its volumes and addresses. `undone` tells that something of it was refused, and all of it is being taken
    back; `server_gone` that its server is not there any more, while parts may be. While it goes in parts `capacity` is
    what is left of it, and `whole` what it took.
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
    parts: tuple[Part, ...] = ()
    undone: bool = False
    server_gone: bool = False
    whole: Mapping[str, int] = field(default_factory=dict)
    kept_from: str | None = None

    @property
    def leaving(self) -> bool:
        """Tell whether all that is still there of it has to go, and nothing more is made for it."""
        return self.counted and (self.undone or self.server_gone or self.told is not None)

    @property
    def volumes(self) -> tuple[Part, ...]:
        """Return its volumes, those that are only wanted too."""
        return tuple(part for part in self.parts if part.kind is PartKind.VOLUME)

    @property
    def addresses(self) -> tuple[Part, ...]:
        """Return its addresses, those that are only wanted too."""
        return tuple(part for part in self.parts if part.kind is PartKind.ADDRESS)

    def part(self, key: str | None) -> Part | None:
        """Return the part of this key."""
        return next((part for part in self.parts if part.key == key), None)

    def with_part(self, changed: Part) -> Allocation:
        """Return the instance with a part as it stands now."""
        parts = tuple(changed if part.key == changed.key else part for part in self.parts)
        return replace(self, parts=parts)

    @property
    def elements(self) -> tuple[str, ...]:
        """Return the elements of the cloud that it is made of, by which queries find it: its server and its parts."""
        parts = [part.id for part in self.parts if part.id is not None and not part.gone]
        return (self.server, *parts) if self.server else tuple(parts)

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
            "parts": [part.to_json() for part in self.parts],
            "undone": self.undone,
            "server_gone": self.server_gone,
            "whole": dict(self.whole),
            "kept_from": self.kept_from,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Allocation:
        """Read what `to_json` wrote."""
        read = {
            "vm_state": VmState(value["vm_state"]),
            "networks": tuple(value["networks"]),
            "security_groups": tuple(value["security_groups"]),
            "affinity": tuple((kind, group) for kind, group in value.get("affinity", ())),
            "parts": tuple(Part.from_json(part) for part in value.get("parts", ())),
        }
        return cls(**{**value, **read})


class Asked(StrEnum):
    """What an operation asks of a cloud."""

    CREATE = "create-server"
    DELETE = "delete-server"
    CREATE_VOLUME = "create-volume"
    DELETE_VOLUME = "delete-volume"
    CREATE_ADDRESS = "create-address"
    DELETE_ADDRESS = "delete-address"

    @property
    def makes(self) -> bool:
        """Tell whether it makes something; the others end something, and doing that twice does no harm."""
        return self in {Asked.CREATE, Asked.CREATE_VOLUME, Asked.CREATE_ADDRESS}


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

    `part` is the key of the part that it is about, None = the server. `not_before` is the moment of the next attempt;
    `attempted` that of the last one.
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
    part: str | None = None

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
            "part": self.part,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Operation:
        """Read what `to_json` wrote."""
        return cls(**{**value, "asked": Asked(value["asked"]), "progress": Progress(value["progress"])})
