"""The decision on create-instance: may it be, under which claim, and in which zone; pure (design sections 4 and 5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from promise.allocation.model import USER_DATA, Allocation, Asked, VmState
from promise.allocation.needs import beyond, needs_of
from promise.allocation.plan import onward
from promise.allocation.requests import Admitted
from promise.capacity import admission
from promise.capacity.model import Scope
from promise.capacity.query import room
from promise.capacity.refusal import Reason, Refusal, Shortfall
from promise.events import Decision, fact
from promise.reservation.model import Reservation, State
from promise.reservation.update import take
from promise.resources import FOREVER, Window, in_order, minus, only, without

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from promise.actor import Actor
    from promise.allocation.book import AllocationBook
    from promise.allocation.requests import CreateInstance
    from promise.capacity.provider import Flavor, Provider


@dataclass(frozen=True, slots=True)
class _Demand:
    """What the instance needs: `covered` under the claim, `loose` available besides it over `window`."""

    provider: Provider
    flavor: Flavor
    needs: Mapping[str, int]
    reservation: Reservation | None
    window: Window

    @property
    def covered(self) -> Mapping[str, int]:
        return only(self.needs, self.reservation.capacity) if self.reservation else {}

    @property
    def loose(self) -> Mapping[str, int]:
        return without(self.needs, self.covered)

    @property
    def claimed_zone(self) -> str | None:
        return self.reservation.zone if self.reservation else None


def create(book: AllocationBook, request: CreateInstance, actor: Actor, now: int) -> Decision[Admitted | Refusal]:
    """Record the instance and what to ask of the cloud, or refuse it; the cloud is asked after the commit."""
    demand = _demand(book, request, actor, now)
    if isinstance(demand, Refusal):
        return Decision(demand)
    zone = _zone(book, request, demand)
    short = admission.worst([*_over_claim(book, demand), *_short(book, demand, zone)])
    if short:
        return Decision(_refused(demand, short))
    return _admitted(request, actor, demand, zone, now)


def _demand(book: AllocationBook, request: CreateInstance, actor: Actor, now: int) -> _Demand | Refusal:
    provider = book.providers.get(request.provider)
    if provider is None:
        return Refusal(Reason.NOT_FOUND, f"there is no provider {request.provider}")
    reservation = _reservation(book, request, actor)
    if isinstance(reservation, Refusal):
        return reservation
    flavor = provider.flavor(request.flavor)
    if flavor is None:
        return Refusal(Reason.FLAVOR_UNKNOWN, f"provider {provider.id} has no flavor {request.flavor}, or several")
    needs = needs_of(flavor, request)
    if too_much := beyond(needs):
        return Refusal(Reason.INSUFFICIENT_CAPACITY, too_much, provider=provider.id)
    if len(request.affinity) > 1:
        return Refusal(Reason.PROVIDER_REFUSED, "OpenStack puts a server into one group only: name one affinity")
    if request.zone is not None and request.zone not in book.zones_of(provider.id):
        return Refusal(Reason.ZONE_UNKNOWN, f"provider {provider.id} has no zone {request.zone}")
    until = now + 1
    if reservation is not None:
        until = reservation.window.end
    elif book.policy.strict:
        until = FOREVER
    return _Demand(provider, flavor, needs, reservation, Window(now, until))


def _reservation(book: AllocationBook, request: CreateInstance, actor: Actor) -> Reservation | Refusal | None:
    """Return the reservation to take from; it must be the caller's, active, and on that provider and zone."""
    if request.reservation is None:
        return None
    found = take(book, request.reservation, actor)
    if isinstance(found, Refusal):
        return found
    if not found.live:
        return Refusal(Reason.ENDED, f"the reservation is {found.state.value}")
    if found.state is not State.ACTIVE:
        return Refusal(Reason.NOT_ACTIVE, f"the reservation is {found.state.value}, not active")
    if found.provider != request.provider:
        return Refusal(Reason.PROVIDER_MISMATCH, f"the reservation is on provider {found.provider}")
    if found.zone is not None and request.zone not in {None, found.zone}:
        return Refusal(Reason.ZONE_MISMATCH, f"the reservation is in zone {found.zone}")
    return found


