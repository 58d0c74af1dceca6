"""What RESTCONF answers to a request: who asks, which resource, and errors told as RFC 8040 section 7 says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from promise.errors import NoResource, NotAcceptable, NotAllowed, Unauthenticated, UnsupportedMedia, Unverifiable
from promise.northbound.access import Caller
from promise.northbound.events.established import PATH as SUBSCRIPTIONS
from promise.northbound.faults import fault
from promise.northbound.library.trees import SCHEMAS
from promise.northbound.message import BASE
from promise.northbound.port import Datastore
from promise.northbound.restconf import apidocument, discovery, media, schemas
from promise.northbound.restconf.authentication import identified, while_proved
from promise.northbound.restconf.configuring import ACCEPT_PATCH, Configuring, Place
from promise.northbound.restconf.exchange import Encoding, Reply, Request
from promise.northbound.restconf.faultbody import errors
from promise.northbound.restconf.invocation import Invocation
from promise.northbound.restconf.paths import decoded
from promise.northbound.restconf.resources import Configurations, Resources

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from promise.northbound.faults import Fault
    from promise.northbound.records import Records
    from promise.northbound.restconf.authentication import Proof
    from promise.northbound.restconf.invocation import Invocable
    from promise.northbound.restconf.streaming import Streams

TRANSPORT: Final = "restconf"
RETRY_AFTER: Final = 5
"""Seconds after which to come again when nobody could say who asks."""
METHODS: Final = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
"""The methods that there are; each resource has some of them."""

_ROOT: Final = discovery.ROOT
_DATASTORES: Final = {f"ietf-datastores:{datastore}": datastore for datastore in Datastore}
"""The datastores by the names that RFC 8527 section 3.1 gives them in a URI."""

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_log: Final = structlog.get_logger(__name__)


class Door:
    """Answers requests; `state` is what /healthz tells, None while the controller is not ready.

    `data_missing` is the status of the error-tag data-missing: RFC 8040 says 409, some clients want 404.
    """

    def __init__(
        self,
        table: Invocable,
        records: Records,
        datastores: Configurations,
        proofs: Sequence[Proof],
        state: Callable[[], Mapping[str, object] | None],
        *,
        data_missing: int = 409,
        streams: Streams | None = None,
    ) -> None:
        self._streams = streams
        self._data_missing = data_missing
        self._proofs = proofs
        self._state = state
        self._invocation = Invocation(table, streams.operations if streams is not None else None)
        self._records = records
        self._resources = Resources(records, datastores)
        self._configuring = Configuring(records, datastores, self._status_of)

    async def answer(self, request: Request) -> Reply:
        """Answer a request; whatever is wrong with it is told, never raised."""
        caller = Caller("", transport=TRANSPORT, source=request.source)
        try:
            if (reply := self._open(request)) is not None:
                return reply
            identity, proof = await identified(request, self._proofs)
            caller = Caller(
                identity.username, identity.groups, identity.project, transport=TRANSPORT, source=request.source
            )
            reply = await self._route(caller, request)
            if reply.stream is not None and proof.passing:
                reply.stream = while_proved(reply.stream, request, identity, proof)
        except Exception as error:  # noqa: BLE001 - told to the client; a bug of ours is logged by `fault`
            reply = self._refusal(request, error)
        reply.user = caller.username
        self._note(caller, request, reply)
        return reply

    def _open(self, request: Request) -> Reply | None:
        """Answer what needs no log-in."""
        if request.path == "*" and request.method == "OPTIONS":
            return Reply(200, headers={"Allow": ", ".join(METHODS)})
        if request.path == discovery.HEALTH:
            return discovery.health(request, self._state)
        if request.path == discovery.HOST_META:
            return discovery.host_meta(request)
        if request.path == apidocument.PATH:
            return apidocument.described(request)
        return None

    async def _route(self, caller: Caller, request: Request) -> Reply:
        path = request.path
        if path.startswith(f"{_ROOT}/data") and path[14:15] in {"", "/"}:
            return await self._data(caller, request, Place(f"{_ROOT}/data", path[14:]), None)
        if path.startswith(f"{_ROOT}/ds/"):
            name, slash, rest = path[len(_ROOT) + 4 :].partition("/")
            datastore = _DATASTORES.get(decoded(name))
            if datastore is None:
                raise NoResource(f"there is no such datastore; there are {', '.join(_DATASTORES)}")
            place = Place(f"{_ROOT}/ds/{name}", slash + rest, datastore)
            return await self._data(caller, request, place, datastore)
        if path.startswith(f"{_ROOT}/operations") and path[20:21] in {"", "/"}:
            return await self._invocation.answer(caller, request, path[20:])
        if path.startswith(f"{_ROOT}/streams/") and self._streams is not None:
            return await self._streams.answer(caller, request, path[len(_ROOT) + 8 :])
        if path.startswith(SUBSCRIPTIONS) and self._streams is not None:
            return await self._streams.subscription(caller, request, path.removeprefix(SUBSCRIPTIONS))
        if path in {_ROOT, f"{_ROOT}/"}:
            return discovery.entry_point(request)
        if path.rstrip("/") == f"{_ROOT}/yang-library-version":
            return discovery.library_version(request)
        if path.startswith(SCHEMAS):
            return schemas.answer(caller, request, self._records)
        raise NoResource(f"there is nothing at this path; RESTCONF begins at {_ROOT}")

    async def _data(self, caller: Caller, request: Request, place: Place, datastore: Datastore | None) -> Reply:
        if operation := _operation(request, place.path):
            self._records.permit(caller, BASE, operation)
        if request.method in {"GET", "HEAD"}:
            return await self._resources.get(caller, request, place.path, datastore)
        return await self._configuring.answer(caller, request, place)

    def _refusal(self, request: Request, error: Exception) -> Reply:
        """Return the answer that tells an error, in the encoding of answers as far as that is known."""
        try:
            wanted = media.wanted(request)
        except NotAcceptable:
            wanted = media.PLAIN
        told = fault(error)
        headers: dict[str, str] = {}
        if isinstance(error, NotAllowed):
            headers["Allow"] = ", ".join(error.allowed)
        if isinstance(error, UnsupportedMedia) and request.method == "PATCH":
            headers["Accept-Patch"] = ACCEPT_PATCH  # RFC 5789 section 2.2
        if isinstance(error, Unauthenticated):
            headers["WWW-Authenticate"] = ", ".join(proof.challenge for proof in self._proofs if proof.challenge)
        if isinstance(error, Unverifiable):
            headers["Retry-After"] = str(RETRY_AFTER)
        return Reply(self._status_of(told), errors([told], wanted.encoding), _error_media(wanted), headers)

    def _status_of(self, told: Fault) -> int:
        return self._data_missing if told.row.tag == "data-missing" else told.row.status

    def _note(self, caller: Caller, request: Request, reply: Reply) -> None:
        """Write the access log: reads that go well only when everything is logged."""
        quiet = request.method in _READING and reply.status < 400  # noqa: PLR2004 - what HTTP calls an error
        note = _log.debug if quiet else _log.info
        note(
            "restconf",
            method=request.method,
            path=request.path[:1024],
            status=reply.status,
            user=caller.username,
            session=caller.session_id,
            transport=caller.transport,
            source=caller.source,
        )


def _operation(request: Request, path: str) -> str | None:
    """Return the operation of NETCONF that a method counts as for access control (RFC 8341 section 3.2.3)."""
    match request.method:
        case "GET" | "HEAD":
            return "get-config" if "content=config" in request.query.split("&") else "get"
        case "PUT" if path in {"", "/"}:
            return "copy-config"
        case "POST" | "PUT" | "PATCH" | "DELETE":
            return "edit-config"
    return None


def _error_media(wanted: media.Media) -> str:
    """Return the type of an error's body: one of YANG data, also where a list was asked for."""
    if wanted.encoding is Encoding.JSON:
        return media.JSON if wanted.name not in media.DATA else wanted.name
    return media.XML if wanted.name not in media.DATA else wanted.name
