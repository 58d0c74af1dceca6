"""Processes of Promise: how they are started, what they log, and how they end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = Path(__file__).with_name("cradle.py")
PATIENCE = 120.0
"""Seconds after which something that does not happen is a failure: on a busy machine, and with a look per minute."""


class Died(AssertionError):
    """A process has ended before it said what was waited for."""


class Log(asyncio.Protocol):
    """The lines that a process writes to its standard error, as they come; those of our log are JSON objects."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.ended = False
        self._rest = b""
        self._news = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        *whole, self._rest = (self._rest + data).split(b"\n")
        self.lines += [line.decode(errors="replace") for line in whole]
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self._news.set()

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the entries of this name so far."""
        return [json.loads(line) for line in self.lines if f'"event": "{name}"' in line]

    async def until(self, name: str) -> dict[str, Any]:
        """Return the first entry of this name once it is there."""
        async with asyncio.timeout(PATIENCE):
            while not (found := self.events(name)):
                if self.ended:
                    raise Died("\n".join(self.lines[-30:]))
                await self._change()
        return found[0]

    async def end(self) -> None:
        """Wait until nothing will come any more."""
        async with asyncio.timeout(PATIENCE):
            while not self.ended:
                await self._change()

    async def _change(self) -> None:
        self._news.clear()
        await self._news.wait()


class Parent(Protocol):
    """Starts processes and knows how they ended."""

    def start(self, arguments: Sequence[str], log: int) -> int:
        """Run a command of Promise with this standard error; return the process id."""

    def status(self, process: int) -> int:
        """Return the exit status of a process that is ending; minus a signal that killed it."""


class Executed:
    """Starts Promise as everybody does."""

    def __init__(self) -> None:
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, arguments: Sequence[str], log: int) -> int:
        """Execute `python -m promise`."""
        child = subprocess.Popen(
            [sys.executable, "-m", "promise", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
        self._children[child.pid] = child
        return child.pid

    def status(self, process: int) -> int:
        """Wait for the process."""
        return self._children.pop(process).wait()


class Cradle:
    """Starts Promise by forking a process that has it imported already; see `cradle`."""

    def __init__(self) -> None:
        self._door, far = socket.socketpair()
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        with far:
            self._program = subprocess.Popen(
                [sys.executable, "-P", str(PROGRAM), str(far.fileno())], pass_fds=[far.fileno()], env=environment
            )

    def start(self, arguments: Sequence[str], log: int) -> int:
        """Fork."""
        socket.send_fds(self._door, [json.dumps({"run": list(arguments)}).encode()], [log])
        return int(self._answer()["pid"])

    def status(self, process: int) -> int:
        """Wait for the process."""
        self._door.sendall(json.dumps({"wait": process}).encode())
        return int(self._answer()["status"])

    def _answer(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._door.recv(1024))
        return found

    def close(self) -> None:
        """End it, and what it has started."""
        self._door.close()
        self._program.wait()


class Process:
    """A command of Promise that runs, and its log."""

    def __init__(self, parent: Parent, number: int, log: Log) -> None:
        self._parent = parent
        self._number = number
        self._status: int | None = None
        self.log = log
        self.asked_to_end = False

    @classmethod
    async def start(cls, parent: Parent, *arguments: str) -> Process:
        """Start a command."""
        reading, writing = os.pipe()
        try:
            number = parent.start(arguments, writing)
        finally:
            os.close(writing)
        loop = asyncio.get_running_loop()
        _, log = await loop.connect_read_pipe(Log, os.fdopen(reading, "rb", buffering=0))
        return cls(parent, number, log)

    def kill(self) -> None:
        """End it at this very moment."""
        os.kill(self._number, signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.asked_to_end = True
        os.kill(self._number, signal.SIGTERM)

    async def ended(self) -> int:
        """Return its exit status once it is over."""
        await self.log.end()
        if self._status is None:
            self._status = self._parent.status(self._number)
        return self._status
