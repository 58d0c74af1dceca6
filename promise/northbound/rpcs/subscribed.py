"""establish-, modify-, delete- and kill-subscription on NETCONF sessions (RFC 8639 section 2.4, RFC 8640).

    <establish-subscription xmlns="urn:ietf:params:xml:ns:yang:ietf-subscribed-notifications">
      <stream>NETCONF</stream>  <stream-subtree-filter>…</…> | <stream-xpath-filter>…</…>
      <replay-start-time/>?  <stop-time/>?  <encoding>encode-xml</encoding>?

What cannot be has an error-app-tag with the identity of RFC 8639 that says why (RFC 8640 section 7).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from promise.errors import (
    BadValue,
    DuplicateNode,
    Invalid,
    MissingElement,
    NoRoom,
    UnknownElement,
    Unsupported,
)
from promise.northbound.codec.moment import DATE_AND_TIME
from promise.northbound.events.dynamic import NAMESPACE, Dynamic
from promise.northbound.events.selecting import STREAMS, XPath
from promise.northbound.message import split
from promise.northbound.port import Datastore, Interest
from promise.northbound.rpcs.parameters import parameters_of, path_of
from promise.northbound.rpcs.pushed import push_of
from promise.northbound.rpcs.pushing import YANG_PUSH, Periodic, Push
from promise.northbound.subtree import Selection
from promise.northbound.words import actor_of, ending, starting, sure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lxml.etree import _Element

    from promise.northbound.access import Caller
    from promise.northbound.events.stream import EventStream
    from promise.northbound.port import Datastores
    from promise.northbound.rpcs.sessions import OpenSession

PREFIXES: Final = {"sn": NAMESPACE, "yp": YANG_PUSH}

MOST: Final = 64
"""Subscriptions that one session may have."""

_LARGEST: Final = 2**32 - 1
_FILTERS: Final = ("stream-filter-name", "stream-subtree-filter", "stream-xpath-filter")
_QUALITY: Final = ("dscp", "weighting", "dependency")
"""Parameters of features that this server does not have."""

_APP_TAG: Final = "ietf-subscribed-notifications:"


class SubscribedRpcs:
    """The operations of RFC 8639 for these sessions, by session-id."""

    def __init__(self, sessions: Mapping[int, OpenSession], events: EventStream, datastores: Datastores) -> None:
        self._sessions = sessions
        self._events = events
        self._datastores = datastores
        self._numbers = itertools.count(1)
        self._known: dict[int, tuple[int, Dynamic | Push]] = {}
        self._operations = {
            "establish-subscription": self._establish,
            "modify-subscription": self._modify,
            "delete-subscription": self._delete,
            "kill-subscription": self._kill,
        }
        """Those of ietf-subscribed-notifications; ietf-yang-push has resync-subscription beside them."""

    async def answer(self, caller: Caller, operation: _Element) -> bytes:
        """Decide one request."""
        namespace, name = split(operation.tag)
        handler = self._operations.get(name)
        if namespace == YANG_PUSH:
            handler = self._resync if name == "resync-subscription" else None
        if handler is None:
            rule = f"ietf-subscribed-notifications has no operation <{name}>"
            raise UnknownElement(rule, path="/nc:rpc", name=name, namespace=namespace)
        self._known = {key: known for key, known in self._known.items() if not known[1].over}
        return await handler(caller, operation)

    async def _establish(self, caller: Caller, operation: _Element) -> bytes:
        if sum(session == caller.session_id for session, _ in self._known.values()) >= MOST:
            raise NoRoom(f"a session may have {MOST} subscriptions", app_tag=f"{_APP_TAG}insufficient-resources")
        if any(str(child.tag) == f"{{{YANG_PUSH}}}datastore" for child in operation):
            return await self._establish_push(caller, operation)
        given = parameters_of(operation, "stream", *_FILTERS, "replay-start-time", "stop-time", "encoding", *_QUALITY)
        path, now = path_of(operation), self._events.now()
        if "stream" not in given:
            raise MissingElement("a subscription must name a stream", path=path, name="stream")
        stream = _text(given["stream"])
        if stream not in STREAMS:
            rule = f"there is no stream {stream!r}; there are {', '.join(STREAMS)}"
            raise BadValue(rule, path=f"{path}/sn:stream", name="stream")
        _check_encoding(given, path)
        begin = _moment(given, "replay-start-time", path)
        if begin is not None and begin > sure(now + 1):
            rule = "replay-start-time must not be in the future"
            raise BadValue(rule, path=f"{path}/sn:replay-start-time", name="replay-start-time")
        interest = _filtered(given, path, Interest(start=ending(begin), stream=stream))
        interest = _stopped(given, path, interest, begin or sure(now))
        revised = await self._revised(interest)
        source = await self._events.subscribe(actor_of(caller), interest)
        made = Dynamic(next(self._numbers), caller.username, self._events, source)
        self._known[made.number] = caller.session_id, made
        self._sessions[caller.session_id].subscribe(made)
        return f'<id xmlns="{NAMESPACE}">{made.number}</id>{revised}'.encode()

    async def _establish_push(self, caller: Caller, operation: _Element) -> bytes:
        """Begin to push what a datastore holds (RFC 8641 section 4.4.1)."""
        asked = push_of(operation, self._events.now())
        schema = self._datastores.schema

        async def read() -> Sequence[_Element]:
            found = await self._datastores.read(caller, Datastore.OPERATIONAL, asked.wanted.building)
            return asked.wanted.prune(found.elements(), schema.top)

        await read()  # an expression may fail only when it is evaluated
        made = Push(next(self._numbers), self._events, schema.top, read, asked.trigger)
        made.stop = asked.stop
        self._known[made.number] = caller.session_id, made
        self._sessions[caller.session_id].subscribe(made)
        return f'<id xmlns="{NAMESPACE}">{made.number}</id>'.encode()

    async def _resync(self, caller: Caller, operation: _Element) -> bytes:
        given = parameters_of(operation, "id")
        found = self._own(caller, given, path_of(operation))
        if not isinstance(found, Push) or isinstance(found.trigger, Periodic):
            rule = "only what is pushed on change can be synchronized again"
            tag = "ietf-yang-push:no-such-subscription-resync"
            raise BadValue(rule, path=f"{path_of(operation)}/yp:id", name="id", app_tag=tag)
        found.resync()
        return b"<ok/>"

    async def _revised(self, interest: Interest) -> str:
        """Return from when on is replayed, where the log does not go back as far as was asked."""
        if interest.start is None:
            return ""
        created, aged = await self._events.log_times()
        first = created if aged is None else aged
        if first is None or interest.start >= first:
            return ""
        name = "replay-start-time-revision"
        return f'<{name} xmlns="{NAMESPACE}">{DATE_AND_TIME.text(sure(first))}</{name}>'

    async def _modify(self, caller: Caller, operation: _Element) -> bytes:
        given = parameters_of(operation, "id", *_FILTERS, "stop-time")
        path = path_of(operation)
        found = self._own(caller, given, path)
        if isinstance(found, Push):
            raise Unsupported("modifying a subscription to a datastore", path=path)
        plain = found.interest
        interest = plain
        if given.keys() & set(_FILTERS):
            interest = _filtered(given, path, Interest(None, plain.start, plain.stop, plain.stream))
        if "stop-time" in given:
            interest = _stopped(given, path, interest, sure(self._events.now()))
        found.change(interest)
        return b"<ok/>"

    async def _delete(self, caller: Caller, operation: _Element) -> bytes:
        found = self._own(caller, parameters_of(operation, "id"), path_of(operation))
        found.close()
        return b"<ok/>"

    async def _kill(self, caller: Caller, operation: _Element) -> bytes:
        """End anybody's subscription; it is nacm:default-deny-all."""
        del caller
        given = parameters_of(operation, "id")
        number = _number(given, path_of(operation))
        if number not in self._known:
            raise _no_such(number, path_of(operation))
        self._known[number][1].kill()
        return b"<ok/>"

    def _own(self, caller: Caller, given: Mapping[str, _Element], path: str) -> Dynamic | Push:
        """Return a subscription of the caller's session; those of others do not exist for it (section 2.4.3)."""
        number = _number(given, path)
        session, found = self._known.get(number, (0, None))
        if found is None or session != caller.session_id:
            raise _no_such(number, path)
        return found


