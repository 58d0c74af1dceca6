"""Does what was asked of clouds, after the decision and never inside one (design section 3).

An operation is claimed by a decision, done once, and its outcome decided. A create whose outcome is unknown is looked
for until it turns up, or until `create_settle` seconds have passed without a trace; only then it is tried again. So of
the servers (volumes, addresses) made for one instance at most one survives, whatever is lost on the way, and a restart
goes on from what the ledger says. A delete is open until the thing is gone. What servers, volumes and addresses differ
in is in `making` and `ending`; what comes after what, in `plan`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from promise.allocation import outcome
from promise.allocation.ending import endings
from promise.allocation.making import VolumeMaking, makings
from promise.allocation.model import Asked, Progress
from promise.allocation.volume import VolumeState
from promise.errors import (
    CloudError,
    CloudRefused,
    CredentialsRejected,
    LedgerBroken,
    LedgerFailure,
    OutcomeUnknown,
    Overloaded,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from promise.allocation.book import AllocationBook
    from promise.allocation.ending import Ending
    from promise.allocation.making import Aside, Making, Thing, Worked
    from promise.allocation.model import Operation
    from promise.allocation.volume import Volume
    from promise.capacity.ledger import Decisions
    from promise.clock import Clock
    from promise.events import Decision, Entry

log = structlog.get_logger(__name__)

T = TypeVar("T")

ACTOR = "cloud-worker"
"""The actor of what clouds did."""

_YOUNG: Final = 60
"""Seconds for which a volume that is being made is looked at every second."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on. `create_settle` and the delays are in seconds.

    `attempts` bounds creates but those of addresses: what runs is not taken down because Neutron is away.
    """

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
        clouds: Callable[[str], Awaitable[Worked]],
        clock: Clock,
        patience: Patience | None = None,
    ) -> None:
        self._ledger = ledger
        self._makings = makings(ledger, aside)
        self._endings = endings(ledger)
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
        """Work on one operation until it is through. Only a broken ledger stops us."""
        troubles = 0
        try:
            while (asked := await self._look(operation)) is not None:
                await self._clock.sleep_until(asked.not_before)
                troubles = 0 if await self._attempted(asked) else troubles + 1
                if troubles:
                    await self._wait(self._patience.delay(troubles))
        finally:
            self._running.discard(operation)

    async def _attempted(self, asked: Operation) -> bool:
        """Take the next step, and tell whether the outcome is recorded; if not, what it was is found out again."""
        try:
            try:
                await self._step(asked)
            except CloudError as error:
                await self._defer(asked.id, error.message)
        except LedgerBroken:
            raise
        except (LedgerFailure, Overloaded) as error:
            log.warning("outcome not recorded, looked for again", operation=asked.id, why=str(error))
        except Exception:
            log.exception("a step of an operation went wrong", operation=asked.id)
        else:
            return True
        return False

    async def _look(self, operation: str) -> Operation | None:
        return await self._ledger.read(lambda book, _now: book.open_operations.get(operation))

    async def _step(self, asked: Operation) -> None:
        if not asked.asked.makes:
            await self._delete(asked)
        elif asked.progress is Progress.PENDING:
            await self._create(asked)
        else:
            await self._settle(asked)

    async def _defer(self, operation: str, why: str) -> None:
        """Try again later what certainly had no effect, and look again later for what may have had one."""
        asked = await self._look(operation)
        if asked is None:
            return
        if asked.progress is Progress.PENDING or not asked.asked.makes:
            await self._again(asked, why, self._patience.delay(asked.attempts))
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

    async def _wait(self, seconds: int) -> None:
        await self._clock.sleep_until(self._clock.now() + seconds)

    # ---- create

    async def _create(self, asked: Operation) -> None:
        claimed = await self._claim(asked)
        if claimed is None:
            return
        making = self._makings[claimed.asked]
        log.info(
            "cloud asked",
            kind=claimed.asked.value,
            instance=claimed.instance,
            provider=claimed.provider,
            part=claimed.part,
            attempt=claimed.attempts,
        )
        try:
            spec = await making.spec(claimed)
            cloud = await self._clouds(claimed.provider)
        except CloudError as error:  # whatever it is, nothing was sent
            await self._unreached(claimed, error.message)
            return
        try:
            thing = await making.ask(cloud, spec)
        except OutcomeUnknown as error:
            await self._look_again(claimed, error.message)
        except CloudRefused as error:
            await self._refused(claimed, error.message)
        except CredentialsRejected as error:
            await (self._refused if claimed.part is None else self._unreached)(claimed, error.message)
        except CloudError as error:
            await self._unreached(claimed, error.message)
        else:
            await self._made(making, claimed, cloud, [thing])

    async def _made(self, making: Making, claimed: Operation, cloud: Worked, things: Sequence[Thing]) -> None:
        """Record the first thing. Whichever the instance then has, that one stays and the others go.

        Recorded first: a look at the cloud may have recorded another one meanwhile, and one of them has to stay.
        """
        kept = await self._submit(lambda book, now: making.made(book, claimed.id, things[0], now))
        for extra in things:
            if extra.id != kept:
                log.warning("second one deleted", kind=claimed.asked.value, instance=claimed.instance, id=extra.id)
                await making.drop(cloud, extra.id)

    async def _refused(self, claimed: Operation, why: str) -> None:
        await self._submit(lambda book, now: outcome.refused(book, claimed.id, why, now))

    async def _unreached(self, claimed: Operation, why: str) -> None:
        """Try again, as certainly nothing happened; give up after some attempts, unless the server runs already."""
        if claimed.attempts >= self._patience.attempts and claimed.asked is not Asked.CREATE_ADDRESS:
            await self._refused(claimed, f"given up after {claimed.attempts} attempts: {why}")
        else:
            await self._again(claimed, why, self._patience.delay(claimed.attempts))

    async def _settle(self, asked: Operation) -> None:
        """Look for what a create may have made that may have had its effect."""
        making = self._makings[asked.asked]
        cloud = await self._clouds(asked.provider)
        if isinstance(making, VolumeMaking) and (volume := await making.recorded(asked)) is not None:
            await self._await_volume(making, asked, await cloud.volume(volume))
            return
        found = await making.find(cloud, asked)
        if found:
            await self._made(making, asked, cloud, found)
        elif self._clock.now() < (asked.attempted or 0) + self._patience.create_settle:
            await self._look_again(asked, asked.result or "interrupted")
        else:
            await self._unreached(asked, f"no trace after {self._patience.create_settle} s: {asked.result}")

    async def _await_volume(self, making: VolumeMaking, asked: Operation, volume: Volume | None) -> None:
        """Go on once a volume is available; one that failed, or is gone, is a refusal."""
        if volume is None or volume.state in {VolumeState.ERROR, VolumeState.DELETING}:
            state = "gone" if volume is None else volume.state.value
            await self._refused(asked, f"volume {asked.part} was accepted, and is {state}")
        elif volume.state is VolumeState.CREATING:
            young = self._clock.now() < (asked.attempted or 0) + _YOUNG
            await self._wait(1 if young else self._patience.look_every)
        else:
            await self._submit(lambda book, now: making.ready(book, asked.id, now))

    # ---- delete

    async def _delete(self, asked: Operation) -> None:
        """Ask for the end of a thing until it is gone; asking twice does no harm."""
        ending = self._endings[asked.asked]
        thing, waits = await ending.target(asked)
        if waits:
            await self._wait(1)
        elif thing is None:
            await self._submit(lambda book, now: outcome.through(book, asked.id, now))
        elif asked.progress is Progress.RUNNING:
            await self._again(asked, "interrupted", 0)
        elif asked.progress is Progress.PENDING:
            await self._ask_to_leave(ending, asked, thing)
        else:
            await self._see_off(ending, asked, thing)

    async def _ask_to_leave(self, ending: Ending, asked: Operation, thing: str) -> None:
        claimed = await self._claim(asked)
        if claimed is not None:
            cloud = await self._clouds(claimed.provider)
            await ending.ask(cloud, thing)
            if ending.at_once:
                await self._submit(lambda book, now: ending.gone(book, claimed, now))
            else:
                await self._submit(lambda book, _now: outcome.leaving(book, claimed.id))

    async def _see_off(self, ending: Ending, asked: Operation, thing: str) -> None:
        """Look whether the thing has gone; a cloud that has forgotten what it accepted is asked again."""
        await self._wait(self._patience.look_every)
        if await self._look(asked.id) is None:
            return
        cloud = await self._clouds(asked.provider)
        stays = await ending.stays(cloud, thing)
        if stays is None:
            await self._submit(lambda book, now: ending.gone(book, asked, now))
        elif stays:
            why = f"accepted, and the {ending.noun} is {stays} still"
            await self._again(asked, why, self._patience.delay(asked.attempts))

    async def _submit(self, decide: Callable[[AllocationBook, int], Decision[T]]) -> T:
        return await self._ledger.submit(decide, actor=ACTOR)
