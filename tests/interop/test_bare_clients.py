"""Libraries of others that know nothing of NETCONF or RESTCONF, as scripts use them: paramiko and requests."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import paramiko
import pytest
import requests
from evidence import EVIDENCE
from netconf_client import BASE_1_0, END, client_hello, rpc_message
from restconf_house import JSON, house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from restconf_house import House

RULES = "/data/opnfv-promise:promise/policy/reservation"


@pytest.fixture
async def found(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path / "state", cloud=True) as running:
        yield running


async def test_paramiko_invokes_the_subsystem_and_reads_up_to_the_delimiter(found: House) -> None:
    def work() -> list[bytes]:
        with socket.create_connection(found.app.address) as plain:
            transport = paramiko.Transport(plain)
            try:
                transport.connect(username="admin", password="admin")
                channel = transport.open_session()
                channel.invoke_subsystem("netconf")
                requests_ = [
                    rpc_message(name, str(number)) for number, name in enumerate(("<get/>", "<close-session/>"))
                ]
                channel.sendall(client_hello(BASE_1_0) + END + b"".join(each + END for each in requests_))
                told = b""
                while part := channel.recv(1000):  # until the server has closed it
                    told += part
                assert channel.recv_exit_status() == 0
                return told.split(END)
            finally:
                transport.close()

    hello, data, ok, rest = await asyncio.to_thread(work)
    assert b"<session-id>" in hello
    assert b"<promise xmlns=" in data
    assert b"<ok/>" in ok
    assert rest == b""


async def test_requests_reads_edits_invokes_and_follows_a_stream(found: House) -> None:
    host, port = found.app.http
    base = f"http://{host}:{port}/restconf"

    def work() -> None:
        with requests.Session() as http:
            http.auth = ("admin", "admin")
            http.headers["Accept"] = JSON

            def ask(method: str, path: str, status: int, body: Any = None, **headers: str) -> requests.Response:
                more = {name.replace("_", "-"): value for name, value in headers.items()}
                answer = http.request(method, base + path, json=body, headers=more, timeout=30)
                assert answer.status_code == status, (method, path, answer.text)
                EVIDENCE.answered(method, answer.url, answer.headers, answer.content)
                return answer

            rules = {"opnfv-promise:reservation": {"expiry": 5}}
            ask("PUT", RULES, 201, rules, Content_Type=JSON)
            read = ask("GET", RULES, 200)
            assert read.json() == rules
            tag = read.headers["ETag"]
            ask("GET", RULES, 304, If_None_Match=tag)
            ask("PATCH", RULES, 204, {"opnfv-promise:reservation": {"expiry": 6}}, Content_Type=JSON, If_Match=tag)
            ask("PATCH", RULES, 412, rules, Content_Type=JSON, If_Match=tag)
            made = ask(
                "POST", "/operations/opnfv-promise:create-reservation", 200,
                {"opnfv-promise:input": {"capacity": {"cores": 1}}}, Content_Type=JSON,
            ).json()["opnfv-promise:output"]  # fmt: skip
            assert made["result"] == "ok"
            ask("GET", f"/data/opnfv-promise:promise/reservations={made['reservation-id']}", 200)
            ask("DELETE", RULES, 204)
            ask("DELETE", RULES, 404)
            stream = f"{base}/streams/reservation/json?start-time=2026-01-01T00:00:00Z"
            with http.get(stream, headers={"Accept": "text/event-stream"}, stream=True, timeout=30) as events:
                lines = (line.decode() for line in events.iter_lines() if line.startswith(b"data: "))
                first = next(lines).removeprefix("data: ")
                EVIDENCE.sent(first)
                assert made["reservation-id"] in first

    await asyncio.to_thread(work)
