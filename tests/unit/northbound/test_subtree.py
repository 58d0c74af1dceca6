"""Subtree filters: the examples of RFC 6241 section 6, and a naive reading of its rules as oracle."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from oracle.subtree import Tree, chosen, reduced, to_element, to_tree

from promise.errors import TooBig
from promise.northbound.subtree import EVERYTHING, LARGEST, Selection

NS = "http://example.com/schema/1.2/config"


def user(name: str, kind: str, full: str, dept: int, number: int) -> str:
    company = f"<company-info><dept>{dept}</dept><id>{number}</id></company-info>"
    return f"<user><name>{name}</name><type>{kind}</type><full-name>{full}</full-name>{company}</user>"


ROOT = user("root", "superuser", "Charlie Root", 1, 1)
FRED = user("fred", "admin", "Fred Flintstone", 2, 2)
BARNEY = user("barney", "admin", "Barney Rubble", 2, 3)


def users(content: str) -> str:
    return f"<users>{content}</users>"


USERS = users(ROOT + FRED + BARNEY)
INTERFACES = (
    '<interfaces><interface xmlns:t="urn:t" t:ifName="eth0"><ifInOctets>45621</ifInOctets></interface>'
    '<interface xmlns:t="urn:t" t:ifName="eth1"/></interfaces>'
)


def filtered(filter_content: str, *data: str) -> list[str]:
    wanted = Selection.of(etree.fromstring(f"<filter>{filter_content}</filter>"))
    kept = wanted.prune([etree.fromstring(document) for document in data])
    return [etree.tostring(element).decode().replace(f' xmlns="{NS}"', "") for element in kept]


def top(content: str, *, namespace: str = NS) -> str:
    return f'<top xmlns="{namespace}">{content}</top>'


def each_user(*leaves: str) -> str:
    """Return all users with some of their leaves only."""
    known = [
        {"name": "root", "type": "superuser"},
        {"name": "fred", "type": "admin"},
        {"name": "barney", "type": "admin"},
    ]
    shown = ["".join(f"<{leaf}>{of[leaf]}</{leaf}>" for leaf in leaves) for of in known]
    return users("".join(f"<user>{content}</user>" for content in shown))


ALL = f"<top>{USERS}{INTERFACES}</top>"
ALL_USERS = f"<top>{USERS}</top>"
BY_NAME = "<user><name>fred</name></user>"
ETH0 = (
    '<top><interfaces><interface xmlns:t="urn:t" t:ifName="eth0"><ifInOctets>45621</ifInOctets></interface>'
    "</interfaces></top>"
)
SEVERAL = (
    "<user><name>root</name><company-info/></user>"
    "<user><name>fred</name><company-info><id/></company-info></user>"
    "<user><name>barney</name><type>superuser</type><company-info><dept/></company-info></user>"
)
SEVERAL_FOUND = (
    "<user><name>root</name><company-info><dept>1</dept><id>1</id></company-info></user>"
    "<user><name>fred</name><company-info><id>2</id></company-info></user>"
)
BARNEYS = "<user><company-info><dept>2</dept><id>3</id></company-info></user>"
FREDS_LEAVES = "<user><name>fred</name><type>admin</type><full-name>Fred Flintstone</full-name></user>"

EXAMPLES = {
    "6.4.2 an empty filter": ("", None),
    "a filter of blanks": ("   ", None),
    "6.2.1 the whole namespace": (top(""), ALL),
    "6.4.3 a subtree": (top("<users/>"), ALL_USERS),
    "blanks in a selection node": (top("<users> \n </users>"), ALL_USERS),
    "6.4.3 its children": (top(users("<user/>")), ALL_USERS),
    "6.4.4 a leaf of each": (top(users("<user><name/></user>")), each_user("name")),
    "6.4.5 one entry": (top(users(BY_NAME)), users(FRED)),
    "blanks around a content match": (top(users("<user><name>\n fred </name></user>")), users(FRED)),
    "6.4.6 leaves of one entry": (top(users("<user><name>fred</name><type/><full-name/></user>")), users(FREDS_LEAVES)),
    "6.4.7 several subtrees": (top(users(SEVERAL)), users(SEVERAL_FOUND)),
    "6.4.8 an attribute": (top('<interfaces><interface xmlns:s="urn:t" s:ifName="eth0"/></interfaces>'), ETH0),
    "an attribute without its namespace": (top('<interfaces><interface ifName="eth0"/></interfaces>'), None),
    "an attribute that nothing has": (top('<users a="1"/>'), None),
    "a content match that fails": (top(users("<user><name>wilma</name></user>")), None),
    "content matches below": (top(users(BARNEYS)), users(BARNEYS)),
    "content matches are all to hold": (top(users("<user><name>fred</name><name>barney</name></user>")), None),
    "a wrong namespace": (top("", namespace="urn:wrong"), None),
    "a wrong namespace inside": (top('<users xmlns="urn:wrong"/>'), None),
    "no namespace is any": (f'<top xmlns=""><users>{BY_NAME}</users></top>', users(FRED)),
    "no namespace is any inside": (top(f'<users xmlns="">{BY_NAME}</users>'), users(FRED)),
    "a root node twice": (top(users("<user><name>root</name></user>")) + top(users(BY_NAME)), users(ROOT + FRED)),
    "nodes twice": (
        top(users("<user><name>fred</name><type/></user><user><type/></user><user><name/></user>")),
        each_user("name", "type"),
    ),
    "a selection beside a content match": (top(users(f"{BY_NAME}<user/>")), ALL_USERS),
    "a selection of what is not there": (
        top(users("<user><name>fred</name><missing/></user>")),
        users("<user><name>fred</name></user>"),
    ),
}


@pytest.mark.rfc("6241", "6.4", "the examples of subtree filtering")
@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_standard(example: str) -> None:
    wanted, expected = EXAMPLES[example]
    if expected is not None and not expected.startswith("<top>"):
        expected = f"<top>{expected}</top>"
    assert filtered(wanted, top(USERS + INTERFACES)) == ([] if expected is None else [expected])


def test_top_level_nodes_are_one_sibling_set() -> None:
    data = [f'<a xmlns="{NS}">1</a>', f'<b xmlns="{NS}"><c/></b>', '<a xmlns="urn:other">2</a>']
    assert filtered(f'<a xmlns="{NS}"/>', *data) == ["<a>1</a>"]
    assert filtered("<a/>", *data) == ["<a>1</a>", '<a xmlns="urn:other">2</a>']
    assert filtered(f'<a xmlns="{NS}">1</a><b xmlns="{NS}"/>', *data) == ["<a>1</a>", "<b><c/></b>"]
    assert filtered(f'<a xmlns="{NS}">2</a><b xmlns="{NS}"/>', *data) == []
    assert len(filtered("<a>1</a>", *data)) == 3


@pytest.mark.rfc("6241", "6.4.1", "no filter selects everything")
def test_without_filter_everything_is_wanted() -> None:
    element = etree.fromstring(top(USERS))
    assert EVERYTHING.prune([element]) == [element]
    assert EVERYTHING.everything
    assert EVERYTHING.child(NS, "top") is not None
    assert EVERYTHING.values("name") is None


@pytest.mark.parametrize(("content", "elements"), [("<a/>", 1), ("<a><b/></a>", 2)])
def test_a_filter_may_not_be_endless(content: str, elements: int) -> None:
    most = LARGEST // elements
    Selection.of(etree.fromstring(f"<filter>{content * most}</filter>"))
    with pytest.raises(TooBig, match="20000"):
        Selection.of(etree.fromstring(f"<filter>{content * (most + 1)}</filter>"))


# What may be left out when a tree is built.


def asked(filter_content: str, *steps: str) -> Selection | None:
    found: Selection | None = Selection.of(etree.fromstring(f"<filter>{filter_content}</filter>"))
    for step in steps:
        found = found.child(NS, step) if found is not None else None
    return found


def test_a_selection_tells_which_children_are_wanted() -> None:
    wanted = top("<users><user><name>fred</name><type/></user></users>")
    assert asked(wanted, "other") is None
    assert asked(wanted, "top", "interfaces") is None
    found = asked(wanted, "top", "users")
    assert found is not None
    assert not found.everything
    assert asked(wanted, "top", "users", "user", "full-name") is None
    for leaf in ("name", "type"):
        found = asked(wanted, "top", "users", "user", leaf)
        assert found is not None
        assert found.everything
    assert asked("", "top") is None
    assert asked(top("", namespace="urn:wrong"), "top") is None


@pytest.mark.parametrize(
    ("entries", "names"),
    [
        ("<user><name>fred</name></user>", {"fred"}),
        ("<user><name> fred </name><type/></user><user><name>barney</name></user>", {"fred", "barney"}),
        ("<user><name>fred</name></user><user/>", None),
        ("<user><name>fred</name></user><user><type>admin</type></user>", None),
        ("<user><name/></user>", None),
        ('<user a="1"><name>fred</name></user>', {"fred"}),
        ('<user xmlns=""><name>fred</name></user>', {"fred"}),
    ],
)
def test_a_selection_tells_which_keys_are_wanted(entries: str, names: set[str] | None) -> None:
    found = asked(top(users(entries)), "top", "users", "user")
    assert found is not None
    assert found.values("name") == names


def test_a_whole_branch_that_is_wanted_is_wanted_whole() -> None:
    for wanted in (top("<users/>"), top("<users><user><name>fred</name></user></users>")):
        found = asked(wanted, "top", "users", "user", "company-info", "dept")
        assert found is not None
        assert found.everything


def test_a_filter_may_enumerate_thousands_of_entries() -> None:
    entries = (f"<user><type>t</type><name>u{n}</name><company-info/></user>" for n in range(3000))
    wanted = top(users("".join(entries)))
    data = top(users("".join(user(f"u{n}", "t", "", 1, n) for n in range(1500, 4500))))
    (kept,) = Selection.of(etree.fromstring(f"<filter>{wanted}</filter>")).prune([etree.fromstring(data)])
    names: Any = kept.findall(f".//{{{NS}}}name")
    assert [name.text for name in names] == [f"u{n}" for n in range(1500, 3000)]
    assert len(kept.findall(f".//{{{NS}}}full-name")) == 0


# The rules, read naively.


def trees(namespaces: list[str], texts: list[str]) -> st.SearchStrategy[Tree]:
    names = st.sampled_from(["a", "b", "c"])
    attributes = st.sampled_from([(), (), (), (("k", "1"),), (("k", "1"), ("l", "2"))])
    leaves = st.tuples(st.sampled_from(namespaces), names, attributes, st.sampled_from(texts), st.just(()))
    return st.recursive(
        leaves,
        lambda inner: st.tuples(
            st.sampled_from(namespaces),
            names,
            attributes,
            st.just(""),
            st.lists(inner, min_size=1, max_size=4).map(tuple),
        ),
        max_leaves=14,
    )


DATA = st.lists(trees(["urn:x", "urn:x", "urn:y"], ["", "1", "2", "3"]), max_size=4).map(tuple)
FILTERS = st.lists(trees(["urn:x", "urn:x", "urn:y", ""], ["", "", "1", " 2 ", " "]), max_size=4).map(tuple)


@pytest.mark.rfc("6241", "6.2", "subtree filters choose what the rules say")
@given(DATA, FILTERS)
def test_filters_choose_what_a_naive_reading_of_the_rules_chooses(
    data: tuple[Tree, ...], siblings: tuple[Tree, ...]
) -> None:
    expected = [reduced(node, paths) for node, paths in zip(data, chosen(siblings, data), strict=True) if paths]
    found = selection_of(siblings).prune([to_element(node) for node in data])
    assert [to_tree(element) for element in found] == expected


@given(DATA, FILTERS)
def test_leaving_out_what_a_selection_does_not_ask_for_changes_nothing(
    data: tuple[Tree, ...], siblings: tuple[Tree, ...]
) -> None:
    def built(node: Tree, wanted: Selection) -> Any | None:
        below = wanted.child(node[0], node[1])
        if below is None:
            return None
        for leaf in "abc":
            values = below.values(leaf)
            present = {child[3].strip() for child in node[4] if child[1] == leaf and not child[4]}
            if values is not None and not values & present:
                return None
        element = to_element((*node[:4], ()))
        element.extend([child for inner in node[4] if (child := built(inner, below)) is not None])
        return element

    wanted = selection_of(siblings)
    lazily = [element for node in data if (element := built(node, wanted)) is not None]
    eagerly = [to_element(node) for node in data]
    expected = [to_tree(element) for element in wanted.prune(copy.deepcopy(eagerly))]
    assert [to_tree(element) for element in wanted.prune(lazily)] == expected


def selection_of(siblings: tuple[Tree, ...]) -> Selection:
    root = etree.Element("filter")
    root.extend([to_element(node) for node in siblings])
    return Selection.of(root)
