"""NETCONF sessions over real sockets: order, pipelines, ends, and clients that do not keep up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree
from netconf_client import (
    BASE,
    BASE_1_0,
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
from netconf_server import PROMISE, Door, P, serving, until
from structlog.testing import capture_logs

from promise.northbound.library.modules import library
from promise.northbound.library.trees import CAPABILITY
from promise.northbound.patience import Limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with serving(tmp_path) as opened:
        yield opened


def op(name: str, text: str = "") -> str:
    return f'<{name} xmlns="{PROMISE}">{text}</{name}>'


def errors_of(reply: Any) -> list[str]:
    return [str(element.text) for element in reply.iter(NC + "error-tag")]


@pytest.mark.rfc("6241", "8.1", "the server's hello: session-id and capabilities")
async def test_a_session_has_an_id_and_advertises_what_works(door: Door) -> None:
    async with await connect(*door.admin) as first, await connect(*door.admin) as second:
        assert 0 < first.session_id < second.session_id
        assert first.capabilities == {
            BASE_1_0,
            "urn:ietf:params:netconf:base:1.1",
            CAPABILITY + library().content_id,
            *(
                f"{module.namespace}?module={module.name}&revision={module.revision}"
                + (f"&features={','.join(module.features)}" if module.features else "")
                for module in library().modules.values()
            ),
        }
        assert "urn:opnfv:promise?module=opnfv-promise&revision=2026-11-20" in first.capabilities
        assert set(door.server.sessions) == {first.session_id, second.session_id}


async def test_the_caller_of_an_operation_is_known(door: Door) -> None:
    async with await connect(door.host, door.port, "fred", "secret") as client:
        await client.rpc(op("echo"))
    (caller,) = door.operations.callers
    assert (caller.username, caller.groups, caller.project) == ("fred", frozenset({"tenant"}), "bedrock")
    assert (caller.session_id, caller.transport) == (client.session_id, "netconf-ssh")
    assert caller.source.startswith("127.0.0.1:")


@pytest.mark.rfc("6241", "7.1", "get-config")
@pytest.mark.rfc("6241", "7.7", "get")
@pytest.mark.parametrize("base", [(), (BASE_1_0,)])
async def test_get_and_get_config_show_the_tree(door: Door, base: tuple[str, ...]) -> None:
    async with await connect(*door.admin, base=base) as client:
        whole = await client.rpc("<get/>")
        config = await client.rpc("<get-config><source><running/></source></get-config>")
        north = f'<promise xmlns="{PROMISE}"><pools><zone>north</zone><id/></pools></promise>'
        some = await client.rpc(f'<get><filter type="subtree">{north}</filter></get>')
        none = await client.rpc("<get><filter/></get>")
    assert [element.text for element in whole.iter(P + "zone")] == ["north", "söuth"]
    assert [child.tag for child in config[0][0]] == [P + "policy"]
    assert [(child.tag, child.text) for child in some[0][0][0]] == [(P + "id", "1"), (P + "zone", "north")]
    assert none[0].tag == NC + "data"
    assert len(none[0]) == 0
    assert door.datastores.asked == [("admin", False), ("admin", True), ("admin", False), ("admin", False)]


@pytest.mark.rfc("6241", "4.5", "requests that come with the hello")
@pytest.mark.parametrize("base", [(), (BASE_1_0,)])
@pytest.mark.parametrize("step", [0, 1, 7, 100])
async def test_requests_that_arrive_with_the_hello_are_answered_in_order(
    door: Door, base: tuple[str, ...], step: int
) -> None:
    requests = [rpc_message(op("echo", str(number)), str(number)) for number in range(20)]
    framed = [message + END if base else chunked(message) for message in requests]
    data = client_hello(*base) + END + b"".join(framed)
    client = await open_channel(*door.admin)
    async with client:
        for at in range(0, len(data), step or len(data)):
            client.send(data[at : at + (step or len(data))])
        client.read_hello(await client.receive())
        client.chunked = not base
        replies = [await client.receive_element() for _ in requests]
    assert [reply.get("message-id") for reply in replies] == [str(number) for number in range(20)]
    assert [reply[0].text for reply in replies] == [str(number) for number in range(20)]


@pytest.mark.rfc("6242", "4.1", "a client that frames its hello in chunks is forgiven")
async def test_a_hello_in_chunks_is_forgiven(door: Door) -> None:
    async with await open_channel(*door.admin) as client:
        client.send(chunked(client_hello()) + chunked(rpc_message(op("echo", "hi"), "1")))
        client.read_hello(await client.receive())
        client.chunked = True
        assert (await client.receive_element())[0].text == "hi"


async def test_what_was_sent_before_the_end_of_file_is_answered(door: Door) -> None:
    async with await open_channel(*door.admin) as client:
        client.send(client_hello() + END + b"".join(chunked(rpc_message(op("echo"), str(n))) for n in range(50)))
        client.channel.write_eof()
        client.read_hello(await client.receive())
        client.chunked = True
        assert [(await client.receive_element()).get("message-id") for _ in range(50)] == [str(n) for n in range(50)]
        assert await client.closed() == 0


async def test_a_reply_that_waits_holds_back_later_replies_but_not_later_decisions(door: Door) -> None:
    async with await connect(*door.admin) as client:
        asking = asyncio.ensure_future(
            client.pipeline([op("pending", "a"), op("echo", "b"), op("pending", "c"), op("echo", "d")])
        )
        await until(lambda: door.operations.decided == ["a", "b", "c", "d"])
        door.operations.gate("c").set()
        await asyncio.sleep(0)
        assert not asking.done()
        door.operations.gate("a").set()
        assert [reply[0].text for reply in await asking] == list("abcd")


async def test_a_decision_that_waits_holds_back_later_decisions_of_its_session_alone(door: Door) -> None:
    async with await connect(*door.admin) as client, await connect(*door.admin) as other:
        asking = asyncio.ensure_future(client.pipeline([op("slow", "a"), op("echo", "b")]))
        await other.rpc(op("echo", "other"))
        assert door.operations.decided == ["other"]
        door.operations.gate("a").set()
        await asking
        assert door.operations.decided == ["other", "a", "b"]


async def test_a_reply_that_fails_late_is_an_error(door: Door) -> None:
    door.operations.gate("fails").set()
    async with await connect(*door.admin) as client:
        failed, well = await client.pipeline([op("pending", "fails"), op("echo", "b")])
    assert errors_of(failed) == ["operation-failed"]
    assert failed.findtext(f".//{NC}error-app-tag") == "promise:ledger"
    assert errors_of(well) == []


async def test_a_bug_is_told_without_details_and_the_session_goes_on(door: Door) -> None:
    async with await connect(*door.admin) as client:
        with capture_logs() as logs:
            bug, well = await client.pipeline([op("bug"), op("echo", "b")])
    assert errors_of(bug) == ["operation-failed"]
    assert b"secret" not in etree.tostring(bug)
    assert errors_of(well) == []
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["internal-error"]


async def test_every_rpc_is_one_line_in_the_log(door: Door) -> None:
    async with await connect(*door.admin) as client:
        with capture_logs() as logs:
            await client.pipeline([op("echo"), op("denied"), "<get/>"])
        lines = [entry for entry in logs if entry["event"] == "rpc"]
    assert [(line["operation"], line["outcome"]) for line in lines] == [
        ("echo", "ok"),
        ("denied", "access-denied"),
        ("get", "ok"),
    ]
    assert all(line["user"] == "admin" and line["session"] == client.session_id for line in lines)
    assert all(line["ms"] >= 0 for line in lines)


@pytest.mark.rfc("6241", "7.8", "close-session")
async def test_close_session_is_answered_after_what_came_before_and_ends_the_session(door: Door) -> None:
    async with await connect(*door.admin) as client:
        door.operations.gate("a").set()
        answered = await client.pipeline([op("pending", "a"), "<close-session/>"])
        assert answered[1][0].tag == NC + "ok"
        assert await client.closed() == 0
        await client.connection.wait_closed()
    assert door.server.sessions == {}


@pytest.mark.rfc("6241", "7.8", "nothing after close-session is decided")
async def test_nothing_after_close_session_is_decided(door: Door) -> None:
    async with await connect(*door.admin) as client:
        client.send(b"".join(chunked(rpc_message(o, "1")) for o in ("<close-session/>", op("echo", "late"))))
        await client.receive()
        with pytest.raises(Closed):
            await client.receive()
    assert door.operations.decided == []


@pytest.mark.rfc("6241", "7.9", "kill-session")
async def test_kill_session_ends_another_session(door: Door) -> None:
    async with await connect(*door.admin) as killer, await connect(door.host, door.port, "fred", "secret") as victim:
        waiting = asyncio.ensure_future(victim.rpc(op("slow", "a")))
        await until(lambda: door.operations.callers)
        reply = await killer.rpc(f"<kill-session><session-id>{victim.session_id}</session-id></kill-session>")
        assert reply[0].tag == NC + "ok"
        with pytest.raises(Closed):
            await waiting
        again = await killer.rpc(f"<kill-session><session-id>{victim.session_id}</session-id></kill-session>")
        door.operations.gate("a").set()
        await until(lambda: victim.session_id not in door.server.sessions)
        assert errors_of(again) in ([], ["invalid-value"])
        gone = await killer.rpc(f"<kill-session><session-id>{victim.session_id}</session-id></kill-session>")
        assert errors_of(gone) == ["invalid-value"]
    assert door.operations.decided == ["a"]  # what is being decided is decided


@pytest.mark.rfc("6241", "7.9", "a session that is not there is invalid-value")
@pytest.mark.parametrize(
    ("parameters", "tag"),
    [
        ("", "missing-element"),
        ("<session-id/>", "invalid-value"),
        ("<session-id>0</session-id>", "invalid-value"),
        ("<session-id>-1</session-id>", "invalid-value"),
        ("<session-id>x</session-id>", "invalid-value"),
        ("<session-id>4294967296</session-id>", "invalid-value"),
        (f"<session-id>{'9' * 10_000}</session-id>", "invalid-value"),
        ("<session-id>4294967295</session-id>", "invalid-value"),
        ("<session-id>1</session-id><session-id>2</session-id>", "bad-element"),
        ("<session>1</session>", "unknown-element"),
    ],
)
async def test_kill_session_says_what_is_wrong(door: Door, parameters: str, tag: str) -> None:
    async with await connect(*door.admin) as client:
        assert errors_of(await client.rpc(f"<kill-session>{parameters}</kill-session>")) == [tag]


@pytest.mark.rfc("6241", "7.9", "a session cannot kill itself")
async def test_a_session_cannot_kill_itself_and_killing_is_not_for_everybody(door: Door) -> None:
    async with await connect(*door.admin) as admin, await connect(door.host, door.port, "fred", "secret") as fred:
        own = await admin.rpc(f"<kill-session><session-id>{admin.session_id}</session-id></kill-session>")
        assert errors_of(own) == ["invalid-value"]
        async with await connect(door.host, door.port, "fred", "secret") as second:
            for session in (fred, admin, second):  # RFC 8341: nobody without a rule, not even one's own
                kill = f"<kill-session><session-id>{session.session_id}</session-id></kill-session>"
                assert errors_of(await fred.rpc(kill)) == ["access-denied"]


async def test_what_a_client_asked_for_is_decided_to_its_end_when_it_goes(door: Door) -> None:
    async with await connect(*door.admin) as client:
        client.send_message(rpc_message(op("slow", "a"), "1"))
        await until(lambda: door.operations.callers)
        client.connection.abort()
    door.operations.gate("a").set()
    await until(lambda: not door.server.sessions)
    assert door.operations.decided == ["a"]


async def test_large_replies_arrive_whole(door: Door) -> None:
    async with await connect(*door.admin) as client, await connect(*door.admin, base=(BASE_1_0,)) as old:
        for of in (client, old):
            replies = await of.pipeline([op("large", "3000000"), op("echo", "b"), op("large", "100000")])
            assert [len(reply[0].text) for reply in replies] == [3_000_000, 1, 100_000]


@pytest.mark.parametrize("layer", ["ssh", "tcp"])
async def test_a_client_that_does_not_read_is_not_listened_to(door: Door, layer: str) -> None:
    """Its SSH window is closed, or TCP takes nothing: either way we stop deciding, and go on when it reads again."""
    window = 2**31 if layer == "tcp" else 2**21
    async with await open_channel(*door.admin, window=window) as client, await connect(*door.admin) as other:
        await client.hello()
        reader = client.channel if layer == "ssh" else client.connection._transport
        assert reader is not None
        reader.pause_reading()
        for _ in range(400):
            client.send_message(rpc_message(op("large", "100000"), "1"))
        for number in range(50):
            await other.rpc(op("echo", str(number)))
        asked = sum(1 for caller in door.operations.callers if caller.session_id == client.session_id)
        assert asked < 200
        reader.resume_reading()
        for _ in range(400):
            assert len(await client.receive()) > 100_000


async def test_a_client_is_not_listened_to_while_its_request_is_being_decided(door: Door) -> None:
    async with await connect(*door.admin) as client, await connect(*door.admin) as other:
        client.send_message(rpc_message(op("slow", "a"), "0"))
        for number in range(5000):
            client.send_message(rpc_message(op("echo"), str(number)))
        for number in range(50):
            await other.rpc(op("echo", str(number)))
        assert door.server.sessions[client.session_id]._session.unread < 200_000
        assert client.channel.get_write_buffer_size() > 200_000
        door.operations.gate("a").set()
        answered = [(await client.receive_element()).get("message-id") for _ in range(5001)]
        assert answered == ["0", *(str(number) for number in range(5000))]


async def test_an_answer_that_somebody_cancels_is_an_error_and_the_session_goes_on(door: Door) -> None:
    async with await connect(*door.admin) as client:
        cancelled, well = await client.pipeline([op("cancelled"), op("echo", "b")])
    assert errors_of(cancelled) == ["operation-failed"]
    assert well[0].text == "b"


@pytest.mark.limit("requests without number at once", "so many wait for their answers", "netconf.max_pipeline")
async def test_no_more_answers_than_the_pipeline_holds_are_outstanding(tmp_path: Path) -> None:
    async with serving(tmp_path, limits=Limits(pipeline=5)) as door, await connect(*door.admin) as client:
        asking = asyncio.ensure_future(client.pipeline([op("pending", "a")] * 20))
        async with await connect(*door.admin) as other:
            for number in range(20):
                await other.rpc(op("echo", str(number)))
        assert door.operations.decided.count("a") == 5
        door.operations.gate("a").set()
        await asking
        assert door.operations.decided.count("a") == 20


@pytest.mark.limit("a session that never says hello", "it has its time", "netconf.hello_timeout")
async def test_a_client_without_hello_is_closed_and_one_with_it_is_not(tmp_path: Path) -> None:
    async with serving(tmp_path, limits=Limits(hello_timeout=0.5)) as door, await connect(*door.admin) as talking:
        async with await open_channel(*door.admin) as silent:
            assert await silent.closed() == 1
        assert errors_of(await talking.rpc(op("echo"))) == []


@pytest.mark.limit("a session that sits idle", "it has its time, when that is configured", "netconf.idle_timeout")
async def test_an_idle_session_is_closed_only_when_that_is_configured(tmp_path: Path) -> None:
    limits = Limits(hello_timeout=0.5, idle_timeout=0.05)
    async with serving(tmp_path, limits=limits) as door, await connect(*door.admin) as client:
        assert await client.closed() == 0


async def test_stopping_answers_what_is_being_decided_and_accepts_nobody(tmp_path: Path) -> None:
    async with serving(tmp_path) as door, await connect(*door.admin) as client:
        asking = asyncio.ensure_future(client.pipeline([op("pending", "a"), op("slow", "b")]))
        await until(lambda: len(door.operations.callers) == 2)
        stopping = asyncio.ensure_future(door.server.stop(grace=30))
        await asyncio.sleep(0)
        with pytest.raises(OSError):  # noqa: PT011 - refused, in whatever words
            await connect(*door.admin)
        door.operations.gate("b").set()
        door.operations.gate("a").set()
        await stopping
        assert [errors_of(reply) for reply in await asking] == [[], []]
        assert await client.closed() == 0


async def test_stopping_does_not_wait_for_ever(tmp_path: Path) -> None:
    async with serving(tmp_path) as door, await connect(*door.admin) as client:
        client.send_message(rpc_message(op("slow", "never"), "1"))
        await until(lambda: door.operations.callers)
        await door.server.stop(grace=0.01)
        await client.closed()


async def test_two_hundred_sessions_at_once_are_served(door: Door) -> None:
    clients: list[NetconfClient] = []
    for _ in range(10):
        clients += await asyncio.gather(*(connect(*door.admin) for _ in range(20)))
    replies = await asyncio.gather(*(client.pipeline([op("echo", "x")] * 5) for client in clients))
    assert sum(len(of_one) for of_one in replies) == 1000
    assert len({client.session_id for client in clients}) == 200
    await asyncio.gather(*(client.close() for client in clients))


async def test_a_session_is_not_confused_by_the_default_namespace_of_the_rpc(door: Door) -> None:
    async with await connect(*door.admin) as client:
        client.send_message(f'<a:rpc xmlns:a="{BASE}" xmlns="{PROMISE}" message-id="1"><echo>x</echo></a:rpc>'.encode())
        reply = await client.receive_element()
        assert reply.nsmap == {None: PROMISE, "a": BASE}
        assert [(child.tag, child.text) for child in reply] == [(P + "echo", "x")]
