"""create-, update-, cancel- and query-reservation."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from promise.capacity.refusal import Refusal
from promise.northbound import answers
from promise.northbound import bindings as yang
from promise.northbound.keys import idempotency
from promise.northbound.words import amounts, bare, bare_set, ending, fresh_id, open_end, starting, sure, told
from promise.reservation.elements import each_once
from promise.reservation.requests import Cancelled, CreateReservation, UpdateReservation
from promise.reservation.service import QueryReservation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from promise.actor import Actor
    from promise.reservation.service import ReservationService


class ReservationRpcs:
    """The RPCs of the reservation room."""

    def __init__(self, service: ReservationService, new_id: Callable[[], str] = fresh_id) -> None:
        self._service = service
        self._new_id = new_id

    async def create(self, actor: Actor, asked: yang.CreateReservationInput) -> yang.CreateReservationOutput:
        """Promise capacity over a window."""
        request = CreateReservation(
            id=self._new_id(),
            capacity=amounts(asked.capacity),
            start=starting(asked.start),
            end=ending(asked.end),
            zone=asked.zone,
            provider=bare(asked.provider_id),
            name=asked.name,
            priority=asked.priority,
            expiry=ending(asked.expiry),
            containers=tuple((each.flavor, each.count) for each in asked.containers),
            elements=each_once(asked.elements),
            dry_run=bool(asked.dry_run),
        )
        key = idempotency(actor, yang.CREATE_RESERVATION_RPC, asked)
        answer = await self._service.create(actor, request, key)
        if isinstance(answer, Refusal):
            return yang.CreateReservationOutput(**answers.not_ok(answer), refusal=answers.refused(answer))
        view = await self._service.show(answer.reservation)
        made = answer.reservation
        return yang.CreateReservationOutput(
            **answers.ok("the request would be accepted" if request.dry_run else "reservation accepted"),
            reservation_id=None if request.dry_run else made.id,
            state=made.state.value,
            start=sure(made.window.start),
            end=told(open_end(made.window.end)),
            expiry=told(made.expiry),
            provider_id=made.provider,
            pools=view.pools,
        )

    async def update(self, actor: Actor, asked: yang.UpdateReservationInput) -> yang.UpdateReservationOutput:
        """Change what is promised."""
        request = UpdateReservation(
            id=bare(asked.reservation_id) or "",
            capacity=amounts(asked.capacity),
            start=starting(asked.start),
            end=ending(asked.end),
            zone=asked.zone,
            provider=bare(asked.provider_id),
            name=asked.name,
            priority=asked.priority,
            expiry=ending(asked.expiry),
            remove=frozenset(asked.remove),
            if_version=asked.if_version,
            containers=tuple((each.flavor, each.count) for each in asked.containers),
            elements=each_once(asked.elements),
            dry_run=bool(asked.dry_run),
        )
        key = idempotency(actor, yang.UPDATE_RESERVATION_RPC, asked)
        answer = await self._service.update(actor, request, key)
        if isinstance(answer, Refusal):
            stands = await self._service.find(actor, request.id)
            return yang.UpdateReservationOutput(
                **answers.not_ok(answer),
                reservation=answers.reservation(stands) if stands else None,
                refusal=answers.refused(answer),
            )
        view = await self._service.show(answer.reservation)
        said = "the request would be accepted" if request.dry_run else "reservation updated"
        return yang.UpdateReservationOutput(**answers.ok(said), reservation=answers.reservation(view))

    async def cancel(self, actor: Actor, asked: yang.CancelReservationInput) -> yang.CancelReservationOutput:
        """End a promise."""
        if asked.reservation_ids:
            return await self._cancel_all(actor, asked.reservation_ids)
        answer = await self._service.cancel(actor, bare(asked.reservation_id) or "")
        if isinstance(answer, Refusal):
            return yang.CancelReservationOutput(**answers.not_ok(answer))
        return yang.CancelReservationOutput(**answers.ok("reservation cancelled"), instances=answer.instances)

    async def _cancel_all(self, actor: Actor, ids: Sequence[str]) -> yang.CancelReservationOutput:
        """Decide on each of several reservations for itself; they share a commit."""
        asked = list(dict.fromkeys(bare(each) or "" for each in ids))
        decided = await asyncio.gather(*(self._service.cancel(actor, each) for each in asked))
        instances = [each for answer in decided if isinstance(answer, Cancelled) for each in answer.instances]
        return yang.CancelReservationOutput(
            **answers.of_several(decided, "reservations"),
            instances=tuple(instances),
            outcome=tuple(_outcome(*each) for each in zip(asked, decided, strict=True)),
        )

    async def query(self, actor: Actor, asked: yang.QueryReservationInput) -> yang.QueryReservationOutput:
        """List reservations, and show what is reserved over the window."""
        window, elements = asked.window, asked.elements
        question = QueryReservation(
            provider=bare(asked.provider_id),
            zone=asked.zone,
            start=starting(window.start),
            end=ending(window.end),
            windowed=window.start is not None or window.end is not None,
            exclusive=window.scope == "exclusive",
            without=bare_set(asked.without),
            ids=bare_set(asked.reservation_id),
            states=frozenset(asked.state),
            name=asked.name,
            elements_some=frozenset(elements.some) if elements else frozenset(),
            elements_every=frozenset(elements.every) if elements else frozenset(),
            series=asked.show_utilization,
            limit=asked.limit,
            resume=asked.marker,
        )
        found = await self._service.list(actor, question)
        if isinstance(found, Refusal):
            return yang.QueryReservationOutput(**answers.not_ok(found))
        return yang.QueryReservationOutput(
            **answers.ok(f"{len(found.views)} reservations"),
            reservations=tuple(view.reservation.id for view in found.views),
            reservation=tuple(answers.reservation(view) for view in found.views),
            utilization=tuple(answers.utilization(point, "reserved", all_metrics=False) for point in found.course),
            next_marker=found.resume,
        )


def _outcome(reservation: str, answer: Cancelled | Refusal) -> yang.ReservationOutcome:
    said = answers.not_ok(answer) if isinstance(answer, Refusal) else answers.ok("reservation cancelled")
    return yang.ReservationOutcome(reservation_id=reservation, **said)
