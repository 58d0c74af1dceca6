"""The present state as notifications, for those who ask to begin with it (contract: initial-state); pure."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from promise.allocation.model import VmState
from promise.capacity.model import Scope
from promise.capacity.query import levels_at
from promise.northbound import answers
from promise.northbound import bindings as yang
from promise.northbound.events.notice import Notice, head
from promise.northbound.words import open_end, told
from promise.reservation.view import view
from promise.subscription.matching import passes
from promise.subscription.model import Filter, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from promise.actor import Actor
    from promise.allocation.book import AllocationBook
    from promise.allocation.model import Allocation


def initial(
    book: AllocationBook, actor: Actor, kind: Kind, wanted: Filter, place: tuple[int, int]
) -> tuple[Notice, ...]:
    """Return the present state of everything that the filter lets pass and the actor may see.

    `place` is the seq that the book has seen, and the moment. Records that are over belong to it only where the
    filter names their ids or states.
    """
    if kind is Kind.CAPACITY:
        return tuple(_capacities(book, wanted, place))
    if kind is Kind.RESERVATION:
        return tuple(_reservations(book, actor, wanted, place))
    return tuple(_instances(book, actor, wanted, place))


def _reservations(book: AllocationBook, actor: Actor, wanted: Filter, place: tuple[int, int]) -> Iterator[Notice]:
    over = bool(wanted.ids or wanted.states)
    for held in _chosen(book.reservations, wanted):
        if (held.live or over) and actor.sees(held) and passes(wanted, held):
            shown = answers.reservation(view(book, held))
            body = {
                "reservation_id": held.id,
                "event": "initial",
                "new_state": held.state.value,
                "reservation": shown,
            }
            yield _notice(yang.RESERVATION_EVENT_NOTIFICATION, place, held.id, body)


def _instances(book: AllocationBook, actor: Actor, wanted: Filter, place: tuple[int, int]) -> Iterator[Notice]:
    over = bool(wanted.ids or wanted.states)
    for found in _chosen(book.allocations, wanted):
        live = found.counted or found.vm_state is not VmState.DELETED
        if (live or over) and actor.sees(found) and passes(wanted, found):
            yield _notice(yang.ALLOCATION_EVENT_NOTIFICATION, place, found.id, _instance(found))


def _instance(found: Allocation) -> dict[str, Any]:
    return {
        "instance_id": found.id,
        "event": "initial",
        "vm_state": found.vm_state.value,
        "reservation_id": found.reservation,
        "server": found.server,
        "fault": found.fault,
        "allocation": answers.allocation(found),
    }


def _chosen(records: Any, wanted: Filter) -> Iterable[Any]:
    if wanted.ids:
        return [records[key] for key in sorted(wanted.ids) if key in records]
    return list(records.values())


def _capacities(book: AllocationBook, wanted: Filter, place: tuple[int, int]) -> Iterator[Notice]:
    """Yield the columns of each scope at the first instant of the window that is not over."""
    start, end = wanted.window
    at = max(start, place[1])
    if end <= at:
        return
    window = yang.Window(start=told(at), end=told(open_end(end)))
    for scope in scopes(book, wanted):
        managed = book.supply(scope).managed
        if not managed or (wanted.resources and wanted.resources.isdisjoint(managed)):
            continue
        body = {
            "provider_id": scope.provider,
            "zone": scope.zone,
            "cause": "initial",
            "window": window,
            "metrics": answers.columns(levels_at(book, [scope], at)),
        }
        yield _notice(yang.CAPACITY_EVENT_NOTIFICATION, place, f"{scope.provider} {scope.zone or ''}", body)


def scopes(book: AllocationBook, wanted: Filter) -> Iterator[Scope]:
    """Yield the scopes that a filter lets pass: each provider before its zones."""
    for provider in book.providers:
        if wanted.provider in {None, provider}:
            if wanted.zone is None:
                yield Scope(provider)
            for zone in book.zones_of(provider):
                if wanted.zone in {None, zone}:
                    yield Scope(provider, zone)


def _notice(binding: Any, place: tuple[int, int], key: str, body: dict[str, Any]) -> Notice:
    return Notice(binding, place, None, partial(_body, place, key, body))


def _body(place: tuple[int, int], key: str, body: dict[str, Any]) -> dict[str, Any]:
    return {**head(f"{key} {place[0]} initial", *place), **body}
