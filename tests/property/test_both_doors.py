"""NETCONF and RESTCONF cannot differ in meaning: the same request has the same answer by both, in XML and JSON."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from restconf_house import JSON, XML, House, house

from promise.errors import PromiseError
from promise.northbound import bindings as yang
from promise.northbound.access import Caller
from promise.northbound.faults import fault
from promise.northbound.port import Pending
from promise.northbound.restconf.invocation import Invocation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NS = "urn:opnfv:promise"
START = 1_800_000_000
ALICE = Caller("alice", project="red", transport="restconf")

counts = st.integers(0, 70) | st.sampled_from([-1, 2**32, "many", ""])
amounts = st.sampled_from(["0", "4096", "x", "18446744073709551615"])
capacity = st.fixed_dictionaries(
    {}, optional={"cores": counts, "ram": amounts, "instances": counts, "floppies": counts}
)
moments = st.sampled_from(
    ["2027-01-15T08:00:00Z", "2027-01-15T09:00:00+01:00", "2027-02-01T00:00:00.5Z", "2026-01-01T00:00:00Z", "soon"]
)
ids = st.sampled_from(["00000000-0000-4000-8000-000000000000", "ResourceReservation:nonsense", ""])
window = st.fixed_dictionaries(
    {}, optional={"start": moments, "end": moments, "scope": st.sampled_from(["inclusive", "x"])}
)
requests: st.SearchStrategy[tuple[str, dict[str, Any]]] = st.one_of(
    st.tuples(
        st.just("create-reservation"),
        st.fixed_dictionaries(
            {"dry-run": st.just(True)},
            optional={
                "capacity": capacity,
                "start": moments,
                "end": moments,
                "zone": st.just("az9"),
                "name": st.text(max_size=3),
            },
        ),
    ),
    st.tuples(
        st.just("query-capacity"),
        st.fixed_dictionaries(
            {},
            optional={
                "capacity": st.sampled_from(["total", "available", "everything"]),
                "window": window,
                "show-utilization": st.booleans(),
                "all-metrics": st.booleans(),
                "limit": counts,
                "without": st.lists(ids, max_size=3),
            },
        ),
    ),
    st.tuples(
        st.just("query-reservation"), st.fixed_dictionaries({}, optional={"window": window, "name": st.just("a<b&c")})
    ),
    st.tuples(st.just("cancel-reservation"), st.fixed_dictionaries({}, optional={"reservation-id": ids})),
    st.tuples(st.just("nosuch"), st.just({})),
)


def in_xml(name: str, body: dict[str, Any]) -> etree._Element:
    """Return the element that says what the JSON object says."""
    root = etree.Element(f"{{{NS}}}{name}")
    for key, value in body.items():
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, dict):
                root.append(in_xml(key, entry))
            else:
                text = str(entry).lower() if isinstance(entry, bool) else str(entry)
                etree.SubElement(root, f"{{{NS}}}{key}").text = text
    return root


NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def is_xml(value: Any) -> bool:
    """Tell whether XML can carry all texts of a request, as they are."""
    if isinstance(value, dict):
        return all(is_xml(entry) for entry in value.values())
    return not (isinstance(value, str) and NOT_XML.search(value))


class Posted:
    """A POST of an operation, as the door would get it."""

    method = "POST"
    path = query = origin = source = ""
    private = True
    chain: Sequence[bytes] = ()

    def __init__(self, content: bytes, kind: str) -> None:
        self._content = content
        self._kind = kind

    def header(self, name: str) -> str | None:
        return self._kind if name in {"Content-Type", "Accept"} else None

    async def body(self) -> bytes:
        return self._content


Told = tuple[str, Any]
"""The error-tag and error-app-tag, or the output."""


async def over_netconf(house: House, name: str, body: dict[str, Any]) -> Told:
    try:
        answer = await house.app.operations.call(ALICE, in_xml(name, body))
        content = await answer.reply if isinstance(answer, Pending) else answer
    except PromiseError as error:
        return fault(error).row.tag, fault(error).app_tag
    reply = etree.fromstring(b"<rpc-reply>%b</rpc-reply>" % content)
    return "", yang.RPCS[name].decode_output_xml(reply)


async def over_restconf(house: House, name: str, content: bytes, kind: str) -> Told:
    try:
        reply = await Invocation(house.app.operations).answer(ALICE, Posted(content, kind), f"/opnfv-promise:{name}")
    except PromiseError as error:
        return fault(error).row.tag, fault(error).app_tag
    if kind == XML:
        return "", yang.RPCS[name].decode_output_xml(etree.fromstring(reply.body))
    return "", yang.RPCS[name].decode_output_json(json.loads(reply.body))


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, House]]:
    with asyncio.Runner() as runner:
        context = house(tmp_path_factory.mktemp("doors") / "state", cloud=True)
        found = runner.run(context.__aenter__())
        runner.run(found.invoke("create-reservation", "alice", capacity={"cores": 5}, name="a<b&c"))
        yield runner, found
        runner.run(context.__aexit__(None, None, None))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(request=requests.filter(lambda request: is_xml(request[1])))
def test_a_request_means_the_same_by_every_door(
    opened: tuple[asyncio.Runner, House], request: tuple[str, dict[str, Any]]
) -> None:
    runner, found = opened
    name, body = request

    async def play() -> list[Told]:
        as_json = json.dumps({"opnfv-promise:input": body}).encode()
        as_xml = etree.tostring(in_xml("input", body))
        return [
            await over_netconf(found, name, body),
            await over_restconf(found, name, as_json, JSON),
            await over_restconf(found, name, as_xml, XML),
        ]

    netconf, in_json, in_markup = runner.run(play())
    if name == "nosuch":
        assert (netconf[0], in_json[0], in_markup[0]) == ("unknown-element", "invalid-value", "invalid-value")
    else:
        assert netconf == in_markup == in_json
