"""Does what was asked of clouds, after the decision and never inside one (design section 3).

An operation is claimed by a decision, done once, and its outcome decided. A create whose outcome is unknown is looked
for until it turns up, or until `create_settle` seconds have passed without a trace; only then it is tried again. So of
the servers made for one instance at most one survives, whatever is lost on the way, and a restart goes on from what
the ledger says.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

import structlog

from promise.allocation import outcome
from promise.allocation.create import USER_DATA
from promise.allocation.model import Asked, Progress
from promise.allocation.server import ServerSpec
from promise.errors import CloudError, CloudRefused, CredentialsRejected, LedgerFailure, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from promise.allocation.book import AllocationBook
    from promise.allocation.model import Allocation, Operation
    from promise.allocation.server import Server, Servers
    from promise.capacity.ledger import Decisions
    from promise.clock import Clock
    from promise.events import Decision, Entry

log = structlog.get_logger(__name__)

T = TypeVar("T")

ACTOR = "cloud-worker"
"""The actor of what clouds did."""


class Aside(Protocol):
    """What is kept beside the journal."""

    async def secret(self, key: str) -> str | None:
        """Return a secret of the side table."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on. `create_settle` and the delays are in seconds; `attempts` bounds creates, deletes go on."""

    create_settle: int = 120
    look_every: int = 5
    attempts: int = 6
    longest_delay: int = 60

    def delay(self, attempts: int) -> int:
        """Return the pause after so many attempts: 1, 2, 4 ... seconds."""
        return int(min(self.longest_delay, 2 ** max(0, attempts - 1)))


