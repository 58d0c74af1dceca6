"""What strangers, and clients that do not read, can hold of the RESTCONF door; over real sockets."""

from __future__ import annotations

import asyncio
import base64
import socket
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from netconf_server import until
from restconf_house import House, house
from structlog.testing import capture_logs

from promise.northbound.liveness import keep_alive
from promise.northbound.restconf.connection import Connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")
LOGIN = f"Authorization: Basic {base64.b64encode(b'admin:admin').decode()}\r\n".encode()
HEAD = b"GET /restconf HTTP/1.1\r\nHost: x\r\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crowded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A door with room for 3 who have not logged in."""
    small: dict[str, Any] = {"max_unauthenticated": 3, "max_unauthenticated_per_address": 3, "stall_timeout": 0.1}
    async with house(tmp_path_factory.mktemp("restconf") / "state", max_head=4096, **small) as found:
        yield found


async def dial(house: House) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(*house.app.http)


async def answered(reader: asyncio.StreamReader) -> bytes:
    """Return the head of an answer, once the body is there too."""
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))
    return head


def connections(house: House) -> list[Connection]:
    assert house.app.restconf is not None
    return [each for each in house.app.restconf._manager.connections if isinstance(each, Connection)]


async def empty(house: House) -> None:
    await until(lambda: not connections(house))


@pytest.mark.limit(
    "sockets that never speak, HTTP and HTTPS",
    "connections without log-in are bounded; the first of them gives way",
    "restconf.max_unauthenticated",
    "restconf.max_unauthenticated_per_address",
    "access.give_way_after",
)
async def test_silent_sockets_keep_nobody_out(crowded: House) -> None:
    assert crowded.app.restconf is not None
    strangers = crowded.app.restconf.strangers
    known, asking = await dial(crowded)
    asking.write(HEAD + LOGIN + b"\r\n")
    assert (await answered(known)).startswith(b"HTTP/1.1 200")
    assert not strangers
    silent = []
    for number in range(1, 4):
        silent.append(await dial(crowded))
        await until(lambda: len(strangers) == number)  # noqa: B023 - it is awaited at once
    refused, writer = await dial(crowded)
    assert (await refused.read()).startswith(b"HTTP/1.1 503 ")
    writer.close()
    await crowded.clock.advance(3)
    reader, writer = await dial(crowded)
    writer.write(HEAD + LOGIN + b"Connection: close\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 200")
    assert await silent[0][0].read() == b""
    asking.write(HEAD + LOGIN + b"\r\n")
    await answered(known)
    for _, each in (*silent, (known, asking), (reader, writer)):
        each.close()
    await empty(crowded)
    assert not strangers


@pytest.mark.limit(
    "header fields without end", "a head has so many bytes and fields", "restconf.max_head", "restconf.max_headers"
)
async def test_a_head_has_so_many_bytes_however_they_come(crowded: House) -> None:
    reader, writer = await dial(crowded)
    for at in range(0, 4097, 241):  # 4097 is 17 times 241
        writer.write((HEAD + (b"X: " + b"y" * 95 + b"\r\n") * 50)[at : min(at + 241, 4097)])
        await asyncio.sleep(0)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 431 ")
    writer.close()
    reader, writer = await dial(crowded)
    writer.write(HEAD + b"X: y\r\n" * 200 + b"\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.0 400 ")
    writer.close()
    reader, writer = await dial(crowded)
    for _ in range(3):  # each request begins anew
        writer.write(HEAD + LOGIN + b"".join(b"X-%d: %b\r\n" % (n, b"x" * 50) for n in range(30)) + b"\r\n")
        assert (await answered(reader)).startswith(b"HTTP/1.1 200")
    writer.close()
    await empty(crowded)


