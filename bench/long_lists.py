"""What very long lists cost, and what others feel of it: all reservations in one answer (page by page: `walking.py`).

    python bench/long_lists.py [--live 100000]

A real `promise serve` with so many reservations (written into its ledger before it starts). While one client reads
them all, another session asks for a filtered get-config again and again: "others waited" are the median, and the
longest, of its waits. "memory" is by how much the server grew at most (RSS), looked at every 20 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import psutil

sys.path.insert(0, str(Path(__file__).parent))

from controller import NS, Controller, offered
from create_reservation import pipelined
from netconf_client import BASE, NetconfClient, connect
from northbound import GET, GET_CONFIG
from restconf import DATA, written
from sessions import spent

from promise.clock import SystemClock
from promise.events import Decision, fact
from promise.ledger.state import CODECS, State
from promise.ledger.writer import Ledger
from promise.resources import Window

if TYPE_CHECKING:
    from collections.abc import Coroutine

AT_ONCE = 5000
RESERVE = f'<create-reservation xmlns="{NS}"><capacity><cores>2</cores><ram>4096</ram></capacity></create-reservation>'


class Felt(NamedTuple):
    """What reading took, and what others felt of it: seconds, and bytes."""

    wall: float
    cpu: float
    memory: int
    waits: list[float]


async def filled(directory: Path, live: int) -> None:
    """Make a controller with one reservation, and write so many like it into its ledger."""
    controller = Controller(directory)
    try:
        port, endpoint = await controller.ready()
        client = await connect("127.0.0.1", port, "admin", "bench")
        await offered(client, endpoint)
        await pipelined(client, [RESERVE], 1)
        await client.close()
    finally:
        controller.stop()
    state = State()
    source = f"sqlite:///{directory / 'state' / 'ledger.sqlite'}"
    ledger = await Ledger.open(
        source, state, clock=SystemClock(), codecs=CODECS, advance=State.advance, load=State.load
    )
    (one,) = state.reservations.values()
    for first in range(0, live, AT_ONCE):
        more = [
            replace(
                one, id=str(UUID(int=number)), name=f"vnf-{number}",
                window=Window(one.window.start + 60 * number, one.window.start + 60 * number + 3600),
            )
            for number in range(first, min(first + AT_ONCE, live))
        ]  # fmt: skip
        decision = Decision(None, tuple(fact("reservation-created", each) for each in more))
        await ledger.submit(lambda _book, _now, decision=decision: decision, actor="bench")  # type: ignore[misc]
    await ledger.close()


async def felt(reading: Coroutine[None, None, None], other: NetconfClient, server: psutil.Process) -> Felt:
    """Read in a loop of its own, while another session asks small questions in this one."""
    waits: list[float] = []
    before = most = server.memory_info().rss
    cpu, began = spent(server), time.perf_counter()
    task = asyncio.ensure_future(asyncio.to_thread(asyncio.run, reading))

    async def asks() -> None:
        while not task.done():
            asked = time.perf_counter()
            await other.rpc(GET_CONFIG.format("<providers/>"))
            waits.append(time.perf_counter() - asked)
            await asyncio.sleep(0.005)

    asking = asyncio.ensure_future(asks())
    while not task.done():
        most = max(most, server.memory_info().rss)
        await asyncio.sleep(0.02)
    await asyncio.gather(task, asking)
    return Felt(time.perf_counter() - began, spent(server) - cpu, most - before, waits)


async def by_netconf(port: int, operation: str) -> None:
    """Read everything in one reply; its bytes are not looked at, so that this process does not stand in the way."""
    async with await connect("127.0.0.1", port, "admin", "bench") as client:
        client.send_message(f'<rpc xmlns="{BASE}" message-id="1">{operation}</rpc>'.encode())
        last = b""
        while not last.endswith(b"\n##\n"):
            await client.arrived()
            last = client.taken()[-8:] or last


async def by_restconf(port: int, path: str) -> None:
    """Read everything in one answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(written("GET", path))
    last = b""
    while not last.endswith(b"0\r\n\r\n"):
        last = (await reader.read(2**18))[-8:]
    writer.close()


async def main(live: int) -> None:
    """Measure, and print the table."""
    print(f"| {live} reservations | seconds | CPU | memory | others waited |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as directory:
        await filled(Path(directory), live)
        (Path(directory) / "clouds.yaml").unlink()
        controller = Controller(Path(directory))
        try:
            port, _ = await controller.ready()
            server = psutil.Process(controller.serve.pid)
            other = await connect("127.0.0.1", port, "admin", "bench")
            idle = await felt(asyncio.sleep(1), other, server)
            print(f"| nothing | 1.0 | | | {1e3 * median(idle.waits):.1f} ms, {1e3 * max(idle.waits):.0f} ms |")
            for what, reading in (
                ("NETCONF get, in one reply", by_netconf(port, GET.format("<reservations/>"))),
                ("NETCONF get, ids only", by_netconf(port, GET.format("<reservations><id/></reservations>"))),
                ("RESTCONF GET, in one answer", by_restconf(controller.http, f"{DATA}/reservations")),
                ("RESTCONF GET, with ?fields=state", by_restconf(controller.http, f"{DATA}/reservations?fields=state")),
                ("RESTCONF GET of the container", by_restconf(controller.http, DATA)),
            ):
                found = await felt(reading, other, server)
                print(
                    f"| {what} | {found.wall:.1f} | {found.cpu:.1f} s | {found.memory / 2**20:.0f} MiB "
                    f"| {1e3 * median(found.waits):.1f} ms, {1e3 * max(found.waits):.0f} ms |", flush=True
                )  # fmt: skip
        finally:
            controller.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--live", type=int, default=100_000, help="reservations that there are")
    given = parser.parse_args()
    asyncio.run(main(given.live))
