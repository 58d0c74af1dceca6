"""Server groups: named by their id or name; made when the first server of a new name comes, and kept.

An id is of a group that is there, or it is refused: a group that is merely called like a lost one would hold nobody.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from promise.errors import CloudRefused, CloudUnreachable, OutcomeUnknown
from promise.vim.openstack import failures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promise.vim.openstack.calls import Calls


class _Group(NamedTuple):
    """A server group, as Nova shows it."""

    id: str
    name: str
    policy: str


def _is_id(name: str) -> bool:
    """Tell whether this is written as Nova writes ids."""
    try:
        return str(UUID(name)) == name.lower()
    except ValueError:
        return False


class Groups:
    """The server groups of one project. Only one is made at a time, so that of each there is one."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._making = asyncio.Lock()

    async def of(self, affinity: Sequence[tuple[str, str]]) -> str | None:
        """Return the id of the group of this kind and name, made if need be; None when none is wanted.

        Raises:
            CloudRefused: more than one is wanted, the id is of none or of another kind, or Nova makes none (quota).
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
        """Return the id of the group with this id, or of this kind and name; of several always the same."""
        groups = await self._all()
        if (policy := next((one.policy for one in groups if one.id == name), None)) is not None:
            if policy != kind:
                raise CloudRefused(f"the server group {name} is of kind {policy}, not {kind}")
            return name
        found = min((one.id for one in groups if (one.policy, one.name) == (kind, name)), default=None)
        if found is None and _is_id(name):
            raise CloudRefused(f"there is no server group {name}")
        return found

    async def _all(self) -> list[_Group]:
        """Return all groups of the project. Nova pages them by offset only."""
        found: list[_Group] = []
        while True:
            page = await self._calls.read("compute", "/os-server-groups", "server_groups", offset=str(len(found)))
            with failures.reading("Nova"):
                found += [_Group(str(one["id"]), one["name"], one["policy"]) for one in page]
            if not page:
                return found

    async def _make(self, kind: str, name: str) -> str:
        body = {"server_group": {"name": name, "policy": kind}}
        try:
            answer = await self._calls.act("POST", "compute", "/os-server-groups", body)
        except OutcomeUnknown as error:
            raise CloudUnreachable(error.message, status=error.status) from None
        with failures.reading("Nova"):
            return str(answer.body["server_group"]["id"])
