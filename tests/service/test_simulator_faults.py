"""Injected faults: errors, delays, lost requests and lost replies, each as often as it is asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from simulated import Cloud, simulated, until

from promise.vim.simulator import SimulatorOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

POST_SERVER = {"service": "compute", "method": "POST", "path": "/servers$"}


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    async with simulated(SimulatorOptions()) as running:
        await running.token()
        yield running


async def inject(cloud: Cloud, **rule: Any) -> int:
    reply = await cloud.control("POST", "/faults", rule)
    assert reply.status == 201, reply.body
    return int(reply.body["id"])


def servers(cloud: Cloud) -> int:
    return len(cloud.world.compute.servers)


async def test_an_error_is_answered_in_the_words_of_the_service_and_nothing_happens(cloud: Cloud) -> None:
    await inject(cloud, action="error", status=503, count=1, **POST_SERVER)
    reply = await cloud.nova("POST", "/servers", cloud.order())
    assert (reply.status, list(reply.body)) == (503, ["serviceUnavailable"])
    assert servers(cloud) == 0
    assert (await cloud.nova("POST", "/servers", cloud.order())).status == 202


async def test_an_error_may_come_after_the_effect_with_an_answer_of_one_s_own(cloud: Cloud) -> None:
    await inject(cloud, action="error", status=504, after=True, answer="<html>Gateway Time-out</html>",
                 headers={"Retry-After": "7"}, **POST_SERVER)  # fmt: skip
    reply = await cloud.nova("POST", "/servers", cloud.order())
    assert (reply.status, reply.body, reply.headers["Retry-After"]) == (504, "<html>Gateway Time-out</html>", "7")
    assert servers(cloud) == 1


@pytest.mark.parametrize("after", [False, True])
async def test_a_dropped_connection_has_its_effect_only_when_it_is_dropped_after_it(cloud: Cloud, after: bool) -> None:
    await inject(cloud, action="drop", after=after, count=1, **POST_SERVER)
    with pytest.raises(aiohttp.ClientConnectionError):
        await cloud.nova("POST", "/servers", cloud.order())
    assert servers(cloud) == int(after)


@pytest.mark.parametrize("after", [False, True])
async def test_a_delay_holds_the_effect_or_only_the_reply(cloud: Cloud, after: bool) -> None:
    await inject(cloud, action="delay", seconds=30, after=after, count=1, **POST_SERVER)
    pending = asyncio.create_task(cloud.nova("POST", "/servers", cloud.order()))
    await until(lambda: cloud.simulator.faults.rules[1].hits)
    assert servers(cloud) == int(after)
    await cloud.clock.advance(29)
    assert not pending.done()
    await cloud.clock.advance(1)
    assert (await pending).status == 202
    assert servers(cloud) == 1


async def test_a_request_that_hangs_is_let_go_without_a_reply_when_its_rule_is_cleared(cloud: Cloud) -> None:
    rule = await inject(cloud, action="hang", after=True, **POST_SERVER)
    pending = asyncio.create_task(cloud.nova("POST", "/servers", cloud.order()))
    await until(lambda: cloud.simulator.faults.rules[rule].hits)
    assert servers(cloud) == 1
    assert not pending.done()
    assert (await cloud.control("DELETE", f"/faults/{rule}")).status == 204
    with pytest.raises(aiohttp.ClientConnectionError):
        await pending


async def test_a_simulator_stops_while_requests_hang() -> None:
    async with simulated(SimulatorOptions()) as cloud:
        await cloud.token()
        await inject(cloud, action="hang", **POST_SERVER)
        pending = asyncio.create_task(cloud.nova("POST", "/servers", cloud.order()))
        await until(lambda: cloud.simulator.faults.rules[1].hits)
    with pytest.raises(aiohttp.ClientError):
        await pending


async def test_a_rule_strikes_after_those_it_skips_and_as_often_as_it_counts(cloud: Cloud) -> None:
    rule = await inject(cloud, action="error", status=500, skip=1, count=2, service="compute", method="GET")
    assert [(await cloud.nova("GET", "/servers")).status for _ in range(4)] == [200, 500, 500, 200]
    listed = (await cloud.control("GET", "/faults")).body
    assert [(each["id"], each["hits"], each["count"], each["skip"]) for each in listed] == [(rule, 2, 0, 0)]


async def test_a_rule_may_look_at_path_and_body(cloud: Cloud) -> None:
    await inject(cloud, action="error", status=500, body='"name": "unlucky"')
    assert (await cloud.nova("POST", "/servers", cloud.order("lucky"))).status == 202
    assert (await cloud.nova("POST", "/servers", cloud.order("unlucky"))).status == 500
    await cloud.control("DELETE", "/faults")
    await inject(cloud, action="error", status=500, path="^/placement")
    assert (await cloud.placement("GET", "/traits")).status == 500
    assert (await cloud.nova("GET", "/flavors")).status == 200


async def test_what_was_asked_is_remembered(cloud: Cloud) -> None:
    await cloud.control("DELETE", "/requests")
    await inject(cloud, action="drop", **POST_SERVER)
    await cloud.nova("GET", "/servers?limit=1")
    with pytest.raises(aiohttp.ClientConnectionError):
        await cloud.nova("POST", "/servers", cloud.order())
    seen = (await cloud.control("GET", "/requests")).body
    assert [(each["method"], each["path"], each["query"], each["status"]) for each in seen] == [
        ("GET", "/compute/v2.1/servers", "limit=1", 200),
        ("POST", "/compute/v2.1/servers", "", None),
    ]
