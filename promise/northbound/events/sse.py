"""Notifications as server-sent events: each encoded once, and shared by all who read them in that encoding.

    id: 1042.1
    data: {"ietf-restconf:notification":{"eventTime":"…","opnfv-promise:capacity-event":{…}}}

The id is the place in the journal and which of the notifications of that entry it is: a reader that comes back with it
(Last-Event-ID) goes on behind that one, whatever happened meanwhile. What is not in the journal has none. A
comment is sent when nothing else was for a while, so that proxies see that the stream lives.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promise.northbound.events.notice import Notice

MEDIA_TYPE: Final = "text/event-stream"
HEARTBEAT: Final = b": \n\n"
BEAT: Final = 15
"""Seconds without an event after which a heartbeat is sent."""

_LINES: Final = re.compile(rb"\r\n|\r|\n")
_PLACE: Final = re.compile(r"(\d{1,19})(?:\.(\d{1,9}))?")


def place_of(text: str) -> tuple[int, int] | None:
    """Return what a Last-Event-ID says: the entry, and how many notifications of it were read (0 = all of it)."""
    found = _PLACE.fullmatch(text.strip())
    if found is None:
        return None
    return int(found[1]), 0 if found[2] is None else int(found[2]) + 1


def event(notice: Notice, ids: Sequence[str], *, xml: bool) -> bytes:
    """Return a notification as an event of the stream; without ids it is made once for all."""
    form = "sse xml" if xml else "sse json"
    found = notice.shared.get(form) if not ids else None
    if found is None:
        data = b"\ndata: ".join(_LINES.split(_xml(notice, ids))) if xml else notice.json_for(ids)
        place = b"id: %d.%d\n" % (notice.seq, notice.number) if notice.seq else b""
        found = b"%bdata: %b\n\n" % (place, data)
        if not ids:
            notice.shared[form] = found
    return found


def _xml(notice: Notice, ids: Sequence[str]) -> bytes:
    return notice.document_for(ids) if ids else notice.document
