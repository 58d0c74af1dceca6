"""establish-, modify-, delete- and kill-subscription (RFC 8639 section 2.4), resync-subscription (RFC 8641, 4.4.4).

They are the same on NETCONF sessions (RFC 8640) and over RESTCONF (RFC 8650); `established` keeps what they make.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from promise.configuration.model import Section
from promise.errors import BadValue, MissingElement, NoResource, PromiseError, UnknownElement, Unsupported
from promise.northbound.codec.moment import DATE_AND_TIME
from promise.northbound.events.dynamic import OVER, Dynamic
from promise.northbound.events.established import Established
from promise.northbound.events.pushing import OnChange, Periodic, Push
from promise.northbound.events.statement import SUBSCRIBED, Statement
from promise.northbound.message import split
from promise.northbound.port import Datastore
from promise.northbound.rpcs import pushed, streamed
from promise.northbound.rpcs.parameters import path_of
from promise.northbound.rpcs.selections import SELECTION_FILTER, STREAM_FILTER, Selections
from promise.northbound.rpcs.subscribing import (
    ESTABLISH,
    MODIFY,
    PREFIXES,
    PUSH_TAG,
    SN,
    SUBSCRIBED_TAG,
    YP,
    identity,
    moment,
    number,
    parameters,
    terms_of,
)
from promise.northbound.treexml import whole
from promise.northbound.words import actor_of, starting, sure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from lxml.etree import _Element

    from promise.events import Entry
    from promise.northbound.access import Caller
    from promise.northbound.events.stream import EventStream
    from promise.northbound.port import Datastores
    from promise.northbound.rpcs.retrieval import Retrieval
    from promise.northbound.rpcs.sessions import OpenSession

__all__ = ["OPERATIONS", "PREFIXES", "SubscribedRpcs"]

OPERATIONS: Final = (
    *(f"ietf-subscribed-notifications:{name}-subscription" for name in ("establish", "modify", "delete", "kill")),
    "ietf-yang-push:resync-subscription",
)
"""The operations, by their names with those of their modules."""

_LIST: Final = f"{{{SN}}}subscriptions"
_NAMES: Final = {"datastore": "ietf-datastores", "encoding": "ietf-subscribed-notifications"}
"""The modules of the identities that terms name."""

FILTERS: Final = "ietf-subscribed-notifications:filters"
"""The section of the configuration with the filters."""

_REFERRING: Final = {"stream-filter-name": STREAM_FILTER, f"{PUSH_TAG}selection-filter-ref": SELECTION_FILTER}
"""What refers to which kind of configured filter."""

Answer = dict[str, Any]
"""The output of an operation, as RFC 7951 writes it; empty = ok."""


class SubscribedRpcs:
    """The operations, for these sessions by session-id and for callers without one."""

    def __init__(
        self,
        sessions: Mapping[int, OpenSession],
        events: EventStream,
        datastores: Datastores,
        retrieval: Retrieval,
    ) -> None:
        self._sessions = sessions
        self._events = events
        self._datastores = datastores
        self._selections = Selections(datastores, retrieval)
        self.known = events.established
        self._tasks: set[asyncio.Task[None]] = set()
        self._operations: Mapping[tuple[str, str], Callable[[Caller, _Element, str, str], Awaitable[Answer]]] = {
            (SN, ESTABLISH): self._establish,
            (SN, MODIFY): self._modify,
            (SN, "delete-subscription"): self._delete,
            (SN, "kill-subscription"): self._kill,
            (YP, "resync-subscription"): self._resync,
        }

    async def answer(self, caller: Caller, operation: _Element) -> bytes:
        """Decide one request of a NETCONF session, on which notifications are in XML (RFC 8640 section 4)."""
        said = await self.decide(caller, operation, "encode-xml")
        if not said:
            return b"<ok/>"
        return "".join(f'<{name} xmlns="{SN}">{value}</{name}>' for name, value in said.items()).encode()

    async def decide(self, caller: Caller, operation: _Element, encoding: str, origin: str = "") -> Answer:
        """Decide one request and return its output; notifications are in `encoding` where nothing else is said.

        `origin` is scheme and authority of the URI at which a subscription of a caller without session is read.
        """
        namespace, name = split(operation.tag)
        handler = self._operations.get((namespace, name))
        if handler is None:
            raise UnknownElement(f"there is no operation <{name}>", path="/nc:rpc", name=name, namespace=namespace)
        return await handler(caller, operation, encoding, origin)

    # --- establishing --------------------------------------------------------------------------------------------

    async def _establish(self, caller: Caller, operation: _Element, encoding: str, origin: str) -> Answer:
        if caller.session_id and (stream := self._sessions[caller.session_id].stream) is not None and not stream.over:
            raise Unsupported("establish-subscription on a session that has used create-subscription")  # RFC 8640, 3
        path, id_ = path_of(operation), self.known.number(caller)
        push = any(str(child.tag) == f"{{{YP}}}datastore" for child in operation)
        given = parameters(operation, *(pushed.KNOWN if push else streamed.KNOWN))
        encoding = _encoding(caller, given, path, encoding)
        made = await (self._pushed if push else self._streamed)(caller, given, path, id_)
        made.terms["encoding"] = f"{SUBSCRIBED_TAG}{encoding}"
        await self._referring(made)
        self.known.add(made, origin)
        if caller.session_id:
            self._sessions[caller.session_id].subscribe(made.subject)
        revised = {} if push else await self._revised(given, path)
        uri = {"ietf-restconf-subscribed-notifications:uri": made.uri} if made.uri else {}
        return {"id": id_, **revised, **uri}

    async def _streamed(self, caller: Caller, given: Mapping[str, _Element], path: str, id_: int) -> Established:
        """Begin to tell the events of a stream."""
        interest = streamed.begun(given, path, self._events.now())
        interest = await self._selections.interest(caller, given, path, interest, "establish")
        source = await self._events.subscribe(actor_of(caller), interest)
        return _made(Dynamic(id_, self._events, source), caller, given)

    async def _pushed(self, caller: Caller, given: Mapping[str, _Element], path: str, id_: int) -> Established:
        """Begin to push what a datastore holds."""
        now = self._events.now()
        datastore = pushed.datastore_of(given, path)
        trigger = pushed.trigger_of(given, path, "establish")
        if trigger is None:
            raise MissingElement("periodic or on-change must say when it is pushed", path=path, name="periodic")
        stop = _stop(given, path, now)
        look = await self._selections.reading(caller, datastore, given, trigger, path, "establish")
        subject = Push(id_, self._events, self._datastores.schema.top, look, trigger, stop)
        await subject.begin()
        made = _made(subject, caller, given)
        made.terms |= _trigger_terms(trigger)
        return made

    async def _revised(self, given: Mapping[str, _Element], path: str) -> Answer:
        """Return from when on is replayed, where the log does not go back as far as was asked."""
        asked = moment(given, "replay-start-time", path)
        if asked is None:
            return {}
        created, aged = await self._events.log_times()
        first = created if aged is None else aged
        if first is None or asked >= sure(first):
            return {}
        return {"replay-start-time-revision": DATE_AND_TIME.text(sure(first))}

    # --- changing ------------------------------------------------------------------------------------------------

    async def _modify(self, caller: Caller, operation: _Element, encoding: str, origin: str) -> Answer:
        del encoding, origin
        path = path_of(operation)
        streams = tuple(f"sn:{name}" for name in streamed.FILTERS)
        given = parameters(operation, "sn:id", "sn:stop-time", *streams, *pushed.KNOWN[:6])
        found = self._own(caller, given, path)
        if isinstance(found.subject, Push):
            await self._modify_push(caller, found, found.subject, given, path)
        else:
            await self._modify_stream(caller, found, found.subject, given, path)
        await self._referring(found)
        if not found.session:  # RFC 8650 section 3.4: the receiver is told on its stream where the new terms begin
            found.subject.say(self._modified(found))
        return {}

    async def _modify_stream(
        self, caller: Caller, found: Established, subject: Dynamic, given: Mapping[str, _Element], path: str
    ) -> None:
        strange = next((name for name in given if f"yp:{name}" in pushed.KNOWN), None)
        if strange is not None:
            rule = f"subscription {subject.number} is about a stream: it has no {strange}"
            raise UnknownElement(rule, path=path, name=strange, namespace=YP)
        interest = await self._selections.interest(caller, given, path, subject.interest, "modify")
        interest = streamed.stopped(given, path, interest, sure(self._events.now()))
        subject.change(interest)
        _retell(found, given, streamed.FILTERS)

    async def _modify_push(
        self, caller: Caller, found: Established, subject: Push, given: Mapping[str, _Element], path: str
    ) -> None:
        strange = next((name for name in given if name in streamed.FILTERS), None)
        if strange is not None:
            rule = f"subscription {subject.number} is about a datastore: it has no {strange}"
            raise UnknownElement(rule, path=path, name=strange, namespace=SN)
        datastore = _datastore(found)
        if "datastore" in given and pushed.datastore_of(given, path) is not datastore:
            rule = f"the datastore of a subscription, {datastore}, cannot be changed"
            raise BadValue(rule, path=f"{path}/yp:datastore", name="datastore")
        trigger, stop = self._new_trigger(subject, given, path), _stop(given, path, self._events.now())
        read = None
        if streamed.filter_given(given, path, pushed.FILTERS) is not None:
            wanted = trigger or subject.trigger
            read = await self._selections.reading(caller, datastore, given, wanted, path, "modify")
        subject.change(read, trigger, stop)
        _retell(found, given, pushed.FILTERS)
        found.terms |= _trigger_terms(subject.trigger)

    def _new_trigger(self, subject: Push, given: Mapping[str, _Element], path: str) -> Periodic | OnChange | None:
        """Return the new trigger; only its period can change, not its kind."""
        trigger = pushed.trigger_of(given, path, "modify")
        if trigger is not None and type(trigger) is not type(subject.trigger):
            name = "on-change" if isinstance(trigger, OnChange) else "periodic"
            rule = f"subscription {subject.number} cannot become {name}: establish another one"
            raise BadValue(rule, path=f"{path}/yp:{name}", name=name)
        if isinstance(trigger, OnChange) and isinstance(subject.trigger, OnChange):
            return OnChange(trigger.dampening, subject.trigger.sync, subject.trigger.excluded)
        return trigger

    def _modified(self, found: Established) -> Statement:
        """Return the notification that says how a subscription is now (RFC 8639 section 2.7.2)."""
        said = {"id": found.subject.number, **found.told}
        entry = self._datastores.schema.top[_LIST].children[f"{{{SN}}}subscription"]
        inside = whole(said, entry.children.values(), SN)
        return Statement(SUBSCRIBED, "subscription-modified", self._events.now(), inside, lambda: said)

    # --- ending --------------------------------------------------------------------------------------------------

    async def _delete(self, caller: Caller, operation: _Element, encoding: str, origin: str) -> Answer:
        del encoding, origin
        path = path_of(operation)
        self._own(caller, parameters(operation, "sn:id"), path).subject.close()
        return {}

    async def _kill(self, caller: Caller, operation: _Element, encoding: str, origin: str) -> Answer:
        """End anybody's subscription; it is nacm:default-deny-all."""
        del caller, encoding, origin
        path = path_of(operation)
        id_ = number(parameters(operation, "sn:id"), path)
        found = self.known.find(id_)
        if found is None:
            raise _no_such(id_, path)
        if found.session or found.reader is not None:
            found.subject.end(OVER)
        else:  # nobody is there to be told
            found.subject.close()
        return {}

    async def _resync(self, caller: Caller, operation: _Element, encoding: str, origin: str) -> Answer:
        del encoding, origin
        path = path_of(operation)
        given = parameters(operation, "yp:id")
        id_ = number(given, path)
        found = self.known.own(caller, id_)
        if found is None or not isinstance(found.subject, Push):
            rule = f"there is no subscription {id_} of a datastore here"
            raise NoResource(rule, path=f"{path}/yp:id", app_tag=f"{PUSH_TAG}no-such-subscription-resync")
        trigger = found.subject.trigger
        if isinstance(trigger, Periodic) or not trigger.sync:
            rule = "synchronizing what is pushed periodically, or was wanted without sync-on-start,"
            raise Unsupported(rule, path=f"{path}/yp:id", app_tag=f"{PUSH_TAG}on-change-sync-unsupported")
        found.subject.resync()
        return {}

    # --- configured filters --------------------------------------------------------------------------------------

    def heard(self, entries: Sequence[Entry]) -> None:
        """Take note of what was committed; filters that have changed are used from here on."""
        changed = any(entry.event.table == Section.table and entry.event.key == FILTERS for entry in entries)
        if changed and any(one.reference for one in self.known):
            task = asyncio.create_task(self._renew(), name="configured filters")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _renew(self) -> None:
        """Let subscriptions use configured filters as they are now, and tell their receivers (section 2.7.2)."""
        for one in list(self.known):
            if one.reference is None:
                continue
            found = await self._selections.configured(one.caller, *one.reference)
            written = None if found is None else b"".join(etree.tostring(element) for element in found)
            if written == one.filter:
                continue
            one.filter = written
            try:
                if found is None:
                    raise BadValue("the filter is gone")
                await self._refilter(one, found)
            except PromiseError:
                one.subject.end("filter-unavailable")
            else:
                one.subject.say(self._modified(one))

    async def _refilter(self, one: Established, found: Sequence[_Element]) -> None:
        if isinstance(one.subject, Dynamic):
            one.subject.change(streamed.narrowed(one.subject.interest, found, "", "modify"))
            return
        (element,) = found or (None,)
        trigger = one.subject.trigger
        read = await self._selections.through(one.caller, _datastore(one), element, trigger, "", "modify")
        one.subject.change(read, None, None)

    async def _referring(self, one: Established) -> None:
        """Note which configured filter a subscription uses, and what that is."""
        used = ((kind, str(one.terms[leaf])) for leaf, kind in _REFERRING.items() if leaf in one.terms)
        one.reference = next(used, None)
        if one.reference is not None:
            found = await self._selections.configured(one.caller, *one.reference)
            one.filter = None if found is None else b"".join(etree.tostring(element) for element in found)

    def _own(self, caller: Caller, given: Mapping[str, _Element], path: str) -> Established:
        """Return a subscription of the caller's; those of others do not exist for it (RFC 8639 section 2.4.3)."""
        id_ = number(given, path)
        found = self.known.own(caller, id_)
        if found is None:
            raise _no_such(id_, path)
        return found


