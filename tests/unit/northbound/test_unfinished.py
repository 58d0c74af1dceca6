"""Messages that have begun: how many bytes they may have together, and whether one is under way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from netconf_client import BASE, END, chunked, client_hello, rpc_message

from promise.errors import Overloaded, TooBig
from promise.northbound.framing import SMALL, Decoder, Oversized, Store
from promise.northbound.session import Rejected, Request, Session

LARGE = SMALL + 1000


def decoder(store: Store, *, chunks: bool = True) -> Decoder:
    made = Decoder(limit=4 * LARGE, skip_limit=100 * LARGE, store=store)
    made.chunked = chunks
    return made


@pytest.mark.limit(
    "never-ending messages on many sessions",
    "unfinished messages share a store of bytes; for whom there is none, the message is skipped and resource-denied",
    "netconf.max_unfinished",
)
@pytest.mark.parametrize("chunks", [True, False])
def test_unfinished_messages_share_a_store(*, chunks: bool) -> None:
    store = Store(2 * LARGE)
    first, second, third = (decoder(store, chunks=chunks) for _ in range(3))
    begin = (b"\n#%d\n" % (LARGE + 10) if chunks else b"") + b"x" * (LARGE + 10)
    end = b"\n##\n" if chunks else END
    for each in (first, second, third):
        each.feed(begin)
        assert each.next_message() is None
        assert each.unfinished
    assert 0 <= store.left < LARGE
    first.feed(end)
    assert first.next_message() == b"x" * (LARGE + 10)
    second.feed(end)
    crowded = second.next_message()
    assert isinstance(crowded, Oversized)
    assert (crowded.size, crowded.crowded) == (LARGE + 10, True)
    second.feed(begin + end)
    third.release()
    assert second.next_message() == b"x" * (LARGE + 10)
    assert store.left == 2 * LARGE


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 3 * LARGE), max_size=8), st.integers(2000, LARGE))
def test_what_was_taken_is_given_back(sizes: list[int], step: int) -> None:
    store = Store(LARGE * 2)
    one = Decoder(limit=2 * LARGE, skip_limit=100 * LARGE, store=store)
    data = b"ab" + END + b"".join(b"x" * size + END for size in sizes)
    found: list[int] = []
    for at in range(0, len(data), step):
        one.feed(data[at : at + step])
        while (message := one.next_message()) is not None:
            found.append(message.size if isinstance(message, Oversized) else len(message))
        assert 0 <= store.left <= LARGE * 2
    assert found == [2, *sizes]
    assert store.left == LARGE * 2


@pytest.mark.parametrize(
    ("data", "unfinished"),
    [(b"", False), (b"\n", False), (b" \r\n" * 20, False), (b"<", True), (b"\n \n<r", True), (b" " * 65, True)],
)
def test_blanks_between_messages_are_no_message(data: bytes, *, unfinished: bool) -> None:
    one = decoder(Store(LARGE), chunks=False)
    one.feed(b"<hello/>" + END + data)
    assert one.next_message() == b"<hello/>"
    assert one.next_message() is None
    assert one.unfinished is unfinished


def test_a_chunk_that_is_announced_is_a_message_that_has_begun() -> None:
    one = decoder(Store(LARGE))
    one.feed(b"\n#4294967295\n")
    assert one.next_message() is None
    assert one.unfinished


def opened(**limits: int) -> Session:
    store = Store(limits.pop("store")) if "store" in limits else None
    made = Session(4, [], store=store, **limits)
    made.receive(client_hello() + END)
    made.next_event()
    return made


def test_a_request_for_which_there_is_no_room_is_told_so_and_the_next_one_is_taken() -> None:
    one = opened(store=100_000)
    one.receive(chunked(rpc_message("<get>" + "x" * 200_000 + "</get>", "7")) + chunked(rpc_message("<get/>", "8")))
    event = one.next_event()
    assert isinstance(event, Rejected)
    assert isinstance(event.error, Overloaded)
    assert b'message-id="7"' in event.envelope.start
    assert isinstance(one.next_event(), Request)


@pytest.mark.limit("deep nesting", "elements are nested so deep at most", "netconf.max_depth")
@pytest.mark.parametrize(
    ("deepest", "depth", "taken"), [(16, 15, True), (16, 16, False), (100, 99, True), (100, 100, False)]
)
def test_elements_are_nested_as_deep_as_was_said(deepest: int, depth: int, *, taken: bool) -> None:
    one = opened(deepest=deepest)
    inside = "<a>" * depth + "</a>" * depth
    one.receive(chunked(f'<rpc xmlns="{BASE}" message-id="1">{inside}</rpc>'.encode()))
    event = one.next_event()
    assert isinstance(event, Request if taken else Rejected)
    if isinstance(event, Rejected):
        assert isinstance(event.error, TooBig)
