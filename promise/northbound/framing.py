"""Bytes in, messages out, and back: the two framings of NETCONF over SSH (RFC 6242 section 4); no I/O.

The peer's bytes are fed to a `Decoder` in whatever pieces the network delivers and pulled out as messages; the
work is linear in the number of bytes, and never more than one message of at most `limit` bytes is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

END_OF_MESSAGE: Final = b"]]>]]>"
LARGEST_CHUNK: Final = 4294967295
CHUNK: Final = 32 * 1024
"""How much of a reply goes into one chunk: what one SSH packet carries."""

HEAD: Final = 4096
"""How much of an oversized message is kept: enough to read its message-id."""

SMALL: Final = 64 * 1024
"""Messages up to this size take nothing of the store."""

_HEADER: Final = re.compile(rb"\n#(?:#|([1-9][0-9]{0,9}))\n")
_HEADER_SO_FAR: Final = re.compile(rb"\n(?:#(?:#|[1-9][0-9]{0,9})?)?")
_FEW: Final = 64
_BLANK: Final = b" \t\r\n"
_HASH: Final = ord("#")


class FramingError(Exception):
    """The peer's bytes do not follow the framing; RFC 6242 section 4.2 has the session closed."""


@dataclass(frozen=True, slots=True)
class Oversized:
    """A message of `size` bytes that was read to its end and thrown away, but for its first bytes.

    `crowded` tells that it was not too long for itself: there were too many others at that time.
    """

    size: int
    head: bytes
    crowded: bool = False


class Store:
    """How many bytes the unfinished messages of all sessions may have together."""

    def __init__(self, limit: int) -> None:
        self.left = limit

    def take(self, count: int) -> bool:
        """Take so many bytes, if there are so many."""
        if count > self.left:
            return False
        self.left -= count
        return True

    def give(self, count: int) -> None:
        """Give so many back."""
        self.left += count


