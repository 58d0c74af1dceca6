"""A controller whose RESTCONF door is open, with a simulated cloud where one is wanted, and a plain HTTP client."""

from __future__ import annotations

import base64
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
from evidence import EVIDENCE
from lxml import etree
from yarl import URL

from promise.app import App, build
from promise.clock import ManualClock
from promise.config import Config
from promise.vim.simulator import Simulator, SimulatorOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

START = 1_800_000_000
"""2027-01-15T08:00:00Z."""

PROMISE = "/restconf/data/opnfv-promise:promise"
RPC = "/restconf/operations/opnfv-promise:"
JSON = "application/yang-data+json"
XML = "application/yang-data+xml"
USERS = [
    {"name": "admin", "password": "admin", "groups": ["admin"]},
    {"name": "alice", "password": "alice", "project": "red"},
    {"name": "carol", "password": "carol", "project": "blue"},
]


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: Mapping[str, str]
    content: bytes

    @property
    def error(self) -> dict[str, Any]:
        """The only error of the answer."""
        (found,) = self.body["ietf-restconf:errors"]["error"]
        return dict(found)

    @property
    def xml(self) -> etree._Element:
        return etree.fromstring(self.content)


class House:
    """`provider` is the id of the simulated cloud, once there is one."""

    def __init__(self, app: App, clock: ManualClock, http: aiohttp.ClientSession) -> None:
        self.app = app
        self.clock = clock
        self.http = http
        self.provider = ""
        self.cloud = ""

    async def ask(
        self, method: str, path: str, body: Any = None, *, user: str | None = "admin", **headers: str
    ) -> Answer:
        """Send a request; a header `if_match` is If-Match."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body
        if body is not None and not isinstance(body, bytes):
            data = json.dumps(body).encode()
            fields.setdefault("Content-Type", JSON)
        if user:
            fields["Authorization"] = f"Basic {base64.b64encode(f'{user}:{user}'.encode()).decode()}"
        url = f"http://{self.app.http[0]}:{self.app.http[1]}{path}"
        async with self.http.request(method, URL(url, encoded=True), data=data, headers=fields) as answer:
            content = await answer.read()
            EVIDENCE.answered(method, path, answer.headers, content)
            kind = answer.headers.get("Content-Type", "")
            parsed = json.loads(content) if content and "json" in kind else None
            return Answer(answer.status, parsed, answer.headers, content)

    async def get(self, path: str = "", **more: Any) -> Answer:
        """Read something below /promise."""
        return await self.ask("GET", PROMISE + path, **more)

    async def invoke(self, rpc: str, user: str = "admin", /, **given: Any) -> dict[str, Any]:
        """Ask an operation, and return its output."""
        answer = await self.ask("POST", RPC + rpc, {"opnfv-promise:input": given}, user=user)
        assert answer.status == 200, answer.body
        return dict(answer.body["opnfv-promise:output"])


@asynccontextmanager
async def house(
    state: Path,
    *,
    cloud: bool = False,
    policy: dict[str, Any] | None = None,
    clock: ManualClock | None = None,
    netconf: dict[str, Any] | None = None,
    access: dict[str, Any] | None = None,
    **restconf: Any,
) -> AsyncIterator[House]:
    """Open a controller; with `cloud` it has one with 64 cores, all offered, as the user `promise`."""
    clock = clock or ManualClock(START)
    config = Config.model_validate(
        {
            "state_dir": state,
            "netconf": {"listen": "127.0.0.1:0", **(netconf or {})},
            "restconf": {"listen": "127.0.0.1:0", **restconf},
            "user": USERS,
            "policy": policy or {},
            "access": access or {},
        }
    )
    simulator = Simulator(SimulatorOptions(), clock)
    app = await build(config, clock)
    try:
        await app.start()
        async with aiohttp.ClientSession() as http:
            found = House(app, clock, http)
            if cloud:
                await add_cloud(found, await simulator.start(port=0))
            yield found
    finally:
        await app.stop()
        await simulator.stop()


async def add_cloud(found: House, url: str) -> None:
    """Make a simulated cloud the provider, with some of it offered."""
    found.cloud = url
    added = await found.invoke(
        "add-provider",
        **{
            "provider-type": "openstack",
            "endpoint": f"{url}/identity/v3",
            "username": "promise",
            "password": "promise",
            "name": "cloud",
            "project": {"name": "promise", "domain-name": "Default"},
            "user-domain-name": "Default",
        },
    )
    assert added["result"] == "ok", added
    found.provider = added["provider-id"]
    pool = await found.invoke("increase-capacity", source=found.provider, capacity={"cores": 20, "instances": 50})
    assert pool["result"] == "ok", pool
