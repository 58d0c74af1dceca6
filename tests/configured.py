"""A controller for tests of its datastores: no cloud behind it, time in the hands of the test, requests in short."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evidence import EVIDENCE
from netconf_client import BASE, NC, connect
from netconf_server import ADMIN, HASH

from promise.app import App, build
from promise.clock import ManualClock
from promise.config import Config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from netconf_client import NetconfClient

PROMISE = "urn:opnfv:promise"
P = f"{{{PROMISE}}}"
NACM = "urn:ietf:params:xml:ns:yang:ietf-netconf-acm"


@dataclass
class House:
    """A running controller."""

    app: App
    clock: ManualClock

    async def session(self, user: str = ADMIN[0]) -> NetconfClient:
        return await connect(*self.app.address, user, ADMIN[1], evidence=EVIDENCE)


@asynccontextmanager
async def controller(folder: Path, clock: ManualClock | None = None, cloud: Any = None) -> AsyncIterator[House]:
    config = Config.model_validate(
        {
            "state_dir": folder,
            "netconf": {"listen": "127.0.0.1:0"},
            "restconf": {"listen": "127.0.0.1:0"},
            "user": [
                {"name": "admin", "password_hash": HASH, "groups": ["admin"]},
                {"name": "fred", "password_hash": HASH, "project": "bedrock"},
            ],
        }
    )
    clock = clock or ManualClock(1_800_000_000)
    app = await build(config, clock, cloud)
    try:
        await app.start()
        yield House(app, clock)
    finally:
        await app.stop()


def nc(name: str, inside: str = "") -> str:
    return f'<{name} xmlns="{BASE}">{inside}</{name}>'


def edit(inside: str, target: str = "candidate", more: str = "") -> str:
    """Return an edit-config; `inside` stands in <config>."""
    return nc("edit-config", f"<target><{target}/></target>{more}<config>{inside}</config>")


def rules(inside: str) -> str:
    """Return leaves of promise/policy/reservation, in place."""
    names = f'xmlns="{PROMISE}" xmlns:nc="{BASE}"'
    return f"<promise {names}><policy><reservation>{inside}</reservation></policy></promise>"


def expiry(minutes: int) -> str:
    return rules(f"<expiry>{minutes}</expiry>")


def provider(number: int, more: str = "") -> str:
    leaves = (
        f"<id>00000000-0000-4000-8000-{number:012d}</id><name>cloud {number}</name>"
        f"<provider-type>openstack</provider-type><endpoint>http://cloud{number}.example/v3</endpoint>{more}"
    )
    return f'<promise xmlns="{PROMISE}"><providers>{leaves}</providers></promise>'


def target(name: str, datastore: str) -> str:
    return nc(name, f"<target><{datastore}/></target>")


async def asked(client: NetconfClient, operation: str) -> str:
    """Return "ok", or the error-tag and what the message says."""
    reply = await client.rpc(operation)
    if (error := reply.find(f"{NC}rpc-error")) is not None:
        return f"{error.findtext(f'{NC}error-tag')}: {error.findtext(f'{NC}error-message')}"
    assert reply.find(f"{NC}ok") is not None, reply
    return "ok"


async def do(client: NetconfClient, *operations: str) -> None:
    for operation in operations:
        said = await asked(client, operation)
        assert said == "ok", (operation, said)


async def shown(client: NetconfClient, datastore: str = "running") -> str | None:
    """Return promise/policy/reservation/expiry of a datastore."""
    reply = await client.rpc(nc("get-config", f"<source><{datastore}/></source>"))
    return reply.findtext(f".//{P}expiry")  # type: ignore[no-any-return]


async def names(client: NetconfClient, datastore: str = "running") -> list[str]:
    reply = await client.rpc(nc("get-config", f"<source><{datastore}/></source>"))
    return [str(name.text) for name in reply.iterfind(f".//{P}providers/{P}name")]
