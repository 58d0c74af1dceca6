"""Volumes and addresses of an instance: whatever goes wrong at whichever step, all of it is there once, or nothing is.

The plays are those of `test_worker_steps` with parts; each is run again and again, with trouble at each step in turn.
"""

from __future__ import annotations

import pytest
from cloudwork.cloud import NEEDS, MemoryCloud
from cloudwork.house import POOL, House
from cloudwork.steps import Crash, Steps, Trouble
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from promise.allocation.model import Progress, VmState
from promise.allocation.part import Part, PartKind, addresses

PARTS = (
    Part(PartKind.VOLUME, "root", 3, boot=True, ends=True),
    Part(PartKind.VOLUME, "data", 7),
    *addresses(2),
)
LARGE = {**POOL, "volumes": 10, "gigabytes": 100, "addresses": 5}
WHOLE = {**NEEDS, "ports": 1, "volumes": 2, "gigabytes": 10, "addresses": 2}
KEPT = {"volumes": 1, "gigabytes": 7}
NOTHING: dict[str, int] = {}

PLAYS: dict[str, tuple[VmState, dict[str, int]]] = {
    "create": (VmState.ACTIVE, WHOLE),
    "create and destroy at once": (VmState.DELETED, NOTHING),
    "create, destroy, and destroy what was kept": (VmState.DELETED, NOTHING),
    "create, and lose the server": (VmState.DELETED, KEPT),
    "refused volume data": (VmState.ERROR, NOTHING),
    "refused server": (VmState.ERROR, NOTHING),
    "refused address 2": (VmState.ERROR, NOTHING),
    "failing data": (VmState.ERROR, NOTHING),
}
"""How the instance ends, and what is used then."""


pytestmark = pytest.mark.usefixtures("quiet")


async def play(house: House, what: str, steps: Steps) -> None:
    """Ask for what the consumer asks for."""
    if what.startswith("refused "):
        house.cloud.refusing.add(what.removeprefix("refused "))
    if what.startswith("failing "):
        house.cloud.failing.add(what.removeprefix("failing "))
    instance = await house.create(parts=PARTS)
    if "destroy" in what and "at once" not in what:
        await house.rest()
        await alive(house, steps)
    if "destroy" in what:
        await house.turn()
        await house.destroy(instance.id)
    await house.rest()


async def end(house: House, what: str) -> None:
    """Do what is done once all of that has come to rest."""
    if "lose" in what:
        for server in list(house.cloud.there):
            house.cloud.lose(server)
    elif "kept" in what:
        for found in await house.ledger.read(lambda book, _now: list(book.allocations.values())):
            if found.kept_from and found.counted:
                await house.destroy(found.id)
    await house.rest()


async def alive(house: House, steps: Steps) -> None:
    """Start again whenever the process has ended."""
    while (failure := house.failure()) is not None:
        if isinstance(failure, BaseExceptionGroup) and (other := failure.split(Crash)[1]):
            raise other
        await house.stop()
        steps.dead = False
        await house.start(steps)
        await house.rest()


async def run(what: str, steps: Steps, cloud: MemoryCloud) -> House:
    """Play, and return the house at rest."""
    house = House(cloud, pool=LARGE)
    await house.start(steps)
    await play(house, what, steps)
    await alive(house, steps)
    await end(house, what)
    await alive(house, steps)
    return house


async def judge(house: House, what: str) -> None:
    """See that everything is as if nothing had happened."""
    state, used = PLAYS[what]
    instance = await house.instance("vm-instance")
    assert instance.vm_state is state, instance
    assert instance.counted is (state is VmState.ACTIVE)
    assert instance.capacity == WHOLE  # also of what is over
    assert (instance.fault is not None) is (state is VmState.ERROR)
    columns = await house.columns()
    assert {name: columns["usage"][name] for name in LARGE} == {name: used.get(name, 0) for name in LARGE}
    cloud = house.cloud
    assert sorted(volume.name for volume in cloud.volumes.values()) == ["data", "root"][: used.get("volumes", 0)]
    assert len(cloud.addresses) == used.get("addresses", 0)
    assert [server.id for server in cloud.there.values()] == ([instance.server] if instance.counted else [])
    assert len(cloud.asked) == len(set(cloud.asked))  # nobody asks twice for what the cloud has
    operations = await house.ledger.read(lambda book, _now: list(book.operations.values()))
    assert not [one for one in operations if one.open]
    assert all(one.asked.makes or one.progress is Progress.DONE for one in operations)


async def disturbed(what: str, steps: Steps, cloud: MemoryCloud) -> list[int]:
    """Return at which steps there can be such trouble, having seen that all goes well."""
    house = await run(what, steps, cloud)
    try:
        await judge(house, what)
    except AssertionError as error:
        raise AssertionError(f"{steps.trouble} at {sorted(steps.at)} of {steps.taken}") from error
    finally:
        await house.stop()
    return steps.exposed


WHERE = [(what, trouble) for what in PLAYS for trouble in (Trouble.CRASH, Trouble.CLOUD)]
WHERE += [(what, trouble) for what in ("create", "refused address 2") for trouble in (Trouble.LEDGER, Trouble.BUG)]


@pytest.mark.parametrize(("what", "trouble"), WHERE)
async def test_trouble_at_every_step(what: str, trouble: Trouble) -> None:
    for number in await disturbed(what, Steps(trouble), MemoryCloud()):
        await disturbed(what, Steps(trouble, frozenset({number})), MemoryCloud())


@pytest.mark.parametrize("trouble", Trouble)
@given(at=st.frozensets(st.integers(0, 120), max_size=20), what=st.sampled_from(list(PLAYS)), odd=st.integers(0, 2))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_trouble_again_and_again(trouble: Trouble, at: frozenset[int], what: str, odd: int) -> None:
    cloud = MemoryCloud()
    cloud.twins, cloud.stubborn = odd == 1, 3 * (odd == 2)  # it makes two at a time, or refuses to delete
    await disturbed(what, Steps(trouble, at), cloud)
