"""The session as values: hellos, requests, and when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from netconf_client import BASE, BASE_1_0, BASE_1_1, END, NC, chunked, client_hello, rpc_message

from promise.errors import Invalid, Malformed, MissingAttribute, TooBig
from promise.northbound.session import Broken, Event, Opened, Rejected, Request, Session

if TYPE_CHECKING:
    from promise.northbound.message import Envelope

MODULE = "urn:opnfv:promise?module=opnfv-promise&revision=2026-11-20"
HELLO = client_hello() + END


def session(**limits: Any) -> Session:
    return Session(4, [MODULE], **limits)


def events(of: Session, data: bytes, *, step: int = 0) -> list[Event]:
    found: list[Event] = []
    for at in range(0, len(data), step or len(data) or 1):
        of.receive(data[at : at + step] if step else data)
        while (event := of.next_event()) is not None:
            found.append(event)
    return found


def opened(*capabilities: str, **limits: int) -> Session:
    made = session(**limits)
    (event,) = events(made, client_hello(*capabilities) + END)
    assert isinstance(event, Opened)
    return made


def message_id(envelope: Envelope) -> str | None:
    return etree.fromstring(envelope.around(b"<ok/>")).get("message-id")


def test_our_hello_has_no_prefixes_and_all_capabilities() -> None:
    hello = session().hello()
    assert hello.endswith(b"</hello>]]>]]>")
    for written in (b"<capability>urn:ietf:params:netconf:base:1.0</capability>", b"<session-id>4</session-id>"):
        assert written in hello
    root: Any = etree.fromstring(hello.removesuffix(END))
    assert [element.text for element in root.iter(NC + "capability")] == [BASE_1_0, BASE_1_1, MODULE]


@pytest.mark.rfc("6241", "8.1", "base:1.1 where both have it, else base:1.0")
@pytest.mark.parametrize(
    ("capabilities", "base_1_1"),
    [((BASE_1_0,), False), ((BASE_1_1,), True), ((BASE_1_0, BASE_1_1), True), (("urn:x", f"\n {BASE_1_1} "), True)],
)
def test_the_newest_version_in_common_is_spoken(capabilities: tuple[str, ...], base_1_1: bool) -> None:
    opening = session()
    found = events(opening, client_hello(*capabilities) + END)
    assert found == [Opened(base_1_1, frozenset(capability.strip() for capability in capabilities))]
    assert opening.base_1_1 is base_1_1


@pytest.mark.parametrize(
    ("hello", "reason"),
    [
        (client_hello("urn:x"), "no version"),
        (f'<hello xmlns="{BASE}"/>'.encode(), "no version"),
        (f'<hello xmlns="{BASE}"><capabilities/></hello>'.encode(), "no version"),
        (client_hello().replace(b"</hello>", b"<session-id>1</session-id></hello>"), "session-id"),
        (client_hello().replace(BASE.encode(), b"urn:wrong"), "hello expected"),
        (b"<hello/>", "hello expected"),
        (rpc_message("<get/>", "1"), "hello expected"),
        (b"<!DOCTYPE hello><hello/>", "document type"),
        (b"<hello", "not well-formed"),
        (b"", "not well-formed"),
        (b"\xff", "not well-formed"),
        (b"<a>" * 200 + b"</a>" * 200, "nested"),
        (b"x" * 5000, "5000 bytes"),
    ],
)
def test_a_bad_hello_ends_the_session(hello: bytes, reason: str) -> None:
    closing = session(largest=4000)
    found = events(closing, hello + END + HELLO + chunked(rpc_message("<get/>", "1")))
    (broken,) = found
    assert isinstance(broken, Broken)
    assert reason in broken.reason
    assert events(closing, HELLO) == []
    assert closing.unread == 0


@pytest.mark.rfc("6241", "8.1", "a second hello ends the session")
def test_a_second_hello_ends_the_session() -> None:
    found = events(opened(), chunked(client_hello()) + chunked(rpc_message("<get/>", "1")))
    assert found == [Broken("a second hello")]


@pytest.mark.parametrize("step", range(1, 300))
def test_requests_that_come_with_the_hello_are_read_in_order_however_the_bytes_are_cut(step: int) -> None:
    data = HELLO + b"".join(chunked(rpc_message("<get/>", str(number))) for number in range(5))
    first, *requests = events(session(), data, step=step)
    assert isinstance(first, Opened)
    assert [message_id(request.envelope) for request in requests if isinstance(request, Request)] == list("01234")
    assert {request.operation.tag for request in requests if isinstance(request, Request)} == {NC + "get"}


def test_requests_with_a_base_1_0_hello_are_delimited() -> None:
    talking = session()
    data = client_hello(BASE_1_0) + END + b"\n" + rpc_message("<get/>", "1") + END + rpc_message("<get/>", "2") + END
    _, *requests = events(talking, data)
    assert [message_id(request.envelope) for request in requests if isinstance(request, Request)] == ["1", "2"]
    assert isinstance(requests[0], Request)
    assert b"".join(talking.reply(requests[0].envelope, b"<ok/>")).endswith(b'message-id="1"><ok/></rpc-reply>]]>]]>')


def test_a_hello_in_chunks_is_forgiven() -> None:
    found = events(session(), chunked(client_hello()) + chunked(rpc_message("<get/>", "1")), step=3)
    assert [type(event) for event in found] == [Opened, Request]


def test_a_hello_in_chunks_of_a_client_without_base_1_1_means_nothing_for_what_follows() -> None:
    found = events(session(), chunked(client_hello(BASE_1_0)) + rpc_message("<get/>", "1") + END)
    assert [type(event) for event in found] == [Opened, Request]


def test_a_reply_goes_in_the_framing_that_was_agreed() -> None:
    talking = opened()
    (request,) = events(talking, chunked(rpc_message("<get/>", "1")))
    assert isinstance(request, Request)
    reply = f'<rpc-reply xmlns="{BASE}" message-id="1"><ok/></rpc-reply>'.encode()
    assert talking.reply(request.envelope, b"<ok/>") == [chunked(reply)]
    assert talking.message(b"<notification/>") == [chunked(b"<notification/>")]


@pytest.mark.parametrize(
    ("message", "kind", "answered"),
    [
        (rpc_message("<get>", "7"), Malformed, "7"),
        (b"<rpc", Malformed, None),
        (rpc_message("&x;", "7"), Malformed, "7"),
        (rpc_message(b"\xff\xfe", "7"), Malformed, "7"),
        (b"<!DOCTYPE rpc>" + rpc_message("<get/>", "7"), Malformed, "7"),
        (rpc_message("<a>" * 150 + "</a>" * 150, "7"), TooBig, "7"),
        (rpc_message("<get/>" + " " * 4000, "7"), TooBig, "7"),
        (b" " * 9000, TooBig, None),
        (f'<rpc xmlns="{BASE}"><get/></rpc>'.encode(), MissingAttribute, None),
    ],
)
@pytest.mark.parametrize("base", [BASE_1_0, BASE_1_1])
def test_a_bad_message_is_rejected_and_the_next_one_read(
    message: bytes, kind: type[Invalid], answered: str | None, base: str
) -> None:
    talking = opened(base, largest=4000, largest_skipped=10_000)
    good = rpc_message("<get/>", "8")
    data = chunked(message) + chunked(good) if base == BASE_1_1 else message + END + good + END
    bad, request = events(talking, data)
    assert isinstance(bad, Rejected)
    assert type(bad.error) is kind
    assert message_id(bad.envelope) == answered
    assert isinstance(request, Request)


@pytest.mark.parametrize("data", [b"<rpc/>]]>]]>", b"\n#0\n", chunked(b"x" * 10_001)])
def test_broken_framing_ends_the_session_and_nothing_after_it_counts(data: bytes) -> None:
    talking = opened(largest=4000, largest_skipped=10_000)
    found = events(talking, chunked(rpc_message("<get/>", "1")) + data + chunked(rpc_message("<get/>", "2")))
    assert [type(event) for event in found] == [Request, Broken]


def test_a_closed_session_reads_nothing_more() -> None:
    talking = opened()
    talking.receive(chunked(rpc_message("<get/>", "1")) * 3)
    assert isinstance(talking.next_event(), Request)
    talking.close()
    assert talking.next_event() is None
    talking.receive(chunked(rpc_message("<get/>", "1")))
    assert talking.next_event() is None
    assert talking.unread == 0


@given(st.binary(max_size=300))
def test_no_bytes_whatever_raise(data: bytes) -> None:
    events(session(), data)
    events(session(), HELLO + data)
    events(opened(BASE_1_0), data + END)
    events(opened(), chunked(data or b"x"))


@given(st.text("<>/abrpc \"'=&;!-[]#\n1?xmlns:", max_size=80))
def test_no_text_whatever_raises(text: str) -> None:
    talking = opened()
    for message in (
        text,
        f'<rpc xmlns="{BASE}" message-id="1">{text}</rpc>',
        f'<rpc xmlns="{BASE}" {text}><get/></rpc>',
    ):
        (event,) = events(talking, chunked(message.encode() or b" "))
        if isinstance(event, Broken):
            assert "hello" in event.reason
            return
        assert isinstance(event, (Request, Rejected))
        etree.fromstring(event.envelope.around(b"<ok/>"))
