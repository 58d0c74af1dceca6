"""The subscriptions of Promise's own that live on a session: made, listed, and ended with it or before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from promise.capacity.refusal import Reason, Refusal
from promise.errors import BadElement, Unsupported
from promise.northbound import answers
from promise.northbound import bindings as yang
from promise.northbound.events import about
from promise.northbound.events.crossing import crossed
from promise.northbound.events.feed import Feed, Member
from promise.northbound.events.initial import initial
from promise.northbound.events.watch import Watched
from promise.northbound.port import Subscribed
from promise.northbound.words import actor_of, fresh_id
from promise.subscription.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from promise.actor import Actor
    from promise.allocation.book import AllocationBook
    from promise.northbound.access import Caller
    from promise.northbound.events.notice import Notice
    from promise.northbound.events.stream import EventStream
    from promise.northbound.events.watch import Watch
    from promise.northbound.port import Receiver, Wish
    from promise.subscription.model import Filter


@dataclass(slots=True)
class _Session:
    """A session: whose it is, and its feed while it has subscriptions."""

    receiver: Receiver
    feed: Feed | None = None


@dataclass(frozen=True, slots=True)
class _Bound:
    """A subscription and the session that it is bound to."""

    member: Member
    session: int
    watched: Watched | None


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a subscription begins: the seq that it is told from, and what it is told first."""

    seq: int
    now: int
    aside: tuple[Notice, ...] = ()


class Registry:
    """Who subscribed to what; see `port.Subscriptions`."""

    def __init__(self, stream: EventStream, watch: Watch, new_id: Callable[[], str] = fresh_id) -> None:
        self._stream = stream
        self._watch = watch
        self._new_id = new_id
        self._sessions: dict[int, _Session] = {}
        self._bound: dict[str, _Bound] = {}

    def open(self, session: int, receiver: Receiver) -> None:
        """Note a session, so that it may subscribe."""
        self._sessions[session] = _Session(receiver)

    def close(self, session: int) -> None:
        """Forget a session with all that it subscribed to."""
        self._sessions.pop(session, None)
        for key in [key for key, each in self._bound.items() if each.session == session]:
            self._forget(key)

    async def subscribe(self, caller: Caller, wish: Wish) -> Subscribed | Refusal:
        """Begin to tell a session what it wishes to know, from the answer to this request on."""
        session = self._sessions.get(caller.session_id)
        if session is None:
            raise Unsupported("a subscription without a session or a callback-uri")
        actor = actor_of(caller)
        start = await self._stream.log.read(lambda book, now: self._start(book, actor, wish, now))
        if isinstance(start, Refusal):
            return start
        assert isinstance(start, _Start)
        member = Member(self._new_id(), actor, wish.kind, wish.wanted, start.seq)
        member.thresholds = wish.thresholds
        member.aside.extend(start.aside)
        await self._rewind(member, wish, start)
        if caller.session_id in self._sessions:
            feed = self._join(session, member)
            watched = self._watched(feed, member) if member.thresholds else None
            self._bound[member.id] = _Bound(member, caller.session_id, watched)
            if watched is not None:
                await self._watch.add(watched)
        return Subscribed(member.id, wish.kind.value, start.seq)

    async def unsubscribe(self, caller: Caller, key: str) -> Refusal | None:
        """End a subscription of the caller's own, or of anybody for an administrator."""
        bound = self._bound.get(key)
        if bound is None or not _may(actor_of(caller), bound.member):
            return Refusal(Reason.NOT_FOUND, f"there is no subscription {key}")
        self._forget(key)
        feed = self._sessions[bound.session].feed
        if feed is not None:
            feed.remove(key)
        return None

    def _forget(self, key: str) -> None:
        watched = self._bound.pop(key).watched
        if watched is not None:
            self._watch.remove(watched)

    def listed(self, actor: Actor) -> Iterator[yang.PromiseSubscriptions]:
        """Yield the subscriptions of sessions that the actor may see, oldest first."""
        for each in self._bound.values():
            if _may(actor, each.member):
                yield _listed(each.member, each.session)

    def _watched(self, feed: Feed, member: Member) -> Watched:
        """Return the lines of a subscription, each of which is told behind what has made it so."""
        log = self._stream.log
        return Watched(
            member.wanted,
            member.thresholds,
            lambda crossing: feed.tell(member, crossed(member.id, crossing, log.durable_seq)),
        )

    def _join(self, session: _Session, member: Member) -> Feed:
        if session.feed is None or session.feed.over:
            session.feed = Feed(self._stream)
            session.feed.add(member)
            session.receiver.subscribe(session.feed)
        else:
            session.feed.add(member)
        return session.feed

    def _start(self, book: AllocationBook, actor: Actor, wish: Wish, now: int) -> _Start | Refusal:
        """Return where a subscription begins that is decided at this moment."""
        refused = existence(book, actor, wish.kind, wish.wanted)
        if refused is not None:
            return refused
        place = self._stream.log.seq, now
        return _Start(*place, initial(book, actor, wish.kind, wish.wanted, place) if wish.present else ())

    async def _rewind(self, member: Member, wish: Wish, start: _Start) -> None:
        """Let a subscription begin in the past, where that is asked for; what is gone from there is said."""
        if wish.after is not None:
            if wish.after > start.seq:
                raise _beyond(wish, f"from-sequence must not be later than the last sequence, {start.seq}")
            member.after = wish.after
        elif wish.start is not None:
            if wish.start > start.now + 1:  # the second that the clock shows is not over
                raise _beyond(wish, "start-time must not be in the future")
            base = await self._stream.log.base()
            member.after = max(base.seq, await self._stream.log.seq_before(wish.start))
            if base.seq and wish.start <= base.at:
                member.aside.append(about.lost(member.id, None, base.seq, start.now))


def _may(actor: Actor, member: Member) -> bool:
    return actor.operator or member.actor.user == actor.user


def _listed(member: Member, session: int) -> yang.PromiseSubscriptions:
    return yang.PromiseSubscriptions(
        id=member.id,
        kind=member.kind.value,
        filter=answers.subscription_filter(member.kind, member.wanted),
        threshold=tuple(answers.threshold(each) for each in member.thresholds),
        session_id=session,
        owner=member.actor.user,
        state="active",
        sent=member.sent,
        dropped=member.dropped,
    )


def _beyond(wish: Wish, rule: str) -> BadElement:
    name = "start-time" if wish.after is None else "from-sequence"
    return BadElement(rule, path=f"/promise:subscribe-{wish.kind}-events/promise:{name}", name=name)


def existence(book: AllocationBook, actor: Actor, kind: Kind, wanted: Filter) -> Refusal | None:
    """Return why nothing could ever match: what the filter names does not exist for the actor."""
    if wanted.window.end <= wanted.window.start:
        return Refusal(Reason.WINDOW_INVALID, "end must be later than start")
    if wanted.provider is not None and wanted.provider not in book.providers:
        return Refusal(Reason.NOT_FOUND, f"there is no provider {wanted.provider}")
    if wanted.zone is not None:
        providers = [wanted.provider] if wanted.provider else list(book.providers)
        if not any(wanted.zone in book.zones_of(provider) for provider in providers):
            return Refusal(Reason.ZONE_UNKNOWN, f"no such provider has a zone {wanted.zone}")
    records: Any = book.reservations if kind is Kind.RESERVATION else book.allocations
    for key in sorted(wanted.ids):
        if key not in records or not actor.sees(records[key]):
            return Refusal(Reason.NOT_FOUND, f"there is no {kind.value} {key}")
    return None
