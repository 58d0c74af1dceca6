"""/openapi.json: what OpenAPI 3.1 says of this server, as it was generated from the YANG (`make bindings`).

Anybody may read it: it tells what the modules tell, which are public, and nothing of what is in the datastores.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from promise.northbound.restconf import media
from promise.northbound.restconf.discovery import readable
from promise.northbound.restconf.exchange import Encoding, Reply
from promise.northbound.restconf.query import NOTHING, read_query

if TYPE_CHECKING:
    from promise.northbound.restconf.exchange import Request

PATH: Final = "/openapi.json"
_PLAIN: Final = media.Media("application/json", Encoding.JSON)
_TYPES: Final = {
    _PLAIN.name: Encoding.JSON,
    "application/openapi+json": Encoding.JSON,
    "application/vnd.oai.openapi+json": Encoding.JSON,
}


def described(request: Request) -> Reply:
    """Return the document; 304 to a client that has it already."""
    if (reply := readable(request)) is not None:
        return reply
    read_query(request.query, NOTHING)
    wanted = media.wanted(request, _TYPES, _PLAIN)
    body, tag = _document()
    known = [part.strip().removeprefix("W/") for part in (request.header("If-None-Match") or "").split(",")]
    if tag in known or "*" in known:
        return Reply(304, headers={"ETag": tag})
    return Reply(200, body, wanted.name, {"ETag": tag})


@cache
def _document() -> tuple[bytes, str]:
    """Return the document and its tag."""
    body = files("promise.northbound.bindings").joinpath("openapi.json").read_bytes()
    return body, f'"{blake2b(body, digest_size=10).hexdigest()}"'