class Worker:
    """Runs open operations, each in a task of its own; `run` ends when it is cancelled."""

    def __init__(
        self,
        ledger: Decisions[AllocationBook],
        aside: Aside,
        clouds: Callable[[str], Awaitable[Servers]],
        clock: Clock,
        patience: Patience | None = None,
    ) -> None:
        self._ledger = ledger
        self._aside = aside
        self._clouds = clouds
        self._clock = clock
        self._patience = patience or Patience()
        self._asked: asyncio.Queue[str] = asyncio.Queue()
        self._running: set[str] = set()

    def heard(self, entries: Sequence[Entry]) -> None:
        """Take note of operations that a commit has asked for."""
        for entry in entries:
            if entry.event.kind == "operation-asked":
                self._asked.put_nowait(entry.event.key)

    async def run(self) -> None:
        """Resume what is open, then do what is asked."""
        for operation in await self._ledger.read(lambda book, _now: list(book.open_operations)):
            self._asked.put_nowait(operation)
        async with asyncio.TaskGroup() as tasks:
            while True:
                operation = await self._asked.get()
                if operation not in self._running:
                    self._running.add(operation)
                    tasks.create_task(self._pursue(operation), name=f"operation {operation}")

    async def _pursue(self, operation: str) -> None:
        """Work on one operation until it is through."""
        try:
            while (asked := await self._look(operation)) is not None:
                await self._clock.sleep_until(asked.not_before)
                try:
                    await self._attempted(asked)
                except LedgerFailure:
                    log.warning("outcome not recorded, looked for again", operation=operation)
                    await self._clock.sleep_until(self._clock.now() + 1)
        finally:
            self._running.discard(operation)

    async def _attempted(self, asked: Operation) -> None:
        try:
            await self._step(asked)
        except CloudError as error:
            await self._defer(asked, error.message)

    async def _look(self, operation: str) -> Operation | None:
        return await self._ledger.read(lambda book, _now: book.open_operations.get(operation))

    async def _step(self, asked: Operation) -> None:
        if asked.asked is Asked.DELETE:
            await self._delete(asked)
        elif asked.progress is Progress.PENDING:
            await self._create(asked)
        else:
            await self._settle(asked)

    async def _defer(self, asked: Operation, why: str) -> None:
        """Try again later what certainly had no effect, and look again later for what may have had one."""
        if asked.progress is Progress.PENDING or asked.asked is Asked.DELETE:
            await self._again(asked, why, self._patience.delay(asked.attempts + 1))
        else:
            await self._look_again(asked, why)

    async def _again(self, asked: Operation, why: str, delay: int) -> None:
        later = self._clock.now() + delay
        await self._submit(lambda book, _now: outcome.again(book, asked.id, why, later))

    async def _look_again(self, asked: Operation, why: str) -> None:
        later = self._clock.now() + self._patience.look_every
        await self._submit(lambda book, _now: outcome.uncertain(book, asked.id, why, later))

    async def _claim(self, asked: Operation) -> Operation | None:
        return await self._submit(lambda book, now: outcome.attempt(book, asked.id, now))

    # ---- create

    async def _create(self, asked: Operation) -> None:
        claimed = await self._claim(asked)
        if claimed is None:
            return
        log.info("server asked", instance=claimed.instance, provider=claimed.provider, attempt=claimed.attempts)
        try:
            cloud = await self._clouds(claimed.provider)
            server = await cloud.create_server(await self._spec(claimed))
        except OutcomeUnknown as error:
            await self._look_again(claimed, error.message)
        except (CloudRefused, CredentialsRejected) as error:
            await self._refused(claimed, error.message)
        except CloudError as error:
            await self._unreached(claimed, error.message)
        else:
            await self._made(claimed, server)

    async def _made(self, claimed: Operation, server: Server) -> None:
        await self._submit(lambda book, now: outcome.created(book, claimed.id, server, now))

    async def _refused(self, claimed: Operation, why: str) -> None:
        await self._submit(lambda book, now: outcome.refused(book, claimed.id, why, now))

    async def _unreached(self, claimed: Operation, why: str) -> None:
        """Try again, as certainly nothing happened; give up after some attempts."""
        if claimed.attempts >= self._patience.attempts:
            await self._refused(claimed, f"given up after {claimed.attempts} attempts: {why}")
        else:
            await self._again(claimed, why, self._patience.delay(claimed.attempts))

    async def _settle(self, asked: Operation) -> None:
        """Look for the server of a create that may have had its effect."""
        cloud = await self._clouds(asked.provider)
        found = sorted(await cloud.servers_of(asked.instance), key=lambda server: (server.created, server.id))
        for extra in found[1:]:
            log.warning("second server deleted", instance=asked.instance, server=extra.id)
            await cloud.delete_server(extra.id)
        if found:
            await self._made(asked, found[0])
        elif self._clock.now() < (asked.attempted or 0) + self._patience.create_settle:
            await self._look_again(asked, asked.result or "interrupted")
        else:
            await self._unreached(asked, f"no trace after {self._patience.create_settle} s: {asked.result}")

    async def _spec(self, claimed: Operation) -> ServerSpec:
        allocation = await self._ledger.read(lambda book, _now: book.allocations[claimed.instance])
        user_data = await self._aside.secret(USER_DATA + allocation.id) if allocation.user_data else None
        return ServerSpec(
            allocation_id=allocation.id,
            name=allocation.name,
            image=allocation.image,
            flavor=allocation.flavor,
            networks=allocation.networks,
            zone=allocation.zone,
            key_name=allocation.key_name,
            security_groups=allocation.security_groups,
            user_data=user_data,
            metadata=allocation.metadata,
        )

    # ---- delete

    async def _delete(self, asked: Operation) -> None:
        if asked.progress is Progress.RUNNING:
            await self._again(asked, "interrupted", 0)
            return
        allocation, waits = await self._ledger.read(lambda book, _now: _to_delete(book, asked))
        if waits:
            await self._again(asked, "waits for the create", 1)
            return
        claimed = await self._claim(asked)
        if claimed is None:
            return
        if allocation.server is not None:
            cloud = await self._clouds(claimed.provider)
            await cloud.delete_server(allocation.server)
        await self._submit(lambda book, now: outcome.deleting(book, claimed.id, now))

    async def _submit(self, decide: Callable[[AllocationBook, int], Decision[T]]) -> T:
        return await self._ledger.submit(decide, actor=ACTOR)


def _to_delete(book: AllocationBook, asked: Operation) -> tuple[Allocation, bool]:
    """Return the instance to delete, and whether its create is still open."""
    others = [other for other in book.open_operations.values() if other.instance == asked.instance]
    return book.allocations[asked.instance], any(other.asked is Asked.CREATE for other in others)
