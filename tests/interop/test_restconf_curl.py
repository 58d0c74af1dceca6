"""The page docs/how-to/use-restconf.md, played from top to bottom with curl."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest
from restconf_house import house

from promise.clock import ManualClock
from promise.vim.simulator import Simulator, SimulatorOptions

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "use-restconf.md"

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")


async def test_every_command_of_the_page_works(tmp_path: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    script = "set -e\n" + "echo\n".join(blocks)
    simulator = Simulator(SimulatorOptions(), ManualClock(1_800_000_000))
    cloud = await simulator.start(port=0)
    try:
        async with house(tmp_path / "state") as found:
            address = f"http://{found.app.http[0]}:{found.app.http[1]}"
            names = {"PROMISE": address, "LOGIN": "admin:admin", "CLOUD": f"{cloud}/identity/v3"}
            shell = await asyncio.create_subprocess_exec(
                "sh", "-c", script,
                cwd=tmp_path, env={**os.environ, **names},
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
            out, _ = await shell.communicate()
            said = out.decode()
            assert shell.returncode == 0, said
            assert (await found.get("/policy")).body == {"opnfv-promise:policy": {"reservation": {"alternatives": 1}}}
    finally:
        await simulator.stop()
    assert '"opnfv-promise:cores":3' in said
    assert '<output xmlns="urn:opnfv:promise"><result>ok</result>' in said
    assert "depth must be a number" in said
    assert "the key id of reservations" in said
    assert said.count('"ok": [null]') == 1
