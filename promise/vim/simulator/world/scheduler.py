"""Where a server goes: a host that is up, enabled, in the wanted zone, with room and the required traits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from promise.vim.simulator.world.errors import NoValidHost

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from promise.vim.simulator.world.hosts import Host
    from promise.vim.simulator.world.placement import Placement


@dataclass(frozen=True, slots=True)
class Wish:
    """What the host must be like; `near` and `apart` are the hosts of a server group's members."""

    request: Mapping[str, int]
    zone: str | None = None
    host: str | None = None
    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()
    policy: str = ""
    members: Mapping[str, int] = field(default_factory=dict)
    most_per_host: int = 1


def choose(wish: Wish, hosts: Iterable[Host], placement: Placement) -> Host:
    """Return the host with the most free memory of those that will do, or raise NoValidHost.

    Like the real one in two steps with two messages: what Placement can tell (room, zone, traits, disabled), then
    what only Nova knows (dead services, server groups).
    """
    candidates = [host for host in hosts if _candidate(wish, host, placement)]
    if not candidates:
        raise NoValidHost
    passing = [host for host in candidates if host.up and _in_group(wish, host)]
    if not passing:
        raise NoValidHost("There are not enough hosts available.")
    return min(passing, key=lambda host: (_liking(wish, host), -_free_memory(host, placement), host.number))


def _candidate(wish: Wish, host: Host, placement: Placement) -> bool:
    traits = host.provider.traits
    return (
        host.enabled
        and wish.zone in {None, host.zone}
        and wish.host in {None, host.name}
        and wish.required <= traits
        and not wish.forbidden & traits
        and placement.has_room(host.provider.id, wish.request)
    )


def _in_group(wish: Wish, host: Host) -> bool:
    if wish.policy == "affinity":
        return not wish.members or host.name in wish.members
    if wish.policy == "anti-affinity":
        return wish.members.get(host.name, 0) < wish.most_per_host
    return True


def _liking(wish: Wish, host: Host) -> int:
    here = wish.members.get(host.name, 0)
    return {"soft-affinity": -here, "soft-anti-affinity": here}.get(wish.policy, 0)


def _free_memory(host: Host, placement: Placement) -> int:
    inventory = host.provider.inventories.get("MEMORY_MB")
    return inventory.capacity - placement.used(host.provider.id).get("MEMORY_MB", 0) if inventory else 0
