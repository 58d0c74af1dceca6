"""Decisions on credentials that no story can bring about: the provider changes while its cloud is asked."""

from __future__ import annotations

from dataclasses import replace

from promise.capacity import providers
from promise.capacity.provider import Access, Discovery, Provider
from promise.capacity.refusal import Reason, Refusal
from promise.events import fact
from promise.ledger.state import State

HERE = "11111111-1111-4111-8111-111111111111"
NOW = 1_893_456_000
FOUND = Discovery("project", "name", "quota", {}, (), (), (), "")
KNOWN = Provider(HERE, "here", "openstack", Access("http://cloud.example", "u", project_name="p"), None, 1)


def _state(*known: Provider) -> State:
    state = State()
    for each in known:
        state.apply(fact("provider-added", each))
    return state


def test_a_password_that_was_tried_elsewhere_is_not_taken() -> None:
    tried = replace(KNOWN.access, username="new")
    moved = replace(KNOWN, access=replace(KNOWN.access, endpoint="http://other.example"))
    decision = providers.renew(_state(moved), HERE, tried, FOUND, "secret", NOW)
    assert decision.answer == Refusal(Reason.CHANGED, "the provider was changed meanwhile; ask again")
    assert (decision.events, decision.secrets) == ((), {})


def test_a_password_for_a_provider_that_was_removed_is_not_kept() -> None:
    decision = providers.renew(_state(), HERE, KNOWN.access, FOUND, "secret", NOW)
    assert isinstance(decision.answer, Refusal)
    assert (decision.answer.reason, decision.secrets) == (Reason.NOT_FOUND, {})


def test_of_its_own_a_password_goes_to_one_service_only() -> None:
    moves = {
        "http://cloud.example/v3": False,
        "http://CLOUD.example/": False,
        "https://cloud.example": True,
        "http://cloud.example:5000": True,
        "http://cloud.example/identity": True,
    }
    assert {place: providers.moved_away(KNOWN, place, None) for place in moves} == moves
    assert not providers.moved_away(KNOWN, "http://other.example", "vault")
    assert not providers.moved_away(replace(KNOWN, credential="vault"), "http://other.example", None)
