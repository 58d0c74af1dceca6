"""What belongs to somebody else cannot be told from what is not there, whichever way one asks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from restconf_house import PROMISE, RPC, XML, house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from restconf_house import House

NOBODYS = "00000000-0000-4000-8000-00000000dead"
WINDOW = {"start": "2027-02-01T00:00:00Z", "end": "2027-02-02T00:00:00Z"}


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[House, str]]:
    """Open a controller with a reservation of alice's."""
    async with house(tmp_path_factory.mktemp("ownership") / "state", cloud=True) as found:
        made = await found.invoke(
            "create-reservation", "alice", **WINDOW, capacity={"cores": 3}, name="mine", **{"idempotency-key": "k"}
        )
        yield found, made["reservation-id"]


async def twice(found: House, own: str, method: str, path: str, body: Any = None, **more: Any) -> list[Any]:
    """Return what carol is answered about an id of alice's, and about one that nobody has."""
    answers = []
    for key in (own, NOBODYS):
        said = None if body is None else json.loads(json.dumps(body).replace("ID", key))
        answer = await found.ask(method, path.replace("ID", key), said, user="carol", **more)
        told = answer.content.decode().replace(key, "ID")
        answers.append((answer.status, told, sorted(answer.headers)))
    return answers


@pytest.mark.parametrize(
    ("rpc", "given"),
    [
        ("query-reservation", {"reservation-id": ["ID"]}),
        ("cancel-reservation", {"reservation-id": "ID"}),
        ("update-reservation", {"reservation-id": "ID", "name": "x"}),
        ("update-reservation", {"reservation-id": "ID", "capacity": {"cores": 999}}),
        ("create-instance", {"name": "vm", "image": "x", "flavor": "m1.tiny", "reservation-id": "ID"}),
        ("destroy-instance", {"instance-id": "ID"}),
        ("query-instance", {"instance-id": ["ID"]}),
        ("query-capacity", {"without": ["ID"]}),
        ("unsubscribe", {"subscription-id": "ID"}),
        ("subscribe-reservation-events", {"filter": {"id": ["ID"]}, "callback-uri": "http://127.0.0.1:9/"}),
        ("create-reservation", {**WINDOW, "capacity": {"cores": 1}, "idempotency-key": "k"}),
    ],
)
async def test_operations(town: tuple[House, str], rpc: str, given: dict[str, Any]) -> None:
    found, own = town
    first, second = await twice(found, own, "POST", RPC + rpc, {"opnfv-promise:input": given})
    if rpc == "create-reservation":  # the key is alice's own: carol's makes a reservation of hers
        assert '"result":"ok"' in first[1]
        assert own not in first[1]
    else:
        assert first == second


@pytest.mark.parametrize("media", ["application/yang-data+json", XML])
@pytest.mark.parametrize(
    "path",
    [
        "/reservations=ID",
        "/reservations=ID/name",
        "/reservations?limit=1&cursor=ID",
        "/allocations=ID",
        "/operations=ID",
        "/subscriptions=ID",
        "/pools=ID",
    ],
)
async def test_reading(town: tuple[House, str], path: str, media: str) -> None:
    first, second = await twice(*town, "GET", PROMISE + path, Accept=media)
    assert first == second


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def things(town: tuple[House, str]) -> tuple[House, dict[str, str]]:
    """Add one of everything that alice can have, by id."""
    found, reservation = town
    now = {"start": "2027-01-15T08:00:00Z", "end": "2027-01-16T00:00:00Z", "capacity": {"cores": 1, "instances": 1}}
    active = (await found.invoke("create-reservation", "alice", **now))["reservation-id"]
    asked = {"name": "vm", "image": "cirros", "flavor": "m1.tiny", "reservation-id": active, "idempotency-key": "i"}
    instance = await found.invoke("create-instance", "alice", **asked)
    assert instance["result"] == "ok", instance
    posted = await found.invoke("subscribe-reservation-events", "alice", **{"callback-uri": "http://127.0.0.1:9/"})
    read = await found.invoke("subscribe-reservation-events", "alice")
    (shown,) = (await found.get(f"/allocations={instance['instance-id']}", user="alice")).body[
        "opnfv-promise:allocations"
    ]
    element = await found.invoke(
        "create-reservation",
        "alice",
        **WINDOW,
        elements=[shown["instance-ref"]["server"]],
        **{"provider-id": found.provider},
    )
    assert element["result"] == "ok", element
    return found, {
        "reservation": reservation,
        "active": active,
        "instance": instance["instance-id"],
        "server": shown["instance-ref"]["server"],
        "element": element["reservation-id"],
        "callback": posted["subscription-id"],
        "stream": read["subscription-id"],
    }


