"""The use cases of the reservation room."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from promise.capacity import query
from promise.capacity.idempotency import once
from promise.capacity.refusal import Refusal
from promise.capacity.service import QueryCapacity, answer, no_page
from promise.reservation import create, update
from promise.reservation.lookup import Lookup
from promise.reservation.model import LIVE, Reservation
from promise.reservation.requests import Accepted
from promise.reservation.view import view

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from promise.actor import Actor
    from promise.capacity.idempotency import Key
    from promise.capacity.ledger import Decisions
    from promise.capacity.query import Point
    from promise.events import Decision
    from promise.reservation.book import ReservationBook
    from promise.reservation.lookup import Catalogue
    from promise.reservation.requests import Cancelled, CreateReservation, UpdateReservation
    from promise.reservation.view import ReservationView
    from promise.resources import Window


@dataclass(frozen=True, slots=True)
class QueryReservation:
    """Which reservations to list: all filters must hold; `states` empty = the live ones."""

    provider: str | None = None
    zone: str | None = None
    start: int | None = None
    end: int | None = None
    windowed: bool = False
    exclusive: bool = False
    without: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    name: str | None = None
    elements_some: frozenset[str] = frozenset()
    elements_every: frozenset[str] = frozenset()
    series: bool = True
    limit: int | None = None
    resume: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """The reservations of one page; `resume` is the id of the last one when there are more.

    `course` is all that is reserved over the window; its entries count the reservations of the page.
    """

    views: tuple[ReservationView, ...]
    resume: str | None
    course: tuple[Point, ...]


class ReservationService:
    """The reservation room's door for the northbound. `clouds` is where the elements of requests are looked for.

    A request without elements is decided without asking a cloud.
    """

    def __init__(self, ledger: Decisions[ReservationBook], clouds: Callable[[str], Awaitable[Catalogue]]) -> None:
        self._ledger = ledger
        self._lookup = Lookup(clouds)

    async def create(self, actor: Actor, request: CreateReservation, key: Key | None = None) -> Accepted | Refusal:
        """Promise capacity and elements over a window."""
        seen = request
        if request.elements and not await self._is_repeated(key):
            places = await self._ledger.read(lambda book, now: create.to_look_at(book, request, now))
            if isinstance(places, Refusal):
                return places
            sights = await self._lookup.sights([place.id for place in places], request.elements)
            seen = replace(request, sights=sights)
        return await self._once(actor, key, seen, lambda book, now: create.create(book, seen, actor, now))

    async def update(self, actor: Actor, request: UpdateReservation, key: Key | None = None) -> Accepted | Refusal:
        """Change what is promised, all or nothing."""
        seen = request
        if request.elements and not await self._is_repeated(key):
            old = await self._ledger.read(lambda book, _now: update.take(book, request.id, actor))
            if isinstance(old, Reservation) and old.live:
                new = [element for element in request.elements if element not in old.elements]
                seen = replace(request, sights=await self._lookup.sights([old.provider] if new else [], new))
        return await self._once(actor, key, seen, lambda book, now: update.update(book, seen, actor, now))

    async def _is_repeated(self, key: Key | None) -> bool:
        """Tell whether the request was accepted before: its answer asks no cloud again."""
        return key is not None and await self._ledger.read(lambda book, _now: key.id in book.keys)

    async def _once(
        self,
        actor: Actor,
        key: Key | None,
        request: CreateReservation | UpdateReservation,
        decide: Callable[[ReservationBook, int], Decision[Accepted | Refusal]],
    ) -> Accepted | Refusal:
        def decide_once(book: ReservationBook, now: int) -> Decision[Accepted | Refusal]:
            return once(
                book,
                key,
                now,
                lambda: decide(book, now),
                again=lambda reservation: Accepted(book.reservations[reservation]),
                subject=lambda accepted: accepted.reservation.id,
                dry_run=request.dry_run,
            )

        return await self._ledger.submit(decide_once, actor=actor.user)

    async def cancel(self, actor: Actor, reservation: str) -> Cancelled | Refusal:
        """End a promise; its instances stay."""
        return await self._ledger.submit(
            lambda book, now: update.cancel(book, reservation, actor, now), actor=actor.user
        )

    async def show(self, reservation: Reservation) -> ReservationView:
        """Return a reservation, as it was answered, with what follows from the rest of the state."""
        return await self._ledger.read(lambda book, _now: view(book, _answered(book, reservation)))

    async def find(self, actor: Actor, reservation: str) -> ReservationView | None:
        """Return a reservation as it stands; None where the actor knows of none."""
        return await self._ledger.read(lambda book, _now: _found(book, reservation, actor))

    async def list(self, actor: Actor, question: QueryReservation) -> Listed | Refusal:
        """List reservations that the actor may see."""
        return await self._ledger.read(lambda book, now: listed(book, question, actor, now))


def _answered(book: ReservationBook, reservation: Reservation) -> Reservation:
    """Return the reservation with what the decision has degraded or healed of it, which is no new version."""
    stands = book.reservations.get(reservation.id, reservation)
    return stands if stands.version == reservation.version else reservation


def _found(book: ReservationBook, reservation: str, actor: Actor) -> ReservationView | None:
    found = update.find(book, reservation, actor)
    return None if isinstance(found, Refusal) else view(book, found)


def listed(book: ReservationBook, question: QueryReservation, actor: Actor, now: int) -> Listed | Refusal:
    """Answer a question about reservations from memory."""
    window = query.window_of(question.start, question.end, now)
    if isinstance(window, Refusal):
        return window
    scopes = query.scopes_of(book, question.provider, question.zone)
    if isinstance(scopes, Refusal):
        return scopes
    candidates = _after(_candidates(book, question), question.resume, actor)
    if isinstance(candidates, Refusal):
        return candidates
    wanted = (held for held in candidates if actor.sees(held) and _matches(held, question, window))
    most = None if question.limit is None else question.limit + 1
    found = list(islice(wanted, most))
    page = found[: question.limit]
    course = answer(book, _reserved(question, page), actor, now) if question.series else None
    if isinstance(course, Refusal):
        return course
    resume = page[-1].id if len(page) < len(found) else None
    return Listed(tuple(view(book, held) for held in page), resume, course.points if course else ())


def _after(candidates: Iterable[Reservation], resume: str | None, actor: Actor) -> Iterable[Reservation] | Refusal:
    """Return the candidates of the next page, which goes on even where the last one no longer belongs to it."""
    if resume is None:
        return candidates
    rest = iter(candidates)
    if any(held.id == resume and actor.sees(held) for held in rest):
        return rest
    return no_page(resume)


def _reserved(question: QueryReservation, page: Sequence[Reservation]) -> QueryCapacity:
    """Return the question for the reserved column over the same window."""
    return QueryCapacity(
        metric="reserved",
        provider=question.provider,
        zone=question.zone,
        start=question.start,
        end=question.end,
        without=question.without,
        series=question.series,
        counting=frozenset(held.id for held in page),
    )


def _candidates(book: ReservationBook, question: QueryReservation) -> Iterable[Reservation]:
    """Return those with the ids asked for; else the live ones of the scope, or all where other states are asked."""
    if question.ids:
        return [book.reservations[key] for key in sorted(question.ids) if key in book.reservations]
    return book.reservations.values()


def _matches(held: Reservation, question: QueryReservation, window: Window) -> bool:
    states = question.states or ({held.state} if question.ids else LIVE)
    return (
        held.state in states
        and held.id not in question.without
        and (question.provider is None or held.provider == question.provider)
        and (question.zone is None or held.zone == question.zone)
        and (question.name is None or held.name == question.name)
        and (not question.windowed or _timely(held, question, window))
        and question.elements_every <= set(held.elements)
        and (not question.elements_some or not question.elements_some.isdisjoint(held.elements))
    )


def _timely(held: Reservation, question: QueryReservation, window: Window) -> bool:
    return held.window.inside(window) if question.exclusive else held.window.overlaps(window)
