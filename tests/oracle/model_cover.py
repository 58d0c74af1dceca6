"""How much of an instance its claim covers: all that is named, unless it was resized beyond that (decision 21)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oracle.model_records import Amounts, Instance, World


def drawn(one: Instance) -> Amounts:
    """What it takes of its reservation, and of what that does not name."""
    return {**one.needs, **one.cover}


def covers(instances: Iterable[Instance], promised: Amounts) -> dict[str, Amounts]:
    """What a claim covers of each: each keeps its cover, and what is left goes to the oldest first."""
    mine = list(instances)
    wanted = {one.id: {name: amount for name, amount in one.needs.items() if name in promised} for one in mine}
    found = {
        one.id: {name: min(amount, one.cover.get(name, 0)) for name, amount in wanted[one.id].items()} for one in mine
    }
    for name, amount in promised.items():
        left = amount - sum(found[one.id].get(name, 0) for one in mine)
        for one in mine:
            more = max(0, min(wanted[one.id].get(name, 0) - found[one.id].get(name, 0), left))
            if name in wanted[one.id]:
                found[one.id][name] += more
                left -= more
    return found


def cover_again(world: World, one: Instance) -> None:
    """A look at an instance: its claim covers as much of it as the others there leave."""
    claim = world.reservations.get(one.reservation or "")
    if claim is None:
        return
    wanted = {name: amount for name, amount in one.needs.items() if name in claim.amounts}
    if wanted != one.cover:
        others = [drawn(other) for other in world.instances_of(claim.id) if other.id != one.id]
        left = {name: claim.amounts[name] - sum(other.get(name, 0) for other in others) for name in wanted}
        one.cover = {name: max(0, min(amount, left[name])) for name, amount in wanted.items()}


def beyond(instances: Iterable[Instance], found: dict[str, Amounts]) -> Amounts:
    """What these take beyond such covers."""
    over: Amounts = {}
    for one in instances:
        for name, amount in found[one.id].items():
            over[name] = over.get(name, 0) + one.needs[name] - amount
    return over
