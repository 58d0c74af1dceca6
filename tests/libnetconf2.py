"""A client in C on libnetconf2 (`libnetconf2.c`), the library below netopeer2's command line client.

It loads every module from the server, reads each reply and notification with them, and tells what it cannot place. It
is compiled where the headers are (Debian packages libnetconf2-dev, libssh-dev, libssl-dev); PROMISE_LIBNETCONF2 may
name one that is compiled elsewhere, with -DLIBNETCONF2= the major version, and that reads the files of the tests (the
keys for TLS) under the same paths and knows `localhost`: `chroot DIR /client` does where DIR leads to itself inside.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from lxml import etree

SOURCE = Path(__file__).with_name("libnetconf2.c")
OURS = os.environ.get("PROMISE_LIBNETCONF2", "")
PACKAGES = ("libnetconf2", "libyang")
OWN = 'module "ietf-netconf" in revision'
"""From version 3 on it says that it prefers an ietf-netconf of its own, which no RFC has."""


def compiled(folder: Path) -> list[str]:
    """Return the command that starts the client; none where it cannot be compiled."""
    if OURS:
        return shlex.split(OURS)
    tools = shutil.which("pkg-config"), shutil.which("gcc")
    if None in tools or subprocess.run(["pkg-config", "--exists", *PACKAGES], check=False).returncode:
        return []
    said = subprocess.run(["pkg-config", "--modversion", PACKAGES[0]], check=True, capture_output=True, text=True)
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", *PACKAGES], check=True, capture_output=True, text=True)
    program = folder / "libnetconf2-client"
    version = f"-DLIBNETCONF2={said.stdout.partition('.')[0]}"
    command = ["gcc", "-O0", version, "-o", str(program), str(SOURCE), *shlex.split(flags.stdout)]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    return [str(program)] if made.returncode == 0 else []  # headers of what the headers need may be missing


@dataclass
class Answer:
    """What came of a request: "ok", "data", "error" or "failed", and what was complained of on the way."""

    kind: str
    text: str
    complaints: list[str] = field(default_factory=list)
    time: str = ""

    @property
    def element(self) -> Any:
        return etree.fromstring(self.text.encode())

    @property
    def tag(self) -> str:
        """The error-tag."""
        return str(self.element.findtext(".//{*}error-tag"))

    def texts(self, name: str) -> list[str]:
        """Return what stands in every element of this name."""
        return [str(each.text) for each in self.element.iter(f"{{*}}{name}")]


class Libnetconf2:
    """One session."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._to, self._from = process.stdin, process.stdout

    @classmethod
    async def start(cls, command: list[str]) -> Self:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "TZ": "UTC"},
        )  # fmt: skip
        return cls(process)

    def send(self, *words: object) -> None:
        """Ask without waiting."""
        self._to.write(("\t".join(str(word) for word in words) + "\n").encode())

    async def answer(self) -> Answer:
        complaints: list[str] = []
        time = ""
        while True:
            kind, text = await self._frame()
            match kind:
                case "log" if OWN in text:
                    pass
                case "log" | "unknown":
                    complaints.append(f"{kind}: {text}")
                case "time":
                    time = text
                case _:
                    return Answer(kind, text, complaints, time)

    async def ask(self, *words: object) -> Answer:
        """Ask, and return what came of it: nothing to complain of."""
        self.send(*words)
        found = await self.answer()
        assert found.complaints == [], (words, found)
        return found

    async def do(self, *words: object) -> None:
        """Ask what is answered by <ok/>."""
        found = await self.ask(*words)
        assert found.kind == "ok", (words, found)

    async def read(self, *words: object) -> Answer:
        """Ask what is answered with data."""
        found = await self.ask(*words)
        assert found.kind == "data", (words, found)
        return found

    async def refused(self, *words: object) -> str:
        """Ask what is refused; returns the error-tag."""
        found = await self.ask(*words)
        assert found.kind == "error", (words, found)
        return found.tag

    async def told(self) -> Answer:
        """Return the next notification."""
        return await self.read("notification")

    async def close(self) -> None:
        """Close the session; the client ends by itself."""
        self._to.close()
        assert await self._process.wait() == 0

    async def _frame(self) -> tuple[str, str]:
        head = (await self._from.readline()).split()
        assert len(head) == 2, "the client has gone"
        body = await self._from.readexactly(int(head[1]) + 1)
        return head[0].decode(), body[:-1].decode()
