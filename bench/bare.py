"""What the libraries cost alone: servers of asyncssh and of aiohttp that answer everything with the same bytes.

A machine that is shared is now faster and now slower. So what the product costs is told next to what these cost at
the same moment, with answers of the same size and the same clients.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Self

import asyncssh
import psutil
from aiohttp import web

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from netconf_client import BASE, BASE_1_0, BASE_1_1, END, chunked

from promise.northbound.channel import SUBSYSTEM
from promise.northbound.ssh import BACKLOG, CIPHERS, WINDOW

HELLO = (
    f'<hello xmlns="{BASE}"><capabilities><capability>{BASE_1_0}</capability><capability>{BASE_1_1}</capability>'
    "</capabilities><session-id>1</session-id></hello>"
).encode() + END
END_OF_CHUNKS = b"\n##\n"


class _Everybody(asyncssh.SSHServer):
    """Lets everybody in who gives some password."""

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return bool(username and password)

    def session_requested(self) -> _Echo:
        return _Echo()


class _Echo(asyncssh.SSHServerSession[bytes]):
    """Sends a reply for every end of chunks that comes."""

    reply = b""

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan
        self._greeted = False

    def subsystem_requested(self, subsystem: str) -> bool:
        return subsystem == SUBSYSTEM

    def session_started(self) -> None:
        self._channel.write(HELLO)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        del datatype
        for _ in range(data.count(END_OF_CHUNKS)):
            self._channel.write(self.reply)


async def _ssh() -> int:
    acceptor = await asyncssh.listen(
        "127.0.0.1", 0, backlog=BACKLOG, server_factory=_Everybody, encryption_algs=CIPHERS, compression_algs=["none"],
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")], config=None, gss_host=None, allow_pty=False,
        line_editor=False, encoding=None, window=WINDOW,
    )  # fmt: skip
    port: int = acceptor.sockets[0].getsockname()[1]
    return port


class _Http:
    body = b""


async def _http() -> int:
    async def answer(_request: web.BaseRequest) -> web.Response:
        return web.Response(body=_Http.body, content_type="application/yang-data+json")

    listening = await asyncio.get_running_loop().create_server(web.Server(answer, access_log=None), "127.0.0.1", 0)
    port: int = listening.sockets[0].getsockname()[1]
    return port


async def _serve() -> None:
    """Serve until the parent closes our standard input; each line of it is the size of the answers from now on."""
    print(await _ssh(), await _http(), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        _Http.body = b"x" * int(line)
        _Echo.reply = chunked(b"<rpc-reply>%b</rpc-reply>" % _Http.body)
        print("ready", flush=True)


class Bare:
    """Both servers, in a process of their own; `ssh` and `http` are their ports."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.ssh, self.http = (int(port) for port in self._said().split())
        self.process = psutil.Process(self._process.pid)

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def answer(self, size: int) -> None:
        """Answer with so many bytes from now on."""
        assert self._process.stdin is not None
        print(size, file=self._process.stdin, flush=True)
        self._said()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.communicate(timeout=30)


if __name__ == "__main__":
    asyncio.run(_serve())
