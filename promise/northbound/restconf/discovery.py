"""How a client finds its way: the root, the entry point, the version of the library, and /healthz."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from promise.errors import BadParameter, NotAllowed
from promise.northbound.restconf import media
from promise.northbound.restconf.exchange import RESTCONF, Encoding, Reply
from promise.northbound.restconf.query import ENTRY, NOTHING, read_query

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from promise.northbound.restconf.exchange import Request
    from promise.northbound.restconf.query import Query

ROOT: Final = "/restconf"
HOST_META: Final = "/.well-known/host-meta"
HEALTH: Final = "/healthz"
XRD: Final = "application/xrd+xml"
LIBRARY: Final = "2019-01-04"
"""The revision of ietf-yang-library that is implemented (RFC 8525)."""

READ: Final = ("GET", "HEAD", "OPTIONS")

_ENTRY: Final[Mapping[str, object]] = {"data": {}, "operations": {}, "yang-library-version": LIBRARY}
"""What is in the entry point."""

_XRD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">\n'
    f'  <Link rel="restconf" href="{ROOT}"/>\n'
    "</XRD>\n"
)
_JRD: Final = json.dumps({"links": [{"rel": "restconf", "href": ROOT}]})


def readable(request: Request) -> Reply | None:
    """Return the answer to OPTIONS of a resource that can only be read, None for GET and HEAD; else NotAllowed."""
    if request.method == "OPTIONS":
        return Reply(200, headers={"Allow": ", ".join(READ)})
    if request.method not in READ:
        raise NotAllowed("this resource can only be read", READ)
    return None


def host_meta(request: Request) -> Reply:
    """Return where the entry point is (RFC 8040 section 3.1, RFC 6415)."""
    known = {XRD: Encoding.XML, "application/jrd+json": Encoding.JSON}
    wanted = media.wanted(request, {**known, **media.DATA}, media.Media(XRD, Encoding.XML))
    if wanted.encoding is Encoding.JSON:
        return readable(request) or Reply(200, _JRD.encode(), wanted.name)
    return readable(request) or Reply(200, _XRD.encode(), wanted.name)


def entry_point(request: Request) -> Reply:
    """Return the resource {+restconf} (RFC 8040 section 3.3)."""
    if (reply := readable(request)) is not None:
        return reply
    body = _inside(read_query(request.query, ENTRY))
    wanted = media.wanted(request)
    if wanted.encoding is Encoding.JSON:
        return Reply(200, json.dumps({"ietf-restconf:restconf": body}).encode(), wanted.name)
    inside = "".join(f"<{name}>{value}</{name}>" if value else f"<{name}/>" for name, value in body.items())
    return Reply(200, f'<restconf xmlns="{RESTCONF}">{inside}</restconf>'.encode(), wanted.name)


def _inside(query: Query) -> dict[str, object]:
    """Return what of the entry point is wanted; nothing of data and operations, which are resources of their own."""
    if query.fields is None:
        return {} if query.depth == 1 else dict(_ENTRY)
    chosen = {name.removeprefix("ietf-restconf:"): inside for name, inside in query.fields.items()}
    for name, inside in chosen.items():
        if name not in _ENTRY or inside is not None:
            raise BadParameter(f'fields names "{name[:64]}", which is not one of {", ".join(_ENTRY)}')
    return {name: value for name, value in _ENTRY.items() if name in chosen}


def library_version(request: Request) -> Reply:
    """Return the leaf yang-library-version (RFC 8040 section 3.3.3)."""
    if (reply := readable(request)) is not None:
        return reply
    read_query(request.query, NOTHING)
    wanted = media.wanted(request)
    if wanted.encoding is Encoding.JSON:
        return Reply(200, json.dumps({"ietf-restconf:yang-library-version": LIBRARY}).encode(), wanted.name)
    text = f'<yang-library-version xmlns="{RESTCONF}">{LIBRARY}</yang-library-version>'
    return Reply(200, text.encode(), wanted.name)


def health(request: Request, state: Callable[[], Mapping[str, object] | None]) -> Reply:
    """Tell whether the controller is ready, for load balancers and supervisors; needs no log-in."""
    if (reply := readable(request)) is not None:
        return reply
    found = state()
    if found is None:
        return Reply(503, json.dumps({"status": "not ready"}).encode(), "application/json")
    return Reply(200, json.dumps({"status": "ready", **found}).encode(), "application/json")
