"""The simulated Aodh: event alarms made by the unmodified aodhclient ring as time passes, without anybody asking."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import openstack
import pytest
from aiohttp import web
from aodhclient import exceptions
from aodhclient.v2.client import Client
from simulated import Cloud, simulated, until

from promise.vim.simulator import SimulatorOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning", "ignore::DeprecationWarning")


class Receiver:
    """Takes the calls of alarms, at an address of its own."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[dict[str, Any]] = []

    async def take(self, request: web.BaseRequest) -> web.Response:
        self.calls.append(await request.json())
        return web.Response(status=204)

    def seen(self) -> list[tuple[str, str]]:
        """Return event type and state of each call."""
        events = [call["reason_data"]["event"] for call in self.calls]
        traits = [{name: value for name, _, value in event["traits"]} for event in events]
        return [(event["event_type"], trait["state"]) for event, trait in zip(events, traits, strict=True)]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    runner = web.ServerRunner(web.Server(receiver.take), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest.fixture
async def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cloud]:
    async with simulated(SimulatorOptions(build_seconds=5, delete_seconds=5, action_seconds=5)) as running:
        clouds = tmp_path / "clouds.yaml"
        clouds.write_text(running.simulator.clouds_yaml(running.url))
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds))
        yield running


async def with_aodh(play: Any, cloud: str = "simulator") -> Any:
    """Run a function of an aodhclient in a thread, as the simulator runs on this loop."""

    def run() -> Any:
        with openstack.connect(cloud=cloud) as connection:
            return play(Client(session=connection.session))

    return await asyncio.to_thread(run)


async def alarm(receiver: Receiver, event_type: str, cloud: str = "simulator", **more: Any) -> dict[str, Any]:
    query = [{"field": name, "op": "eq", "value": value, "type": "string"} for name, value in more.pop("query", ())]
    body = {"name": "a", "type": "event", "alarm_actions": [receiver.url], "repeat_actions": True,
            "event_rule": {"event_type": event_type, "query": query}, **more}  # fmt: skip
    made: dict[str, Any] = await with_aodh(lambda aodh: aodh.alarm.create(body), cloud)
    return made


async def test_a_server_s_life_rings_by_the_clock_alone(cloud: Cloud, receiver: Receiver) -> None:
    made = await alarm(receiver, "compute.instance.*")
    server_id = await cloud.create()
    await cloud.clock.advance(5)
    await until(lambda: ("compute.instance.create.end", "active") in receiver.seen())
    assert receiver.seen() == [
        ("compute.instance.update", "building"), ("compute.instance.update", "building"),
        ("compute.instance.create.start", "building"), ("compute.instance.update", "active"),
        ("compute.instance.create.end", "active"),
    ]  # fmt: skip
    call = receiver.calls[-1]
    traits = {name: value for name, _, value in call["reason_data"]["event"]["traits"]}
    assert (call["alarm_id"], call["current"], call["severity"]) == (made["alarm_id"], "alarm", "low")
    assert (traits["instance_id"], traits["vcpus"], traits["availability_zone"]) == (server_id, 1, "az1")
    assert traits["project_id"] == made["project_id"]
    receiver.calls.clear()
    await cloud.nova("DELETE", f"/servers/{server_id}")
    await cloud.clock.advance(5)
    await until(lambda: ("compute.instance.delete.end", "deleted") in receiver.seen())
    assert server_id not in cloud.world.compute.servers


async def test_a_query_narrows_what_rings(cloud: Cloud, receiver: Receiver) -> None:
    await alarm(
        receiver, "compute.instance.update", query=[("traits.state", "active"), ("traits.old_state", "building")]
    )
    await cloud.create()
    await cloud.clock.advance(5)
    await until(lambda: receiver.calls)
    await cloud.simulator.notifier.idle()
    assert receiver.seen() == [("compute.instance.update", "active")]


async def test_without_repeat_it_rings_once_until_its_state_is_set_back(cloud: Cloud, receiver: Receiver) -> None:
    made = await alarm(receiver, "compute.instance.create.start", repeat_actions=False)
    assert made["state"] == "insufficient data"
    for _ in range(2):
        await cloud.create()
    await cloud.simulator.notifier.idle()
    assert len(receiver.calls) == 1
    assert (receiver.calls[0]["previous"], receiver.calls[0]["current"]) == ("insufficient data", "alarm")
    assert await with_aodh(lambda aodh: aodh.alarm.get_state(made["alarm_id"])) == "alarm"
    await with_aodh(lambda aodh: aodh.alarm.set_state(made["alarm_id"], "ok"))
    await cloud.create()
    await cloud.simulator.notifier.idle()
    assert [call["previous"] for call in receiver.calls] == ["insufficient data", "ok"]


