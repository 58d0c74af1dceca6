"""XML from strangers: what is refused, what is read, and what of it stands in the reply."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from promise.errors import (
    DuplicateNode,
    Invalid,
    Malformed,
    MissingAttribute,
    MissingElement,
    TooBig,
    UnknownElement,
    UnknownNamespace,
)
from promise.northbound.message import BASE, DEEPEST, MOST_PARTS, envelope_of_unread, escape, parse, read_rpc
from promise.northbound.vocabulary import LARGEST, MOST, Vocabulary

NC = f"{{{BASE}}}"
LAUGHS = b'<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


def reply_to(rpc: str, content: bytes = b"<ok/>") -> Any:
    return etree.fromstring(read_rpc(parse(rpc.encode())).envelope.around(content))


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"hello", "Start tag expected"),
        (b"<a>", "line 1"),
        (b"<a></b>", "mismatch"),
        (b"<a/><b/>", "Extra content"),
        (b"<a b='1' b='2'/>", "redefined"),
        (b"<x:a/>", "prefix x"),
        (b"<a>&nbsp;</a>", "nbsp"),
        (b"<a>\x00</a>", "out of allowed range"),
        (b"<a>&#0;</a>", "invalid"),
        (b"<a>\xff</a>", "UTF-8"),
        (b"<a>\xc0\xaf</a>", "UTF-8"),
        (b"<a>\xed\xa0\x80</a>", "UTF-8"),
        (b'<?xml version="1.0" encoding="iso-8859-1"?><a>\xe9</a>', "UTF-8"),
        ('<?xml version="1.0" encoding="utf-16"?><a/>'.encode("utf-16"), "UTF-8"),
        (LAUGHS + b"<r>&b;</r>", "document type"),
        (b"<!DOCTYPE r><r/>", "document type"),
        (b'<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>', "document type"),
        (
            b'\n<?xml version="1.0"?>\n<!-- x --><?p q?>\n<!DOCTYPE r [<!ENTITY x SYSTEM "http://[::1]/">]><r>&x;</r>',
            "type",
        ),
        (b"<r>" + LAUGHS + b"</r>", "not well-formed"),
    ],
)
def test_what_is_not_plain_xml_in_utf_8_is_malformed(data: bytes, rule: str) -> None:
    with pytest.raises(Malformed, match=rule):
        parse(data)


@pytest.mark.parametrize("opening", [b"<!-- " + b"<" * 1000, b"<? " + b" " * 1000, b"<!--" * 500, b" " * 1000])
def test_a_prolog_without_end_is_malformed(opening: bytes) -> None:
    with pytest.raises(Malformed):
        parse(opening + b"<!DOCTYPE")


@pytest.mark.parametrize("data", [b"<a><![CDATA[<!DOCTYPE a>]]></a>", b"<a><!-- <!DOCTYPE a> --></a>"])
def test_the_word_doctype_is_no_doctype(data: bytes) -> None:
    assert parse(data).tag == "a"


@pytest.mark.parametrize("depth", [DEEPEST + 1, 255, 300, 10_000, 100_000])
def test_deep_nesting_is_too_big(depth: int) -> None:
    with pytest.raises(TooBig, match=r"depth|deep"):
        parse(b"<a>" * depth + b"</a>" * depth)


@pytest.mark.parametrize("depth", [1, DEEPEST - 1, DEEPEST])
def test_nesting_up_to_the_limit_is_read(depth: int) -> None:
    assert len(list(parse(b"<a>" * depth + b"</a>" * depth).iter())) == depth


def test_nesting_below_the_limit_may_be_as_wide_as_it_likes() -> None:
    assert len(parse(b"<a>" + b"<b>1</b>" * 10_000 + b"</a>")) == 10_000


@pytest.mark.parametrize("part", ["<a/>", "<a b=''/>", '<a>"</a>'])
def test_a_message_may_not_have_more_parts_than_fit_into_memory(part: str) -> None:
    weight = sum(part.count(character) for character in "<'\"")
    most = (MOST_PARTS - 2) // weight
    assert len(parse(f"<r>{part * most}</r>".encode())) == most
    with pytest.raises(TooBig, match="200000 tags"):
        parse(f"<r>{part * (most + 2)}</r>".encode())


@pytest.mark.parametrize("document", ["<a>%s</a>", "<a b='%s'/>"])
def test_a_text_beyond_the_parsers_limit_is_too_big(document: str) -> None:
    with pytest.raises(TooBig):
        parse((document % ("x" * 10_100_000)).encode())


@pytest.mark.parametrize(
    "data",
    ["<a>é</a>".encode(), b"\xef\xbb\xbf<a>\xc3\xa9</a>", b'\n<?xml version="1.0" encoding="UTF-8"?><a>&#233;</a>\n\n'],
)
def test_utf_8_is_read_also_with_a_byte_order_mark_and_blanks_around(data: bytes) -> None:
    assert parse(data).text == "é"


def test_comments_and_instructions_and_blanks_between_elements_are_dropped() -> None:
    root = parse(b"<a> <!-- c -->\n <b>1<!-- c -->2</b> <?p i?> <c>  </c> </a>")
    assert etree.tostring(root) == b"<a><b>12</b><c>  </c></a>"


def test_a_reply_carries_all_that_the_rpc_carried() -> None:
    reply = reply_to(
        f'<nc:rpc xmlns:nc="{BASE}" xmlns:e="urn:e" message-id="&lt;1&gt; &quot;x&quot; &amp;&#10;é" e:user="fréd"'
        ' a="1" xml:lang="de"><nc:get/></nc:rpc>'
    )
    assert reply.tag == NC + "rpc-reply"
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    expected = {"message-id": '<1> "x" &\né', "{urn:e}user": "fréd", "a": "1", lang: "de"}
    assert dict(reply.attrib) == expected
    assert reply.nsmap == {None: BASE, "nc": BASE, "e": "urn:e"}
    assert reply[0].tag == NC + "ok"


def test_a_default_namespace_that_is_not_netconfs_is_echoed_as_well() -> None:
    reply = reply_to(
        f'<x:rpc xmlns:x="{BASE}" xmlns="urn:other" message-id="1" x:a="2"><get xmlns="{BASE}"/></x:rpc>',
        b'<ok/><out xmlns="urn:o"><in/></out>',
    )
    assert reply.tag == NC + "rpc-reply"
    assert reply.nsmap == {None: "urn:other", "x": BASE}
    assert dict(reply.attrib) == {"message-id": "1", NC + "a": "2"}
    assert [element.tag for element in reply.iterdescendants()] == [NC + "ok", "{urn:o}out", "{urn:o}in"]


def test_a_reply_is_written_without_prefix() -> None:
    rpc = f'<nc:rpc xmlns:nc="{BASE}" message-id="1"><nc:get/></nc:rpc>'.encode()
    reply = read_rpc(parse(rpc)).envelope.around(b"<ok/>")
    expected = f'<rpc-reply xmlns="{BASE}" xmlns:nc="{BASE}" message-id="1"><ok/></rpc-reply>'
    assert reply == expected.encode()


NAMES = st.from_regex(r"[a-z][a-z0-9.-]{0,8}", fullmatch=True).filter(lambda name: not name.startswith("xml"))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff", min_codepoint=32))


@pytest.mark.rfc("6241", "4.1", "attributes of rpc come back in rpc-reply")
@given(
    spaces=st.dictionaries(NAMES, st.sampled_from(["urn:a", "urn:b&c", BASE]), max_size=3),
    values=st.dictionaries(NAMES.filter(lambda name: name != "message-id"), TEXTS, max_size=3),
    message_id=TEXTS,
    default=st.sampled_from([None, BASE, "urn:other"]),
)
def test_every_attribute_comes_back_unmodified(
    spaces: dict[str, str], values: dict[str, str], message_id: str, default: str | None
) -> None:
    nsmap: Any = {**spaces, "base": BASE, **({None: default} if default else {})}
    rpc: Any = etree.Element(NC + "rpc", nsmap=nsmap)
    rpc.set("message-id", message_id)
    for name, value in values.items():
        rpc.set(name, value)
    for prefix, uri in spaces.items():
        rpc.set(f"{{{uri}}}{prefix}", prefix)
    etree.SubElement(rpc, NC + "get")
    reply = reply_to(etree.tostring(rpc).decode())
    assert dict(reply.attrib) == dict(rpc.attrib)
    assert {p: u for p, u in reply.nsmap.items() if p} == {p: u for p, u in rpc.nsmap.items() if p}
    assert reply.nsmap[None] == (rpc.nsmap.get(None) or BASE)


RPC = f'<rpc xmlns="{BASE}" message-id="1">'


@pytest.mark.rfc("6241", "4.1", "what an rpc has to hold")
@pytest.mark.parametrize(
    ("rpc", "kind", "name"),
    [
        (f'<rpc xmlns="{BASE}"><get/></rpc>', MissingAttribute, "message-id"),
        (f'<rpc xmlns="{BASE}" xmlns:n="urn:n" n:message-id="1"><get/></rpc>', MissingAttribute, "message-id"),
        (f"{RPC}</rpc>", MissingElement, "rpc"),
        (f"{RPC}text</rpc>", MissingElement, "rpc"),
        (f"{RPC}text<get/></rpc>", Malformed, "rpc"),
        (f"{RPC}<get/>text</rpc>", Malformed, "rpc"),
        (f"{RPC}<get/><get-config/></rpc>", DuplicateNode, "get-config"),
        ("<rpc message-id='1'><get/></rpc>", UnknownNamespace, "rpc"),
        ("<rpc xmlns='urn:wrong' message-id='1'><get/></rpc>", UnknownNamespace, "rpc"),
        (f"<rpc-reply xmlns='{BASE}' message-id='1'><ok/></rpc-reply>", UnknownElement, "rpc-reply"),
        (f"<x xmlns='{BASE}'/>", UnknownElement, "x"),
    ],
)
def test_what_is_no_request_says_so_in_place_of_the_operation(rpc: str, kind: type[Invalid], name: str) -> None:
    read = read_rpc(parse(rpc.encode()))
    assert type(read.operation) is kind
    assert read.operation.name == name
    reply = etree.fromstring(read.envelope.around(b"<ok/>"))
    assert reply.get("message-id") == ("1" if " message-id" in rpc else None)


@pytest.mark.parametrize(
    ("head", "message_id"),
    [
        (RPC.encode() + b"<get>\xff", "1"),
        (b"<?xml version='1.0'?>\n<nc:rpc xmlns:nc='x'\n message-id = 'a&lt;&#10;b' x='", "a<\nb"),
        (b"<rpc message-id='1", None),
        (b"<rpc x-message-id='1'>", None),
        (b"<rpc message-id='&nbsp;'>", None),
        (b"<rpc message-id='\xff'>", None),
        (b"<rpc><a message-id='1'/>", None),
        (b"", None),
        (b"<rpc " * 800, None),
    ],
)
def test_the_message_id_of_an_unreadable_message_is_found_where_it_can_be(head: bytes, message_id: str | None) -> None:
    reply = etree.fromstring(envelope_of_unread(head).around(b"<ok/>"))
    assert reply.get("message-id") == message_id


@given(st.text())
def test_escaped_text_is_always_well_formed(text: str) -> None:
    element: Any = etree.fromstring(f'<a b="{escape(text)}">{escape(text)}</a>'.encode())
    assert element.get("b") == (element.text or "")
    assert len(element.get("b")) == len(text)


INVENTED = {
    "elements": lambda i, j: f"<name-{i}-{j}-invented/>",
    "attributes": lambda i, j: f"<a name-{i}-{j}-invented='x'/>",
    "namespaces": lambda i, j: f"<a xmlns='urn:{i}-{j}-invented'/>",
    "blanks": lambda i, j: "<a>" + f"{i * 100 + j:050b}".replace("0", " ").replace("1", "\t") + "</a>",
    "blanks after an end": lambda i, j: (
        "x<a></a>" + f"{i * 100 + j:050b}".replace("0", " ").replace("1", "\t") + "<a/>"
    ),
}


@pytest.mark.parametrize("kind", INVENTED)
def test_a_vocabulary_keeps_a_bounded_number_of_the_names_that_clients_invent(kind: str) -> None:
    vocabulary = Vocabulary()
    for i in range(60):
        document = "<r>" + "".join(INVENTED[kind](i, j) for j in range(100)) + "</r>"
        assert vocabulary.parse(document.encode()).tag == "r"
    assert 0 < len(vocabulary.familiar) <= MOST


@pytest.mark.parametrize(
    "document",
    [
        b"<a x='>' invented=''/>",
        b"""<a x='"' y=">" invented=''/>""",
        b"<r><!-- ' --><a invented=''/></r>",
        b"<r>&invented;</r>",
        b"<r></invented>",
        b"<" + b"r" * LARGEST + b"/>",
    ],
)
def test_a_vocabulary_does_not_believe_tags_that_hide_something(document: bytes) -> None:
    vocabulary = Vocabulary()
    for _ in range(2):
        try:
            vocabulary.parse(document)
        except etree.XMLSyntaxError:
            continue
    assert not any(b"x='" in tag and b"invented" not in tag for tag in vocabulary.familiar)
    assert not any(b"y=" in tag and b"invented" not in tag for tag in vocabulary.familiar)
    assert sum(map(len, vocabulary.familiar)) < 300


def test_a_familiar_document_is_familiar_with_any_message_id() -> None:
    vocabulary = Vocabulary()
    for number in range(100):
        vocabulary.parse(f'<rpc xmlns="{BASE}" message-id="{number}"><get/></rpc>'.encode())
    assert vocabulary.familiar == {f'rpc xmlns="{BASE}" '.encode(), b"get/", b"/rpc"}


def test_a_parsed_message_keeps_no_memory() -> None:
    data = b"<r>" + b"<a>1</a>" * 90_000 + b"</r>"
    parse(data)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(5):
        parse(data)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 100_000
