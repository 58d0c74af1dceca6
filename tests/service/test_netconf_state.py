"""The server tells of itself: sessions, counters, schemas and the YANG library (RFC 6022, RFC 7895, RFC 8525)."""

from __future__ import annotations

import asyncio
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest
from netconf_client import END, NC, chunked, connect, open_channel
from netconf_server import PROMISE, Door, serving

from promise.northbound.library.modules import Library, library
from promise.northbound.library.trees import CAPABILITY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from netconf_client import NetconfClient

NCM = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"
LIBRARY = "urn:ietf:params:xml:ns:yang:ietf-yang-library"
M = f"{{{NCM}}}"
L = f"{{{LIBRARY}}}"
YANGLINT = shutil.which("yanglint")
STATE = f'<get><filter><netconf-state xmlns="{NCM}"/></filter></get>'


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with serving(tmp_path) as opened:
        yield opened


def get_schema(*children: str, **leaves: str) -> str:
    inside = "".join(f"<{name}>{text}</{name}>" for name, text in leaves.items()) + "".join(children)
    return f'<get-schema xmlns="{NCM}">{inside}</get-schema>'


def numbers(element: Any) -> dict[str, int]:
    return {str(leaf.tag).rpartition("}")[2]: int(leaf.text) for leaf in element if (leaf.text or "").isdigit()}


async def state(client: NetconfClient) -> Any:
    reply = await client.rpc(STATE)
    return reply.find(f"{NC}data/{M}netconf-state")


async def errors(client: NetconfClient, request: str) -> list[tuple[str, str]]:
    reply = await client.rpc(request)
    return [(one.findtext(NC + "error-tag"), one.findtext(NC + "error-path")) for one in reply.iter(NC + "rpc-error")]


