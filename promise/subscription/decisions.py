"""The decisions about subscriptions that outlive sessions; pure.

subscription-created, -changed, -ended      by whom it belongs to, or by an edit of the configuration
subscription-delivered                      how far its receiver was told; noted now and then
subscription-crossed                        a line was crossed or cleared: told to its receiver alone
subscription-suspended, -resumed            its receiver failed for too long; somebody changed it since
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from promise.capacity.refusal import Reason, Refusal
from promise.errors import Denied
from promise.events import Decision, Event, fact
from promise.subscription.model import Kind, Subscription

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promise.actor import Actor
    from promise.allocation.book import AllocationBook
    from promise.subscription.book import SubscriptionBook
    from promise.subscription.model import Filter

LONGEST_ERROR = 255
"""Characters that are kept of what went wrong."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What came of posting: up to which entry all is told, and how much was since this was last noted.

    `begun` tells that the present state, with which it may begin, is told.
    """

    after: int
    sent: int = 0
    dropped: int = 0
    last_error: str | None = None
    begun: bool = True


def existence(book: AllocationBook, actor: Actor, kind: Kind, wanted: Filter) -> Refusal | None:
    """Return why nothing could ever match: what the filter names does not exist for the actor."""
    if wanted.window.end <= wanted.window.start:
        return Refusal(Reason.WINDOW_INVALID, "end must be later than start")
    if wanted.provider is not None and wanted.provider not in book.providers:
        return Refusal(Reason.NOT_FOUND, f"there is no provider {wanted.provider}")
    if wanted.zone is not None:
        providers = [wanted.provider] if wanted.provider else list(book.providers)
        if not any(wanted.zone in book.zones_of(provider) for provider in providers):
            return Refusal(Reason.ZONE_UNKNOWN, f"no such provider has a zone {wanted.zone}")
    records: Any = book.reservations if kind is Kind.RESERVATION else book.allocations
    for key in sorted(wanted.ids):
        if key not in records or not actor.sees(records[key]):
            return Refusal(Reason.NOT_FOUND, f"there is no {kind.value} {key}")
    return None


def create(record: Subscription, secret: str | None) -> Decision[Subscription]:
    """Begin a subscription, with the key that signs its posts."""
    secrets = {record.secret: secret} if record.secret and secret is not None else {}
    return Decision(record, (fact("subscription-created", record),), secrets)


def end(book: SubscriptionBook, key: str, actor: Actor) -> Decision[Refusal | None]:
    """End a subscription of the actor's own, or one that it commands; its key goes with the last that names it."""
    record = book.subscriptions.get(key)
    if record is None or not (record.owner == actor.user or actor.oversees(record.project)):
        return Decision(Refusal(Reason.NOT_FOUND, f"there is no subscription {key}"))
    if record.owner != actor.user and not actor.commands(record.project):
        raise Denied(f"changing subscription {key}")
    return Decision(None, (_ended(record),), forsaken(book, [each for each in _all(book) if each.id != key]))


def configured(book: SubscriptionBook, wanted: Sequence[Subscription]) -> tuple[list[Event], Mapping[str, None]]:
    """Return what makes the subscriptions what is wanted: whole records, of those that are there already changed."""
    kept = {record.id for record in wanted}
    events = [_ended(record) for record in _all(book) if record.id not in kept]
    for record in wanted:
        known = book.subscriptions.get(record.id)
        if known is None:
            events.append(fact("subscription-created", record))
        elif known != record:
            kind = "subscription-resumed" if known.suspended else "subscription-changed"
            events.append(fact(kind, replace(record, suspended=False)))
    return events, forsaken(book, wanted) if events else {}


def forsaken(book: SubscriptionBook, left: Sequence[Subscription]) -> dict[str, None]:
    """Return the entries of the secret store that nobody names once these subscriptions are those that are left."""
    named = {record.secret for record in left}
    return {record.secret: None for record in _all(book) if record.secret and record.secret not in named}


def delivered(book: SubscriptionBook, key: str, done: Progress, *, gave_up: bool = False) -> Decision[None]:
    """Note how far a receiver was told, or that it is given up."""
    known = book.subscriptions.get(key)
    if known is None or (known.suspended and gave_up):
        return Decision(None)
    record = replace(
        known,
        after=max(known.after, done.after),
        fresh=known.fresh and not done.begun,
        sent=known.sent + done.sent,
        dropped=known.dropped + done.dropped,
        last_error=done.last_error[:LONGEST_ERROR] if done.last_error else None,
        suspended=known.suspended or gave_up,
    )
    if record == known:
        return Decision(None)
    return Decision(None, (fact("subscription-suspended" if gave_up else "subscription-delivered", record),))


def crossed(book: SubscriptionBook, key: str, line: str, crossing: Mapping[str, Any]) -> Decision[None]:
    """Note that a line was crossed or cleared, with what its receiver is told of that; once."""
    known = book.subscriptions.get(key)
    if known is None or known.crossed.get(line, False) is crossing["crossed"]:
        return Decision(None)
    record = replace(known, crossed={**known.crossed, line: crossing["crossed"]})
    return Decision(None, (fact("subscription-crossed", record, crossing=crossing),))


def _ended(record: Subscription) -> Event:
    return Event("subscription-ended", record.table, record.id, None, {"owner": record.owner})


def _all(book: SubscriptionBook) -> list[Subscription]:
    return list(book.subscriptions.values())
