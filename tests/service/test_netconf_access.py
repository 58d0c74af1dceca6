"""Who gets in over SSH, what he can ask for there, and how many may try."""

from __future__ import annotations

import asyncio
import os
import stat
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest
from netconf_client import BASE, connect, open_channel
from netconf_server import PROMISE, Door, serving, until

from promise.northbound.hostkeys import UnusableHostKey, host_keys
from promise.northbound.patience import Limits
from promise.northbound.strangers import Room

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KEY = asyncssh.generate_private_key("ssh-ed25519")
OTHER_KEY = asyncssh.generate_private_key("ecdsa-sha2-nistp256")


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with serving(tmp_path, keys=(KEY.export_public_key().decode(),)) as opened:
        yield opened


def ssh(door: Door, username: str, password: str | None = None, **options: Any) -> Any:
    wanted: dict[str, Any] = {"known_hosts": None, "config": None, "client_keys": None, "agent_path": None, **options}
    return asyncssh.connect(door.host, door.port, username=username, password=password, **wanted)


@pytest.mark.rfc("6242", "3", "a session over SSH by password")
@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
async def test_a_password_lets_its_user_in(door: Door, method: str) -> None:
    async with await connect(door.host, door.port, "fred", "secret", preferred_auth=method) as client:
        await client.rpc(f'<echo xmlns="{PROMISE}"/>')
    assert door.operations.callers[0].username == "fred"


@pytest.mark.rfc("6242", "3", "a session over SSH by public key")
async def test_a_key_lets_its_user_in(door: Door) -> None:
    async with await connect(door.host, door.port, "keyed", client_keys=[KEY]) as client:
        await client.rpc(f'<echo xmlns="{PROMISE}"/>')
    assert (door.operations.callers[0].username, door.operations.callers[0].project) == ("keyed", "bedrock")


@pytest.mark.parametrize(
    ("username", "options"),
    [
        ("fred", {"password": "wrong"}),
        ("fred", {"password": ""}),
        ("fred", {"client_keys": [KEY]}),
        ("keyed", {"client_keys": [OTHER_KEY]}),
        ("keyed", {"password": ""}),
        ("keyed", {"password": "secret"}),
        ("nobody", {"password": "secret"}),
        ("nobody", {"client_keys": [KEY]}),
        ("", {"password": "secret"}),
        ("ﬀred" * 200, {"password": "secret"}),
    ],
)
async def test_nobody_else_gets_in(door: Door, username: str, options: dict[str, Any]) -> None:
    with pytest.raises((asyncssh.PermissionDenied, asyncssh.ProtocolError, asyncssh.ConnectionLost)):
        await connect(door.host, door.port, username, **options)
    async with await connect(*door.admin):
        pass


async def test_a_wrong_key_may_be_followed_by_the_right_password(door: Door) -> None:
    async with await connect(door.host, door.port, "fred", "secret", client_keys=[KEY, OTHER_KEY]) as client:
        await client.rpc(f'<echo xmlns="{PROMISE}"/>')
    assert door.operations.callers[0].username == "fred"


async def test_guessing_keys_ends_the_connection(door: Door) -> None:
    class Guessing(asyncssh.SSHClient):
        def public_key_auth_requested(self) -> Any:
            return OTHER_KEY

    with pytest.raises(asyncssh.DisconnectError, match="too many wrong keys"):
        await ssh(door, "keyed", client_factory=Guessing)


async def test_guessing_passwords_ends_the_connection(door: Door) -> None:
    class Guessing(asyncssh.SSHClient):
        tries = 0

        def password_auth_requested(self) -> str:
            Guessing.tries += 1
            return f"guess {Guessing.tries}"

    with pytest.raises(asyncssh.DisconnectError, match="too many wrong passwords"):
        await ssh(door, "fred", client_factory=Guessing, preferred_auth="password")
    assert Guessing.tries == 7


@pytest.mark.rfc("6242", "3", "the subsystem netconf, and no other service")
@pytest.mark.parametrize(
    "request_",
    [
        {"subsystem": "sftp"}, {"subsystem": "netconf2"}, {"command": "id"}, {}, {"term_type": "xterm"},
        {"subsystem": "netconf", "term_type": "xterm"},
    ],
)  # fmt: skip
async def test_there_is_no_other_service(door: Door, request_: dict[str, Any]) -> None:
    async with ssh(door, *("admin", "secret")) as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_session(asyncssh.SSHClientSession, **request_)


async def test_there_are_no_tunnels(door: Door) -> None:
    async with ssh(door, *("admin", "secret")) as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_connection(asyncssh.SSHTCPSession, "127.0.0.1", door.port)
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", door.port)


async def test_several_sessions_may_share_a_connection(door: Door) -> None:
    async with await connect(*door.admin) as first:
        session = await first.connection.create_session(asyncssh.SSHClientSession, subsystem="netconf", encoding=None)
        await until(lambda: len(door.server.sessions) == 2)
        session[0].close()
        await until(lambda: len(door.server.sessions) == 1)
        await first.rpc(f'<echo xmlns="{PROMISE}"/>')


