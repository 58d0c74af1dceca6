"""The records of the configuration: its sections, and which revision of it is in force; pure.

Policy and providers have records of their own, because rooms work with them. Everything else that the modules let be
configured is kept as it was written, by section: one for each top-level node of a module, and for each child of
`promise`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promise.events import JSON

REVISED = "configuration-changed"
"""The kind of the event that tells a commit; its record is the `Revision`."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the configuration. `id` is its place ("ietf-netconf-acm:nacm", "opnfv-promise:promise/users").

    `value` is what stands there, as RFC 7951 writes it.
    """

    table: ClassVar[str] = "section"

    id: str
    value: JSON

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON values."""
        return {"id": self.id, "value": self.value}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Section:
        """Read what `to_json` wrote."""
        return cls(value["id"], value["value"])


@dataclass(frozen=True, slots=True)
class Trial:
    """A commit that is in force on trial: unless it is confirmed by `deadline` (seconds), all goes back (RFC 6241 8.4).

    It is the business of session `session_id`, or with `persist` of whoever knows that token, of which only a digest
    is kept. `before` is the configuration to go back to, `usernames` what belonged to its entries of the secret store;
    `spared` are the entries that nobody names any more, and that would be needed to go back.
    """

    session_id: int
    user: str
    deadline: int
    persist: str | None
    before: Mapping[str, JSON]
    usernames: Mapping[str, str] = field(default_factory=dict)
    spared: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the whole as plain JSON values."""
        return {
            "session_id": self.session_id,
            "user": self.user,
            "deadline": self.deadline,
            "persist": self.persist,
            "before": self.before,
            "usernames": dict(self.usernames),
            "spared": list(self.spared),
        }


@dataclass(frozen=True, slots=True)
class Revision:
    """How often the configuration was changed, and the trial that is open; None = what is in force is confirmed."""

    table: ClassVar[str] = "revision"
    id: ClassVar[str] = "running"

    number: int = 0
    trial: Trial | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON values."""
        return {"number": self.number, "trial": self.trial and self.trial.to_json()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Revision:
        """Read what `to_json` wrote."""
        trial = value["trial"]
        return cls(value["number"], None if trial is None else Trial(**{**trial, "spared": tuple(trial["spared"])}))
