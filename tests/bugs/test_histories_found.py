"""What long random histories found: the shortest history of each, and what is to come of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oracle.model_cloud import LATE, Clouds, FakeCloud
from oracle.model_history import History, history
from oracle.model_records import Policy
from oracle.model_trial import T0, Call
from oracle.still_loop import quiet, run

from promise.allocation import leaving
from promise.capacity.model import Scope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HOUR = 3600
DAY = 86400


def judged(policy: Policy, body: Callable[[History], Awaitable[None]]) -> None:
    """Let a history happen on clouds with two zones of four cores each, every step of it judged."""

    async def main() -> None:
        zone = {"cores": 4}
        clouds = Clouds(*(FakeCloud(name, {"cores": 8}, {"z1": zone, "z2": zone}) for name in ("a", "b")))
        async with history(clouds, policy, 1) as court:
            await court.step(Call("p-a", "add-provider", {"name": "a"}))
            await body(court)
            await court.end()

    run(main())


def vm(label: str, **more: str) -> Call:
    return Call(label, "create-instance", {"name": "vm", "image": "image", "flavor": "f1", **more})


def test_who_is_extended_may_not_oversell_the_zone_where_its_instances_stand() -> None:
    async def body(court: History) -> None:
        for zone in ("z1", "z2"):
            await court.step(
                Call(zone, "increase-capacity", {"source": "@p-a", "zone": zone, "capacity": {"cores": 4}})
            )
        await court.step(Call("A", "create-reservation", {"capacity": {"cores": 2}, "end": T0 + HOUR}))
        await court.step(vm("vm", **{"reservation-id": "@A", "zone": "z1"}))
        later = {"start": T0 + HOUR, "end": T0 + 2 * HOUR}
        await court.step(Call("B", "create-reservation", {"capacity": {"cores": 4}, "zone": "z1", **later}))
        told = await court.step(Call("U", "update-reservation", {"reservation-id": "@A", "end": T0 + 2 * HOUR}))
        assert told["reason"] == "insufficient-capacity"
        assert told["refusal"]["shortfall"] == {
            "cores": {"resource": "cores", "requested": 1, "available": 0, "from": T0 + HOUR, "to": T0 + 2 * HOUR}
        }
        told = await court.step(Call("V", "update-reservation", {"reservation-id": "@A", "capacity": {"cores": 4}}))
        assert told["result"] == "ok"

    judged(Policy(), body)


def test_of_all_degraded_reservations_the_youngest_instance_leaves_first() -> None:
    async def body(court: History) -> None:
        await court.step(Call("o", "increase-capacity", {"source": "@p-a", "capacity": {"cores": 8}}))
        for label in ("A", "B"):
            await court.step(Call(label, "create-reservation", {"capacity": {"cores": 4}, "priority": "low"}))
            await court.step(Call(f"t{label}", "advance", {"seconds": 1}))
        for label, claim in (("older", "@B"), ("younger", "@A")):
            await court.step(vm(label, **{"reservation-id": claim}))
            await court.step(Call(f"t{label}", "advance", {"seconds": 1}))
        await court.step(Call("d", "decrease-capacity", {"source": "@p-a", "capacity": {"cores": 7}}))
        degraded = [held.id for held in court.app.state.reservations.values() if held.shortfall]
        assert sorted(degraded) == sorted([court.ids["A"], court.ids["B"]])
        state = court.app.state
        starter = replace(state.reservations[court.ids["A"]], id="somebody else's")
        found = list(leaving._candidates(state, starter, Scope(starter.provider)))
        assert [one.id for one in found] == [court.ids["younger"], court.ids["older"]]

    judged(Policy(), body)


def test_a_pool_that_never_began_is_forgotten_when_its_provider_is_long_gone() -> None:
    async def body(court: History) -> None:
        pool = {"source": "@p-a", "start": T0 + HOUR, "capacity": {"cores": 8}}
        await court.step(Call("o", "increase-capacity", pool))
        await court.step(Call("r", "remove-provider", {"provider-id": "@p-a", "force": True}))
        await court.step(Call("1", "advance", {"seconds": 30 * DAY + HOUR - 1}))
        assert list(court.app.state.pools) == [court.ids["o"]]
        await court.step(Call("2", "advance", {"seconds": 1}))
        assert not court.app.state.pools

    judged(Policy(), body)


def test_what_was_to_be_forgotten_and_was_not_is_where_it_was() -> None:
    async def body(court: History) -> None:
        await court.step(Call("p-b", "add-provider", {"name": "b"}))
        for name in ("b", "a"):
            await court.step(Call(f"s{name}", "server-made", {"name": name, "flavor": "f1", "zone": "z1"}))
            await court.step(Call(f"t{name}", "advance", {"seconds": 60}))
        before = list(court.app.state.allocations)
        await court.step(Call("c", "commits", {"plan": ["fails"]}))
        told = await court.step(Call("r", "remove-provider", {"provider-id": "@p-b", "force": True}))
        assert told["result"] == "rpc-error"
        assert list(court.app.state.allocations) == before

    judged(Policy(), body)


def test_who_is_degraded_is_not_lost_when_the_server_is_killed_in_the_middle_of_an_instant() -> None:
    async def body(court: History) -> None:
        await court.step(Call("p-b", "add-provider", {"name": "b"}))
        for name in ("a", "b"):
            await court.step(Call(f"o-{name}", "increase-capacity", {"source": f"@p-{name}", "capacity": {"cores": 8}}))
        end = {"end": T0 + HOUR}
        await court.step(Call("X", "create-reservation", {"provider-id": "@p-a", "capacity": {"cores": 3}, **end}))
        await court.step(vm("vm", **{"reservation-id": "@X"}))
        await court.step(Call("Y", "create-reservation", {"provider-id": "@p-a", "capacity": {"cores": 3}}))
        later = {"start": T0 + HOUR + 1, "capacity": {"cores": 5}}
        await court.step(Call("W", "create-reservation", {"provider-id": "@p-a", **later}))
        others = [f"Z{n}" for n in range(8)]
        for label in others:
            await court.step(
                Call(label, "create-reservation", {"provider-id": "@p-b", "capacity": {"cores": 1}, **end})
            )
        first = [label for label in others if court.ids[label] < court.ids["X"]]
        assert len(first) < len(others)
        committer = court.app.ledger._committer
        committer._rules = replace(committer._rules, settings=replace(committer._rules.settings, due=1))
        court.controller.store.plan[:] = ["well"] * (len(first) + 1) + ["fails"] * 1000
        await court.clock.advance(HOUR)
        await quiet()
        assert court.app.state.reservations[court.ids["X"]].state == "ended"
        assert not court.app.state.reservations[court.ids["Y"]].shortfall
        assert len(court.controller.store.plan) > 900, "a disk that fails is not asked again and again"
        await court.controller.kill()
        await court.controller.begin()
        await court.follow()
        await court.step(Call("t", "advance", {"seconds": 0}))
        assert court.app.state.reservations[court.ids["Y"]].shortfall == {"cores": 1}

    judged(Policy(), body)


def test_a_server_that_comes_after_the_last_look_for_it_goes_again() -> None:
    async def body(court: History) -> None:
        cloud = court.clouds.by_name["a"]
        await late_and_unwanted(court)
        cloud.make_up(cloud.now + LATE)  # between the look that found nothing and the end of the instance
        assert set(cloud.held) == {"a-1"}
        await court.step(Call("then", "advance", {"seconds": 60}))
        assert court.app.state.allocations[court.ids["vm"]].vm_state == "DELETED"
        assert not cloud.held

    judged(Policy(), body)


def test_a_server_that_comes_after_its_provider_was_removed_counts_as_made_directly() -> None:
    async def body(court: History) -> None:
        cloud = court.clouds.by_name["a"]
        await late_and_unwanted(court)
        await court.step(Call("then", "advance", {"seconds": 1}))
        await court.step(Call("gone", "remove-provider", {"provider-id": "@p-a", "force": True}))
        await court.step(Call("later", "advance", {"seconds": LATE}))
        await court.step(Call("p-a", "add-provider", {"name": "a"}))
        assert court.app.state.allocations[court.ids["vm"]].vm_state == "DELETED"
        (found,) = court.app.state.counted_on(court.ids["p-a"])
        assert (found.server, found.ours, found.start) == ("a-1", False, cloud.now)

    judged(Policy(), body)


async def late_and_unwanted(court: History) -> None:
    """Ask for an instance that the cloud makes when nobody looks for it any more, and destroy it before that."""
    await court.step(Call("late", "cloud", {"name": "a", "mood": "late", "builds": False}))
    await court.step(vm("vm"))
    await court.step(Call("settled", "advance", {"seconds": 3600}))
    await court.step(Call("destroyed", "destroy-instance", {"instance-id": "@vm"}))
