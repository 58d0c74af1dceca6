"""Server groups: made when the first server of a group comes, found by name and policy ever after, and kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from promise.errors import CloudRefused, CloudUnreachable, OutcomeUnknown
from promise.vim.openstack import failures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promise.vim.openstack.calls import Calls


class Groups:
    """The server groups of one project. Only one is made at a time, so that of each there is one."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._making = asyncio.Lock()

    async def of(self, affinity: Sequence[tuple[str, str]]) -> str | None:
        """Return the id of the group of this kind and name, made if need be; None when none is wanted.

        Raises:
            CloudRefused: more than one is wanted, or Nova does not make it (quota).
            CloudUnreachable: whether it was made will show; certainly no server was.
        """
        if not affinity:
            return None
        if len(affinity) > 1:
            raise CloudRefused("a server can be in one server group only")
        ((kind, name),) = affinity
        async with self._making:
            return await self._find(kind, name) or await self._make(kind, name)

    async def _find(self, kind: str, name: str) -> str | None:
        """Return the group of this kind and name; of several always the same. Nova pages them by offset only."""
        found: list[str] = []
        seen = 0
        while True:
            page = await self._calls.read("compute", "/os-server-groups", "server_groups", offset=str(seen))
            with failures.reading("Nova"):
                found += [str(one["id"]) for one in page if (one["policy"], one["name"]) == (kind, name)]
                seen += len(page)
                if not page:
                    return min(found, default=None)

    async def _make(self, kind: str, name: str) -> str:
        body = {"server_group": {"name": name, "policy": kind}}
        try:
            answer = await self._calls.act("POST", "compute", "/os-server-groups", body)
        except OutcomeUnknown as error:
            raise CloudUnreachable(error.message, status=error.status) from None
        with failures.reading("Nova"):
            return str(answer.body["server_group"]["id"])
