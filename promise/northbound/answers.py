"""The records and refusals of the rooms as the YANG shows them, the same wherever they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promise.capacity.refusal import Reason, Refusal
from promise.northbound import bindings as yang
from promise.northbound.words import capacity, open_end, sure, told
from promise.reservation.model import PRIORITIES
from promise.resources import in_order
from promise.subscription.model import ALWAYS, EVERYTHING, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from promise.allocation.model import Allocation, Operation
    from promise.allocation.part import Part
    from promise.capacity.model import Pool
    from promise.capacity.provider import Flavor, Host, Zone
    from promise.capacity.query import Levels, Point
    from promise.capacity.refusal import Affected
    from promise.reservation.view import ReservationView
    from promise.subscription.model import Filter, Threshold

MOST_MESSAGE = 1024
"""Characters of a message that quotes somebody else."""


def ok(message: str) -> dict[str, Any]:
    """Return the leaves with which the output of a granted request begins."""
    return {"result": "ok", "message": message}


def not_ok(refusal: Refusal) -> dict[str, Any]:
    """Return the leaves with which the output of a refused request begins."""
    return {"result": refusal.result, "message": refusal.message[:MOST_MESSAGE], "reason": refusal.reason.value}


def of_several(decided: Sequence[object], things: str) -> dict[str, Any]:
    """Return the leaves with which the output begins of a request about several things, each decided for itself."""
    failed = sum(isinstance(answer, Refusal) for answer in decided)
    if not failed:
        return ok(f"all {len(decided)} {things}")
    return not_ok(Refusal(Reason.PARTIAL, f"{failed} of {len(decided)} {things} were refused"))


def refused(refusal: Refusal) -> yang.Refusal | None:
    """Return the numbers of a refusal, None when it has none."""
    if refusal.provider is None:
        return None
    return yang.Refusal(
        provider_id=refusal.provider,
        shortfall=tuple(
            yang.Shortfall(
                resource=short.resource,
                requested=short.requested,
                available=short.available,
                from_=told(short.start),
                to=told(open_end(short.end)),
            )
            for short in refusal.shortfalls
        ),
        max_capacity=None if refusal.max_capacity is None else capacity(refusal.max_capacity),
        alternative=tuple(
            yang.Alternative(
                start=sure(other.start), end=told(open_end(other.end)), latest_start=told(other.latest_start)
            )
            for other in refusal.alternatives
        ),
        blocking=tuple(
            yang.BlockingClaim(reservation_id=held.reservation, resource=held.resource, amount=held.amount)
            for held in refusal.blocking
        ),
        held_element=tuple(
            yang.HeldElement(element=held.element, reservation_id=held.reservation) for held in refusal.held
        ),
    )


def affected(found: Iterable[Affected]) -> tuple[yang.AffectedReservation, ...]:
    """Return the reservations that a change of capacity degrades."""
    return tuple(
        yang.AffectedReservation(reservation_id=each.reservation, shortfall=capacity(each.shortfall)) for each in found
    )


def columns(levels: Levels) -> yang.Columns:
    """Return the five columns."""
    return yang.Columns(
        total=capacity(levels.total),
        reserved=capacity(levels.reserved),
        usage=capacity(levels.usage),
        available=capacity(levels.available),
        overdrawn=capacity(levels.overdrawn),
    )


def utilization(point: Point, metric: str, *, all_metrics: bool) -> yang.Utilization:
    """Return one entry of a course."""
    levels = point.levels
    every = {name: capacity(levels.metric(name)) for name in ("total", "reserved", "usage", "available", "overdrawn")}
    return yang.Utilization(
        timestamp=sure(point.instant),
        count=point.live,
        capacity=every[metric],
        **(every if all_metrics else {}),
    )


def pool(record: Pool) -> yang.Pool:
    """Return a pool."""
    return yang.Pool(
        id=record.id,
        provider=record.provider,
        zone=record.zone,
        start=told(record.window.start),
        end=told(open_end(record.window.end)),
        direction="decrease" if record.decrease else "increase",
        planned=record.planned or None,
        capacity=capacity(record.capacity),
        elements=record.elements,
        note=record.note,
        owner=record.owner or None,
        created_on=sure(record.created),
    )


def reservation(view: ReservationView) -> yang.Reservation:
    """Return a reservation with what remains of it."""
    record = view.reservation
    return yang.Reservation(
        id=record.id,
        name=record.name,
        owner=record.owner,
        project=record.project or None,
        provider=record.provider,
        zone=record.zone,
        start=sure(record.window.start),
        end=told(open_end(record.window.end)),
        expiry=told(record.expiry),
        state=record.state.value,
        degraded=record.degraded,
        shortfall=capacity(record.shortfall) if record.shortfall else None,
        priority=record.priority,
        capacity=capacity(record.capacity),
        containers=tuple(yang.FlavorCount(flavor=each.flavor, count=each.count) for each in record.containers),
        remaining=capacity(view.remaining),
        elements=record.elements,
        missing_elements=record.missing,
        pools=view.pools,
        allocations=view.instances,
        version=record.version,
        created_on=sure(record.created),
        modified_on=sure(record.modified),
    )


def allocation(record: Allocation) -> yang.Allocation:
    """Return an instance."""
    assert record.priority in PRIORITIES
    return yang.Allocation(
        id=record.id,
        name=record.name,
        provider=record.provider,
        zone=record.zone,
        host=record.host,
        reservation=record.reservation,
        flavor=record.flavor or None,
        image=record.image or None,
        networks=record.networks,
        volumes=tuple(_volume(part) for part in record.volumes),
        addresses=tuple(_address(part) for part in record.addresses),
        kept_from=record.kept_from,
        capacity=capacity(record.capacity),
        start=sure(record.start),
        end=told(record.end),
        priority=record.priority,
        instance_ref=yang.InstanceRef(provider=record.provider, server=record.server),
        vm_state=record.vm_state.value,
        fault=record.fault,
        owner=record.owner or None,
        project=record.project or None,
        created_on=sure(record.created),
        modified_on=sure(record.modified),
    )


def _volume(part: Part) -> yang.InstanceVolume:
    return yang.InstanceVolume(
        name=part.name,
        size=part.size,
        type=part.type,
        boot=part.boot,
        delete_on_termination=part.ends,
        volume=part.id,
        gone=part.gone or None,
    )


def _address(part: Part) -> yang.InstanceAddress:
    return yang.InstanceAddress(
        number=int(part.name), address=part.address, floating_ip=part.id, gone=part.gone or None
    )


def operation(record: Operation) -> yang.PromiseOperations:
    """Return what was asked of a cloud."""
    return yang.PromiseOperations(
        id=record.id,
        instance=record.instance,
        provider=record.provider,
        kind=record.asked.value,
        part=record.part,
        state=record.progress.value,
        attempts=record.attempts,
        created_on=sure(record.created),
        last_attempt=told(record.attempted),
        next_attempt=told(record.not_before) if record.open and record.not_before else None,
        finished_on=told(record.finished),
        result=record.result,
    )


def zone(found: Zone) -> yang.Zone:
    """Return an availability zone."""
    return yang.Zone(name=found.name, up=found.up, hosts=found.hosts, capacity=capacity(found.capacity))


def host(found: Host) -> yang.Host:
    """Return a compute host."""
    return yang.Host(
        name=found.name, zone=found.zone, up=found.up, enabled=found.enabled, capacity=capacity(found.capacity)
    )


def flavor(found: Flavor) -> yang.Flavor:
    """Return a flavor."""
    return yang.Flavor(
        id=found.id,
        name=found.name,
        disk=found.disk,
        ram=found.ram,
        vcpus=found.vcpus,
        ephemeral=found.ephemeral,
        swap=found.swap,
        capacity=capacity(found.needs),
    )


def subscription_filter(kind: Kind, wanted: Filter) -> yang.PromiseSubscriptionsFilter | None:
    """Return the filter of a subscription, None when it restricts nothing."""
    start, end = wanted.window
    states = tuple(sorted(wanted.states))
    shown = yang.PromiseSubscriptionsFilter(
        id=tuple(sorted(wanted.ids)),
        provider_id=wanted.provider,
        zone=wanted.zone,
        resource=tuple(in_order(wanted.resources)),
        reservation_state=states if kind is Kind.RESERVATION else (),
        vm_state=states if kind is Kind.INSTANCE else (),
        window=None
        if wanted.window == ALWAYS
        else yang.Window(start=None if start <= ALWAYS.start else told(start), end=told(open_end(end))),
    )
    return None if wanted == EVERYTHING else shown


def threshold(asked: Threshold) -> yang.Threshold:
    """Return a line that capacity may cross."""
    return yang.Threshold(
        metric=asked.metric,
        resource=asked.resource,
        bound="lower" if asked.lower else "upper",
        value=asked.value,
        hysteresis=asked.hysteresis or None,
        horizon=asked.horizon or None,
    )
