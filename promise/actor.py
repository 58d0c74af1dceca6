"""On whose behalf a decision is made, and what that one may see (design section 5, "not yours")."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


class Owned(Protocol):
    """A record that belongs to somebody."""

    @property
    def owner(self) -> str:
        """Return the user who made it."""

    @property
    def project(self) -> str:
        """Return the project of that user when it was made."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A user and the project (tenant) it works for; an operator sees what belongs to anybody.

    `session_id` is the NETCONF session on which it asks, 0 where there is none. `groups` are the user's, None where
    nobody has asked: then they are those that he has when they are wanted.
    """

    user: str
    project: str
    operator: bool = False
    session_id: int = 0
    groups: frozenset[str] | None = field(default=None, compare=False)

    def sees(self, record: Owned) -> bool:
        """Tell whether this record exists for the actor: its own, its project's, or anybody's for an operator."""
        return self.operator or record.owner == self.user or (bool(self.project) and record.project == self.project)


SYSTEM = Actor("promise", "", operator=True)
"""The controller itself: transitions of time, and what clouds report."""
