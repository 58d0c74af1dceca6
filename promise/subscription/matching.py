"""What a filter lets pass: a reservation, an instance, or a change of the columns of a scope; pure.

A change of columns is one entry of `columns` in the journal (`ledger.effect`): it is told by provider and zone, by
the resources that it moves, and by the window in which anything is different from before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from promise.allocation.model import Allocation
from promise.reservation.model import Reservation
from promise.resources import FOREVER, Window
from promise.subscription.model import Filter, Kind

Subject: TypeAlias = Reservation | Allocation | Mapping[str, Any]
"""What a notification is about; the mapping is one entry of `columns`."""


def kind_of(subject: Subject) -> Kind:
    """Return the kind of the subscriptions that are told of it."""
    if isinstance(subject, Reservation):
        return Kind.RESERVATION
    return Kind.INSTANCE if isinstance(subject, Allocation) else Kind.CAPACITY


def passes(wanted: Filter, subject: Subject) -> bool:
    """Tell whether a filter of the subject's kind lets it pass."""
    if isinstance(subject, Reservation):
        return _reservation(wanted, subject)
    return _instance(wanted, subject) if isinstance(subject, Allocation) else _columns(wanted, subject)


def _reservation(wanted: Filter, held: Reservation) -> bool:
    return _record(wanted, held.id, held.provider, held.zone, held.state.value) and held.window.overlaps(wanted.window)


def _instance(wanted: Filter, found: Allocation) -> bool:
    """A life of no length, of an instance that never came to be, still has its first instant."""
    end = FOREVER if found.end is None else max(found.end, found.start + 1)
    here = _record(wanted, found.id, found.provider, found.zone, found.vm_state.value)
    return here and Window(found.start, end).overlaps(wanted.window)


def _record(wanted: Filter, key: str, provider: str, zone: str | None, state: str) -> bool:
    return (
        (not wanted.ids or key in wanted.ids)
        and wanted.provider in {None, provider}
        and wanted.zone in {None, zone}
        and (not wanted.states or state in wanted.states)
    )


def _columns(wanted: Filter, changed: Mapping[str, Any]) -> bool:
    return (
        wanted.provider in {None, changed["provider"]}
        and wanted.zone in {None, changed["zone"]}
        and Window(changed["from"], changed.get("to", FOREVER)).overlaps(wanted.window)
        and (not wanted.resources or not wanted.resources.isdisjoint(moved(changed)))
    )


def moved(changed: Mapping[str, Any]) -> set[str]:
    """Return the resources that are different somewhere in the window, not only at its first instant."""
    at_first = {name for amounts in changed["change"].values() for name in amounts}
    return at_first.union(changed.get("later", ()))