async def status(*command: str) -> int | None:
    """Run a program and return its exit status."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    return await process.wait()


# --- schemas


@pytest.mark.rfc("6022", "3.1", "get-schema gives every schema that is listed")
@pytest.mark.rfc("6022", "2.1.3", "the list of schemas has every module, imports too")
async def test_every_schema_that_is_told_of_can_be_fetched_byte_for_byte(door: Door, tmp_path: Path) -> None:
    async with await connect(*door.admin) as client:
        told = await state(client)
        schemas = [{str(leaf.tag)[len(M) :]: leaf.text for leaf in one} for one in told.iter(M + "schema")]
        assert {one["identifier"] for one in schemas} == set(library().modules)
        for one in schemas:
            reply = await client.rpc(get_schema(identifier=one["identifier"], version=one["version"]))
            text = reply.findtext(M + "data")
            assert text == library().modules[one["identifier"]].text
            (tmp_path / f"{one['identifier']}@{one['version']}.yang").write_text(text, encoding="utf-8")
    files = [str(tmp_path / f"{module.name}@{module.revision}.yang") for module in library().implemented]
    assert await status(sys.executable, "-m", "pyang", "-p", str(tmp_path), *files) == 0
    if YANGLINT:
        assert await status(YANGLINT, "-p", str(tmp_path), *files) == 0


@pytest.mark.rfc("6022", "3.1", "an unknown schema, version or format is invalid-value")
async def test_what_is_no_schema_of_ours(door: Door) -> None:
    async with await connect(*door.admin) as client:
        at = "/nc:rpc/ncm:get-schema"
        assert await errors(client, get_schema(identifier="no-such")) == [("invalid-value", f"{at}/ncm:identifier")]
        assert await errors(client, get_schema(identifier="opnfv-promise", version="2015-01-01")) == [
            ("invalid-value", f"{at}/ncm:version")
        ]
        assert await errors(client, get_schema(identifier="opnfv-promise", format="yin")) == [
            ("invalid-value", f"{at}/ncm:format")
        ]
        assert await errors(client, get_schema()) == [("missing-element", at)]
        assert await errors(client, get_schema(identifier="a", colour="b")) == [("unknown-element", at)]
        twice = get_schema("<identifier>a</identifier>", identifier="b")
        assert await errors(client, twice) == [("bad-element", f"{at}/ncm:identifier")]


@pytest.mark.rfc("6022", "3.1", "the format is an identity, yang by default")
@pytest.mark.parametrize("form", ["yang", "x:yang"])
async def test_the_format_is_an_identity(door: Door, form: str) -> None:
    asked = get_schema(f'<format xmlns:x="{NCM}">{form}</format>', identifier="opnfv-promise", version="")
    async with await connect(*door.admin) as client:
        assert (await client.rpc(asked)).findtext(M + "data").startswith("module opnfv-promise {")


# --- the YANG library


@pytest.mark.rfc("8525", "3", "the library, and modules-state beside it")
@pytest.mark.rfc("8526", "2", "the capability yang-library:1.1 carries the content-id")
async def test_the_library_tells_the_same_in_both_forms(door: Door) -> None:
    async with await connect(*door.admin) as client:
        reply = await client.rpc(
            f'<get><filter><yang-library xmlns="{LIBRARY}"/><modules-state xmlns="{LIBRARY}"/></filter></get>'
        )
        content = reply.findtext(f"{NC}data/{L}yang-library/{L}content-id")
        assert f"{CAPABILITY}{content}" in client.capabilities
        assert reply.findtext(f"{NC}data/{L}modules-state/{L}module-set-id") == content
        new = {one.findtext(L + "name") for one in reply.iter(L + "module") if one.getparent().tag == L + "module-set"}
        old = {
            one.findtext(L + "name")
            for one in reply.iter(L + "module")
            if one.findtext(L + "conformance-type") == "implement"
        }
        assert new == old == {module.name for module in library().implemented}
        stores = {one.findtext(L + "name") for one in reply.iter(L + "datastore")}
        assert {f"ietf-datastores:{name}" for name in ("running", "candidate", "operational")} == stores


@pytest.mark.rfc("8525", "3", "content-id changes with the set")
def test_the_content_id_follows_the_content() -> None:
    modules = library().modules
    ours = modules["opnfv-promise"]
    others = [module for module in modules.values() if module is not ours]
    changed = type(ours)(ours.name, ours.revision, ours.namespace, ours.prefix, True, ours.features, ours.text + "\n")
    fewer = type(ours)(ours.name, ours.revision, ours.namespace, ours.prefix, False, ours.features, ours.text)
    ids = {Library.of([*others, one]).content_id for one in (ours, changed, fewer)} | {Library.of(others).content_id}
    assert len(ids) == 4
    assert Library.of([ours, *reversed(others)]).content_id == library().content_id


# --- sessions and counters


@pytest.mark.rfc("6022", "2.1.4", "every session with its counters")
async def test_sessions_and_what_they_did(door: Door) -> None:
    async with await connect(*door.admin) as client, await connect(door.host, door.port, "fred", "secret") as other:
        await other.rpc(f'<echo xmlns="{PROMISE}"/>')
        await other.rpc(f'<denied xmlns="{PROMISE}"/>')
        found = await state(client)
        entries = {one.findtext(M + "username"): one for one in found.iter(M + "session")}
        assert set(entries) == {"admin", "fred"}
        fred = entries["fred"]
        assert fred.findtext(M + "source-host") == "127.0.0.1"
        assert fred.findtext(M + "transport").endswith("netconf-ssh")
        assert fred.findtext(M + "login-time").endswith("Z")
        assert numbers(fred) == {
            "session-id": other.session_id, "in-rpcs": 2, "in-bad-rpcs": 0, "out-rpc-errors": 1, "out-notifications": 0
        }  # fmt: skip
        assert numbers(found.find(M + "statistics")) == {
            "in-bad-hellos": 0, "in-sessions": 2, "dropped-sessions": 0, "in-rpcs": 3, "in-bad-rpcs": 0,
            "out-rpc-errors": 1, "out-notifications": 0,
        }  # fmt: skip


@pytest.mark.rfc("6022", "2.1.5", "how sessions begin and end is counted")
async def test_how_sessions_end_is_counted(door: Door) -> None:
    async with await connect(*door.admin) as client:
        async with await connect(*door.admin) as closing:
            await closing.rpc("<close-session/>")
        async with await connect(*door.admin) as killed:
            await client.rpc(f"<kill-session><session-id>{killed.session_id}</session-id></kill-session>")
        async with await connect(*door.admin) as dropped:
            await dropped.rpc("<get-config><source><running/></source></get-config>")
        async with await open_channel(*door.admin) as speechless:
            speechless.send(b"<hello/>" + END)
            await speechless.closed()
        async with await connect(*door.admin) as garbled:
            garbled.send(chunked(b"<rpc"))
            assert b"malformed-message" in await garbled.receive()
        async with asyncio.timeout(30):
            while True:  # that a connection is lost is noticed a little later
                found = numbers((await state(client)).find(M + "statistics"))
                if found["dropped-sessions"] == 2:
                    break
        assert found["in-bad-hellos"] == 1
        assert found["in-sessions"] - found["in-bad-hellos"] == 5
        assert found["in-bad-rpcs"] == 1
