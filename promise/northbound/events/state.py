"""Which event streams there are, and how far back each can be replayed.

`ietf-subscribed-notifications:streams` tells it (RFC 8639), and `nc-notifications:netconf` (RFC 5277 section 3.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promise.northbound.codec.moment import DATE_AND_TIME
from promise.northbound.events.selecting import STREAMS
from promise.northbound.words import sure

if TYPE_CHECKING:
    from promise.northbound.events.stream import EventStream


class StreamsState:
    """See `port.StateSource`."""

    top = "ietf-subscribed-notifications:streams"

    def __init__(self, events: EventStream) -> None:
        self._events = events

    def tree(self) -> dict[str, Any]:
        """Return the content, as RFC 7951 writes it."""
        created, aged = self._events.known_times
        times: dict[str, Any] = {}
        if created is not None:
            times = {"replay-support": [None], "replay-log-creation-time": DATE_AND_TIME.text(sure(created))}
        if aged is not None:
            times["replay-log-aged-time"] = DATE_AND_TIME.text(sure(aged))
        return {
            "stream": [{"name": name, "description": stream.description, **times} for name, stream in STREAMS.items()]
        }


class NetconfStreams:
    """The list of streams of RFC 5277; see `port.StateSource`."""

    top = "nc-notifications:netconf"

    def __init__(self, events: EventStream) -> None:
        self._events = events

    def tree(self) -> dict[str, Any]:
        """Return the content, as RFC 7951 writes it."""
        created, aged = self._events.known_times
        times = {
            leaf: DATE_AND_TIME.text(sure(moment))
            for leaf, moment in (("replayLogCreationTime", created), ("replayLogAgedTime", aged))
            if moment is not None
        }
        told = [
            {"name": name, "description": stream.description, "replaySupport": created is not None, **times}
            for name, stream in STREAMS.items()
        ]
        return {"streams": {"stream": told}}
