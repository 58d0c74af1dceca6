"""The simulator as a process of its own: `promise simulate` writes the clouds.yaml and ends at SIGTERM."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import yaml

from promise.vim.simulator import FlavorOption, SimulatorOptions
from promise.vim.simulator.world.world import World

if TYPE_CHECKING:
    from asyncio.subprocess import Process

PROMISE = Path(sys.executable).with_name("promise")


async def started(*options: str) -> tuple[Process, dict[str, Any]]:
    """Start the command and return it with the line by which it says that it is ready."""
    process = await asyncio.create_subprocess_exec(
        str(PROMISE), "simulate", "--listen", "127.0.0.1:0", *options, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    line: dict[str, Any] = json.loads(await process.stderr.readline())
    return process, line


async def test_the_command_says_where_it_is_and_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "clouds.yaml"
    process, line = await started("--clouds", str(path), "--hosts", "3", "--flavor", "tiny:1:128:1")
    assert line["event"] == "simulator.ready"
    clouds = yaml.safe_load(path.read_text())["clouds"]
    assert set(clouds) == {"simulator", "simulator-admin", "simulator-member", "simulator-tenant"}
    auth = clouds["simulator"]["auth"]
    assert auth["auth_url"] == line["url"] + "/identity/v3"
    assert {auth[name] for name in ("username", "password", "project_name")} == {"promise"}
    async with aiohttp.ClientSession() as http, http.get(f"{line['url']}/simulator/state") as reply:
        assert len((await reply.json())["hosts"]) == 3
    process.terminate()
    assert await process.wait() == 0
    assert os.listdir(tmp_path) == ["clouds.yaml"]  # noqa: PTH208 -- a Path would be blocking, it says


async def test_an_address_that_is_taken_is_said_and_no_file_is_written(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    path = tmp_path / "clouds.yaml"
    process = await asyncio.create_subprocess_exec(
        str(PROMISE), "simulate", "--listen", f"127.0.0.1:{port}", "--clouds", str(path),
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, err = await process.communicate()
    assert process.returncode == 1
    assert str(port) in err.decode()
    assert not path.exists()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    ("options", "words"),
    [({"hosts": -1}, "hosts"), ({"zones": ()}, "zone"), ({"vcpus": -1}, "vcpus"), ({"cpu_ratio": 0}, "cpu_ratio"),
     ({"build_seconds": -1}, "build_seconds"), ({"projects": ("promise",)}, "admin"),
     ({"flavors": (FlavorOption("a", 1, 1, 1), FlavorOption("a", 2, 2, 2))}, "same name"),
     ({"quotas": {"colours": 1}}, "colours")],
)  # fmt: skip
def test_a_cloud_that_cannot_be_is_refused_by_name(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        World(SimulatorOptions(**options), 0.0)


def test_the_quotas_are_never_scarcer_than_the_hosts_unless_one_says_so() -> None:
    world = World(SimulatorOptions(hosts=100, cpu_ratio=2.0), 0.0)
    assert (world.quotas.standard["cores"], world.quotas.standard["ram"]) == (6400, 13107200)
    world = World(SimulatorOptions(hosts=1, quotas={"cores": 3}), 0.0)
    assert (world.quotas.standard["cores"], world.quotas.standard["ram"]) == (3, 512000)
