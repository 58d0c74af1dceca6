"""Decides as fast as it can and says what was acknowledged, until it is killed: see test_ledger_crash."""

from __future__ import annotations

import asyncio
import os
import sys

from unit.ledger.toy import build, claim, give_back, open_toy

from promise.ledger.writer import Settings

CLIENTS = 20


async def main(path: str, name: str) -> None:
    ledger = await open_toy(f"sqlite:///{path}", settings=Settings(group=16))
    await ledger.submit(build(1000), actor="root")

    async def client(number: int) -> None:
        count = 0
        while True:
            key = f"{name}-{number}-{count}"
            if await ledger.submit(claim(key, 3), actor=key) == "ok":
                os.write(1, f"+{key}\n".encode())
            if count % 2 and await ledger.submit(give_back(key), actor=key):
                os.write(1, f"-{key}\n".encode())
            count += 1

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))


asyncio.run(main(sys.argv[1], sys.argv[2]))
