"""The base notifications of NETCONF (RFC 6470): changes of the configuration, confirmed commits, and sessions.

What the journal has (changes and commits) is replayed like everything else. Sessions are not in the journal: their
beginnings and ends are told to those who are subscribed at that moment, and never again. Capabilities never change.

A change tells its receiver of those nodes only that he may read, at the moment of telling; of subscriptions it tells
operators and whoever has changed them. Sessions are told to operators and to their own users.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid5

from promise.capacity.provider import Provider
from promise.configuration.model import Revision
from promise.northbound.access import host_of
from promise.northbound.codec.moment import DATE_AND_TIME
from promise.northbound.events.notice import EVENT_IDS, Notice
from promise.northbound.library.modules import library
from promise.northbound.message import escape
from promise.northbound.words import sure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from promise.actor import Actor
    from promise.events import Entry
    from promise.northbound.access import Caller
    from promise.northbound.monitor import Ending
    from promise.northbound.port import Events
    from promise.subscription.model import Filter, Kind

MODULE: Final = "ietf-netconf-notifications"
NAMESPACE: Final = "urn:ietf:params:xml:ns:yang:ietf-netconf-notifications"

CONFIG_CHANGE: Final = "netconf-config-change"
CONFIRMED_COMMIT: Final = "netconf-confirmed-commit"
SESSION_START: Final = "netconf-session-start"
SESSION_END: Final = "netconf-session-end"

PERSONAL: Final = "/promise:promise/promise:subscriptions"
"""What belongs to somebody: access rules know nothing of that."""

_NAMES: Final = re.compile(r"'[^']*'|\"[^\"]*\"|(?P<prefix>[A-Za-z_][\w.-]*):")
"""A literal, or the prefix of a name."""


class NetconfNotice(Notice):
    """One of these notifications; `body` is its content as RFC 7951 writes it, but with prefixes in targets.

    A session's is for the user whose it is, and for operators. Unlike Promise's own it has no event-id: its place in
    the journal is not in it.
    """

    __slots__ = ("_body", "_name", "_user", "_views")

    def __init__(
        self,
        name: str,
        place: tuple[int, int],
        body: Mapping[str, Any],
        *,
        user: str | None = None,
    ) -> None:
        super().__init__(None, place, None, dict)  # type: ignore[arg-type]  # its binding is below
        self._name = name
        self._body = body
        self._user = user
        self._views: dict[tuple[str, ...], NetconfNotice] = {}

    @property
    def namespace(self) -> str:
        """The namespace of its element."""
        return NAMESPACE

    @property
    def name(self) -> str:
        """The name of its element."""
        return self._name

    @property
    def event_id(self) -> str:
        """Its id, which is not told."""
        return str(uuid5(EVENT_IDS, f"{self._name} {self.seq} {self.number}"))

    def matches(self, kind: Kind, wanted: Filter) -> bool:  # noqa: ARG002 - whatever is asked for
        """Tell that it is none of the kinds that subscriptions of Promise's own are about."""
        return False

    def for_eyes_of(self, actor: Actor) -> bool:
        """Tell whether the actor may know."""
        return self._user is None or actor.operator or actor.user == self._user

    def seen_by(self, actor: Actor, shows: Callable[[Actor, str], bool]) -> Notice | None:
        """Return it with those changes that the actor may see, None where there are none."""
        if self._name != CONFIG_CHANGE:
            return super().seen_by(actor, shows)
        edits = self._body["edit"]
        personal = actor.operator or self._body["changed-by"].get("username") == actor.user
        seen = [one for one in edits if _visible(one["target"], personal=personal) and shows(actor, one["target"])]
        if len(seen) == len(edits):
            return self
        view = tuple(one["target"] for one in seen)
        if seen and view not in self._views:
            place = self.seq, self._at
            found = self._views[view] = NetconfNotice(self._name, place, {**self._body, "edit": seen})
            found.number = self.number
        return self._views.get(view)

    @property
    def content(self) -> bytes:
        """Its element."""
        if not self._content:
            inside = "".join(_elements(self._body))
            self._content = f'<{self._name} xmlns="{NAMESPACE}">{inside}</{self._name}>'.encode()
        return self._content

    def document_for(self, subscriptions: Sequence[str]) -> bytes:  # noqa: ARG002 - it has no place for them
        """Return the whole <notification>."""
        return self.document

    def json_for(self, subscriptions: Sequence[str] = ()) -> bytes:  # noqa: ARG002 - it has no place for them
        """Return {"ietf-restconf:notification": …} (RFC 8040 section 6.4)."""
        told = {"eventTime": DATE_AND_TIME.text(sure(self._at)), f"{MODULE}:{self._name}": _plain(self._body)}
        return json.dumps({"ietf-restconf:notification": told}, separators=(",", ":")).encode()


