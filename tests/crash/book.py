"""What consumers have asked for and what they were told; everything has a name that was used for one request only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

from crash.terms import Change, Terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crash.records import Capacity


ALTERNATIVES: Final = 3
"""What the policy says of `alternatives` at first: the one leaf of the configuration that is edited."""


class Fate(Enum):
    """What the consumer knows of a request."""

    OPEN = "sent, and not answered"
    GRANTED = "granted"
    REFUSED = "refused"


@dataclass(frozen=True)
class User:
    """Who asks."""

    name: str
    project: str


@dataclass
class Market:
    """What all consumers know: the provider, its zones, what an instance of each flavor takes, and when it began."""

    provider: str
    zones: tuple[str, ...]
    needs: Mapping[str, Capacity]
    began: int


@dataclass
class Subject:
    """What a request that makes something is about. `sent` and `answered` are moments, `id` is its id once known.

    One that is `keyed` carries an idempotency key, so that who was not answered may ask again.
    """

    name: str
    user: User
    sent: int
    keyed: bool = False
    fate: Fate = Fate.OPEN
    id: str = ""
    answered: int | None = None

    def granted(self, key: str, moment: int) -> None:
        """Note that it was made."""
        assert key, f"{self.name} was granted without an id"
        self.fate, self.id, self.answered = Fate.GRANTED, key, moment

    def sent_again(self, moment: int) -> bool:
        """Note that it is asked for once more; tell whether that is for the first time as far as the server knows."""
        if self.fate is Fate.GRANTED:
            return False
        self.fate, self.sent, self.answered = Fate.OPEN, moment, None
        return True

    def refused(self, moment: int) -> None:
        """Note that it was not."""
        self.fate, self.answered = Fate.REFUSED, moment


@dataclass
class Promised(Subject):
    """A reservation. `asked` has the start that was asked for, 0 = now; `changes` are those not answered."""

    asked: Terms = field(default_factory=lambda: Terms({}, 0, None, None, "high", None))
    terms: Terms | None = None
    changes: list[Change] = field(default_factory=list)

    def agreed(self, moment: int) -> Terms:
        """Return what is promised when the request is decided at a moment."""
        return Terms(**{**vars(self.asked), "start": max(self.asked.start, moment)})


@dataclass
class Offered(Subject):
    """A pool."""

    capacity: Capacity = field(default_factory=dict)
    start: int = 0
    end: int | None = None
    zone: str | None = None


@dataclass
class Launched(Subject):
    """An instance, of a reservation or of none.

    The cloud refuses what is `fragile`, and has refused what is `rejected`. `destroyed` is what is known of the
    request to end it, `server` the one server that it ever had, and `gone` tells that it has been seen to be over.
    """

    capacity: Capacity = field(default_factory=dict)
    reservation: Promised | None = None
    fragile: bool = False
    rejected: bool = False
    destroyed: Fate | None = None
    server: str | None = None
    gone: bool = False


@dataclass
class Setting:
    """A leaf of the configuration that one consumer edits: its value, and those that were sent and not answered."""

    value: int
    edits: list[int] = field(default_factory=list)


class Book:
    """Everything that was asked for, by name; `orders` has the names that each session has asked for, in order."""

    def __init__(self) -> None:
        self.promised: dict[str, Promised] = {}
        self.offered: dict[str, Offered] = {}
        self.launched: dict[str, Launched] = {}
        self.alternatives = Setting(ALTERNATIVES)
        self.orders: list[list[str]] = []
        self.sent = 0
        self.answered = 0

    def __len__(self) -> int:
        return len(self.promised) + len(self.offered) + len(self.launched)

    def subjects(self) -> Iterator[Subject]:
        """Yield everything that was asked for."""
        yield from self.promised.values()
        yield from self.offered.values()
        yield from self.launched.values()
