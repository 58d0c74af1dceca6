"""On whose behalf a decision is made, and what that one may see and change (design section 5, "not yours")."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from promise.errors import Denied


class Owned(Protocol):
    """A record that belongs to somebody."""

    @property
    def id(self) -> str:
        """Return its id."""

    @property
    def owner(self) -> str:
        """Return the user who made it."""

    @property
    def project(self) -> str:
        """Return the project of that user when it was made."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose records somebody gets at beside his own: those of `everybody`, or of some projects."""

    everybody: bool = False
    projects: frozenset[str] = frozenset()

    def covers(self, project: str) -> bool:
        """Tell whether the records of a project are among them."""
        return self.everybody or project in self.projects


NOBODY = Reach()
EVERYBODY = Reach(everybody=True)


@dataclass(frozen=True, slots=True)
class Actor:
    """A user and the project (tenant) it works for; an operator sees and changes what belongs to anybody.

    `reads` and `writes` are whose records it may see, and change, beside its own and its project's; what it may change
    it also sees. `session_id` is the NETCONF session on which it asks, 0 where there is none. `groups` are the user's,
    None where nobody has asked: then they are those that he has when they are wanted.
    """

    user: str
    project: str
    operator: bool = False
    session_id: int = 0
    groups: frozenset[str] | None = field(default=None, compare=False)
    reads: Reach = field(default=NOBODY, compare=False)
    writes: Reach = field(default=NOBODY, compare=False)

    def sees(self, record: Owned) -> bool:
        """Tell whether this record exists for the actor: its own, its project's, or one that its groups may see."""
        return self.shares(record) or self.oversees(record.project)

    def changes(self, record: Owned) -> bool:
        """Tell whether it may change this record: its own, its project's, or one that its groups may change."""
        return self.shares(record) or self.commands(record.project)

    def demand(self, record: Owned, what: str) -> None:
        """Raise Denied for a record that it sees and may not change; `what` says what kind of record it is."""
        if not self.changes(record):
            raise Denied(f"changing {what} {record.id}")

    def oversees(self, project: str) -> bool:
        """Tell whether it sees what others have made in a project."""
        return self.operator or self.reads.covers(project) or self.writes.covers(project)

    def commands(self, project: str) -> bool:
        """Tell whether it may change what others have made in a project."""
        return self.operator or self.writes.covers(project)

    def owns(self, record: Owned) -> bool:
        """Tell whether it is its own."""
        return record.owner == self.user

    def shares(self, record: Owned) -> bool:
        """Tell whether it is its own, or its project's."""
        return self.owns(record) or (bool(self.project) and record.project == self.project)


SYSTEM = Actor("promise", "", operator=True)
"""The controller itself: transitions of time, and what clouds report."""
