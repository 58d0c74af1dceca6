"""libnetconf2, which netopeer2's command line client is made of: all its requests, read with the modules that it loads.

libyang, below it, is strict: a module that it cannot compile, an element that no module has, or a value of another type
in a reply or notification is complained of, and each request here expects no complaint.
"""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from configured import PROMISE, expiry
from libnetconf2 import Libnetconf2, compiled
from pki import mutual
from restconf_house import house

from promise.northbound.library.modules import library

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

OPERATIONAL, RUNNING, CANDIDATE = (f"ietf-datastores:{name}" for name in ("operational", "running", "candidate"))
FIVE, SIX = expiry(5), expiry(6)
RESERVED, POLICY = "/opnfv-promise:promise/reservations", "/opnfv-promise:promise/policy"
SINCE = "2027-01-15T08:00:00Z"


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    found = compiled(tmp_path_factory.mktemp("libnetconf2"))
    if not found:
        pytest.skip(
            "gcc and the headers of libnetconf2 (Debian packages libnetconf2-dev, libssh-dev) are not installed"
        )
    return found


@asynccontextmanager
async def connected(command: list[str], *words: object) -> AsyncIterator[Libnetconf2]:
    client = await Libnetconf2.start(command)
    await client.do(*words)
    yield client
    await client.close()


@pytest.fixture
async def client(tmp_path: Path, command: list[str]) -> AsyncIterator[Libnetconf2]:
    async with (
        house(tmp_path / "state", cloud=True) as found,
        connected(command, "ssh", *found.app.address, "admin", "admin") as opened,
    ):
        yield opened


def request(name: str, inside: str = "") -> str:
    return f'<{name} xmlns="{PROMISE}">{inside}</{name}>'


def reserve(cores: int) -> str:
    return request("create-reservation", f"<capacity><cores>{cores}</cores></capacity>")


@pytest.mark.rfc("7950", "5.6.5", "libyang compiles every module that is announced, with the features that are")
async def test_every_module_is_loaded_as_it_is_announced(client: Libnetconf2) -> None:
    loaded = {line.split()[0]: line.split()[1:] for line in (await client.read("modules")).text.splitlines()}
    for module in library().implemented:
        revision, conformance, *features = loaded[module.name]
        assert conformance == "implement", module.name
        if module.name != "ietf-netconf":  # newer versions have one of their own
            assert revision == module.revision
        assert {name[1:] for name in features if name.startswith("+")} == set(module.features), module.name


async def test_reading(client: Libnetconf2) -> None:
    whole = await client.read("get")
    assert "NETCONF" in whole.texts("name")
    assert (await client.read("get", "/opnfv-promise:promise/providers/name")).texts("name") == ["cloud"]
    await client.do("edit-config", "running", "", "", "", FIVE)
    policy = f'<promise xmlns="{PROMISE}"><policy/></promise>'
    for mode in ("", "report-all", "report-all-tagged", "trim", "explicit"):
        assert (await client.read("get", policy, mode)).texts("expiry") == ["5"]
        assert (await client.read("get-config", "running", policy, mode)).texts("expiry") == ["5"]
        assert (await client.read("get-config", "running", "", mode)).texts("expiry") == ["5"]
        assert (await client.read("get-data", OPERATIONAL, POLICY, "", "", "y", mode)).texts("expiry") == ["5"]
    assert (await client.read("get-data", OPERATIONAL)).texts("content-id") == [library().content_id]
    assert (await client.read("get-data", RUNNING, "/opnfv-promise:promise/policy//*")).texts("expiry") == ["5"]
    for module in library().modules.values():
        assert (await client.read("get-schema", module.name, module.revision, "yang")).texts("data") == [module.text]
    assert await client.refused("get-schema", "opnfv-promise", "1999-01-01") == "invalid-value"