def _no_such(number: int, path: str) -> BadValue:
    rule = f"this session has no subscription {number}"
    return BadValue(rule, path=f"{path}/sn:id", name="id", app_tag=f"{_APP_TAG}no-such-subscription")


def _number(given: Mapping[str, _Element], path: str) -> int:
    if "id" not in given:
        raise MissingElement("the subscription must be named by its id", path=path, name="id")
    text = _text(given["id"])
    if not (text.isascii() and text.isdigit() and int(text[:11]) <= _LARGEST):
        raise BadValue(f"an id is a number up to {_LARGEST}", path=f"{path}/sn:id", name="id")
    return int(text)


def _check_encoding(given: Mapping[str, _Element], path: str) -> None:
    if "encoding" in given and _text(given["encoding"]).rpartition(":")[2] != "encode-xml":
        rule = "on a NETCONF session notifications are encoded as XML: encode-xml"
        tag = f"{_APP_TAG}encoding-unsupported"
        raise BadValue(rule, path=f"{path}/sn:encoding", name="encoding", app_tag=tag)
    for name in _QUALITY:
        if name in given:
            tag = f"{_APP_TAG}dscp-unavailable" if name == "dscp" else ""
            raise BadValue(f"{name} is of a feature that is not supported", path=f"{path}/sn:{name}", app_tag=tag)