async def test_a_connection_that_asks_for_nothing_is_closed(tmp_path: Path) -> None:
    async with serving(tmp_path, limits=Limits(hello_timeout=0.5)) as door:
        async with ssh(door, *("admin", "secret")) as idle:
            await idle.wait_closed()
        async with await connect(*door.admin) as client, ssh(door, *("admin", "secret")) as idle:
            await idle.wait_closed()
            await client.rpc(f'<echo xmlns="{PROMISE}"/>')


async def test_a_connection_that_does_not_log_in_is_closed(tmp_path: Path) -> None:
    async with serving(tmp_path, login_timeout=0.5) as door, await connect(*door.admin) as client:
        reader, writer = await asyncio.open_connection(door.host, door.port)
        assert (await reader.read()).startswith(b"SSH-2.0-Promise\r\n")
        writer.close()
        await client.rpc(f'<echo xmlns="{PROMISE}"/>')


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"\0" * 100_000, b"SSH-2.0-x\r\n" + b"\xff" * 1000, b""])
async def test_garbage_instead_of_ssh_harms_nobody(door: Door, data: bytes) -> None:
    reader, writer = await asyncio.open_connection(door.host, door.port)
    writer.write(data)
    writer.write_eof()
    await reader.read()
    writer.close()
    async with await connect(*door.admin):
        pass


async def test_only_so_many_may_be_logging_in(tmp_path: Path) -> None:
    async with serving(tmp_path, strangers=Room(3, 3, 60)) as door:
        waiting = [await asyncio.open_connection(door.host, door.port) for _ in range(3)]
        for reader, _ in waiting:
            await reader.readline()
        reader, writer = await asyncio.open_connection(door.host, door.port)
        assert b"too many are logging in" in await reader.read()
        writer.close()
        for _, writer in waiting:
            writer.close()
        await until(lambda: not door.server._listener.strangers)
        clients = [await connect(*door.admin) for _ in range(5)]
        for client in clients:
            await client.close()


async def test_one_session_too_many_is_refused_with_the_reason_and_the_others_go_on(tmp_path: Path) -> None:
    async with serving(tmp_path, max_sessions=2) as door, await connect(*door.admin) as first:
        async with await connect(*door.admin) as second:
            with pytest.raises(asyncssh.ChannelOpenError, match="this server holds 2") as refused:
                await open_channel(*door.admin)
            assert refused.value.code == asyncssh.OPEN_RESOURCE_SHORTAGE
            for client in (first, second):
                assert (await client.rpc(f'<get xmlns="{BASE}"/>'))[0].tag == f"{{{BASE}}}data"
        await until(lambda: len(door.server.sessions) == 1)
        async with await connect(*door.admin):
            pass


def test_host_keys_are_made_once_and_for_us_alone(tmp_path: Path) -> None:
    directory = tmp_path / "state" / "ssh"
    made = host_keys(directory)
    assert [key.algorithm for key in made] == [b"ssh-ed25519", b"ecdsa-sha2-nistp256"]
    files = sorted(directory.iterdir())
    assert [file.name for file in files] == ["ssh_host_ecdsa_key", "ssh_host_ed25519_key"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert [key.public_data for key in host_keys(directory)] == [key.public_data for key in made]


@pytest.mark.parametrize("content", [b"", b"not a key", KEY.export_private_key(passphrase="x")])
def test_a_host_key_that_cannot_be_used_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ssh_host_ed25519_key").write_bytes(content)
    with pytest.raises(UnusableHostKey, match="ssh_host_ed25519_key"):
        host_keys(tmp_path)


async def test_the_host_key_stays_and_can_be_given(tmp_path: Path) -> None:
    async def seen(**options: Any) -> bytes:
        async with serving(tmp_path, **options) as door, ssh(door, *("admin", "secret")) as connection:
            key = connection.get_server_host_key()
            assert key is not None
            return bytes(key.public_data)

    assert await seen() == await seen()
    given = tmp_path / "given"
    given.write_bytes(OTHER_KEY.export_private_key())
    os.chmod(given, 0o600)  # noqa: PTH101
    assert await seen(host_key_files=(given,)) == OTHER_KEY.public_data


async def test_a_server_that_cannot_listen_says_so(door: Door, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=str(door.port)):
        async with serving(tmp_path, port=door.port):
            pass


async def test_old_clients_can_agree_on_algorithms(door: Door) -> None:
    """What JSch 0.1.55 offers at best."""
    async with await connect(
        *door.admin,
        kex_algs=["ecdh-sha2-nistp256", "diffie-hellman-group14-sha1"],
        server_host_key_algs=["ecdsa-sha2-nistp256", "ssh-rsa"],
        encryption_algs=["aes128-ctr"],
        mac_algs=["hmac-sha1", "hmac-sha2-256"],
        compression_algs=["none"],
    ) as client:
        await client.rpc(f'<echo xmlns="{PROMISE}"/>')