async def test_editing(client: Libnetconf2) -> None:
    await client.do("lock", "candidate")
    await client.do("edit-config", "candidate", "merge", "test-then-set", "rollback-on-error", FIVE)
    await client.do("validate", "candidate")
    await client.do("commit", "confirmed", 100, "token")
    await client.do("commit", "", "", "", "token")
    await client.do(
        "edit-config",
        "candidate",
        "none",
        "set",
        "stop-on-error",
        SIX.replace("<expiry>", '<expiry nc:operation="replace">'),
    )
    await client.do("commit", "confirmed")
    assert (await client.read("get-config", "running")).texts("expiry") == ["6"]
    await client.do("cancel-commit")
    assert (await client.read("get-config", "running")).texts("expiry") == ["5"]
    await client.do("discard-changes")
    await client.do("unlock", "candidate")
    await client.do("edit-data", CANDIDATE, "merge", SIX)
    assert (await client.read("get-data", CANDIDATE, POLICY)).texts("expiry") == ["6"]
    await client.do("copy-config", "candidate", "running")
    await client.do("copy-config", "candidate", FIVE)
    await client.do("discard-changes")
    assert await client.refused("edit-config", "candidate", "", "", "", FIVE.replace("5", "five")) == "invalid-value"
    assert await client.refused("validate", FIVE) == "operation-failed"  # it leaves out a provider with a pool
    assert await client.refused("kill-session", 99) == "invalid-value"


async def test_operations_of_the_modules(client: Libnetconf2) -> None:
    made = await client.read("user-rpc", reserve(3))
    assert made.texts("result") == ["ok"]
    refused = await client.read("user-rpc", reserve(3000))
    assert refused.texts("result") == ["conflict"]
    assert [each.rpartition(":")[2] for each in refused.texts("reason")] == ["insufficient-capacity"]
    assert (await client.read("user-rpc", request("query-reservation"))).texts("reservations") == made.texts(
        "reservation-id"
    )
    assert (await client.read("user-rpc", request("query-capacity"))).texts("result") == ["ok"]
    (number,) = made.texts("reservation-id")
    by = f"<reservation-id>{number}</reservation-id>"
    assert (
        await client.read("user-rpc", request("update-reservation", f"{by}<capacity><cores>4</cores></capacity>"))
    ).texts("result") == ["ok"]
    created = request("create-instance", f"<name>vnf</name><image>cirros</image><flavor>m1.tiny</flavor>{by}")
    (instance,) = (await client.read("user-rpc", created)).texts("instance-id")
    gone = await client.read("user-rpc", request("destroy-instance", f"<instance-id>{instance}</instance-id>"))
    assert gone.texts("result") == ["ok"], gone
    assert (await client.read("user-rpc", request("cancel-reservation", by))).texts("result") == ["ok"]
    assert (await client.read("get", RESERVED)).texts("state") == ["cancelled"]


@pytest.mark.rfc("5277", "2.1.1", "libnetconf2, which knows YANG alone, subscribes, with a filter and replay")
async def test_a_subscription_of_rfc_5277(client: Libnetconf2) -> None:
    await client.read("user-rpc", reserve(1))
    await client.do("create-subscription", "NETCONF", "/opnfv-promise:reservation-event", SINCE)
    assert [(await client.told()).texts("event") for _ in range(2)] == [["accepted"], ["started"]]
    over = await client.told()
    assert "replayComplete" in over.text
    assert over.time == SINCE
    assert await client.refused("create-subscription") == "operation-failed"


async def test_subscriptions_of_rfc_8639(client: Libnetconf2) -> None:
    only = f'<reservation-event xmlns="{PROMISE}"/>'
    (first,) = (await client.read("establish-sub", "", "capacity")).texts("id")
    (second,) = (
        await client.read("establish-sub", only, "NETCONF", "", "", "ietf-subscribed-notifications:encode-xml")
    ).texts("id")
    await client.read("user-rpc", reserve(1))
    told = [await client.told() for _ in range(3)]
    names = [each.element.tag.rpartition("}")[2] for each in told]
    assert sorted(names) == ["capacity-event", "reservation-event", "reservation-event"]
    await client.do("modify-sub", second, "/opnfv-promise:allocation-event")
    await client.do("delete-sub", first)
    await client.do("kill-sub", second)
    last = await client.told()
    while "subscription-terminated" not in last.text:
        last = await client.told()
    assert last.texts("id") == [second]
    assert await client.refused("delete-sub", 99) == "invalid-value"
    replayed = await client.read("establish-sub", only, "NETCONF", SINCE)
    assert (await client.told()).texts("event") == ["accepted"]
    await client.do("delete-sub", replayed.texts("id")[0])


