"""What is pushed of a datastore: the edits lead from one look to the next, and a look at what is touched finds all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from promise.clock import ManualClock
from promise.errors import AnswerTooBig, BadValue
from promise.northbound.datastore import Node, schema
from promise.northbound.events.patch import Edit, Part, edits, parts_of
from promise.northbound.events.pushing import Look, OnChange, Periodic, Push
from promise.northbound.faults import fault
from promise.northbound.rpcs.selections import expect_room
from promise.northbound.treejson import check_free, free, members
from promise.northbound.treexml import free as in_xml

ACM = "urn:ietf:params:xml:ns:yang:ietf-netconf-acm"
NACM = schema().top[f"{{{ACM}}}nacm"]
LISTS = NACM.children[f"{{{ACM}}}rule-list"]
GROUPS = NACM.children[f"{{{ACM}}}groups"]


def looked(entries: dict[str, int]) -> dict[str, Part]:
    """Return the parts of a container with these rule-lists, in their order."""
    inside = "".join(
        f"<rule-list><name>{name}</name><group>{value}</group></rule-list>" for name, value in entries.items()
    )
    found = etree.fromstring(f'<nacm xmlns="{ACM}"><enable-nacm>true</enable-nacm>{inside}</nacm>')
    return parts_of([found], {str(found.tag): NACM})


def applied(before: dict[str, Part], told: list[Edit]) -> dict[str, Part]:
    """Apply a patch as a receiver does (RFC 8072 section 2.5)."""
    found = dict(before)
    for edit in told:
        if edit.operation == "delete":
            del found[edit.target]
        elif edit.operation in {"create", "replace"}:
            assert edit.value is not None
            assert (edit.target in found) is (edit.operation == "replace")
            found[edit.target] = edit.value
        else:
            value = edit.value if edit.operation == "insert" else found.pop(edit.target)
            assert value is not None
            entries = list(found.items())
            at = next((i + 1 for i, (path, _) in enumerate(entries) if path == edit.point), None)
            if edit.point is None:
                at = next((i for i, (_, part) in enumerate(entries) if part.node.ordered), len(entries))
            assert at is not None, "an entry stands behind one that is there"
            entries.insert(at, (edit.target, value))
            found = dict(entries)
    return found


ENTRIES = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 2)), max_size=6, unique_by=lambda each: each[0])


@given(ENTRIES, ENTRIES)
def test_the_edits_lead_from_one_look_to_the_next(before: list[tuple[str, int]], after: list[tuple[str, int]]) -> None:
    was, now = looked(dict(before)), looked(dict(after))
    told = list(edits(was, now))
    found = applied(was, told)
    assert [(path, part.xml) for path, part in found.items()] == [(path, part.xml) for path, part in now.items()]
    if was == now:
        assert told == []


def test_an_edit_is_the_same_in_xml_and_in_json() -> None:
    (edit,) = edits(looked({"a": 1}), looked({"a": 1, "b": 2}))
    assert edit.json(3) == {
        "edit-id": "3",
        "operation": "insert",
        "target": "/ietf-netconf-acm:nacm/rule-list=b",
        "point": "/ietf-netconf-acm:nacm/rule-list=a",
        "where": "after",
        "value": {"ietf-netconf-acm:rule-list": [{"name": "b", "group": ["2"]}]},
    }
    found = etree.fromstring(edit.xml(3))
    assert [(each.tag, each.text) for each in found][:5] == [
        ("edit-id", "3"),
        ("operation", "insert"),
        ("target", "/ietf-netconf-acm:nacm/rule-list=b"),
        ("point", "/ietf-netconf-acm:nacm/rule-list=a"),
        ("where", "after"),
    ]


def test_counters_in_configuration_are_no_change() -> None:
    found = [etree.fromstring(f'<nacm xmlns="{ACM}"><denied-operations>{n}</denied-operations></nacm>') for n in (1, 2)]
    assert [parts_of([one], {str(one.tag): NACM}) for one in found] == [{}, {}]


@pytest.mark.parametrize(
    ("anchor", "now", "following"),
    [
        (None, 100, 107.5),
        (0, 100, 105.0),
        (100, 100, 107.5),
        (103, 100, 103.0),
        (7, 100, 104.5),
        (1000, 100, 107.5 - 7.5),
    ],
)
def test_a_push_is_due_at_a_multiple_of_the_period_from_its_anchor(
    anchor: int | None, now: int, following: float
) -> None:
    found = Periodic(750, anchor).following(now)
    if anchor is None:
        assert found == following
        return
    assert now < found <= now + 7.5
    assert (found - anchor) % 7.5 == 0


class Events:
    """The stream of events, as far as a push needs it."""

    def __init__(self) -> None:
        self.clock = ManualClock(1000)
        self.news = asyncio.Event()

    def listen(self, _listener: object, _note: Any) -> asyncio.Event:
        return self.news

    def ignore(self, _listener: object) -> None:
        """Nobody is told anything here."""

    def now(self) -> int:
        return self.clock.now()


def pushing(trigger: Periodic | OnChange, largest: int) -> tuple[Push, Events, dict[str, int]]:
    """Return a push of some rule-lists, which a test may change."""
    events, entries = Events(), dict[str, int]()

    async def read(_touched: Any) -> list[Any]:
        inside = "".join(f"<rule-list><name>{name}</name></rule-list>" for name in entries)
        return [etree.fromstring(f'<nacm xmlns="{ACM}">{inside}</nacm>')]

    nodes = {f"{{{ACM}}}nacm": NACM}
    return Push(7, events, nodes, Look(read), trigger, largest=largest), events, entries  # type: ignore[arg-type]


async def names(push: Push) -> list[str]:
    return [notice.name for notice, _ in await push.take() or ()]


@pytest.mark.rfc("8641", "3.11.2", "a push that has become too big is suspended, and resumed when it fits again")
@pytest.mark.parametrize("sync", [True, False])
async def test_what_has_become_too_big_is_suspended_and_resumed(sync: bool) -> None:
    push, events, entries = pushing(OnChange(sync=sync), 600)
    await push.begin()
    assert await names(push) == (["push-update"] if sync else [])
    entries.update({f"entry-{number}": 0 for number in range(40)})
    events.news.set()
    (told,) = [notice for notice, _ in await push.take() or ()]
    assert told.name == "subscription-suspended"
    assert b'"reason":"ietf-yang-push:update-too-big"' in told.json_for()
    assert push.suspended
    events.news.set()
    assert await names(push) == []
    for name in list(entries)[1:]:
        del entries[name]
    events.news.set()
    assert await names(push) == ["subscription-resumed"]
    assert await names(push) == ["push-change-update"]
    assert not push.suspended


async def test_on_a_session_what_was_held_back_follows_the_word_that_it_goes_on() -> None:
    push, events, entries = pushing(OnChange(sync=False), 600)
    await push.begin()
    entries.update({f"entry-{number}": 0 for number in range(40)})
    events.news.set()
    documents = push.documents()
    assert b"subscription-suspended" in (await anext(documents))()
    for name in list(entries)[1:]:
        del entries[name]
    events.news.set()
    assert b"subscription-resumed" in (await anext(documents))()
    assert b"push-change-update" in (await asyncio.wait_for(anext(documents), 10))()
    await documents.aclose()
    assert push.over


@pytest.mark.rfc("8641", "3.2", "what is too big is refused with its size and what there may be")
@pytest.mark.parametrize(
    ("trigger", "tag"), [(Periodic(100), "update-too-big"), (OnChange(), "sync-too-big")], ids=["periodic", "on-change"]
)
def test_what_is_too_big_from_the_start_is_refused(trigger: Periodic | OnChange, tag: str) -> None:
    expect_room(64 * 2**20, trigger, "/x", "establish")
    with pytest.raises(AnswerTooBig, match="select less") as caught:
        expect_room(65 * 2**20, trigger, "/x", "establish")
    told = fault(caught.value)
    assert (told.row.tag, told.row.status, told.app_tag) == ("too-big", 400, f"ietf-yang-push:{tag}")
    ((structure, leaves),) = told.info
    assert structure.endswith("}establish-subscription-datastore-error-info")
    assert leaves == (("kilobytes-estimate", 66560), ("kilobytes-limit", 65536))


NAMES = st.sampled_from(["opnfv-promise:promise", "reservations", "ietf-netconf-acm:nacm", "id", "group"])
FREE = st.recursive(
    st.dictionaries(NAMES, st.one_of(st.just([None]), st.sampled_from(["x", "a b", "<&>"])), min_size=1, max_size=3),
    lambda inner: st.dictionaries(
        NAMES, st.one_of(inner, st.lists(inner, min_size=2, max_size=3)), min_size=1, max_size=3
    ),
    max_leaves=6,
)


@given(FREE)
def test_what_no_schema_describes_comes_back_as_it_was(value: dict[str, Any]) -> None:
    check_free(value)
    home = "urn:ietf:params:xml:ns:yang:ietf-subscribed-notifications"
    root = etree.fromstring(f'<stream-subtree-filter xmlns="{home}">{in_xml(value, home)}</stream-subtree-filter>')
    again = free(root, home)
    assert in_xml(again, home) == in_xml(value, home)


@pytest.mark.parametrize("value", [[], "x", {"a b": 1}, {"unknown:x": {}}, {"x": 1.5}, {"x": [[1]]}, {"1x": {}}])
def test_what_could_be_no_element_is_refused(value: Any) -> None:
    with pytest.raises(BadValue):
        check_free(value)


def test_attributes_and_strange_namespaces_cannot_be_kept() -> None:
    for text in ('<f><x xmlns="urn:strange"/></f>', '<f><x a="1"/></f>'):
        with pytest.raises(BadValue):
            free(etree.fromstring(text))


def test_data_in_xml_is_the_same_in_json() -> None:
    found = etree.fromstring(
        f'<nacm xmlns="{ACM}"><enable-nacm>true</enable-nacm><groups><group><name>g</name><user-name>u</user-name>'
        "<user-name>v</user-name></group></groups><denied-operations>3</denied-operations></nacm>"
    )
    nodes: dict[str, Node] = {str(found.tag): NACM}
    assert GROUPS.children
    assert LISTS.ordered
    assert members([found], nodes) == {
        "ietf-netconf-acm:nacm": {
            "enable-nacm": True,
            "groups": {"group": [{"name": "g", "user-name": ["u", "v"]}]},
            "denied-operations": 3,
        }
    }
