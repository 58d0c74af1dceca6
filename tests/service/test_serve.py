"""`promise serve` as an operator meets it: how it starts, what it says, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from netconf_client import connect

from promise.app import build
from promise.config import ConfigError, read
from promise.errors import PromiseError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ENVIRONMENT = {**os.environ, "PROMISE_ADMIN_PASSWORD": "secret"}


async def launch(*arguments: str, environment: dict[str, str] | None = None) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "promise",
        *arguments,
        env=environment or ENVIRONMENT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


class Running:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self.ready: dict[str, Any] = {}

    async def until_ready(self) -> None:
        assert self.process.stderr
        while not self.ready:
            line = await self.process.stderr.readline()
            assert line, self.lines
            self.lines.append(json.loads(line))
            if self.lines[-1]["event"] == "ready":
                self.ready = self.lines[-1]

    async def end(self) -> int:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        _, err = await self.process.communicate()
        self.lines += [json.loads(line) for line in err.splitlines()]
        assert self.process.returncode is not None
        return self.process.returncode

    def port(self, door: str) -> int:
        return int(self.ready[door].rpartition(":")[2])


@asynccontextmanager
async def serving(state: Path, *arguments: str) -> AsyncIterator[Running]:
    running = Running(
        await launch(
            "serve", "--netconf", "127.0.0.1:0", "--restconf", "127.0.0.1:0", "--state-dir", str(state), *arguments
        )
    )
    try:
        await running.until_ready()
        yield running
    finally:
        await running.end()


async def refused(*arguments: str, environment: dict[str, str] | None = None) -> str:
    process = await launch(*arguments, environment=environment)
    _, err = await process.communicate()
    assert process.returncode == 1, err
    assert b"Traceback" not in err
    return err.decode()


async def test_it_is_ready_serves_and_ends_with_0_on_sigterm(tmp_path: Path) -> None:
    async with serving(tmp_path / "state") as running:
        async with await connect("127.0.0.1", running.port("netconf"), "admin", "secret") as client:
            reply = await client.rpc('<query-capacity xmlns="urn:opnfv:promise"/>')
            assert reply.findtext("{urn:opnfv:promise}result") == "ok"
        address = f"http://127.0.0.1:{running.port('http')}"
        async with aiohttp.ClientSession(address) as http, http.get("/healthz") as answer:
            assert answer.status == 200
            assert (await answer.json())["status"] == "ready"
        assert await running.end() == 0
        assert running.lines[-1]["event"] == "stopped"


@pytest.mark.limit(
    "limits that the system cannot keep", "too few open files are told at the start", "netconf.max_sessions"
)
async def test_that_too_few_files_may_be_open_is_said_at_the_start(tmp_path: Path) -> None:
    shell = f'ulimit -Sn 64; ulimit -Hn 1500; exec "{sys.executable}" -m promise serve --netconf "$0"'
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", shell, taken, env=ENVIRONMENT, stderr=asyncio.subprocess.PIPE, cwd=tmp_path
        )
        _, said = await process.communicate()
    warning = json.loads(said.splitlines()[0])
    assert (warning["event"], warning["permitted"]) == ("few-open-files", 1500)
    assert warning["needed"] > 4096 + 1024 + 4096
    assert "netconf.max_sessions" in warning["rule"]


async def test_what_it_keeps_is_readable_for_its_user_alone(tmp_path: Path) -> None:
    async with serving(tmp_path / "state"):
        state = tmp_path / "state"
        assert state.stat().st_mode & 0o777 == 0o700
        private = [path for path in state.iterdir() if not path.name.endswith(".pub")]
        assert {path.stat().st_mode & 0o077 for path in private} == {0}


async def test_two_of_them_cannot_share_a_state(tmp_path: Path) -> None:
    async with serving(tmp_path / "state"):
        said = await refused("serve", "--netconf", "127.0.0.1:0", "--state-dir", str(tmp_path / "state"))
        assert "state" in said


async def test_an_address_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        assert "in use" in await refused("serve", "--netconf", taken, "--state-dir", str(tmp_path / "state"))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("netconf = 3", "netconf"),
        ("[netconf]\nlisten = '127.0.0.1'", "127.0.0.1"),
        ("[netconf]\nport = 830", "netconf.port"),
        ("[[user]]\nname = 'a'\npassword = 'x'\npassword_env = 'Y'", "at most one of password"),
        ("[[user]]\nname = 'a'\npassword_env = 'NOT_THERE'", "NOT_THERE"),
        ("[[user]]\nname = 'a'\nauthorized_keys = ['nonsense']", "user a"),
        ("[[user]]\nname = 'a'\n[[user]]\nname = 'a'", "user a is there twice"),
        ("[policy]\nmax_duration = 0", "policy.max_duration"),
        ("[policy", "promise.toml"),
        ("[ledger]\nurl = 'mysql://there'", "ledger"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_told_by_key(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "promise.toml"
    path.write_text(text)
    with pytest.raises((ConfigError, PromiseError), match=re.escape(named)):
        asyncio.run(build(read(path).model_copy(update={"state_dir": tmp_path / "state"})))


async def test_check_says_what_it_has_verified(tmp_path: Path) -> None:
    path = tmp_path / "promise.toml"
    path.write_text("[[user]]\nname = 'alice'\npassword = 'x'\n[netconf]\nlisten = '127.0.0.1:8300'")
    process = await launch("check", "--config", str(path), environment=dict(os.environ))
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert out.decode().splitlines()[0] == "configuration: 1 user(s), NETCONF on 127.0.0.1:8300"
