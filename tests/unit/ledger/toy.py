"""A small state to try the ledger with: a hall with so many seats, and claims on them that may end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from promise.clock import ManualClock
from promise.events import Decision, Event, Performed, fact
from promise.ledger.writer import Ledger, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from promise.events import Codec, Record, Undo
    from promise.ledger.store import Store

EPOCH = 1_700_000_000
QUICK = Settings(patience=(0.0, 0.0), retry=3600.0, slice=60.0)
"""No time passes in tests: nothing is waited for, and no group is cut short because the machine is busy."""


@dataclass(frozen=True, slots=True)
class Hall:
    table: ClassVar[str] = "pool"
    id: str
    seats: int
    ended: int = 0

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "seats": self.seats, "ended": self.ended}

    @staticmethod
    def from_json(plain: Mapping[str, Any]) -> Hall:
        return Hall(plain["id"], plain["seats"], plain["ended"])


@dataclass(frozen=True, slots=True)
class Claim:
    table: ClassVar[str] = "reservation"
    id: str
    seats: int
    end: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "seats": self.seats, "end": self.end}

    @staticmethod
    def from_json(plain: Mapping[str, Any]) -> Claim:
        return Claim(plain["id"], plain["seats"], plain["end"])


CODECS: Mapping[str, Codec] = {"pool": Hall.from_json, "reservation": Claim.from_json}


class Toy:
    """The state: halls and claims; equal when both have the same records in the same order."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Record]] = {"pool": {}, "reservation": {}}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Toy) and self.as_lists() == other.as_lists()

    __hash__ = None  # type: ignore[assignment]

    def as_lists(self) -> list[list[tuple[str, Record]]]:
        return [list(records.items()) for records in self.tables.values()]

    @property
    def hall(self) -> Hall | None:
        hall = self.tables["pool"].get("hall")
        assert hall is None or isinstance(hall, Hall)
        return hall

    @property
    def claims(self) -> dict[str, Claim]:
        return {key: claim for key, claim in self.tables["reservation"].items() if isinstance(claim, Claim)}

    @property
    def taken(self) -> int:
        return sum(claim.seats for claim in self.claims.values())

    def perform(self, events: Sequence[Event], now: int) -> Performed:
        return Performed([self.apply(event) for event in events], [{} for _ in events])

    def consequences(self, now: int) -> tuple[Event, ...]:
        return ()

    def apply(self, event: Event) -> Undo:
        if event.detail.get("poison"):
            raise ValueError("this state has a bug")
        table = self.tables[event.table]
        before = dict(table)
        if event.record is None:
            table.pop(event.key, None)
        else:
            table[event.key] = event.record

        def undo() -> None:
            table.clear()
            table.update(before)

        return undo


def due(state: Toy, now: int) -> Iterator[Event]:
    """Make the next end of a claim that is due: the claim goes, then the hall counts it."""
    ended = sorted((claim.end, key) for key, claim in state.claims.items() if claim.end is not None)
    if ended and ended[0][0] <= now:
        yield Event("reservation-ended", "reservation", ended[0][1], None)
        assert state.hall is not None
        yield fact("pool-counted", replace(state.hall, ended=state.hall.ended + 1))


def build(seats: int) -> Callable[[Toy, int], Decision[bool]]:
    def decide(state: Toy, _now: int) -> Decision[bool]:
        if state.hall:
            return Decision(False)
        return Decision(True, (fact("pool-added", Hall("hall", seats)),))

    return decide


def claim(key: str, seats: int, end: int | None = None) -> Callable[[Toy, int], Decision[str]]:
    """Answers "ok", "again" (has it already), or what is left as text."""

    def decide(state: Toy, _now: int) -> Decision[str]:
        left = (state.hall.seats if state.hall else 0) - state.taken
        if key in state.claims:
            return Decision("again")
        if seats > left:
            return Decision(f"{left} left")
        return Decision("ok", (fact("reservation-accepted", Claim(key, seats, end), of="hall"),))

    return decide


def give_back(key: str) -> Callable[[Toy, int], Decision[bool]]:
    def decide(state: Toy, _now: int) -> Decision[bool]:
        if key not in state.claims:
            return Decision(False)
        return Decision(True, (Event("reservation-cancelled", "reservation", key, None),))

    return decide


def taken(state: Toy, _now: int) -> int:
    return state.taken


async def open_toy(
    source: str | Callable[[], Store],
    state: Toy | None = None,
    clock: ManualClock | None = None,
    settings: Settings = QUICK,
) -> Ledger[Toy]:
    return await Ledger.open(
        source,
        Toy() if state is None else state,
        clock=clock or ManualClock(EPOCH),
        codecs=CODECS,
        advance=due,
        settings=settings,
    )
