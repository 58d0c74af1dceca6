"""Keeps what we know of each cloud true: one idempotent refresh per provider, by the clock and by hints (section 7).

Quick looks at the servers follow instances that are on their way; every `sync_interval` seconds the whole provider is
looked at. What is seen becomes a decision; a look that finds no difference decides nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import structlog

from promise.allocation import outcome
from promise.allocation.model import UNSETTLED, Allocation, Asked
from promise.allocation.server import Servers
from promise.capacity import providers
from promise.errors import CloudError, LedgerFailure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from promise.allocation.book import AllocationBook
    from promise.allocation.server import Server
    from promise.capacity.ledger import Decisions
    from promise.capacity.provider import Discovery
    from promise.clock import Clock
    from promise.events import Decision, Entry

log = structlog.get_logger(__name__)

ACTOR = "cloud-sync"
"""The actor of what was seen in clouds."""


class Watched(Servers, Protocol):
    """A cloud as a refresh needs it."""

    async def discover(self, source: str | None = None) -> Discovery:
        """Look at zones, hosts, flavors and bounds."""


class Sync:
    """One task per provider; `run` ends when it is cancelled. `quick` is the pause between quick looks, seconds."""

    def __init__(
        self,
        ledger: Decisions[AllocationBook],
        clouds: Callable[[str], Awaitable[Watched]],
        clock: Clock,
        quick: int = 1,
    ) -> None:
        self._ledger = ledger
        self._clouds = clouds
        self._clock = clock
        self._quick = quick
        self._hints: dict[str, asyncio.Event] = {}
        self._added: asyncio.Queue[str] = asyncio.Queue()

    def heard(self, entries: Sequence[Entry]) -> None:
        """Take note of new providers, and of instances that have set out."""
        for entry in entries:
            event = entry.event
            if event.kind == "provider-added":
                self._added.put_nowait(event.key)
            elif isinstance(event.record, Allocation) and event.record.vm_state in UNSETTLED:
                self.hint(event.record.provider)

    def hint(self, provider: str) -> None:
        """Look at a provider soon: somebody says that something has changed there."""
        if provider in self._hints:
            self._hints[provider].set()

    async def look(self, provider: str) -> None:
        """Look at a whole provider now, and return when what was found is decided; a cloud that fails is noted."""
        await self._looked(provider, whole=True)

    async def run(self) -> None:
        """Watch every provider, those that come later too."""
        for provider in await self._ledger.read(lambda book, _now: list(book.providers)):
            self._added.put_nowait(provider)
        async with asyncio.TaskGroup() as tasks:
            while True:
                provider = await self._added.get()
                if provider not in self._hints:
                    self._hints[provider] = asyncio.Event()
                    tasks.create_task(self._watch(provider), name=f"sync of {provider}")

    async def _watch(self, provider: str) -> None:
        """Look at one provider until it is removed."""
        try:
            whole_at = self._clock.now()
            while (interval := await self._ledger.read(lambda book, _now: _interval(book, provider))) is not None:
                if self._clock.now() >= whole_at:
                    await self._looked(provider, whole=True)
                    whole_at = self._clock.now() + interval
                else:
                    await self._looked(provider, whole=False)
                unsettled = await self._ledger.read(lambda book, _now: _unsettled(book, provider))
                await self._pause(provider, min(whole_at, self._clock.now() + self._quick) if unsettled else whole_at)
        finally:
            del self._hints[provider]

    async def _pause(self, provider: str, until: int) -> None:
        """Wait until a moment, or for a hint."""
        hint = self._hints[provider]
        waits = [asyncio.ensure_future(self._clock.sleep_until(until)), asyncio.ensure_future(hint.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        hint.clear()

    async def _looked(self, provider: str, *, whole: bool) -> None:
        try:
            cloud = await self._clouds(provider)
            if whole:
                await self._discover(provider, cloud)
            await self._servers(provider, cloud)
        except CloudError as error:
            why = error.message
            log.warning("provider not seen", provider=provider, why=why)
            await self._submit(lambda book, _now: providers.unseen(book, provider, why))
        except LedgerFailure as error:
            log.warning("what was seen was not recorded", provider=provider, why=str(error))

    async def _discover(self, provider: str, cloud: Watched) -> None:
        source = await self._ledger.read(lambda book, _now: book.providers[provider].capacity_source)
        found = await cloud.discover(source)
        await self._submit(lambda book, now: providers.seen(book, provider, found, now))

    async def _servers(self, provider: str, cloud: Watched) -> None:
        """Compare the servers of the cloud with the instances that were there before the listing began."""
        known = await self._ledger.read(lambda book, _now: _known(book, provider))
        servers = {server.id: server for server in await cloud.servers()}
        for server_id, allocation in known.items():
            server = servers.get(server_id)
            if server is None:
                server = await cloud.server(server_id)
            await self._observed(allocation, server)
        for server in servers.values():
            if server.allocation_id and await self._is_extra(server, provider):
                log.warning("server without an instance deleted", server=server.id, instance=server.allocation_id)
                await cloud.delete_server(server.id)

    async def _observed(self, allocation: str, server: Server | None) -> None:
        changes = await self._ledger.read(lambda book, now: outcome.observed(book, allocation, server, now).events)
        if changes:
            await self._submit(lambda book, now: outcome.observed(book, allocation, server, now))

    async def _is_extra(self, server: Server, provider: str) -> bool:
        """Tell whether a server was made for an instance that has another one, or needs none any more."""
        return await self._ledger.read(lambda book, _now: _extra(book, server, provider))

    async def _submit(self, decide: Callable[[AllocationBook, int], Decision[None]]) -> None:
        await self._ledger.submit(decide, actor=ACTOR)


def _interval(book: AllocationBook, provider: str) -> int | None:
    known = book.providers.get(provider)
    return known.sync_interval if known else None


def _unsettled(book: AllocationBook, provider: str) -> bool:
    return any(found.server and found.vm_state in UNSETTLED for found in book.counted_on(provider))


def _known(book: AllocationBook, provider: str) -> Mapping[str, str]:
    """Return the instance of each server that is recorded."""
    return {found.server: found.id for found in book.counted_on(provider) if found.server}


def _extra(book: AllocationBook, server: Server, provider: str) -> bool:
    allocation = book.allocations.get(server.allocation_id or "")
    if allocation is None or allocation.provider != provider or allocation.server == server.id:
        return False
    creating = any(
        asked.instance == allocation.id and asked.asked is Asked.CREATE for asked in book.open_operations.values()
    )
    return not creating
