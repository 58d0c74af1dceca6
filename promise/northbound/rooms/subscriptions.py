"""subscribe-capacity-, subscribe-reservation- and subscribe-instance-events, and unsubscribe."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from promise.capacity.refusal import Refusal
from promise.northbound import answers
from promise.northbound import bindings as yang
from promise.northbound.port import Wish
from promise.northbound.words import bare, bare_set, check_callback, ending, threshold, window_of
from promise.subscription.model import Filter, Kind

if TYPE_CHECKING:
    from promise.northbound.access import Caller
    from promise.northbound.port import Subscriptions

Output = TypeVar(
    "Output",
    yang.SubscribeCapacityEventsOutput,
    yang.SubscribeReservationEventsOutput,
    yang.SubscribeInstanceEventsOutput,
)


class SubscriptionRpcs:
    """The RPCs about who is told what; they are asked by a caller, for whose session it is."""

    def __init__(self, service: Subscriptions) -> None:
        self._service = service

    async def capacity(
        self, caller: Caller, asked: yang.SubscribeCapacityEventsInput
    ) -> yang.SubscribeCapacityEventsOutput:
        """Tell a session of changes of capacity."""
        said = asked.filter or yang.CapacityFilter()
        wanted = Filter(
            provider=bare(said.provider_id),
            zone=said.zone,
            resources=frozenset(said.resource),
            window=window_of(said.window),
        )
        lines = tuple(threshold(each) for each in asked.threshold)
        wish = replace(_wish(Kind.CAPACITY, wanted, asked), thresholds=lines)
        return await self._subscribe(caller, wish, yang.SubscribeCapacityEventsOutput)

    async def reservations(
        self, caller: Caller, asked: yang.SubscribeReservationEventsInput
    ) -> yang.SubscribeReservationEventsOutput:
        """Tell a session of changes of reservations."""
        wish = _wish(Kind.RESERVATION, _of_records(asked.filter), asked)
        return await self._subscribe(caller, wish, yang.SubscribeReservationEventsOutput)

    async def instances(
        self, caller: Caller, asked: yang.SubscribeInstanceEventsInput
    ) -> yang.SubscribeInstanceEventsOutput:
        """Tell a session of changes of instances."""
        wish = _wish(Kind.INSTANCE, _of_records(asked.filter), asked)
        return await self._subscribe(caller, wish, yang.SubscribeInstanceEventsOutput)

    async def _subscribe(self, caller: Caller, wish: Wish, output: type[Output]) -> Output:
        answer = await self._service.subscribe(caller, wish)
        if isinstance(answer, Refusal):
            return output(**answers.not_ok(answer))
        said = answers.ok(f"subscribed to {wish.kind.value} events")
        return output(**said, subscription_id=answer.id, stream=answer.stream, sequence=answer.sequence)

    async def unsubscribe(self, caller: Caller, asked: yang.UnsubscribeInput) -> yang.UnsubscribeOutput:
        """End a subscription."""
        refusal = await self._service.unsubscribe(caller, bare(asked.subscription_id) or "")
        said = answers.ok("subscription ended") if refusal is None else answers.not_ok(refusal)
        return yang.UnsubscribeOutput(**said)


def _wish(kind: Kind, wanted: Filter, asked: Any) -> Wish:
    callback = asked.callback_uri
    if callback is not None:
        check_callback(callback, f"/promise:subscribe-{kind.value}-events/promise:callback-uri")
    return Wish(
        kind,
        wanted,
        ending(asked.start_time),
        asked.from_sequence,
        bool(asked.initial_state),
        callback=callback,
        secret=asked.secret,
    )


def _of_records(said: yang.ReservationFilter | yang.InstanceFilter | None) -> Filter:
    """Return what a filter of reservations or instances says."""
    if said is None:
        return Filter()
    return Filter(
        ids=bare_set(said.id),
        provider=bare(said.provider_id),
        zone=said.zone,
        states=frozenset(said.state),
        window=window_of(said.window),
    )
