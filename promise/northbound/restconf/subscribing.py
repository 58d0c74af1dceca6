"""The operations on dynamic subscriptions over RESTCONF (RFC 8650): inputs as elements, outputs as documents.

    POST /restconf/operations/ietf-subscribed-notifications:establish-subscription
        {"ietf-subscribed-notifications:input": {"stream": "NETCONF"}}
    {"ietf-subscribed-notifications:output":
        {"id": 7, "ietf-restconf-subscribed-notifications:uri": "https://…/restconf/subscriptions/…"}}

A GET of that URI is answered with the notifications, as server-sent events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from promise.errors import BadValue, Invalid, Malformed, MissingElement
from promise.northbound.codec import parse_json
from promise.northbound.library.modules import library
from promise.northbound.message import parse, split
from promise.northbound.restconf import media
from promise.northbound.restconf.exchange import Encoding, Reply, no_content
from promise.northbound.restconf.longlist import dumped
from promise.northbound.rpcs.subscribed import OPERATIONS
from promise.northbound.treejson import check_free
from promise.northbound.treexml import free

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lxml.etree import _Element

    from promise.northbound.access import Caller
    from promise.northbound.nacm.control import Control
    from promise.northbound.restconf.exchange import Request
    from promise.northbound.rpcs.subscribed import SubscribedRpcs

_MODULES: Final = library().modules

_TYPES: Final[Mapping[str, type]] = {
    **dict.fromkeys(("id", "period", "dampening-period", "dscp", "weighting", "dependency"), int),
    **dict.fromkeys(("periodic", "on-change", "stream-subtree-filter", "datastore-subtree-filter"), dict),
    "sync-on-start": bool,
    "excluded-change": list,
}
"""The JSON types of the parameters; all others are strings."""


class Subscribing:
    """Answers the operations; see `invocation.Further`."""

    names: Sequence[str] = OPERATIONS
    """The operations, by their names with those of their modules."""

    def __init__(self, rpcs: SubscribedRpcs, access: Control) -> None:
        self._rpcs = rpcs
        self._access = access

    def permit(self, caller: Caller, name: str) -> None:
        """Raise Denied unless the caller may run an operation."""
        module, _, local = name.partition(":")
        self._access.execute(caller, _MODULES[module].namespace, local)

    async def invoke(self, caller: Caller, request: Request, name: str) -> Reply:
        """Decide a request, which comes with a body."""
        wanted = media.wanted(request)
        body = await request.body()
        if not body.strip():
            raise MissingElement("the operation must have an input", name="input")
        given = media.given(request).encoding
        operation = (_from_json if given is Encoding.JSON else _from_xml)(name, body)
        encoding = f"encode-{given.value}"
        try:
            output = await self._rpcs.decide(caller, operation, encoding, request.origin)
        except Invalid as fault:
            module, _, local = name.partition(":")
            prefix = _MODULES[module].prefix
            fault.path = fault.path.replace(f"/nc:rpc/{prefix}:{local}", f"/{prefix}:input", 1)
            raise
        if not output:
            return no_content()
        return Reply(200, _written(name, output, wanted.encoding), wanted.name)


def _from_xml(name: str, body: bytes) -> _Element:
    """Return the operation that an <input> is of."""
    module, _, local = name.partition(":")
    namespace = _MODULES[module].namespace
    root = parse(body)
    if split(root.tag) != (namespace, "input"):
        raise Invalid(f"the body must be an element input of the namespace {namespace}", name="input")
    root.tag = f"{{{namespace}}}{local}"
    return root


def _from_json(name: str, body: bytes) -> _Element:
    """Return the operation of which the members of the input are the parameters; prefixes are names of modules."""
    module, _, local = name.partition(":")
    given = parse_json(body)
    member = f"{module}:input"
    if not isinstance(given, dict) or set(given) != {member} or not isinstance(given[member], dict):
        raise Malformed(f'must be a JSON object with one member, "{member}", which is an object')
    namespace = _MODULES[module].namespace
    check_free(given[member])
    _expect_types(given[member])
    declared = " ".join(f'xmlns:{one.name}="{one.namespace}"' for one in _MODULES.values())
    inside = free(given[member], namespace).encode()
    text = b'<%b xmlns="%b" %b>%b</%b>' % (
        local.encode(), namespace.encode(), declared.encode(), inside, local.encode()
    )  # fmt: skip
    return parse(text)


def _expect_types(values: Any) -> None:
    """Raise for a value that is not of the JSON type that RFC 7951 section 6 demands of its parameter."""
    for member, value in values.items():
        name = member.rpartition(":")[2]
        wanted = _TYPES.get(name, str)
        if type(value) is not wanted:
            kinds = {str: "string", int: "number", bool: "boolean", dict: "object", list: "array"}
            raise BadValue(f"{name[:64]} must be a JSON {kinds[wanted]} (RFC 7951 section 6)", name=name[:64])
        if name in {"periodic", "on-change"}:
            _expect_types(value)


def _written(name: str, output: dict[str, Any], encoding: Encoding) -> bytes:
    module = name.partition(":")[0]
    if encoding is Encoding.JSON:
        return dumped({f"{module}:output": output})
    namespace = _MODULES[module].namespace
    return b'<output xmlns="%b">%b</output>' % (namespace.encode(), free(output, namespace).encode())
