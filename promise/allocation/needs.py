"""What an instance takes: its flavor, its ports, its volumes and its addresses; pure (design section 4, table)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promise.resources import in_order, minus, most_of, named, total_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promise.allocation.requests import CreateInstance
    from promise.capacity.provider import Flavor


def needs_of(flavor: Flavor, request: CreateInstance) -> Mapping[str, int]:
    """Return what the instance takes, all resources; one that boots from a volume has no root disk on its host."""
    parts = total_of(part.takes for part in request.parts)
    whole = {**flavor.needs, "ports": max(1, len(request.networks)), **parts}
    if any(part.boot for part in request.parts):
        return named(minus(whole, {"DISK_GB": flavor.root_disk}))
    return whole


def beyond(needs: Mapping[str, int]) -> str | None:
    """Return why no cloud that we could tell of has room for this, None when one might have."""
    for name in in_order(needs):
        most = most_of(name)
        if needs[name] > most:
            return f"the instance takes {needs[name]} of {name}, which is more than the {most} that can be told"
    return None
