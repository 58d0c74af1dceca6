"""{+restconf}/operations: the RPCs of the modules (RFC 8040 sections 3.3.2 and 3.6)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from promise.errors import Invalid, Malformed, NoResource, NotAllowed
from promise.northbound.codec import parse_json
from promise.northbound.library.modules import library
from promise.northbound.message import parse, split
from promise.northbound.restconf import media
from promise.northbound.restconf.exchange import RESTCONF, Encoding, Further, Reply, Request
from promise.northbound.restconf.paths import decoded
from promise.northbound.restconf.query import NOTHING, read_query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promise.northbound.access import Caller
    from promise.northbound.codec import Rpc

METHODS = ("OPTIONS", "POST")
LISTING = ("GET", "HEAD", "OPTIONS")


class Invocable(Protocol):
    """The operation table."""

    rpcs: Mapping[str, Rpc[Any, Any]]
    """The operations by their name with that of the module ("opnfv-promise:create-reservation")."""

    def permit(self, caller: Caller, rpc: Rpc[Any, Any]) -> None:
        """Raise errors.Denied unless the caller may run an operation."""

    async def invoke(self, caller: Caller, rpc: Rpc[Any, Any], asked: Any) -> Any:
        """Decide a request and return its output. Raises errors.PromiseError."""


class Invocation:
    """Answers what is below {+restconf}/operations."""

    def __init__(self, table: Invocable, further: Further | None = None) -> None:
        self._table = table
        self._further = further
        self._others = tuple(further.names) if further is not None else ()

    async def answer(self, caller: Caller, request: Request, path: str) -> Reply:
        """Answer a request; `path` is what follows "/operations", empty for the list of them."""
        if path in {"", "/"}:
            return self._list(request)
        name = decoded(path[1:].removesuffix("/"))
        rpc = self._table.rpcs.get(name)
        if rpc is None and name not in self._others:
            raise NoResource(f'there is no operation "{name[:64]}"; each is called module:name')
        if request.method == "OPTIONS":
            return Reply(200, headers={"Allow": ", ".join(METHODS)})
        if request.method != "POST":
            raise NotAllowed("an operation is invoked by POST", METHODS)
        if rpc is None:
            assert self._further is not None
            self._further.permit(caller, name)
            read_query(request.query, NOTHING)
            return await self._further.invoke(caller, request, name)
        self._table.permit(caller, rpc)
        read_query(request.query, NOTHING)
        return await self._invoke(caller, request, rpc)

    def _list(self, request: Request) -> Reply:
        if request.method == "OPTIONS":
            return Reply(200, headers={"Allow": ", ".join(LISTING)})
        if request.method not in LISTING:
            raise NotAllowed("the operations are listed by GET, and each is invoked below its own name", LISTING)
        read_query(request.query, NOTHING)
        wanted = media.wanted(request)
        return Reply(200, listing((*self._table.rpcs, *self._others), wanted.encoding), wanted.name)

    async def _invoke(self, caller: Caller, request: Request, rpc: Rpc[Any, Any]) -> Reply:
        wanted = media.wanted(request)
        body = await request.body()
        try:
            asked = _read(rpc, request, body) if body.strip() else rpc.decode_input_json(None)
        except Invalid as fault:
            fault.path = _inside(fault.path, rpc)
            raise
        output = await self._table.invoke(caller, rpc, asked)
        if rpc.mute:
            return Reply(204)
        if wanted.encoding is Encoding.JSON:
            content = json.dumps(rpc.encode_output_json(output), ensure_ascii=False, separators=(",", ":")).encode()
        else:
            content = rpc.encode_output_document(output)
        return Reply(200, content, wanted.name)


def listing(names: Sequence[str], encoding: Encoding) -> bytes:
    """Return the container `operations`: an empty leaf for each, by its name with that of its module."""
    if encoding is Encoding.JSON:
        return json.dumps({"ietf-restconf:operations": {name: [None] for name in names}}).encode()
    qualified = (name.partition(":") for name in names)
    inside = "".join(f'<{name} xmlns="{library().modules[module].namespace}"/>' for module, _, name in qualified)
    return f'<operations xmlns="{RESTCONF}">{inside}</operations>'.encode()


def _read(rpc: Rpc[Any, Any], request: Request, body: bytes) -> Any:
    """Return the input that a body describes."""
    if media.given(request).encoding is Encoding.JSON:
        given = parse_json(body)
        if given is None:
            raise Malformed(f'must be a JSON object with one member, "{rpc.module.name}:input", or no body at all')
        return rpc.decode_input_json(given)
    root = parse(body)
    if split(root.tag) != (rpc.namespace, "input"):
        raise Invalid(f"the body must be an element input of the namespace {rpc.namespace}", name="input")
    return rpc.decode_input_xml(root)


def _inside(path: str, rpc: Rpc[Any, Any]) -> str:
    """Return the path of a node as one below the resource `input` (RFC 8040 section 3.6.3)."""
    prefix = rpc.module.prefix
    start = f"/{prefix}:{rpc.name}"
    return f"/{prefix}:input{path.removeprefix(start)}" if path.startswith(start) else path
