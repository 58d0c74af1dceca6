"""Any configuration survives the way to a tree and back; any series of edits does what a naive list would do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from promise.actor import Actor
from promise.capacity.provider import Access, Provider
from promise.capacity.providers import no_credentials
from promise.errors import BadAttribute, DataExists, DataMissing, Invalid
from promise.events import fact
from promise.ledger.state import State
from promise.northbound import running
from promise.northbound.datastore import schema
from promise.northbound.datastores import decisions
from promise.northbound.datastores.decisions import Author, Rules
from promise.northbound.editing import Operation
from promise.northbound.editxml import read_edit
from promise.northbound.message import BASE, parse
from promise.reservation.policy import Policy

NOW = 1_800_000_000
TEXT = st.text(st.characters(codec="utf-8", min_codepoint=32, exclude_categories=["Cs", "Cn"]), min_size=1, max_size=9)
MAYBE = st.none() | TEXT
DAYS = st.none() | st.integers(0, 365)
POLICIES = st.builds(
    Policy,
    max_future_start_range=DAYS,
    max_future_end_range=DAYS,
    max_duration=st.none() | st.integers(1, 65535),
    expiry=st.none() | st.integers(1, 2**32 - 1),
    before_end=st.none() | st.integers(1, 2**32 - 1),
    at_end=st.sampled_from([None, "keep", "terminate"]),
    preempt=st.sampled_from([None, True, False]),
    unreserved=st.sampled_from([None, "strict", "best-effort"]),
    alternatives=st.none() | st.integers(0, 100),
    search_horizon=st.none() | st.integers(0, 65535),
    retention=st.none() | st.integers(0, 65535),
)


def id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


@st.composite
def providers(draw: st.DrawFn) -> list[Provider]:
    found: list[Provider] = []
    for number in draw(st.lists(st.integers(1, 9), unique=True, max_size=3)):
        access = Access(
            f"https://cloud{number}.example",
            "",
            draw(MAYBE),
            project_id=draw(MAYBE),
            project_name=draw(MAYBE),
            project_domain_name=draw(MAYBE),
            region=draw(MAYBE),
        )
        made = Provider(
            id=id_of(number),
            name=f"{number} {draw(TEXT)}",
            provider_type="openstack",
            access=access,
            credential=draw(MAYBE),
            position=len(found) + 1,
            capacity_source=draw(st.sampled_from([None, "placement", "quota"])),
            overcommit=draw(st.dictionaries(st.sampled_from(["cores", "ram", "VGPU"]), st.integers(1, 10**6))),
            sync_interval=draw(st.none() | st.integers(1, 86400)),
            alarms=draw(st.sampled_from([None, True, False])),
            last_error=no_credentials(id_of(number)),
        )
        found.append(made)
    return found


def state(policy: Policy, made: list[Provider]) -> State:
    book = State()
    for event in (fact("policy-changed", policy), *(fact("provider-added", provider) for provider in made)):
        book.apply(event)
    return book


@given(POLICIES, providers())
@settings(max_examples=60, deadline=None)
def test_what_is_configured_is_a_valid_tree_and_read_back_it_is_the_same(policy: Policy, made: list[Provider]) -> None:
    book = state(policy, made)
    tree = running.tree_of(book)
    schema().validate(tree)
    wanted = running.configuration_of(tree, book)
    assert wanted.policy == policy
    assert [replace(one, position=number) for number, one in enumerate(wanted.providers, 1)] == made
    again = running.configuration_of(tree, State())
    assert [replace(one, position=number) for number, one in enumerate(again.providers, 1)] == made
    assert Policy.from_json(policy.to_json()) == policy
    assert [Provider.from_json(one.to_json()) for one in made] == made


OPERATIONS = st.sampled_from(["merge", "replace", "create", "delete", "remove"])
PLACES = st.sampled_from([None, "first", "last", "before", "after"])
STEPS = st.lists(st.tuples(OPERATIONS, st.integers(1, 4), PLACES, st.integers(1, 4)), max_size=12)


def element(operation: str, number: int, place: str | None, anchor: int) -> str:
    more = f' y:insert="{place}"' if place else ""
    if place in {"before", "after"}:
        more += f" y:key=\"[id='{id_of(anchor)}']\""
    return (
        f'<config xmlns="{BASE}" xmlns:y="urn:ietf:params:xml:ns:yang:1"><promise xmlns="urn:opnfv:promise">'
        f'<providers xmlns:nc="{BASE}" nc:operation="{operation}"{more}><id>{id_of(number)}</id><name>n{number}</name>'
        f"<provider-type>openstack</provider-type><endpoint>http://{number}.example</endpoint></providers>"
        "</promise></config>"
    )


def naive(order: list[int], operation: str, number: int, place: str | None, anchor: int) -> list[int] | type[Invalid]:
    """Return the order after a step, or the error that comes instead."""
    there = number in order
    if operation in {"delete", "remove"}:
        if place:
            return BadAttribute
        missing = operation == "delete" and not there
        return DataMissing if missing else [one for one in order if one != number]
    if operation == "create" and there:
        return DataExists
    others = [one for one in order if one != number]
    if place is None:
        return order if there else [*order, number]
    if place in {"first", "last"}:
        return [number, *others] if place == "first" else [*others, number]
    if anchor not in others:
        return BadAttribute
    at = others.index(anchor) + (place == "after")
    return [*others[:at], number, *others[at:]]


def outcome(book: State, text: str) -> Any:
    try:
        edit = read_edit(parse(text.encode()), Operation.MERGE, schema())
        return decisions.change(Rules(schema()), edit.applied, book, NOW, Author(Actor("admin", "")))
    except Invalid as error:
        return type(error)


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_a_series_of_edits_is_what_a_naive_list_makes_of_it(steps: list[tuple[str, int, str | None, int]]) -> None:
    book, order = State(), list[int]()
    for step in steps:
        expected, found = naive(order, *step), outcome(book, element(*step))
        if isinstance(expected, type):
            assert found is expected
            continue
        undos = [book.apply(event) for event in found.events]
        after = running.tree_of(book)
        for undo in reversed(undos):
            undo()
        assert [int(provider[-12:]) for provider in book.providers] == order
        for event in found.events:
            book.apply(event)
        assert running.tree_of(book) == after
        assert [int(provider[-12:]) for provider in book.providers] == expected
        assert bool(found.events) == (expected != order)
        order = expected
