"""The subscriptions of Promise's own: made, listed and ended; those that live on a session go with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from promise.capacity.refusal import Reason, Refusal
from promise.errors import BadElement, Denied, NoRoom
from promise.events import Decision
from promise.northbound import answers
from promise.northbound import bindings as yang
from promise.northbound.events import about
from promise.northbound.events.crossing import crossed, plain
from promise.northbound.events.detached import Detached
from promise.northbound.events.feed import Feed, Member
from promise.northbound.events.initial import initial
from promise.northbound.events.watch import Watched
from promise.northbound.port import Content, Subscribed
from promise.northbound.subscribed import shown, visible
from promise.northbound.words import actor_of, fresh_id
from promise.subscription import decisions
from promise.subscription.decisions import existence
from promise.subscription.model import Subscription

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from promise.actor import Actor
    from promise.allocation.book import AllocationBook
    from promise.northbound.access import Caller
    from promise.northbound.events.callback import Surroundings
    from promise.northbound.events.callbacks import Callbacks
    from promise.northbound.events.detached import Reader
    from promise.northbound.events.notice import Notice
    from promise.northbound.port import Receiver, Wish
    from promise.subscription.book import SubscriptionBook


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
    detached: Detached | None = None


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a subscription begins: the seq that it is told from, and what it is told first."""

    seq: int
    now: int
    aside: tuple[Notice, ...] = ()