def of_entry(entry: Entry) -> Iterator[Notice]:
    """Yield what an entry of the journal tells of the configuration."""
    event, place = entry.event, (entry.seq, entry.at)
    detail: Mapping[str, Any] = event.detail
    if event.table == Provider.table and "session" in detail:  # an RPC; what an edit does is told with the edit
        operation = "delete" if event.record is None else "create"
        target = f"/promise:promise/promise:providers[promise:id='{event.key}']"
        yield NetconfNotice(
            CONFIG_CHANGE, place, _change(_session(entry.actor, detail), [{"target": target, "operation": operation}])
        )
    elif isinstance(event.record, Revision) and "edits" in detail:
        yield from _of_revision(place, event.record, entry.actor, detail)


def _of_revision(
    place: tuple[int, int], record: Revision, actor: str, detail: Mapping[str, Any]
) -> Iterator[NetconfNotice]:
    by = _session(detail.get("user", actor), detail)
    itself = detail.get("why", "cancel") != "cancel"
    edits = list(detail["edits"])
    if edits:
        yield NetconfNotice(CONFIG_CHANGE, place, _change({"server": [None]} if itself else by, edits))
    if confirm := detail.get("confirm"):
        body = {**({} if confirm == "timeout" else by), "confirm-event": confirm}
        if record.trial is not None:
            body["timeout"] = max(0, record.trial.deadline - place[1])
        yield NetconfNotice(CONFIRMED_COMMIT, place, body)


def _visible(target: str, *, personal: bool) -> bool:
    return personal or not (target == PERSONAL or target.startswith((f"{PERSONAL}/", f"{PERSONAL}[")))


def _change(changed_by: Mapping[str, Any], edits: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"changed-by": changed_by, "datastore": "running", "edit": edits}


def _session(user: str, detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return the common parameters of a session; one that is no NETCONF session has the number 0."""
    host = host_of(detail.get("source") or "")
    return {"username": user, "session-id": detail["session"]} | ({"source-host": host} if host else {})


class SessionEvents:
    """Tells the beginnings and ends of sessions; see `monitor.Listener`."""

    def __init__(self, events: Events) -> None:
        self._events = events

    def started(self, caller: Caller) -> None:
        """Tell that a session has begun."""
        self._tell(SESSION_START, caller, {})

    def ended(self, caller: Caller, why: Ending, killed_by: int) -> None:
        """Tell that a session is over, and why."""
        killer = {"killed-by": killed_by} if killed_by else {}
        self._tell(SESSION_END, caller, {**killer, "termination-reason": why.value})

    def _tell(self, name: str, caller: Caller, more: Mapping[str, Any]) -> None:
        body = {**_session(caller.username, {"session": caller.session_id, "source": caller.source}), **more}
        self._events.tell(NetconfNotice(name, (0, self._events.now()), body, user=caller.username))


def _elements(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield the XML of a body's members; what an instance-identifier names has the prefixes of its modules."""
    for name, value in body.items():
        if isinstance(value, dict):
            yield f"<{name}>{''.join(_elements(value))}</{name}>"
        elif value == [None]:
            yield f"<{name}/>"
        elif isinstance(value, list):
            for one in value:
                yield f"<{name}>{''.join(_elements(one))}</{name}>"
        else:
            spaces = "".join(_declarations(value)) if name == "target" else ""
            yield f"<{name}{spaces}>{escape(str(value))}</{name}>"


def _declarations(target: str) -> Iterator[str]:
    namespaces = {module.prefix: module.namespace for module in library().implemented}
    for prefix in dict.fromkeys(found["prefix"] for found in _NAMES.finditer(target) if found["prefix"]):
        yield f' xmlns:{prefix}="{escape(namespaces[prefix])}"'


def _plain(value: Any) -> Any:
    """Return a body as RFC 7951 writes it: targets with the names of modules (section 6.11)."""
    if isinstance(value, dict):
        return {name: _by_module(one) if name == "target" else _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _by_module(target: str) -> str:
    modules = {module.prefix: module.name for module in library().implemented}
    parent = ""

    def name(found: re.Match[str]) -> str:
        nonlocal parent
        if found["prefix"] is None:
            return found[0]
        before, parent = parent, modules[found["prefix"]]
        return "" if parent == before else f"{parent}:"

    return _NAMES.sub(name, target)
