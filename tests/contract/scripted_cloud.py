"""A cloud that answers as a test tells it to, over real sockets: right, wrong, late, broken, or not at all."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections import defaultdict, deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from promise.capacity.provider import Access
from promise.vim.openstack import Limits, OpenStack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

SERVERS = "/compute/v2.1/servers"
SIGN_IN = ("POST", "/v3/auth/tokens")
PASSWORD = "correct horse battery staple"
PROJECT = "0d1e2f3a4b5c6d7e8f90a1b2c3d4e5f6"
LIMITS = Limits(connect=2.0, read=10.0, discovery=20.0, whole=20.0, retries=2, back_off=0.0, revocation=0.0, threads=4)
IMPATIENT = Limits(
    connect=2.0, read=1.0, discovery=20.0, whole=20.0, retries=0, back_off=0.0, revocation=0.0, threads=4
)
"""For clouds that hang: each such test takes a second, which a busy machine needs for the answers that do come."""


@dataclass(frozen=True)
class Reply:
    """An answer; `cut` = so many bytes of its body are sent, then the connection is closed."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


class Hang:
    """The request is read, and never answered."""


class Reset:
    """The request is read, and the connection is reset."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


Behaviour = Reply | type[Hang] | type[Reset]


class ScriptedCloud:
    """Keystone, and every other service under the same port; what is not scripted is 404.

    `script[("GET", "/compute/servers/detail")]` is a list of behaviours: each is used once, the last one for ever.
    A function of the request may stand for a behaviour.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.tokens = 0
        self.services = ["compute", "placement", "image", "network", "block-storage"]
        self.elsewhere: dict[str, str] = {}
        self.script: dict[tuple[str, str], deque[Behaviour | Callable[[Request], Behaviour]]] = defaultdict(deque)
        self.url = ""
        self._stop = asyncio.Event()
        self._news = asyncio.Condition()

    def on(self, method: str, path: str, *behaviours: Behaviour | Callable[[Request], Behaviour]) -> None:
        self.script[(method, path)] = deque(behaviours)

    def count(self, method: str, path: str) -> int:
        return sum(1 for request in self.requests if (request.method, request.path) == (method, path))

    async def asked(self, method: str, path: str, times: int) -> None:
        """Wait until this has been asked so often."""
        async with self._news:
            await self._news.wait_for(lambda: self.count(method, path) >= times)

    def access(self) -> Access:
        return Access(self.url, "orchestrator", project_name="nfv")

    def stop(self) -> None:
        self._stop.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read(reader)) is not None:
                async with self._news:
                    self.requests.append(request)
                    self._news.notify_all()
                if not await self._answer(self._behaviour(request), writer):
                    return
        except ConnectionError:
            pass
        finally:
            writer.close()

    def _behaviour(self, request: Request) -> Behaviour:
        waiting = self.script.get((request.method, request.path))
        if not waiting:
            return self._default(request)
        behaviour = waiting.popleft() if len(waiting) > 1 else waiting[0]
        return behaviour if isinstance(behaviour, Reply | type) else behaviour(request)

    def _default(self, request: Request) -> Reply:
        match (request.method, request.path.rstrip("/")):
            case ("POST", "/v3/auth/tokens"):
                return self.token()
            case ("GET", "/compute"):
                return self._version("v2.1", "compute/v2.1/", {"version": "2.100", "min_version": "2.1"})
            case ("GET", "/placement"):
                return self._version("v1.0", "placement", {"max_version": "1.39", "min_version": "1.0"})
            case ("GET", "/image"):
                return self._version("v2.9", "image/v2/", {})
            case ("GET", "/block-storage"):
                return self._version("v3.0", "block-storage/v3/", {"version": "3.70", "min_version": "3.0"})
        return Reply(404, {"itemNotFound": {"code": 404, "message": "not scripted"}})

    def token(self, **said: Any) -> Reply:
        self.tokens += 1
        catalog = [
            {"type": name, "name": name, "id": name, "endpoints": [
                {"interface": "public", "region": "R", "region_id": "R", "id": name,
                 "url": self.elsewhere.get(name, f"{self.url}/{name}")},
            ]}
            for name in self.services
        ]  # fmt: skip
        body = {
            "methods": ["password"],
            "user": {"id": "u", "name": "orchestrator", "domain": {"id": "d", "name": "Default"}},
            "project": {"id": PROJECT, "name": "nfv", "domain": {"id": "d", "name": "Default"}},
            "issued_at": "2020-01-01T00:00:00.000000Z", "expires_at": "2099-01-01T00:00:00.000000Z",
            "roles": [], "catalog": catalog, "audit_ids": ["x"],
        } | said  # fmt: skip
        return Reply(201, {"token": body}, {"X-Subject-Token": f"secret-token-{self.tokens}"})

    def _version(self, id_: str, path: str, more: dict[str, str]) -> Reply:
        links = [{"rel": "self", "href": f"{self.url}/{path}"}]
        return Reply(200, {"versions": [{"id": id_, "status": "CURRENT", "links": links, **more}]})

    async def _answer(self, behaviour: Behaviour, writer: asyncio.StreamWriter) -> bool:
        """Answer, and tell whether the connection lives on."""
        if behaviour is Hang:
            await self._stop.wait()
            return False
        if not isinstance(behaviour, Reply):
            writer.transport.abort()
            return False
        body = behaviour.body if isinstance(behaviour.body, bytes) else json.dumps(behaviour.body).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **behaviour.headers}
        head = f"HTTP/1.1 {behaviour.status} X\r\n" + "".join(f"{name}: {text}\r\n" for name, text in headers.items())
        writer.write(head.encode() + b"\r\n" + body[: behaviour.cut])
        await writer.drain()
        return behaviour.cut is None


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): text for name, _, text in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return Request(method, parts.path, query, headers, json.loads(body) if body else None)


@asynccontextmanager
async def scripted_cloud() -> AsyncIterator[ScriptedCloud]:
    cloud = ScriptedCloud()
    server = await asyncio.start_server(cloud.serve, "127.0.0.1", 0)
    cloud.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield cloud
    finally:
        cloud.stop()
        server.close()
        await server.wait_closed()


def limits_for(behaviour: object) -> Limits:
    """Return whom to be for this behaviour: impatient only where no answer will come."""
    return IMPATIENT if behaviour is Hang else replace(LIMITS, retries=0)


@asynccontextmanager
async def driver_for(cloud: ScriptedCloud, limits: Limits = LIMITS) -> AsyncIterator[OpenStack]:
    driver = OpenStack(cloud.access(), PASSWORD, limits)
    try:
        yield driver
    finally:
        await driver.close()


def shown_server(server_id: str, **said: Any) -> dict[str, Any]:
    return {
        "id": server_id, "name": server_id, "status": "ACTIVE", "created": "2020-01-02T03:04:05Z", "metadata": {},
        "tenant_id": PROJECT, "flavor": {"original_name": "f", "vcpus": 1, "ram": 2, "disk": 3}, "image": {"id": "i"},
    } | said  # fmt: skip


def closed_port() -> str:
    """Return the URL of a port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def self_signed(place: Path) -> ssl.SSLContext:
    """Return a server's TLS with a certificate that nobody else has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2099, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (place / "tls.pem").write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place / "tls.pem")
    return context
