"""What goes over the wire of a NETCONF server, whoever its clients are, for yanglint to judge.

yanglint 2.1 checks envelopes, operations, outputs and notifications; it has no rules for the content of <data>.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lxml import etree
from netconf_client import END, NC, NOTIFICATION, NOTIFICATIONS, rpc_message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promise.northbound.netconf import NetconfServer

YANGLINT = shutil.which("yanglint")
YANG = Path(__file__).parents[1] / "yang"
MODULES = sorted(
    path
    for path in (YANG / "ietf").glob("ietf-*.yang")
    if path.stem.startswith(
        ("ietf-netconf", "ietf-subscribed", "ietf-yang-push", "ietf-yang-library", "ietf-datastores")
    )
)
CHUNK = re.compile(rb"\n#([0-9]+)\n")
PLAIN = rpc_message("<get/>", "1")
"""Stands for a request that yanglint cannot read, so that it looks at the envelope of the reply alone."""

THERE = '<promise xmlns="urn:opnfv:promise"><policy><reservation><expiry>5</expiry></reservation></policy></promise>'
"""What <netconf-config-change> may point at."""

NETMOD = b"urn:ietf:params:xml:ns:netmod:notification"
FORMAT = re.compile(rb"<ncm:format>yang</ncm:format>")
"""The identity as ncclient writes it, without a prefix: yanglint does not know it then."""

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
        """Return what was told unasked, but for <replayComplete> and the like, of which there is no YANG module."""
        found = [each for each in messages(bytes(self.told)) if etree.fromstring(each).tag == NOTIFICATION]
        return [each for each in found if NETMOD not in each]


def _id(message: bytes) -> str:
    return str(etree.fromstring(message).get("message-id"))


def messages(stream: bytes) -> list[bytes]:
    """Return the messages of a stream: its hello, then what is framed as the first byte behind it says."""
    hello, _, rest = stream.partition(END)
    if not rest.lstrip().startswith(b"#"):
        return [hello, *(each for each in rest.split(END) if each.strip())]
    found, at = [hello], 0
    parts: list[bytes] = []
    rest = b"\n" + rest.lstrip()
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


async def judged(sessions: list[Session], folder: Path) -> int:
    """Have yanglint, where it is installed, judge every reply and notification; returns how many there were.

    Of the replies to <get-schema>, which differ in one text alone, it judges the first of each session.
    """
    count = 0
    for session in sessions:
        schemas = 0
        for asked, told in session.exchanges():
            schemas += b"get-schema" in asked
            if b"get-schema" not in asked or schemas == 1:
                await _judge(folder, told, FORMAT.sub(b"", asked))
            count += 1
        for told in session.notifications():
            await _judge(folder, told)
            count += 1
    return count


def _known(asked: bytes, told: bytes) -> bool:
    """Tell whether yanglint knows what was asked: it was no error, and not of RFC 5277, which has no YANG module."""
    reply: Any = etree.fromstring(told)
    return reply.find(NC + "rpc-error") is None and NOTIFICATIONS.encode() not in asked


async def _judge(folder: Path, told: bytes, asked: bytes | None = None) -> None:
    if YANGLINT is None:
        return
    document, request, there = (folder / f"{name}.xml" for name in ("told", "asked", "there"))
    document.write_bytes(told)
    there.write_text(THERE)
    kind: list[str | Path] = ["-t", "nc-notif", "-O", there]
    if asked is not None:
        request.write_bytes(asked if _known(asked, told) else PLAIN)
        kind = ["-t", "nc-reply", "-R", request]
    command = [YANGLINT, *kind, "-p", YANG, "-p", YANG / "ietf", *MODULES, YANG / "opnfv-promise.yang", document]
    judge = await asyncio.create_subprocess_exec(
        *map(str, command), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, said = await judge.communicate()
    assert judge.returncode == 0, (asked, told, said.decode())
