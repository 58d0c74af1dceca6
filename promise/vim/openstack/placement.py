"""Reads Placement, and tells which consumers are ours: only what others use lowers what a cloud can give us.

Placement tells per provider which consumers hold what, and per project the sum, but not the consumers of a project.
Ours are the servers that Nova lists for us. Everybody else is asked for one by one, once: a server of ours that is
being made, moved or removed this moment is not in the list, and the project's sum cannot tell it from a stranger, as
it is read at another moment than the allocations. Only who was confirmed as a stranger is remembered as one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from promise.errors import CloudRefused
from promise.vim.openstack import failures
from promise.vim.openstack.calls import Calls, each
from promise.vim.openstack.inventory import Provider

if TYPE_CHECKING:
    from collections.abc import Collection

_MOST_QUESTIONS: Final = 256
"""So many consumers are asked for in one reading; the others count as strangers until the next."""


class Placement:
    """Placement as one project's administrator sees it; remembers whom it knows as strangers."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._at_once = max(1, calls.limits.threads // 2)
        self._strangers: frozenset[str] = frozenset()

    async def providers(self) -> list[Provider]:
        """Read all resource providers with inventories and allocations.

        Raises:
            CloudRefused: the catalog has no Placement, or our user may not read it (status 403).
        """
        shown = await self._calls.read("placement", "/resource_providers", "resource_providers")
        with failures.reading("Placement"):
            names = {str(one["uuid"]): str(one["name"]) for one in shown}
            roots = {str(one["uuid"]): str(one.get("root_provider_uuid") or one["uuid"]) for one in shown}
        listed = [Provider(uuid, root, names.get(root, "")) for uuid, root in roots.items()]
        return await each(self._with_contents, listed, self._at_once)

    async def ours(self, providers: Collection[Provider], servers: Collection[str], project_id: str) -> set[str]:
        """Return the consumers of our project; `servers` were listed before the providers were read."""
        consumers = {consumer for provider in providers for consumer in provider.allocations}
        ours = consumers.intersection(servers)
        self._strangers &= consumers - ours
        unknown = sorted(consumers - ours - self._strangers)
        owners = await each(self._owner, unknown[:_MOST_QUESTIONS], self._at_once)
        mine = {consumer for consumer, owner in owners if owner in (project_id, None)}
        self._strangers |= {consumer for consumer, _ in owners} - mine
        return ours | mine

    async def _with_contents(self, provider: Provider) -> Provider:
        where = f"/resource_providers/{provider.uuid}"
        try:
            inventories = await self._calls.read("placement", f"{where}/inventories", "inventories")
            allocations = await self._calls.read("placement", f"{where}/allocations", "allocations")
        except CloudRefused as refusal:
            if refusal.status != failures.NOT_FOUND:
                raise
            return provider  # it went away since it was listed
        with failures.reading("Placement"):
            held = {consumer: dict(one["resources"]) for consumer, one in allocations.items()}
        return replace(provider, inventories=inventories, allocations=held)

    async def _owner(self, consumer: str) -> tuple[str, str | None]:
        """Return a consumer and its project; None when it has gone meanwhile: what it held is nobody's."""
        shown = await self._calls.get("placement", f"/allocations/{consumer}")
        with failures.reading("Placement"):
            return consumer, str(shown["project_id"]) if shown["allocations"] else None
