"""Clients of others, unmodified, against the NETCONF door: ncclient, netconf-console2, scrapli, OpenSSH."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest
from lxml import etree
from ncclient import manager
from ncclient.operations import RPCError
from ncclient.transport import AuthenticationError
from ncclient.xml_ import to_ele
from netconf_client import BASE, BASE_1_0, END, NC, chunked, client_hello, rpc_message
from netconf_server import ADMIN, PROMISE, Door, P, serving
from scrapli import AuthOptions, Netconf, TransportBinOptions, TransportSsh2Options

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

KEY = asyncssh.generate_private_key("ssh-ed25519")
ONE_POOL = f'<promise xmlns="{PROMISE}"><pools><id>1</id></pools></promise>'
CONSOLE = Path(sys.executable).with_name("netconf-console2")
SSH = shutil.which("ssh")
TEXT = "a line\n##\n#123\n# é € 😀 &amp; ]]&gt;]]&gt;\n"


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with serving(tmp_path, keys=(KEY.export_public_key().decode(),)) as opened:
        yield opened


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "id_ed25519"
    KEY.write_private_key(path)
    path.chmod(0o600)
    return path


def ncclient(door: Door, **options: Any) -> Any:
    wanted = {
        "host": door.host, "port": door.port, "hostkey_verify": False, "allow_agent": False, "look_for_keys": False,
        "timeout": 30, **options,
    }  # fmt: skip
    return manager.connect(**wanted)


async def test_ncclient_does_what_it_can_do(door: Door) -> None:
    def work() -> None:
        with ncclient(door, username=ADMIN[0], password=ADMIN[1]) as session:
            assert int(session.session_id) > 0
            assert f"{PROMISE}?module=opnfv-promise&revision=2026-11-20" in session.server_capabilities
            assert ":base:1.1" in session.server_capabilities
            zones = etree.fromstring(session.get().data_xml.encode()).iter(P + "zone")
            assert [zone.text for zone in zones] == ["north", "söuth"]
            some = session.get(filter=("subtree", ONE_POOL)).data_ele
            assert [zone.text for zone in some.iter(P + "zone")] == ["north"]
            config = session.get_config(source="running").data_ele
            assert [element.text for element in config.iter(P + "expiry")] == ["5"]
            reply = session.dispatch(to_ele(f'<echo xmlns="{PROMISE}">{TEXT}</echo>'))
            echo: Any = etree.fromstring(reply.xml.encode())[0]
            assert echo.text == TEXT.replace("&amp;", "&").replace("&gt;", ">")
            large = session.dispatch(to_ele(f'<large xmlns="{PROMISE}">1000000</large>'))
            assert len(large.xml) > 1_000_000

    await asyncio.to_thread(work)


async def test_ncclient_understands_our_errors(door: Door) -> None:
    def tag(call: Callable[[], object]) -> tuple[str, str]:
        with pytest.raises(RPCError) as failed:
            call()
        return failed.value.type, failed.value.tag

    def work() -> None:
        with ncclient(door, username=ADMIN[0], password=ADMIN[1]) as session:
            assert tag(lambda: session.dispatch(to_ele(f'<x xmlns="{PROMISE}"/>'))) == (
                "application",
                "unknown-element",
            )
            assert tag(lambda: session.dispatch(to_ele("<x xmlns='urn:x'/>"))) == ("protocol", "unknown-namespace")
            assert tag(lambda: session.dispatch(to_ele(f'<denied xmlns="{PROMISE}"/>')))[1] == "access-denied"
            assert tag(lambda: session.lock(target="running"))[1] == "lock-denied"
            assert tag(lambda: session.kill_session("4294967295"))[1] == "invalid-value"
            assert session.get() is not None

    await asyncio.to_thread(work)


async def test_ncclient_logs_in_with_a_key(door: Door, key_file: Path) -> None:
    def work() -> None:
        with ncclient(door, username="keyed", key_filename=str(key_file)) as session:
            assert session.connected

    await asyncio.to_thread(work)


async def test_ncclient_is_told_that_its_password_is_wrong(door: Door) -> None:
    with pytest.raises(AuthenticationError):
        await asyncio.to_thread(ncclient, door, username="admin", password="wrong")


async def test_ncclient_kills_another_session(door: Door) -> None:
    def work() -> None:
        first = ncclient(door, username=ADMIN[0], password=ADMIN[1])
        second = ncclient(door, username=ADMIN[0], password=ADMIN[1])
        assert first.kill_session(second.session_id).ok
        assert first.close_session().ok

    await asyncio.to_thread(work)


@pytest.mark.parametrize("transport", [TransportSsh2Options, TransportBinOptions])
async def test_scrapli_does_what_it_can_do(door: Door, transport: Any) -> None:
    if transport is TransportBinOptions and SSH is None:
        pytest.skip("its bin transport needs the ssh program")

    def work() -> None:
        auth = AuthOptions(username=ADMIN[0], password=ADMIN[1])
        with Netconf(door.host, port=door.port, auth_options=auth, transport_options=transport()) as session:
            assert session.session_id > 0
            assert "<expiry>5</expiry>" in session.get_config().result
            some = session.get(filter_=ONE_POOL)
            assert not some.failed
            assert "north" in some.result
            assert "söuth" not in some.result
            assert ">hé<" in session.raw_rpc(f'<echo xmlns="{PROMISE}">hé</echo>').result
            assert len(session.raw_rpc(f'<large xmlns="{PROMISE}">300000</large>').result) > 300_000
            failed = session.raw_rpc(f'<denied xmlns="{PROMISE}"/>')
            assert failed.failed
            assert "access-denied" in failed.result
            assert not session.close_session().failed

    await asyncio.to_thread(work)


async def console(door: Door, *arguments: str, status: int = 0) -> str:
    options = ("--host", door.host, "--port", str(door.port), "--user", ADMIN[0], "--password", ADMIN[1])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", str(CONSOLE), *options, *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == status, output.decode()
    return output.decode()


@pytest.mark.parametrize("version", [(), ("-v", "1.0"), ("-v", "1.1")])
async def test_netconf_console2_does_what_it_can_do(door: Door, tmp_path: Path, version: tuple[str, ...]) -> None:
    rpc = tmp_path / "echo.xml"
    rpc.write_text(f'<echo xmlns="{PROMISE}">from a file</echo>')
    shown = await console(door, *version, "--hello", "--get", "--get-config", f"--rpc={rpc}")
    assert "opnfv-promise" in shown
    assert "<zone>north</zone>" in shown
    assert "<expiry>5</expiry>" in shown
    assert "from a file" in shown


async def test_netconf_console2_shows_our_errors(door: Door) -> None:
    assert "lock-denied" in await console(door, "--lock", status=255)


@pytest.mark.skipif(SSH is None, reason="needs the ssh program")
@pytest.mark.parametrize("base", [(), (BASE_1_0,)])
async def test_openssh_with_everything_on_its_standard_input(door: Door, key_file: Path, base: tuple[str, ...]) -> None:
    """What people do by hand: hello and requests in one file, then the end of it."""
    options = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes")
    address = ("-i", str(key_file), "-p", str(door.port), "-s", f"keyed@{door.host}")
    process = await asyncio.create_subprocess_exec(
        str(SSH), "-F", "none", *options, *address, "netconf",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    requests = [rpc_message(f'<echo xmlns="{PROMISE}">{number}</echo>', str(number)) for number in range(3)]
    framed = [
        message + END + b"\n" if base else chunked(message) for message in [*requests, rpc_message("<get/>", "3")]
    ]
    output, _ = await process.communicate(client_hello(*base) + END + b"\n" + b"".join(framed))
    assert process.returncode == 0
    hello, _, replies = output.partition(END)
    assert etree.fromstring(hello).tag == NC + "hello"
    assert replies.count(b"</rpc-reply>") == 4
    assert replies.index(b">0</echo>") < replies.index(b">1</echo>") < replies.index(b">2</echo>")
    assert BASE.encode() in replies
