"""The orchestrator of the story: what it does in several chapters, and how it sees that the answers are right."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from promise.demo.amounts import midnight, only, times, words
from promise.demo.plot import plot
from promise.northbound import bindings as yang
from promise.resources import LEAVES

if TYPE_CHECKING:
    from promise.capacity.provider import Access
    from promise.clock import Clock
    from promise.demo.client import NetconfClient
    from promise.demo.telling import Teller

HOURS = timedelta(hours=1)
PATIENCE = 120
"""Seconds for a server to come up, or to go."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The cloud of the story: how it is reached, and what an instance is made of there."""

    cloud: str
    access: Access
    password: str
    image: str
    network: str
    flavor: str | None = None


@dataclass
class Cast:
    """What the story has made so far."""

    provider: str = ""
    flavor: str = ""
    unit: yang.Capacity = field(default_factory=yang.Capacity)
    tomorrow: datetime = field(default_factory=lambda: datetime.max.replace(tzinfo=UTC))


class Orchestrator:
    """Acts on one NETCONF session and tells of it."""

    def __init__(self, client: NetconfClient, tell: Teller, setting: Setting, cast: Cast, clock: Clock) -> None:
        self._client = client
        self._tell = tell
        self._setting = setting
        self._clock = clock
        self._cast = cast

    async def reserve(self, count: int, start: int, end: int, name: str = "demo") -> yang.CreateReservationOutput:
        """Ask for so many instances' worth between two hours of tomorrow."""
        cast = self._cast
        self._tell.asked(f"create-reservation {words(times(cast.unit, count))}, tomorrow {start:02}:00 to {end:02}:00")
        return await self._client.call(
            yang.CREATE_RESERVATION_RPC,
            yang.CreateReservationInput(
                start=cast.tomorrow + start * HOURS,
                end=cast.tomorrow + end * HOURS,
                capacity=times(cast.unit, count),
                name=name,
            ),
        )

    async def cancel(self, reservation: str) -> None:
        """Cancel a reservation."""
        self._tell.asked(f"cancel-reservation {reservation}")
        gone = await self._client.call(
            yang.CANCEL_RESERVATION_RPC, yang.CancelReservationInput(reservation_id=reservation)
        )
        self.granted("cancel-reservation", gone)

    async def boot(self, name: str, reservation: str | None) -> str:
        """Create an instance, with or without a reservation, and see that it runs; return its id."""
        tell, setting = self._tell, self._setting
        tell.asked(f"create-instance {name}" + (f" with reservation {reservation}" if reservation else ""))
        made = await self._client.call(
            yang.CREATE_INSTANCE_RPC,
            yang.CreateInstanceInput(
                provider_id=self._cast.provider,
                name=name,
                image=setting.image,
                flavor=self._cast.flavor,
                networks=(setting.network,),
                reservation_id=reservation,
            ),
        )
        self.granted("create-instance", made)
        tell.answered(f"instance {made.instance_id} is {made.status}: {made.vm_state}, server {made.server}")
        state = await self._until(made.instance_id or "", {"ACTIVE", "ERROR"})
        tell.check(f"state of {name}", state, "ACTIVE")
        tell.answered(f"instance {made.instance_id} is {state}")
        return made.instance_id or ""

    async def destroy(self, instance: str) -> None:
        """Destroy an instance, and see that it is gone."""
        self._tell.asked(f"destroy-instance {instance}")
        gone = await self._client.call(yang.DESTROY_INSTANCE_RPC, yang.DestroyInstanceInput(instance_id=instance))
        self.granted("destroy-instance", gone)
        state = await self._until(instance, {"DELETED"})
        self._tell.check("state of the destroyed instance", state, "DELETED")
        self._tell.answered(f"instance {instance} is {state}")

    async def _until(self, instance: str, wanted: set[str]) -> str:
        """Return the state of an instance once it is one of these, or when patience is over."""
        state = ""
        for _ in range(PATIENCE * 4):
            found = await self._client.call(yang.QUERY_INSTANCE_RPC, yang.QueryInstanceInput(instance_id=(instance,)))
            state = found.instance[0].vm_state
            if state in wanted:
                break
            await asyncio.sleep(0.25)
        return state

    async def expect(self, what: str, units: int) -> None:
        """See that so many instances' worth are available, and that the columns add up."""
        answer = await self._client.call(
            yang.QUERY_CAPACITY_RPC,
            yang.QueryCapacityInput(provider_id=self._cast.provider, all_metrics=True, limit=1),
        )
        self.granted("query-capacity", answer)
        now = answer.utilization[0]
        self._tell.check(what, only(now.available), only(times(self._cast.unit, units)))
        sides = [
            {name: sum(only(column).get(name, 0) for column in columns) for name in LEAVES}
            for columns in ((now.total, now.overdrawn), (now.available, now.reserved, now.usage))
        ]
        self._tell.check("total + overdrawn = available + reserved + usage", *sides)
        self._tell.answered(f"{what}: {words(now.available or yang.Capacity())}")

    async def picture(self) -> None:
        """Draw four days, from the next even hour on, in steps of two hours."""
        begin = midnight(self.now()) + (self.now().hour // 2 + 1) * 2 * HOURS
        starts = [begin + 2 * index * HOURS for index in range(48)]
        window = yang.QueryWindow(start=begin, end=starts[-1] + 2 * HOURS)
        answer = await self._client.call(
            yang.QUERY_CAPACITY_RPC,
            yang.QueryCapacityInput(provider_id=self._cast.provider, window=window, all_metrics=True, resolution=7200),
        )
        self.granted("query-capacity", answer)
        self._tell.picture(plot("cores", answer.utilization, "cores", starts))

    def granted(self, rpc: str, answer: object) -> None:
        """See that a request was granted."""
        result, message = getattr(answer, "result", None), getattr(answer, "message", None)
        self._tell.check(f"{rpc} ({message})", result, "ok")

    def now(self) -> datetime:
        """Return this moment."""
        return datetime.fromtimestamp(self._clock.now(), UTC)
