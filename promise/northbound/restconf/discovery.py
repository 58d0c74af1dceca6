"""How a client finds its way: the root, the entry point, the version of the library, and /healthz."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from promise.errors import NotAllowed
from promise.northbound.restconf import media
from promise.northbound.restconf.exchange import RESTCONF, Encoding, Reply
from promise.northbound.restconf.query import NOTHING, READING, read_query

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from promise.northbound.restconf.exchange import Request

ROOT: Final = "/restconf"
HOST_META: Final = "/.well-known/host-meta"
HEALTH: Final = "/healthz"
XRD: Final = "application/xrd+xml"
LIBRARY: Final = "2019-01-04"
"""The revision of ietf-yang-library that is implemented (RFC 8525)."""

READ: Final = ("GET", "HEAD", "OPTIONS")

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
    read_query(request.query, READING)
    wanted = media.wanted(request)
    if wanted.encoding is Encoding.JSON:
        body = {"data": {}, "operations": {}, "yang-library-version": LIBRARY}
        return Reply(200, json.dumps({"ietf-restconf:restconf": body}).encode(), wanted.name)
    inside = f"<data/><operations/><yang-library-version>{LIBRARY}</yang-library-version>"
    return Reply(200, f'<restconf xmlns="{RESTCONF}">{inside}</restconf>'.encode(), wanted.name)


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
