"""The decisions on update-reservation and cancel-reservation; pure (design section 5)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from promise.capacity import admission
from promise.capacity.refusal import Reason, Refusal
from promise.events import Decision, fact
from promise.reservation.admission import Wanted, expiry_objection, refused, window_of
from promise.reservation.containers import merged, valued, with_containers
from promise.reservation.create import begin
from promise.reservation.elements import Hold, are_free, other_ids, said_of
from promise.reservation.model import Reservation, State
from promise.reservation.requests import Accepted, Cancelled
from promise.resources import Window, in_order, minus, named, only, without

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from promise.actor import Actor
    from promise.capacity.refusal import Shortfall
    from promise.reservation.book import ReservationBook
    from promise.reservation.requests import UpdateReservation


def find(book: ReservationBook, reservation: str, actor: Actor) -> Reservation | Refusal:
    """Return the reservation; one that the actor may not see is as unknown as one that never was."""
    found = book.reservations.get(reservation)
    if found is None or not actor.sees(found):
        return Refusal(Reason.NOT_FOUND, f"there is no reservation {reservation}")
    return found


def take(book: ReservationBook, reservation: str, actor: Actor) -> Reservation | Refusal:
    """Return the reservation for a change of it, or to use it; raises Denied where the actor may only see it."""
    found = find(book, reservation, actor)
    if isinstance(found, Reservation):
        actor.demand(found, "reservation")
    return found


def update(book: ReservationBook, request: UpdateReservation, actor: Actor, now: int) -> Decision[Accepted | Refusal]:
    """Merge the changes and promise the result, all or nothing."""
    old = take(book, request.id, actor)
    if isinstance(old, Refusal):
        return Decision(old)
    refusal = _forbidden(book, old, request) or _unknown_elements(old, request)
    if refusal:
        return Decision(refusal)
    new = _merged(book, old, request, now)
    if isinstance(new, Refusal):
        return Decision(new)
    refusal = _objection(book, old, new, now) or _too_much(book, old, new, actor, now)
    if refusal:
        return Decision(refusal)
    if replace(new, version=old.version, modified=old.modified) == old:
        return Decision(Accepted(old))
    events = [fact("reservation-updated", new)]
    new = begin(new, events, now)
    events += book.reclaimed(new, now)
    return Decision(Accepted(new), () if request.dry_run else tuple(events))


def _forbidden(book: ReservationBook, old: Reservation, request: UpdateReservation) -> Refusal | None:
    """Return why this reservation cannot be changed like this, whatever the capacity."""
    if not old.live:
        return Refusal(Reason.ENDED, f"the reservation is {old.state.value}")
    if request.if_version is not None and request.if_version != old.version:
        return Refusal(Reason.CHANGED, f"the reservation is at version {old.version}, not {request.if_version}")
    if request.provider is not None and request.provider != old.provider:
        return Refusal(Reason.PROVIDER_MISMATCH, f"the reservation lives on provider {old.provider}")
    if old.state is State.ACTIVE and request.start not in {None, old.window.start}:
        return Refusal(Reason.ALREADY_STARTED, "the start of an active reservation cannot change")
    zone = _changed(old.zone, request.zone, cleared="zone" in request.remove)
    if zone != old.zone and book.instances_of(old.id):
        return Refusal(Reason.ZONE_MISMATCH, "the zone of a reservation with live allocations cannot change")
    if zone is not None and zone not in book.zones_of(old.provider):
        return Refusal(Reason.ZONE_UNKNOWN, f"provider {old.provider} has no zone {zone}")
    return None


def _unknown_elements(old: Reservation, request: UpdateReservation) -> Refusal | None:
    """Return why elements that it does not hold yet are not known to be there."""
    new = [element for element in request.elements if element not in old.elements]
    return said_of(old.provider, new, request.sights.get(old.provider)) if new else None


def _other_ids(old: Reservation, elements: Sequence[str], request: UpdateReservation) -> dict[str, tuple[str, ...]]:
    """Return the other ids of the elements: of those that it held as they were then, of new ones as they are seen."""
    known = {element: names for element, names in old.also.items() if element in elements}
    new = [element for element in elements if element not in old.elements]
    return known | other_ids(new, request.sights.get(old.provider))


def _changed(old: str | None, new: str | None, *, cleared: bool) -> str | None:
    return new if new is not None else None if cleared else old


def _merged(book: ReservationBook, old: Reservation, request: UpdateReservation, now: int) -> Reservation | Refusal:
    """Return the reservation as the request wants it, its window not yet checked against the policy."""
    window = _window(book, old, request, now)
    if isinstance(window, Refusal):
        return window
    zone = _changed(old.zone, request.zone, cleared="zone" in request.remove)
    changed = valued(book, book.providers[old.provider], replace(old, zone=zone).scopes, request.containers)
    if isinstance(changed, Refusal):
        return changed
    containers = merged(old.containers, changed)
    plain = minus(old.capacity, with_containers({}, old.containers))
    capacity = with_containers(named({**plain, **request.capacity}), containers)
    elements = request.elements or (() if "elements" in request.remove else old.elements)
    if not (capacity or elements):
        return Refusal(Reason.NOTHING_REQUESTED, "no resource would be left with an amount above 0, and no element")
    expiry, explicit = _expiry(book, old, request, window)
    return replace(
        old,
        window=window,
        capacity={name: capacity[name] for name in in_order(capacity)},
        containers=containers,
        elements=elements,
        also=_other_ids(old, elements, request),
        missing=tuple(element for element in old.missing if element in elements),
        zone=zone,
        name=_changed(old.name, request.name or None, cleared="name" in request.remove),
        priority=request.priority or old.priority,
        expiry=expiry,
        expiry_explicit=explicit,
        notice=old.notice if window == old.window else book.policy.notice_of(window),
        version=old.version + 1,
        modified=now,
    )


def _window(book: ReservationBook, old: Reservation, request: UpdateReservation, now: int) -> Window | Refusal:
    start = old.window.start if request.start is None or old.state is State.ACTIVE else request.start
    end = request.end if request.end is not None else None if "end" in request.remove else old.window.end
    if old.state is State.INITIALIZED:
        return window_of(book.policy, start, end, now)
    if end is not None and end <= start:
        return Refusal(Reason.WINDOW_INVALID, "end must be later than start")
    end = book.policy.end_of(start, end)
    if end <= now:  # also where policy max-duration, set since, ends what has no end
        return Refusal(Reason.WINDOW_PAST, "end must be later than now")
    return Window(start, end)


def _expiry(
    book: ReservationBook, old: Reservation, request: UpdateReservation, window: Window
) -> tuple[int | None, bool]:
    """Return the expiry and whether it is explicit; one derived from the policy moves with the start."""
    if request.expiry is not None:
        return request.expiry, True
    if "expiry" in request.remove:
        return book.policy.expiry_of(window.start), False
    if old.expiry is None or old.expiry_explicit or window.start == old.window.start:
        return old.expiry, old.expiry_explicit
    return book.policy.expiry_of(window.start), False


def _objection(book: ReservationBook, old: Reservation, new: Reservation, now: int) -> Refusal | None:
    """Return what the policy, the expiry or the reservation's own instances have against it."""
    objection = book.policy.objection(new.window, now)
    if objection is None and (new.expiry, new.window.start) != (old.expiry, old.window.start):
        objection = expiry_objection(new.expiry, new.window, now)
    return objection or _below_allocations(book, old, new)


