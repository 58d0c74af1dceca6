"""yangcli (yuma123, Debian's), unmodified, at a terminal: a client in C that loads every module that our hello lists.

It is of 2022 and reads most of YANG 1.1, but neither `must` in an RPC nor the range of a decimal64: so it knows the
modules of the IETF, and shows what is in ours without knowing it.
"""

from __future__ import annotations

import asyncio
import os
import pty
import shutil
from typing import TYPE_CHECKING

import pytest
from configured import controller
from netconf_server import ADMIN
from overheard import kept, overhearing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from configured import House

YANGCLI = shutil.which("yangcli")

pytestmark = pytest.mark.skipif(YANGCLI is None, reason="yangcli (Debian package yangcli) is not installed")

SCRIPT = """
lock target=candidate
create /nacm/exec-default value=deny
validate source=candidate
commit
get-config source=running
sget-config /nacm source=running with-defaults=report-all
sget /netconf-state/capabilities
get-schema identifier=nfv-infrastructure version=2026-11-20 format=yang
delete /nacm/exec-default
discard-changes
copy-config source=running target=candidate
delete /nacm/exec-default
commit confirmed confirm-timeout=60
cancel-commit
get-config source=candidate
unlock target=candidate
create-subscription stream=NETCONF
kill-session session-id=99
"""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with controller(tmp_path / "state") as running:
        yield running


async def typed(house: House, folder: Path, script: str) -> str:
    """Play a script; returns what stands on the terminal."""
    host, port = house.app.address
    (folder / "script").write_text(script, encoding="utf-8")
    given = {"server": host, "ncport": port, "user": ADMIN[0], "password": ADMIN[1], "run-script": folder / "script"}
    keyboard, terminal = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        str(YANGCLI), "--batch-mode", "--autohistory=false", *(f"--{name}={value}" for name, value in given.items()),
        stdin=terminal, stdout=terminal, stderr=terminal, cwd=folder,
        env={**os.environ, "HOME": str(folder), "TERM": "dumb"},
    )  # fmt: skip
    os.close(terminal)
    shown = asyncio.to_thread(_until_closed, keyboard)
    text, _ = await asyncio.gather(shown, process.wait())
    os.close(keyboard)
    return text


def _until_closed(keyboard: int) -> str:
    found = b""
    while True:
        try:
            found += os.read(keyboard, 65536)
        except OSError:  # Linux says EIO when nobody has the other end any more
            return found.decode().replace("\r\n", "\n")


async def test_yangcli_does_what_it_can_do(house: House, tmp_path: Path) -> None:
    with overhearing(house.app.server) as heard:
        shown = await typed(house, tmp_path, SCRIPT)
    (session,) = heard
    said = shown.partition("Checking Server Modules")[2]
    assert "Default target set to: <candidate> (<running> also supported)" in shown
    assert "module not found" not in shown  # every import of a module that it loads is listed as well
    assert said.count("RPC OK Reply") == 12, said
    assert "enable-nacm true" in said
    assert "container capacity" in said
    assert "exec-default deny" in said.partition("RPC Error Reply")[0].rpartition("RPC Data Reply")[2]
    assert "error-message 'there is no session 99'" in said
    assert kept([session]) >= len(SCRIPT.split("\n")) - 2
