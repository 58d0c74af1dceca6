"""The decision on a new configuration, whichever way it was edited: policy and providers as a whole; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from promise.allocation.removal import in_use, remove
from promise.capacity.providers import configured, forsaken
from promise.capacity.refusal import Refusal
from promise.configuration.model import Section
from promise.events import Decision, Event, fact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from promise.allocation.book import AllocationBook
    from promise.capacity.provider import Provider
    from promise.events import JSON
    from promise.reservation.policy import Policy


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything that is configured; the providers in the order in which reservations try them.

    Of a provider that is there already it holds the record, changed; positions do not matter.
    """

    policy: Policy
    providers: Sequence[Provider]
    sections: Mapping[str, JSON] = field(default_factory=dict)


def configure(book: AllocationBook, wanted: Configuration, now: int) -> Decision[Refusal | None]:
    """Make the configuration what is wanted, all of it or nothing.

    A provider on which something counts can neither go nor become another project. The password of one that goes, or
    that names another entry of the secret store from now on, goes with it when nobody else names its entry.
    """
    events: list[Event] = []
    if wanted.policy != book.policy:
        events.append(fact("policy-changed", wanted.policy))
    kept = {provider.id for provider in wanted.providers}
    for provider in book.providers:
        if provider not in kept:
            removed = remove(book, provider, now, force=False)
            if isinstance(removed.answer, Refusal):
                return Decision(removed.answer)
            events += removed.events
    if refusal := _elsewhere(book, wanted.providers):
        return Decision(refusal)
    changes = configured(book, wanted.providers)
    if isinstance(changes, Refusal):
        return Decision(changes)
    events += [*changes, *_sections(book, wanted.sections)]
    return Decision(None, tuple(events), forsaken(book, wanted.providers) if events else {})


def _sections(book: AllocationBook, wanted: Mapping[str, JSON]) -> Iterator[Event]:
    """Yield how the sections come to be those that are wanted."""
    for name, value in wanted.items():
        known = book.sections.get(name)
        if known is None or known.value != value:
            yield fact("section-changed", Section(name, value))
    for name in book.sections:
        if name not in wanted:
            yield Event("section-removed", Section.table, name, None)


def _elsewhere(book: AllocationBook, wanted: Sequence[Provider]) -> Refusal | None:
    """Return the refusal of a change of project or region under what counts on a provider."""
    for provider in wanted:
        known = book.providers.get(provider.id)
        if known and known.access.project != provider.access.project:
            refusal = in_use(book, provider.id)
            if refusal:
                return refusal
    return None
