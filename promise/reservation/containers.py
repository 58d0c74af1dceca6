"""Flavors and counts that a reservation names: they add to its capacity at the values of that moment; pure.

Design section 5, "flavors". Only resources that are managed where the reservation lives are taken: the others cannot
be reserved, and are never a reason to refuse an instance (design section 4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from promise.capacity.refusal import Reason, Refusal
from promise.reservation.model import Container
from promise.resources import named, only, plus, times

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from promise.capacity.model import Scope
    from promise.capacity.provider import Provider
    from promise.reservation.book import ReservationBook


def valued(
    book: ReservationBook, provider: Provider, scopes: Iterable[Scope], asked: Iterable[tuple[str, int]]
) -> tuple[Container, ...] | Refusal:
    """Return the containers with what one instance of each flavor takes now; a count of 0 names none.

    Who names a flavor by its id and by its name wants both counts.
    """
    managed = frozenset.intersection(*(book.supply(scope).managed for scope in scopes))
    found: dict[str, Container] = {}
    for name, count in asked:
        flavor = provider.flavor(name)
        if flavor is None:
            return Refusal(Reason.FLAVOR_UNKNOWN, f"provider {provider.id} has no flavor {name}, or several")
        before = found[flavor.id].count if flavor.id in found else 0
        found[flavor.id] = Container(flavor.id, before + count, only(flavor.needs, managed))
    return tuple(found.values())


def with_containers(capacity: Mapping[str, int], containers: Iterable[Container]) -> dict[str, int]:
    """Return a capacity with what the containers add to it."""
    for container in containers:
        capacity = plus(capacity, times(container.unit, container.count))
    return named(capacity)


def merged(old: Iterable[Container], changed: Iterable[Container]) -> tuple[Container, ...]:
    """Return the containers after an update: one of a flavor replaces the one before, a count of 0 removes it."""
    by_flavor = {container.flavor: container for container in old}
    by_flavor |= {container.flavor: container for container in changed}
    return tuple(container for container in by_flavor.values() if container.count)
