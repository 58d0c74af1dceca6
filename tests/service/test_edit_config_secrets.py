"""A password is kept in one place, and when it is replaced or its provider goes, it is nowhere."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lxml import etree
from netconf_client import BASE, connect
from netconf_server import ADMIN, HASH
from structlog.testing import capture_logs

from promise.app import build
from promise.capacity.provider import Discovery, Zone
from promise.clock import ManualClock
from promise.config import Config
from promise.errors import CredentialsRejected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from netconf_client import NetconfClient

    from promise.capacity.provider import Access

FIRST, SECOND, WRONG = "sesame-first-7f3a", "sesame-second-91bc", "sesame-wrong-d02e"
DELETE = f'xmlns:nc="{BASE}" nc:operation="delete"'
FOUND = Discovery(
    "project-1",
    "red",
    "quota",
    {"cores": 10},
    (Zone("az1", up=True, hosts=1, capacity={}),),
    (),
    (),
    "http://nova.example",
)


@dataclass
class Gate:
    """A cloud that opens with one password; `asked` are those it was asked with."""

    password: str = FIRST
    asked: list[str] = field(default_factory=list)

    def __call__(self, access: Access, password: str) -> Any:
        return Behind(self, password)


@dataclass
class Behind:
    gate: Gate
    password: str

    async def discover(self, source: str | None = None) -> Discovery:
        self.gate.asked.append(self.password)
        if self.password != self.gate.password:
            raise CredentialsRejected("the cloud does not know this user with this password")
        return FOUND

    async def servers(self) -> Sequence[Any]:
        return []

    async def close(self) -> None:
        return


@asynccontextmanager
async def controller(folder: Path, gate: Gate) -> AsyncIterator[NetconfClient]:
    config = Config.model_validate(
        {
            "state_dir": folder,
            "netconf": {"listen": "127.0.0.1:0"},
            "restconf": {"listen": "127.0.0.1:0"},
            "user": [{"name": "admin", "password_hash": HASH, "groups": ["admin"]}],
        }
    )
    app = await build(config, ManualClock(1_800_000_000), gate)
    try:
        await app.start()
        async with await connect(*app.address, *ADMIN) as client:
            yield client
    finally:
        await app.stop()


def rpc(name: str, **leaves: str) -> str:
    inside = "".join(f"<{leaf.replace('_', '-')}>{value}</{leaf.replace('_', '-')}>" for leaf, value in leaves.items())
    return f'<{name} xmlns="urn:opnfv:promise">{inside}</{name}>'


def leaf(reply: Any, name: str) -> str:
    return str(reply.findtext(f".//{{urn:opnfv:promise}}{name}"))


async def add(client: NetconfClient, password: str) -> str:
    asked = rpc(
        "add-provider", provider_type="openstack", endpoint="http://cloud.example", username="u", password=password
    )
    return leaf(await client.rpc(asked), "provider-id")


async def credentials(client: NetconfClient, provider: str, password: str) -> str:
    reply = await client.rpc(rpc("set-provider-credentials", provider_id=provider, password=password))
    assert password.encode() not in client_text(reply)
    return leaf(reply, "reason") if leaf(reply, "result") != "ok" else "ok"


def client_text(reply: Any) -> bytes:
    return bytes(etree.tostring(reply))


def kept(folder: Path) -> dict[str, str]:
    """Return the side table, when the ledger is closed."""
    with sqlite3.connect(folder / "ledger.sqlite") as database:
        found = dict(database.execute("SELECT key, value FROM secret"))
    database.close()
    return found


def journal(folder: Path) -> str:
    with sqlite3.connect(folder / "ledger.sqlite") as database:
        rows = database.execute("SELECT kind, actor, payload FROM journal ORDER BY seq").fetchall()
    database.close()
    return "\n".join(" ".join(row) for row in rows)


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


async def test_a_rotated_password_is_used_and_the_old_one_is_nowhere(tmp_path: Path) -> None:
    gate = Gate()
    async with controller(tmp_path, gate) as client:
        provider = await add(client, FIRST)
        assert await credentials(client, provider, WRONG) == "credentials-rejected"
        assert FIRST.encode() in on_disk(tmp_path)
        gate.password = SECOND
        assert await credentials(client, provider, SECOND) == "ok"
        assert FIRST.encode() not in on_disk(tmp_path)
    assert kept(tmp_path) == {provider: SECOND}
    assert WRONG.encode() not in on_disk(tmp_path)
    gate.asked.clear()
    async with controller(tmp_path, gate) as client:
        assert await credentials(client, provider, SECOND) == "ok"
    assert set(gate.asked) == {SECOND}


async def test_no_password_is_in_the_journal_the_log_or_an_answer(tmp_path: Path) -> None:
    gate = Gate()
    with capture_logs() as log:
        async with controller(tmp_path, gate) as client:
            provider = await add(client, FIRST)
            await credentials(client, provider, WRONG)
            await credentials(client, provider, FIRST)
            shown = [
                client_text(await client.rpc(f'<get xmlns="{BASE}"/>')),
                client_text(await client.rpc(f'<get-config xmlns="{BASE}"><source><running/></source></get-config>')),
                client_text(await client.rpc(rpc("set-provider-credentials", provider_id="?", password=FIRST))),
                client_text(await client.rpc(rpc("set-provider-credentials", password=FIRST, secret=WRONG))),
                client_text(
                    await client.rpc(rpc("set-provider-credentials", provider_id=provider, password=FIRST * 99))
                ),
            ]
    told = journal(tmp_path)
    assert "provider-changed" in told
    for secret in (FIRST, WRONG):
        assert secret not in told
        assert secret not in repr(log)
        assert all(secret.encode() not in answer for answer in shown)


async def test_with_its_provider_a_password_goes(tmp_path: Path) -> None:
    gate = Gate()
    async with controller(tmp_path, gate) as client:
        provider = await add(client, FIRST)
        assert leaf(await client.rpc(rpc("remove-provider", provider_id=provider)), "result") == "ok"
        assert FIRST.encode() not in on_disk(tmp_path)
    assert kept(tmp_path) == {}


async def test_an_entry_that_several_name_is_theirs_together(tmp_path: Path) -> None:
    gate = Gate()
    ids = [f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2)]
    entries = "".join(
        f"<providers><id>{each}</id><name>{each}</name><provider-type>openstack</provider-type>"
        f"<endpoint>http://{number}.example</endpoint><credential>vault</credential></providers>"
        for number, each in enumerate(ids)
    )
    async with controller(tmp_path, gate) as client:
        done = await client.rpc(edit(entries))
        assert done.find(f"{{{BASE}}}ok") is not None
        given = rpc("set-provider-credentials", provider_id=ids[0], username="u", password=FIRST)
        assert leaf(await client.rpc(given), "result") == "ok"
        assert await credentials(client, ids[1], FIRST) == "ok"  # its user name came with the entry
        assert leaf(await client.rpc(rpc("remove-provider", provider_id=ids[0])), "result") == "ok"
        gone = await client.rpc(edit(f"<providers><id>{ids[1]}</id><credential {DELETE}/></providers>"))
        assert gone.find(f"{{{BASE}}}ok") is not None
        assert FIRST.encode() not in on_disk(tmp_path)
    assert kept(tmp_path) == {}


def edit(inside: str) -> str:
    return (
        f'<edit-config xmlns="{BASE}"><target><running/></target><config>'
        f'<promise xmlns="urn:opnfv:promise">{inside}</promise></config></edit-config>'
    )
