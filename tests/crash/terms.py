"""What a reservation promises, what changes make of it, and how it stands at a moment; pure (design section 5)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crash.records import Capacity, Reservation


@dataclass(frozen=True)
class Terms:
    """What was agreed; `start` is the effective one. `version` is 1 when made, and grows with every change."""

    capacity: Capacity
    start: int
    end: int | None
    zone: str | None
    priority: str
    expiry: int | None
    version: int = 1
    cancelled: bool = False

    def standing(self, moment: int) -> tuple[str, int]:
        """Return state and version at a moment, when no instances keep it from expiring."""
        if self.cancelled:
            return "cancelled", self.version
        over = [(at, rank) for rank, at in enumerate((self.end, self.expiry)) if at is not None and at <= moment]
        if over:
            return ("ended", "expired")[min(over)[1]], self.version + 1
        return "active" if self.start <= moment else "initialized", self.version

    def over(self, moment: int) -> bool:
        """Tell whether it is no longer live at a moment."""
        return self.standing(moment)[0] not in {"active", "initialized"}

    def shown_by(self, record: Reservation, since: int, until: int) -> bool:
        """Tell whether a record that was read between two moments is this reservation, whole."""
        agreed = (self.capacity, self.start, self.end, self.zone, self.priority, self.expiry)
        shown = (record.capacity, record.start, record.end, record.zone, record.priority, record.expiry)
        standing = (record.state, record.version)
        return agreed == shown and any(self.standing(at) == standing for at in range(since, until + 1))


@dataclass(frozen=True)
class Change:
    """An update, where None leaves things as they are, or a cancellation."""

    capacity: Capacity = field(default_factory=dict)
    end: int | None = None
    priority: str | None = None
    if_version: int | None = None
    cancel: bool = False

    def applied(self, terms: Terms) -> Terms:
        """Return the terms once this change was accepted, the same ones when it cannot have been."""
        if terms.cancelled or self.if_version not in {None, terms.version}:
            return terms
        if self.cancel:
            return replace(terms, cancelled=True, version=terms.version + 1)
        capacity = {name: amount for name, amount in {**terms.capacity, **self.capacity}.items() if amount}
        end = terms.end if self.end is None else self.end
        changed = replace(terms, capacity=capacity, end=end, priority=self.priority or terms.priority)
        return terms if changed == terms else replace(changed, version=terms.version + 1)


def possible(terms: Terms, changes: Iterable[Change]) -> list[Terms]:
    """Return what may have become of the terms when nobody knows which of these changes were accepted, in order."""
    found = [terms]
    for change in changes:
        found += [after for before in list(found) if (after := change.applied(before)) not in found]
    return found
