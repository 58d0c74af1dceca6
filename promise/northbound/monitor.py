"""What the NETCONF server counts, and its sessions, as RFC 6022 tells them; the counts begin anew with every start."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from promise.northbound.access import host_of
from promise.northbound.codec.moment import DATE_AND_TIME
from promise.northbound.port import Datastore
from promise.northbound.unchanging import Unchanging
from promise.northbound.words import sure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from promise.northbound.access import Caller
    from promise.northbound.library.modules import Library
    from promise.northbound.port import Lock

MODULE = "ietf-netconf-monitoring"
NAMESPACE = f"urn:ietf:params:xml:ns:yang:{MODULE}"

CONFIGURATIONS = (Datastore.RUNNING, Datastore.CANDIDATE)
"""The datastores that RFC 6022 knows: those that can be locked."""


class Ending(StrEnum):
    """Why a session is over (RFC 6470 section 2.2, termination-reason)."""

    CLOSED = "closed"
    KILLED = "killed"
    DROPPED = "dropped"
    TIMEOUT = "timeout"
    BAD_HELLO = "bad-hello"
    OTHER = "other"


@dataclass(slots=True)
class Counts:
    """The counters that each session has, and the server for all of them (RFC 6022 section 2.1.4)."""

    in_rpcs: int = 0
    in_bad_rpcs: int = 0
    out_rpc_errors: int = 0
    out_notifications: int = 0

    def add(self, other: Counts) -> None:
        """Count those of a session."""
        self.in_rpcs += other.in_rpcs
        self.in_bad_rpcs += other.in_bad_rpcs
        self.out_rpc_errors += other.out_rpc_errors
        self.out_notifications += other.out_notifications

    def tree(self) -> dict[str, int]:
        """Return them under their names in the YANG."""
        return {
            "in-rpcs": self.in_rpcs,
            "in-bad-rpcs": self.in_bad_rpcs,
            "out-rpc-errors": self.out_rpc_errors,
            "out-notifications": self.out_notifications,
        }


@dataclass(slots=True)
class SessionRecord:
    """One session, from the exchange of the hellos on; `login` as RFC 3339 writes it."""

    caller: Caller
    login: str
    counts: Counts = field(default_factory=Counts)
    opened: bool = False

    def tree(self) -> dict[str, Any]:
        """Return the entry of the list of sessions."""
        host = host_of(self.caller.source)
        return {
            "session-id": self.caller.session_id,
            "transport": f"{MODULE}:{self.caller.transport}",
            "username": self.caller.username,
            **({"source-host": host} if host else {}),
            "login-time": self.login,
            **self.counts.tree(),
        }


class Listener(Protocol):
    """Who is told when sessions begin and end."""

    def started(self, caller: Caller) -> None:
        """Take note that the hellos of a session are exchanged."""

    def ended(self, caller: Caller, why: Ending, killed_by: int) -> None:
        """Take note that a session is over; `killed_by` is the session that has killed it, 0 where there is none."""


class Monitor:
    """The counts of the server and the records of its sessions; `clock` tells the time in seconds."""

    def __init__(self, clock: Callable[[], int], listener: Listener | None = None) -> None:
        self._clock = clock
        self._listener = listener
        self._started = _text(clock())
        self._sessions: dict[int, SessionRecord] = {}
        self._past = Counts()
        self._in_sessions = 0
        self._bad_hellos = 0
        self._dropped = 0

    def begin(self, caller: Caller) -> SessionRecord:
        """Return the record of a session to which our hello goes: it counts from then on (RFC 6022 section 2.1.5)."""
        self._in_sessions += 1
        return SessionRecord(caller, _text(self._clock()))

    def open(self, record: SessionRecord) -> None:
        """Note that the hellos are exchanged."""
        record.opened = True
        self._sessions[record.caller.session_id] = record
        if self._listener is not None:
            self._listener.started(record.caller)

    def end(self, record: SessionRecord, why: Ending, killed_by: int = 0) -> None:
        """Note that a session is over; one that never was open is told of only when its hello was bad."""
        if self._listener is not None and (record.opened or why is Ending.BAD_HELLO):
            self._listener.ended(record.caller, why, killed_by)
        self._sessions.pop(record.caller.session_id, None)
        self._past.add(record.counts)
        self._bad_hellos += why is Ending.BAD_HELLO
        self._dropped += why not in {Ending.CLOSED, Ending.KILLED, Ending.BAD_HELLO}

    def sessions(self) -> list[dict[str, Any]]:
        """Return the list of sessions."""
        return [record.tree() for record in self._sessions.values()]

    def statistics(self) -> dict[str, Any]:
        """Return the statistics of the server."""
        total = Counts()
        for counts in (self._past, *(record.counts for record in self._sessions.values())):
            total.add(counts)
        return {
            "netconf-start-time": self._started,
            "in-bad-hellos": self._bad_hellos,
            "in-sessions": self._in_sessions,
            "dropped-sessions": self._dropped,
            **total.tree(),
        }


class NetconfState:
    """`ietf-netconf-monitoring:netconf-state`; see `port.StateSource`.

    `capabilities` are those of the hello. `locks` are those that are held.
    """

    top = "ietf-netconf-monitoring:netconf-state"

    def __init__(
        self,
        monitor: Monitor,
        library: Library,
        capabilities: Iterable[str],
        locks: Callable[[], Mapping[Datastore, Lock]],
    ) -> None:
        self._monitor = monitor
        self._locks = locks
        self._fixed = {
            "capabilities": Unchanging(capability=list(capabilities)),
            "schemas": Unchanging(schema=_schemas(library)),
        }

    def tree(self) -> dict[str, Any]:
        """Return the content, as RFC 7951 writes it."""
        return {
            **self._fixed,
            "datastores": {"datastore": [_datastore(name, self._locks().get(name)) for name in CONFIGURATIONS]},
            "sessions": {"session": self._monitor.sessions()},
            "statistics": self._monitor.statistics(),
        }


def _datastore(name: Datastore, lock: Lock | None) -> dict[str, Any]:
    """Return the entry of a datastore, with its lock."""
    if lock is None:
        return {"name": name.value}
    held = {"locked-by-session": lock.session_id, "locked-time": _text(lock.since)}
    return {"name": name.value, "locks": {"global-lock": held}}


def _text(moment: int) -> str:
    return DATE_AND_TIME.text(sure(moment))


def _schemas(library: Library) -> list[dict[str, Any]]:
    return [
        {
            "identifier": module.name,
            "version": module.revision,
            "format": f"{MODULE}:yang",
            "namespace": module.namespace,
            "location": ["NETCONF"],
        }
        for module in library.modules.values()
    ]