def _no_such(id_: int, path: str) -> NoResource:
    rule = f"there is no subscription {id_} that could be changed or ended from here"
    return NoResource(rule, path=f"{path}/sn:id", app_tag=f"{SUBSCRIBED_TAG}no-such-subscription")


def _encoding(caller: Caller, given: Mapping[str, _Element], path: str, usual: str) -> str:
    """Return in what notifications are encoded."""
    if "encoding" not in given:
        return usual
    where = f"{path}/sn:encoding"
    name = identity(given["encoding"], "ietf-subscribed-notifications", where)
    known = ("encode-xml",) if caller.session_id else ("encode-xml", "encode-json")
    if name not in known:
        rule = f"notifications are encoded here by {' or '.join(known)}"
        raise BadValue(rule, path=where, name="encoding", app_tag=f"{SUBSCRIBED_TAG}encoding-unsupported")
    return name


def _made(subject: Dynamic | Push, caller: Caller, given: Mapping[str, _Element]) -> Established:
    kept = {name: element for name, element in given.items() if name not in {*pushed.TRIGGERS, "encoding"}}
    return Established(subject, caller, terms_of(kept, **_NAMES))


def _datastore(found: Established) -> Datastore:
    return Datastore(str(found.terms[f"{PUSH_TAG}datastore"]).rpartition(":")[2])


