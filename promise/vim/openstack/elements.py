"""What a cloud has under an id, whatever kind of thing it is: asked of every service that could know it.

Servers, volumes, ports and addresses (floating IPs) have to be our project's: administrators see those of others too,
which are not ours to hold. Networks have to be usable by it. Hosts belong to nobody; who may not read them has none.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from promise.errors import CloudError, CloudRefused
from promise.reservation.elements import Element, Kind
from promise.vim.openstack import failures
from promise.vim.openstack.calls import each
from promise.vim.openstack.servers import exists
from promise.vim.openstack.session import SERVICES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from promise.reservation.elements import Look
    from promise.vim.openstack.calls import Calls

_NOT_THERE: Final = frozenset({400, failures.NOT_FOUND})
"""Statuses with which a service says that it has nothing under an id; 400: it could not even be one."""

_FORBIDDEN: Final = 403

_ID: Final = re.compile(r"[0-9A-Za-z_-]+")
_WORDS: Final = frozenset({"detail", "summary"})
"""These are no ids where a path has ids: `/servers/detail` is the listing."""


class Elements:
    """Looks for elements, and remembers which kind an id was, so that it need not be looked for everywhere again."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._kinds: dict[str, Kind] = {}

    async def look(self, ids: Sequence[str]) -> Mapping[str, Look]:
        """Return what there is under each of these ids; see `vim.port.Cloud`."""
        search = _Search(self._calls)
        at_once = max(1, self._calls.limits.threads // len(Kind))
        found = await each(lambda wanted: search.find(wanted, self._kinds.get(wanted)), ids, at_once)
        looks = dict(zip(ids, found, strict=True))
        for wanted, one in looks.items():
            if isinstance(one, Element):
                self._kinds[wanted] = one.kind
            elif one is None:
                self._kinds.pop(wanted, None)
        return looks


class _Search:
    """One look for several ids; hosts are listed once for all of them, when one is first looked for there."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._hosts: Mapping[str, Element] | CloudError | None = None
        self._listing = asyncio.Lock()
        self._verbs: Mapping[Kind, Callable[[str], Awaitable[Element | None]]] = {
            Kind.SERVER: self._server,
            Kind.VOLUME: self._volume,
            Kind.NETWORK: self._network,
            Kind.PORT: self._port,
            Kind.ADDRESS: self._address,
            Kind.HOST: self._host,
        }

    async def find(self, wanted: str, likely: Kind | None) -> Look:
        """Ask first where it was found before, then everywhere; who has it is believed whatever the others say."""
        if likely is not None and isinstance(known := await self._ask(likely, wanted), Element):
            return known
        answers = await asyncio.gather(*(self._ask(kind, wanted) for kind in Kind))
        found = next((answer for answer in answers if isinstance(answer, Element)), None)
        return found or next((answer for answer in answers if answer is not None), None)

    async def _ask(self, kind: Kind, wanted: str) -> Look:
        if kind is not Kind.HOST and (wanted in _WORDS or not _ID.fullmatch(wanted)):
            return None
        try:
            return await self._verbs[kind](wanted)
        except CloudRefused as refusal:
            return None if refusal.status in _NOT_THERE else refusal
        except CloudError as error:
            return error

    async def _server(self, wanted: str) -> Element | None:
        shown = await self._calls.read("compute", f"/servers/{quote(wanted)}", "server")
        with failures.reading("Nova"):
            return await self._ours(Kind.SERVER, wanted, shown, shown["tenant_id"]) if exists(shown) else None

    async def _volume(self, wanted: str) -> Element | None:
        if await self._calls.endpoint("block_storage") is None:
            return None
        shown = await self._calls.read("block_storage", f"/volumes/{quote(wanted)}", "volume")
        with failures.reading("Cinder"):
            return await self._ours(Kind.VOLUME, wanted, shown, shown.get("os-vol-tenant-attr:tenant_id"))

    async def _network(self, wanted: str) -> Element | None:
        for shown in await self._neutron("networks", wanted):
            if shown.get("shared") or shown.get("router:external"):
                return Element(Kind.NETWORK)
            return await self._ours(Kind.NETWORK, wanted, shown, shown.get("project_id"))
        return None

    async def _port(self, wanted: str) -> Element | None:
        for shown in await self._neutron("ports", wanted):
            return await self._ours(Kind.PORT, wanted, shown, shown.get("project_id"))
        return None

    async def _address(self, wanted: str) -> Element | None:
        for shown in await self._neutron("floatingips", wanted):
            return await self._ours(Kind.ADDRESS, wanted, shown, shown.get("project_id"))
        return None

    async def _neutron(self, plural: str, wanted: str) -> list[Mapping[str, Any]]:
        """Return what Neutron lists under exactly this id: one thing, or nothing."""
        if await self._calls.endpoint("network") is None:
            return []
        listed = await self._calls.read("network", f"/{plural}", plural, id=wanted)
        with failures.reading(SERVICES["network"]):
            return [shown for shown in listed if shown["id"] == wanted]

    async def _ours(self, kind: Kind, wanted: str, shown: Mapping[str, Any], project: object) -> Element | None:
        """Return the element if it is called exactly so and our project's, as whatever hides its project must be."""
        ours = (await self._calls.grant()).project_id
        return Element(kind) if shown["id"] == wanted and project in {None, ours} else None

    async def _host(self, wanted: str) -> Element | None:
        async with self._listing:
            if self._hosts is None:
                try:
                    self._hosts = await self._listed_hosts()
                except CloudError as error:
                    self._hosts = error
        if isinstance(self._hosts, CloudError):
            raise self._hosts
        return self._hosts.get(wanted)

    async def _listed_hosts(self) -> Mapping[str, Element]:
        """Return all hosts by the id and the name of the hypervisor, and by the name of the compute service."""
        try:
            shown = await self._calls.pages("compute", "/os-hypervisors/detail", "hypervisors")
        except CloudRefused as refusal:
            if refusal.status == _FORBIDDEN:
                return {}
            raise
        with failures.reading("Nova"):
            return _by_name(shown)


def _by_name(hypervisors: Iterable[Mapping[str, Any]]) -> Mapping[str, Element]:
    """Return the hosts by what they are called; a service with several nodes is up while one of them is.

    Who holds a node holds it under its id and its name. Who holds a service holds all of its nodes so.
    """
    nodes: dict[str, set[str]] = {}
    up: set[str] = set()
    for shown in hypervisors:
        names = {str(shown["id"]), str(shown["hypervisor_hostname"])}
        for name in {*names, str(shown["service"]["host"])}:
            nodes.setdefault(name, {name}).update(names)
            if shown["state"] == "up":
                up.add(name)
    return {
        name: Element(Kind.HOST, up=name in up, also=tuple(sorted(every - {name}))) for name, every in nodes.items()
    }
