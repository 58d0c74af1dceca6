"""The bindings against yanglint (libyang), where it is installed: what we write it accepts, what it refuses we refuse.

yanglint 2.1 looks neither at `must` in messages, nor at entries of one key in replies, nor at whether a date exists.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from lxml import etree
from oracle import yang_documents, yang_judges
from oracle.yang_model import YANG, ours

from promise import errors

if TYPE_CHECKING:
    from pathlib import Path

    from oracle.yang_model import Side

YANGLINT = shutil.which("yanglint")
BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
EVENT = "urn:ietf:params:xml:ns:netconf:notification:1.0"
SIDES = [pytest.param(side, id=str(side)) for side in ours().sides()]
KINDS = {"input": "nc-rpc", "output": "nc-reply", "notification": "nc-notif"}
LENIENT = (errors.MustViolation, errors.DuplicateNode)

pytestmark = pytest.mark.skipif(YANGLINT is None, reason="yanglint (libyang-tools) is not installed")


def drawn(strategy: Any, count: int) -> list[Any]:
    """Return some documents, always the same."""
    found: list[Any] = []

    @settings(
        max_examples=count, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def collect(document: Any) -> None:
        found.append(document)

    collect()
    return found


def envelope(side: Side, inner: str) -> str:
    """Return a NETCONF message around the operation, the children of a reply, or a notification."""
    if side.side == "notification":
        return f'<notification xmlns="{EVENT}"><eventTime>2026-11-20T12:00:00Z</eventTime>{inner}</notification>'
    tag = "rpc" if side.side == "input" else "rpc-reply"
    return f'<{tag} xmlns="{BASE}" message-id="1">{inner}</{tag}>'


def accepted(folder: Path, side: Side, messages: list[str]) -> bool:
    """Tell whether yanglint accepts all of the messages."""
    assert YANGLINT is not None
    names = []
    for number, message in enumerate(messages):
        names.append(folder / f"{number}.xml")
        names[-1].write_text(message, encoding="utf-8")
    request = folder / "request.xml"
    request.write_text(f'<rpc xmlns="{BASE}" message-id="1"><{side.operation} xmlns="urn:opnfv:promise"/></rpc>')
    more: list[str | Path] = ["-R", request] if side.side == "output" else []
    command: list[str | Path] = [
        YANGLINT,
        "-t",
        KINDS[side.side],
        *more,
        "-p",
        YANG,
        "-p",
        YANG / "ietf",
        YANG / "opnfv-promise.yang",
    ]
    return subprocess.run([*command, *names], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("side", SIDES)
def test_what_we_write_yanglint_accepts(side: Side, tmp_path: Path) -> None:
    messages = []
    for body in drawn(yang_documents.bodies(side.node), 30 if side.side == "output" else 8):
        try:
            messages.append(envelope(side, side.encode_xml(side.decode_json(body)).decode()))
        except errors.Invalid:
            continue
    messages = messages[-8:]
    assert messages
    if side.side == "output":  # it takes one reply to one request
        assert all(accepted(tmp_path, side, [message]) for message in messages[-3:])
    else:
        assert accepted(tmp_path, side, messages)


@pytest.mark.parametrize("side", [side for side in SIDES if "output" not in str(side.id)])
def test_what_yanglint_refuses_we_refuse(side: Side, tmp_path: Path) -> None:
    judged = 0
    for body in drawn(yang_documents.spoilt(side.node), 6):
        try:
            inner = yang_judges.markup(ours(), side, body, name=side.operation)
        except yang_judges.NoXml:
            continue
        fault: errors.Invalid | None = None
        try:
            side.decode_xml(etree.fromstring(inner))
        except errors.Invalid as found:
            fault = found
        if isinstance(fault, LENIENT) or (fault is not None and "date-and-time" in fault.rule):
            continue
        assert accepted(tmp_path, side, [envelope(side, inner)]) == (fault is None), (inner, fault)
        judged += 1
    assert judged
