"""netconf_client (ADTRAN's), unmodified: a client in Python that shares nothing with ncclient but the names."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from overheard import kept, overhearing
from pki import mutual
from restconf_house import house

PROGRAM = Path(__file__).with_name("adtran_client.py")


@pytest.mark.rfc("7589", "3", "netconf_client does over SSH and TLS all that it can")
async def test_it_does_what_it_can_do(tmp_path: Path) -> None:
    tls, ca, admin = mutual(tmp_path, "admin", listen="127.0.0.1:0")
    async with house(tmp_path / "state", netconf={"tls": tls}) as found:
        with overhearing(found.app.server) as heard:
            given = (*found.app.address, found.app.server.tls_addresses[0][1], admin.file, ca.file)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-W", "ignore", str(PROGRAM), *map(str, given),
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env={},
            )  # fmt: skip
            said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert kept(heard) > 30
