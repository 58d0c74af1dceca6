"""schemathesis asks the controller what /openapi.json allows and what it forbids: no answer is other than it says."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
from restconf_house import USERS, House, add_cloud

from promise.app import build
from promise.clock import ManualClock, SystemClock
from promise.config import Config
from promise.vim.simulator import Simulator, SimulatorOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HERE = Path(__file__).parent
SOME = "operations/|/policy$|/providers=[^/]*$|/pools|/healthz|openapi.json|host-meta|/ds/"
QUICK = ("--include-path-regex", SOME, "--exclude-method", "HEAD", "--phases", "examples,fuzzing", "-n", "4")
"""What is asked in `make test`: every operation, and some resources of each kind."""

ENVIRONMENT = {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(HERE), "COLUMNS": "120"}
SEED = os.environ.get("PROMISE_FUZZ_SEED", "1")
SECONDS = os.environ.get("PROMISE_FUZZ_SECONDS", "600")
WHOLE = (
    "--exclude-path-regex",
    "ietf-netconf-acm|/streams/|restconf/subscriptions/",
    "--max-time",
    SECONDS,
    "--seed",
    SEED,
)
"""All but the rules of access, which would shut out the user who asks, and the streams, which do not end."""


@asynccontextmanager
async def controller(state: Path) -> AsyncIterator[tuple[str, str]]:
    """Open a controller with a simulated cloud, in real time; yield its address, and the id of the provider."""
    clock = SystemClock()
    at = {"listen": "127.0.0.1:0"}
    config = Config.model_validate({"state_dir": state, "netconf": at, "restconf": at, "user": USERS})
    simulator = Simulator(SimulatorOptions(), clock)
    app = await build(config, clock)
    try:
        await app.start()
        async with aiohttp.ClientSession() as http:
            found = House(app, ManualClock(0), http)  # whose clock nobody asks
            await add_cloud(found, await simulator.start(port=0))
            made = await found.invoke("create-reservation", name="one", capacity={"cores": 2, "instances": 2})
            assert made["result"] == "ok"
        yield f"http://{app.http[0]}:{app.http[1]}", found.provider
    finally:
        await app.stop()
        await simulator.stop()


async def asked(state: Path, *options: str) -> tuple[int, str]:
    """Let schemathesis ask; return its exit status and what it says."""
    async with controller(state / "state") as (address, provider):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"),
            "run", f"{address}/openapi.json", "--no-shrink", "--warnings", "off", *options,
            cwd=state,
            env={**os.environ, **ENVIRONMENT, "PROMISE_PROVIDER": provider},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        out, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode()


async def test_every_operation_answers_as_the_document_says(tmp_path: Path) -> None:
    status, said = await asked(tmp_path, *QUICK)
    assert status == 0, said
    assert "Fuzzing" in said


@pytest.mark.slow
async def test_everything_answers_as_the_document_says(tmp_path: Path) -> None:
    status, said = await asked(tmp_path, *WHOLE)
    assert status == 0, said
