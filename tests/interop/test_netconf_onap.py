"""A client that reads as ONAP's netconf-executor does: regular expressions, and line ends instead of chunk sizes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from netconf_client import BASE_1_0, BASE_1_1, END, NetconfClient, chunked, client_hello, open_channel, rpc_message
from netconf_server import PROMISE, Door, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HARD = "a\n##\nb\n#123\nc\n#7\n##\n#1"


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with serving(tmp_path) as opened:
        yield opened


class Onap:
    """Reads characters; a message ends where a line "##" or the old delimiter is seen, wherever that is."""

    def __init__(self, client: NetconfClient) -> None:
        self._client = client
        self._text = ""

    async def until(self, end: str) -> str:
        while end not in self._text:
            self._client._arrived.clear()
            await self._client._arrived.wait()
            self._text = bytes(self._client._buffer).decode()
        message, _, rest = self._text.partition(end)
        self._client._buffer[:] = rest.encode()
        self._text = rest
        return message

    async def reply(self) -> str:
        return re.sub(r"\n#[0-9]+\n", "", await self.until("\n##\n"))


async def test_the_hello_is_found_by_regular_expressions(door: Door) -> None:
    async with await open_channel(*door.admin) as client:
        hello = await Onap(client).until("]]>]]>")
    found = re.search(r"session-id>\s*(.*?)\s*session-id>", hello)
    assert found is not None
    assert re.sub(r"</.*", "", found[1]) == "1"
    capabilities = re.findall(r"capability>\s*(.*?)\s*</capability>", hello)
    assert {BASE_1_0, BASE_1_1} < set(capabilities)


@pytest.mark.rfc("6242", "4.2", "a client that ends messages by lines is not misled")
@pytest.mark.parametrize("repeat", [1, 3000, 10_000])
async def test_replies_are_read_without_counting(door: Door, repeat: int) -> None:
    async with await open_channel(*door.admin) as client:
        onap = Onap(client)
        await onap.until("]]>]]>")
        text = (HARD + "é€😀") * repeat
        client.send(client_hello() + END)
        client.send(chunked(rpc_message(f'<echo xmlns="{PROMISE}">{text}</echo>', "1")))
        client.send(chunked(rpc_message("<get/>", "2")))
        first, second = await onap.reply(), await onap.reply()
    assert first.startswith("<rpc-reply ")
    assert first.endswith("</rpc-reply>")
    assert first.replace("&#10;", "\n").count(HARD) == repeat
    assert 'message-id="2"' in second
    assert "<zone>north</zone>" in second


async def test_its_way_to_leave_does_not_hang(door: Door) -> None:
    async with await open_channel(*door.admin) as client:
        onap = Onap(client)
        await onap.until("]]>]]>")
        client.send(client_hello() + END + chunked(rpc_message("<kill-session/>", "1")))
        assert "missing-element" in await onap.reply()
        client.send(chunked(rpc_message("<close-session/>", "2")))
        assert "<ok/>" in await onap.reply()
        assert await client.closed() == 0
