"""NETCONF over TLS (RFC 7589): certificates say who asks; and several listeners, one of them with an IPv6 address."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from lxml import etree
from netconf_client import BASE_1_0, BASE_1_1, END, NC, chunked, client_hello, connect, rpc_message
from netconf_server import serving
from pki import Issued, issue, local

from promise.app import build
from promise.config import Config, ConfigError
from promise.northbound.certificates import CertToName, MapType, fingerprint
from promise.northbound.tls import TlsOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NCM = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"
STATE = f'<get><filter><netconf-state xmlns="{NCM}"><sessions/></netconf-state></filter></get>'


class Pki:
    """An authority, a server, and clients of the authority and of another one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = issue(folder, "authority", ca=True)
        self.server = issue(folder, "server", self.ca, names=local())
        self.fred = issue(folder, "fred", self.ca, names=[x509.DNSName("Fred.Example")])
        self.stranger = issue(folder, "fred2", issue(folder, "other authority", ca=True))

    def options(self, *entries: CertToName, **more: Any) -> TlsOptions:
        listed = entries or (CertToName.of(fingerprint(self.ca.der), MapType.COMMON_NAME),)
        addresses = more.pop("addresses", (("127.0.0.1", 0),))
        return TlsOptions(self.server.file, None, self.ca.file, listed, addresses, **more)

    def context(self, client: Issued | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.ca.file))
        if client is not None:
            context.load_cert_chain(client.file)
        return context


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)


@asynccontextmanager
async def dialled(pki: Pki, address: tuple[str, int], client: Issued | None) -> AsyncIterator[tuple[Any, Any]]:
    reader, writer = await asyncio.open_connection(*address, ssl=pki.context(client), server_hostname="localhost")
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def ended(reader: Any) -> bytes:
    """Return what comes until the end; a connection that is refused may also be reset."""
    try:
        return await reader.read()  # type: ignore[no-any-return]
    except (OSError, ssl.SSLError):
        return b""


@pytest.mark.rfc("7589", "3", "framing and messages over TLS")
async def test_a_session_over_tls(pki: Pki) -> None:
    async with (
        serving(pki.folder, tls=pki.options()) as door,
        dialled(pki, door.server.tls_addresses[0], pki.fred) as (reader, writer),
    ):
        hello = etree.fromstring((await reader.readuntil(END))[: -len(END)])
        assert BASE_1_1 in [each.text for each in hello.iter(NC + "capability")]
        writer.write(client_hello(BASE_1_0, BASE_1_1) + END + chunked(rpc_message(STATE, "1")))
        reply = await reader.readuntil(b"\n##\n")
        assert b"netconf-tls</transport>" in reply
        assert b"<username>fred</username>" in reply
        assert door.operations.callers == []
        large = '<large xmlns="urn:opnfv:promise">3000000</large>'
        writer.write(chunked(rpc_message(large, "2")) + chunked(rpc_message("<close-session/>", "3")))
        rest = await reader.read()
        assert len(rest) > 3_000_000
        assert b'message-id="3"' in rest[-300:]
        assert door.operations.callers[0].transport == "netconf-tls"


@pytest.mark.rfc("7589", "5", "the client must show a certificate")
@pytest.mark.parametrize("who", ["nobody", "stranger"])
async def test_without_a_certificate_of_the_authority_there_is_no_session(pki: Pki, who: str) -> None:
    async with serving(pki.folder, tls=pki.options()) as door:
        client = pki.stranger if who == "stranger" else None
        with suppress(OSError):  # with TLS 1.3 the client learns of it later
            async with dialled(pki, door.server.tls_addresses[0], client) as (reader, _):
                assert await ended(reader) == b""
        assert not door.server.sessions


@pytest.mark.parametrize(
    ("map_type", "name", "there"),
    [
        (MapType.SPECIFIED, "admin", True),
        (MapType.SPECIFIED, "nobody", False),
        (MapType.COMMON_NAME, "", True),
        (MapType.SAN_DNS_NAME, "", False),  # fred.example is no user
        (MapType.SAN_RFC822_NAME, "", False),
    ],
)
@pytest.mark.rfc("7589", "7", "the username by the cert-to-name list")
async def test_the_list_says_who_it_is(pki: Pki, map_type: MapType, name: str, there: bool) -> None:
    entry = CertToName.of(fingerprint(pki.fred.der), map_type, name)
    async with (
        serving(pki.folder, tls=pki.options(entry)) as door,
        dialled(pki, door.server.tls_addresses[0], pki.fred) as (reader, _),
    ):
        assert (await reader.read(10) != b"") is there
        users = [one.caller.username for one in door.server.sessions.values()]
        assert users == ([name or "fred"] if there else [])


@pytest.mark.rfc("7589", "7", "a fingerprint may be that of an authority above")
async def test_an_authority_between_comes_with_the_certificate(pki: Pki) -> None:
    between = issue(pki.folder, "between", pki.ca, ca=True)
    fred = issue(pki.folder, "fred", between)
    fred.file.write_bytes(fred.file.read_bytes() + between.file.read_bytes().partition(b"-----BEGIN PRIVATE")[0])
    for authority in (between, pki.ca):
        entry = CertToName.of(fingerprint(authority.der), MapType.COMMON_NAME)
        async with (
            serving(pki.folder, tls=pki.options(entry)) as door,
            dialled(pki, door.server.tls_addresses[0], fred) as (reader, _),
        ):
            assert await reader.read(10)
            assert [one.caller.username for one in door.server.sessions.values()] == ["fred"]


async def test_several_listeners(tmp_path: Path) -> None:
    async with serving(tmp_path, further=(("::1", 0), ("127.0.0.1", 0))) as door:
        (_, first), (host, second), (_, third) = door.server.addresses
        assert host == "::1"
        assert len({first, second, third}) == 3
        async with await connect(host, second, "admin", "secret") as client:
            reply = await client.rpc(STATE)
            assert reply.findtext(f".//{{{NCM}}}source-host") == "::1"


async def test_what_is_configured_is_named_when_it_cannot_be_used(pki: Pki) -> None:
    tls = {"certificate": pki.server.file, "ca": pki.folder / "nothing.pem"}
    for said, names in (
        (tls, "netconf.tls: ca"),
        ({**tls, "certificate": pki.folder / "no.pem"}, "netconf.tls: certificate"),
        (
            {**tls, "ca": pki.ca.file, "cert_to_name": [{"fingerprint": "04:ab", "name": "fred"}]},
            "netconf.tls.cert_to_name",
        ),
    ):
        netconf = {"listen": "127.0.0.1:0", "tls": said}
        with pytest.raises(ConfigError, match=names):
            await build(Config.model_validate({"state_dir": pki.folder / "state", "netconf": netconf}))
