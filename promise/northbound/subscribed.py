"""Subscriptions with a callback-uri as configuration: the records as a tree, and a tree as records; pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

from promise.actor import Actor
from promise.capacity.refusal import Refusal
from promise.errors import Inapplicable
from promise.northbound import answers
from promise.northbound import bindings as yang
from promise.northbound.port import Content
from promise.northbound.words import bare, bare_set, check_callback, threshold, window_of
from promise.subscription.decisions import configured, existence
from promise.subscription.model import EVERYTHING, Filter, Kind, Subscription

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promise.allocation.book import AllocationBook
    from promise.events import Event
    from promise.subscription.book import SubscriptionBook

SUBSCRIPTIONS: Final = yang.DATA["/promise/subscriptions"]
MEMBER: Final = "subscriptions"

UNTOLD: Final = -1
"""The position of one that is told from its own entry in the journal on."""


def subscription_config(record: Subscription) -> yang.PromiseSubscriptions:
    """Return a subscription as it is configured."""
    return yang.PromiseSubscriptions(
        id=record.id,
        kind=record.kind.value,
        filter=answers.subscription_filter(record.kind, record.wanted),
        threshold=tuple(answers.threshold(line) for line in record.thresholds),
        callback_uri=record.callback,
        credential=record.credential,
    )


def shown(record: Subscription, content: Content) -> yang.PromiseSubscriptions:
    """Return a subscription as it is shown: its configuration, its key with what is state, or all of it."""
    if content is Content.CONFIG:
        nothing = cast("int", None)  # counters are state, and 0 by default
        return replace(subscription_config(record), sent=nothing, dropped=nothing)
    if content is Content.NONCONFIG:
        begun = yang.PromiseSubscriptions(id=record.id, kind=record.kind.value)
    else:
        begun = subscription_config(record)
    return replace(
        begun,
        owner=record.owner,
        state="suspended" if record.suspended else "active",
        sent=record.sent,
        dropped=record.dropped,
        last_error=record.last_error,
    )


def visible(book: AllocationBook, actor: Actor) -> list[Subscription]:
    """Return the subscriptions with a callback-uri that the actor may see, oldest first."""
    records = cast("SubscriptionBook", book).subscriptions.values()
    return [record for record in records if record.owner == actor.user or actor.oversees(record.project)]


def bodies(book: AllocationBook) -> list[Any]:
    """Return the entries of the list, as RFC 7951 writes them."""
    records = cast("SubscriptionBook", book).subscriptions.values()
    found = []
    for record in records:
        (body,) = SUBSCRIPTIONS.encode_json(shown(record, Content.CONFIG)).values()
        found.append(body[0])
    return found


def changes(entries: Any, book: AllocationBook, by: Actor, now: int) -> tuple[list[Event], Mapping[str, None]]:
    """Return the events that make the subscriptions what the list says, and the secrets that nobody names then.

    Raises:
        Inapplicable: a new one could never tell anything, or could not be posted.
    """
    known_book = cast("SubscriptionBook", book)
    wanted = [
        _record(SUBSCRIPTIONS.decode_json({"opnfv-promise:subscriptions": [each]}), known_book, by, now)
        for each in entries
    ]
    return configured(known_book, wanted)


def _record(asked: yang.PromiseSubscriptions, book: SubscriptionBook, by: Actor, now: int) -> Subscription:
    """Return the record of a subscription that is configured so; how far it was told stays."""
    kind, known = Kind(asked.kind), book.subscriptions.get(asked.id)
    path = f"/promise:promise/promise:subscriptions[promise:id='{asked.id}']"
    assert asked.callback_uri is not None
    check_callback(asked.callback_uri, f"{path}/promise:callback-uri")
    said = Subscription(
        id=asked.id,
        kind=kind,
        wanted=_filter(asked.filter),
        thresholds=tuple(threshold(line) for line in asked.threshold),
        owner=by.user,
        project=by.project,
        operator=by.operator,
        callback=asked.callback_uri,
        created=now,
        after=UNTOLD,
        credential=asked.credential,
    )
    if known is not None:
        said = replace(
            known,
            kind=said.kind,
            wanted=said.wanted,
            thresholds=said.thresholds,
            callback=said.callback,
            credential=said.credential,
        )
    if known is None or known.wanted != said.wanted or known.kind is not said.kind:
        owner = by if by.user == said.owner else Actor(said.owner, said.project, operator=said.operator)
        refused = existence(book, owner, kind, said.wanted)
        if isinstance(refused, Refusal):
            raise Inapplicable(refused.message, path=path, app_tag=refused.reason.value)
    return said


def _filter(said: yang.PromiseSubscriptionsFilter | None) -> Filter:
    if said is None:
        return EVERYTHING
    return Filter(
        ids=bare_set(said.id),
        provider=bare(said.provider_id),
        zone=said.zone,
        resources=frozenset(said.resource),
        states=frozenset(said.reservation_state or said.vm_state),
        window=window_of(said.window),
    )
