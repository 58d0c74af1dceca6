"""What is told of a subscription itself: nothing that its receiver cannot be told any more goes without saying."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promise.northbound import bindings as yang
from promise.northbound.events.notice import Notice, head

if TYPE_CHECKING:
    from promise.subscription.model import Subscription


def lost(whose: str, after: int | None, until: int, now: int) -> Notice:
    """Say that the entries behind `after` (None = nobody knows from where), up to and with `until`, are lost."""
    message = "retention has cut the journal before this was told"
    return about(whose, "lost", (until, now), lost_after=after, lost_until=until, message=message)


def dropped(whose: str, count: int, place: tuple[int, int]) -> Notice:
    """Say that so many notifications before this place were dropped: the receiver does not take them."""
    return about(whose, "lost", place, lost=count, message="the receiver takes notifications too slowly")


def about(whose: str, event: str, place: tuple[int, int], **said: Any) -> Notice:
    """Return a subscription-event; `whose` is the id of the subscription, and what makes the event unique."""
    name = f"{whose} {event} {place[0]} {place[1]}"
    return Notice(
        yang.SUBSCRIPTION_EVENT_NOTIFICATION, place, None, lambda: {**head(name, *place), "event": event, **said}
    )


def state(record: Subscription, event: str, place: tuple[int, int]) -> Notice:
    """Say to whom it belongs that delivery has stopped, or goes on."""
    body = {"subscription_id": (record.id,), "event": event, "message": record.last_error}
    name = f"{record.id} {event} {place[0]}"
    return Notice(yang.SUBSCRIPTION_EVENT_NOTIFICATION, place, record, lambda: {**head(name, *place), **body})
