"""What the server shows over NETCONF, read into plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from crash.book import ALTERNATIVES
from crash.records import Capacity, Instance, Operation, Pool, Reservation, Snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element

NAMESPACE: Final = "urn:opnfv:promise"
P: Final = f"{{{NAMESPACE}}}"
EVERYTHING: Final = (
    f'<get><filter type="subtree"><promise xmlns="{NAMESPACE}"><policy/><providers/><pools/><reservations/>'
    "<allocations/><operations/></promise></filter></get>"
)
"""What `shown_in` reads the answer of."""


@dataclass(frozen=True)
class Shown:
    """What the server shows: the records, and what it makes of them.

    `remaining` and `allocations` are those of each reservation, by its id; `bounds` is what the cloud can give, by
    zone, None for all of it; `alternatives` is a leaf of the policy.
    """

    records: Snapshot
    remaining: Mapping[str, Capacity]
    allocations: Mapping[str, frozenset[str]]
    bounds: Mapping[str | None, Capacity]
    alternatives: int


def capacity_in(element: _Element, name: str) -> Capacity:
    """Return the capacity below `element` under this name; {} when there is none."""
    found = element.find(P + name)
    amounts: Capacity = {}
    for leaf in () if found is None else found:
        if leaf.tag == P + "custom":
            amounts[str(leaf.findtext(P + "resource-class"))] = int(leaf.findtext(P + "amount") or 0)
        else:
            amounts[leaf.tag.removeprefix(P)] = int(leaf.text or "")
    return amounts


def moment_in(element: _Element, name: str) -> int | None:
    """Return the moment below `element` under this name."""
    text = element.findtext(P + name)
    return None if text is None else int(datetime.fromisoformat(text).timestamp())


def sure_moment_in(element: _Element, name: str) -> int:
    """Return a moment that must be there."""
    moment = moment_in(element, name)
    assert moment is not None, f"no {name}"
    return moment


def text_in(element: _Element, name: str) -> str:
    """Return a text, empty when it is absent."""
    return element.findtext(P + name) or ""


def reservation_in(element: _Element) -> Reservation:
    """Read a reservation."""
    return Reservation(
        id=text_in(element, "id"),
        name=text_in(element, "name"),
        owner=text_in(element, "owner"),
        project=text_in(element, "project"),
        provider=text_in(element, "provider"),
        zone=element.findtext(P + "zone"),
        start=sure_moment_in(element, "start"),
        end=moment_in(element, "end"),
        expiry=moment_in(element, "expiry"),
        state=text_in(element, "state"),
        degraded=element.findtext(P + "degraded") == "true" or element.find(P + "shortfall") is not None,
        priority=text_in(element, "priority"),
        capacity=capacity_in(element, "capacity"),
        version=int(text_in(element, "version")),
        created=sure_moment_in(element, "created-on"),
    )


def instance_in(element: _Element) -> Instance:
    """Read an instance."""
    return Instance(
        id=text_in(element, "id"),
        name=text_in(element, "name"),
        owner=text_in(element, "owner"),
        project=text_in(element, "project"),
        zone=element.findtext(P + "zone"),
        reservation=element.findtext(P + "reservation"),
        flavor=text_in(element, "flavor"),
        capacity=capacity_in(element, "capacity"),
        start=sure_moment_in(element, "start"),
        vm_state=text_in(element, "vm-state"),
        server=element.findtext(f"{P}instance-ref/{P}server"),
        created=sure_moment_in(element, "created-on"),
    )


def pool_in(element: _Element) -> Pool:
    """Read a pool."""
    return Pool(
        id=text_in(element, "id"),
        note=text_in(element, "note"),
        owner=text_in(element, "owner"),
        zone=element.findtext(P + "zone"),
        start=sure_moment_in(element, "start"),
        end=moment_in(element, "end"),
        direction=text_in(element, "direction"),
        capacity=capacity_in(element, "capacity"),
        created=sure_moment_in(element, "created-on"),
    )


def operation_in(element: _Element) -> Operation:
    """Read an operation."""
    told = {name: text_in(element, name) for name in ("id", "instance", "kind", "state")}
    return Operation(**told, attempts=int(text_in(element, "attempts")))


def shown_in(reply: _Element) -> Shown:
    """Read the answer to a <get> of everything, on a server with one provider."""
    (tree,) = reply.iter(P + "promise")
    (provider,) = tree.findall(P + "providers")
    reservations = tree.findall(P + "reservations")
    records = Snapshot(
        {found.id: found for found in map(reservation_in, reservations)},
        {found.id: found for found in map(instance_in, tree.findall(P + "allocations"))},
        {found.id: found for found in map(pool_in, tree.findall(P + "pools"))},
        {found.id: found for found in map(operation_in, tree.findall(P + "operations"))},
    )
    assert len(records.reservations) == len(reservations), "a reservation is shown twice"
    zones = {zone.findtext(P + "name"): capacity_in(zone, "capacity") for zone in provider.findall(P + "zones")}
    return Shown(
        records,
        {text_in(element, "id"): capacity_in(element, "remaining") for element in reservations},
        {
            text_in(element, "id"): frozenset(str(one.text) for one in element.findall(P + "allocations"))
            for element in reservations
        },
        {None: capacity_in(provider, "capacity"), **zones},
        int(tree.findtext(f"{P}policy/{P}reservation/{P}alternatives") or ALTERNATIVES),
    )