async def test_an_alarm_hears_only_of_its_own_project(cloud: Cloud, receiver: Receiver) -> None:
    await alarm(receiver, "compute.instance.*", query=[])
    await cloud.create(user="tenant", project="tenant")
    await cloud.simulator.notifier.idle()
    assert receiver.calls == []
    tenant = next(each.id for each in cloud.world.identity.projects.values() if each.name == "tenant")
    await alarm(receiver, "compute.instance.create.start", project_id=tenant)
    await cloud.create(user="tenant", project="tenant")
    await cloud.simulator.notifier.idle()
    assert receiver.seen() == [("compute.instance.create.start", "building")]


async def test_no_valid_host_is_a_single_update_to_error(cloud: Cloud, receiver: Receiver) -> None:
    await alarm(receiver, "compute.instance.*", query=[("traits.state", "error")])
    for name in cloud.world.hosts.by_name:
        await cloud.control("PUT", f"/hosts/{name}", {"enabled": False})
    await cloud.create()
    await cloud.simulator.notifier.idle()
    assert receiver.seen() == [("compute.instance.update", "error")]


async def test_a_stop_from_outside_rings(cloud: Cloud, receiver: Receiver) -> None:
    server_id = await cloud.create()
    await cloud.clock.advance(5)
    await cloud.server(server_id)
    await alarm(receiver, "compute.instance.power_off.end")
    await cloud.nova("POST", f"/servers/{server_id}/action", {"os-stop": None})
    await cloud.clock.advance(5)
    await until(lambda: receiver.calls)
    assert receiver.seen() == [("compute.instance.power_off.end", "stopped")]


async def test_a_receiver_that_is_gone_holds_nothing_up(cloud: Cloud, receiver: Receiver) -> None:
    await alarm(receiver, "compute.instance.create.start", alarm_actions=["http://127.0.0.1:1/", receiver.url])
    await cloud.create()
    await cloud.simulator.notifier.idle()
    assert receiver.seen() == [("compute.instance.create.start", "building")]


async def test_alarms_are_listed_changed_and_ended(cloud: Cloud, receiver: Receiver) -> None:
    made = await alarm(receiver, "compute.instance.*")
    await alarm(receiver, "other", name="b")

    def play(aodh: Any) -> None:
        assert {each["name"] for each in aodh.alarm.list()} == {"a", "b"}
        assert [each["name"] for each in aodh.alarm.list({"name": "b"})] == ["b"]
        assert [each["name"] for each in aodh.alarm.query('{"=": {"name": "b"}}')] == ["b"]
        assert aodh.alarm.get(made["alarm_id"])["event_rule"]["event_type"] == "compute.instance.*"
        changed = aodh.alarm.update(made["alarm_id"], {"enabled": False, "severity": "critical"})
        assert (changed["enabled"], changed["severity"], changed["alarm_actions"]) == (
            False,
            "critical",
            [receiver.url],
        )
        aodh.alarm.delete(made["alarm_id"])
        with pytest.raises(exceptions.NotFound):
            aodh.alarm.get(made["alarm_id"])

    await with_aodh(play)
    assert len(cloud.world.alarms.by_id) == 1
    assert await with_aodh(lambda aodh: aodh.alarm.list(), "simulator-tenant") == []


@pytest.mark.parametrize(
    "change",
    [{"name": ""}, {"type": "threshold"}, {"severity": "high"}, {"event_rule": {"query": [{"field": "x"}]}},
     {"event_rule": {"query": "x"}}, {"alarm_actions": ["nonsense"]}, {"alarm_actions": "http://x/"}],
)  # fmt: skip
async def test_a_bad_alarm_is_a_400(cloud: Cloud, change: dict[str, Any]) -> None:
    body = {"name": "a", "type": "event", "event_rule": {}, **change}
    reply = await cloud.call("POST", "/alarming/v2/alarms", body)
    assert (reply.status, list(reply.body)) == (400, ["error_message"])
    assert cloud.world.alarms.by_id == {}
