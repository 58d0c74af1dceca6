"""What one create-reservation costs the server over NETCONF, and which stage takes how much of it.

    python bench/create_reservation.py [--live 10000] [--calls 5000] [--sessions 1] [--pipeline 16]

A real `promise serve` (SQLite, WAL, FULL) with a simulated cloud holds `--live` reservations; then `--calls` more are
created, `--pipeline` at a time on each of `--sessions` sessions. "server" is the CPU time of that process, user and
system, all threads. The stages are then measured alone, in this process, on the same state: reading (lxml), decode,
decide with apply, commit (JSON, hash, SQLite), encode; SSH and framing are what is left.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from lxml import etree

sys.path.insert(0, str(Path(__file__).parent))

from controller import NS, Controller, offered
from netconf_client import NetconfClient, connect

from promise.actor import Actor
from promise.clock import SystemClock
from promise.ledger.state import CODECS, State
from promise.ledger.writer import Ledger
from promise.northbound import bindings as yang
from promise.northbound.words import amounts, ending, starting
from promise.reservation.create import create
from promise.reservation.requests import CreateReservation

DAY = 86_400
STAGES = ("read XML", "decode", "decide", "apply, commit", "encode")


def request(rng: random.Random, now: float) -> str:
    """Return a request for a window of some hours within the next year, small enough to fit."""
    start = now + 3600 + rng.random() * 300 * DAY
    end = start + rng.choice((1, 4, 24, 72)) * 3600
    times = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)) for moment in (start, end)]
    return (
        f'<create-reservation xmlns="{NS}"><start>{times[0]}</start><end>{times[1]}</end><capacity>'
        f"<cores>{rng.randint(1, 4)}</cores><ram>{rng.randint(1, 8) * 1024}</ram><instances>1</instances>"
        f"</capacity><name>vnf-{rng.randint(0, 10**6)}</name></create-reservation>"
    )


async def pipelined(client: NetconfClient, requests: list[str], depth: int) -> None:
    """Send all the requests, so many ahead of the replies, and see that every one was accepted."""
    for first in range(0, len(requests), depth):
        for reply in await client.pipeline(requests[first : first + depth]):
            assert reply.findtext(f"{{{NS}}}result") == "ok", etree.tostring(reply)


async def over_netconf(directory: Path, options: argparse.Namespace) -> float:
    """Return the CPU microseconds of the server per call."""
    server = Controller(directory)
    try:
        port, endpoint = await server.ready()
        clients = [await connect("127.0.0.1", port, "admin", "bench") for _ in range(options.sessions)]
        await offered(clients[0], endpoint)
        rng, now = random.Random(1), time.time()  # noqa: TID251 - windows lie in the real future
        await pipelined(clients[0], [request(rng, now) for _ in range(options.live)], 64)
        share = options.calls // options.sessions
        batches = [[request(rng, now) for _ in range(share)] for _ in clients]
        before, began = server.cpu(), time.perf_counter()
        await asyncio.gather(
            *(pipelined(client, batch, options.pipeline) for client, batch in zip(clients, batches, strict=True))
        )
        cpu, wall = server.cpu() - before, time.perf_counter() - began
        calls: int = share * len(clients)
        print(f"server      {1e6 * cpu / calls:7.0f} us CPU per call, {calls / wall:.0f} calls/s, "
              f"{options.sessions} session(s) x {options.pipeline} in flight, {options.live} live before")  # fmt: skip
        for client in clients:
            await client.close()
        return 1e6 * cpu / calls
    finally:
        server.stop()


class Stages:
    """CPU seconds by stage, and how to add to them."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def time(self, stage: str, function: Any, *args: Any) -> Any:
        """Run the function, and add its CPU time to a stage."""
        began = time.process_time()
        try:
            return function(*args)
        finally:
            self.spent[stage] = self.spent.get(stage, 0.0) + time.process_time() - began


def _decided(stages: Stages, wanted: CreateReservation, actor: Actor, book: State, now: int) -> Any:
    return stages.time("decide", create, book, wanted, actor, now)


async def alone(directory: Path, options: argparse.Namespace) -> dict[str, float]:
    """Measure the stages one by one, on the state that the server has left; return CPU microseconds per call."""
    state = State()
    ledger = await Ledger.open(
        f"sqlite:///{directory / 'state' / 'ledger.sqlite'}",
        state,
        clock=SystemClock(),
        codecs=CODECS,
        advance=State.advance,
        load=State.load,
    )
    rng, now, stages = random.Random(2), time.time(), Stages()  # noqa: TID251 - as above
    actor = Actor("admin", "", operator=True)
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    count = min(options.calls, 2000)
    for _ in range(count // options.pipeline):
        decisions = []
        for _ in range(options.pipeline):
            element = stages.time("read XML", etree.fromstring, request(rng, now), parser)
            asked = stages.time("decode", yang.CREATE_RESERVATION_RPC.decode_input_xml, element)
            wanted = CreateReservation(
                str(uuid4()), amounts(asked.capacity), starting(asked.start), ending(asked.end), name=asked.name
            )
            decisions.append(wanted)
        began = time.process_time()
        answers = await asyncio.gather(
            *(ledger.submit(partial(_decided, stages, one, actor), actor="admin") for one in decisions)
        )
        stages.spent["rest"] = stages.spent.get("rest", 0.0) + time.process_time() - began
        for accepted in answers:
            made = accepted.reservation
            output = yang.CreateReservationOutput(
                result="ok", message="reservation accepted", reservation_id=made.id, state=made.state.value
            )
            stages.time("encode", yang.CREATE_RESERVATION_RPC.encode_output_xml, output)
    stages.spent["apply, commit"] = stages.spent.pop("rest") - stages.spent["decide"]
    await ledger.close()
    done = count // options.pipeline * options.pipeline
    return {stage: 1e6 * stages.spent[stage] / done for stage in STAGES}


def told(stages: dict[str, float], whole: float) -> None:
    """Print which stage takes how much."""
    known = 0.0
    for stage, each in stages.items():
        known += each
        print(f"{stage:<14}{each:5.0f} us  {100 * each / whole:4.0f} %")
    print(f"{'SSH, framing':<14}{whole - known:5.0f} us  {100 * (whole - known) / whole:4.0f} %   (what is left)")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--live", type=int, default=10_000)
    parser.add_argument("--calls", type=int, default=5_000)
    parser.add_argument("--sessions", type=int, default=1)
    parser.add_argument("--pipeline", type=int, default=16)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        whole = asyncio.run(over_netconf(Path(directory), options))
        told(asyncio.run(alone(Path(directory), options)), whole)


if __name__ == "__main__":
    main()
