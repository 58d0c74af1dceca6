"""The rules that the operator sets for reservations: `promise/policy/reservation` of the YANG; pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from promise.capacity.refusal import Reason, Refusal
from promise.resources import FOREVER, Window

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY = 86_400
HOUR = 3_600
MINUTE = 60

USUAL_ALTERNATIVES = 3
USUAL_HORIZON = 365
USUAL_RETENTION = 30


@dataclass(frozen=True, slots=True)
class Policy:
    """Every leaf is enforced at every create and update (design section 5); None = not configured.

    Units as in the YANG: ranges, horizon and retention in days, duration in hours, expiry and before-end in minutes.
    A limit that is not configured does not limit; for the others the properties tell what holds.
    """

    table: ClassVar[str] = "policy"
    id: ClassVar[str] = "reservation"

    max_future_start_range: int | None = None
    max_future_end_range: int | None = None
    max_duration: int | None = None
    expiry: int | None = None
    before_end: int | None = None
    at_end: str | None = None
    preempt: bool | None = None
    unreserved: str | None = None
    alternatives: int | None = None
    search_horizon: int | None = None
    retention: int | None = None

    @property
    def strict(self) -> bool:
        """Tell whether an instance without reservation must fit at every later moment, not only now."""
        return self.unreserved == "strict"

    @property
    def most_alternatives(self) -> int:
        """Return how many windows a refusal proposes at most."""
        return USUAL_ALTERNATIVES if self.alternatives is None else self.alternatives

    @property
    def horizon(self) -> int:
        """Return how far after the requested start alternatives are looked for, in seconds."""
        return (USUAL_HORIZON if self.search_horizon is None else self.search_horizon) * DAY

    @property
    def kept(self) -> int:
        """Return how long finished records stay readable, in seconds."""
        return (USUAL_RETENTION if self.retention is None else self.retention) * DAY

    @property
    def terminates(self) -> bool:
        """Tell whether live instances are destroyed when their reservation ends; else they stay."""
        return self.at_end == "terminate"

    def end_of(self, start: int, end: int | None) -> int:
        """Return the end of a window: as asked, else after the longest duration allowed, else open."""
        if end is not None:
            return end
        return FOREVER if self.max_duration is None else start + self.max_duration * HOUR

    def expiry_of(self, start: int) -> int | None:
        """Return until when a reservation that starts then is held unclaimed; None = to its end."""
        return None if self.expiry is None else start + self.expiry * MINUTE

    def notice_of(self, window: Window) -> int | None:
        """Return when to tell the owner of a reservation that it ends soon; never before it has begun."""
        if self.before_end is None or window.end >= FOREVER:
            return None
        return max(window.start, window.end - self.before_end * MINUTE)

    def latest_start(self, requested: int, now: int) -> int:
        """Return the last start that a search for alternatives may propose."""
        latest = max(requested, now) + self.horizon
        if self.max_future_start_range is not None:
            latest = min(latest, now + self.max_future_start_range * DAY)
        return latest

    def objection(self, window: Window, now: int) -> Refusal | None:
        """Return why this window is against the policy, None when it is not."""
        start_range, end_range, longest = self.max_future_start_range, self.max_future_end_range, self.max_duration
        if start_range is not None and window.start - now > start_range * DAY:
            return Refusal(Reason.START_TOO_FAR, f"start is more than max-future-start-range ({start_range} days) away")
        if end_range is not None and window.end - now > end_range * DAY:
            return Refusal(Reason.END_TOO_FAR, f"end is more than max-future-end-range ({end_range} days) away")
        if longest is not None and window.end - window.start > longest * HOUR:
            return Refusal(Reason.DURATION_TOO_LONG, f"the window is longer than max-duration ({longest} hours)")
        return None

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Policy:
        """Read what `to_json` wrote."""
        return cls(**value)
