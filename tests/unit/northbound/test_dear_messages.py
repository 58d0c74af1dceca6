"""Messages that are small on the wire and dear to read are refused before they are."""

from __future__ import annotations

import pytest
from lxml import etree

from promise.errors import TooBig, UnknownElement
from promise.northbound.events.selecting import XPath
from promise.northbound.expression import read
from promise.northbound.faults import fault, rpc_error
from promise.northbound.message import BASE, MOST_ATTRIBUTES, MOST_PREFIXES, parse, read_rpc
from promise.northbound.xpath import XPathFilter


def rpc(attributes: str, inside: str = "<get/>") -> bytes:
    return f'<rpc xmlns="{BASE}" message-id="7" {attributes}>{inside}</rpc>'.encode()


@pytest.mark.limit("very many attributes", "an element has at most 256")
def test_an_element_has_so_many_attributes_and_no_more() -> None:
    most = " ".join(f'a{number}="v"' for number in range(MOST_ATTRIBUTES - 1))
    envelope = read_rpc(parse(rpc(most))).envelope
    assert envelope.start.count(b'="v"') == MOST_ATTRIBUTES - 1
    with pytest.raises(TooBig, match="256 attributes"):
        parse(rpc(f'{most} b="v"'))
    with pytest.raises(TooBig, match="256 attributes"):
        parse(rpc("", f'<get {most} b="v" c="v"/>'))


@pytest.mark.limit("very many namespaces", "a tag declares at most 64 prefixes")
def test_a_tag_declares_so_many_prefixes_and_no_more() -> None:
    most = [f'xmlns:p{number}="urn:a-namespace:{number}" p{number}:a="v"' for number in range(MOST_PREFIXES)]
    envelope = read_rpc(parse(rpc(" ".join(most)))).envelope
    echoed = etree.fromstring(envelope.around(b"<ok/>"))
    assert len(echoed.nsmap) == MOST_PREFIXES + 1
    assert echoed.get("{urn:a-namespace:63}a") == "v"
    with pytest.raises(TooBig, match="64 prefixes"):
        parse(rpc(" ".join([*most, 'xmlns:more="urn:more"'])))
    elsewhere = "".join(f'<x xmlns:p="urn:{"long" * 300}:{number}"/>' for number in range(MOST_PREFIXES * 2))
    assert len(parse(rpc("", elsewhere))) == MOST_PREFIXES * 2


@pytest.mark.parametrize(
    ("expression", "power", "factor"),
    [
        ("/a/b[c='1' and d='2']", 1, 1),
        ("//a", 1, 1),
        ("//a/..", 2, 2),
        ("//a[//b]", 2, 2),
        ("//a[//b[//c]]", 3, 3),
        ("//a[string-length(concat(string(/), string(/), string(/))) > 1]", 2, 4),
        ("//a | //b", 1, 2),
        ("//a[b | c]", 2, 1),
    ],
)
def test_what_an_expression_costs(expression: str, power: int, factor: int) -> None:
    assert read(expression)[2:] == (power, factor)


@pytest.mark.limit("XPath filters that run for ever", "what an expression costs is bounded by its form")
@pytest.mark.parametrize(
    "expression",
    [
        "//*[//*[//*]]",
        f"//*[string-length(concat({','.join(['string(/)'] * 200)})) > 1]",
        "/".join(["/*", *["following::*"] * 100]),
    ],
)
def test_an_expression_that_would_take_seconds_is_refused(expression: str) -> None:
    tree = etree.fromstring("<a>" + "<b><c>text</c></b>" * 1000 + "</a>")
    with pytest.raises(TooBig, match="more than 30000000 steps"):
        XPathFilter(expression, {}).prune([tree], {})


@pytest.mark.limit("XPath filters that run for ever", "a filter of events costs some milliseconds at most")
def test_a_filter_of_events_may_cost_less_than_one_of_data() -> None:
    XPath("//a[b='1']/..", {})
    with pytest.raises(TooBig, match="search less"):
        XPath(f"//*[concat({','.join(['string(/)'] * 300)}) = 'x']", {})


@pytest.mark.limit("errors that quote megabytes", "a message has 2048 characters at most, a longer path is left out")
def test_an_error_does_not_quote_all_that_was_sent() -> None:
    long = "x" * 4_000_000
    told = fault(UnknownElement(f"there is no <{long}>", path=f"/promise:promise/promise:{long}", name=long))
    assert (len(told.message), told.message[-1], told.path) == (2048, "…", "")
    assert [len(value) for _, value in told.info] == [2048]
    assert len(rpc_error(told, {})) < 5000
    short = fault(UnknownElement("there is no <x>", path="/promise:promise/promise:x", name="x"))
    assert (short.message, short.path) == ("there is no <x>", "/promise:promise/promise:x")
