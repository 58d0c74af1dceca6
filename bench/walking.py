"""A walk through a long list over RESTCONF while reservations come and are cancelled: what it costs, is it whole?

    python bench/walking.py [--live 100000] [--page 1000] [--connections 64]

A real `promise serve` with a simulated cloud gets `--live` reservations. They are walked forwards, backwards and with
`where`, each page by following the Link of the one before, while another client creates and cancels as fast as it can.
Every one that was there from the begin to the end must be told once. "longest" is what the other client waited for one
answer at most.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent))

from controller import Controller, offered
from netconf_client import connect
from restconf import DATA, RPC, Connection, fill, written


class Busy:
    """A client that creates and cancels until it is told to stop."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.made = 0
        self.longest = 0.0
        self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while True:
            begun = time.perf_counter()
            asked = {"opnfv-promise:input": {"capacity": {"cores": 1}}}
            _, body = await self._connection.ask(written("POST", RPC + "create-reservation", asked))
            key = json.loads(body)["opnfv-promise:output"]["reservation-id"]
            middle = time.perf_counter()
            asked = {"opnfv-promise:input": {"reservation-id": key}}
            await self._connection.ask(written("POST", RPC + "cancel-reservation", asked))
            self.made += 1
            self.longest = max(self.longest, middle - begun, time.perf_counter() - middle)

    async def stop(self) -> None:
        """Stop in the middle."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def walk(name: str, query: str, known: set[str], client: tuple[Connection, int], server: psutil.Process) -> None:
    """Walk once, and print what it took."""
    connection, port = client
    busy = Busy(await Connection.to(port))
    before, began, cpu = server.memory_info().rss, time.perf_counter(), sum(server.cpu_times()[:2])
    told: list[str] = []
    pages, path = 0, f"{DATA}/reservations?{query}"
    while path:
        head, body = await connection.ask(written("GET", path))
        assert head.startswith(b"HTTP/1.1 200"), head + body
        told += [entry["id"] for entry in json.loads(body)["opnfv-promise:reservations"]]
        links = [line[6:] for line in head.decode().split("\r\n") if line.startswith("Link: ")]
        path = links[0].partition(">")[0][1:] if links else ""
        pages += 1
    await busy.stop()
    cpu, wall = sum(server.cpu_times()[:2]) - cpu, time.perf_counter() - began
    grown = (server.memory_info().rss - before) / 2**20
    assert len(told) == len(set(told)), "told twice"
    assert known <= set(told), f"{len(known - set(told))} skipped"
    print(
        f"{name:10} {len(told)} in {pages} pages: {wall:.1f} s, {cpu:.1f} s CPU with {busy.made} created and cancelled "
        f"meanwhile, longest {busy.longest * 1000:.0f} ms, {grown:.1f} MiB more memory",
        flush=True,
    )


async def main(live: int, page: int, connections: int) -> None:
    """Fill and walk."""
    with tempfile.TemporaryDirectory() as directory:
        server = Controller(Path(directory))
        try:
            port, endpoint = await server.ready()
            await offered(await connect("127.0.0.1", port, "admin", "bench"), endpoint)
            opened = [await Connection.to(server.http) for _ in range(connections)]
            began = time.perf_counter()
            known = set(await fill(opened, live))
            print(f"{len(known)} reservations made in {time.perf_counter() - began:.0f} s", flush=True)
            process, client = psutil.Process(server.serve.pid), (opened[0], server.http)
            await walk("forwards", f"limit={page}&fields=state", known, client, process)
            await walk("backwards", f"limit={page}&fields=state&direction=backwards", known, client, process)
            await walk("where", f"limit={page}&fields=state&where=capacity/cores>1", known, client, process)
        finally:
            server.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--live", type=int, default=100_000, help="reservations that there are")
    parser.add_argument("--page", type=int, default=1000, help="entries of a page")
    parser.add_argument("--connections", type=int, default=64, help="connections that make them")
    given = parser.parse_args()
    asyncio.run(main(given.live, given.page, given.connections))
