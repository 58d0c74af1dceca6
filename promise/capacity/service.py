"""The use cases of the capacity room: change what is offered, register clouds, tell what there is over time."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from promise.capacity import offer, providers, query
from promise.capacity.idempotency import once
from promise.capacity.providers import Added
from promise.capacity.refusal import Reason, Refusal
from promise.errors import CloudRefused, CloudUnreachable, CredentialsRejected, OutcomeUnknown
from promise.events import Decision
from promise.resources import FOREVER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from promise.actor import Actor
    from promise.capacity.book import CapacityBook, Holding
    from promise.capacity.idempotency import Key
    from promise.capacity.ledger import Decisions
    from promise.capacity.model import Scope
    from promise.capacity.offer import ChangeCapacity, Offered, RemovePool
    from promise.capacity.provider import Access, Discovery, Provider
    from promise.capacity.providers import AddProvider
    from promise.capacity.query import Levels, Point
    from promise.events import Record
    from promise.resources import Window


MOST_POINTS: Final = 10_000
"""So many intervals of a course are told in one answer: a window can have billions of them."""


class Explorer(Protocol):
    """What the room needs of a cloud."""

    async def discover(self, source: str | None = None) -> Discovery:
        """Look at the cloud; see `vim.port.Cloud`."""

    async def close(self) -> None:
        """Let go of it."""


@dataclass(frozen=True, slots=True)
class QueryCapacity:
    """A question about capacity over a window; `exclusive` and `kinds` choose which ids are listed.

    The entries of the course count the records that are listed, or those of `counting` where it is given.
    """

    metric: str = "available"
    kinds: tuple[str, ...] = ()
    provider: str | None = None
    zone: str | None = None
    start: int | None = None
    end: int | None = None
    exclusive: bool = False
    without: frozenset[str] = frozenset()
    some: frozenset[str] = frozenset()
    every: frozenset[str] = frozenset()
    series: bool = True
    all_metrics: bool = False
    resolution: int | None = None
    flavor: str | None = None
    limit: int | None = None
    resume: str | None = None
    counting: frozenset[str] | None = None

    def holds(self, elements: Collection[str]) -> bool:
        """Tell whether a record with these elements is one to list: with all of `every`, and one of `some`."""
        return self.every.issubset(elements) and (not self.some or not self.some.isdisjoint(elements))


@dataclass(frozen=True, slots=True)
class ProviderShare:
    """What one of several providers contributes to an answer."""

    provider: str
    metrics: Levels
    fits: int | None


@dataclass(frozen=True, slots=True)
class CapacityAnswer:
    """The ids behind the numbers, the course, and the extremes; `resume` is where the next page begins."""

    collections: tuple[str, ...]
    points: tuple[Point, ...]
    metrics: Levels
    fits: int | None
    shares: tuple[ProviderShare, ...] = field(default=())
    resume: int | None = None


class CapacityService:
    """The capacity room's door for the northbound.

    `permit` raises when the actor may not change the running configuration at the moment (somebody has locked it).
    """

    def __init__(
        self,
        ledger: Decisions[CapacityBook],
        clouds: Callable[[Access, str], Explorer],
        permit: Callable[[Actor, CapacityBook], None] = lambda _actor, _book: None,
    ) -> None:
        self._ledger = ledger
        self._clouds = clouds
        self._permit = permit

    async def change(self, actor: Actor, request: ChangeCapacity, key: Key | None = None) -> Offered | Refusal:
        """Increase or decrease what is offered to the reservation system."""

        def decide(book: CapacityBook, now: int) -> Decision[Offered | Refusal]:
            return once(
                book,
                key,
                now,
                lambda: offer.change(book, request, actor, now),
                again=lambda pool: offer.Offered(book.pools[pool]),
                subject=lambda offered: offered.pool.id,
            )

        return await self._ledger.submit(decide, actor=actor.user)

    async def remove_pool(self, actor: Actor, request: RemovePool) -> Offered | Refusal:
        """End a pool."""
        return await self._ledger.submit(lambda book, now: offer.remove(book, request, actor, now), actor=actor.user)

    async def query(self, actor: Actor, question: QueryCapacity) -> CapacityAnswer | Refusal:
        """Tell what there is over a window."""
        return await self._ledger.read(lambda book, now: answer(book, question, actor, now))

    async def add_provider(
        self, actor: Actor, request: AddProvider, password: str, key: Key | None = None
    ) -> Added | Refusal:
        """Look at the cloud, and register it with what was found; nothing is kept when that fails."""
        known = await self._ledger.read(lambda book, _now: self._unasked(actor, book, request, key))
        if isinstance(known, Refusal):
            return known
        found: Discovery | Refusal | None = (
            None if known else await self._explored(request.access, request.capacity_source, password)
        )
        if isinstance(found, Refusal):
            return found

        def decide(book: CapacityBook, now: int) -> Decision[Added | Refusal]:
            if not known:
                self._permit(actor, book)
            return once(
                book,
                key,
                now,
                lambda: _add(book, request, found, password, now, actor.session_id),
                again=lambda provider: Added(book.providers[provider]),
                subject=lambda added: added.provider.id,
            )

        return await self._ledger.submit(decide, actor=actor.user)

    async def set_credentials(
        self, actor: Actor, provider: str, username: str | None, password: str
    ) -> Provider | Refusal:
        """Look at the cloud with new credentials, and keep them when they open it; else nothing changes."""
        known = await self._ledger.read(lambda book, _now: self._permitted(actor, book).providers.get(provider))
        if known is None:
            return Refusal(Reason.NOT_FOUND, f"there is no provider {provider}")
        if not (username or known.access.username):
            return Refusal(Reason.CREDENTIALS_REJECTED, "the provider has no user name yet; give one with the password")
        access = replace(known.access, username=username or known.access.username)
        found = await self._explored(access, known.capacity_source, password)
        if isinstance(found, Refusal):
            return found

        def decide(book: CapacityBook, now: int) -> Decision[Provider | Refusal]:
            return providers.renew(self._permitted(actor, book), provider, access, found, password, now)

        return await self._ledger.submit(decide, actor=actor.user)

    def _permitted(self, actor: Actor, book: CapacityBook) -> CapacityBook:
        self._permit(actor, book)
        return book

    def _unasked(self, actor: Actor, book: CapacityBook, request: AddProvider, key: Key | None) -> bool | Refusal:
        """Tell whether the request is answered without asking the cloud, or refused so."""
        if key is not None and key.id in book.keys:
            return True
        self._permit(actor, book)
        return providers.duplicate(book, request.access, providers.project_names(request.access)) or False

    async def _explored(self, access: Access, source: str | None, password: str) -> Discovery | Refusal:
        cloud = self._clouds(access, password)
        try:
            return await cloud.discover(source)
        except CredentialsRejected as error:
            return Refusal(Reason.CREDENTIALS_REJECTED, error.message)
        except (CloudUnreachable, OutcomeUnknown) as error:
            return Refusal(Reason.PROVIDER_UNREACHABLE, error.message)
        except CloudRefused as error:
            return Refusal(Reason.PROVIDER_REFUSED, error.message)
        finally:
            await cloud.close()


def _add(
    book: CapacityBook, request: AddProvider, found: Discovery | None, password: str, now: int, session: int
) -> Decision[Added | Refusal]:
    if found is None:
        return Decision(Refusal(Reason.KEY_REUSED, "the idempotency key was forgotten just now; ask again"))
    return providers.add(book, request, found, password, now, session)


def answer(book: CapacityBook, question: QueryCapacity, actor: Actor, now: int) -> CapacityAnswer | Refusal:
    """Answer a question about capacity from memory; numbers count everything but what is in `without`."""
    window = query.window_of(question.start, question.end, now)
    if isinstance(window, Refusal):
        return window
    scopes = query.scopes_of(book, question.provider, question.zone)
    if isinstance(scopes, Refusal):
        return scopes
    begin = _begin(question, window)
    if isinstance(begin, Refusal):
        return begin
    kinds = question.kinds or query.KINDS[question.metric]
    everything = list(book.holdings(query.KINDS["available"]))
    named = [held.record for held in everything if held.record.id in question.without]
    gone: list[Record] = [record for record in named if _visible(record, actor)]
    gone_ids = {record.id for record in gone}
    holdings = [
        held
        for held in everything
        if held.kind in kinds and held.record.id not in gone_ids and not set(scopes).isdisjoint(held.scopes)
    ]
    listed = [held for held in holdings if _listed(held, question, window, actor)]
    counting = question.counting
    counted = listed if counting is None else [held for held in holdings if held.record.id in counting]
    with book.without(gone):
        fits = _fits(book, question, scopes, window)
        if isinstance(fits, Refusal):
            return fits
        points = _points(book, question, scopes, window._replace(start=begin), counted)
        metrics = query.extremes(book, scopes, window)
        shares = _shares(book, scopes, window, fits) if len(book.providers) > 1 and len(scopes) > 1 else ()
    most = _most(question)
    limit = len(points) if most is None else most
    return CapacityAnswer(
        collections=tuple(f"{held.kind}:{held.record.id}" for held in listed),
        points=tuple(points[:limit]),
        metrics=metrics,
        fits=_total(fits),
        shares=shares,
        resume=points[limit].instant if limit < len(points) else None,
    )


def _listed(held: Holding, question: QueryCapacity, window: Window, actor: Actor) -> bool:
    """Tell whether the question lists a record: overlapping the window, or inside it; of others' records none."""
    timely = held.window.inside(window) if question.exclusive else held.window.overlaps(window)
    return timely and question.holds(getattr(held.record, "elements", ())) and _visible(held.record, actor)


