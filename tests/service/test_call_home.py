"""Call home (RFC 8071): the server dials and the client logs in; endpoints, pauses and periods by the clock."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest
from lxml import etree
from ncclient import manager
from netconf_client import END, NC
from netconf_server import ADMIN, serving
from pki import issue, local

from promise.clock import ManualClock
from promise.config import Config, ConfigError
from promise.northbound import netconf
from promise.northbound.callhome import LAST_CONNECTED, CallHome, CallingHome
from promise.northbound.certificates import CertToName, MapType, fingerprint
from promise.northbound.listening import call_home
from promise.northbound.tls import TlsOptions

if TYPE_CHECKING:
    from pathlib import Path


def free() -> int:
    """Return a port at which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.rfc("8071", "4", "the server dials, the client opens SSH")
async def test_over_ssh_a_client_that_listens_gets_a_session_and_another_when_it_ended(tmp_path: Path) -> None:
    found: asyncio.Queue[asyncssh.SSHClientConnection] = asyncio.Queue()
    acceptor = await asyncssh.listen_reverse(
        "127.0.0.1", 0, acceptor=found.put_nowait, username=ADMIN[0], password=ADMIN[1], known_hosts=None, config=None
    )
    home = CallHome("nms", (("127.0.0.1", acceptor.get_port()),))
    async with serving(tmp_path, call_home=(home,)) as door:
        for _ in range(2):
            client = await found.get()
            writer, reader, _ = await client.open_session(subsystem="netconf", encoding=None)
            hello = etree.fromstring((await reader.readuntil(END))[: -len(END)])
            number = int(hello.findtext(f"{NC}session-id") or 0)
            caller = door.server.sessions[number].caller
            assert (caller.username, caller.transport) == ("admin", "netconf-ssh")
            writer.close()
            client.close()
            await client.wait_closed()
    acceptor.close()
    await acceptor.wait_closed()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves its listening socket open
async def test_ncclient_is_called(tmp_path: Path) -> None:
    port = free()
    home = CallHome("nms", (("127.0.0.1", port),))
    async with serving(tmp_path, call_home=(home,)):
        session = await asyncio.to_thread(
            manager.call_home,
            host="127.0.0.1",
            port=port,
            timeout=30,
            username=ADMIN[0],
            password=ADMIN[1],
            hostkey_verify=False,
            look_for_keys=False,
            allow_agent=False,
        )
        assert int(session.session_id) > 0
        assert "urn:opnfv:promise" in await asyncio.to_thread(lambda: session.get_config("running").data_xml)
        await asyncio.to_thread(session.close_session)


@pytest.mark.rfc("8071", "4", "the server dials, the client opens TLS")
async def test_over_tls(tmp_path: Path) -> None:
    ca = issue(tmp_path, "ca", ca=True)
    server, fred = issue(tmp_path, "server", ca, names=local()), issue(tmp_path, "fred", ca)
    entry = CertToName.of(fingerprint(ca.der), MapType.COMMON_NAME)
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    home = CallHome("nms", (listening.getsockname()[:2],), "tls")
    async with serving(tmp_path, tls=TlsOptions(server.file, None, ca.file, (entry,)), call_home=(home,)) as door:
        connected, _ = await asyncio.get_running_loop().sock_accept(listening)
        context = netconf_context(ca.file, fred.file)
        reader, writer = await asyncio.open_connection(sock=connected, ssl=context, server_hostname="localhost")
        assert END in await reader.readuntil(END)
        (dialogue,) = door.server.sessions.values()
        assert (dialogue.caller.username, dialogue.caller.transport) == ("fred", netconf.TLS)
        writer.transport.abort()
    listening.close()


def netconf_context(ca: Path, own: Path) -> Any:
    context = ssl.create_default_context(cafile=str(ca))
    context.load_cert_chain(own)
    return context


class Clients:
    """Who serves nobody but counts the calls; those at `answering` ports log in, and go when they are told to."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.calls: list[tuple[int, int]] = []
        self.answering: set[int] = set()
        self.go = asyncio.Event()

    async def hold(self, connected: socket.socket, keepalive: float) -> bool:
        assert keepalive == 60
        assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        port = connected.getpeername()[1]
        connected.close()
        self.calls.append((self.clock.now(), port))
        if port not in self.answering:
            return False
        await self.go.wait()
        self.go.clear()
        return True


@pytest.mark.rfc("8071", "4.1", "reconnecting: endpoints, attempts, pauses, periods")
async def test_tries_pauses_and_periods_go_by_the_clock() -> None:
    clock = ManualClock(0)
    clients = Clients(clock)
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    first, second = (one.getsockname()[1] for one in servers)
    nobody = free()
    endpoints = tuple(("127.0.0.1", port) for port in (nobody, first, second))
    home = CallHome("nms", endpoints, "ssh", 100, LAST_CONNECTED, max_attempts=2, first_pause=1, longest_pause=3)
    task = asyncio.create_task(CallingHome(home, clients.hold, clock).run())

    async def called(times: int) -> None:
        """Let time pass, a second at a time, until so many calls were made."""
        async with asyncio.timeout(60):
            while len(clients.calls) < times:
                await settled(task)
                await clock.advance(1)

    try:
        await called(4)  # a round: each endpoint twice, a second between; two of them answer the telephone
        assert [port for _, port in clients.calls] == [first, first, second, second]
        clients.answering.add(second)
        await called(7)
        assert [port for _, port in clients.calls[4:]] == [first, first, second]
        clients.go.set()
        await called(8)
        assert clients.calls[7][1] == second  # the one that was connected last
        assert clients.calls[7][0] >= clients.calls[3][0] + 100  # the round in which it was connected began later
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for one in servers:
            one.close()


async def settled(task: asyncio.Task[None]) -> None:
    """Let the kernel answer what was asked of it."""
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()


def test_what_is_configured() -> None:
    said = {"name": "nms", "endpoints": ["[2001:db8::1]:4334", "192.0.2.1:4334"], "period": 600}
    config = Config.model_validate({"netconf": {"call_home": [said]}})
    (home,) = call_home(config.netconf)
    assert home.endpoints == (("2001:db8::1", 4334), ("192.0.2.1", 4334))
    assert home.period == 600
    for bad, names in (
        ([{**said, "transport": "tls"}], "nms speaks TLS"),
        ([said, said], "nms is there twice"),
        ([{**said, "endpoints": []}], "endpoints"),
    ):
        with pytest.raises(ValueError, match=names):
            Config.model_validate({"netconf": {"call_home": bad}})
    with pytest.raises(ConfigError):
        call_home(Config.model_validate({"netconf": {"call_home": [{**said, "endpoints": ["nms"]}]}}).netconf)
