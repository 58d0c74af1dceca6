"""A client of our own that mounts us as OpenDaylight's netconf connector does, and follows streams as its users do.

Its habits: it loads every schema that it is told of before anything else, subscribes on the same session, sends a
<get-config> with an empty filter as its keepalive, edits with default-operation none under a lock, and connects again
without a word when its connection is lost.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from configured import PROMISE, asked, controller, nc, shown, target
from lxml import etree
from netconf_client import NC, NOTIFICATIONS
from netconf_server import ADMIN, until
from overheard import kept, overhearing

from promise.northbound.library.modules import library

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from configured import House
    from netconf_client import NetconfClient

NCM = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"
NETMOD = "urn:ietf:params:xml:ns:netmod:notification"
LIBRARY = "urn:ietf:params:xml:ns:yang:ietf-yang-library"
M = f"{{{NCM}}}"
KEEPALIVE = nc("get-config", '<source><running/></source><filter type="subtree"/>')
SCHEMAS = nc("get", f'<filter type="subtree"><netconf-state xmlns="{NCM}"><schemas/></netconf-state></filter>')
STREAMS = nc("get", f'<filter type="subtree"><netconf xmlns="{NETMOD}"><streams/></netconf></filter>')
MODULES = nc("get", f'<filter type="subtree"><modules-state xmlns="{LIBRARY}"/></filter>')
SUBSCRIBE = f'<create-subscription xmlns="{NOTIFICATIONS}"><stream>NETCONF</stream></create-subscription>'


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with controller(tmp_path / "state") as running:
        yield running


class Mount:
    """A mounted device: a session whose requests have ids of its own kind."""

    def __init__(self, client: NetconfClient) -> None:
        self.client = client
        self._ids = (f"m-{number}" for number in itertools.count())

    async def rpc(self, operation: str) -> Any:
        return await self.client.rpc(operation, message_id=next(self._ids))

    async def schemas(self) -> dict[str, str]:
        """Return the text of every schema that is told of, by name."""
        found = {}
        for schema in (await self.rpc(SCHEMAS)).iter(M + "schema"):
            told = {etree.QName(leaf).localname: leaf.text for leaf in schema}
            assert told["location"] == "NETCONF"
            inside = "".join(f"<{name}>{told[name]}</{name}>" for name in ("identifier", "version"))
            form = f'<format xmlns:x="{NCM}">x:yang</format>'
            reply = await self.rpc(f'<get-schema xmlns="{NCM}">{inside}{form}</get-schema>')
            found[told["identifier"]] = reply.findtext(M + "data")
        return found

    async def write(self, operation: str, inside: str) -> list[str]:
        """Make one change as a transaction; returns the tags of what failed."""
        edited = (
            f'<promise xmlns="{PROMISE}"><policy><reservation xmlns:a="{NC[1:-1]}" a:operation="{operation}">{inside}'
            "</reservation></policy></promise>"
        )
        options = "<default-operation>none</default-operation><error-option>rollback-on-error</error-option>"
        edit = nc("edit-config", f"<target><candidate/></target>{options}<config>{edited}</config>")
        failed = []
        for step in (target("lock", "candidate"), edit, nc("commit")):
            said = await asked(self.client, step)
            if said != "ok":
                failed.append(said.partition(":")[0])
                break
        for step in [nc("discard-changes")] * bool(failed) + [target("unlock", "candidate")]:
            assert await asked(self.client, step) == "ok"
        return failed


@pytest.mark.rfc("6022", "2.1.3", "every schema of the hello and of the library can be fetched")
@pytest.mark.rfc("7950", "5.6.4", "modules are announced in the library; clients that know none find them in the hello")
async def test_it_mounts_us(house: House, tmp_path: Path) -> None:
    with overhearing(house.app.server) as heard:
        async with await house.session() as client:
            device = Mount(client)
            schemas = await device.schemas()
            assert schemas == {module.name: module.text for module in library().modules.values()}
            told = {each.partition("module=")[2].partition("&")[0] for each in client.capabilities if "module=" in each}
            assert told == set(schemas)
            state = await device.rpc(MODULES)
            assert {each.text for each in state.iter(f"{{{LIBRARY}}}name")} >= set(schemas)
            assert "NETCONF" in [each.text for each in (await device.rpc(STREAMS)).iter(f"{{{NETMOD}}}name")]
            assert (await device.rpc(SUBSCRIBE)).find(f"{NC}ok") is not None
            for _ in range(3):
                await house.clock.advance(120)
                assert [etree.tostring(each) for each in (await device.rpc(KEEPALIVE))[0]] == []
            assert await device.write("replace", "<expiry>5</expiry>") == []
            assert await shown(client) == "5"
            assert await device.write("create", "<expiry>6</expiry>") == ["data-exists"]
            assert await device.write("merge", "<expiry>0</expiry>") == ["invalid-value"]
            assert await device.write("delete", "") == []
            assert await device.write("delete", "") == ["data-missing"]
            assert await shown(client) is None
    assert kept(heard) > len(schemas)


@pytest.mark.rfc("6241", "7.5", "the lock of a connection that was lost is free for the next one")
async def test_it_comes_back_after_a_connection_is_lost_with_its_lock(house: House) -> None:
    lost = await house.session()
    assert await asked(lost, target("lock", "candidate")) == "ok"
    lost.connection.abort()
    async with await house.session() as client:
        await until(lambda: lost.session_id not in house.app.server.sessions)
        await until(lambda: not house.app.front.datastores.locks)
        assert client.session_id > lost.session_id
        assert await Mount(client).write("merge", "<expiry>5</expiry>") == []
        assert await shown(client) == "5"


async def beats(house: House, count: int) -> None:
    """Let the heart of the streams beat."""
    streams: Any = house.app.front.streams
    last = streams._beat + count
    while streams._beat < last:
        await house.clock.advance(15)
        await asyncio.sleep(0)


async def test_its_users_follow_a_stream_from_the_subscription_to_the_events(house: House) -> None:
    host, port = house.app.http
    base = f"http://{host}:{port}/restconf"
    ask: dict[str, Any] = {"opnfv-promise:input": {"filter": {"state": ["cancelled"]}}}
    async with aiohttp.ClientSession(headers={"Authorization": aiohttp.encode_basic_auth(*ADMIN)}) as http:
        async with http.post(f"{base}/operations/opnfv-promise:subscribe-reservation-events", json=ask) as answer:
            made = (await answer.json(content_type=None))["opnfv-promise:output"]
        assert made["result"] == "ok", made
        for encoding in ("xml", "json"):
            url = f"{base}/streams/{made['stream']}/{encoding}"
            async with http.get(url, headers={"Accept": "text/event-stream"}) as stream:
                assert (stream.status, stream.content_type) == (200, "text/event-stream")
                assert stream.headers["Cache-Control"] == "no-cache"
                async with asyncio.timeout(20):
                    await stream.content.readuntil(b"\n\n")
                    await beats(house, 3)
                    assert (await stream.content.readuntil(b"\n\n")).startswith(b":")  # its heartbeat
