"""A simulated cloud on the test's own event loop, with a clock that the test moves, and raw requests to it."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import aiohttp

from promise.clock import ManualClock
from promise.vim.simulator import Simulator, SimulatorOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

START = 1_800_000_000
"""The moment at which the clock of every simulated cloud starts: 2027-01-15T08:00:00Z."""


@dataclass(frozen=True)
class Reply:
    """An HTTP answer; `body` is its JSON, or its text where it is none."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Cloud:
    """A running simulator and a client of it that knows nothing of OpenStack but HTTP."""

    def __init__(self, simulator: Simulator, url: str, clock: ManualClock, http: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.world = simulator.world
        self.url = url
        self.clock = clock
        self.http = http
        self._tokens: dict[tuple[str, str], str] = {}

    async def send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        """Send one request without any token of our own."""
        encoded = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        data = None if encoded is None else BytesIO(encoded)
        async with self.http.request(method, self.url + path, data=data, headers=headers) as response:
            text = await response.text()
            try:
                return Reply(response.status, json.loads(text) if text else None, response.headers)
            except ValueError:
                return Reply(response.status, text, response.headers)

    async def sign_in(self, user: str = "promise", project: str = "promise", password: str | None = None) -> Reply:
        """Ask for a token of a project."""
        domain = {"id": "default"}
        auth = {
            "identity": {
                "methods": ["password"],
                "password": {"user": {"name": user, "domain": domain, "password": password or user}},
            },
            "scope": {"project": {"name": project, "domain": domain}},
        }
        return await self.send("POST", "/identity/v3/auth/tokens", {"auth": auth})

    async def token(self, user: str = "promise", project: str = "promise") -> str:
        """Return a token of a project, the same one while it is asked for again."""
        if (user, project) not in self._tokens:
            reply = await self.sign_in(user, project)
            assert reply.status == 201, reply.body
            self._tokens[user, project] = reply.headers["X-Subject-Token"]
        return self._tokens[user, project]

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: str = "promise",
        project: str = "promise",
        version: str = "",
    ) -> Reply:
        """Send one request as a user, with a microversion ("compute 2.96") where one is given."""
        headers = {"X-Auth-Token": await self.token(user, project)}
        if version:
            headers["OpenStack-API-Version"] = version
        return await self.send(method, path, body, headers)

    async def nova(self, method: str, path: str, body: Any = None, version: str = "2.96", **who: str) -> Reply:
        """Send one request to Nova."""
        return await self.call(method, f"/compute/v2.1{path}", body, version=f"compute {version}", **who)

    async def placement(self, method: str, path: str, body: Any = None, version: str = "1.39", **who: str) -> Reply:
        """Send one request to Placement."""
        return await self.call(method, f"/placement{path}", body, version=f"placement {version}", **who)

    async def neutron(self, method: str, path: str, body: Any = None, **who: str) -> Reply:
        """Send one request to Neutron."""
        return await self.call(method, f"/network/v2.0{path}", body, **who)

    async def cinder(self, method: str, path: str, body: Any = None, **who: str) -> Reply:
        """Send one request to Cinder."""
        return await self.call(method, f"/volume/v3{path}", body, version="volume 3.71", **who)

    def order(self, name: str = "one", flavor: str = "m1.small", **more: Any) -> dict[str, Any]:
        """Return the body of a request for a server on the network `private` with the image `cirros`."""
        rows = self.world.network.rows["network"].values()
        return {
            "server": {
                "name": name,
                "imageRef": next(iter(self.world.images)),
                "flavorRef": next(f.id for f in self.world.compute.flavors.values() if f.name == flavor),
                "networks": [{"uuid": next(row["id"] for row in rows if row["name"] == "private")}],
                **more,
            }
        }

    async def create(self, name: str = "one", flavor: str = "m1.small", *, user: str = "promise",
                     project: str = "promise", **more: Any) -> str:  # fmt: skip
        """Create a server and return its id."""
        reply = await self.nova("POST", "/servers", self.order(name, flavor, **more), user=user, project=project)
        assert reply.status == 202, reply.body
        server_id: str = reply.body["server"]["id"]
        return server_id

    async def server(self, server_id: str, version: str = "2.96", **who: str) -> dict[str, Any]:
        """Return a server as Nova shows it."""
        reply = await self.nova("GET", f"/servers/{server_id}", version=version, **who)
        assert reply.status == 200, reply.body
        shown: dict[str, Any] = reply.body["server"]
        return shown

    async def control(self, method: str, path: str, body: Any = None) -> Reply:
        """Send one request to the simulator's own API."""
        return await self.send(method, f"/simulator{path}", body)


async def until(condition: Callable[[], object]) -> None:
    """Let the loop run until a condition holds."""
    while not condition():  # noqa: ASYNC110 -- what is waited for has no event of its own
        await asyncio.sleep(0)


@asynccontextmanager
async def simulated(options: SimulatorOptions | None = None) -> AsyncIterator[Cloud]:
    """Run a simulated cloud."""
    clock = ManualClock(START)
    simulator = Simulator(options or SimulatorOptions(), clock)
    url = await simulator.start()
    try:
        async with aiohttp.ClientSession() as http:
            yield Cloud(simulator, url, clock, http)
    finally:
        await simulator.stop()
