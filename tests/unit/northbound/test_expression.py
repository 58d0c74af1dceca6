"""XPath over a tree with several top-level nodes: the root has them as children (RFC 6241 section 8.9)."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from promise.errors import BadValue
from promise.northbound.datastore import schema
from promise.northbound.events.selecting import XPath
from promise.northbound.expression import held, read
from promise.northbound.xpath import XPathFilter

MONITORING = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"
SPACES: dict[Any, str] = {"a": "urn:a", "b": "urn:b", "m": MONITORING}
TREES = (
    '<one xmlns="urn:a"><item><name>x</name><size>1</size></item><item><name>y</name><size>2</size></item></one>',
    (
        f'<two xmlns="urn:b"><name>x</name><kind xmlns:i="{MONITORING}">i:netconf-ssh</kind>'
        "<bits>up down</bits><text>/a:one | //b:two</text></two>"
    ),
)


def chosen(expression: str) -> list[str]:
    """Return the names of what is selected, with the text of leaves, in the order of the tree."""
    holder = held(text.encode() for text in TREES)
    found = XPathFilter(expression, SPACES)._selected(holder)
    if holder in found:
        return ["root"]
    return [
        f"{etree.QName(node).localname}" + ("" if len(node) else f"={node.text}")
        for node in holder.iter()
        if node in found
    ]


X, Y, OTHER = "name=x", "name=y", "name=x"


@pytest.mark.rfc("6241", "8.9", "the top-level nodes of all modules are the children of one root")
@pytest.mark.parametrize(
    ("expression", "nodes"),
    [
        ("/a:one/a:item/a:name", [X, Y]),
        ("a:one/a:item/a:name", [X, Y]),
        ("//a:name | //b:name", [X, Y, OTHER]),
        ("//a:name|/b:two/b:name", [X, Y, OTHER]),
        ("/a:one | /b:two", ["one", "two"]),
        ("//a:item[a:name = /b:two/b:name]/a:size", ["size=1"]),
        ("//a:item[a:name = current()/b:two/b:name]/a:size", ["size=1"]),
        ("//a:item[not(//b:name = a:name)]/a:size", ["size=2"]),
        ("/a:one/following-sibling::b:two/b:name", [OTHER]),
        ("/a:one[/b:two]", ["one"]),
        ("/*", ["one", "two"]),
        ("/*[2]/*[1]", [OTHER]),
        ("/", ["root"]),
        (".", ["root"]),
        ("/a:one/..", ["root"]),
        ("//a:item[1]/ancestor::*", ["one"]),
        ("/a:one/a:item[1]/ancestor-or-self::*", ["one", "item"]),
        ("count(/*) = 2 or /b:two", None),
        ("/a:one/a:item[last()]/a:name", [Y]),
        ("/a:one/a:item[position() * 1 = 2]/a:name", [Y]),
        ("/a:one/*/a:size[. * 2 > 2 and . div 1 = 2]", ["size=2"]),
        ("(/a:one | /b:two)/*[local-name() = 'name']", [OTHER]),
        ("//a:name/text()", [X, Y]),
        ("//b:text[. = '/a:one | //b:two']", ["text=/a:one | //b:two"]),
    ],
)
def test_what_is_selected(expression: str, nodes: list[str] | None) -> None:
    if nodes is None:
        with pytest.raises(BadValue, match="must select nodes"):
            chosen(expression)
    else:
        assert chosen(expression) == nodes


@pytest.mark.parametrize(
    ("expression", "nodes"),
    [
        ("//name", [X, Y, OTHER]),
        ("/one/item[name='y']/size", ["size=2"]),
        ("one/child::item/descendant::name[1]", [X, Y]),
        ("//item[count(name) = 1 and name != 'x']/size", ["size=2"]),
        ("//and | //div", []),
        ("//name[@or]", []),
        ("//text()[. = 'y']", [Y]),
        ("/a:one/item/size", ["size=1", "size=2"]),
    ],
)
def test_a_name_without_prefix_is_of_any_namespace(expression: str, nodes: list[str]) -> None:
    assert chosen(expression) == nodes


@pytest.mark.rfc("7950", "10", "XPath functions: current, derived-from, derived-from-or-self, bit-is-set")
@pytest.mark.parametrize(
    ("expression", "nodes"),
    [
        ("//b:kind[derived-from(., 'm:transport')]/../b:name", [OTHER]),
        ("//b:kind[derived-from(., 'm:netconf-ssh')]/../b:name", []),
        ("//b:kind[derived-from-or-self(., 'm:netconf-ssh')]/../b:name", [OTHER]),
        ("//b:kind[derived-from(., 'm:nothing')]", []),
        ("/b:two[bit-is-set(b:bits, 'down')]/b:name", [OTHER]),
        ("/b:two[bit-is-set(b:bits, 'do')]", []),
        ("/b:two[bit-is-set(b:nothing, 'do')]", []),
    ],
)
def test_functions_of_yang(expression: str, nodes: list[str]) -> None:
    assert chosen(expression) == nodes


@pytest.mark.parametrize(
    "expression",
    [
        "", "//", "/a:one[", "a b", "foo()", "$x", "/z:one", "'a'", "1 | 2", "a:one | 1",
        "//*[derived-from()]", "//*[derived-from(1, 2)]", "//*[bit-is-set('a', 'b')]", "derived-from-or-self(., 'x')",
    ],
)  # fmt: skip
def test_what_selects_nothing_that_could_be_told(expression: str) -> None:
    with pytest.raises(BadValue):
        chosen(expression)


@pytest.mark.parametrize(
    "expression",
    ["/a:one/a:item", "a:one/a:item | b:two/b:name", "/one/item", "/a:one | /b:two", "//name", "/a:one[/b:two]", "/"],
)
def test_as_much_is_built_as_it_takes(expression: str) -> None:
    """What `building` leaves out changes nothing."""

    def selected(*trees: Any) -> list[bytes]:
        wanted = XPathFilter(expression, SPACES)
        return [etree.tostring(one) for one in wanted.prune(trees, schema().top)]

    building = XPathFilter(expression, SPACES).building
    whole = [etree.fromstring(text) for text in TREES]
    assert selected(*building.prune([etree.fromstring(text) for text in TREES])) == selected(*whole)


def test_unions_are_taken_apart_where_they_are_the_whole() -> None:
    assert read("/a | b[c | d] | '|'").branches == [
        "/*/*[local-name()='a']", " *[local-name()='b'][*[local-name()='c'] | *[local-name()='d']]", " '|'",
    ]  # fmt: skip


def test_a_filter_of_events_reads_the_same_language() -> None:
    class Told:
        holder = held([TREES[0].encode()])

    for expression in ("/a:one/a:item", "a:one", "//name[. = 'x']", "count(//a:item) = 2", "/one | /two"):
        assert XPath(expression, SPACES)(Told())  # type: ignore[arg-type]  # all that it asks for
    assert not XPath("/b:two", SPACES)(Told())  # type: ignore[arg-type]
