"""The workflows: what clients ask and clouds do. Each name is unique, so that records can be recognised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crashpoints.cloud import MemoryCloud
from crashpoints.life import BEGIN, SYNC, Workflow
from crashpoints.script import Ask, Cloud, Edit, Erased, Wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from crashpoints.script import Step


def provider(name: str = "one", learnt: str = "one") -> Ask:
    given = {
        "provider-type": "openstack",
        "name": name,
        "endpoint": f"http://{name}/v3",
        "username": "u",
        "password": "secret-of-now",
        "project": {"name": "p"},
        "idempotency-key": f"add-{learnt}",
    }
    return Ask("add-provider", given, {learnt: "provider-id"})


def pool(note: str, given: dict[str, Any]) -> Ask:
    said = {"source": "$one", "note": note, "idempotency-key": f"pool-{note}", **given}
    return Ask("increase-capacity", said, {note: "pool-id"})


def reserve(name: str, **given: Any) -> Ask:
    said = {"name": name, "idempotency-key": f"reserve-{name}", **{k.replace("_", "-"): v for k, v in given.items()}}
    return Ask("create-reservation", said, {name: "reservation-id"})


def launch(name: str, reservation: str = "", result: str = "ok", **more: Any) -> Ask:
    said = {"name": name, "image": "cirros", "flavor": "small", "idempotency-key": f"launch-{name}", **more}
    if reservation:
        said["reservation-id"] = f"${reservation}"
    return Ask("create-instance", said, {name: "instance-id"}, result, again=("ok", "provider-refused"))


def destroy(name: str) -> Ask:
    return Ask("destroy-instance", {"instance-id": f"${name}"})


GIVEN: tuple[Step, ...] = (
    provider(),
    pool("base", {"capacity": {"cores": 40, "ram": 10_000, "instances": 20}}),
)

LATER = f"T0+PT{BEGIN + 60:.0f}S"
"""A minute after the script begins."""

END = f"T0+PT{BEGIN + 120:.0f}S"


def of(**changes: Any) -> Callable[[], dict[str, MemoryCloud]]:
    """Return what makes a cloud that is like this."""
    return lambda: {"one": MemoryCloud(**changes)}


def workflow(name: str, *script: Step, given: tuple[Step, ...] = GIVEN, **more: Any) -> Workflow:
    return Workflow(name, script, given, **{"clouds": of(), **more})


def _destroyed(seconds: float) -> Workflow:
    """Destroy an instance so many seconds after it was asked for."""
    return workflow(f"destroy after {seconds} s", launch("vm"), Wait(BEGIN + seconds), destroy("vm"), reply_wait=0)


def policy(config: str) -> Edit:
    return Edit(f"<policy><reservation>{config}</reservation></policy>")


def new_password(cloud: MemoryCloud) -> None:
    """Let the cloud accept another password from now on."""
    cloud.old_passwords.append(cloud.password)
    cloud.password = "secret-of-later"


INSTANCES = (
    workflow("create", launch("vm")),
    workflow("create with a reservation", reserve("r", capacity={"cores": 4, "instances": 2}), launch("vm", "r")),
    workflow("create refused by the cloud", launch("vm", result="provider-refused"), clouds=of(refusal="no quota")),
    workflow("create with a lost answer", launch("vm"), clouds=of(lost=1)),
    workflow("create that nobody heard", launch("vm"), clouds=of(unheard=1)),
    workflow("two creates at a time", launch("a"), launch("b"), Wait(BEGIN + 2.6), destroy("a")),
    *(_destroyed(seconds) for seconds in (0, 1.2, 1.4, 2, 4, 20)),
    workflow("destroy what the cloud keeps", launch("vm"), destroy("vm"), clouds=of(stubborn=2), calm=3 * SYNC),
    workflow("destroy after a lost answer", launch("vm"), Wait(BEGIN + 3), destroy("vm"), clouds=of(lost=1)),
    workflow("destroy what nobody heard of", launch("vm"), Wait(BEGIN + 3), destroy("vm"), clouds=of(unheard=1)),
)

GOING = {"name": "data", "size": 5, "delete-on-termination": True}
STAYING = {"name": "log", "size": 1}
WHOLE: dict[str, Any] = {"volumes": [GOING, STAYING], "addresses": 2}
ENDING: dict[str, Any] = {"volumes": [GOING, {**GOING, "name": "root", "boot": True}], "addresses": 1}

PARTS = (
    workflow("create with volumes and addresses", launch("vm", **WHOLE)),
    *(
        workflow(f"destroy with its volumes and addresses after {seconds} s", launch("vm", **ENDING),
                 Wait(BEGIN + seconds), destroy("vm"), calm=3 * SYNC, reply_wait=0)
        for seconds in (0, 1.2, 1.4, 2, 5, 5.2, 7, 9, 60)
    ),
    workflow("a volume that stays", launch("vm", **WHOLE), Wait(BEGIN + 300), destroy("vm"), calm=3 * SYNC),
    workflow("parts of a create that is refused", launch("vm", result="provider-refused", **WHOLE),
             clouds=of(refusal="no quota"), calm=3 * SYNC),
    workflow("parts of a create with a lost answer", launch("vm", **WHOLE), clouds=of(lost=1)),
)  # fmt: skip

TIMES = (
    workflow(
        "cancel terminates",
        reserve("r", capacity={"cores": 4, "ram": 2048, "instances": 2}),
        launch("vm", "r"),
        Wait(BEGIN + 10),
        Ask("cancel-reservation", {"reservation-id": "$r"}),
        policy={"at_end": "terminate"},
    ),
    workflow(
        "the end terminates",
        reserve("r", capacity={"cores": 4, "ram": 2048, "instances": 2}, end=END),
        launch("vm", "r"),
        launch("loose"),
        Wait(BEGIN + 130),
        policy={"at_end": "terminate", "before_end": 1},
    ),
    workflow(
        "the end keeps",
        reserve("r", capacity={"cores": 4, "ram": 2048, "instances": 2}, end=END),
        launch("vm", "r"),
        Wait(BEGIN + 130),
        policy={"before_end": 1},
    ),
    workflow(
        "a short start preempts",
        reserve("r", capacity={"cores": 38}, start=LATER, end=END),
        launch("old"),
        launch("young"),
        Wait(BEGIN + 130),
        policy={"preempt": True},
    ),
    workflow(
        "expiry without and with instances",
        reserve("unused", capacity={"cores": 4}, expiry=LATER, end=END),
        reserve("used", capacity={"cores": 8, "ram": 4096, "instances": 4}, expiry=LATER),
        launch("vm", "used"),
        Wait(BEGIN + 130),
    ),
    workflow(
        "retention",
        Edit("<providers><id>$one</id><sync-interval>3600</sync-interval></providers>"),
        reserve("r", capacity={"cores": 4, "instances": 2}, end=END),
        launch("vm", "r"),
        Wait(BEGIN + 20),
        destroy("vm"),
        Wait(BEGIN + 90_000),
        policy={"retention": 0},
        keys_last=False,
    ),
)

CAPACITY = (
    workflow(
        "pools come and go",
        pool("more", {"capacity": {"cores": 10}, "start": LATER, "end": END}),
        reserve("r", capacity={"cores": 45}, start=LATER, end=END),
        Ask(
            "decrease-capacity",
            {"source": "$base", "capacity": {"cores": 4}, "note": "less", "idempotency-key": "less"},
            {"less": "pool-id"},
        ),
        Ask("remove-pool", {"pool-id": "$more"}, again=("ended",)),
        Wait(BEGIN + 130),
    ),
    workflow(
        "the bound shrinks and grows",
        reserve("high", capacity={"cores": 30}),
        reserve("low", capacity={"cores": 6}, priority="low"),
        launch("vm"),
        Cloud(lambda cloud: setattr(cloud, "size", 1)),
        Wait(BEGIN + 100),
        Cloud(lambda cloud: setattr(cloud, "size", 2)),
        Wait(BEGIN + 200),
    ),
    workflow(
        "servers found and lost",
        launch("vm"),
        Cloud(lambda cloud: cloud.appear(None, "by hand")),
        Wait(BEGIN + 300),
        Cloud(lambda cloud: cloud.there.clear()),
        Wait(BEGIN + 370),
    ),
    workflow(
        "reserve, change, cancel",
        reserve("r", capacity={"cores": 10}, start=LATER, end=END),
        Ask("update-reservation", {"reservation-id": "$r", "capacity": {"cores": 20}}),
        reserve("other", capacity={"cores": 20}, start=LATER, end=END),
        Ask("cancel-reservation", {"reservation-id": "$r"}),
        reserve("third", capacity={"cores": 20}, start=LATER, end=END),
        Wait(BEGIN + 130),
    ),
)

CONFIGURATION = (
    workflow("add-provider", *GIVEN, given=()),
    workflow(
        "remove-provider by force",
        reserve("r", capacity={"cores": 4}),
        launch("vm", "r"),
        Ask("remove-provider", {"provider-id": "$one", "force": True}, again=("not-found",)),
        calm=200,
        keys_last=False,
    ),
    workflow(
        "remove-provider by force and add it again",
        launch("vm"),
        Wait(BEGIN + 300),
        Ask("remove-provider", {"provider-id": "$one", "force": True}, again=("not-found",)),
        provider("one", learnt="again"),
        keys_last=False,
    ),
    workflow(
        "set-provider-credentials",
        Cloud(new_password),
        Ask("set-provider-credentials", {"provider-id": "$one", "password": "secret-of-later"}),
        Erased(),
        launch("vm"),
    ),
    workflow(
        "edit the policy",
        policy("<retention>1</retention><before-end>1</before-end>"),
        reserve("r", capacity={"cores": 4}, start=LATER, end=END),
        policy('<before-end nc:operation="remove"/><at-end>terminate</at-end>'),
        Wait(BEGIN + 130),
    ),
    workflow(
        "edit providers",
        Edit(
            "<providers><id>$one</id><overcommit><resource>cores</resource><ratio>0.5</ratio></overcommit></providers>"
        ),
        reserve("r", capacity={"cores": 30}),
        Edit("<providers><id>$one</id><sync-interval>30</sync-interval></providers>"),
        launch("vm"),
    ),
)

WORKFLOWS = (*INSTANCES, *PARTS, *TIMES, *CAPACITY, *CONFIGURATION)