def _retell(found: Established, given: Mapping[str, _Element], filters: tuple[str, ...]) -> None:
    """Let the terms be what they are now."""
    if any(name in given for name in filters):
        for name in filters:
            found.terms.pop(name, None)
            found.terms.pop(f"{PUSH_TAG}{name}", None)
    changed = {name: element for name, element in given.items() if name in {*filters, "stop-time"}}
    found.terms |= terms_of(changed, **_NAMES)


def _trigger_terms(trigger: Periodic | OnChange) -> dict[str, Any]:
    """Return the trigger as RFC 7951 writes it."""
    if isinstance(trigger, Periodic):
        anchor = {} if trigger.anchor is None else {"anchor-time": DATE_AND_TIME.text(sure(trigger.anchor))}
        return {f"{PUSH_TAG}periodic": {"period": trigger.period, **anchor}}
    excluded = {"excluded-change": sorted(trigger.excluded)} if trigger.excluded else {}
    return {f"{PUSH_TAG}on-change": {"dampening-period": trigger.dampening, "sync-on-start": trigger.sync, **excluded}}


def _stop(given: Mapping[str, _Element], path: str, now: int) -> int | None:
    stop = moment(given, "stop-time", path)
    if stop is not None and stop <= sure(now):
        raise BadValue("stop-time must be later than now", path=f"{path}/sn:stop-time", name="stop-time")
    return starting(stop)
