"""`ietf-restconf-monitoring:restconf-state`: what this server can do (RFC 8040 section 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from promise.northbound.codec.moment import DATE_AND_TIME
from promise.northbound.events.selecting import STREAMS
from promise.northbound.words import sure

if TYPE_CHECKING:
    from collections.abc import Callable

BASIC_MODE: Final = "explicit"
"""How defaults are shown where nobody says how (RFC 6243 section 2): as they were set."""

_CAPABILITY: Final = "urn:ietf:params:restconf:capability:"
CAPABILITIES: Final = (
    f"{_CAPABILITY}defaults:1.0?basic-mode={BASIC_MODE}",
    f"{_CAPABILITY}depth:1.0",
    f"{_CAPABILITY}fields:1.0",
    f"{_CAPABILITY}filter:1.0",
    f"{_CAPABILITY}replay:1.0",
    f"{_CAPABILITY}with-defaults:1.0",
    f"{_CAPABILITY}with-operational-defaults:1.0",
    f"{_CAPABILITY}with-origin:1.0",
    f"{_CAPABILITY}yang-patch:1.0",
    f"{_CAPABILITY}limit:1.0",
    f"{_CAPABILITY}offset:1.0",
    f"{_CAPABILITY}cursor:1.0",
    f"{_CAPABILITY}direction:1.0",
    f"{_CAPABILITY}where:1.0",
    f"{_CAPABILITY}sort-by:1.0",
    f"{_CAPABILITY}locale:1.0",
    f"{_CAPABILITY}sublist-limit:1.0",
)


class RestconfState:
    """See `port.StateSource`."""

    top = "ietf-restconf-monitoring:restconf-state"

    def __init__(self, origin: Callable[[], str] = str, created: Callable[[], int | None] = lambda: None) -> None:
        """Take what tells how the server is reached, and since when there is a log.

        The first is scheme and authority, "" as long as nobody knows; the second is None as long as there is no log.
        """
        self._origin = origin
        self._created = created

    def tree(self) -> dict[str, Any]:
        """Return the content, as RFC 7951 writes it."""
        return {"capabilities": {"capability": list(CAPABILITIES)}, "streams": {"stream": self._streams()}}

    def _streams(self) -> list[dict[str, Any]]:
        """Return the event streams; each is at one place in JSON and at another in XML."""
        created = self._created()
        log = {} if created is None else {"replay-log-creation-time": DATE_AND_TIME.text(sure(created))}
        return [
            {
                "name": name,
                "description": stream.description,
                "replay-support": True,
                **log,
                "access": [
                    {"encoding": encoding, "location": f"{self._origin()}/restconf/streams/{name}/{encoding}"}
                    for encoding in ("json", "xml")
                ],
            }
            for name, stream in STREAMS.items()
        ]