class Decoder:
    """Turns the peer's bytes into messages.

    `limit` is the size in bytes of the longest message that is kept. A longer one is skipped to its end, so that the
    session can go on, unless it exceeds `skip_limit`: then the framing counts as broken. One for which the `store` has
    no room is skipped in the same way.

    Framing is by end-of-message until `chunked` is set. The first message is accepted in chunks as well, because
    there are clients that send their hello so when ours reaches them early (RFC 6242 would have it by end-of-message).
    """

    def __init__(self, *, limit: int, skip_limit: int, store: Store | None = None) -> None:
        self._limit = limit
        self._store = store or Store(limit)
        self._stored = 0  # bytes that the message has of it
        self._crowded = False
        self._skip_limit = skip_limit
        self._chunked = False
        self._virgin = True  # nothing of the first message has been looked at
        self._blanks_allowed = False  # before the first chunk: clients end their hello with a newline
        self._buffer = bytearray()
        self._at = 0  # everything of the buffer before this has been consumed
        self._message = bytearray()
        self._size = 0  # of the message so far, including what was thrown away
        self._chunk_left = 0

    @property
    def chunked(self) -> bool:
        """Whether the next message is expected in chunks."""
        return self._chunked

    @chunked.setter
    def chunked(self, chunked: bool) -> None:
        self._blanks_allowed = chunked and not self._chunked
        self._chunked = chunked

    @property
    def unread(self) -> int:
        """The number of bytes fed and not yet looked at."""
        return len(self._buffer) - self._at

    @property
    def unfinished(self) -> bool:
        """Whether a message has begun and not come to its end; blanks are nothing yet."""
        if self._chunk_left or self._size + self.unread > _FEW:
            return True
        return bool(self._message.strip() or self._buffer[self._at :].strip())

    def release(self) -> None:
        """Give back what the message has of the store."""
        self._store.give(self._stored)
        self._stored = 0

    def feed(self, data: bytes) -> None:
        """Add bytes as they came from the peer."""
        self._buffer += data

    def next_message(self) -> bytes | Oversized | None:
        """Return the next whole message, or None when more bytes are needed; raises FramingError."""
        if self._virgin and not self._tell_framing():
            return None
        complete = self._read_chunks() if self._chunked else self._read_to_delimiter()
        if self._at == len(self._buffer) or self._at > CHUNK:
            del self._buffer[: self._at]
            self._at = 0
        return self._finish() if complete else None

    def _tell_framing(self) -> bool:
        """Look at how the first message begins; False when that is not yet to be seen."""
        if self._buffer.startswith(b"\n#"):
            self._chunked = True
        elif len(self._buffer) < 2:  # noqa: PLR2004 - a newline alone says nothing yet
            return False
        self._virgin = False
        return True

    def _read_to_delimiter(self) -> bool:
        found = self._buffer.find(END_OF_MESSAGE, self._at)
        if found >= 0:
            self._take(found - self._at)
            self._at += len(END_OF_MESSAGE)
            return True
        certain = self.unread - len(END_OF_MESSAGE) + 1  # the delimiter may have begun
        if certain > 0:
            self._take(certain)
        return False

    def _read_chunks(self) -> bool:
        while True:
            if self._chunk_left:
                available = min(self._chunk_left, self.unread)
                self._take(available)
                self._chunk_left -= available
                if self._chunk_left:
                    return False
            header = self._next_header()
            if header is None:
                return False
            if header[1] is None:
                return self._end_of_chunks()
            self._chunk_left = int(header[1])
            if self._chunk_left > LARGEST_CHUNK:
                raise FramingError(f"a chunk of {self._chunk_left} bytes is larger than {LARGEST_CHUNK}")

    def _next_header(self) -> re.Match[bytes] | None:
        """Consume a chunk header or the end of chunks; complain as soon as there can be none any more."""
        while self._blanks_allowed and self.unread and self._buffer[self._at] in _BLANK:
            if self.unread == 1:
                return None
            if self._buffer[self._at + 1] == _HASH:
                break
            self._at += 1
        header = _HEADER.match(self._buffer, self._at)
        if header is not None:
            self._at = header.end()
            self._blanks_allowed = False
        elif self.unread and not _HEADER_SO_FAR.fullmatch(self._buffer, self._at):
            seen = bytes(self._buffer[self._at : self._at + 16])
            raise FramingError(f"expected a chunk header or the end of chunks, not {seen!r}")
        return header

    def _end_of_chunks(self) -> bool:
        if not self._size:
            raise FramingError("a message without any chunk")
        return True

    def _take(self, count: int) -> None:
        """Move bytes from the buffer to the message, or throw them away when that has grown too long."""
        self._size += count
        if self._size > self._skip_limit:
            raise FramingError(f"a message of more than {self._skip_limit} bytes")
        end = self._at + count
        if self._size <= self._limit and self._has_room():
            self._message += memoryview(self._buffer)[self._at : end]
        else:
            if len(self._message) < HEAD:
                self._message += memoryview(self._buffer)[self._at : min(end, self._at + HEAD)]
            del self._message[HEAD:]
        self._at = end

    def _has_room(self) -> bool:
        """Tell whether the message may go on to grow."""
        if self._size > SMALL and not self._crowded:
            self._crowded = not self._store.take(self._size - self._stored)
            if not self._crowded:
                self._stored = self._size
        return not self._crowded

    def _finish(self) -> bytes | Oversized:
        message, size, crowded = bytes(self._message), self._size, self._crowded
        self._message = bytearray()
        self._size = 0
        self._crowded = False
        self.release()
        if size > self._limit:
            return Oversized(size, message)
        return Oversized(size, message, crowded) if crowded else message


def frame(message: bytes, *, chunked: bool) -> list[bytes]:
    """Return a message as it goes to the peer, in pieces of about `CHUNK` bytes.

    The pieces also satisfy peers which look for the end of the message without counting bytes: no line of the
    payload begins with "#" (the newline before it is written as a character reference), the end-of-message
    sequence does not occur in it, and no chunk begins with "#" or within a character.
    """
    if b"\n#" in message:
        message = message.replace(b"\n#", b"&#10;#")
    if END_OF_MESSAGE in message:
        message = message.replace(END_OF_MESSAGE, b"]]>]]&gt;")
    if not chunked:
        message += END_OF_MESSAGE
        return [message[at : at + CHUNK] for at in range(0, len(message), CHUNK)]
    if len(message) <= CHUNK:
        return [b"\n#%d\n%b\n##\n" % (len(message), message)]
    pieces = [b"".join((b"\n#%d\n" % len(chunk), chunk)) for chunk in _chunks(memoryview(message))]
    pieces[-1] += b"\n##\n"
    return pieces


def _chunks(message: memoryview) -> list[memoryview]:
    chunks = []
    start = 0
    while start < len(message):
        end = start + CHUNK
        while end < len(message) and (message[end] == _HASH or message[end] & 0xC0 == 0x80):  # noqa: PLR2004 - UTF-8
            end += 1
        chunks.append(message[start:end])
        start = end
    return chunks