EVERY_ID: dict[str, tuple[str, Any]] = {
    "query-reservation": ("reservation-id", []),
    "cancel-reservation": ("reservation-id", ""),
    "update-reservation": ("reservation-id", ""),
    "create-instance": ("reservation-id", ""),
    "destroy-instance": ("instance-id", ""),
    "query-instance": ("instance-id", []),
    "query-capacity": ("without", []),
    "unsubscribe": ("subscription-id", ""),
}


@pytest.mark.parametrize("kind", ["reservation", "active", "instance", "element", "callback", "stream"])
async def test_each_id_in_each_operation(things: tuple[House, dict[str, str]], kind: str) -> None:
    """Whatever an id of alice's is of, and wherever carol puts it: it is as unknown as one that nobody has."""
    found, ids = things
    for rpc, (leaf, many) in EVERY_ID.items():
        more = {"name": "vm", "image": "cirros", "flavor": "m1.tiny"} if rpc == "create-instance" else {}
        given = {**more, leaf: ["ID"] if many == [] else "ID"}
        first, second = await twice(found, ids[kind], "POST", RPC + rpc, {"opnfv-promise:input": given})
        assert first == second, rpc
    for path in ("/restconf/streams/ID/json", "/restconf/subscriptions/ID", f"{PROMISE}/operations=ID"):
        first, second = await twice(found, ids[kind], "GET", path)
        assert first == second, path
        assert first[0] in {400, 404}


async def test_what_is_held_by_somebody_is_held_by_nobody_with_a_name(things: tuple[House, dict[str, str]]) -> None:
    found, ids = things
    more = {"elements": [ids["server"]], "provider-id": found.provider}
    refused = await found.invoke("create-reservation", "carol", **WINDOW, **more)
    assert refused["reason"] == "opnfv-promise:element-reserved", refused
    told = json.dumps(refused)
    assert ids["element"] not in told
    assert "alice" not in told
    assert ids["element"] in json.dumps(await found.invoke("create-reservation", "alice", **WINDOW, **more))


async def test_keys_of_others_are_not_there(things: tuple[House, dict[str, str]]) -> None:
    """An idempotency key belongs to its user: somebody else's request with it is one of his own."""
    found, ids = things
    for rpc, given in (
        ("update-reservation", {"reservation-id": ids["active"], "name": "x"}),
        ("create-instance", {"name": "vm", "image": "cirros", "flavor": "m1.tiny", "reservation-id": ids["active"]}),
    ):
        for key in ("i", "k", "nobodys"):
            answer = await found.invoke(rpc, "carol", **given, **{"idempotency-key": key})
            assert answer["reason"] == "opnfv-promise:not-found", (rpc, answer)


async def test_streams_and_everything_at_once(town: tuple[House, str]) -> None:
    found, own = town
    await found.clock.advance(60)
    for path in ("/restconf/data", PROMISE, f"{PROMISE}/reservations", f"{PROMISE}?depth=3", f"{PROMISE}/providers"):
        shown = await found.ask("GET", path, user="carol", Accept="application/yang-data+json")
        assert own not in shown.content.decode(), path
    for stream in ("NETCONF", "reservation", "capacity", "instance"):
        query = "start-time=2027-01-15T07:00:00Z&stop-time=2027-01-15T08:00:30Z"
        for encoding in ("json", "xml"):
            told = await found.ask("GET", f"/restconf/streams/{stream}/{encoding}?{query}", user="carol")
            assert own not in told.content.decode(), stream
            assert "mine" not in told.content.decode(), stream
    assert (await found.ask("GET", f"/restconf/streams/{own}/json", user="carol")).status == 404
    asked: dict[str, Any] = {"opnfv-promise:input": {}}
    for rpc in ("query-reservation", "query-instance", "query-capacity"):
        told = await found.ask("POST", RPC + rpc, asked, user="carol")
        assert own not in told.content.decode(), rpc
    alice = await found.ask("POST", f"{RPC}query-reservation", asked, user="alice")
    assert own in alice.content.decode()


async def test_a_refusal_names_nobody(town: tuple[House, str]) -> None:
    found, own = town
    asked = {**WINDOW, "capacity": {"cores": 18}}
    refused = await found.invoke("create-reservation", "carol", **asked)
    assert refused["result"] == "conflict"
    assert own not in json.dumps(refused)
    assert "alice" not in json.dumps(refused)
