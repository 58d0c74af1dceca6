"""The northbound under load: sessions held, what a session costs, and CPU per NETCONF and RESTCONF call.

    python bench/northbound.py [--held 3000] [--live 10000] [--seconds 2] [--sessions 1 10 100] [--subscribers 500]

A real `promise serve` (SQLite, WAL, FULL) with a simulated cloud; the clients are asyncssh and bare sockets, and each
has one request on its way at a time. "CPU" is the CPU time of the server's process per call, user and system, all
threads: calls per second depend on who else uses the machine, which is why its load is told. "bare" is what asyncssh,
or aiohttp, takes of the same machine at the same moment for an answer of the same size that is always the same.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import resource
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil

sys.path.insert(0, str(Path(__file__).parent))

import notifications
from bare import Bare
from controller import NS, Controller, offered
from create_reservation import alone, pipelined, request
from netconf_client import BASE, NetconfClient, chunked, connect, rpc_message
from restconf import DATA, Connection, written
from sessions import answering, closed, opened, spent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

POOLS = 20
SETUPS = 200
FILTERED = '<filter type="subtree"><promise xmlns="' + NS + '">{}</promise></filter>'
GET = f'<get xmlns="{BASE}">{FILTERED}</get>'
GET_CONFIG = f'<get-config xmlns="{BASE}"><source><running/></source>{FILTERED}</get-config>'


class Cost(NamedTuple):
    """What calls cost: CPU microseconds each, calls per second, and the bytes of the last answer."""

    cpu: float
    rate: float
    size: int


async def costs(
    asks: Sequence[Callable[[], Awaitable[bytes]]], process: psutil.Process, seconds: float, *, warm: int = 20
) -> Cost:
    """Let each asker ask again and again, all at the same time."""
    for _ in range(warm):
        await asks[0]()
    done, size = 0, 0
    before, began = spent(process), time.perf_counter()

    async def asked(ask: Callable[[], Awaitable[bytes]]) -> None:
        nonlocal done, size
        while time.perf_counter() < began + seconds:
            size = len(await ask())
            done += 1

    await asyncio.gather(*(asked(ask) for ask in asks))
    wall = time.perf_counter() - began
    return Cost((spent(process) - before) / done * 1e6, done / wall, size)


def netconf(client: NetconfClient, messages: Iterator[bytes]) -> Callable[[], Awaitable[bytes]]:
    """Return what sends the next message and takes the reply."""

    async def ask() -> bytes:
        client.send(next(messages))
        reply = await client.receive()
        assert b"rpc-error" not in reply[:400], reply
        return reply

    return ask


def always(operation: str) -> Iterator[bytes]:
    """Yield the same request again and again."""
    message = chunked(rpc_message(operation, "101"))
    return (message for _ in count())


def creations(seed: int) -> Iterator[bytes]:
    """Yield requests for reservations, no two alike."""
    rng, now = random.Random(seed), time.time()  # noqa: TID251 - windows lie in the real future
    return (chunked(rpc_message(request(rng, now), "101")) for _ in count())


def restful(connection: Connection, path: str) -> Callable[[], Awaitable[bytes]]:
    """Return what sends a GET and takes the answer."""
    message = written("GET", path)

    async def ask() -> bytes:
        head, body = await connection.ask(message)
        assert head.startswith(b"HTTP/1.1 200"), head + body
        return body

    return ask


def tell(what: str, clients: int | str, *figures: str) -> None:
    """Print a row of the table."""
    print("| " + " | ".join([what, str(clients), *figures, f"{os.getloadavg()[0]:.1f}"]) + " |", flush=True)


def against(cost: Cost, bare: Cost) -> tuple[str, str, str, str]:
    """Return the figures of a row."""
    return f"{cost.cpu:.0f} us", f"{bare.cpu:.0f} us", f"{cost.cpu / bare.cpu:.1f}", f"{cost.rate:.0f}"


class Measuring:
    """The controller that is measured, and how much of it."""

    def __init__(self, controller: Controller, port: int, bare: Bare, options: argparse.Namespace) -> None:
        self.bare = bare
        self.process = psutil.Process(controller.serve.pid)
        self.port, self.http, self.options = port, controller.http, options

    async def filled(self, endpoint: str) -> str:
        """Offer the cloud, configure users, and make pools and reservations; return the id of one of these."""
        client = await connect("127.0.0.1", self.port, "admin", "bench")
        provider = await offered(client, endpoint)
        for number in range(POOLS - 1):
            await client.rpc(
                f'<increase-capacity xmlns="{NS}"><source>{provider}</source><capacity><cores>{number + 1}</cores>'
                "</capacity></increase-capacity>"
            )
        users = "".join(f"<users><name>u{number}</name><project>p{number}</project></users>" for number in range(POOLS))
        reply = await client.rpc(
            f'<edit-config xmlns="{BASE}"><target><running/></target><config><promise xmlns="{NS}">{users}</promise>'
            "</config></edit-config>"
        )
        assert reply[0].tag == f"{{{BASE}}}ok"
        rng, now = random.Random(1), time.time()  # noqa: TID251 - windows lie in the real future
        await pipelined(client, [request(rng, now) for _ in range(self.options.live)], 64)
        (reply,) = await client.pipeline([request(rng, now)])
        await client.close()
        return str(reply.findtext(f"{{{NS}}}reservation-id"))

    async def sessions(self) -> None:
        """Tell what a set-up costs, and how many sessions are held."""
        few = await opened(self.port, min(SETUPS, self.options.held), self.process)
        await closed(few.clients)
        other = await opened(self.bare.ssh, len(few.clients), self.bare.process)
        await closed(other.clients)
        each, bare_each = (1e6 * one.cpu / len(one.clients) for one in (few, other))
        rate = len(few.clients) / few.wall
        tell("session set-up", "", *against(Cost(each, rate, 0), Cost(bare_each, 0, 0)))
        many = await opened(self.port, self.options.held, self.process)
        answer = await answering(many.clients)
        memory = many.memory / len(many.clients) / 1024
        tell(f"sessions held: {answer} of {self.options.held} answer", answer, f"{memory:.0f} KiB each", "", "", "")
        await closed(many.clients)

    async def netconf(self, what: str, messages: Callable[[int], Iterator[bytes]]) -> dict[int, Cost]:
        """Tell, and return, what one kind of request costs, from few and from many sessions."""
        found = {}
        for number in self.options.sessions:
            clients = [await connect("127.0.0.1", self.port, "admin", "bench") for _ in range(number)]
            asks = [netconf(client, messages(seed)) for seed, client in enumerate(clients)]
            cost = await costs(asks, self.process, self.options.seconds)
            await closed(clients)
            self.bare.answer(cost.size)
            clients = [await connect("127.0.0.1", self.bare.ssh, "admin", "bench") for _ in range(number)]
            asks = [netconf(client, messages(seed)) for seed, client in enumerate(clients)]
            base = await costs(asks, self.bare.process, self.options.seconds)
            await closed(clients)
            tell(f"{what}, {cost.size} bytes", number, *against(cost, base))
            found[number] = cost
        return found

    async def restconf(self, what: str, path: str) -> None:
        """Tell what a GET costs."""
        number = 32
        connections = [await Connection.to(self.http) for _ in range(number)]
        cost = await costs([restful(one, path) for one in connections], self.process, self.options.seconds)
        for connection in connections:
            connection.close()
        self.bare.answer(cost.size)
        connections = [await Connection.to(self.bare.http) for _ in range(number)]
        base = await costs([restful(one, path) for one in connections], self.bare.process, self.options.seconds)
        for connection in connections:
            connection.close()
        tell(f"{what}, {cost.size} bytes", number, *against(cost, base))


async def calls(measuring: Measuring, reservation: str) -> dict[int, Cost]:
    """Tell what calls cost; return that of create-reservation."""
    by_key = f"<reservations><id>{reservation}</id></reservations>"
    for what, operation in (
        (f"get-config, {POOLS} users", GET_CONFIG.format("<users/>")),
        (f"get, {POOLS} pools", GET.format("<pools/>")),
        ("get, a reservation by key", GET.format(by_key)),
    ):
        await measuring.netconf(what, lambda _seed, operation=operation: always(operation))  # type: ignore[misc]
    for what, path in (
        ("GET a reservation", f"{DATA}/reservations={reservation}"),
        ("GET a leaf of it", f"{DATA}/reservations={reservation}/state"),
        (f"GET {POOLS} pools", f"{DATA}/pools"),
        (f"GET {POOLS} users", f"{DATA}/users"),
    ):
        await measuring.restconf(what, path)
    return await measuring.netconf("create-reservation, all of it", creations)


async def northbound_part(directory: Path, whole: dict[int, Cost]) -> None:
    """Tell what of create-reservation is not decided, applied or committed: SSH, XML, the answer, the log."""
    for number, cost in whole.items():
        stages = await alone(directory, argparse.Namespace(calls=10 * number if number > 10 else 200, pipeline=number))
        left = cost.cpu - stages["decide"] - stages["apply, commit"]
        tell("create-reservation, northbound part", number, f"{left:.0f} us", "", "", "")


async def main(options: argparse.Namespace) -> None:
    """Measure, and print the table."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print("| what | clients | CPU each | bare | ratio | per second | load |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as directory:
        controller = Controller(Path(directory))
        try:
            port, endpoint = await controller.ready()
            with Bare() as bare:
                measuring = Measuring(controller, port, bare, options)
                reservation = await measuring.filled(endpoint)
                if options.held:
                    await measuring.sessions()
                made = await calls(measuring, reservation)
        finally:
            controller.stop()
        await northbound_part(Path(directory), made)
    if options.subscribers:
        for name, cost, rate in await notifications.main(options.subscribers, options.requests):
            tell(f"notification delivered, {name}", options.subscribers, f"{cost:.1f} us", "", "", f"{rate:.0f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--held", type=int, default=3000, help="sessions to hold; 0 = do not measure sessions")
    parser.add_argument("--live", type=int, default=10_000, help="reservations that there are")
    parser.add_argument("--seconds", type=float, default=2.0, help="for which each kind of call is made")
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 10, 100], help="sessions that ask at a time")
    parser.add_argument("--subscribers", type=int, default=500, help="on each door; 0 = do not measure deliveries")
    parser.add_argument("--requests", type=int, default=50, help="reservations of which they are told")
    asyncio.run(main(parser.parse_args()))
