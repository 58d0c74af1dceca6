"""Whatever is asked of the RESTCONF door, it is answered or refused: never with a fault of ours, never by silence."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree
from restconf_house import JSON, XML, House, house

from promise.northbound.access import Identity
from promise.northbound.restconf.door import Door

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ID = "00000000-0000-4000-8000-000000000001"
METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE"]
KINDS = [JSON, XML, "application/yang-patch+json", "application/yang-patch+xml", "text/html", "", ";;,q=", "*/*;q=x"]

steps = st.sampled_from(
    ["opnfv-promise:promise", "policy", "reservation", "expiry", "providers", f"providers={ID}", "id", "name", "pools",
     "reservations", f"reservations={ID}", "capacity", "cores", "users=x", "group", "group=a%2Fb", "overcommit=cores",
     "subscriptions", "", "=", "=,", "%", "%zz", "%ff", "%00", "x:y", ":", "providers=a,b", "ietf-netconf-acm:nacm",
     "rule-list=%20", "ietf-yang-library:yang-library", "module-set=promise", "datastore=ietf-datastores%3Arunning"]
)  # fmt: skip
roots = st.sampled_from(
    ["/restconf/data/opnfv-promise:promise", "/restconf/data", "/restconf/ds/ietf-datastores:candidate",
     "/restconf/ds/",
     "/restconf/operations", "/restconf", "/restconf/operations/opnfv-promise:query-capacity", "/restconf/dat", "", "*"]
)  # fmt: skip
paths = st.builds(lambda root, below: "/".join([root, *below]), roots, st.lists(steps, max_size=4))
parameters = st.sampled_from(
    ["depth=2", "depth=0", "depth=", "content=config", "content=nonconfig", "fields=id", "fields=a(b;c)/d", "fields=(",
     "fields=policy(reservation/expiry)", "with-defaults=report-all", "with-defaults=trim", "limit=1", "offset=9",
     "cursor=x", "direction=backwards", "insert=first", "insert=before", "point=%2Fa",
     "with-defaults=report-all-tagged",
     f"point=%2Fopnfv-promise%3Apromise%2Fproviders%3D{ID}", "where=x", "%ff=1", "=", "&", "start-time=x"]
)  # fmt: skip
queries = st.lists(parameters, max_size=3).map("&".join)
names = st.sampled_from(
    ["opnfv-promise:promise", "opnfv-promise:policy", "opnfv-promise:providers", "opnfv-promise:input", "reservation",
     "id", "expiry", "ietf-restconf:data", "ietf-yang-patch:yang-patch", "patch-id", "edit", "edit-id", "operation",
     "target", "value", "@", "@id", "x:y", "", "opnfv-promise:expiry", "opnfv-promise:users", "name", "group"]
)  # fmt: skip
scalars = st.sampled_from(
    [None, True, 0, 5, -1, 1.5, "", "x", ID, "5", "merge", "move", "/", f"/providers={ID}", [None], 2**70]
)
trees = st.recursive(
    scalars,
    lambda inner: st.dictionaries(names, inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=8,
)
markup = st.sampled_from(
    [b"", b"<", b"<a/>", b'<input xmlns="urn:opnfv:promise"/>', b'<policy xmlns="urn:opnfv:promise"><x/></policy>',
     b'<data xmlns="urn:ietf:params:xml:ns:yang:ietf-restconf">x</data>', b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
     b'<providers xmlns="urn:opnfv:promise"><id>%b</id></providers>' % ID.encode(),
     b'<yang-patch xmlns="urn:ietf:params:xml:ns:yang:ietf-yang-patch"><patch-id>1</patch-id><edit/></yang-patch>']
)  # fmt: skip
bodies = trees.map(lambda tree: json.dumps(tree).encode()) | markup | st.binary(max_size=20)


class Asked:
    """A request as the HTTP server would give it to the door."""

    origin = "http://here"
    source = "127.0.0.1:1"
    private = True
    chain: Sequence[bytes] = ()

    def __init__(self, method: str, path: str, query: str, headers: dict[str, str], content: bytes) -> None:
        self.method = method
        self.path = path
        self.query = query
        self._headers = headers
        self._content = content

    def header(self, name: str) -> str | None:
        return self._headers.get(name)

    async def body(self) -> bytes:
        return self._content


class Anybody:
    challenge = "Any"
    passing = False

    async def identity(self, request: object) -> Identity | None:
        return Identity("admin", frozenset({"admin"}))


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, Door, House]]:
    with asyncio.Runner() as runner:
        context = house(tmp_path_factory.mktemp("requests") / "state")
        found = runner.run(context.__aenter__())
        app = found.app
        yield runner, Door(app.operations, app.front.records, app.front.datastores, [Anybody()], dict), found
        runner.run(context.__aexit__(None, None, None))


headers = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(KINDS),
        "Accept": st.sampled_from(KINDS),
        "If-Match": st.sampled_from(["*", '"x"', "x", '"-json"', ""]),
        "If-None-Match": st.sampled_from(["*", '"x"', "W/", ""]),
        "If-Modified-Since": st.sampled_from(["Fri, 15 Jan 2027 08:00:00 GMT", "x", "Mon, 99 Foo 99999 99:99:99"]),
    },
)


@settings(max_examples=300, deadline=None)
@given(st.builds(Asked, st.sampled_from(METHODS), paths, queries, headers, bodies))
@example(
    Asked("GET", "/restconf/data", "with-defaults=report-all-tagged&depth=3&fields=opnfv-promise:promise", {}, b"")
)
def test_every_request_is_answered_or_refused(opened: tuple[asyncio.Runner, Door, House], asked: Asked) -> None:
    runner, door, _ = opened
    reply = runner.run(door.answer(asked))
    about = (asked.method, asked.path, asked.query, asked._headers, asked._content, reply)
    assert reply.status != 500, about
    if reply.body and "json" in reply.media:
        told: Any = json.loads(reply.body)
        assert (reply.status < 400) is ("ietf-restconf:errors" not in told or "yang-patch-status" in str(told)), about
    elif reply.body and "xml" in reply.media:
        etree.fromstring(reply.body)
    if reply.status == 405:
        assert "Allow" in reply.headers, about