@pytest.mark.limit("requests sent at once, answers never read", "nothing waits longer", "restconf.request_timeout")
async def test_who_never_reads_answers_is_cut_off(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with house(tmp_path_factory.mktemp("restconf") / "state", request_timeout=0.2) as hasty:
        with socket.create_connection(hasty.app.http) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            ask = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 100
            await asyncio.get_running_loop().sock_sendall(client, ask)
            await until(lambda: connections(hasty))
            await empty(hasty)


@pytest.mark.limit("the reader of an event stream that does not read", "it has its time", "restconf.stall_timeout")
async def test_a_reader_that_does_not_read_is_cut_off(crowded: House) -> None:
    reader, writer = await dial(crowded)
    writer.write(b"GET /restconf/streams/NETCONF/json HTTP/1.1\r\nHost: x\r\n" + LOGIN + b"\r\n")
    assert b"text/event-stream" in await reader.readuntil(b"\r\n\r\n")
    (connection,) = connections(crowded)
    connection.pause_writing()  # as asyncio does when a socket takes nothing
    connection.resume_writing()
    connection.pause_writing()
    await empty(crowded)
    writer.close()


@pytest.mark.limit(
    "peers that are gone without a word",
    "TCP asks whether they are there, and gives up after four times as long",
    "restconf.keepalive",
)
async def test_tcp_asks_whether_the_other_end_is_there(crowded: House) -> None:
    reader, writer = await dial(crowded)
    writer.write(HEAD + LOGIN + b"\r\n")
    await answered(reader)
    (connection,) = connections(crowded)
    assert connection.transport is not None
    held = connection.transport.get_extra_info("socket")
    assert held.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    found = [
        held.getsockopt(socket.IPPROTO_TCP, name)
        for name in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
    ]
    assert found == [60, 60, 3, 240_000]
    writer.close()
    with socket.socket() as other:
        keep_alive(other, 0)
        assert not other.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def invoke(body: bytes, media: bytes = b"application/yang-data+json") -> bytes:
    head = b"POST /restconf/operations/opnfv-promise:query-capacity HTTP/1.1\r\nHost: x\r\n" + LOGIN
    return head + b"Content-Type: %b\r\nContent-Length: %d\r\n\r\n" % (media, len(body)) + body


def capacity(cores: bytes) -> bytes:
    return invoke(b'{"opnfv-promise:input":{"capacity":{"cores":%b}}}' % cores)


XML = b"application/yang-data+xml"
BODIES = {
    "objects 100,000 deep": (invoke(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), 413),
    "arrays 100,000 deep": (invoke(b"[" * 100_000 + b"]" * 100_000), 413),
    "elements 100,000 deep": (invoke(b"<a>" * 100_000 + b"</a>" * 100_000, XML), 413),
    "a million elements": (invoke(b"<a>" + b"<a/>" * 1_000_000 + b"</a>", XML), 413),
    "entities": (invoke(b'<!DOCTYPE a [<!ENTITY a "x">]><input>&a;</input>', XML), 400),
    "a number that is none": (capacity(b"NaN"), 400),
    "an infinite number": (capacity(b"1e999"), 400),
    "a tiny number": (capacity(b"1e-99999999999"), 400),
    "a million digits": (capacity(b"9" * 1_000_000), 400),
    "a million decimals": (capacity(b"0." + b"9" * 1_000_000), 400),
    "a name twice": (invoke(b'{"opnfv-promise:input":{},"opnfv-promise:input":{"end":"x"}}'), 400),
    "half a character": (invoke(b'{"opnfv-promise:input":{"source":"\\ud800"}}'), 400),
}


@pytest.mark.limit("JSON and XML that nobody needs", "deep nesting is too-big, doubtful numbers and names are refused")
@pytest.mark.parametrize("name", BODIES)
async def test_a_hostile_body_is_told_at_once(crowded: House, name: str) -> None:
    request, status = BODIES[name]
    reader, writer = await dial(crowded)
    writer.write(request)
    assert (await answered(reader)).startswith(b"HTTP/1.1 %d " % status)
    writer.write(HEAD + LOGIN + b"\r\n")
    assert (await answered(reader)).startswith(b"HTTP/1.1 200 ")
    writer.close()
    await empty(crowded)


POST = b"POST /restconf/operations/opnfv-promise:query-capacity HTTP/1.1\r\nHost: x\r\n" + LOGIN
HIDDEN = b"\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
SMUGGLED = {
    "both lengths": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" + HIDDEN,
    "both lengths, the other way": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" + HIDDEN,
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n" + HIDDEN,
    "a length with a sign": POST + b"Content-Length: +5\r\n" + HIDDEN,
    "a list of lengths": POST + b"Content-Length: 5, 5\r\n" + HIDDEN,
    "an encoding that is none": POST + b"Transfer-Encoding: xchunked\r\n" + HIDDEN,
    "chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n" + HIDDEN,
    "a blank before the colon": POST + b"Content-Length : 5\r\n" + HIDDEN,
    "a folded line": POST + b"X: y\r\n Content-Length: 5\r\n" + HIDDEN,
    "a bare line feed": POST.replace(b"\r\n", b"\n") + b"Content-Length: 5\n" + HIDDEN.replace(b"\r\n", b"\n"),
    "two hosts": POST + b"Host: y\r\n" + HIDDEN,
    "a chunk size with a sign": POST + b"Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n" + HIDDEN,
}


@pytest.mark.limit("requests that are read in two ways (smuggling)", "they are refused, and the connection ends")
@pytest.mark.parametrize("name", SMUGGLED)
async def test_what_may_be_read_in_two_ways_is_refused(crowded: House, name: str) -> None:
    reader, writer = await dial(crowded)
    writer.write(SMUGGLED[name])
    told = await reader.read()
    assert told.startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 "))
    assert told.count(b"HTTP/1.") == 1
    writer.close()
    await empty(crowded)


@pytest.mark.limit("queries without measure", "limit, offset, depth and fields are bounded")
@pytest.mark.parametrize(
    "query",
    [
        "reservations?limit=1000000000000",
        "reservations?limit=1&offset=99999999999",
        "?depth=1000000000",
        f"?fields={'a(' * 500}b{')' * 500}",
        f"?fields={'/'.join('a' * 500)}",
        f"?fields={';'.join('a' * 1100)}",
    ],
)
async def test_a_query_without_measure_is_refused(crowded: House, query: str) -> None:
    path = f"/{query}" if query[0] != "?" else query
    assert (await crowded.get(path)).error["error-tag"] == "invalid-value"


async def test_a_client_that_goes_amid_its_body_is_no_bug(crowded: House) -> None:
    with capture_logs() as logs:
        _, writer = await dial(crowded)
        writer.write(invoke(b"{}" + b" " * 1000)[:-500])
        await until(lambda: any(each._current_request for each in connections(crowded)))
        writer.transport.abort()
        await until(lambda: any(each["event"] == "restconf" for each in logs))
    assert [each["event"] for each in logs if each["log_level"] == "error"] == []
