"""Providers and policy as they are configured (design sections 3 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oracle.model_requests import Answer, Query, refused

if TYPE_CHECKING:
    from oracle.model_records import World


def remove_provider(world: World, query: Query) -> Answer:
    """Take a provider out: by force with what counts on it. What was over before stays readable."""
    name = query["provider-id"]
    if name not in world.providers:
        return refused("not-found")
    pools = [one for one in world.pools.values() if one.provider == name and one.end > world.now]
    held = [one for one in world.reservations.values() if one.provider == name and one.live]
    instances = [one for one in world.instances.values() if one.provider == name and one.live]
    if not query.get("force") and (pools or held or any(one.ours for one in instances)):
        return refused("provider-in-use")
    for pool in pools:
        pool.end = world.now
    for found in held:
        found.state, found.modified, found.version = "cancelled", world.now, found.version + 1
    for one in instances:
        del world.instances[one.id]
    forgotten = {name, *(one.id for one in instances)}
    for which in [which for which, key in world.keys.items() if key.subject in forgotten]:
        del world.keys[which]
    del world.providers[name]
    return {"result": "ok"}
