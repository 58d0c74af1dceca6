"""query-capacity, increase-capacity and decrease-capacity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promise.capacity.offer import ChangeCapacity, RemovePool
from promise.capacity.refusal import Refusal
from promise.capacity.service import QueryCapacity
from promise.northbound import answers
from promise.northbound import bindings as yang
from promise.northbound.keys import idempotency
from promise.northbound.words import amounts, bare, bare_set, ending, fresh_id, starting
from promise.resources import in_order

if TYPE_CHECKING:
    from collections.abc import Callable

    from promise.actor import Actor
    from promise.capacity.model import Pool
    from promise.capacity.service import CapacityAnswer, CapacityService

MOST_FITS = 2**32 - 1


class CapacityRpcs:
    """The RPCs of the capacity room."""

    def __init__(self, service: CapacityService, new_id: Callable[[], str] = fresh_id) -> None:
        self._service = service
        self._new_id = new_id

    async def query(self, actor: Actor, asked: yang.QueryCapacityInput) -> yang.QueryCapacityOutput:
        """Tell how much there is over a window."""
        window, elements, metric = asked.window, asked.elements, asked.capacity
        answer = await self._service.query(
            actor,
            QueryCapacity(
                metric=metric,
                provider=bare(asked.provider_id),
                zone=asked.zone,
                start=starting(window.start),
                end=ending(window.end),
                exclusive=window.scope == "exclusive",
                without=bare_set(asked.without),
                some=frozenset(elements.some) if elements else frozenset(),
                every=frozenset(elements.every) if elements else frozenset(),
                series=asked.show_utilization,
                all_metrics=bool(asked.all_metrics),
                resolution=asked.resolution,
                flavor=asked.flavor,
                limit=asked.limit,
                resume=asked.marker,
            ),
        )
        if isinstance(answer, Refusal):
            return yang.QueryCapacityOutput(**answers.not_ok(answer))
        return _told(answer, metric, all_metrics=bool(asked.all_metrics))

    async def increase(self, actor: Actor, asked: yang.IncreaseCapacityInput) -> yang.IncreaseCapacityOutput:
        """Offer more to the reservation system."""
        request = ChangeCapacity(
            id=self._new_id(),
            source=bare(asked.source) or "",
            capacity=amounts(asked.capacity),
            zone=asked.zone,
            start=starting(asked.start),
            end=ending(asked.end),
            planned=bool(asked.planned),
            elements=tuple(dict.fromkeys(asked.elements)),
            note=asked.note,
        )
        key = idempotency(actor, yang.INCREASE_CAPACITY_RPC, asked)
        answer = await self._service.change(actor, request, key)
        if isinstance(answer, Refusal):
            return yang.IncreaseCapacityOutput(**answers.not_ok(answer), refusal=answers.refused(answer))
        return yang.IncreaseCapacityOutput(
            **answers.ok("capacity increased"), pool_id=answer.pool.id, affected=answers.affected(answer.affected)
        )

    async def decrease(self, actor: Actor, asked: yang.DecreaseCapacityInput) -> yang.DecreaseCapacityOutput:
        """Offer less to the reservation system."""
        request = ChangeCapacity(
            id=self._new_id(),
            source=bare(asked.source) or "",
            capacity=amounts(asked.capacity),
            decrease=True,
            zone=asked.zone,
            start=starting(asked.start),
            end=ending(asked.end),
            strict=bool(asked.strict),
            elements=tuple(dict.fromkeys(asked.elements)),
            note=asked.note,
        )
        key = idempotency(actor, yang.DECREASE_CAPACITY_RPC, asked)
        answer = await self._service.change(actor, request, key)
        if isinstance(answer, Refusal):
            return yang.DecreaseCapacityOutput(
                **answers.not_ok(answer), affected=answers.affected(answer.affected), refusal=answers.refused(answer)
            )
        return yang.DecreaseCapacityOutput(
            **answers.ok(_decreased(request, answer.pool)),
            pool_id=answer.pool.id,
            affected=answers.affected(answer.affected),
        )

    async def remove_pool(self, actor: Actor, asked: yang.RemovePoolInput) -> yang.RemovePoolOutput:
        """End a pool."""
        request = RemovePool(bare(asked.pool_id) or "", ending(asked.end), bool(asked.strict))
        answer = await self._service.remove_pool(actor, request)
        if isinstance(answer, Refusal):
            return yang.RemovePoolOutput(
                **answers.not_ok(answer), affected=answers.affected(answer.affected), refusal=answers.refused(answer)
            )
        return yang.RemovePoolOutput(**answers.ok("pool ended"), affected=answers.affected(answer.affected))


def _decreased(asked: ChangeCapacity, made: Pool) -> str:
    """Return what is said of a decrease, and how much less it is than was asked where its source has no more."""
    less = {name: amount for name, amount in asked.capacity.items() if amount > made.capacity.get(name, 0)}
    if not less:
        return "capacity decreased"
    parts = ", ".join(f"{name} by {made.capacity.get(name, 0)} of {less[name]}" for name in in_order(less))
    return f"capacity decreased, by no more than pool {asked.source} has: {parts}"


def _told(answer: CapacityAnswer, metric: str, *, all_metrics: bool) -> yang.QueryCapacityOutput:
    return yang.QueryCapacityOutput(
        **answers.ok(f"{len(answer.collections)} records"),
        collections=answer.collections,
        utilization=tuple(answers.utilization(point, metric, all_metrics=all_metrics) for point in answer.points),
        metrics=answers.columns(answer.metrics),
        fits=_fits(answer.fits),
        per_provider=tuple(
            yang.ProviderCapacity(
                provider_id=share.provider, metrics=answers.columns(share.metrics), fits=_fits(share.fits)
            )
            for share in answer.shares
        ),
        next_marker=None if answer.resume is None else str(answer.resume),
    )


def _fits(count: int | None) -> int | None:
    return None if count is None else min(count, MOST_FITS)