def _over_claim(book: AllocationBook, demand: _Demand) -> Sequence[Shortfall]:
    """Return what is short of what the claim covers: remaining - shortfall (design section 4)."""
    reservation = demand.reservation
    if reservation is None:
        return ()
    left = minus(
        minus(reservation.capacity, only(book.used_of(reservation.id), reservation.capacity)), reservation.shortfall
    )
    window = demand.window
    return tuple(
        Shortfall(name, demand.covered[name], max(0, left.get(name, 0)), window.start, window.end)
        for name in in_order(demand.covered)
        if demand.covered[name] > left.get(name, 0)
    )


def _zone(book: AllocationBook, request: CreateInstance, demand: _Demand) -> str | None:
    """Return the zone to put the instance in; None where no zone is managed and none was asked for.

    Where zones are managed it is never left to chance: the one with most available, counted in such instances,
    then by name. A zone in which nothing is promised, and that is up, serves when none of those has room.
    """
    zone = demand.claimed_zone or request.zone
    if zone is not None:
        return zone
    managed = [name for name in book.zones_of(demand.provider.id) if book.supply(Scope(demand.provider.id, name)).pools]
    if not managed:
        return None
    roomy = {name: room(book, Scope(demand.provider.id, name), demand.needs, demand.window) for name in managed}
    best = max(managed, key=lambda name: roomy[name])
    if roomy[best]:
        return best
    seen = demand.provider.discovery.zones if demand.provider.discovery else ()
    unmanaged = [zone.name for zone in seen if zone.up and zone.name not in managed]
    return unmanaged[0] if unmanaged else best


def _short(book: AllocationBook, demand: _Demand, zone: str | None) -> tuple[Shortfall, ...]:
    """Return what is short in the provider and the zone besides the claim."""
    scopes: dict[str, list[Scope]] = {}
    for scope, request in _needs(demand, zone):
        for name in only(request, book.supply(scope).managed):
            scopes.setdefault(name, []).append(scope)
    return tuple(
        short
        for name in in_order(scopes)
        for short in admission.shortfalls(book, scopes[name], demand.window, {name: demand.needs[name]})
    )


def _needs(demand: _Demand, zone: str | None) -> Iterator[tuple[Scope, Mapping[str, int]]]:
    """Yield what has to be available in which scope: without a claim in the zone, there the whole flavor."""
    yield Scope(demand.provider.id), demand.loose
    if zone is not None:
        claimed_here = demand.claimed_zone == zone
        yield Scope(demand.provider.id, zone), demand.loose if claimed_here else demand.needs


def _refused(demand: _Demand, short: tuple[Shortfall, ...]) -> Refusal:
    parts = ", ".join(f"{one.resource} (needed {one.requested}, available {one.available})" for one in short)
    where = "the reservation and besides it" if demand.reservation else "the cloud"
    return Refusal(
        Reason.INSUFFICIENT_CAPACITY,
        f"not enough capacity in {where}: {parts}",
        provider=demand.provider.id,
        shortfalls=short,
    )


def _whose(actor: Actor, reservation: Reservation | None) -> tuple[str, str]:
    """Return owner and project of an instance: what somebody makes of the reservation of others belongs to them."""
    if reservation is not None and not actor.shares(reservation):
        return reservation.owner, reservation.project
    return actor.user, actor.project


def _admitted(
    request: CreateInstance, actor: Actor, demand: _Demand, zone: str | None, now: int
) -> Decision[Admitted | Refusal]:
    reservation = demand.reservation
    owner, project = _whose(actor, reservation)
    allocation = Allocation(
        id=request.id,
        name=request.name,
        owner=owner,
        project=project,
        provider=demand.provider.id,
        zone=zone,
        flavor=demand.flavor.id,
        image=request.image,
        capacity=demand.needs,
        start=now,
        vm_state=VmState.INITIALIZED,
        created=now,
        modified=now,
        reservation=reservation.id if reservation else None,
        reserved_zone=demand.claimed_zone,
        covered=demand.covered,
        covered_until=reservation.window.end if reservation else 0,
        networks=request.networks,
        priority=reservation.priority if reservation else "low",
        key_name=request.key_name,
        security_groups=request.security_groups,
        user_data=request.user_data is not None,
        metadata=request.metadata,
        affinity=request.affinity,
        parts=request.parts,
    )
    first = [
        replace(asked, id=request.operation) if asked.asked is Asked.CREATE else asked
        for asked in onward(allocation, (), now)
    ]
    aside = {} if request.user_data is None else {USER_DATA + request.id: request.user_data}
    events = (fact("allocation-accepted", allocation), *(fact("operation-asked", asked) for asked in first))
    return Decision(Admitted(allocation), events, aside)
