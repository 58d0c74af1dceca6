"""Elements: existing things of a cloud that a reservation holds exclusively over its window, at no capacity; pure.

Design section 5, elements; decision 15. Of the live reservations of one provider no two whose windows overlap hold the
same element, whoever owns them. Ids are those of the cloud, compared exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from promise.capacity.refusal import HeldElement, Reason, Refusal
from promise.errors import CloudError, CloudRefused, CredentialsRejected
from promise.resources import FOREVER, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from promise.actor import Actor
    from promise.reservation.book import ReservationBook
    from promise.reservation.model import Reservation


class Kind(StrEnum):
    """What an element is."""

    SERVER = "server"
    VOLUME = "volume"
    NETWORK = "network"
    PORT = "port"
    ADDRESS = "address"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class Element:
    """A thing that the cloud has; a host that is down (`up` False) is there, and of no use to who holds it.

    `also` are the other ids under which it, or a part of it, can be held: a host has several.
    """

    kind: Kind
    up: bool = True
    also: tuple[str, ...] = ()


Look: TypeAlias = Element | CloudError | None
"""What a look for one element came to: it is there, the cloud does not say, or says that there is none."""

Sight: TypeAlias = "Mapping[str, Look] | CloudError"
"""What a provider's cloud says of the elements of a request, by id; or why it says nothing."""


class Hold(NamedTuple):
    """What is to be held on a provider; what the reservation `instead_of` holds is no obstacle to itself.

    `also` has other ids of the same things, by element.
    """

    provider: str
    elements: Sequence[str]
    also: Mapping[str, tuple[str, ...]]
    instead_of: str | None = None


def each_once(ids: Iterable[str]) -> tuple[str, ...]:
    """Return the ids in their order; one that is given twice counts once."""
    return tuple(dict.fromkeys(ids))


def other_ids(elements: Iterable[str], sight: Sight | None) -> dict[str, tuple[str, ...]]:
    """Return the other ids of those elements that are seen to have any."""
    if sight is None or isinstance(sight, CloudError):
        return {}
    looks = {element: sight.get(element) for element in elements}
    return {element: look.also for element, look in looks.items() if isinstance(look, Element) and look.also}


def holders(book: ReservationBook, hold: Hold, element: str) -> Iterator[Reservation]:
    """Yield the other reservations that hold an element at any time, under whatever id; some more than once."""
    for name in (element, *hold.also.get(element, ())):
        yield from (held for held in book.holding(hold.provider, name) if held.id != hold.instead_of)


def are_free(book: ReservationBook, hold: Hold, window: Window) -> bool:
    """Tell whether nobody else holds any of the elements at any instant of the window."""
    return not any(held.window.overlaps(window) for element in hold.elements for held in holders(book, hold, element))


def held_by_others(book: ReservationBook, hold: Hold, window: Window, actor: Actor) -> tuple[HeldElement, ...]:
    """Return which of the elements are held in the window; by whom, where the actor sees one who does."""
    found = []
    for element in hold.elements:
        there = [held for held in holders(book, hold, element) if held.window.overlaps(window)]
        if there:
            seen = min((held for held in there if actor.sees(held)), key=lambda held: held.window, default=None)
            found.append(HeldElement(element, seen.id if seen else None))
    return tuple(found)


def free_windows(book: ReservationBook, hold: Hold) -> list[Window]:
    """Return the maximal windows in which nobody else holds any of the elements, ascending."""
    held = sorted(held.window for element in hold.elements for held in holders(book, hold, element))
    found, since = [], 0
    for window in held:
        if since < window.start:
            found.append(Window(since, window.start))
        since = max(since, window.end)
    return [*found, Window(since, FOREVER)] if since < FOREVER else found


def said_of(provider: str, elements: Sequence[str], sight: Sight | None) -> Refusal | None:
    """Return why a provider is not known to have all of these elements, None when it has them."""
    if isinstance(sight, CloudError):
        return refused_by(sight)
    if sight is None or not sight.keys() >= set(elements):
        return Refusal(
            Reason.PROVIDER_UNREACHABLE, f"things have changed since provider {provider} was asked; ask again"
        )
    looks = {element: sight.get(element) for element in elements}
    absent = [element for element, look in looks.items() if look is None]
    if absent:
        return Refusal(Reason.ELEMENT_UNKNOWN, f"provider {provider} has no element {', '.join(absent)}")
    return next((refused_by(look) for look in looks.values() if isinstance(look, CloudError)), None)


def refused_by(error: CloudError) -> Refusal:
    """Return the refusal of a request for which a cloud could not be asked."""
    if isinstance(error, CredentialsRejected):
        return Refusal(Reason.CREDENTIALS_REJECTED, error.message)
    if isinstance(error, CloudRefused):
        return Refusal(Reason.PROVIDER_REFUSED, error.message)
    return Refusal(Reason.PROVIDER_UNREACHABLE, error.message)


def none_has_all(refusals: Sequence[Refusal], elements: Sequence[str], sights: Mapping[str, Sight]) -> Refusal:
    """Return the one refusal of several providers of which none is known to have all of these elements."""
    if len(refusals) == 1:
        return refusals[0]
    unsure = next((one for one in refusals if one.reason is not Reason.ELEMENT_UNKNOWN), None)
    if unsure:
        return unsure
    looks = [sight for sight in sights.values() if not isinstance(sight, CloudError)]
    nowhere = [element for element in elements if not any(look.get(element) for look in looks)]
    if nowhere:
        return Refusal(Reason.ELEMENT_UNKNOWN, f"no provider has an element {', '.join(nowhere)}")
    return Refusal(Reason.ELEMENT_UNKNOWN, f"no single provider has all of the elements {', '.join(elements)}")