async def test_pushes_of_rfc_8641(client: Libnetconf2) -> None:
    capacity = "/opnfv-promise:promise/capacity"
    (changes,) = (await client.read("establish-push-onchange", OPERATIONAL, capacity, "", "", 0, "y")).texts("id")
    assert (await client.told()).texts("total") != []
    await client.read("user-rpc", reserve(1))
    client.send("notification")
    patch = await client.answer()
    assert patch.complaints == ["unknown: capacity"] * len(
        patch.complaints
    )  # what is in an edit stands under its target
    assert patch.texts("target") == [capacity]
    await client.do("resync-sub", changes)
    assert (await client.told()).element.tag.endswith("push-update")
    await client.do("delete-sub", changes)
    periodic = await client.read("establish-push-periodic", OPERATIONAL, capacity, "", "", 360_000, SINCE)
    assert (await client.told()).element.tag.endswith("push-update")
    await client.do("delete-sub", periodic.texts("id")[0])


@pytest.mark.rfc("8641", "4.4.2", "libnetconf2 modifies a push: its filter, period and stop-time, with its datastore")
async def test_pushes_are_modified(client: Libnetconf2) -> None:
    capacity = "/opnfv-promise:promise/capacity"
    periodic = (await client.read("establish-push-periodic", OPERATIONAL, capacity, "", "", 360_000)).texts("id")[0]
    assert (await client.told()).texts("reserved") != []
    other = f"{capacity}/total"
    subtree = f'<promise xmlns="{PROMISE}"><capacity><total><cores/></total></capacity></promise>'
    for changed in (
        (other, "", 360_000),
        (subtree, "", 360_000),
        (other, "2099-01-01T00:00:00Z", 180_000, SINCE),
    ):
        await client.do("modify-push-periodic", periodic, OPERATIONAL, *changed)
        found = await client.told()
        assert (len(found.texts("total")), found.texts("reserved")) == (1, [])
    assert await client.refused("modify-push-periodic", periodic, RUNNING, "", "", 360_000) == "invalid-value"
    assert await client.refused("modify-push-onchange", periodic, OPERATIONAL) == "invalid-value"
    assert await client.refused("modify-push-periodic", periodic, OPERATIONAL, "", "", 1) == "invalid-value"
    assert await client.refused("modify-push-periodic", 99, OPERATIONAL, "", "", 360_000) == "invalid-value"
    changes = (await client.read("establish-push-onchange", OPERATIONAL, capacity, "", "", 0, "y")).texts("id")[0]
    await client.told()
    await client.do("modify-push-onchange", changes, OPERATIONAL, other, "2099-01-01T00:00:00Z", 100)
    assert (await client.told()).texts("reserved") == []
    terms = (await client.read("get", "/ietf-subscribed-notifications:subscriptions")).element
    kept = {each.findtext("{*}id"): each for each in terms.iter("{*}subscription")}
    assert kept[periodic].findtext("{*}periodic/{*}period") == "180000"
    assert kept[changes].findtext("{*}on-change/{*}dampening-period") == "100"
    for each in kept.values():  # some versions write the zone of their own
        assert str(each.findtext("{*}stop-time")).removesuffix("Z").removesuffix("+00:00") == "2099-01-01T00:00:00"


def free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def test_it_is_called_over_ssh_and_over_tls(tmp_path: Path, command: list[str]) -> None:
    tls, ca, admin = mutual(tmp_path, "admin", listen="127.0.0.1:0")
    ports = {"ssh": free(), "tls": free()}
    words = {"ssh": ("admin", "admin"), "tls": (admin.file, ca.file)}
    waiting = {kind: await Libnetconf2.start(command) for kind in ports}
    for kind, one in waiting.items():
        one.send(f"listen-{kind}", "127.0.0.1", ports[kind], *words[kind])
        assert (await one.answer()).kind == "listening"
    homes = [{"name": kind, "transport": kind, "endpoints": [f"127.0.0.1:{port}"]} for kind, port in ports.items()]
    async with house(tmp_path / "state", netconf={"tls": tls, "call_home": homes}) as found:
        for one in waiting.values():
            called = await one.answer()
            assert (called.kind, called.complaints) == ("ok", [])
            await one.do("lock", "running")
            await one.do("unlock", "running")
            await one.close()
        async with connected(
            command, "tls", "localhost", found.app.server.tls_addresses[0][1], admin.file, ca.file
        ) as dialled:
            carried = (await dialled.read("get", "//*[local-name()='transport']")).texts("transport")
            assert carried[-1].removeprefix("ncm:") == "netconf-tls"  # version 3 leaves out a prefix that says nothing
