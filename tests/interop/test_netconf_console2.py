"""netconf-console2, unmodified: every command and option that it has, against a controller."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from configured import PROMISE, controller, expiry, nc
from netconf_server import ADMIN
from overheard import kept, overhearing

from promise.northbound.library.modules import library

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from configured import House

CONSOLE = Path(sys.executable).with_name("netconf-console2")
NS = ("--ns", f"p={PROMISE}")
EXPIRY = "/p:promise/p:policy/p:reservation/p:expiry"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with controller(tmp_path / "state") as running:
        yield running


class Console:
    """Starts the program; files that it reads are in `folder`."""

    def __init__(self, house: House, folder: Path) -> None:
        host, port = house.app.address
        self._options = ("--host", host, "--port", str(port), "--user", ADMIN[0], "--password", ADMIN[1])
        self._folder = folder

    def file(self, text: str) -> str:
        path = self._folder / "given.xml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    async def __call__(self, *arguments: str, status: int = 0) -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "ignore", str(CONSOLE), *self._options, *arguments,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await process.communicate()
        assert process.returncode == status, (arguments, output.decode())
        return output.decode()


async def test_every_command_works(house: House, tmp_path: Path) -> None:
    console = Console(house, tmp_path)
    with overhearing(house.app.server) as heard:
        await _configuring(console)
        await _reading(console)
    assert kept(heard) >= 20


async def _configuring(console: Console) -> None:
    candidate = ("--db", "candidate", *NS)
    whole = ("--lock", f"--edit-config={console.file(expiry(5))}", "--validate=candidate", "--commit", "--unlock")
    assert ">5<" in await console(*candidate, "-t", "test-then-set", *whole, "--get-config", "-x", EXPIRY)
    await console(*candidate, "--set", f"{EXPIRY}=6", "--commit=confirmed", "--timeout", "60", "--commit")
    await console(*candidate, "--delete", EXPIRY, "--del-operation", "remove", "--discard-changes")
    await console("--db", "running", *NS, "--set", f"{EXPIRY}=7", "-o", "replace")
    await console(f"--validate={console.file(nc('config', expiry(9)))}")
    assert "invalid-value" in await console(f"--edit-config={console.file(expiry(0))}", status=255)


async def _reading(console: Console) -> None:
    wanted = "/p:promise/p:policy"
    assert ">7<" in await console("--get-config", "--with-defaults", "report-all", "--filter", wanted, *NS)
    assert ">7<" in await console("--get", "-x", "//p:expiry", *NS, "-v", "1.0", "--with-defaults", "trim")
    asked = console.file(f"<query-capacity xmlns='{PROMISE}'/>")
    shown = await console("--hello", f"--rpc={asked}", *NS, "--run-rpc", "/p:query-capacity")
    assert library().modules["opnfv-promise"].namespace in shown
    assert shown.count("<result") == 2
    assert "container promise" in await console("--get-schema", "opnfv-promise")
    assert "invalid-value" in await console("--kill-session", "4294967295", status=255)
