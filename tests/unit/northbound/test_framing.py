"""The framing, over every way in which a network can cut the bytes."""

from __future__ import annotations

import re
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promise.northbound.framing import CHUNK, HEAD, LARGEST_CHUNK, Decoder, FramingError, Oversized, frame

LIMIT = 1000
SKIP_LIMIT = 5000
END = b"]]>]]>"
HELLO = b"<hello/>"


def decoder(*, chunked: bool = False) -> Decoder:
    made = Decoder(limit=LIMIT, skip_limit=SKIP_LIMIT)
    if chunked:
        made.feed(HELLO + END)
        assert made.next_message() == HELLO
        made.chunked = True
    return made


def all_messages(reader: Decoder) -> list[bytes | Oversized]:
    found = []
    while (message := reader.next_message()) is not None:
        found.append(message)
    return found


def fed(reader: Decoder, pieces: list[bytes]) -> list[bytes | Oversized]:
    found = []
    for piece in pieces:
        reader.feed(piece)
        found += all_messages(reader)
    return found


def cut(data: bytes, *places: int) -> list[bytes]:
    return [data[start:end] for start, end in pairwise((0, *places, len(data)))]


def chunks(message: bytes, *places: int) -> bytes:
    return b"".join(b"\n#%d\n%b" % (len(piece), piece) for piece in cut(message, *places) if piece) + b"\n##\n"


@pytest.mark.rfc("6242", "4.3", "end-of-message framing, however it is cut")
def test_delimited_messages_come_out_whole_over_every_pair_of_cuts() -> None:
    data = b"<a/>" + END + b"]]>]]<b>]]></b>" + END + END
    for first in range(len(data) + 1):
        for second in range(first, len(data) + 1):
            found = fed(decoder(), cut(data, first, second))
            assert found == [b"<a/>", b"]]>]]<b>]]></b>", b""]


@pytest.mark.rfc("6242", "4.2", "chunked framing, however it is cut")
def test_chunked_messages_come_out_whole_over_every_pair_of_cuts() -> None:
    data = chunks(b"<a>\n##\n#5\n</a>", 3, 6, 7) + chunks(b"<b/>")
    for first in range(len(data) + 1):
        for second in range(first, len(data) + 1):
            found = fed(decoder(chunked=True), cut(data, first, second))
            assert found == [b"<a>\n##\n#5\n</a>", b"<b/>"]


def test_the_framing_changes_between_two_messages_of_the_same_bytes() -> None:
    data = HELLO + END + chunks(b"<rpc/>")
    for place in range(len(data) + 1):
        reader = decoder()
        found: list[bytes | Oversized] = []
        for piece in cut(data, place):
            reader.feed(piece)
            while (message := reader.next_message()) is not None:
                found.append(message)
                reader.chunked = True
        assert found == [HELLO, b"<rpc/>"]


@pytest.mark.parametrize("blanks", [b"\n", b"\r\n", b" \n\n", b"\n\r\n\t "])
def test_blanks_between_a_hello_and_the_first_chunk_are_forgiven_once(blanks: bytes) -> None:
    data = blanks + chunks(b"<rpc/>")
    for place in range(len(data) + 1):
        assert fed(decoder(chunked=True), cut(data, place)) == [b"<rpc/>"]
    with pytest.raises(FramingError):
        fed(decoder(chunked=True), [chunks(b"<rpc/>") + blanks + chunks(b"<rpc/>")])


def test_a_hello_may_come_in_chunks() -> None:
    data = chunks(HELLO) + chunks(b"<rpc/>")
    for place in range(len(data) + 1):
        reader = decoder()
        assert fed(reader, cut(data, place)) == [HELLO, b"<rpc/>"]
        assert reader.chunked


def test_a_hello_may_begin_with_a_newline() -> None:
    assert fed(decoder(), [b"\n", b"<hello/>" + END]) == [b"\n<hello/>"]


def test_only_the_first_message_may_choose_its_framing() -> None:
    assert fed(decoder(), [HELLO + END + chunks(b"<a/>") + END]) == [HELLO, chunks(b"<a/>")]


@given(
    messages=st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=5),
    cuts=st.lists(st.integers(0, 400), max_size=12),
    inner=st.lists(st.integers(1, 59), max_size=4),
)
def test_what_is_framed_in_chunks_comes_out_however_it_is_cut(
    messages: list[bytes], cuts: list[int], inner: list[int]
) -> None:
    data = b"".join(chunks(message, *sorted(p for p in inner if p < len(message))) for message in messages)
    places = sorted(min(place, len(data)) for place in cuts)
    assert fed(decoder(chunked=True), cut(data, *places)) == messages


@given(data=st.binary(max_size=200), place=st.integers(0, 200))
def test_any_bytes_lead_to_the_same_end_however_they_are_cut(data: bytes, place: int) -> None:
    def outcome(pieces: list[bytes]) -> tuple[list[bytes | Oversized], bool]:
        reader = decoder(chunked=True)
        found: list[bytes | Oversized] = []
        try:
            for piece in pieces:
                reader.feed(piece)
                while (message := reader.next_message()) is not None:
                    found.append(message)
        except FramingError:
            return found, True
        return found, False

    assert outcome(cut(data, min(place, len(data)))) == outcome([data])


