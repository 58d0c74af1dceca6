"""What goes over the wire of a NETCONF server, whoever its clients are: evidence for yanglint (see `evidence`)."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evidence import EVIDENCE
from lxml import etree
from netconf_client import END, NOTIFICATION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promise.northbound.netconf import NetconfServer

CHUNK = re.compile(rb"\n#([0-9]+)\n")
END_OF_CHUNKS = b"\n##\n"


@dataclass
class Session:
    """The bytes of one session, both ways."""

    asked: bytearray = field(default_factory=bytearray)
    told: bytearray = field(default_factory=bytearray)

    def exchanges(self) -> list[tuple[bytes, bytes]]:
        """Return each request with its reply."""
        requests = {_id(each): each for each in messages(bytes(self.asked)) if b"<rpc" in each or b":rpc" in each}
        replies = [each for each in messages(bytes(self.told)) if each.startswith(b"<rpc-reply")]
        return [(requests[_id(each)], each) for each in replies]

    def notifications(self) -> list[bytes]:
        """Return what was told unasked."""
        return [each for each in messages(bytes(self.told)) if etree.fromstring(each).tag == NOTIFICATION]


def _id(message: bytes) -> str:
    return str(etree.fromstring(message).get("message-id"))


def messages(stream: bytes) -> list[bytes]:
    """Return the messages of a stream: its hello, then what is framed as the first byte behind it says."""
    hello, _, rest = stream.partition(END)
    if not rest.lstrip().startswith(b"#"):
        return [hello, *(each for each in rest.split(END) if each.strip())]
    found, at = [hello], 0
    parts: list[bytes] = []
    rest = b"\n" + rest.strip() + b"\n"  # some end what they send with a line end more
    while at < len(rest):
        if rest.startswith(END_OF_CHUNKS, at):
            found.append(b"".join(parts))
            parts, at = [], at + len(END_OF_CHUNKS)
            continue
        header = CHUNK.match(rest, at)
        assert header is not None, rest[at : at + 40]
        at = header.end() + int(header[1])
        parts.append(rest[header.end() : at])
    return found


class Tap:
    """A wire that remembers what is written to it."""

    def __init__(self, wire: Any, heard: Session) -> None:
        self._wire = wire
        self._heard = heard

    def write(self, data: bytes) -> None:
        self._heard.told.extend(data)
        self._wire.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wire, name)


@contextmanager
def overhearing(server: NetconfServer) -> Iterator[list[Session]]:
    """Remember what every session that is opened meanwhile says and hears."""
    listener: Any = server._listener
    ordinary = listener.open_session
    heard: list[Session] = []

    def tapped(wire: Any, *of: Any) -> Any:
        session = Session()
        heard.append(session)
        dialogue = ordinary(Tap(wire, session), *of)
        taken = dialogue.data_received

        def data_received(data: bytes) -> None:
            session.asked.extend(data)
            taken(data)

        dialogue.data_received = data_received
        return dialogue

    listener.open_session = tapped
    try:
        yield heard
    finally:
        listener.open_session = ordinary


def kept(sessions: list[Session]) -> int:
    """Keep every reply and notification as evidence; returns how many there were."""
    count = 0
    for session in sessions:
        for asked, told in session.exchanges():
            EVIDENCE.replied(asked, told)
            count += 1
        for told in session.notifications():
            EVIDENCE.notified(told)
            count += 1
    return count
