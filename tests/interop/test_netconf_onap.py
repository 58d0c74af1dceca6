"""A client that reads as ONAP's netconf-executor does: regular expressions, and line ends instead of chunk sizes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from configured import controller, do, expiry, provider, shown, target
from netconf_client import BASE_1_0, BASE_1_1, END, NetconfClient, chunked, client_hello, open_channel, rpc_message
from netconf_server import ADMIN, PROMISE, Door, serving, until
from overheard import kept, overhearing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from configured import House

HARD = "a\n##\nb\n#123\nc\n#7\n##\n#1"


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with serving(tmp_path) as opened:
        yield opened


class Onap:
    """Reads characters; a message ends where a line "##" or the old delimiter is seen, wherever that is."""

    def __init__(self, client: NetconfClient) -> None:
        self._client = client

    async def until(self, end: str) -> str:
        while end not in (text := bytes(self._client._buffer).decode(errors="replace")):
            self._client._arrived.clear()
            await self._client._arrived.wait()
        message, _, rest = text.partition(end)
        self._client._buffer[:] = rest.encode()
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


def config(operation: str, inside: str, *more: str) -> str:
    """Return what its script wrapper sends: the candidate, replaced; `inside` stands in <config>."""
    options = "<default-operation>replace</default-operation>" + "".join(more)
    return f"<{operation}><target><candidate/></target>{options}<config>{inside}</config></{operation}>"


class Executor:
    """Its NetconfRpcServiceImpl: requests counted from 1, each answered before the next; nothing is sent twice."""

    def __init__(self, client: NetconfClient) -> None:
        self._client = client
        self._onap = Onap(client)
        self._count = 0

    async def connect(self) -> int:
        """Exchange hellos; returns the session-id."""
        hello = await self._onap.until("]]>]]>")
        self._client.send(client_hello() + END)
        found = re.search(r"session-id>\s*(.*?)\s*</", hello)
        assert found is not None
        return int(found[1])

    async def ask(self, operation: str) -> str:
        """Return "ok", or the error-tag, as it finds them: by looking for text."""
        self._count += 1
        self._client.send(chunked(rpc_message(operation, str(self._count))))
        reply = await self._onap.reply()
        assert f'message-id="{self._count}"' in reply
        failed = re.search(r"<error-tag>(.*?)</error-tag>", reply)
        assert bool(failed) is ("<rpc-error>" in reply)
        return failed[1] if failed else "ok" if "<ok/>" in reply else reply

    async def apply(self, inside: str, commit: str = "<commit/>") -> list[str]:
        """Lock, edit, validate, commit or discard, unlock."""
        said = [await self.ask("<lock><target><candidate/></target></lock>")]
        said.append(await self.ask(config("edit-config", inside)))
        if said[-1] == "ok":
            said.append(await self.ask("<validate><source><candidate/></source></validate>"))
        said.append(await self.ask("<discard-changes/>" if said[-1] != "ok" else commit))
        return [*said, await self.ask("<unlock><target><candidate/></target></unlock>")]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with controller(tmp_path / "state") as running:
        yield running


@pytest.mark.rfc("6241", "8.3", "lock, edit, validate, commit or discard, unlock, as ONAP does it")
async def test_its_sequence_configures_a_controller(house: House, tmp_path: Path) -> None:
    with overhearing(house.app.server) as heard:
        async with await open_channel(*house.app.address, *ADMIN) as channel, await house.session() as other:
            executor = Executor(channel)
            await executor.connect()
            assert await executor.apply(expiry(5)) == ["ok"] * 5
            assert await shown(other) == "5"
            assert await executor.apply(expiry(0)) == ["ok", "invalid-value", "ok", "ok"]
            half = provider(1).replace("<name>cloud 1</name>", "")
            assert await executor.apply(half) == ["ok", "ok", "missing-element", "ok", "ok"]
            assert (await shown(other), await shown(other, "candidate")) == ("5", "5")
            trial = "<commit><confirmed/><confirm-timeout>30</confirm-timeout><persist>onap</persist></commit>"
            assert await executor.apply(expiry(6), trial) == ["ok"] * 5
            assert await executor.ask("<commit><persist-id>onap</persist-id></commit>") == "ok"
            await do(other, target("lock", "candidate"))
            assert await executor.apply(expiry(7)) == ["lock-denied", "in-use", "in-use", "operation-failed"]
            read = await executor.ask("<get-config><source><running/></source></get-config>")
            assert "<expiry>6</expiry>" in read
    assert kept(heard) >= 29


async def test_it_comes_back_with_a_new_session_and_its_lock_is_gone(house: House) -> None:
    lost = await open_channel(*house.app.address, *ADMIN)
    before = Executor(lost)
    first = await before.connect()
    assert await before.ask("<lock><target><candidate/></target></lock>") == "ok"
    assert await before.ask(config("edit-config", expiry(5))) == "ok"
    lost.connection.abort()
    async with await open_channel(*house.app.address, *ADMIN) as channel:
        executor = Executor(channel)
        assert await executor.connect() > first
        await until(lambda: not house.app.front.datastores.locks)
        assert await executor.ask("<commit/>") == "ok"  # what was edited under the lock went with it
        assert "<expiry>" not in await executor.ask("<get-config><source><running/></source></get-config>")
        assert await executor.apply(expiry(6)) == ["ok"] * 5
