"""The story: an orchestrator registers a cloud, offers capacity, reserves, is refused, and runs instances.

All amounts are multiples of what one instance of the chosen flavor takes, so that the same story plays on a cloud of
any size; all numbers that come back are checked.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from promise.demo.amounts import at, midnight, times, words
from promise.demo.orchestrator import HOURS, Cast, Orchestrator
from promise.northbound import bindings as yang

if TYPE_CHECKING:
    from promise.clock import Clock
    from promise.demo.client import NetconfClient
    from promise.demo.orchestrator import Setting
    from promise.demo.telling import Teller

UNITS = 10
"""So many instances' worth is offered."""


class Story:
    """Plays all chapters on one NETCONF session."""

    def __init__(self, client: NetconfClient, tell: Teller, setting: Setting, clock: Clock) -> None:
        self._client = client
        self._tell = tell
        self._setting = setting
        self._cast = Cast()
        self._orchestrator = Orchestrator(client, tell, setting, self._cast, clock)

    async def play(self) -> None:
        """Play the story to its end."""
        await self._register()
        await self._offer()
        now_id = await self._reserve_now()
        first, second = await self._reserve_later()
        await self._refusal()
        await self._change(first, second)
        await self._instances(now_id)
        await self._clean_up(now_id, first)

    # ---- chapters

    async def _register(self) -> None:
        tell, setting = self._tell, self._setting
        tell.chapter("The orchestrator registers a cloud")
        tell.say(
            """Promise stands between an orchestrator and OpenStack clouds. The orchestrator speaks NETCONF: XML over
            SSH, described by a YANG model. It gives Promise the address of a cloud and credentials, and Promise looks
            at the cloud before it answers."""
        )
        access = setting.access
        tell.asked(f"add-provider {access.endpoint}, user {access.username}")
        answer = await self._client.call(
            yang.ADD_PROVIDER_RPC,
            yang.AddProviderInput(
                provider_type="openstack",
                endpoint=access.endpoint,
                username=access.username,
                password=setting.password,
                user_domain_name=access.user_domain_name,
                project=yang.Project(
                    id=access.project_id, name=access.project_name, domain_name=access.project_domain_name
                ),
                region=access.region,
            ),
        )
        self._orchestrator.granted("add-provider", answer)
        bound = answer.capacity or yang.Capacity()
        tell.answered(
            f"provider {answer.provider_id}: {len(answer.zones)} zones, {len(answer.flavors)} flavors, at most "
            f"{words(bound, ('cores', 'ram', 'instances'))}"
        )
        self._cast.provider = answer.provider_id or ""
        self._choose(answer.flavors)

    def _choose(self, flavors: tuple[yang.Flavor, ...]) -> None:
        """Choose the flavor of the story: the one that was asked for, else the smallest."""
        asked = self._setting.flavor
        wanted = [flavor for flavor in flavors if asked is None or asked in (flavor.id, flavor.name)]
        if not wanted:
            raise ValueError(f"the cloud has no flavor {asked}" if asked else "the cloud has no flavors")
        chosen = min(wanted, key=lambda flavor: (flavor.vcpus or 0, flavor.ram or 0, flavor.id))
        needs = chosen.capacity or yang.Capacity()
        self._cast.flavor = chosen.id
        self._cast.unit = yang.Capacity(cores=needs.cores, ram=needs.ram, instances=1)
        self._tell.say(
            f"""The story uses flavor {chosen.name}: one instance takes {self._cast.unit.cores} core(s) and
            {self._cast.unit.ram} MB of RAM. From here on, "3 instances' worth" means three times that."""
        )

    async def _offer(self) -> None:
        tell, cast = self._tell, self._cast
        tell.chapter("It offers a part of the cloud to the reservation system")
        tell.say(
            f"""Nothing may be promised before somebody says how much. The orchestrator offers {UNITS} instances' worth
            from now on, and announces a maintenance: the day after tomorrow, for six hours, 4 instances' worth less."""
        )
        self._cast.tomorrow = midnight(self._orchestrator.now()) + timedelta(days=1)
        day_after = cast.tomorrow + timedelta(days=1)
        tell.asked(f"increase-capacity by {words(times(cast.unit, UNITS))}")
        answer = await self._client.call(
            yang.INCREASE_CAPACITY_RPC,
            yang.IncreaseCapacityInput(source=cast.provider, capacity=times(cast.unit, UNITS)),
        )
        self._orchestrator.granted("increase-capacity", answer)
        tell.answered(f"pool {answer.pool_id}")
        tell.asked(f"decrease-capacity by {words(times(cast.unit, 4))} from {at(day_after + 8 * HOURS)} for 6 hours")
        less = await self._client.call(
            yang.DECREASE_CAPACITY_RPC,
            yang.DecreaseCapacityInput(
                source=cast.provider,
                capacity=times(cast.unit, 4),
                start=day_after + 8 * HOURS,
                end=day_after + 14 * HOURS,
                note="maintenance",
            ),
        )
        self._orchestrator.granted("decrease-capacity", less)
        tell.answered(f"pool {less.pool_id}")
        await self._orchestrator.expect("available now", UNITS)

    async def _reserve_now(self) -> str:
        tell, cast = self._tell, self._cast
        tell.chapter("It reserves capacity from now on")
        tell.say("3 instances' worth, from now until midnight tomorrow. This is what goes over the wire, whole:")
        answer = await self._client.call(
            yang.CREATE_RESERVATION_RPC,
            yang.CreateReservationInput(
                end=cast.tomorrow + timedelta(days=1), capacity=times(cast.unit, 3), name="demo-now"
            ),
        )
        tell.wire(self._client.last)
        self._orchestrator.granted("create-reservation", answer)
        tell.check("state of the reservation", answer.state, "active")
        tell.answered(f"reservation {answer.reservation_id} is {answer.state}")
        await self._orchestrator.expect("available now", UNITS - 3)
        return answer.reservation_id or ""

    async def _reserve_later(self) -> tuple[str, str]:
        tell = self._tell
        tell.chapter("It reserves for the future")
        tell.say(
            """Two more: 5 instances' worth tomorrow from 08:00 to 12:00, and 4 instances' worth from 12:00 to 18:00.
            The windows touch at noon and do not overlap: a window ends before the instant that its end names."""
        )
        found = []
        for count, start, end in ((5, 8, 12), (4, 12, 18)):
            made = await self._orchestrator.reserve(count, start, end)
            self._orchestrator.granted("create-reservation", made)
            tell.check("state of the reservation", made.state, "initialized")
            tell.answered(f"reservation {made.reservation_id} is {made.state}")
            found.append(made.reservation_id or "")
        tell.say("This is what capacity looks like over the next four days, in cores:")
        await self._orchestrator.picture()
        return found[0], found[1]

    async def _refusal(self) -> None:
        tell, cast = self._tell, self._cast
        tell.chapter("A request does not fit, and is told what would")
        tell.say(
            """4 instances' worth, tomorrow from 09:00 to 11:00: 3 + 5 of the 10 are promised then, so 2 are left. A
            refusal says what is short, when, how much would fit, and when the whole request would fit: here at 18:00,
            as from noon on 3 + 4 are promised."""
        )
        answer = await self._orchestrator.reserve(4, 9, 11)
        tell.check("result", answer.result, "conflict")
        refusal = answer.refusal
        if refusal is None:
            raise ValueError("the refusal has no numbers")
        tell.refused(f"{answer.result}, {answer.reason}: {answer.message}")
        for short in refusal.shortfall:
            tell.refused(
                f"short of {short.resource} from {at(short.from_)} to {at(short.to)}: "
                f"requested {short.requested}, available {short.available}"
            )
        tell.refused(f"what would fit in this window: {words(refusal.max_capacity or yang.Capacity())}")
        for other in refusal.alternative:
            tell.refused(f"it would fit whole from {at(other.start)}, or any start until {at(other.latest_start)}")
        tell.check("instances that would fit", (refusal.max_capacity or yang.Capacity()).instances, 2)
        best = refusal.alternative[0].start
        tell.check("nearest start", best, cast.tomorrow + 18 * HOURS)
        tell.say("The orchestrator takes the first alternative as a dry run, to see that Promise keeps its word:")
        again = await self._client.call(
            yang.CREATE_RESERVATION_RPC,
            yang.CreateReservationInput(start=best, end=best + 2 * HOURS, capacity=times(cast.unit, 4), dry_run=True),
        )
        self._orchestrator.granted("create-reservation", again)
        tell.answered(str(again.message))

    async def _change(self, first: str, second: str) -> None:
        tell, cast = self._tell, self._cast
        tell.chapter("Plans change")
        tell.say(
            """The morning reservation is cut from 5 to 2 instances' worth: what is not said stays as it is. The
            afternoon one is cancelled. What was refused fits now."""
        )
        tell.asked(f"update-reservation {first}: {words(times(cast.unit, 2))}")
        changed = await self._client.call(
            yang.UPDATE_RESERVATION_RPC,
            yang.UpdateReservationInput(reservation_id=first, capacity=times(cast.unit, 2)),
        )
        self._orchestrator.granted("update-reservation", changed)
        kept = changed.reservation
        tell.check("start after the update", kept and kept.start, cast.tomorrow + 8 * HOURS)
        tell.check("version after the update", kept and kept.version, 2)
        tell.answered(f"version {kept and kept.version}, window as before")
        tell.asked(f"cancel-reservation {second}")
        gone = await self._client.call(yang.CANCEL_RESERVATION_RPC, yang.CancelReservationInput(reservation_id=second))
        self._orchestrator.granted("cancel-reservation", gone)
        tell.answered(str(gone.message))
        fits = await self._orchestrator.reserve(4, 9, 11, name="demo-again")
        self._orchestrator.granted("create-reservation", fits)
        tell.answered(f"reservation {fits.reservation_id} is {fits.state}")
        await self._orchestrator.picture()
        await self._orchestrator.cancel(fits.reservation_id or "")

    async def _instances(self, reservation: str) -> None:
        tell = self._tell
        tell.chapter("It runs instances: one from its reservation, one without")
        tell.say(
            """An instance from a reservation takes what was reserved: usage grows, reserved shrinks, and what others
            may have stays the same. One without a reservation takes what is available."""
        )
        inside = await self._orchestrator.boot("demo-reserved", reservation)
        await self._orchestrator.expect("available now", UNITS - 3)
        outside = await self._orchestrator.boot("demo-loose", None)
        await self._orchestrator.expect("available now", UNITS - 4)
        shown = await self._client.call(
            yang.QUERY_RESERVATION_RPC, yang.QueryReservationInput(reservation_id=(reservation,))
        )
        remaining = shown.reservation[0].remaining or yang.Capacity()
        tell.check("instances remaining in the reservation", remaining.instances, 2)
        tell.say(f"Of the reservation remains: {words(remaining)}.")
        for instance in (inside, outside):
            await self._orchestrator.destroy(instance)
        await self._orchestrator.expect("available now", UNITS - 3)

    async def _clean_up(self, *reservations: str) -> None:
        tell = self._tell
        tell.chapter("The end")
        for reservation in reservations:
            await self._orchestrator.cancel(reservation)
        await self._orchestrator.expect("available now", UNITS)
        tell.say(f"Everything is as it was: {UNITS} instances' worth are available, and nothing is left in the cloud.")
