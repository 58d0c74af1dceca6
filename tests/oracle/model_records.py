"""The records of the judge's model: flat, mutable, nothing but what the texts name.

Deliberately naive and built on nothing of the product: times are seconds, an open end is OPEN, a capacity is a dict.
"""

from __future__ import annotations

from dataclasses import dataclass, field

OPEN = 1 << 60

LEAVES = ("cores", "ram", "instances", "networks", "ports", "routers", "subnets", "addresses", "gigabytes",
          "snapshots", "volumes")  # fmt: skip

Amounts = dict[str, int]


@dataclass
class Flavor:
    id: str
    name: str
    needs: Amounts


@dataclass
class Provider:
    """`bound` and the zones' capacities are what the cloud can give; an absent resource has no bound."""

    id: str
    bound: Amounts
    zones: dict[str, Amounts]
    flavors: list[Flavor]
    position: int = 0
    overcommit: dict[str, int] = field(default_factory=dict)
    """Thousandths of what the cloud says that we draw on."""


@dataclass
class Pool:
    id: str
    provider: str
    zone: str | None
    start: int
    end: int
    sign: int
    amounts: Amounts
    planned: bool = False
    created: int = 0
    elements: list[str] = field(default_factory=list)
    """Words for people: nothing follows from them."""


@dataclass
class Reservation:
    id: str
    owner: str
    provider: str
    zone: str | None
    start: int
    end: int
    expiry: int | None
    own_expiry: bool
    priority: str
    name: str | None
    amounts: Amounts
    state: str
    created: int
    modified: int
    version: int = 1
    containers: dict[str, tuple[int, Amounts]] = field(default_factory=dict)
    """Of each flavor how many, and what one took when it was named."""
    notice: int | None = None
    """When its owner is to be told that it ends soon; None when that is not to be, or has been."""
    elements: list[str] = field(default_factory=list)
    also: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The other ids of its elements, as they were when it asked for them."""
    missing: list[str] = field(default_factory=list)

    @property
    def live(self) -> bool:
        return self.state in {"initialized", "active"}


@dataclass
class Instance:
    id: str
    owner: str
    name: str
    provider: str
    zone: str | None
    reservation: str | None
    flavor: str
    needs: Amounts
    start: int
    modified: int
    state: str = "ACTIVE"
    end: int | None = None
    server: str | None = None
    networks: list[str] = field(default_factory=list)
    priority: str = "low"
    told: int | None = None
    """When it was told to go, if it was."""
    created: int = 0
    fault: str | None = None
    counted: bool = True
    """Whether the cloud holds something for it, as far as is known."""
    ours: bool = True
    cover: Amounts = field(default_factory=dict)
    """What of it is under the claim of its reservation, of all that this names."""

    def __post_init__(self) -> None:
        self.created = self.created or self.start

    @property
    def live(self) -> bool:
        return self.counted


@dataclass
class Key:
    """What a request came with, and the id of the record that it made."""

    asked: object
    subject: str
    created: int


@dataclass
class Policy:
    """Limits as the configuration says them: days, hours and minutes."""

    max_future_start_range: int | None = None
    max_future_end_range: int | None = None
    max_duration: int | None = None
    expiry: int | None = None
    unreserved: str = "best-effort"
    at_end: str = "keep"
    preempt: bool = False
    alternatives: int = 3
    search_horizon: int = 365
    before_end: int | None = None
    retention: int = 30


@dataclass
class World:
    """Everything there is. Providers stand in configured order, all other records in the order they were made."""

    now: int
    policy: Policy
    clock: int = 0
    """The moment at which what is due is done; `now` is when it was due."""
    providers: dict[str, Provider] = field(default_factory=dict)
    pools: dict[str, Pool] = field(default_factory=dict)
    reservations: dict[str, Reservation] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    keys: dict[tuple[str, str, str], Key] = field(default_factory=dict)
    """The idempotency keys that are kept, by user, operation and key."""
    away: set[str] = field(default_factory=set)
    """The providers whose clouds do not answer."""
    things: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    """What the cloud of each provider has when it is asked for elements: by id, with the other ids of the same."""
    touched: set[tuple[str, str | None]] = field(default_factory=set)
    """The scopes in which something fell due since it was last worked out who is degraded."""
    user: str = "admin"
    """Who is asking; only the administrator sees what others made."""
    short: dict[str, Amounts] = field(default_factory=dict)
    """What of each reservation's promise cannot be kept; `model_columns.regrade` works it out."""

    def sees(self, record: Reservation | Instance) -> bool:
        return self.user in {"admin", record.owner}

    def instances_of(self, reservation: str) -> list[Instance]:
        return [found for found in self.instances.values() if found.live and found.reservation == reservation]
