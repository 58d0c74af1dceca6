"""What the benchmarks measure: a `promise serve` and the cloud that it draws on, each a process of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

if TYPE_CHECKING:
    from netconf_client import NetconfClient

NS = "urn:opnfv:promise"


class Controller:
    """A `promise serve` and the cloud that it draws on, each a process of its own."""

    def __init__(self, directory: Path) -> None:
        self.state = directory / "state"
        clouds = directory / "clouds.yaml"
        program = [sys.executable, "-m", "promise"]
        sizes = ["--hosts", "100", "--vcpus", "100000", "--ram", "200000000", "--quota", "instances=1000000"]
        self.http = 0
        self.log = (directory / "log").open("w+")
        self.cloud = subprocess.Popen(
            [*program, "simulate", "--listen", "127.0.0.1:0", "--clouds", str(clouds), *sizes], stderr=self.log
        )
        environment = {**os.environ, "PROMISE_ADMIN_PASSWORD": "bench"}
        log = (directory / "serve.log").open("w+")
        doors = ["--netconf", "127.0.0.1:0", "--restconf", "127.0.0.1:0", "--state-dir", str(self.state)]
        self.serve = subprocess.Popen([*program, "serve", *doors], env=environment, stderr=log)
        self.clouds, self.serve_log = clouds, directory / "serve.log"

    async def ready(self) -> tuple[int, str]:
        """Return the port of NETCONF and the endpoint of the cloud once both are up."""
        for _ in range(1200):
            text = self.serve_log.read_text()
            if self.clouds.exists() and '"event": "ready"' in text:
                port = text.split('"netconf": "127.0.0.1:')[1].split('"')[0]
                self.http = int(text.split('"http": "127.0.0.1:')[1].split('"')[0])
                endpoint = self.clouds.read_text().split('auth_url: "')[1].split('"')[0]
                return int(port), endpoint
            await asyncio.sleep(0.1)
        raise SystemExit(f"the server did not come up:\n{self.serve_log.read_text()}")

    def cpu(self) -> float:
        """Return the CPU seconds of the server so far."""
        times = psutil.Process(self.serve.pid).cpu_times()
        spent: float = sum((times.user, times.system))
        return spent

    def stop(self) -> None:
        """End both."""
        for process in (self.serve, self.cloud):
            process.terminate()
            process.wait(30)


async def offered(client: NetconfClient, endpoint: str) -> str:
    """Register the cloud and offer all of it; return the provider's id."""
    reply = await client.rpc(
        f'<add-provider xmlns="{NS}"><provider-type>openstack</provider-type><endpoint>{endpoint}</endpoint>'
        "<username>promise</username><password>promise</password><project><name>promise</name>"
        "<domain-name>Default</domain-name></project></add-provider>"
    )
    provider = reply.findtext(f"{{{NS}}}provider-id")
    await client.rpc(
        f'<increase-capacity xmlns="{NS}"><source>{provider}</source><capacity><cores>1000000</cores>'
        "<ram>2000000000</ram><instances>1000000</instances></capacity></increase-capacity>"
    )
    return str(provider)