@pytest.mark.parametrize(
    "bad",
    [
        b"x", b"#4\nabcd", b"\nx", b"\n#x", b"\n#0\n", b"\n#04\nabcd", b"\n#-4\n", b"\n# 4\n", b"\n#4 \n", b"\n#\n",
        b"\n#+4\n", b"\n#4\r\n", b"\n###", b"\n#1#", b"\n##\r",
        b"\n#12345678901", b"\n#4294967296\n", b"\n#9999999999\n",
        b"\n#\xd9\xa4\nabcd", b"\n##\n", b"\n#4\nabcd#4\n", b"\n#4\nabcdx", b"\n#4\nabcd]]>]]>", b"<rpc/>]]>]]>",
    ],
)  # fmt: skip
def test_a_malformed_chunk_breaks_the_framing_as_soon_as_it_shows(bad: bytes) -> None:
    reader = decoder(chunked=True)
    reader.feed(b"\n#1\nx\n##\n")
    assert reader.next_message() == b"x"
    reader.feed(bad)
    with pytest.raises(FramingError):
        all_messages(reader)


@pytest.mark.rfc("6242", "4.2", "a chunk may have 4294967295 octets")
def test_the_largest_chunk_size_is_not_malformed() -> None:
    reader = decoder(chunked=True)
    reader.feed(b"\n#%d\nabc" % LARGEST_CHUNK)
    assert reader.next_message() is None


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [LIMIT, LIMIT + 1, SKIP_LIMIT])
def test_a_message_beyond_the_limit_is_skipped_and_the_next_one_read(size: int, chunked: bool) -> None:
    message = bytes(range(48, 91)) * (size // 43) + b"x" * (size % 43)
    data = (chunks(message, 400, 401) + chunks(b"<next/>")) if chunked else message + END + b"<next/>" + END
    for step in (1, 7, 999, len(data)):
        pieces = [data[at : at + step] for at in range(0, len(data), step)]
        first, second = fed(decoder(chunked=chunked), pieces)
        assert second == b"<next/>"
        assert first == (message if size <= LIMIT else Oversized(size, message[:HEAD]))


@pytest.mark.parametrize("chunked", [False, True])
def test_a_message_beyond_the_skip_limit_breaks_the_framing(chunked: bool) -> None:
    message = b"x" * (SKIP_LIMIT + 1)
    reader = decoder(chunked=chunked)
    reader.feed(chunks(message) if chunked else message + END)
    with pytest.raises(FramingError, match="5000 bytes"):
        reader.next_message()


@pytest.mark.parametrize("prefix", [b"", b"\n#4000000000\n"])
def test_memory_is_bounded_however_long_the_message_grows(prefix: bytes) -> None:
    reader = Decoder(limit=100_000, skip_limit=10**9)
    reader.feed(b"<hello/>" + END)
    reader.next_message()
    reader.chunked = bool(prefix)
    reader.feed(prefix)
    piece = b"x" * 32768
    tracemalloc.start()
    for _ in range(1000):
        reader.feed(piece)
        assert reader.next_message() is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_memory_is_bounded_with_the_smallest_chunks() -> None:
    reader = Decoder(limit=10**6, skip_limit=10**6)
    reader.feed(b"<hello/>" + END)
    reader.next_message()
    reader.chunked = True
    piece = b"\n#1\nx" * 5000
    tracemalloc.start()
    for _ in range(6):
        reader.feed(piece)
        assert reader.next_message() is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 500_000
    reader.feed(b"\n##\n")
    assert reader.next_message() == b"x" * 30_000


def test_unread_counts_what_was_fed_and_not_looked_at() -> None:
    reader = decoder(chunked=True)
    assert reader.unread == 0
    reader.feed(chunks(b"<a/>") + chunks(b"<b/>"))
    assert reader.unread == 2 * len(chunks(b"<a/>"))
    assert reader.next_message() == b"<a/>"
    assert reader.unread == len(chunks(b"<b/>"))


def test_a_short_message_is_framed_in_one_piece() -> None:
    assert frame(b"<a/>", chunked=False) == [b"<a/>]]>]]>"]
    assert frame(b"<a/>", chunked=True) == [b"\n#4\n<a/>\n##\n"]


@pytest.mark.rfc("6242", "4.2", "what we send is framed as the grammar says")
@given(st.text(min_size=1, max_size=200).map(lambda text: text * 700), st.booleans())
def test_what_we_frame_can_be_read_and_means_the_same(text: str, chunked: bool) -> None:
    message = text.encode()
    pieces = frame(message, chunked=chunked)
    reader = Decoder(limit=10**7, skip_limit=10**7)
    reader.feed(b"<hello/>" + END)
    reader.next_message()
    reader.chunked = chunked
    (read,) = fed(reader, pieces)
    assert isinstance(read, bytes)
    assert read.replace(b"&#10;#", b"\n#").replace(b"]]>]]&gt;", END) == message.replace(b"&#10;#", b"\n#").replace(
        b"]]>]]&gt;", END
    )
    assert END not in read
    assert b"\n#" not in read


@given(st.text("#\n1é€😀<]>", min_size=1, max_size=20), st.integers(0, 40))
def test_chunks_do_not_mislead_clients_that_do_not_count(text: str, offset: int) -> None:
    payload = "x" * offset + text * (3 * CHUNK // len(text.encode()))
    pieces = frame(payload.encode(), chunked=True)
    stream = b"".join(pieces)
    assert stream.count(b"\n##\n") == 1
    headers = re.findall(rb"\n#(\d+)\n", stream)
    assert len(headers) == len(pieces)
    stripped = re.sub(rb"\n#\d+\n", b"", stream.removesuffix(b"\n##\n"))
    assert len(stripped) == sum(map(int, headers))
    assert stripped.decode().replace("&#10;#", "\n#").replace("]]>]]&gt;", "]]>]]>") == payload
    for piece in pieces:
        piece.removesuffix(b"\n##\n").decode()  # no chunk ends within a character


def test_the_content_of_a_chunk_never_begins_with_a_hash() -> None:
    message = b"x" * CHUNK + b"##\nfoo"
    assert frame(message, chunked=True) == [b"\n#32770\n" + b"x" * CHUNK + b"##", b"\n#4\n\nfoo\n##\n"]
