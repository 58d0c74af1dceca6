"""What it costs to tell many subscribers of one event: over SSH (RFC 5277) and as server-sent events.

    python bench/notifications.py [--subscribers 500] [--requests 50]

A real `promise serve` with a simulated cloud. So many subscribers listen, all on one door; then one session makes so
many reservations, each of which is told with two notifications. "CPU" is the CPU time of the server process, user and
system, all threads, per notification delivered, without what the same requests cost when nobody listens.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parent))

from controller import Controller, offered
from netconf_client import NetconfClient, connect

LOGIN = base64.b64encode(b"admin:bench").decode()
AT_ONCE = 25
NOTICES = 2
"""Notifications of one reservation that lies in the future: its own, and that of the capacity."""

RESERVE = (
    '<create-reservation xmlns="urn:opnfv:promise"><start>2099-01-01T00:00:00Z</start><end>2099-01-02T00:00:00Z</end>'
    "<capacity><cores>1</cores></capacity></create-reservation>"
)


async def ssh(port: int) -> NetconfClient:
    """Subscribe on a session."""
    client = await connect("127.0.0.1", port, "admin", "bench")
    await client.subscribe()
    return client


async def sse(port: int) -> asyncio.StreamReader:
    """Read a stream."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**26)
    lines = ["GET /restconf/streams/NETCONF/json HTTP/1.1", "Host: bench", f"Authorization: Basic {LOGIN}", "", ""]
    writer.write("\r\n".join(lines).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    reader.kept = writer  # type: ignore[attr-defined] # the connection lives as long as its reader
    return reader


async def heard_ssh(client: NetconfClient, count: int) -> None:
    """Wait for so many notifications."""
    for _ in range(count):
        await client.receive()


async def heard_sse(reader: asyncio.StreamReader, count: int) -> None:
    """Wait for so many events."""
    found = 0
    while found < count:
        found += (await reader.read(2**20)).count(b"data: {")


async def cost(writer: NetconfClient, requests: int, server: psutil.Process, hearing: list[Any]) -> float:
    """Return the CPU seconds of the requests, and of telling whoever hears."""
    before = sum(server.cpu_times()[:2])
    tasks = [asyncio.ensure_future(each) for each in hearing]
    for _ in range(requests // 10):
        await writer.pipeline([RESERVE] * 10)
    await asyncio.gather(*tasks)
    return float(sum(server.cpu_times()[:2]) - before)


async def main(subscribers: int, requests: int) -> list[tuple[str, float, float]]:
    """Measure both doors; return for each its name, the CPU microseconds of a delivery, and deliveries per second."""
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        server = Controller(Path(directory))
        try:
            port, endpoint = await server.ready()
            writer = await connect("127.0.0.1", port, "admin", "bench")
            await offered(writer, endpoint)
            process = psutil.Process(server.serve.pid)
            await cost(writer, requests, process, [])
            alone = await cost(writer, requests, process, [])
            count = requests * NOTICES
            doors: tuple[tuple[str, Any, Any, int], ...] = (
                ("SSE", sse, heard_sse, server.http),
                ("SSH", ssh, heard_ssh, port),
            )
            for name, begin, hear, where in doors:
                listeners: list[Any] = []
                while len(listeners) < subscribers:
                    listeners += await asyncio.gather(*(begin(where) for _ in range(AT_ONCE)))
                began = time.perf_counter()
                spent = await cost(writer, requests, process, [hear(each, count) for each in listeners])
                wall, deliveries = time.perf_counter() - began, count * len(listeners)
                rows.append((name, (spent - alone) / deliveries * 1e6, deliveries / wall))
                for one in listeners:
                    if isinstance(one, NetconfClient):
                        await one.close()
                    else:
                        one.kept.close()
        finally:
            server.stop()
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=500)
    parser.add_argument("--requests", type=int, default=50)
    given = parser.parse_args()
    for door, each, rate in asyncio.run(main(given.subscribers, given.requests)):
        print(f"{door}: {each:6.1f} us CPU for a delivery, {rate:8.0f} deliveries per second")
