"""A cloud that lives on, and a controller that is killed and started again on the same state directory."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import asyncssh
from crash.asking import Increase
from crash.book import Market, Offered, User
from crash.processes import PATIENCE, Process
from crash.shown import NAMESPACE, P, capacity_in
from netconf_client import connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from crash.book import Book
    from crash.processes import Parent
    from netconf_client import NetconfClient

    from promise.clock import Clock

ADMIN: Final = User("admin", "")
USERS: Final = (ADMIN, User("alpha", "red"), User("beta", "blue"))
"""The one without a project is an administrator, and sees everything."""

CLOUD: Final = (
    *("--hosts", "4", "--vcpus", "64", "--ram", "131072", "--quota", "instances=1000", "--quota", "port=5000"),
    *("--build-seconds", "0.1", "--delete-seconds", "0.05"),
)
OFFER: Final = {"cores": 40, "ram": 81920, "instances": 40}
"""What is offered of each zone: little enough that consumers are refused."""

CREATE_SETTLE: Final = 3
"""Seconds for which a server is looked for before it is asked for again. No fault delays a request as long."""

CONFIGURATION: Final = f"""
[restconf]
listen = "127.0.0.1:0"

[cloud]
reply_wait = 0.5
request_timeout = 4
create_settle = {CREATE_SETTLE}

[policy]
unreserved = "strict"
"""


class Deployment:
    """`ledger` is the file of the ledger; `restarts` has the seconds from each start until the server was ready."""

    def __init__(self, directory: Path) -> None:
        self.ledger = directory / "state" / "ledger.sqlite"
        self.restarts: list[float] = []
        self.url = ""
        self._configuration = directory / "promise.toml"
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._cloud: Process | None = None
        self._server: Process | None = None
        self._port = 0
        self._began = 0.0

    @classmethod
    @asynccontextmanager
    async def opened(cls, directory: Path, parent: Parent) -> AsyncIterator[Deployment]:
        """Start the cloud and the first controller; what is still there at the end is killed."""
        deployment = cls(directory)
        deployment._configuration.write_text(deployment._toml())
        try:
            await deployment.launch(parent)
            deployment._cloud = await Process.start(parent, "simulate", "--listen", "127.0.0.1:0", *CLOUD)
            await deployment.ready()
            deployment.url = (await deployment._cloud.log.until("simulator.ready"))["url"]
            yield deployment
        finally:
            for process in (deployment._server, deployment._cloud):
                if process is not None:
                    if not process.log.ended:
                        process.kill()
                    await process.ended()

    def _toml(self) -> str:
        public = self._key.export_public_key("openssh").decode().strip()
        users = "".join(
            f'\n[[user]]\nname = "{user.name}"\nproject = "{user.project}"\nauthorized_keys = ["{public}"]\n'
            f"groups = {json.dumps([] if user.project else ['admin'])}\n"
            for user in USERS
        )
        return f'state_dir = "{self.ledger.parent}"\n\n[netconf]\nlisten = "127.0.0.1:0"\n{CONFIGURATION}{users}'

    # ---- the server

    @property
    def server(self) -> Process:
        """The controller that runs."""
        assert self._server is not None
        return self._server

    async def launch(self, parent: Parent) -> None:
        """Start the controller, and do not wait for it."""
        self._began = asyncio.get_running_loop().time()
        self._server = await Process.start(parent, "serve", "--config", str(self._configuration))

    async def ready(self) -> None:
        """Wait until the controller says that it is ready."""
        ready = await self.server.log.until("ready")
        self.restarts.append(asyncio.get_running_loop().time() - self._began)
        self._port = int(ready["netconf"].rpartition(":")[2])

    async def kill(self) -> None:
        """Kill the controller, and wait until it is gone."""
        self.server.kill()
        await self.killed()

    async def killed(self) -> None:
        """Wait until the controller is gone, which somebody kills; one that was asked to stop may have been faster."""
        ends = {-signal.SIGKILL, 0} if self.server.asked_to_end else {-signal.SIGKILL}
        assert await self.server.ended() in ends, self.server.log.lines[-20:]

    async def stopped(self) -> None:
        """Wait until the controller has ended, which somebody has asked to: it must say so, and that all is well."""
        assert await self.server.ended() == 0, self.server.log.lines[-20:]
        assert json.loads(self.server.log.lines[-1])["event"] == "stopped"

    async def session(self, user: User = ADMIN) -> NetconfClient:
        """Log in."""
        return await connect("127.0.0.1", self._port, user.name, client_keys=[self._key])

    # ---- the cloud

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the simulator's own API."""
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.request(method, f"{self.url}/simulator{path}", json=body) as response,
        ):
            assert response.status < 300, await response.text()
            return await response.json() if response.status != 204 else None

    async def spoil(self, **rule: Any) -> int:
        """Let requests to the cloud go wrong; return the rule's number."""
        return int((await self.control("POST", "/faults", rule))["id"])

    async def heal(self, *rules: int) -> None:
        """Take back rules; requests that hang are cut off."""
        for rule in rules:
            await self.control("DELETE", f"/faults/{rule}")

    async def servers(self) -> list[dict[str, Any]]:
        """Return the servers of our project as the simulator keeps them."""
        found = (await self.control("GET", "/state"))["servers"]
        return [server for server in found if server["project"] == "promise"]

    # ---- what is offered

    async def offer(self, book: Book, clock: Clock) -> Market:
        """Register the cloud, and offer something of each of its zones."""
        client = await self.session()
        reply = await client.rpc(
            f'<add-provider xmlns="{NAMESPACE}"><provider-type>openstack</provider-type><name>cloud</name>'
            f"<endpoint>{self.url}/identity/v3</endpoint><username>promise</username><password>promise</password>"
            "<project><name>promise</name><domain-name>Default</domain-name></project></add-provider>"
        )
        assert reply.findtext(P + "result") == "ok", reply.findtext(P + "message")
        needs = {
            str(flavor.findtext(P + "name")): {**capacity_in(flavor, "capacity"), "ports": 1}
            for flavor in reply.iter(P + "flavors")
        }
        zones = tuple(str(zone.findtext(P + "name")) for zone in reply.iter(P + "zones"))
        market = Market(str(reply.findtext(P + "provider-id")), zones, needs, clock.now())
        for zone in zones:
            offered = Offered(f"offer-{zone}", ADMIN, clock.now(), capacity=OFFER, zone=zone)
            book.offered[offered.name] = offered
            request = Increase(offered, market.provider)
            request.answered(await client.rpc(request.xml), clock.now())
        await client.close()
        return market
