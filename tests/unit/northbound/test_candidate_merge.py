"""The candidate follows running, and what is committed is what was edited; yangson judges."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from promise.actor import Actor
from promise.errors import Invalid
from promise.ledger.state import State
from promise.northbound import running
from promise.northbound.datastore import schema
from promise.northbound.datastores import decisions
from promise.northbound.datastores.candidate import Candidate
from promise.northbound.datastores.decisions import Author, Confirmation, Rules
from promise.northbound.datastores.difference import difference
from promise.northbound.datastores.merge import merged
from promise.northbound.editing import Operation
from promise.northbound.editxml import read_edit
from promise.northbound.message import BASE, parse

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_800_000_000
TOP = schema().top.values()
ADMIN = Author(Actor("admin", "", session_id=1))
NACM = "urn:ietf:params:xml:ns:yang:ietf-netconf-acm"

OPERATIONS = st.sampled_from(["merge", "merge", "merge", "replace", "create", "delete", "remove"])
NAMES = st.sampled_from("abc")


def wrapped(inside: str) -> Any:
    text = f'<config xmlns="{BASE}" xmlns:nc="{BASE}">{inside}</config>'
    return read_edit(parse(text.encode()), Operation.MERGE, schema())


def promise(inside: str) -> str:
    return f'<promise xmlns="urn:opnfv:promise">{inside}</promise>'


def leaf(name: str, value: int, operation: str) -> str:
    return promise(f'<policy><reservation><{name} nc:operation="{operation}">{value}</{name}></reservation></policy>')


def user(name: str, group: str, operation: str) -> str:
    return promise(f'<users nc:operation="{operation}"><name>{name}</name><group>{group}</group></users>')


def provider(name: str, region: str, operation: str) -> str:
    number = ord(name)
    return promise(
        f'<providers nc:operation="{operation}"><id>00000000-0000-4000-8000-{number:012d}</id><name>{name}</name>'
        f"<provider-type>openstack</provider-type><endpoint>http://{name}.example</endpoint><region>{region}</region>"
        "</providers>"
    )


def group(name: str, member: str, operation: str) -> str:
    return (
        f'<nacm xmlns="{NACM}"><groups><group nc:operation="{operation}"><name>{name}</name>'
        f"<user-name>{member}</user-name></group></groups></nacm>"
    )


EDITS = st.one_of(
    st.builds(leaf, st.sampled_from(["expiry", "max-duration"]), st.integers(1, 3), OPERATIONS),
    st.builds(user, NAMES, NAMES, OPERATIONS),
    st.builds(provider, NAMES, NAMES, OPERATIONS),
    st.builds(group, NAMES, NAMES, OPERATIONS),
)
SERIES = st.lists(EDITS.map(wrapped), max_size=8)


def applied(edits: list[Any], tree: Any) -> Any:
    for edit in edits:
        try:
            tree = edit.applied(tree)
        except Invalid:
            continue
    return tree


def always(tree: Any) -> Callable[[Any], Any]:
    return lambda _old: tree


def take(book: State, decision: Any) -> None:
    for event in decision.events:
        book.apply(event)


def on_running(book: State, edits: list[Any]) -> None:
    for edit in edits:
        try:
            take(book, decisions.change(Rules(schema()), edit.applied, book, NOW, ADMIN))
        except Invalid:
            continue


@given(SERIES)
@settings(max_examples=40, deadline=None)
def test_edits_on_the_candidate_and_a_commit_are_edits_on_running(edits: list[Any]) -> None:
    direct, staged = State(), State()
    on_running(direct, edits)
    candidate = Candidate(TOP)
    for edit in edits:
        before = running.tree_of(staged)
        try:
            candidate.put(before, edit.applied(candidate.over(before)), 1)
        except Invalid:
            continue
    take(staged, decisions.commit(Rules(schema()), candidate.over, staged, NOW, ADMIN, None))
    assert running.tree_of(staged) == running.tree_of(direct)
    schema().validate(running.tree_of(staged))
    assert not candidate.edited(running.tree_of(staged))


@given(SERIES, SERIES, SERIES)
@settings(max_examples=50, deadline=None)
def test_what_only_one_has_changed_is_as_that_one_wants_it(
    first: list[Any], mine: list[Any], theirs: list[Any]
) -> None:
    base = applied(first, {})
    here, there = applied(mine, base), applied(theirs, base)
    kept = copy.deepcopy((base, here, there))
    assert merged(base, here, base, TOP) == here
    assert merged(base, base, there, TOP) == there
    assert merged(base, here, here, TOP) == here
    found = merged(base, here, there, TOP)
    schema().validate(merged({}, found, {}, TOP))
    assert (base, here, there) == kept
    changed, others = ({path for path, _ in difference(base, tree, TOP)} for tree in (here, there))
    apart = not any(one.startswith(other) or other.startswith(one) for one in changed for other in others)
    if apart:
        told = {path for path, _ in difference(base, found, TOP)}
        assert told == changed | others


@given(SERIES, SERIES)
@settings(max_examples=40, deadline=None)
def test_the_difference_is_empty_only_between_equals_and_tells_what_came_and_went(
    one: list[Any], other: list[Any]
) -> None:
    before = applied(one, {})
    after = applied(other, before)
    there = dict(difference(before, after, TOP))
    back = dict(difference(after, before, TOP))
    assert bool(there) == (before != after)
    reverse = {Operation.CREATE: Operation.DELETE, Operation.DELETE: Operation.CREATE}
    assert {path: reverse.get(operation, operation) for path, operation in there.items()} == back


@given(SERIES, SERIES, SERIES)
@settings(max_examples=40, deadline=None)
def test_a_trial_goes_back_to_where_it_began(first: list[Any], second: list[Any], third: list[Any]) -> None:
    book, rules = State(), Rules(schema())
    on_running(book, first)
    before, secrets = running.tree_of(book), book.revision.number
    for edits in (second, third):
        tree = applied(edits, running.tree_of(book))
        try:
            take(book, decisions.commit(rules, always(tree), book, NOW, ADMIN, Confirmation(60)))
        except Invalid:
            continue
    trial = book.revision.trial
    decision = decisions.back(rules, book, NOW, ADMIN, "timeout")
    assert decision.answer is (trial is not None)
    take(book, decision)
    assert running.tree_of(book) == before
    assert book.revision.trial is None
    assert book.revision.number >= secrets