class Registry:
    """Who subscribed to what; see `port.Subscriptions`."""

    def __init__(self, around: Surroundings, callbacks: Callbacks, new_id: Callable[[], str] = fresh_id) -> None:
        self.permit: Callable[[Actor, Any], None] = lambda _actor, _book: None
        """Raises where somebody may not change the configuration at the moment: it is locked, or on trial."""
        self._stream = around.stream
        self._watch = around.watch
        self._ledger = around.ledger
        self._callbacks = callbacks
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
        """Begin to tell a session what it wishes to know, from the answer to this request on; or a callback-uri."""
        actor = self._stream.current(actor_of(caller))
        if wish.callback is not None:
            return await self._keep(actor, wish)
        self._expect_room(actor, caller.session_id)
        session = self._sessions.get(caller.session_id)
        start = await self._stream.log.read(lambda book, now: self._start(book, actor, wish, now))
        if isinstance(start, Refusal):
            return start
        assert isinstance(start, _Start)
        member = Member(self._new_id(), actor, wish.kind, wish.wanted, start.seq)
        member.thresholds = wish.thresholds
        member.aside.extend(start.aside)
        await self._rewind(member, wish, start)
        if session is None:
            return await self._wait_for_reader(member, start.seq)
        if caller.session_id in self._sessions:
            feed = self._join(session, member)
            watched = self._watched(feed, member) if member.thresholds else None
            self._bound[member.id] = _Bound(member, caller.session_id, watched)
            if watched is not None:
                await self._watch.add(watched)
                if member.id not in self._bound:  # the session went meanwhile
                    self._watch.remove(watched)
        return Subscribed(member.id, start.seq, wish.kind.value)

    def _expect_room(self, actor: Actor, session: int) -> None:
        """Raise NoRoom where a session, or a user over RESTCONF, has as many subscriptions as there may be."""
        for key in [key for key, each in self._bound.items() if each.detached and each.detached.forsaken]:
            self._forget(key)
        own = (each for each in self._bound.values() if each.session == session)
        if sum(each.member.actor.user == actor.user for each in own) >= self._stream.bounds.own:
            raise NoRoom(
                f"there may be {self._stream.bounds.own} subscriptions on a session, or of a user over RESTCONF"
            )

    async def _wait_for_reader(self, member: Member, seq: int) -> Subscribed:
        """Keep a subscription that was made over RESTCONF for whoever reads its stream."""
        detached = Detached(self._stream, member)
        watched = self._watched(detached.feed, member) if member.thresholds else None
        self._bound[member.id] = _Bound(member, 0, watched, detached)
        if watched is not None:
            await self._watch.add(watched)
        return Subscribed(member.id, seq, member.id)

    def attach(self, caller: Caller, key: str, behind: tuple[int, int] | None) -> Reader | None:
        """Return what a subscription tells that was made over RESTCONF, None where the caller has no such one."""
        bound = self._bound.get(key)
        if bound is None or bound.detached is None or bound.member.actor.user != caller.username:
            return None
        return bound.detached.attach(behind)

    async def unsubscribe(self, caller: Caller, key: str) -> Refusal | None:
        """End a subscription of the caller's own, or one that his groups may change."""
        actor, bound = self._stream.current(actor_of(caller)), self._bound.get(key)
        if bound is None:
            return await self._drop(actor, key)
        if not _may(actor, bound.member):
            return Refusal(Reason.NOT_FOUND, f"there is no subscription {key}")
        if bound.member.actor.user != actor.user and not actor.commands(bound.member.actor.project):
            raise Denied(f"changing subscription {key}")
        self._forget(key)
        session = self._sessions.get(bound.session)
        if session is not None and session.feed is not None:
            session.feed.remove(key)
        return None

    def condition(self, record: Subscription) -> yang.PromiseSubscriptions:
        """Return how it goes with a subscription that has a callback-uri: its key, and what is state."""
        work = self._callbacks.callback(record.id)
        retrying = work is not None and work.retrying
        return yang.PromiseSubscriptions(
            id=record.id,
            kind=record.kind.value,
            owner=record.owner,
            state="suspended" if record.suspended else "retrying" if retrying else "active",
            sent=record.sent + (work.sent if work else 0),
            dropped=record.dropped,
            last_error=work.last_error if work and not record.suspended else record.last_error,
        )

    async def _keep(self, actor: Actor, wish: Wish) -> Subscribed | Refusal:
        """Make a subscription that outlives the session."""
        key, log = self._new_id(), self._stream.log
        earlier = None if wish.start is None else await log.seq_before(wish.start)

        def decide(book: SubscriptionBook, now: int) -> Decision[Subscribed | Refusal]:
            refused = existence(book, actor, wish.kind, wish.wanted)
            if refused is not None:
                return Decision(refused)
            check_beginning(wish, log.seq, now)
            self.permit(actor, book)
            if sum(each.owner == actor.user for each in book.subscriptions.values()) >= self._stream.bounds.own:
                raise NoRoom(f"a user may have {self._stream.bounds.own} subscriptions with a callback-uri")
            after = wish.after if wish.after is not None else log.seq if earlier is None else earlier
            decision = decisions.create(record_of(key, actor, wish, now, after), wish.secret)
            return Decision(Subscribed(key, log.seq), decision.events, decision.secrets)

        kept: Subscribed | Refusal = await self._ledger.submit(decide, actor=actor.user)
        return kept

    async def _drop(self, actor: Actor, key: str) -> Refusal | None:
        """End a subscription that outlives sessions."""

        def decide(book: SubscriptionBook, _now: int) -> Decision[Refusal | None]:
            decision = decisions.end(book, key, actor)
            if decision.answer is None:
                self.permit(actor, book)
            return decision

        ended: Refusal | None = await self._ledger.submit(decide, actor=actor.user)
        return ended

    def _forget(self, key: str) -> None:
        bound = self._bound.pop(key)
        if bound.watched is not None:
            self._watch.remove(bound.watched)
        if bound.detached is not None:
            bound.detached.close()

    def listed(self, book: AllocationBook, actor: Actor, content: Content) -> Iterator[yang.PromiseSubscriptions]:
        """Yield the subscriptions that the actor may see, oldest first, those of sessions at the end."""
        for record in visible(book, actor):
            yield self._shown(record, content)
        if content is not Content.CONFIG:
            for each in self._bound.values():
                if _may(actor, each.member):
                    yield _listed(each.member, each.session)

    def _shown(self, record: Subscription, content: Content) -> yang.PromiseSubscriptions:
        """Return a subscription with a callback-uri, and how it goes at this moment."""
        begun, work = shown(record, content), self._callbacks.callback(record.id)
        if content is Content.CONFIG or work is None or record.suspended:
            return begun
        state = "retrying" if work.retrying else "active"
        return replace(begun, state=state, sent=record.sent + work.sent, last_error=work.last_error)

    def _watched(self, feed: Feed, member: Member) -> Watched:
        """Return the lines of a subscription, each of which is told behind what has made it so."""
        log = self._stream.log
        return Watched(
            member.wanted,
            member.thresholds,
            lambda crossing: feed.tell(member, crossed(member.id, plain(*crossing), log.durable_seq)),
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
        check_beginning(wish, start.seq, start.now)
        if wish.after is not None:
            member.after = wish.after
        elif wish.start is not None:
            base = await self._stream.log.base()
            member.after = max(base.seq, await self._stream.log.seq_before(wish.start))
            if base.seq and wish.start <= base.at:
                member.aside.append(about.lost(member.id, None, base.seq, start.now))


def _may(actor: Actor, member: Member) -> bool:
    return member.actor.user == actor.user or actor.oversees(member.actor.project)


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


def check_beginning(wish: Wish, seq: int, now: int) -> None:
    """Raise BadElement for a beginning that lies in the future."""
    if wish.after is not None and wish.after > seq:
        raise _beyond(wish, f"from-sequence must not be later than the last sequence, {seq}")
    if wish.start is not None and wish.start > now + 1:  # the second that the clock shows is not over
        raise _beyond(wish, "start-time must not be in the future")


def record_of(key: str, actor: Actor, wish: Wish, now: int, after: int) -> Subscription:
    """Return the record of a subscription with a callback-uri."""
    assert wish.callback is not None
    return Subscription(
        id=key,
        kind=wish.kind,
        wanted=wish.wanted,
        thresholds=wish.thresholds,
        owner=actor.user,
        project=actor.project,
        operator=actor.operator,
        callback=wish.callback,
        created=now,
        after=after,
        credential=key if wish.secret is not None else None,
        fresh=wish.present,
    )


def _beyond(wish: Wish, rule: str) -> BadElement:
    name = "start-time" if wish.after is None else "from-sequence"
    return BadElement(rule, path=f"/promise:subscribe-{wish.kind}-events/promise:{name}", name=name)
