"""The decision on create-reservation; pure (design section 5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from promise.capacity import admission
from promise.capacity.model import Scope
from promise.capacity.refusal import Reason, Refusal
from promise.events import Decision, fact
from promise.reservation.admission import Wanted, expiry_objection, refused, window_of
from promise.reservation.containers import merged, valued, with_containers
from promise.reservation.elements import Hold, are_free, none_has_all, other_ids, said_of
from promise.reservation.model import Reservation, State
from promise.reservation.requests import Accepted
from promise.resources import FOREVER, in_order, named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promise.actor import Actor
    from promise.capacity.provider import Provider
    from promise.events import Event
    from promise.reservation.book import ReservationBook
    from promise.reservation.model import Container
    from promise.reservation.requests import CreateReservation
    from promise.resources import Window


def create(book: ReservationBook, request: CreateReservation, actor: Actor, now: int) -> Decision[Accepted | Refusal]:
    """Promise the whole request on one provider, or refuse it with what would help."""
    window = _window(book, request, now)
    if isinstance(window, Refusal):
        return Decision(window)
    providers = _with_elements(book, request)
    if isinstance(providers, Refusal):
        return Decision(providers)
    offers = [_offer(book, request, provider) for provider in providers]
    possible = [offer for offer in offers if isinstance(offer, _Offer)]
    for offer in possible:
        if admission.fits(book, offer.scopes, window, offer.capacity) and are_free(book, offer.hold, window):
            return _accepted(book, request, actor, offer, window, now)
    if not possible:
        return Decision(next(offer for offer in offers if isinstance(offer, Refusal)))
    return Decision(_refused(book, actor, possible, window, request.expiry, now))


@dataclass(frozen=True, slots=True)
class _Offer:
    """What the request comes to on one provider."""

    provider: Provider
    scopes: tuple[Scope, ...]
    containers: tuple[Container, ...]
    capacity: Mapping[str, int]
    hold: Hold


def _offer(book: ReservationBook, request: CreateReservation, provider: Provider) -> _Offer | Refusal:
    scopes = _scopes(provider, request.zone)
    containers = valued(book, provider, scopes, request.containers)
    if isinstance(containers, Refusal):
        return containers
    containers = merged((), containers)
    capacity = with_containers(named(request.capacity), containers)
    if not (capacity or request.elements):
        why = f"nothing of what these flavors take is managed where it would live on provider {provider.id}"
        return Refusal(Reason.NOTHING_REQUESTED, why)
    hold = Hold(provider.id, request.elements, other_ids(request.elements, request.sights.get(provider.id)))
    return _Offer(provider, scopes, containers, capacity, hold)


def _window(book: ReservationBook, request: CreateReservation, now: int) -> Window | Refusal:
    if not (named(request.capacity) or any(count for _, count in request.containers) or request.elements):
        return Refusal(Reason.NOTHING_REQUESTED, "no resource is requested with an amount above 0, and no element")
    window = window_of(book.policy, request.start, request.end, now)
    if isinstance(window, Refusal):
        return window
    return book.policy.objection(window, now) or expiry_objection(request.expiry, window, now) or window


def to_look_at(book: ReservationBook, request: CreateReservation, now: int) -> Sequence[Provider] | Refusal:
    """Return the providers in whose clouds the elements have to be looked for before the decision."""
    window = _window(book, request, now)
    return window if isinstance(window, Refusal) else candidates(book, request.provider, request.zone)


def _with_elements(book: ReservationBook, request: CreateReservation) -> Sequence[Provider] | Refusal:
    """Return the providers to try: of those with the zone, those whose clouds have all of the elements."""
    providers = candidates(book, request.provider, request.zone)
    if isinstance(providers, Refusal) or not request.elements:
        return providers
    said = {each.id: said_of(each.id, request.elements, request.sights.get(each.id)) for each in providers}
    having = [each for each in providers if said[each.id] is None]
    return having or none_has_all([why for why in said.values() if why], request.elements, request.sights)


def candidates(book: ReservationBook, provider: str | None, zone: str | None) -> Sequence[Provider] | Refusal:
    """Return the providers to try, in configured order: the one named, else all that have the zone."""
    if provider is not None:
        found = book.providers.get(provider)
        if found is None:
            return Refusal(Reason.NOT_FOUND, f"there is no provider {provider}")
        providers: Sequence[Provider] = [found]
    else:
        providers = list(book.providers.values())
    if not providers:
        return Refusal(Reason.NOT_FOUND, "no provider is registered; add-provider does that")
    if zone is None:
        return providers
    with_zone = [candidate for candidate in providers if zone in book.zones_of(candidate.id)]
    return with_zone or Refusal(Reason.ZONE_UNKNOWN, f"no such provider has a zone {zone}")


def _scopes(provider: Provider, zone: str | None) -> tuple[Scope, ...]:
    whole = Scope(provider.id)
    return (whole, Scope(provider.id, zone)) if zone else (whole,)


def _accepted(
    book: ReservationBook,
    request: CreateReservation,
    actor: Actor,
    offer: _Offer,
    window: Window,
    now: int,
) -> Decision[Accepted | Refusal]:
    explicit = request.expiry is not None
    reservation = Reservation(
        id=request.id,
        owner=actor.user,
        project=actor.project,
        provider=offer.provider.id,
        zone=request.zone,
        window=window,
        capacity={name: offer.capacity[name] for name in in_order(offer.capacity)},
        state=State.INITIALIZED,
        created=now,
        modified=now,
        name=request.name or None,
        expiry=request.expiry if explicit else book.policy.expiry_of(window.start),
        expiry_explicit=explicit,
        priority=request.priority or "high",
        notice=book.policy.notice_of(window),
        containers=offer.containers,
        elements=request.elements,
        also=offer.hold.also,
    )
    events = [fact("reservation-accepted", reservation)]
    reservation = begin(reservation, events, now)
    return Decision(Accepted(reservation), () if request.dry_run else tuple(events))


def begin(reservation: Reservation, events: list[Event], now: int) -> Reservation:
    """Start a reservation whose window has begun, in the decision that made it so."""
    if reservation.state is not State.INITIALIZED or reservation.window.start > now:
        return reservation
    started = replace(reservation, state=State.ACTIVE)
    events.append(fact("reservation-started", started))
    return started


def _refused(
    book: ReservationBook, actor: Actor, offers: Sequence[_Offer], window: Window, expiry: int | None, now: int
) -> Refusal:
    """Describe one provider: the one with the earliest alternative, else the first in configured order."""
    wanted = [
        Wanted(each.scopes, window, each.capacity, [(window, each.capacity)], each.hold, expiry=expiry)
        for each in offers
    ]
    refusals = [refused(book, each, actor, now) for each in wanted]
    return min(refusals, key=lambda refusal: refusal.alternatives[0].start if refusal.alternatives else FOREVER)
