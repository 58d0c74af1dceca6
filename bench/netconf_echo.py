"""What one NETCONF request costs the server: CPU per RPC, and the rate at which a closed loop of sessions gets answers.

    python bench/netconf_echo.py [--sessions 10] [--pipeline 1] [--seconds 5] [--log]

The server runs in a process of its own and answers a small operation with `<ok/>`; the client is asyncssh, with its
own framing. CPU is that of the server's process, user and system, divided by the number of RPCs.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import structlog

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from netconf_client import NetconfClient, chunked, connect, rpc_message
from netconf_server import ADMIN, HASH, MODULE, PROMISE

from promise.northbound.datastore import schema
from promise.northbound.netconf import NetconfOptions, NetconfServer
from promise.northbound.port import Content, Datastore
from promise.northbound.shown import Shown
from promise.northbound.users import User, Users

if TYPE_CHECKING:
    from lxml.etree import _Element

    from promise.northbound.access import Caller
    from promise.northbound.datastore import Schema
    from promise.northbound.port import Lock
    from promise.northbound.subtree import Selection

OPERATION = (
    f'<create-reservation xmlns="{PROMISE}"><start>2026-12-01T00:00:00Z</start><end>2026-12-02T00:00:00Z</end>'
    "<capacity><cores>4</cores><ram>8192</ram><instances>2</instances></capacity></create-reservation>"
)


class Ok:
    """Answers everything at once."""

    async def call(self, caller: Caller, operation: _Element) -> bytes:
        """Say ok."""
        del caller, operation
        return b"<ok/>"

    @property
    def schema(self) -> Schema:
        """Return what might be configured."""
        return schema()

    @property
    def locks(self) -> dict[Datastore, Lock]:
        """Return no locks."""
        return {}

    async def read(
        self, caller: Caller, datastore: Datastore, wanted: Selection, content: Content = Content.ALL
    ) -> Shown:
        """Show nothing."""
        del caller, datastore, wanted, content
        return Shown((), exact=True)

    async def nothing(self, *args: Any, **named: Any) -> None:
        """Do what is asked: nothing."""

    edit = copy = validate = commit = cancel = discard = lock = unlock = ended = nothing


async def serve(*, log: bool) -> None:
    """Run the server until the parent closes our standard input."""
    level = logging.INFO if log else logging.WARNING
    structlog.configure(
        processors=[structlog.processors.TimeStamper("iso"), structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    with tempfile.TemporaryDirectory() as state:
        users = Users([User(ADMIN[0], frozenset({"admin"}), "", HASH)])
        server = NetconfServer(Ok(), Ok(), users, NetconfOptions(Path(state), (MODULE,), port=0))
        _, port = await server.start()
        print(port, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        await server.stop(grace=0.1)


async def loop(client: NetconfClient, pipeline: int, until: float) -> int:
    """Ask for answers until the time is over, `pipeline` at a time; returns how many came."""
    message = chunked(rpc_message(OPERATION, "1")) * pipeline
    count = 0
    while time.perf_counter() < until:
        client.send(message)
        for _ in range(pipeline):
            await client.receive()
        count += pipeline
    return count


async def measure(sessions: int, pipeline: int, seconds: float, *, log: bool) -> None:
    """Start the server, load it, and tell what it cost."""
    arguments = [sys.executable, __file__, "--serve", *(["--log"] if log else [])]
    process = await asyncio.create_subprocess_exec(
        *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdin is not None
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    server = psutil.Process(process.pid)
    opening = sum(server.cpu_times()[:2])
    clients = [await connect("127.0.0.1", port, *ADMIN) for _ in range(sessions)]
    before = sum(server.cpu_times()[:2])
    started = time.perf_counter()
    counts = await asyncio.gather(*(loop(client, pipeline, started + seconds) for client in clients))
    spent = time.perf_counter() - started
    cpu = sum(server.cpu_times()[:2]) - before
    total = sum(counts)
    print(
        f"{sessions} sessions, pipeline {pipeline}: {total / spent:.0f} rpc/s, {cpu / total * 1e6:.0f} us CPU per rpc, "
        f"{(before - opening) / sessions * 1e3:.1f} ms CPU per session set-up, "
        f"{server.memory_info().rss / 2**20:.0f} MiB resident"
    )
    process.stdin.close()
    await process.wait()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--pipeline", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--log", action="store_true", help="with one log line per RPC, to nowhere")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(log=options.log))
    else:
        asyncio.run(measure(options.sessions, options.pipeline, options.seconds, log=options.log))


if __name__ == "__main__":
    main()
