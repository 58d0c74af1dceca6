"""Keeps what we know of each cloud true: one idempotent refresh per provider, by the clock and by hints (section 7).

Quick looks at the servers follow instances that are on their way; every `sync_interval` seconds the whole provider is
looked at. What is seen becomes a decision; a look that finds no difference decides nothing. Looks at one provider come
one after the other. One that fails, whatever the reason, is followed by another one a little later.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import structlog

from promise.allocation import listing, outcome
from promise.allocation.making import Worked
from promise.allocation.model import UNSETTLED, Allocation
from promise.allocation.partwatch import PartWatch
from promise.capacity import providers
from promise.clock import first_of
from promise.errors import CloudError, LedgerBroken, LedgerFailure, Overloaded
from promise.reservation import loss
from promise.reservation.lookup import Catalogue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from promise.allocation.book import AllocationBook
    from promise.allocation.server import Server
    from promise.capacity.ledger import Decisions
    from promise.capacity.provider import Access, Discovery
    from promise.clock import Clock
    from promise.events import Decision, Entry

log = structlog.get_logger(__name__)

ACTOR = "cloud-sync"
"""The actor of what was seen in clouds."""


_RESTLESS: Final = 600
"""Seconds for which quick looks follow an instance that has not changed; after that the regular ones do."""

_SPREAD: Final = 10
"""Regular looks come up to this part of the interval sooner: those at many clouds, begun together, drift apart."""

_AT_ONCE: Final = 500
"""So many servers are compared in one decision: others have to be decided in between."""

T = TypeVar("T")


class Watched(Worked, Catalogue, Protocol):
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
        self._parts = PartWatch(ledger, ACTOR)
        self._clouds = clouds
        self._clock = clock
        self._quick = quick
        self._hints: dict[str, asyncio.Event] = {}
        self._added: asyncio.Queue[str] = asyncio.Queue()
        self._changed: set[str] = set()
        self._again: set[str] = set()
        self._turn: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._looks: defaultdict[str, int] = defaultdict(int)

    def heard(self, entries: Sequence[Entry]) -> None:
        """Take note of providers that are new, changed or gone, and of instances that have set out."""
        for entry in entries:
            event = entry.event
            if event.kind == "provider-added":
                self._added.put_nowait(event.key)
            elif event.kind in {"provider-changed", "provider-removed"}:
                self._changed.add(event.key)
                self.hint(event.key)
            elif isinstance(event.record, Allocation) and event.record.vm_state in UNSETTLED:
                self.hint(event.record.provider)

    def hint(self, provider: str) -> None:
        """Look at a provider soon: somebody says that something has changed there."""
        if provider in self._hints:
            self._hints[provider].set()

    async def look(self, provider: str) -> None:
        """Look at a whole provider now, and return when what was found is decided; a cloud that fails is noted.

        Of many who ask at once one looks; a look that has begun after the question answers it.
        """
        begun = self._looks[provider]
        async with self._turn[provider]:
            if self._looks[provider] == begun:
                await self._looked(provider, whole=True)

    async def run(self) -> None:
        """Watch every provider, those that come later too."""
        for provider in await self._ledger.read(lambda book, _now: list(book.providers)):
            self._added.put_nowait(provider)
        async with asyncio.TaskGroup() as tasks:
            while True:
                provider = await self._added.get()
                if provider in self._hints:  # removed and added again, and its watch may be about to end
                    self._changed.add(provider)
                    self._again.add(provider)
                    self.hint(provider)
                else:
                    self._hints[provider] = asyncio.Event()
                    tasks.create_task(self._watch(provider), name=f"sync of {provider}")

    async def _watch(self, provider: str) -> None:
        """Look at one provider until it is removed."""
        try:
            whole_at, failed = self._clock.now(), 0
            while (interval := await self._read(lambda book, _now: _interval(book, provider))) is not None:
                whole = failed > 0 or self._clock.now() >= whole_at or provider in self._changed
                self._changed.discard(provider)
                async with self._turn[provider]:
                    failed = 0 if await self._looked(provider, whole=whole) else failed + 1
                now = self._clock.now()
                if failed:
                    whole_at = now + min(interval, self._quick * 2 ** min(failed, 16))
                elif whole:
                    whole_at = now + interval - _earlier(provider, now, interval)
                unsettled = not failed and await self._read(lambda book, now: _unsettled(book, provider, now))
                await self._pause(provider, min(whole_at, now + self._quick) if unsettled else whole_at)
            with suppress(CloudError):  # to ask for the driver of a provider that is gone lets go of it
                await self._clouds(provider)
        finally:
            del self._hints[provider]
            self._changed.discard(provider)
            if provider in self._again:
                self._again.discard(provider)
                self._added.put_nowait(provider)

    async def _pause(self, provider: str, until: int) -> None:
        """Wait until a moment, or for a hint."""
        hint = self._hints[provider]
        waits = [asyncio.ensure_future(self._clock.sleep_until(until)), asyncio.ensure_future(hint.wait())]
        await first_of(waits)
        hint.clear()

    async def _looked(self, provider: str, *, whole: bool) -> bool:
        """Look, and tell whether it went well. Only a broken ledger stops us: the next look may fare better."""
        self._looks[provider] += whole
        try:
            await self._see(provider, await self._clouds(provider), whole=whole)
        except LedgerBroken:
            raise
        except (LedgerFailure, Overloaded) as error:
            log.warning("what was seen was not recorded", provider=provider, why=str(error))
        except CloudError as error:
            log.warning("provider not seen", provider=provider, why=error.message)
            await self._unseen(provider, error.message)
        except Exception as error:
            log.exception("a look at a provider went wrong", provider=provider)
            await self._unseen(provider, f"what it answers is not understood ({type(error).__name__}: {error})")
        else:
            return True
        return False

    async def _see(self, provider: str, cloud: Watched, *, whole: bool) -> None:
        """Take each look although another one fails: that a service does not answer says nothing of the others."""
        troubles: list[CloudError] = []
        known = await self._read(lambda book, _now: book.providers.get(provider))
        looks = (self._discover, self._servers, self._elements, self._parts.look) if whole else (self._servers,)
        for look in looks:
            try:
                await look(provider, cloud)
            except CloudError as error:
                troubles.append(error)
        if troubles:
            raise troubles[0]
        if whole and known is not None:
            await self._reached(provider, known.access)

    async def _reached(self, provider: str, access: Access) -> None:
        """Note that everything was looked at; only that a cloud answers again is worth a decision."""
        again = await self._read(lambda book, now: providers.reached(book, provider, now, access))
        if again.events:
            await self._submit(lambda book, now: providers.reached(book, provider, now, access))
        await self._read(lambda book, now: book.looks.update({provider: now}))

    async def _unseen(self, provider: str, why: str) -> None:
        with suppress(LedgerFailure, Overloaded):
            await self._submit(lambda book, _now: providers.unseen(book, provider, why))

    async def _discover(self, provider: str, cloud: Watched) -> None:
        known = await self._read(lambda book, _now: book.providers.get(provider))
        if known is not None:
            found = await cloud.discover(providers.source_of(known))
            await self._submit(lambda book, now: providers.seen(book, provider, found, now, known.access))

    async def _servers(self, provider: str, cloud: Watched) -> None:
        """Compare the servers of the cloud with the instances that were there before the listing began."""
        known = await self._read(lambda book, _now: listing.known(book, provider))
        servers = await cloud.servers()
        superfluous: list[str] = []
        for first in range(0, len(servers), _AT_ONCE):
            superfluous += await self._compare(provider, servers[first : first + _AT_ONCE])
        listed = {server.id for server in servers}
        for server_id, instance in known.items():
            if server_id not in listed:
                await self._missed(provider, instance, await cloud.server(server_id))
        for server_id in superfluous:
            log.warning("server without an instance deleted", provider=provider, server=server_id)
            with suppress(CloudError):  # it is met again at the next look
                await cloud.delete_server(server_id)

    async def _elements(self, provider: str, cloud: Watched) -> None:
        """Look whether what live reservations hold is still there; of what cannot be told nothing changes."""
        before = await self._read(lambda book, _now: loss.known(book, provider))
        if not before:
            return
        looks = await cloud.elements(sorted({element for held in before.values() for element in held}))
        for element, look in looks.items():
            if isinstance(look, CloudError):
                log.warning("element not seen", provider=provider, element=element, why=look.message)
        seen = await self._read(lambda book, now: loss.compared(book, provider, before, looks, now))
        if seen.events:
            await self._submit(lambda book, now: loss.compared(book, provider, before, looks, now))

    async def _missed(self, provider: str, instance: str, server: Server | None) -> None:
        """Record what a direct look at a server said that was not listed."""
        if server is not None:
            await self._compare(provider, [server])
        else:
            await self._submit(lambda book, now: outcome.observed(book, instance, None, now))

    async def _compare(self, provider: str, servers: Sequence[Server]) -> Sequence[str]:
        """Record what is different, and return the servers that have to go."""
        seen = await self._read(lambda book, now: listing.compared(book, provider, servers, now))
        if not seen.events:
            return seen.answer
        return await self._submit(lambda book, now: listing.compared(book, provider, servers, now))

    async def _read(self, query: Callable[[AllocationBook, int], T]) -> T:
        return await self._ledger.read(query)

    async def _submit(self, decide: Callable[[AllocationBook, int], Decision[T]]) -> T:
        return await self._ledger.submit(decide, actor=ACTOR)


def _earlier(provider: str, now: int, interval: int) -> int:
    """Return how much sooner than its interval a provider is looked at again: up to a tenth, so that many spread."""
    return zlib.crc32(f"{provider} {now}".encode()) % (interval // _SPREAD + 1)


def _interval(book: AllocationBook, provider: str) -> int | None:
    known = book.providers.get(provider)
    return known.interval if known else None


def _unsettled(book: AllocationBook, provider: str, now: int) -> bool:
    return any(
        found.server and not found.server_gone and found.vm_state in UNSETTLED and found.modified > now - _RESTLESS
        for found in book.counted_on(provider)
    )