def _visible(record: object, actor: Actor) -> bool:
    """Tell whether an id may be listed: a pool belongs to the cloud's users at large."""
    return not hasattr(record, "project") or actor.sees(record)  # type: ignore[arg-type]  # it has an owner too


def _begin(question: QueryCapacity, window: Window) -> int | Refusal:
    """Return the instant at which the page begins: the marker is that, or it is none of ours."""
    if question.resume is None:
        return window.start
    instant = int(question.resume) if re.fullmatch("[0-9]{1,12}", question.resume) else FOREVER
    return max(window.start, instant) if instant < window.end else no_page(question.resume)


def no_page(marker: str) -> Refusal:
    """Return the refusal of a marker that is not the `next-marker` of any answer that the caller can have had."""
    return Refusal(Reason.NOT_FOUND, f"there is no page at marker {marker[:36]}")


def _points(
    book: CapacityBook,
    question: QueryCapacity,
    scopes: Sequence[Scope],
    window: Window,
    holdings: Sequence[Holding],
) -> list[Point]:
    if not question.series:
        return []
    metrics = query.METRICS if question.all_metrics else (question.metric,)
    course = query.course(book, scopes, window, metrics, question.resolution)
    counts = query.counted(holdings, window)
    most = _most(question)
    if question.resolution is None:
        return list(islice(query.points(course, counts), None if most is None else most + 1))
    return list(islice(query.sampled(course, counts), None if most is None else most + 1))


