"""Bad input over real sockets: a clear error or a closed session, bounded memory, and the next client is served."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import pytest_asyncio
from lxml import etree
from netconf_client import (
    BASE,
    BASE_1_0,
    BASE_1_1,
    END,
    NC,
    Closed,
    NetconfClient,
    chunked,
    client_hello,
    connect,
    open_channel,
    rpc_message,
)
from netconf_server import PROMISE, Door, serving, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")

MEBIBYTE = 1024 * 1024
FILTER = '<get xmlns="{base}"><filter type="subtree">{content}</filter></get>'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    async with serving(tmp_path_factory.mktemp("state")) as opened:
        yield opened


async def served(door: Door) -> None:
    """See that a new client gets what it asks for."""
    async with await connect(*door.admin) as client:
        reply = await client.rpc(f'<echo xmlns="{PROMISE}">well</echo>')
        assert reply[0].text == "well"


def error(reply: Any) -> tuple[str, str, str]:
    """Return type, tag and message of the one error of a reply."""
    assert [child.tag for child in reply] == [NC + "rpc-error"]
    found = [reply[0].findtext(NC + name) for name in ("error-type", "error-tag", "error-message")]
    assert reply[0].findtext(NC + "error-severity") == "error"
    return found[0], found[1], found[2]


def nested(depth: int) -> bytes:
    return b"<a>" * depth + b"</a>" * depth


LAUGHS = b"<!DOCTYPE lolz [<!ENTITY a0 'lol'>" + b"".join(
    b"<!ENTITY a%d '%b'>" % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10)
)
PASSWD = b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
RPC = rpc_message("<get/>", "7")

UNREADABLE = {
    "billion laughs": (LAUGHS + b"]>" + rpc_message("<get>&a9;</get>", "7"), "malformed-message"),
    "external entity": (PASSWD + rpc_message("<get>&x;</get>", "7"), "malformed-message"),
    "external DTD": (b'<!DOCTYPE r SYSTEM "http://127.0.0.1:1/x.dtd">' + RPC, "malformed-message"),
    "parameter entity": (b'<!DOCTYPE r [<!ENTITY % p SYSTEM "file:///dev/zero"> %p;]>' + RPC, "malformed-message"),
    "10,000-deep nesting": (rpc_message(nested(10_000), "7"), "too-big"),
    "200-deep nesting": (rpc_message(nested(200), "7"), "too-big"),
    "10,000-deep nesting without an end": (rpc_message(b"<a>" * 10_000, "7"), "too-big"),
    "bad UTF-8": (rpc_message(b"<get>\xff\xfe</get>", "7"), "malformed-message"),
    "overlong UTF-8": (rpc_message(b"<get>\xc0\x80</get>", "7"), "malformed-message"),
    "surrogates": (rpc_message(b"<get>\xed\xa0\x80</get>", "7"), "malformed-message"),
    "UTF-16": ('<?xml version="1.0" encoding="utf-16"?>'.encode("utf-16") + RPC, "malformed-message"),
    "declared as Latin-1": (b'<?xml version="1.0" encoding="ISO-8859-1"?>' + RPC, "malformed-message"),
    "control characters": (rpc_message(b"<get>\x00\x01</get>", "7"), "malformed-message"),
    "unclosed": (rpc_message("<get>", "7"), "malformed-message"),
    "undeclared prefix": (rpc_message("<x:get/>", "7"), "malformed-message"),
    "two roots": (RPC + RPC, "malformed-message"),
    "no XML": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "malformed-message"),
    "JSON": (b'{"rpc": {}}', "malformed-message"),
    "blanks": (b" \n ", "malformed-message"),
    "a million elements": (rpc_message(b"<a/>" * 1_000_000, "7"), "too-big"),
    "a text of 5 MB": (rpc_message(b"<get>" + b"x" * 5 * MEBIBYTE + b"</get>", "7"), "too-big"),
}  # fmt: skip


@pytest.mark.rfc("6241", "3", "no DTD; malformed-message, operation-failed for base:1.0")
@pytest.mark.parametrize("base", [BASE_1_0, BASE_1_1])
@pytest.mark.parametrize("name", UNREADABLE)
async def test_what_cannot_be_read_is_told_and_the_session_goes_on(door: Door, name: str, base: str) -> None:
    message, tag = UNREADABLE[name]
    if base == BASE_1_0 and tag == "malformed-message":
        tag = "operation-failed"  # that tag is new in base:1.1
    async with await connect(*door.admin, base=(base,)) as client:
        client.send_message(message)
        reply = await client.receive_element()
        kind, found, rule = error(reply)
        assert (kind, found) == ("rpc", tag)
        assert len(rule) > 10
        assert reply.get("message-id") in ("7", None)
        assert error_free(await client.rpc("<get/>"))
    await served(door)


def error_free(reply: Any) -> bool:
    return reply.find(NC + "rpc-error") is None


REFUSED = {
    "no message-id": (f'<rpc xmlns="{BASE}"><get/></rpc>', "rpc", "missing-attribute", "message-id"),
    "no operation": (f'<rpc xmlns="{BASE}" message-id="7"/>', "protocol", "missing-element", "operation"),
    "two operations": (
        f'<rpc xmlns="{BASE}" message-id="7"><get/><get/></rpc>',
        "protocol",
        "bad-element",
        "one operation",
    ),
    "text": (f'<rpc xmlns="{BASE}" message-id="7">x<get/></rpc>', "rpc", "malformed-message", "no text"),
    "wrong namespace": ('<rpc xmlns="urn:wrong" message-id="7"><get/></rpc>', "protocol", "unknown-namespace", BASE),
    "no namespace": ('<rpc message-id="7"><get/></rpc>', "protocol", "unknown-namespace", BASE),
    "no rpc": (f'<get xmlns="{BASE}" message-id="7"/>', "protocol", "unknown-element", "<get>"),
    "a reply": (
        f'<rpc-reply xmlns="{BASE}" message-id="7"><ok/></rpc-reply>',
        "protocol",
        "unknown-element",
        "rpc-reply",
    ),
}


def source(content: str) -> str:
    return f"<get-config><source>{content}</source></get-config>"


LIBRARY = "urn:ietf:params:xml:ns:yang:ietf-yang-library"
SOURCE = "<source><running/></source>"
TRIM = '<with-defaults xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults">trim</with-defaults>'
OPERATIONS = {
    "unknown operation": ("<frobnicate/>", "protocol", "unknown-element", "frobnicate"),
    "unknown RPC of the module": (f'<frobnicate xmlns="{PROMISE}"/>', "application", "unknown-element", "frobnicate"),
    "unknown namespace": ('<get xmlns="urn:wrong"/>', "protocol", "unknown-namespace", "urn:wrong"),
    "no namespace": ('<get xmlns=""/>', "protocol", "unknown-namespace", "''"),
    "no operation of its module": (f'<modules xmlns="{LIBRARY}"/>', "protocol", "unknown-element", "modules"),
    "text beside a parameter": (f"<get-config>{SOURCE}x</get-config>", "protocol", "invalid-value", "text"),
    "text in a source": (source("x<running/>"), "protocol", "invalid-value", "text"),
    "text in a datastore": (source("<running>x</running>"), "protocol", "invalid-value", "empty"),
    "attribute of a source": (source('<running x="1"/>'), "protocol", "unknown-attribute", "attribute x"),
    "copy-config": ("<copy-config/>", "protocol", "missing-element", "<target>"),
    "lock": ("<lock><target><running/></target></lock>", "protocol", "lock-denied", "session 7"),
    "commit": ("<commit><persist>x</persist></commit>", "protocol", "bad-element", "<confirmed/>"),
    "denied": (f'<denied xmlns="{PROMISE}"/>', "application", "access-denied", "permitted"),
    "overloaded": (f'<overloaded xmlns="{PROMISE}"/>', "application", "resource-denied", "no room"),
    "a bug": (f'<bug xmlns="{PROMISE}"/>', "application", "operation-failed", "internal error"),
    "unknown parameter": ("<get><x/></get>", "protocol", "unknown-element", "parameter <x>"),
    "parameter of another namespace": ('<get><filter xmlns="urn:x"/></get>', "protocol", "unknown-element", "urn:x"),
    "unknown attribute": ('<get x="1"/>', "protocol", "unknown-attribute", "attribute x"),
    "text in an operation": ("<get>x</get>", "protocol", "invalid-value", "text"),
    "two with-defaults": (f"<get>{TRIM}{TRIM}</get>", "protocol", "bad-element", "twice"),
    "two filters": ("<get><filter/><filter/></get>", "protocol", "bad-element", "twice"),
    "xpath filter": ('<get><filter type="xpath" select="/x["/></get>', "protocol", "invalid-value", "XPath"),
    "strange filter": ('<get><filter type="regex"/></get>', "protocol", "bad-attribute", "regex"),
    "select without xpath": ('<get><filter select="/x"/></get>', "protocol", "unknown-attribute", "select"),
    "attribute of a filter": ('<get><filter x="1"/></get>', "protocol", "unknown-attribute", "x"),
    "no source": ("<get-config/>", "protocol", "missing-element", "source"),
    "empty source": ("<get-config><source/></get-config>", "application", "data-missing", "name a datastore"),
    "startup": (source("<startup/>"), "protocol", "unknown-element", ":startup"),
    "url": (source("<url>file:///x</url>"), "protocol", "unknown-element", ":url"),
    "unknown source": (source("<x/>"), "protocol", "unknown-element", "<x>"),
    "foreign source": (source('<running xmlns="urn:x"/>'), "protocol", "unknown-namespace", "namespace"),
    "two sources": (source("<running/><running/>"), "protocol", "bad-element", "one datastore"),
    "parameter of close-session": ("<close-session><x/></close-session>", "protocol", "unknown-element", "<x>"),
    "kill-session without session-id": ("<kill-session/>", "protocol", "missing-element", "session-id"),
}  # fmt: skip


@pytest.mark.rfc("6241", "A", "type and tag of what is wrong with a request")
@pytest.mark.rfc("6241", "4.1", "an rpc without message-id")
@pytest.mark.parametrize("name", [*REFUSED, *OPERATIONS])
async def test_what_is_wrong_with_a_request_is_told_and_the_session_goes_on(door: Door, name: str) -> None:
    async with await connect(*door.admin) as client:
        if name in REFUSED and (expected := REFUSED[name]):
            client.send_message(expected[0].encode())
            reply = await client.receive_element()
            check(expected, reply)
        if name in OPERATIONS and (expected := OPERATIONS[name]):
            check(expected, await client.rpc(expected[0]))
        assert error_free(await client.rpc("<get/>"))


def check(expected: tuple[str, str, str, str], reply: Any) -> None:
    _, layer, tag, rule = expected
    kind, found, message = error(reply)
    assert (kind, found) == (layer, tag)
    assert rule in message


@pytest.mark.rfc("6241", "6.2.1", "a namespace that nobody knows selects nothing")
@pytest.mark.parametrize(
    ("content", "selects"),
    [
        ('<promise xmlns="urn:wrong"/>', False),
        ('<promise xmlns="urn:opnfv:promise"><unknown/></promise>', False),
        ('<promise xmlns="urn:opnfv:promise"><pools><id>1</id></pools></promise>', True),
        ('<promise xmlns=""/>', True),
        ("text", False),
    ],
)
async def test_a_filter_for_what_is_not_there_selects_nothing(door: Door, content: str, selects: bool) -> None:
    async with await connect(*door.admin) as client:
        reply = await client.rpc(FILTER.format(base=BASE, content=content))
        assert [child.tag for child in reply] == [NC + "data"]
        assert bool(len(reply[0])) is selects


BROKEN = {
    "no chunk": b"<rpc/>",
    "end-of-message framing": RPC + END,
    "chunk of zero": b"\n#0\n",
    "leading zero": b"\n#04\n<a/>\n##\n",
    "negative chunk": b"\n#-4\n<a/>\n##\n",
    "huge chunk": b"\n#4294967296\n",
    "endless chunk size": b"\n#" + b"1" * 100_000,
    "short chunk": b"\n#3\n<a/>\n##\n",
    "end of chunks alone": b"\n##\n",
    "carriage returns": b"\r\n#4\r\n<a/>\r\n##\r\n",
    "binary": bytes(range(256)) * 100,
    "hello again": chunked(client_hello()),
}


@pytest.mark.rfc("6242", "4.2", "a malformed chunk ends the session")
@pytest.mark.parametrize("name", BROKEN)
async def test_broken_framing_closes_the_session_after_what_came_before(door: Door, name: str) -> None:
    async with await connect(*door.admin) as client:
        client.send(chunked(RPC) + BROKEN[name] + chunked(RPC))
        assert error_free(await client.receive_element())
        with pytest.raises(Closed) as closed:
            await client.receive()
        assert closed.value.status == 1
    await served(door)


HELLOS = {
    "nothing in common": client_hello("urn:ietf:params:netconf:base:9.9"),
    "no capabilities": f'<hello xmlns="{BASE}"/>'.encode(),
    "session-id": client_hello().replace(b"</hello>", b"<session-id>1</session-id></hello>"),
    "wrong namespace": client_hello().replace(BASE.encode(), b"urn:wrong"),
    "no hello": RPC,
    "not XML": b"hello",
    "doctype": LAUGHS + b"]>" + client_hello(),
    "deep": nested(10_000),
    "bad UTF-8": client_hello("\xff").replace("\xff".encode(), b"\xff"),
    "too long": client_hello() + b" " * 5 * MEBIBYTE,
}


@pytest.mark.rfc("6241", "8.1", "a hello with session-id or without a common base ends the session")
@pytest.mark.parametrize("name", HELLOS)
async def test_a_bad_hello_closes_the_session(door: Door, name: str) -> None:
    async with await open_channel(*door.admin) as client:
        client.send(HELLOS[name] + END + chunked(RPC))
        client.read_hello(await client.receive())
        assert await client.closed() == 1
    await served(door)


def resident() -> int:
    return int(psutil.Process().memory_info().rss)


async def pour(client: NetconfClient, data: bytes, times: int) -> None:
    """Send a lot without keeping it here."""
    for _ in range(times):
        client.send(data)
        await until(lambda: client.channel.get_write_buffer_size() < MEBIBYTE)


@pytest.mark.limit("messages and hellos of 100 MB", "they are skipped, and told", "netconf.max_message")
@pytest.mark.parametrize("base", [BASE_1_0, BASE_1_1])
async def test_a_message_of_100_mb_is_skipped_in_little_memory(door: Door, base: str) -> None:
    async with await connect(*door.admin, base=(base,)) as client:
        before = resident()
        start = f'<rpc xmlns="{BASE}" message-id="7"><get>'.encode()
        piece = b"x" * MEBIBYTE
        if base == BASE_1_0:
            client.send(start)
            await pour(client, piece, 100)
            client.send(b"</get></rpc>" + END)
        else:
            client.send(b"\n#%d\n%b" % (len(start), start))
            await pour(client, b"\n#%d\n%b" % (len(piece), piece), 100)
            client.send(b"\n#12\n</get></rpc>\n##\n")
        reply = await client.receive_element()
        assert error(reply)[1] == "too-big"
        assert str(100 * MEBIBYTE + len(start) + 12) in error(reply)[2]
        assert reply.get("message-id") == "7"
        assert error_free(await client.rpc("<get/>"))
        assert resident() - before < 24 * MEBIBYTE
    await served(door)


@pytest.mark.limit("a chunk of 4 GB, a message without end", "the session ends", "netconf.max_skipped")
async def test_a_message_without_end_closes_the_session(door: Door) -> None:
    async with await connect(*door.admin) as client:
        client.send(b"\n#4000000000\n")
        with suppress(BrokenPipeError):
            await pour(client, b"x" * MEBIBYTE, 300)
        assert await client.closed() == 1
    await served(door)


@pytest.mark.limit("names without number", "what strangers name is not kept")
async def test_names_that_a_client_invents_do_not_stay(door: Door) -> None:
    async with await connect(*door.admin) as client:
        before = resident()
        for number in range(100):
            names = "".join(f"<invented-{number}-{other}-{'x' * 100}/>" for other in range(500))
            await client.rpc(FILTER.format(base=BASE, content=names))
        assert resident() - before < 8 * MEBIBYTE


@pytest.mark.rfc("6241", "4.5", "pipelined requests, answered in order")
async def test_many_bad_requests_at_once_are_answered_in_order(door: Door) -> None:
    async with await connect(*door.admin) as client:
        requests: list[str | bytes] = ["<get>", "<x/>", "<get/>", f'<denied xmlns="{PROMISE}"/>', nested(150)]
        replies = await client.pipeline(requests * 40)
        tags = [reply.findtext(f".//{NC}error-tag") for reply in replies]
        assert tags == ["malformed-message", "unknown-element", None, "access-denied", "too-big"] * 40


@pytest.mark.rfc("6241", "4.3", "error-path declares the prefixes that it uses")
async def test_an_error_path_finds_the_node_in_the_request(door: Door) -> None:
    message = rpc_message("<get-config><source><startup/></source></get-config>", "7")
    async with await connect(*door.admin) as client:
        client.send_message(message)
        reply = await client.receive_element()
    path = reply.find(f".//{NC}error-path")
    nodes: Any = etree.fromstring(message).xpath(path.text, namespaces={p: uri for p, uri in path.nsmap.items() if p})
    assert [node.tag for node in nodes] == [NC + "source"]