def _below_allocations(book: ReservationBook, old: Reservation, new: Reservation) -> Refusal | None:
    used = book.used_of(old.id)
    below = [
        f"{name} (allocated {used[name]}, wanted {new.capacity.get(name, 0)})"
        for name in in_order(old.capacity.keys() | new.capacity.keys())
        if used.get(name, 0) > new.capacity.get(name, 0)
    ]
    if not below:
        return None
    return Refusal(Reason.BELOW_ALLOCATIONS, f"less than its instances use: {', '.join(below)}")


def _too_much(book: ReservationBook, old: Reservation, new: Reservation, actor: Actor, now: int) -> Refusal | None:
    """Check what grows, with the old claim taken out; what does not grow is not checked (design section 4)."""
    instances_after = [event.record for event in book.reclaimed(new, now) if event.record]
    changed = {record.id for record in instances_after}
    before = [record for record in book.records_of(old.id) if record.id in changed]
    standing = list(_standing(book, old, new, now))
    with book.supposing([old, *before], instances_after):
        growth = list(_growth(old, new, now))
        window = Window(max(new.window.start, now), new.window.end)
        movable = new.state is State.INITIALIZED
        hold = Hold(new.provider, new.elements, new.also, instead_of=old.id)
        expiry = new.expiry if new.expiry_explicit else None
        wanted = Wanted(new.scopes, window, new.capacity, growth, hold, movable, expiry, standing)
        capacity_fits = all(admission.fits(book, new.scopes, span, growing) for span, growing in growth)
        if capacity_fits and not standing and are_free(book, hold, window):
            return None
        return refused(book, wanted, actor, now)


def _standing(book: ReservationBook, old: Reservation, new: Reservation, now: int) -> Iterator[Shortfall]:
    """Yield what is short for its instances to stay longer in zones where it has no claim: there they are usage."""
    longer = Window(max(old.window.end, now), new.window.end)
    if longer.start < longer.end:
        for scope, taken in book.standing_under(old.id).items():
            needs = only(only(taken, new.capacity), book.supply(scope).managed)
            yield from admission.shortfalls(book, [scope], longer, needs)


def _growth(old: Reservation, new: Reservation, now: int) -> Iterator[tuple[Window, Mapping[str, int]]]:
    """Yield the windows, from now on, in which the claim grows, with the resources that grow there."""
    start, end = max(new.window.start, now), new.window.end
    shared = Window(max(start, old.window.start), min(end, old.window.end))
    if new.zone != old.zone or shared.start >= shared.end:
        yield Window(start, end), new.capacity
        return
    growing = {name: amount for name, amount in new.capacity.items() if amount > old.capacity.get(name, 0)}
    if growing:
        yield Window(start, end), growing
    longer = without(new.capacity, growing)
    for window in (Window(start, shared.start), Window(shared.end, end)):
        if longer and window.start < window.end:
            yield window, longer


def cancel(book: ReservationBook, reservation: str, actor: Actor, now: int) -> Decision[Cancelled | Refusal]:
    """End the promise; its instances stay, loose. Cancelling the cancelled is fine and changes nothing."""
    old = take(book, reservation, actor)
    if isinstance(old, Refusal):
        return Decision(old)
    if old.state is State.CANCELLED:
        return Decision(Cancelled(old, ()))
    if not old.live:
        return Decision(Refusal(Reason.ENDED, f"the reservation is {old.state.value}"))
    instances = tuple(book.instances_of(old.id))
    new = old.over(State.CANCELLED, now)
    events = [fact("reservation-cancelled", new, old_state=old.state.value), *book.reclaimed(new, now)]
    return Decision(Cancelled(new, instances), tuple(events))
