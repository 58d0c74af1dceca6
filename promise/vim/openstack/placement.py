"""Reads Placement, and tells which consumers are ours: only what others use lowers what a cloud can give us.

Placement tells per provider which consumers hold what, and per project the sum, but not the consumers of a project.
Ours are the servers that Nova lists for us; should their sum not be the project's usage (a server being made, moved or
removed this moment), the consumers nobody knows are asked for one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from promise.errors import CloudRefused
from promise.resources import named
from promise.vim.openstack import failures
from promise.vim.openstack.calls import Calls, each
from promise.vim.openstack.inventory import Provider, used_by

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
        shown = (await self._calls.get("placement", "/resource_providers")).get("resource_providers")
        with failures.reading("Placement"):
            names = {str(one["uuid"]): str(one["name"]) for one in shown or ()}
            roots = {str(one["uuid"]): str(one.get("root_provider_uuid") or one["uuid"]) for one in shown or ()}
        reading = (self._provider(uuid, root, names.get(root, "")) for uuid, root in roots.items())
        return await each(reading, self._at_once)

    async def ours(self, providers: Collection[Provider], servers: Collection[str], project_id: str) -> set[str]:
        """Return the consumers of our project; `servers` were listed before the providers were read."""
        usage = (await self._calls.get("placement", "/usages", project_id=project_id)).get("usages") or {}
        consumers = {consumer for provider in providers for consumer in provider.allocations}
        ours = consumers.intersection(servers)
        asked: set[str] = set()
        unknown = consumers - ours - self._strangers
        if unknown and used_by(providers, ours) != named(usage):
            asked = set(sorted(unknown)[:_MOST_QUESTIONS])
            answers = await each((self._is_strange(consumer, project_id) for consumer in sorted(asked)), self._at_once)
            ours |= {consumer for consumer, strange in zip(sorted(asked), answers, strict=True) if not strange}
            unknown -= asked
        self._strangers = frozenset(consumers - ours - (unknown if asked else set()))
        return ours

    async def _provider(self, uuid: str, root: str, root_name: str) -> Provider:
        where = f"/resource_providers/{uuid}"
        try:
            inventories = (await self._calls.get("placement", f"{where}/inventories"))["inventories"]
            allocations = (await self._calls.get("placement", f"{where}/allocations"))["allocations"]
        except CloudRefused as refusal:
            if refusal.status != failures.NOT_FOUND:
                raise
            return Provider(uuid, root, root_name)  # it went away since it was listed
        with failures.reading("Placement"):
            held = {consumer: dict(one["resources"]) for consumer, one in allocations.items()}
        return Provider(uuid, root, root_name, inventories, held)

    async def _is_strange(self, consumer: str, project_id: str) -> bool:
        """Tell whether another project holds this; what has gone meanwhile is nobody's and takes nothing."""
        shown: dict[str, Any] = await self._calls.get("placement", f"/allocations/{consumer}")
        return bool(shown.get("allocations")) and shown.get("project_id") != project_id
