"""Instances as requested: from a reservation or from what is available, and in which zone (design sections 4 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oracle.model_columns import Scope, instants, managed, remaining, room, scopes_of
from oracle.model_fit import lowest
from oracle.model_records import OPEN, Amounts, Flavor, Instance, Provider, Reservation, World
from oracle.model_requests import Answer, Query, graded_anew, of_several, refused
from oracle.model_time import end, zones_managed

if TYPE_CHECKING:
    from collections.abc import Mapping


def create_instance(world: World, query: Query, told: Mapping[str, Any]) -> Answer:
    """The decision, and the state after a cloud that does at once what it is asked."""
    faults, provider, found, flavor = _named(world, query)
    if provider is not None and provider.id in world.away:
        return refused("provider-unreachable", status="rejected")  # before anything is decided, image and network
    if faults and world.away:
        faults.add("provider-unreachable")
    if faults or provider is None or flavor is None:
        return refused(*faults, status="rejected")
    needs = needs_of(flavor, query)
    short, zone = _placed(world, provider, found, query.get("zone"), needs)
    if short:
        numbers = {"provider-id": provider.id, "shortfall": short}
        return refused("insufficient-capacity", result="conflict", status="rejected", refusal=numbers)
    owner, claim = (found.owner, found.id) if found else (world.user, None)
    new = Instance(
        told.get("instance-id", "new"), owner, query["name"], provider.id, zone, claim, flavor.id, needs, world.now,
        world.now, state="INITIALIZED", networks=query.get("networks", ["net-1"]),
        cover={name: amount for name, amount in needs.items() if found and name in found.amounts},
    )  # fmt: skip
    world.instances[new.id] = new
    return answered(new)


def answered(found: Instance) -> Answer:
    """The answer to an accepted create-instance, as far as the cloud has said by then."""
    if found.state == "ERROR" and found.server is None:
        refusal = refused("provider-refused", status="rejected")
        return refusal | {"instance-id": found.id, "vm-state": found.state}
    answer = {"result": "ok", "status": "in-progress", "instance-id": found.id, "vm-state": found.state}
    return answer | ({"server": found.server} if found.server else {})


def needs_of(flavor: Flavor, query: Query) -> Amounts:
    needs = dict(flavor.needs) | {"ports": max(1, len(query.get("networks", [])))}
    return needs | ({"addresses": query["addresses"]} if query.get("addresses") else {})


def _named(world: World, query: Query) -> tuple[set[str], Provider | None, Reservation | None, Flavor | None]:
    """What the request names, and every rule that this breaks."""
    name, claim = query.get("provider-id"), query.get("reservation-id")
    found = world.reservations.get(claim) if claim else None
    if (claim and (found is None or not world.sees(found))) or (name is not None and name not in world.providers):
        return {"not-found"}, None, None, None
    faults = set()
    if found and found.state != "active":
        faults.add("not-active" if found.live else "ended")
    if name is None and found is None and len(world.providers) != 1:
        return {"provider-ambiguous" if world.providers else "not-found"}, None, None, None
    if found and name is not None and name != found.provider:
        faults.add("provider-mismatch")
    if found and name is None and found.provider not in world.providers:
        return {"ended", "not-found", "provider-unreachable"}, None, None, None
    provider = world.providers[name or (found.provider if found else next(iter(world.providers)))]
    zone = query.get("zone")
    if zone is not None and zone not in provider.zones:
        faults.add("zone-unknown")
    if found and zone is not None and found.zone not in {None, zone}:
        faults.add("zone-mismatch")
    by_id = [one for one in provider.flavors if one.id == query["flavor"]]
    flavors = by_id or [one for one in provider.flavors if one.name == query["flavor"]]
    if len(flavors) != 1:
        return faults | {"flavor-unknown"}, provider, found, None
    return faults, provider, found, flavors[0]


def _placed(
    world: World, provider: Provider, found: Reservation | None, zone: str | None, needs: Amounts
) -> tuple[dict[str, dict[str, Any]], str | None]:
    """What is missing, or the zone into which it goes."""
    zone = zone if zone is not None else found.zone if found else None
    choices = zones_managed(world, provider.id)
    if zone is not None or not choices:
        return _short(world, provider.id, zone, found, needs), zone
    best = max(choices, key=lambda one: _spare(world, provider.id, one, found, needs))
    others = [one for one in provider.zones if one not in choices]
    if others and not _spare(world, provider.id, best, found, needs):
        best = others[0]
    return _short(world, provider.id, best, found, needs), best


def _spare(world: World, provider: str, zone: str, found: Reservation | None, needs: Amounts) -> int:
    """How many such instances the zone has room for as long as this one is to stay."""
    spots = instants(world, provider, world.now, _until(world, found))
    names = {name for name in needs if needs[name]} & managed(world, Scope(provider, zone))
    levels = {name: min(max(0, room(world, [Scope(provider, zone)], name, at)) for at in spots) for name in names}
    return min((levels[name] // needs[name] for name in names), default=OPEN)


def _until(world: World, found: Reservation | None) -> int:
    """Until when an instance must fit in what is available."""
    if found is not None:
        return found.end
    return OPEN if world.policy.unreserved == "strict" else world.now + 1


def _short(
    world: World, provider: str, zone: str | None, found: Reservation | None, needs: Amounts
) -> dict[str, dict[str, Any]]:
    """Resources that are missing: of the reservation what it names, of what is available the others."""
    missing: dict[str, dict[str, Any]] = {}
    until = _until(world, found)
    gaps = world.short.get(found.id, {}) if found else {}
    for resource, need in needs.items():
        entry = {"resource": resource, "requested": need}
        left = need
        if found and resource in found.amounts:
            left = max(0, remaining(world, found)[resource] - gaps.get(resource, 0))
            if need > left:
                missing[resource] = entry | {"available": left, "from": world.now} | _to(found.end)
        scopes = [one for one in scopes_of(provider, zone) if resource in managed(world, one)]
        scopes = [one for one in scopes if not _covered(found, resource, one)]
        if not scopes:
            continue
        spots = instants(world, provider, world.now, until)
        levels = {at: max(0, room(world, scopes, resource, at)) for at in spots}
        if min(levels.values()) < min(left, need):
            start, end = lowest(levels, [*spots, until])
            missing[resource] = entry | {"available": min(levels.values()), "from": start} | _to(end)
    return missing


def _covered(found: Reservation | None, resource: str, scope: Scope) -> bool:
    """Tell whether the claim of the reservation stands for this resource in this scope."""
    return found is not None and resource in found.amounts and scope.zone in {None, found.zone}


def _to(end: int) -> dict[str, int]:
    return {} if end == OPEN else {"to": end}


def destroy(world: World, query: Query) -> Answer:
    """One instance, or each of several for itself."""
    if "instance-ids" not in query:
        return destroy_instance(world, query["instance-id"])
    return of_several(
        query["instance-ids"], "instance-id", lambda name: graded_anew(world, destroy_instance(world, name))
    )


def destroy_instance(world: World, name: str) -> Answer:
    found = world.instances.get(name)
    if found is None or not world.sees(found):
        return refused("not-found")
    end(found, world.now)
    return {"result": "ok", "vm-state": found.state}


def shown_instance(world: World, found: Instance) -> Answer:
    claim = world.reservations.get(found.reservation or "")
    active = found.live and claim is not None and claim.state == "active"
    answer: Answer = {
        "id": found.id, "name": found.name, "provider": found.provider, "capacity": found.needs, "start": found.start,
        "vm-state": found.state, "priority": found.priority,
    }  # fmt: skip
    answer |= {"priority": claim.priority} if claim and active else {}
    answer |= {"created-on": found.created, "modified-on": found.modified, "flavor": found.flavor}
    answer |= {"image": "image", "networks": set(found.networks)} if found.ours else {}
    answer["instance-ref"] = {"provider": found.provider} | ({"server": found.server} if found.server else {})
    answer |= {"fault": found.fault} if found.fault else {}
    optional = {"owner": found.owner or None, "zone": found.zone, "reservation": found.reservation, "end": found.end}
    return answer | {name: value for name, value in optional.items() if value is not None}