def _filtered(given: Mapping[str, _Element], path: str, plain: Interest) -> Interest:
    """Return the interest with the filter that is given."""
    chosen = [name for name in _FILTERS if name in given]
    if len(chosen) > 1:
        raise DuplicateNode("one filter may be given", path=f"{path}/sn:{chosen[1]}", name=chosen[1])
    if not chosen:
        return plain
    element, where = given[chosen[0]], f"{path}/sn:{chosen[0]}"
    try:
        if chosen[0] == "stream-subtree-filter":
            return plain._replace(wanted=Selection.of(element))
        if chosen[0] == "stream-xpath-filter":
            spaces = {prefix: uri for prefix, uri in element.nsmap.items() if prefix}
            return plain._replace(test=XPath(_text(element), spaces, where))
    except Invalid as fault:
        fault.path, fault.app_tag = where, f"{_APP_TAG}filter-unsupported"
        raise
    rule = f"there is no stream-filter {_text(element)!r} to refer to"
    raise BadValue(rule, path=where, name=chosen[0], app_tag=f"{_APP_TAG}filter-unsupported")


def _stopped(given: Mapping[str, _Element], path: str, plain: Interest, after: datetime) -> Interest:
    stop = _moment(given, "stop-time", path)
    if stop is None:
        return plain
    if stop <= after:
        rule = "stop-time must be later than replay-start-time, and without that than now"
        raise BadValue(rule, path=f"{path}/sn:stop-time", name="stop-time")
    return plain._replace(stop=starting(stop))


def _moment(given: Mapping[str, _Element], name: str, path: str) -> datetime | None:
    if name not in given:
        return None
    try:
        return DATE_AND_TIME.read_xml(_text(given[name]), given[name])
    except BadValue as error:
        raise BadValue(error.rule, path=f"{path}/sn:{name}", name=name) from None


def _text(element: _Element) -> str:
    return (element.text or "").strip()
