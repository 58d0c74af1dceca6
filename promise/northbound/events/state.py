"""What the server tells of its event streams, how far back each can be replayed, and of the subscriptions to them.

ietf-subscribed-notifications has both (RFC 8639 section 3), nc-notifications the streams (RFC 5277 section 3.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from promise.northbound.codec.moment import DATE_AND_TIME
from promise.northbound.events.pushing import HUNDREDTH
from promise.northbound.events.selecting import STREAMS
from promise.northbound.words import actor_of, sure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from promise.actor import Actor
    from promise.northbound.access import Caller
    from promise.northbound.events.established import Subscriptions
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


class SubscriptionsState:
    """See `port.StateSource`; everybody is shown his own, and those of all who sees what is everybody's."""

    top = "ietf-subscribed-notifications:subscriptions"

    def __init__(self, known: Subscriptions, current: Callable[[Actor], Actor]) -> None:
        self._known = known
        self._current = current

    def tree(self) -> dict[str, Any]:
        """Return the content, as RFC 7951 writes it."""
        return _listed(one.body for one in self._known)

    def tree_for(self, caller: Caller) -> dict[str, Any]:
        """Return what of it a caller is shown."""
        all_of_them = self._current(actor_of(caller)).oversees("")
        return _listed(one.body for one in self._known if all_of_them or one.user == caller.username)


def _listed(bodies: Iterable[dict[str, Any]]) -> dict[str, Any]:
    found = list(bodies)
    return {"subscription": found} if found else {}


class Capabilities:
    """What can be pushed, and how often (RFC 9196); see `port.StateSource`.

    Records and configuration are pushed on change, what the server tells of itself periodically.
    """

    top = "ietf-system-capabilities:system-capabilities"

    def tree(self) -> dict[str, Any]:
        """Return the content, as RFC 7951 writes it."""
        both, config = "config-changes state-changes", "config-changes"
        operational = {
            "/opnfv-promise:promise": both,
            "/ietf-netconf-acm:nacm": config,
            f"/{_FILTERS}": config,
            "/": "",
        }
        return {
            "datastore-capabilities": [
                _datastore("operational", {path: (both, on_change) for path, on_change in operational.items()}),
                _datastore("running", {"/": (config, config)}),
                _datastore("candidate", {"/": ("", "")}),
            ]
        }


_FILTERS: Final = "ietf-subscribed-notifications:filters"


def _datastore(name: str, nodes: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Return the entry of a datastore; of each path what is pushed periodically, and on change."""
    entries = [
        {
            "node-selector": path,
            "ietf-notification-capabilities:subscription-capabilities": {
                "periodic-notifications-supported": periodic,
                "minimum-update-period": HUNDREDTH,
                "on-change-supported": on_change,
                "supported-excluded-change-type": ["all"],
            },
        }
        for path, (periodic, on_change) in nodes.items()
    ]
    return {"datastore": f"ietf-datastores:{name}", "per-node-capabilities": entries}
