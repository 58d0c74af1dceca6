"""The facts that decisions produce: how one record stands afterwards, and what else is to be told. Pure, frozen.

A *record* is a frozen value that a room owns (a pool, a reservation, an allocation); the state is the set of all
records, and each kind has a table of its own. An *event* says how one record stands from now on. A *decision* is an
answer with the events that make it true; without events it is a refusal, or there was nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

T_co = TypeVar("T_co", covariant=True)

JSON: TypeAlias = bool | int | float | str | Sequence["JSON"] | Mapping[str, "JSON"] | None
"""A value that JSON can write; never NaN or infinite."""

Undo: TypeAlias = Callable[[], None]
"""Takes one applied event back, exactly; called in the reverse order of the applying."""


class Record(Protocol):
    """A frozen value with an identity; `table` names its kind, and where the ledger keeps it."""

    table: ClassVar[str]

    @property
    def id(self) -> str:
        """The key, unique within its table."""

    def to_json(self) -> dict[str, Any]:
        """Return the whole record as plain JSON values, the same for equal records."""


Codec: TypeAlias = Callable[[Mapping[str, Any]], Record]
"""Makes the record that `to_json` has written, equal to the one it was written from."""


@dataclass(frozen=True, slots=True)
class Event:
    """A fact: from now on `record` stands under `key` in `table`; None = it is forgotten.

    `kind` says what happened ("reservation-accepted"). `detail` is what a reader of the journal needs beyond the
    record. Never a secret in either of them (design section 3).
    """

    kind: str
    table: str
    key: str
    record: Record | None
    detail: Mapping[str, JSON] = field(default_factory=dict)


class Performed(NamedTuple):
    """What takes each of some events back, in their order, and what is to be added to the detail of each."""

    undo: list[Undo]
    effects: list[Mapping[str, JSON]]


@dataclass(frozen=True, slots=True)
class Entry:
    """An event with its place in the journal: `seq` counts from 1 without gaps, `at` is in seconds of UTC.

    `actor` is the user whose request it was; `ledger.committer.TIME` for what fell due.
    """

    seq: int
    at: int
    actor: str
    event: Event


@dataclass(frozen=True, slots=True)
class Decision(Generic[T_co]):
    """What a decision came to: the answer, the events in order, and secrets to keep aside.

    `secrets` are entries of the side table to set, None = delete; they become durable with the events, and need at
    least one. They are never in the journal nor in the state.
    """

    answer: T_co
    events: tuple[Event, ...] = ()
    secrets: Mapping[str, str | None] = field(default_factory=dict, repr=False)


def fact(kind: str, record: Record, **detail: JSON) -> Event:
    """Return the event that says how this record stands from now on."""
    return Event(kind, record.table, record.id, record, detail)
