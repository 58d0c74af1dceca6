"""ncclient, unmodified: the ways in which its users connect, wait, and are told of errors."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

import pytest
from configured import PROMISE, P
from lxml import etree
from ncclient import manager
from ncclient.operations import RPCError
from ncclient.operations.errors import TimeoutExpiredError
from ncclient.operations.rpc import RaiseMode
from ncclient.xml_ import to_ele
from netconf_server import ADMIN, Door, serving
from pki import mutual
from restconf_house import house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:ssl:DeprecationWarning")
PLATFORMS = ("default", "iosxe", "iosxr", "nexus", "junos", "huaweiyang", "sros", "ciena", "alu", "h3c")
"""The kinds of devices that its users take servers for: each has a hello and habits of its own."""


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with serving(tmp_path) as opened:
        yield opened


def connected(door: Door, **options: Any) -> Any:
    wanted = {
        "host": door.host, "port": door.port, "username": ADMIN[0], "password": ADMIN[1], "hostkey_verify": False,
        "allow_agent": False, "look_for_keys": False, "timeout": 30, **options,
    }  # fmt: skip
    return manager.connect(**wanted)


async def test_whatever_device_it_takes_us_for(door: Door) -> None:
    def work() -> None:
        for platform in PLATFORMS:
            with connected(door, device_params={"name": platform}) as session:
                assert "north" in str(session.get()), platform

    await asyncio.to_thread(work)


async def test_it_raises_errors_as_it_is_asked_to(door: Door) -> None:
    denied = to_ele(f'<denied xmlns="{PROMISE}"/>')

    def work() -> None:
        with connected(door) as session:
            for mode in (RaiseMode.ALL, RaiseMode.ERRORS):
                session.raise_mode = mode
                with pytest.raises(RPCError, match="denied"):
                    session.dispatch(denied)
            session.raise_mode = RaiseMode.NONE
            reply = session.dispatch(denied)
            assert not reply.ok
            assert [(error.tag, error.type, error.severity) for error in reply.errors] == [
                ("access-denied", "application", "error")
            ]

    await asyncio.to_thread(work)


async def test_it_asks_without_waiting_and_gives_up_waiting(door: Door) -> None:
    def echo(text: str) -> Any:
        return to_ele(f'<echo xmlns="{PROMISE}">{text}</echo>')

    def work() -> None:
        with connected(door) as session:
            session.async_mode = True
            asked = [session.dispatch(echo(str(number))) for number in range(20)]
            for number, each in enumerate(asked):
                assert each.event.wait(20)
                assert each.reply.ok
                assert f">{number}</echo>" in each.reply.xml
            session.async_mode = False
            session.timeout = 1
            with pytest.raises(TimeoutExpiredError):
                session.dispatch(to_ele(f'<slow xmlns="{PROMISE}">gate</slow>'))
            door.server._loop_of_tests.call_soon_threadsafe(door.operations.gate("gate").set)  # type: ignore[attr-defined]
            session.timeout = 30
            assert session.dispatch(echo("after")).xml  # what came late is nobody's, and the session goes on

    door.server._loop_of_tests = asyncio.get_running_loop()  # type: ignore[attr-defined]
    await asyncio.to_thread(work)


async def test_it_reads_what_is_huge(door: Door) -> None:
    def work() -> None:
        with connected(door, manager_params={"timeout": 60}) as session:
            session.huge_tree = True
            text = session.dispatch(to_ele(f'<large xmlns="{PROMISE}">12000000</large>')).xml
            assert len(text) > 12_000_000

    await asyncio.to_thread(work)


@pytest.mark.rfc("7589", "3", "ncclient over TLS, which reads records of 4096 bytes only")
async def test_over_tls_and_with_a_subscription_on_the_side(tmp_path: Path) -> None:
    tls, ca, admin = mutual(tmp_path, "admin", listen="127.0.0.1:0")
    reserve = f'<create-reservation xmlns="{PROMISE}"><capacity><cores>1</cores></capacity></create-reservation>'

    def work(port: int) -> None:
        with manager.connect_tls(
            host="localhost", port=port, certfile=str(admin.file), keyfile=str(admin.file), ca_certs=str(ca.file),
            protocol=ssl.PROTOCOL_TLS_CLIENT,
        ) as session:  # fmt: skip
            assert session.create_subscription(stream_name="reservation").ok
            assert "ok" in session.dispatch(to_ele(reserve)).xml
            told = session.take_notification(timeout=20).notification_ele
            assert told.findtext(f"{P}reservation-event/{P}event") == "accepted"
            assert etree.fromstring(session.get_config("running").data_xml.encode()) is not None
            assert session.take_notification(block=False) is not None

    async with house(tmp_path / "state", cloud=True, netconf={"tls": tls}) as found:
        await asyncio.to_thread(work, found.app.server.tls_addresses[0][1])
