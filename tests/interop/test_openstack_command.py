"""The real `openstack` command against the simulator: the command is slow to start, so each call counts."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from promise.clock import PreciseClock
from promise.vim.simulator import Simulator, SimulatorOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OPENSTACK = Path(sys.executable).with_name("openstack")


@pytest.fixture
async def clouds(tmp_path: Path) -> AsyncIterator[Path]:
    simulator = Simulator(SimulatorOptions(build_seconds=0.2, delete_seconds=0.2, volume_seconds=0.0), PreciseClock())
    path = tmp_path / "clouds.yaml"
    path.write_text(simulator.clouds_yaml(await simulator.start()))
    yield path
    await simulator.stop()


async def run(clouds: Path, *command: str, script: str = "") -> tuple[int, str, str]:
    """Run one command, or a script of them in one process; return the exit status and what was said."""
    environment = {
        **os.environ, "OS_CLOUD": "simulator", "OS_CLIENT_CONFIG_FILE": str(clouds), "PYTHONWARNINGS": "ignore",
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        str(OPENSTACK), *command, env=environment,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate(script.encode())
    return process.returncode or 0, out.decode(), err.decode()


def values(out: str) -> list[Any]:
    """Return the JSON values that a script of commands has written, whatever stands between them."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while begins := re.compile(r"[\[{]").search(out, at):
        value, at = decoder.raw_decode(out, begins.start())
        found.append(value)
    return found


async def test_the_command_lists_flavors_and_creates_a_server(clouds: Path) -> None:
    status, out, err = await run(clouds, "flavor", "list", "-f", "json")
    assert status == 0, err
    assert {flavor["Name"]: (flavor["VCPUs"], flavor["RAM"], flavor["Disk"]) for flavor in json.loads(out)} == {
        "m1.tiny": (1, 512, 1), "m1.small": (1, 2048, 20), "m1.medium": (2, 4096, 40), "m1.large": (4, 8192, 80),
        "m1.xlarge": (8, 16384, 160),
    }  # fmt: skip
    create = ("server", "create", "--flavor", "m1.small", "--image", "cirros", "--network", "private", "--wait", "one")
    status, out, err = await run(clouds, *create, "-f", "json")
    assert status == 0, err
    server = json.loads(out)
    assert (server["status"], server["addresses"], server["flavor"]["name"]) == (
        "ACTIVE", {"private": ["10.0.0.2"]}, "m1.small",
    )  # fmt: skip


async def test_a_whole_session_of_the_command(clouds: Path) -> None:
    script = """\
server create --flavor m1.large --image cirros --network private --wait one -f json
server list -f json
quota show --usage -f json
network list -f json
volume create --size 3 data -f json
volume list -f json
hypervisor list -f json
availability zone list --compute -f json
server stop one
server delete --wait one
server list --all-projects -f json
flavor show m1.tiny -f json
"""
    _, out, err = await run(clouds, script=script)
    server, servers, quota, networks, volume, volumes, hypervisors, zones, left, tiny = values(out)
    assert server["status"] == "ACTIVE", err
    assert [(each["Name"], each["Status"], each["Flavor"], each["Image"]) for each in servers] == [
        ("one", "ACTIVE", "m1.large", "cirros")
    ]
    used = {row["Resource"]: (row["Limit"], row["In Use"]) for row in quota}
    assert (used["instances"], used["cores"], used["ram"], used["ports"]) == (
        (100, 1), (200, 4), (524288, 8192), (500, 1),
    )  # fmt: skip
    assert [row["Name"] for row in networks] == ["private", "public"]
    assert (volume["size"], volume["name"]) == (3, "data")
    assert [(row["Name"], row["Status"], row["Size"]) for row in volumes] == [("data", "available", 3)]
    assert [row["Hypervisor Hostname"] for row in hypervisors] == ["cmp1", "cmp2", "cmp3", "cmp4"]
    assert [row["Zone Name"] for row in zones] == ["internal", "az1", "az2"]
    assert left == []
    assert (tiny["vcpus"], tiny["ram"], tiny["disk"]) == (1, 512, 1)
