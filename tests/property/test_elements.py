"""Elements against a brute-force oracle: second by second, who holds what, and which starts are free.

Two providers with four cores each; `b` is on both, the others on one. Reservations come, change, go and end at random.
The oracle has a row per reservation and counts every second of every window.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from promise.actor import Actor
from promise.capacity.model import Pool
from promise.capacity.provider import Access, Provider
from promise.capacity.refusal import Reason, Refusal
from promise.events import Decision, fact
from promise.ledger.state import State
from promise.reservation import create, update
from promise.reservation.elements import Element, Kind
from promise.reservation.requests import Accepted, CreateReservation, UpdateReservation
from promise.resources import FOREVER, Window

ADA = Actor("ada", "", operator=True)
CORES = 4
THERE = {"east": {"a", "b", "alias"}, "west": {"b", "c"}}
ALSO = {"a": ("alias",), "alias": ("a",)}
"""What has two ids is one thing."""

TOP = 24
"""No window that ends does so after it; what is free then stays so."""

HORIZON = 365 * 86_400
MOST = 3


def sights(elements: tuple[str, ...]) -> dict[str, dict[str, Element | None]]:
    return {
        name: {one: Element(Kind.HOST, also=ALSO.get(one, ())) if one in there else None for one in elements}
        for name, there in THERE.items()
    }


@dataclass
class Row:
    provider: str
    start: int
    end: int
    elements: tuple[str, ...]
    cores: int
    live: bool = True

    @property
    def things(self) -> set[str]:
        return {"a" if element == "alias" else element for element in self.elements}


class Oracle:
    """Every reservation, and for any second who holds what."""

    def __init__(self) -> None:
        self.now = 0
        self.rows: dict[str, Row] = {}

    def free(self, wanted: Row, besides: str | None = None) -> tuple[list[bool], list[bool]]:
        """Tell of each second whether the cores are there, and whether every element is free."""
        others = [row for key, row in self.rows.items() if key != besides and row.live]
        cores, elements = [], []
        for second in range(2 * TOP):
            there = [row for row in others if row.provider == wanted.provider and row.start <= second < row.end]
            cores.append(sum(row.cores for row in there) + wanted.cores <= CORES or not wanted.cores)
            elements.append(not any(row.things & wanted.things for row in there))
        return cores, elements

    def judge(self, wanted: Row, besides: str | None = None, *, movable: bool = True) -> dict[str, Any] | None:
        """Return what a refusal has to say, None when all of it fits."""
        start = max(self.now, wanted.start)
        cores, elements = self.free(wanted, besides)
        span = slice(start, min(wanted.end, 2 * TOP))
        if all(cores[span]) and all(elements[span]):
            return None
        reason = Reason.ELEMENT_RESERVED if all(cores[span]) else Reason.INSUFFICIENT_CAPACITY
        both = [one and other for one, other in zip(cores, elements, strict=True)]
        held = {
            element
            for element in wanted.elements
            for key, row in self.rows.items()
            if key != besides and row.live and row.provider == wanted.provider
            if {element, *ALSO.get(element, ())} & set(row.elements)
            if row.start < wanted.end and start < row.end
        }
        return {
            "reason": reason,
            "provider": wanted.provider,
            "held": held,
            "alternatives": self.runs(both, start, wanted.end) if movable else [],
        }

    def runs(self, free: list[bool], start: int, end: int) -> list[tuple[int, int, int | None]]:
        """Return the maximal runs of starts at which every second is free, as (start, end, latest start)."""
        length = end - start if end < FOREVER else None

        def fits(at: int) -> bool:
            return all(free[at:] if length is None else free[at : at + length])

        found = [list(run) for good, run in groupby(range(start, TOP + 1), key=fits) if good]
        if length is None:
            return [(run[0], FOREVER, None) for run in found[:1]]
        latest: list[int | None] = [start + HORIZON if run[-1] == TOP else run[-1] for run in found]
        return [(run[0], run[0] + length, last) for run, last in zip(found, latest, strict=True)][:MOST]


class Trial:
    """The decisions on a state, each held against the oracle."""

    def __init__(self) -> None:
        self.state, self.oracle, self.made = State(), Oracle(), 0
        self.met: Counter[str] = Counter()
        access = Access("http://127.0.0.1:1", "u", project_name="p")
        for position, name in enumerate(THERE):
            pool = Pool(name, name, None, Window(0, FOREVER), decrease=False, capacity={"cores": CORES}, started=True)
            self.state.apply(fact("provider-added", Provider(name, name, "openstack", access, name, position)))
            self.state.apply(fact("pool-added", pool))

    def take(self, decision: Decision[Any]) -> Any:
        """Apply a decision, after having taken it back once: that leaves no trace."""
        before = {bucket: dict(held) for bucket, held in self.state._index._buckets.items()}
        undo = [self.state.apply(event) for event in decision.events]
        for back in reversed(undo):
            back()
        assert self.state._index._buckets == before
        for event in decision.events:
            self.state.apply(event)
        return decision.answer

    def advance(self, seconds: int) -> None:
        self.oracle.now += seconds
        while events := list(self.state.advance(self.oracle.now)):
            for event in events:
                self.state.apply(event)
        for row in self.oracle.rows.values():
            row.live = row.live and row.end > self.oracle.now

    def create(
        self, start: int, length: int | None, elements: tuple[str, ...], cores: int, named: str | None = None
    ) -> None:
        self.made += 1
        end = None if length is None else start + length
        request = CreateReservation(
            f"r{self.made}",
            {"cores": cores},
            start=start,
            end=end,
            provider=named,
            elements=elements,
            sights=sights(elements),
        )
        answer = self.take(create.create(self.state, request, ADA, self.oracle.now))
        if not (cores or elements):
            assert answer.reason is Reason.NOTHING_REQUESTED
            return
        if end is not None and end <= self.oracle.now:
            assert answer.reason is Reason.WINDOW_PAST
            return
        begin = max(start, self.oracle.now)
        places = [name for name in THERE if set(elements) <= THERE[name] and named in {None, name}]
        rows = [Row(name, begin, FOREVER if end is None else end, elements, cores) for name in places]
        if not rows:
            assert answer.reason is Reason.ELEMENT_UNKNOWN
        else:
            judged = [(self.oracle.judge(row), row) for row in rows]
            chosen = next((row for why, row in judged if why is None), None)
            if chosen is None:
                whys = [why for why, _ in judged if why is not None]
                key = lambda why: why["alternatives"][0][0] if why["alternatives"] else FOREVER  # noqa: E731
                self.compare(answer, min(whys, key=key))
            else:
                self.accepted(answer, chosen)

    def update(self, which: int, start: int | None, end: int | None, elements: tuple[str, ...]) -> None:
        if not self.oracle.rows:
            return
        key = list(self.oracle.rows)[which % len(self.oracle.rows)]
        old, now = self.oracle.rows[key], self.oracle.now
        active = old.start <= now
        start = None if active else start
        request = UpdateReservation(key, start=start, end=end, elements=elements, sights=sights(elements))
        answer = self.take(update.update(self.state, request, ADA, now))
        new = replace(
            old,
            start=old.start if start is None else max(start, now),
            end=old.end if end is None else end,
            elements=elements or old.elements,
        )
        asked = old.start if start is None else start
        if not old.live:
            assert answer.reason is Reason.ENDED
        elif not set(elements) - set(old.elements) <= THERE[old.provider]:
            assert answer.reason is Reason.ELEMENT_UNKNOWN
        elif new.end <= asked:
            assert answer.reason is Reason.WINDOW_INVALID
        elif new.end <= now:
            assert answer.reason is Reason.WINDOW_PAST
        elif (why := self.oracle.judge(new, besides=key, movable=not active and new.start > now)) is None:
            self.accepted(answer, new)
        else:
            if new.start <= now < asked or new.start == now:
                why.pop("alternatives")  # a start that is moved to now begins it, or not: told by other tests
            self.compare(answer, why)

    def cancel(self, which: int) -> None:
        if self.oracle.rows:
            key = list(self.oracle.rows)[which % len(self.oracle.rows)]
            self.take(update.cancel(self.state, key, ADA, self.oracle.now))
            self.oracle.rows[key].live = False

    def accepted(self, answer: Any, row: Row) -> None:
        assert isinstance(answer, Accepted), answer
        made = answer.reservation
        self.oracle.rows[made.id] = row
        assert (made.provider, made.window, made.elements) == (row.provider, (row.start, row.end), row.elements)
        self.met["ok"] += 1

    def compare(self, answer: Any, why: dict[str, Any]) -> None:
        assert isinstance(answer, Refusal), (answer, why)
        found = {
            "reason": answer.reason,
            "provider": answer.provider,
            "held": {each.element for each in answer.held},
            "alternatives": [(each.start, each.end, each.latest_start) for each in answer.alternatives],
        }
        assert {key: found[key] for key in why} == why
        self.met[answer.reason] += 1

    def check(self) -> None:
        """Nobody overlaps, and the index is what the records say."""
        live = [held for held in self.state.reservations.values() if held.live]
        assert {held.id for held in live} == {key for key, row in self.oracle.rows.items() if row.live}
        for name in THERE:
            for element in ("a", "b", "c"):
                ids = {element, *ALSO.get(element, ())}
                holders = [held for held in live if held.provider == name and ids & set(held.elements)]
                assert {held.id for held in self.state.holding(name, element)} == {held.id for held in holders}
                windows = sorted(held.window for held in holders)
                assert all(one.end <= other.start for one, other in pairwise(windows))
            there = {held.id for held in live if held.provider == name and held.elements}
            assert {held.id for held in self.state.holders_on(name)} == there

    def rebuilt(self) -> None:
        """A state made anew from the records finds the same."""
        again = State()
        again.load(record for records in self.state._tables.values() for record in records.values())
        assert again._index._buckets == self.state._index._buckets


MOMENT = st.integers(0, TOP // 2)
ELEMENTS = st.lists(st.sampled_from(["a", "b", "c", "alias"]), max_size=2, unique=True).map(tuple)
EAST = st.sampled_from([("a",), ("alias",), ("b",), ("a", "b"), ("b", "alias"), ("a", "alias")])
STEPS = st.one_of(
    st.tuples(st.just("create"), MOMENT, st.none() | st.integers(1, TOP // 2), ELEMENTS, st.integers(0, CORES)),
    # many short ones in one place, so that there is something in the way
    st.tuples(st.just("create"), MOMENT, st.integers(1, 6), EAST, st.integers(0, 2), st.just("east")),
    st.tuples(st.just("create"), MOMENT, st.integers(1, 6), EAST, st.integers(0, 2), st.just("east")),
    st.tuples(st.just("update"), st.integers(0, 9), st.none() | MOMENT, st.none() | st.integers(1, TOP), ELEMENTS),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
    st.tuples(st.just("advance"), st.integers(0, 5)),
)


INSIDE = [
    ("create", 2, 10, ("a",), 0, "east"),
    ("create", 4, 2, ("b",), 0, "east"),
    ("create", 3, 2, ("a", "b"), 0, "east"),
]
"""One element is let go of while another is still held."""


@example(INSIDE)
@settings(max_examples=200)
@given(st.lists(STEPS, min_size=8, max_size=25))
def test_nobody_overlaps_and_alternatives_are_right_second_by_second(steps: list[tuple[Any, ...]]) -> None:
    trial = Trial()
    for name, *given_ in steps:
        getattr(trial, name)(*given_)
        trial.check()
    trial.rebuilt()
