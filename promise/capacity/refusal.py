"""Why something was refused, and what would help: values that a decision returns (design sections 3 and 5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Reason(StrEnum):
    """The identities derived from `reason` in the YANG; stable, documented there, never reused."""

    INSUFFICIENT_CAPACITY = "insufficient-capacity"
    EXCEEDS_PROVIDER = "exceeds-provider"
    BELOW_ZERO = "below-zero"
    NOTHING_REQUESTED = "nothing-requested"
    WINDOW_INVALID = "window-invalid"
    WINDOW_PAST = "window-past"
    START_TOO_FAR = "start-too-far"
    END_TOO_FAR = "end-too-far"
    DURATION_TOO_LONG = "duration-too-long"
    ALREADY_STARTED = "already-started"
    NOT_FOUND = "not-found"
    NOT_ACTIVE = "not-active"
    ENDED = "ended"
    BELOW_ALLOCATIONS = "below-allocations"
    BELOW_COMMITMENTS = "below-commitments"
    CHANGED = "changed"
    PARTIAL = "partial"
    PROVIDER_MISMATCH = "provider-mismatch"
    ZONE_MISMATCH = "zone-mismatch"
    FLAVOR_UNKNOWN = "flavor-unknown"
    IMAGE_UNKNOWN = "image-unknown"
    NETWORK_UNKNOWN = "network-unknown"
    ZONE_UNKNOWN = "zone-unknown"
    ELEMENT_UNKNOWN = "element-unknown"
    ELEMENT_RESERVED = "element-reserved"
    PROVIDER_AMBIGUOUS = "provider-ambiguous"
    PROVIDER_UNREACHABLE = "provider-unreachable"
    CREDENTIALS_REJECTED = "credentials-rejected"
    PROVIDER_DUPLICATE = "provider-duplicate"
    PROVIDER_IN_USE = "provider-in-use"
    PROVIDER_REFUSED = "provider-refused"
    KEY_REUSED = "key-reused"


CONFLICTS = frozenset(
    {
        Reason.INSUFFICIENT_CAPACITY,
        Reason.EXCEEDS_PROVIDER,
        Reason.BELOW_ZERO,
        Reason.BELOW_COMMITMENTS,
        Reason.ELEMENT_RESERVED,
    }
)
"""The reasons with which capacity says no: `result conflict`; every other one is `result error`."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One resource that is short: what was asked, the least that is available, and when that is first so.

    `start` and `end` are seconds of UTC, half-open; `end` is FOREVER when it stays so.
    """

    resource: str
    requested: int
    available: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Alternative:
    """A window in which the whole request would fit; `latest_start` is the last start of the same run.

    `end` is FOREVER for an open request, and `latest_start` then None.
    """

    start: int
    end: int
    latest_start: int | None


@dataclass(frozen=True, slots=True)
class Blocking:
    """A live reservation that holds some of a short resource while it is short."""

    reservation: str
    resource: str
    amount: int


@dataclass(frozen=True, slots=True)
class HeldElement:
    """A requested element that another reservation holds in the window: which, where the actor may see it."""

    element: str
    reservation: str | None


@dataclass(frozen=True, slots=True)
class Affected:
    """A reservation that a change of capacity degrades, and what of it could not be kept."""

    reservation: str
    shortfall: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A decided no. Only a refusal for want of capacity has numbers; one for a held element has alternatives too."""

    reason: Reason
    message: str
    provider: str | None = None
    shortfalls: tuple[Shortfall, ...] = ()
    max_capacity: Mapping[str, int] | None = None
    alternatives: tuple[Alternative, ...] = ()
    blocking: tuple[Blocking, ...] = field(default=())
    affected: tuple[Affected, ...] = field(default=())
    held: tuple[HeldElement, ...] = field(default=())

    @property
    def result(self) -> str:
        """Return the `result` leaf: conflict when capacity says no, else error."""
        return "conflict" if self.reason in CONFLICTS else "error"
