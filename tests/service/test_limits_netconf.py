"""What strangers, and users who want too much, can hold of the NETCONF door; over real sockets."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest
import pytest_asyncio
from lxml import etree
from netconf_client import END, NC, chunked, client_hello, connect, open_channel, rpc_message
from netconf_server import PROMISE, Door, serving, until
from pki import issue, local
from restconf_house import house

from promise.app import build
from promise.clock import ManualClock
from promise.config import Config
from promise.northbound.certificates import CertToName, MapType, fingerprint
from promise.northbound.patience import Limits
from promise.northbound.strangers import Room
from promise.northbound.tls import TlsOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="module")
ECHO = f'<echo xmlns="{PROMISE}">well</echo>'
QUIET: dict[str, Any] = {"known_hosts": None, "config": None, "client_keys": None, "agent_path": None}


class Pki:
    """An authority, a server and fred."""

    def __init__(self, folder: Path) -> None:
        self.ca = issue(folder, "authority", ca=True)
        self.server = issue(folder, "server", self.ca, names=local())
        self.fred = issue(folder, "fred", self.ca)

    @property
    def options(self) -> TlsOptions:
        entry = CertToName.of(fingerprint(self.ca.der), MapType.COMMON_NAME)
        return TlsOptions(self.server.file, None, self.ca.file, (entry,), (("127.0.0.1", 0),))

    async def dial(self, address: tuple[str, int]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = ssl.create_default_context(cafile=str(self.ca.file))
        context.load_cert_chain(self.fred.file)
        return await asyncio.open_connection(*address, ssl=context, server_hostname="localhost")


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crowded(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> AsyncIterator[tuple[Door, ManualClock]]:
    """A door with little room: 3 may be logging in, there are 3 sessions, 2 for a user, 2 channels a connection."""
    clock = ManualClock(1_800_000_000)
    small: dict[str, Any] = {"max_sessions": 3, "max_sessions_per_user": 2, "max_channels": 2}
    state, room = tmp_path_factory.mktemp("state"), Room(3, 3, 3)
    async with serving(state, clock=clock, strangers=room, tls=pki.options, **small) as door:
        yield door, clock


async def nobody_left(door: Door) -> None:
    await until(lambda: not door.server.sessions and not door.server._listener.connections)


@pytest.mark.limit(
    "sockets that never speak, SSH",
    "no more log in at a time; the first of them gives way, and all are closed after the time for a log-in",
    "netconf.max_unauthenticated",
    "netconf.login_timeout",
)
@pytest.mark.limit(
    "sockets that never speak, TLS", "they count with those of SSH, before the handshake", "netconf.max_unauthenticated"
)
async def test_silent_sockets_keep_nobody_out(crowded: tuple[Door, ManualClock]) -> None:
    door, clock = crowded
    strangers = door.server._listener.strangers
    silent = []
    for address in (door.server.addresses[0], door.server.tls_addresses[0], door.server.addresses[0]):
        silent.append(await asyncio.open_connection(*address))
        await until(lambda: len(strangers) == len(silent))
    reader, writer = await asyncio.open_connection(door.host, door.port)
    assert b"too many are logging in" in await reader.read()
    writer.close()
    await clock.advance(3)
    async with await connect(*door.admin) as client:
        assert (await client.rpc(ECHO))[0].text == "well"
        assert b"the log-in took too long" in await silent[0][0].read()
        silent.append(await asyncio.open_connection(door.host, door.port))
        await until(lambda: len(strangers) == 3)
        async with await connect(door.host, door.port, "fred", "secret"):
            assert not await silent[1][0].read()
            assert len(strangers) == 2
    for _, writer in silent:
        writer.close()
    await nobody_left(door)


@pytest.mark.limit(
    "a user who holds all sessions",
    "a user has his share, on SSH and TLS together; what is too much is refused with the reason",
    "netconf.max_sessions_per_user",
)
@pytest.mark.limit(
    "more sessions than memory", "there are so many in all, on SSH and TLS together", "netconf.max_sessions"
)
async def test_sessions_are_counted_over_all_transports(crowded: tuple[Door, ManualClock], pki: Pki) -> None:
    door, _ = crowded
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(await connect(door.host, door.port, "fred", "secret"))
        reader, writer = await pki.dial(door.server.tls_addresses[0])
        stack.callback(writer.transport.abort)
        assert b"<session-id>" in await reader.readuntil(END)
        with pytest.raises(asyncssh.ChannelOpenError, match="too many sessions: a user may have 2"):
            await open_channel(door.host, door.port, "fred", "secret")
        refused, asking = await pki.dial(door.server.tls_addresses[0])
        stack.callback(asking.transport.abort)
        asking.write(client_hello() + END + chunked(rpc_message("<get/>", "7")))
        assert b"<session-id>" in await refused.readuntil(END)
        reply = etree.fromstring((await refused.read()).split(b"\n", 2)[2].partition(b"\n##")[0])
        assert reply.get("message-id") == "7"
        assert reply.findtext(f".//{NC}error-tag") == "resource-denied"
        assert reply.findtext(f".//{NC}error-message") == "too many sessions: a user may have 2"
        admin = await stack.enter_async_context(await connect(*door.admin))
        with pytest.raises(asyncssh.ChannelOpenError, match="this server holds 3"):
            await open_channel(*door.admin)
        assert (await admin.rpc(ECHO))[0].text == "well"
    await nobody_left(door)
    await until(lambda: not door.server._listener.seats.taken)


@pytest.mark.limit(
    "several channels on one connection", "a connection has so many, each a seat", "netconf.max_channels"
)
async def test_a_connection_has_so_many_channels(crowded: tuple[Door, ManualClock]) -> None:
    door, _ = crowded
    async with await connect(*door.admin) as client:
        second, _ = await client.connection.create_session(
            asyncssh.SSHClientSession, subsystem="netconf", encoding=None
        )
        with pytest.raises(asyncssh.ChannelOpenError, match="a connection may have 2"):
            await client.connection.create_session(asyncssh.SSHClientSession, subsystem="netconf", encoding=None)
        with pytest.raises(asyncssh.ChannelOpenError, match="a user may have 2"):
            await open_channel(*door.admin)
        second.abort()
        await until(lambda: door.server._listener.seats.taken == 1)
        async with await connect(*door.admin):
            pass
    await nobody_left(door)


@pytest.mark.limit(
    "sessions whose client is gone without a word",
    "TCP asks whether it is there; its locks go with it",
    "netconf.keepalive",
)
async def test_tcp_asks_whether_clients_are_there(crowded: tuple[Door, ManualClock], pki: Pki) -> None:
    door, _ = crowded
    async with await connect(*door.admin):
        reader, writer = await pki.dial(door.server.tls_addresses[0])
        await reader.readuntil(END)
        (ssh,) = door.server._listener.connections
        assert door.server._tls is not None
        (tls,) = door.server._tls.connections
        for held in (ssh._connection.get_extra_info("socket"), tls._transport.get_extra_info("socket")):
            assert held.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert held.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
            assert held.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 240_000
        writer.transport.abort()
    await nobody_left(door)


@pytest.mark.limit("shells, commands, other subsystems, forwarding, X11, agents", "there is the subsystem netconf only")
async def test_there_is_nothing_but_the_subsystem(crowded: tuple[Door, ManualClock]) -> None:
    door, _ = crowded
    async with asyncssh.connect(door.host, door.port, username="admin", password="secret", **QUIET) as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_connection("127.0.0.1", door.port)
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", 1)
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_session(asyncssh.SSHClientSession, subsystem="sftp")
    for asked in ("id", None):
        async with asyncssh.connect(door.host, door.port, username="admin", password="secret", **QUIET) as connection:
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.create_session(asyncssh.SSHClientSession, command=asked)
    await nobody_left(door)


@pytest.mark.limit("a TLS handshake that is never finished", "it has the time for a log-in", "netconf.login_timeout")
@pytest.mark.limit("a log-in that is never finished", "it has its time", "netconf.login_timeout")
@pytest.mark.limit(
    "a connection without channel, a channel without subsystem", "it has the time for a hello", "netconf.hello_timeout"
)
async def test_what_does_not_go_on_is_closed(tmp_path: Path, pki: Pki) -> None:
    hasty: dict[str, Any] = {"login_timeout": 0.5, "limits": Limits(hello_timeout=0.3)}
    async with serving(tmp_path, tls=replace(pki.options, login_timeout=0.3), **hasty) as door:
        tls, first = await asyncio.open_connection(*door.server.tls_addresses[0])
        ssh, second = await asyncio.open_connection(door.host, door.port)
        second.write(b"SSH-2.0-slow\r\n")
        async with asyncssh.connect(door.host, door.port, username="admin", password="secret", **QUIET) as idle:
            with suppress(ConnectionError):
                assert not await tls.read()
            assert (await ssh.read()).startswith(b"SSH-2.0-Promise")
            await idle.wait_closed()
        first.close()
        second.close()
        await nobody_left(door)
        assert not door.server._listener.strangers


@pytest.mark.limit("chunks of one byte for ever", "a message has its time", "netconf.message_timeout")
@pytest.mark.limit(
    "a client that never reads", "nothing is decided for it, and it has its time", "netconf.stall_timeout"
)
async def test_a_session_that_does_not_go_on_is_closed(tmp_path: Path) -> None:
    limits = Limits(message_timeout=0.4, stall_timeout=0.2)
    async with serving(tmp_path, limits=limits) as door, await connect(*door.admin) as idle:
        async with await connect(*door.admin) as slow:
            for _ in range(50):
                slow.send(b"\n#1\n<")
                await asyncio.sleep(0)
            assert await slow.closed() == 1
        async with await connect(*door.admin) as deaf:
            deaf.channel.pause_reading()
            for _ in range(40):
                deaf.send_message(rpc_message(f'<large xmlns="{PROMISE}">100000</large>', "1"))
            await until(lambda: deaf.session_id not in door.server.sessions)
        assert (await idle.rpc(ECHO))[0].text == "well"


@pytest.mark.limit("passwords tried for ever on a connection", "so many are looked at", "netconf.password_tries")
@pytest.mark.limit("keys tried for ever on a connection", "so many are looked at", "netconf.key_tries")
async def test_a_connection_may_try_so_often(tmp_path: Path) -> None:
    class Stubborn(asyncssh.SSHClient):
        asked = 0

        def password_auth_requested(self) -> str:
            self.asked += 1
            return f"wrong {self.asked}"

    keys = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(4)]
    async with serving(tmp_path, password_tries=2, key_tries=3) as door:
        made: list[Stubborn] = []

        def client() -> Stubborn:
            made.append(Stubborn())
            return made[-1]

        quiet = {**QUIET, "client_factory": client, "preferred_auth": "password"}
        with pytest.raises(asyncssh.DisconnectError, match="too many wrong passwords"):
            await asyncssh.connect(door.host, door.port, username="admin", **quiet)
        assert made[0].asked == 3
        with pytest.raises(asyncssh.DisconnectError, match="too many wrong keys"):
            await asyncssh.connect(door.host, door.port, username="keyed", **{**QUIET, "client_keys": keys})


@pytest.mark.limit(
    "passwords guessed through SSH and HTTP",
    "after some free guesses nothing is looked at for pauses that double; both doors count together",
    "access.failures_per_user",
    "access.first_pause",
    "access.longest_pause",
)
async def test_guesses_are_braked_over_both_doors_together(tmp_path: Path) -> None:
    async with house(tmp_path / "state") as found:

        async def ssh(password: str) -> bool:
            try:
                async with asyncssh.connect(*found.app.address, username="carol", password=password, **QUIET):
                    return True
            except asyncssh.PermissionDenied:
                return False

        async def http(password: str) -> int:
            login = f"Basic {base64.b64encode(f'carol:{password}'.encode()).decode()}"
            return (await found.ask("GET", "/restconf", user=None, Authorization=login)).status

        assert await http("wrong 0") == 401
        assert not await ssh("wrong 1")
        for number in range(2, 5):
            assert await http(f"wrong {number}") == 401
        assert await http("carol") == 401  # five were wrong: nothing is looked at
        assert not await ssh("carol")
        assert (await found.ask("GET", "/restconf", user="alice")).status == 200
        await found.clock.advance(2)
        assert await ssh("carol")
        assert await http("carol") == 200


@pytest.mark.limit("a listener that cannot listen", "the start fails whole, and names the address")
async def test_a_start_fails_whole(tmp_path: Path, pki: Pki) -> None:
    def free() -> int:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            return int(one.getsockname()[1])

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port, busy = free(), taken.getsockname()[1]
        tls = {"listen": f"127.0.0.1:{busy}", "certificate": pki.server.file, "ca": pki.ca.file}
        for netconf, restconf in (
            ({"listen": f"127.0.0.1:{port}", "tls": tls}, "127.0.0.1:0"),
            ({"listen": [f"127.0.0.1:{port}", f"127.0.0.1:{busy}"]}, "127.0.0.1:0"),
            ({"listen": f"127.0.0.1:{port}"}, f"127.0.0.1:{busy}"),
        ):
            said = {"state_dir": tmp_path / "state", "netconf": netconf, "restconf": {"listen": restconf}}
            app = await build(Config.model_validate(said))
            try:
                with pytest.raises(OSError, match=str(busy)):
                    await app.start()
            finally:
                await app.stop()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
