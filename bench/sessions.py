"""How many NETCONF sessions a server holds, and what opening one costs."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from netconf_client import Closed, NetconfClient, chunked, connect, rpc_message

if TYPE_CHECKING:
    import psutil

AT_ONCE = 40
ASKED = chunked(rpc_message('<get-config><source><running/></source><filter type="subtree"/></get-config>', "1"))


class Opened(NamedTuple):
    """What opening sessions took: CPU and wall seconds, and bytes of memory (RSS)."""

    clients: list[NetconfClient]
    cpu: float
    wall: float
    memory: int


def spent(process: psutil.Process) -> float:
    """Return the CPU seconds of a process so far, user and system, all threads, to the nanosecond.

    That is the clock which clock_getcpuclockid(3) would name; psutil counts in hundredths of a second.
    """
    return time.clock_gettime((~process.pid << 3) | 2)


async def opened(port: int, count: int, process: psutil.Process) -> Opened:
    """Open so many sessions, some of them at the same time."""
    clients: list[NetconfClient] = []
    waiting = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with waiting:
            clients.append(await connect("127.0.0.1", port, "admin", "bench", login_timeout=300))

    before, memory, began = spent(process), process.memory_info().rss, time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(count):
            tasks.create_task(one())
    wall = time.perf_counter() - began
    return Opened(clients, spent(process) - before, wall, process.memory_info().rss - memory)


async def answering(clients: list[NetconfClient]) -> int:
    """Return how many of the sessions answer."""

    async def asks(client: NetconfClient) -> bool:
        try:
            client.send(ASKED)
            return b"<data" in await client.receive()
        except (Closed, OSError):
            return False

    found = 0
    for first in range(0, len(clients), AT_ONCE):
        found += sum(await asyncio.gather(*(asks(one) for one in clients[first : first + AT_ONCE])))
    return found


async def closed(clients: list[NetconfClient]) -> None:
    """Close the sessions."""
    for first in range(0, len(clients), AT_ONCE):
        await asyncio.gather(*(one.close() for one in clients[first : first + AT_ONCE]))
