"""ncclient, unmodified, does with our datastores everything that it can."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from configured import PROMISE, P, controller, expiry
from lxml import etree
from ncclient import manager
from ncclient.operations import RPCError
from netconf_server import ADMIN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from configured import House


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with controller(tmp_path) as running:
        yield running


def session(house: House) -> Any:
    host, port = house.app.address
    return manager.connect(
        host=host, port=port, username=ADMIN[0], password=ADMIN[1], hostkey_verify=False, allow_agent=False,
        look_for_keys=False, timeout=30,
    )  # fmt: skip


def config(minutes: int) -> str:
    return f'<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">{expiry(minutes)}</config>'


def shown(client: Any, source: str = "running") -> list[str]:
    return [leaf.text for leaf in client.get_config(source=source).data_ele.iter(P + "expiry")]


def tag(call: Callable[[], object]) -> str:
    with pytest.raises(RPCError) as failed:
        call()
    return str(failed.value.tag)


async def test_lock_edit_validate_commit_unlock(house: House) -> None:
    def work() -> None:
        with session(house) as one, session(house) as other:
            for capability in (":candidate", ":confirmed-commit:1.1", ":validate:1.1", ":xpath", ":rollback-on-error"):
                assert capability in one.server_capabilities, capability
            with one.locked("candidate"):
                assert tag(lambda: other.lock("candidate")) == "lock-denied"
                assert tag(lambda: other.edit_config(target="candidate", config=config(1))) == "in-use"
                one.edit_config(
                    target="candidate", config=config(5), default_operation="replace", test_option="test-then-set",
                    error_option="rollback-on-error",
                )  # fmt: skip
                one.validate(source="candidate")
                one.commit()
            assert shown(other) == ["5"]
            one.edit_config(target="candidate", config=config(6))
            one.discard_changes()
            assert shown(one, "candidate") == ["5"]
            one.copy_config(source="running", target="candidate")
            assert tag(lambda: one.delete_config(target="candidate")) == "operation-not-supported"

    await asyncio.to_thread(work)


async def test_confirmed_commits(house: House) -> None:
    def work() -> None:
        with session(house) as one, session(house) as other:
            one.edit_config(target="candidate", config=config(5))
            one.commit(confirmed=True, timeout="300")
            one.commit()
            one.edit_config(target="candidate", config=config(6))
            one.commit(confirmed=True, persist="token")
            other.commit(confirmed=True, timeout="60", persist_id="token")
            other.commit(persist_id="token")
            assert shown(one) == ["6"]
            one.edit_config(target="candidate", config=config(7))
            one.commit(confirmed=True)
            one.cancel_commit()
            assert shown(one) == ["6"]
            one.edit_config(target="candidate", config=config(8))
            one.commit(confirmed=True, persist="again")
            other.cancel_commit(persist_id="again")
            assert shown(one) == ["6"]

    await asyncio.to_thread(work)


async def test_filters_and_defaults(house: House) -> None:
    nacm = '<nacm xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-acm"/>'

    def work() -> None:
        with session(house) as one:
            one.edit_config(target="candidate", config=config(5))
            one.commit()
            wanted = ("xpath", ({"p": PROMISE}, "/p:promise/p:policy/p:reservation/p:expiry"))
            found = one.get_config(source="running", filter=wanted).data_ele
            assert [leaf.text for leaf in found.iter(P + "expiry")] == ["5"]
            assert one.get(filter=wanted).data_ele.find(f"{P}promise/{P}capacity") is None
            reply = one.get_config(source="running", filter=("subtree", nacm), with_defaults="report-all").data_ele
            assert b"enable-nacm" in etree.tostring(reply)
            reply = one.get_config(source="running", filter=("subtree", nacm), with_defaults="explicit").data_ele
            assert b"enable-nacm" not in etree.tostring(reply)

    await asyncio.to_thread(work)
