"""What looks at elements mean: which refusal, and who is degraded by what is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from promise.capacity.refusal import Reason, Refusal
from promise.errors import CloudRefused, CloudUnreachable, CredentialsRejected
from promise.events import fact
from promise.ledger.state import State
from promise.reservation import loss
from promise.reservation.elements import Element, Kind, none_has_all, said_of
from promise.reservation.model import Reservation
from promise.reservation.model import State as Stands
from promise.resources import FOREVER, Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promise.errors import CloudError
    from promise.reservation.elements import Look, Sight

NOW = 1_000
UP, DOWN = Element(Kind.HOST), Element(Kind.HOST, up=False)
AWAY = CloudUnreachable("Nova does not answer")


def held(name: str, *elements: str, provider: str = "here") -> Reservation:
    window = Window(0, FOREVER)
    return Reservation(name, "ada", "", provider, None, window, {}, Stands.ACTIVE, 0, 0, elements=elements)


@pytest.fixture
def book() -> State:
    state = State()
    for each in (held("r1", "a", "b"), held("r2", "c"), held("elsewhere", "a", provider="there")):
        state.apply(fact("reservation-accepted", each))
    return state


def see(book: State, looks: Mapping[str, Look], before: Mapping[str, tuple[str, ...]] | None = None) -> dict[str, str]:
    """Return what happened to whom."""
    known = loss.known(book, "here") if before is None else before
    events = loss.compared(book, "here", known, looks, NOW).events
    for event in events:
        book.apply(event)
    return {event.key: event.kind for event in events}


def test_who_is_looked_at(book: State) -> None:
    assert loss.known(book, "here") == {"r1": ("a", "b"), "r2": ("c",)}
    assert loss.known(book, "nowhere") == {}


def test_what_is_gone_or_down_is_missing_until_it_is_back(book: State) -> None:
    assert see(book, {"a": UP, "b": UP, "c": UP}) == {}
    assert see(book, {"a": None, "b": UP, "c": DOWN}) == {"r1": "reservation-degraded", "r2": "reservation-degraded"}
    stands = book.reservations["r1"]
    assert (stands.missing, stands.degraded, stands.version, stands.modified) == (("a",), True, 1, NOW)
    assert see(book, {"a": None, "b": UP, "c": DOWN}) == {}
    assert see(book, {"a": None, "b": None, "c": UP}) == {"r1": "reservation-degraded", "r2": "reservation-healed"}
    assert see(book, {"a": UP, "b": None, "c": UP}) == {"r1": "reservation-degraded"}
    assert see(book, {"a": UP, "b": UP, "c": UP}) == {"r1": "reservation-healed"}
    assert not book.reservations["r1"].degraded
    assert book.reservations["elsewhere"].missing == ()


def test_what_the_cloud_does_not_say_changes_nothing(book: State) -> None:
    assert see(book, {"a": AWAY, "b": None, "c": AWAY}) == {"r1": "reservation-degraded"}
    assert see(book, {"a": AWAY, "b": AWAY, "c": AWAY}) == {}
    assert book.reservations["r1"].missing == ("b",)
    assert see(book, {}) == {}


def test_a_look_is_about_what_was_held_when_it_began(book: State) -> None:
    assert see(book, {"a": None, "b": None, "c": None}, before={"r1": ("a",)}) == {"r1": "reservation-degraded"}
    assert book.reservations["r1"].missing == ("a",)
    assert book.reservations["r2"].missing == ()


def test_what_is_over_misses_nothing(book: State) -> None:
    assert see(book, {"a": None, "b": UP, "c": UP}) == {"r1": "reservation-degraded"}
    over = book.reservations["r1"].over(Stands.ENDED, NOW)
    assert (over.missing, over.degraded, over.elements) == ((), False, ("a", "b"))
    book.apply(fact("reservation-ended", over))
    assert see(book, {"a": None, "b": None, "c": UP}, before={"r1": ("a", "b")}) == {}


def test_a_record_of_before_elements_could_be_missing_is_read(book: State) -> None:
    written = book.reservations["r1"].to_json()
    del written["missing"]
    assert Reservation.from_json(written) == book.reservations["r1"]


@pytest.mark.parametrize(
    ("sight", "reason"),
    [
        ({"a": UP, "b": DOWN}, None),
        ({"a": UP, "b": None}, Reason.ELEMENT_UNKNOWN),
        ({"a": UP}, Reason.PROVIDER_UNREACHABLE),
        ({"a": AWAY, "b": None}, Reason.ELEMENT_UNKNOWN),
        ({"a": AWAY, "b": UP}, Reason.PROVIDER_UNREACHABLE),
        (AWAY, Reason.PROVIDER_UNREACHABLE),
        (CredentialsRejected("no"), Reason.CREDENTIALS_REJECTED),
        (CloudRefused("no", status=403), Reason.PROVIDER_REFUSED),
        (None, Reason.PROVIDER_UNREACHABLE),
    ],
)
def test_what_is_said_of_a_provider(sight: Sight | None, reason: Reason | None) -> None:
    refusal = said_of("here", ("a", "b"), sight)
    assert (refusal and refusal.reason) == reason


@pytest.mark.parametrize(
    ("east", "west", "reason", "message"),
    [
        ({"a": UP, "b": None}, {"a": UP, "b": None}, Reason.ELEMENT_UNKNOWN, "no provider has an element b"),
        ({"a": UP, "b": None}, {"a": None, "b": UP}, Reason.ELEMENT_UNKNOWN, "no single provider has all of"),
        ({"a": UP, "b": None}, AWAY, Reason.PROVIDER_UNREACHABLE, "Nova does not answer"),
        ({"a": UP, "b": None}, None, Reason.ELEMENT_UNKNOWN, "provider east has no element b"),
    ],
)
def test_what_is_said_of_several(
    east: Mapping[str, Look], west: Mapping[str, Look] | CloudError | None, reason: Reason, message: str
) -> None:
    sights: dict[str, Sight] = {"east": east} if west is None else {"east": east, "west": west}
    refusals = [said_of(name, ("a", "b"), sight) for name, sight in sights.items()]
    refusal = none_has_all([one for one in refusals if isinstance(one, Refusal)], ("a", "b"), sights)
    assert refusal.reason is reason
    assert message in refusal.message
