"""What a RESTCONF request costs the server; what it costs to walk a long list page by page is told by `walking`.

    python bench/restconf.py [--live 1000] [--calls 5000] [--connections 8]

A real `promise serve` with a simulated cloud holds `--live` reservations. Each kind of request is then sent `--calls`
times over `--connections` kept-alive connections, by a client that does nothing but bytes. "CPU" is the CPU time of
the server process per request, user and system, all threads; "wall" is what one connection waits.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

sys.path.insert(0, str(Path(__file__).parent))

from controller import Controller, offered
from netconf_client import connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DATA = "/restconf/data/opnfv-promise:promise"
RPC = "/restconf/operations/opnfv-promise:"
JSON = "application/yang-data+json"
LOGIN = base64.b64encode(b"admin:bench").decode()


class Connection:
    """A kept-alive connection that sends a request and reads what comes back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, port: int) -> Connection:
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=2**26))

    async def ask(self, request: bytes) -> tuple[bytes, bytes]:
        """Return head and body of the answer."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                return head, await self._reader.readexactly(int(line[15:]))
        return head, b"".join([piece async for piece in self._pieces()])

    async def _pieces(self) -> AsyncIterator[bytes]:
        """Yield the chunks of a long answer."""
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            yield (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readexactly(2)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


def written(method: str, path: str, body: Any = None) -> bytes:
    """Return the bytes of a request."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Authorization: Basic {LOGIN}", f"Accept: {JSON}"]
    if body is not None:
        lines += [f"Content-Type: {JSON}", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


async def repeated(connection: Connection, request: bytes, calls: int) -> int:
    """Send a request again and again; return the size of the last answer."""
    body = b""
    for _ in range(calls):
        head, body = await connection.ask(request)
        assert head.startswith(b"HTTP/1.1 200"), head + body
    return len(body)


async def measure(name: str, request: bytes, connections: list[Connection], calls: int, server: psutil.Process) -> None:
    """Print what one request of this kind costs."""
    share = calls // len(connections)
    await repeated(connections[0], request, 50)
    before, began = sum(server.cpu_times()[:2]), time.perf_counter()
    sizes = await asyncio.gather(*(repeated(one, request, share) for one in connections))
    cpu, wall = sum(server.cpu_times()[:2]) - before, time.perf_counter() - began
    done = share * len(connections)
    waited = wall / done * len(connections)
    print(f"{name:38} {sizes[0]:8} bytes {cpu / done * 1e6:6.0f} us CPU {waited * 1e6:8.0f} us wall")


async def fill(connections: list[Connection], count: int) -> list[str]:
    """Make so many reservations, and return their ids."""
    capacity = {"cores": 2, "ram": "4096", "instances": 1}
    request = written("POST", RPC + "create-reservation", {"opnfv-promise:input": {"capacity": capacity}})

    async def some(connection: Connection, number: int) -> list[str]:
        made = []
        for _ in range(number):
            _, body = await connection.ask(request)
            made.append(json.loads(body)["opnfv-promise:output"]["reservation-id"])
        return made

    found = await asyncio.gather(*(some(one, count // len(connections)) for one in connections))
    return [key for made in found for key in made]


async def main(live: int, calls: int, connections: int) -> None:
    """Measure everything."""
    with tempfile.TemporaryDirectory() as directory:
        server = Controller(Path(directory))
        try:
            port, endpoint = await server.ready()
            await offered(await connect("127.0.0.1", port, "admin", "bench"), endpoint)
            opened = [await Connection.to(server.http) for _ in range(connections)]
            made = await fill(opened, live)
            process = psutil.Process(server.serve.pid)
            for name, request in (
                ("GET /healthz: HTTP alone", written("GET", "/healthz")),
                ("GET a reservation", written("GET", f"{DATA}/reservations={made[0]}")),
                ("GET one leaf of it", written("GET", f"{DATA}/reservations={made[0]}/state")),
                ("GET the capacity of this moment", written("GET", f"{DATA}/capacity")),
                ("GET 20 reservations", written("GET", f"{DATA}/reservations?limit=20")),
                ("GET 20, only their state", written("GET", f"{DATA}/reservations?limit=20&fields=state")),
                ("GET a provider of the configuration", written("GET", f"{DATA}/providers?content=config")),
                ("POST query-capacity", written("POST", RPC + "query-capacity", {"opnfv-promise:input": {}})),
            ):
                await measure(name, request, opened, calls, process)
        finally:
            server.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--live", type=int, default=1000, help="reservations that there are")
    parser.add_argument("--calls", type=int, default=5000, help="requests of each kind")
    parser.add_argument("--connections", type=int, default=8, help="connections that ask at the same time")
    given = parser.parse_args()
    asyncio.run(main(given.live, given.calls, given.connections))
