"""Users as configuration: they come at commit, log in with what they have, and go with their passwords."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest
from configured import PROMISE, P, asked, controller, do, edit, nc, shown
from netconf_client import BASE, connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from configured import House
    from netconf_client import NetconfClient

FIRST, SECOND = "sesame-ann-51d0", "sesame-ann-93ba"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with controller(tmp_path) as running:
        yield running


def user(name: str, more: str = "", operation: str = "merge") -> str:
    attribute = f'xmlns:nc="{BASE}" nc:operation="{operation}"'
    return f'<promise xmlns="{PROMISE}"><users {attribute}><name>{name}</name>{more}</users></promise>'


def password(name: str, text: str | None) -> str:
    said = "" if text is None else f"<password>{text}</password>"
    return f'<set-user-password xmlns="{PROMISE}"><name>{name}</name>{said}</set-user-password>'


async def result(client: NetconfClient, operation: str) -> str:
    reply = await client.rpc(operation)
    return str(reply.findtext(f"{P}reason") or reply.findtext(f"{P}result"))


async def may_log_in(house: House, name: str, text: str | None = None, **more: Any) -> bool:
    try:
        async with await connect(*house.app.address, name, text, **more):
            return True
    except asyncssh.PermissionDenied:
        return False


async def test_a_user_logs_in_from_commit_on_and_no_longer_than_it_is_there(house: House, tmp_path: Path) -> None:
    async with await house.session() as admin:
        await do(admin, edit(user("ann", "<group>admin</group><project>red</project>")))
        assert await result(admin, password("ann", FIRST)) == "not-found"
        await do(admin, nc("commit"))
        assert not await may_log_in(house, "ann", FIRST)
        assert await result(admin, password("ann", FIRST)) == "ok"
        async with await house.session("admin") as _, await connect(*house.app.address, "ann", FIRST) as ann:
            assert await shown(ann) is None
            await do(ann, edit(user("bob")), nc("discard-changes"))  # her group may
        assert not await may_log_in(house, "ann", SECOND)
        assert await result(admin, password("ann", SECOND)) == "ok"
        assert [await may_log_in(house, "ann", text) for text in (FIRST, SECOND)] == [False, True]
        assert await result(admin, password("ann", None)) == "ok"
        assert not await may_log_in(house, "ann", SECOND)
        assert await result(admin, password("ann", SECOND)) == "ok"
        await do(admin, edit(user("ann", operation="delete")), nc("commit"))
        assert not await may_log_in(house, "ann", SECOND)
    with sqlite3.connect(tmp_path / "ledger.sqlite") as database:
        assert database.execute("SELECT key FROM secret").fetchall() == []
        told = "".join(row[0] for row in database.execute("SELECT payload FROM journal"))
    database.close()
    assert FIRST not in told
    assert "scrypt" not in told


async def test_a_user_logs_in_with_a_key(house: House, tmp_path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    line = key.export_public_key().decode().strip()
    async with await house.session() as admin:
        bad = edit(user("ann", "<authorized-key>ssh-ed25519 nonsense</authorized-key>"))
        await do(admin, bad)
        assert (await asked(admin, nc("commit"))).startswith("operation-failed: ")
        await do(admin, nc("discard-changes"), edit(user("ann", f"<authorized-key>{line}</authorized-key>")))
        assert not await may_log_in(house, "ann", client_keys=[key])
        await do(admin, nc("commit"))
        assert await may_log_in(house, "ann", client_keys=[key])
    async with controller(tmp_path / "other") as other:
        assert not await may_log_in(other, "ann", client_keys=[key])


async def test_the_names_of_the_file_are_taken(house: House) -> None:
    async with await house.session() as admin:
        assert "configuration file" in await asked(admin, edit(user("fred"), "running"))
        assert (await asked(admin, edit(user("a b"), "running"))).startswith("invalid-value")


async def test_users_and_access_rules_are_shown_to_administrators_only(house: House) -> None:
    rules = '<nacm xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-acm"><exec-default>deny</exec-default></nacm>'
    async with await house.session() as admin, await house.session("fred") as fred:
        told = (
            f'<promise xmlns="{PROMISE}"><subscriptions><id>00000000-0000-4000-8000-000000000001</id>'
            "<kind>capacity</kind><callback-uri>http://127.0.0.1:9/x</callback-uri></subscriptions></promise>"
        )
        await do(admin, edit(user("ann") + rules, "running"), edit(told, "running"))
        for name, inside in (("get", ""), ("get-config", "<source><running/></source>")):
            for client, seen in ((admin, True), (fred, False)):
                reply = await client.rpc(nc(name, inside))
                assert (reply.find(f".//{P}users") is not None) is seen
                assert (reply.find(".//{urn:ietf:params:xml:ns:yang:ietf-netconf-acm}nacm") is not None) is seen
                assert (reply.find(f".//{P}subscriptions") is not None) is seen
        assert (await fred.rpc(password("ann", FIRST))).findtext(f".//{{{BASE}}}error-tag") == "access-denied"


async def test_a_password_outlives_a_trial_that_takes_its_user_away(house: House) -> None:
    async with await house.session() as admin:
        await do(admin, edit(user("ann")), nc("commit"))
        assert await result(admin, password("ann", FIRST)) == "ok"
        await do(admin, edit(user("ann", operation="delete")), nc("commit", "<confirmed/>"))
        assert not await may_log_in(house, "ann", FIRST)
        await do(admin, nc("cancel-commit"))
        assert await may_log_in(house, "ann", FIRST)