def _most(question: QueryCapacity) -> int | None:
    """Return how many points an answer may have: at changes as many as there are, and so many intervals at a time."""
    if question.resolution is None:
        return question.limit
    return min(question.limit or MOST_POINTS, MOST_POINTS)


def _fits(
    book: CapacityBook, question: QueryCapacity, scopes: Sequence[Scope], window: Window
) -> dict[str, int | None] | Refusal:
    """Return, per provider, how many instances of the flavor fit throughout the window; None = nothing limits."""
    if question.flavor is None:
        return {}
    found = {}
    for provider in (book.providers[scope.provider] for scope in scopes):
        flavor = provider.flavor(question.flavor)
        if flavor is not None:
            found[provider.id] = query.room_on(book, provider, {**flavor.needs, "ports": 1}, question.zone, window)
    return found or Refusal(Reason.FLAVOR_UNKNOWN, f"no provider asked has a flavor {question.flavor}, or several")


def _total(fits: dict[str, int | None]) -> int | None:
    known = [count for count in fits.values() if count is not None]
    return sum(known) if known and len(known) == len(fits) else None


def _shares(
    book: CapacityBook, scopes: Sequence[Scope], window: Window, fits: dict[str, int | None]
) -> tuple[ProviderShare, ...]:
    return tuple(
        ProviderShare(scope.provider, query.extremes(book, [scope], window), fits.get(scope.provider))
        for scope in scopes
    )
