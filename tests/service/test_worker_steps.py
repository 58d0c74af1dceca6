"""Whatever goes wrong at whichever step: of the servers made for an instance one survives, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cloudwork.cloud import NEEDS, MemoryCloud
from cloudwork.house import POOL, House
from cloudwork.steps import Crash, Steps, Trouble
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from promise.allocation.model import Asked, Progress, VmState

if TYPE_CHECKING:
    from collections.abc import Callable

PLAYS = ("create", "create and destroy at once", "create, and destroy when it is active", "beside a found one")


pytestmark = pytest.mark.usefixtures("quiet")


async def play(house: House, what: str) -> None:
    """Ask for what the consumer asks for; it has the answers, so it is durable whatever comes."""
    if what == "beside a found one":
        house.cloud.appear(None, name="by hand")
    instance = await house.create()
    if what == "create, and destroy when it is active":
        await house.rest()
    if "destroy" in what:
        await house.turn()
        await house.destroy(instance.id)
    await house.rest()


async def run(what: str, steps: Steps, cloud: MemoryCloud) -> House:
    """Play, and start again whenever the process ends; return the house at rest."""
    house = House(cloud)
    await house.start(steps)
    await play(house, what)
    while (failure := house.failure()) is not None:
        if isinstance(failure, BaseExceptionGroup) and (other := failure.split(Crash)[1]):
            raise other
        await house.stop()
        steps.dead = False
        await house.start(steps)
        await house.rest()
    return house


async def judge(house: House, what: str) -> None:
    """See that everything is as if nothing had happened."""
    instance = await house.instance("vm-instance")
    mine = [server.id for server in house.cloud.there.values() if server.allocation_id == instance.id]
    if "destroy" in what:
        assert (instance.vm_state, instance.counted, mine) == (VmState.DELETED, False, [])
    else:
        assert (instance.vm_state, instance.counted, mine) == (VmState.ACTIVE, True, [instance.server])
    assert house.cloud.orders <= 1  # nobody asks twice for what the cloud has
    columns = await house.columns()
    used = {name: amount * len(house.cloud.there) for name, amount in NEEDS.items()}
    assert {name: columns["usage"].get(name, 0) for name in POOL} == used
    assert columns["available"] == {name: amount - used[name] for name, amount in POOL.items()}
    operations = await house.ledger.read(lambda book, _now: dict(book.operations))
    create = operations["vm-create"]
    assert create.progress in {Progress.DONE, Progress.STOPPED}
    assert all(one.asked is Asked.CREATE or one.progress is Progress.DONE for one in operations.values())


async def steps_of(what: str, trouble: Trouble, cloud: MemoryCloud) -> list[int]:
    """Return at which steps there can be such trouble, having seen that all goes well without."""
    steps = Steps(trouble)
    house = await run(what, steps, cloud)
    await judge(house, what)
    await house.stop()
    return steps.exposed


def twins() -> MemoryCloud:
    cloud = MemoryCloud()
    cloud.twins = True
    return cloud


def stubborn() -> MemoryCloud:
    cloud = MemoryCloud()
    cloud.stubborn = 3
    return cloud


async def disturbed(what: str, steps: Steps, cloud: MemoryCloud) -> None:
    house = await run(what, steps, cloud)
    try:
        await judge(house, what)
    except AssertionError as error:
        raise AssertionError(f"{steps.trouble} at {sorted(steps.at)} of {steps.taken}") from error
    finally:
        await house.stop()


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("what", PLAYS)
async def test_trouble_at_every_step(what: str, trouble: Trouble) -> None:
    for number in await steps_of(what, trouble, MemoryCloud()):
        await disturbed(what, Steps(trouble, frozenset({number})), MemoryCloud())


@pytest.mark.parametrize("cloud", [twins, stubborn])
@pytest.mark.parametrize("trouble", [Trouble.CRASH, Trouble.CLOUD])
async def test_trouble_with_a_cloud_that_makes_two_or_refuses_to_delete(
    trouble: Trouble, cloud: Callable[[], MemoryCloud]
) -> None:
    what = "create and destroy at once"
    for number in await steps_of(what, trouble, cloud()):
        await disturbed(what, Steps(trouble, frozenset({number})), cloud())


@pytest.mark.parametrize("trouble", Trouble)
@given(at=st.frozensets(st.integers(0, 60), max_size=20), what=st.sampled_from(PLAYS), twice=st.booleans())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_trouble_again_and_again(trouble: Trouble, at: frozenset[int], what: str, twice: bool) -> None:
    await disturbed(what, Steps(trouble, at), twins() if twice else MemoryCloud())
