"""What strangers may do to the HTTP server: nothing that costs the others anything."""

from __future__ import annotations

import asyncio
import base64
import gzip
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from restconf_house import JSON, RPC, START, House, house

from promise.config import ConfigError
from promise.errors import Unauthenticated
from promise.northbound.access import Identity
from promise.northbound.restconf.authentication import Basic

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="module")
LOGIN = f"Authorization: Basic {base64.b64encode(b'admin:admin').decode()}\r\n".encode()
QUERY = f"POST {RPC}query-capacity HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\n".encode() + LOGIN
ROOT = b"GET /restconf HTTP/1.1\r\nHost: x\r\n" + LOGIN


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    state = tmp_path_factory.mktemp("restconf") / "state"
    async with house(state, max_body=4096) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def hasty(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house without patience: only for what must run out of time."""
    async with house(tmp_path_factory.mktemp("restconf") / "state", request_timeout=0.2, idle_timeout=0.2) as found:
        yield found


class Wire:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def answer(self) -> tuple[int, bytes]:
        """Return status and body of the next answer."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        assert b"aiohttp" not in head
        return int(head.split()[1]), await self.reader.readexactly(int(fields.get(b"content-length", 0)))

    async def ask(self, *pieces: bytes) -> tuple[int, bytes]:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
        return await self.answer()

    async def closed(self) -> bool:
        return await asyncio.wait_for(self.reader.read(), 10) == b""


@asynccontextmanager
async def wire(house: House) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection(*house.app.http, limit=2**24)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()


@pytest.mark.parametrize(
    "garbage",
    [b"\x16\x03\x01\x02\x00\x01\x00", b"hello\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"],
)
async def test_what_is_not_http_is_told_and_closed(shared: House, garbage: bytes) -> None:
    async with wire(shared) as one:
        status, body = await one.ask(garbage)
        assert (status, b"malformed-message" in body) == (400, True)
        assert await one.closed()


@pytest.mark.limit("long request lines and header fields", "a line has at most 8190 bytes", "restconf.max_head")
async def test_headers_have_a_limit(shared: House) -> None:
    async with wire(shared) as one:
        assert (await one.ask(ROOT, b"X: ", b"x" * 20_000, b"\r\n\r\n"))[0] == 400
    async with wire(shared) as one:
        assert (await one.ask(b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n"))[0] == 400


@pytest.mark.limit("bodies without end, gzip bombs", "their size is bounded, unpacked", "restconf.max_body")
async def test_bodies_have_a_limit_however_they_come(shared: House) -> None:
    async with wire(shared) as one:
        status, body = await one.ask(QUERY, b"Content-Length: 5000\r\n\r\n")
        assert (status, b"too-big" in body) == (413, True)
    async with wire(shared) as one:
        assert (
            await one.ask(QUERY, b"Transfer-Encoding: chunked\r\n\r\n", *[b"1000\r\n" + b" " * 4096 + b"\r\n"] * 2)
        )[0] == 413
    bomb = gzip.compress(b" " * 1_000_000)
    async with wire(shared) as one:
        head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
        assert (await one.ask(QUERY, head, bomb))[0] == 413
    small = gzip.compress(b'{"opnfv-promise:input": {}}')
    async with wire(shared) as one:
        head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(small)
        assert (await one.ask(QUERY, head, small))[0] == 200
    async with wire(shared) as one:
        head = b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n"
        assert (await one.ask(QUERY, head, b"nope"))[0] == 400


@pytest.mark.limit("slow-loris: a body that does not come", "it has its time", "restconf.request_timeout")
async def test_a_body_that_does_not_come_is_not_waited_for(hasty: House) -> None:
    async with wire(hasty) as one:
        status, body = await one.ask(QUERY, b"Content-Length: 100\r\n\r\n", b"{")
        assert (status, b"promise:too-slow" in body) == (408, True)


@pytest.mark.limit("slow-loris: a head that does not end, silence", "it has its time", "restconf.idle_timeout")
async def test_a_head_that_does_not_end_is_not_waited_for(hasty: House) -> None:
    async with wire(hasty) as one:
        one.writer.write(ROOT)
        assert await one.closed()
    async with wire(hasty) as one:
        assert await one.closed()


async def test_a_client_that_expects_a_word_before_its_body_gets_it(shared: House) -> None:
    async with wire(shared) as one:
        assert (await one.ask(QUERY, b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"))[0] == 100
        status, _ = await one.ask(b"  ")
        assert status == 200


async def test_requests_that_come_at_once_are_answered_in_order(shared: House) -> None:
    async with wire(shared) as one:
        version = ROOT.replace(b"/restconf ", b"/restconf/yang-library-version ")
        one.writer.write(ROOT + b"\r\n" + version + b"\r\n" + ROOT.replace(b"GET", b"HEAD") + b"\r\n")
        assert b"operations" in (await one.answer())[1]
        assert b"2019-01-04" in (await one.answer())[1]


@pytest.mark.limit("HTTP connections without number", "there are so many", "restconf.max_connections")
async def test_a_connection_too_many_is_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    state = tmp_path_factory.mktemp("restconf") / "state"
    async with house(state, max_connections=2) as small, wire(small) as one, wire(small) as two:
        assert (await one.ask(ROOT + b"\r\n"))[0] == 200
        assert (await two.ask(ROOT + b"\r\n"))[0] == 200
        async with wire(small) as three:
            assert (await three.answer())[0] == 503
            assert await three.closed()


class Asked:
    """A request of which only the log-in counts."""

    method = "GET"
    path = "/restconf"
    query = origin = ""
    source = "192.0.2.1:1"

    def __init__(self, *, private: bool) -> None:
        self.private = private
        self.chain: Sequence[bytes] = ()

    def header(self, name: str) -> str | None:
        return LOGIN.decode().strip().partition(": ")[2] if name == "Authorization" else None

    async def body(self) -> bytes:
        return b""


class Everybody:
    async def by_password(self, username: str, password: str, source: str = "") -> Identity | None:
        return Identity(username)

    def by_public_key(self, username: str, key: bytes) -> Identity | None:
        return None


async def test_a_password_is_not_taken_where_others_read_along() -> None:
    assert (await Basic(Everybody()).identity(Asked(private=True))) == Identity("admin")
    assert (await Basic(Everybody(), in_clear=True).identity(Asked(private=False))) == Identity("admin")
    with pytest.raises(Unauthenticated, match="TLS"):
        await Basic(Everybody()).identity(Asked(private=False))


def certificate(folder: Path) -> Path:
    """Return a file with a key and a certificate for 127.0.0.1 that it has signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "promise")])
    now = datetime(2020, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


@pytest.mark.rfc("8040", "2.1", "HTTPS")
async def test_it_speaks_tls(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("tls")
    path = certificate(folder)
    async with house(folder / "state", certificate=str(path)) as secured:
        context: Any = ssl.create_default_context(cafile=str(path))
        reader, writer = await asyncio.open_connection(*secured.app.http, ssl=context)
        body = b'{"opnfv-promise:reservation":{"expiry":5}}'
        head = b"PUT /restconf/data/opnfv-promise:promise/policy/reservation HTTP/1.1\r\nHost: here\r\n" + LOGIN
        writer.write(head + b"Content-Type: %b\r\nContent-Length: %d\r\n\r\n" % (JSON.encode(), len(body)) + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 201")
        assert b"Location: https://here/restconf/data/" in answer
        writer.close()
        async with wire(secured) as plain:
            plain.writer.write(ROOT + b"\r\n")
            assert not await plain.reader.read()
    broken = folder / "broken.pem"
    broken.write_text("nonsense")
    with pytest.raises(ConfigError, match=r"restconf.certificate .*broken.pem"):
        async with house(folder / "other", certificate=str(broken)):
            pass


async def test_a_course_of_billions_of_intervals_comes_page_by_page(shared: House) -> None:
    window = {"start": "2027-01-15T08:00:00Z", "end": "9999-12-31T23:59:59Z"}
    asked = {"capacity": "available", "window": window, "resolution": 1}
    for more in ({}, {"limit": 4_294_967_295}):
        found = await shared.invoke("query-capacity", **asked, **more)
        assert (len(found["utilization"]), int(found["next-marker"])) == (10_000, START + 10_000)
    after = await shared.invoke("query-capacity", **asked, limit=2, marker=found["next-marker"])
    assert [entry["timestamp"] for entry in after["utilization"]] == ["2027-01-15T10:46:40Z", "2027-01-15T10:46:41Z"]
