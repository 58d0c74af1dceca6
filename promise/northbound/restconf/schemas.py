"""{+restconf}/schema: the texts of the modules (RFC 8040 section 3.7), at the places that the YANG library tells.

Who may not run <get-schema> may not read them here.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from promise.errors import NoResource
from promise.northbound.library.modules import library
from promise.northbound.library.trees import SCHEMAS
from promise.northbound.monitor import NAMESPACE
from promise.northbound.restconf import media
from promise.northbound.restconf.discovery import readable
from promise.northbound.restconf.exchange import Encoding, Reply
from promise.northbound.restconf.paths import decoded
from promise.northbound.restconf.query import NOTHING, read_query

if TYPE_CHECKING:
    from promise.northbound.access import Caller
    from promise.northbound.records import Records
    from promise.northbound.restconf.exchange import Request

_YANG: Final = media.Media("application/yang", Encoding.XML)
_TYPES: Final = {_YANG.name: _YANG.encoding, "text/plain": Encoding.XML}


def answer(caller: Caller, request: Request, records: Records) -> Reply:
    """Return the text of a module, byte for byte; 304 to a client that has it. Raises errors.PromiseError."""
    records.permit(caller, NAMESPACE, "get-schema")
    name, _, revision = decoded(request.path.removeprefix(SCHEMAS)).partition("@")
    module = library().modules.get(name)
    if module is None or revision not in {"", module.revision}:
        raise NoResource(f'there is no schema "{name[:64]}" of this revision; each is at {SCHEMAS}NAME@REVISION')
    if (reply := readable(request)) is not None:
        return reply
    read_query(request.query, NOTHING)
    wanted = media.wanted(request, _TYPES, _YANG)
    body = module.text.encode()
    tag = f'"{blake2b(body, digest_size=10).hexdigest()}"'
    known = [part.strip().removeprefix("W/") for part in (request.header("If-None-Match") or "").split(",")]
    if tag in known or "*" in known:
        return Reply(304, headers={"ETag": tag})
    return Reply(200, body, wanted.name, {"ETag": tag})
