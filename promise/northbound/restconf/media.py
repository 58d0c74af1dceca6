"""Media types: in which encoding a body comes, and in which one the answer is wanted (RFC 8040 section 5.2).

Besides the types of YANG data, their general forms (application/json, application/xml, text/xml) are understood, as
many clients send nothing else; who asks for one of those is answered with it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from promise.errors import NotAcceptable, UnsupportedMedia
from promise.northbound.restconf.exchange import Encoding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promise.northbound.restconf.exchange import Headers

JSON: Final = "application/yang-data+json"
XML: Final = "application/yang-data+xml"
XML_LIST: Final = "application/yang-data+xml-list"
PATCH_JSON: Final = "application/yang-patch+json"
PATCH_XML: Final = "application/yang-patch+xml"

DATA: Final[Mapping[str, Encoding]] = {
    JSON: Encoding.JSON,
    XML: Encoding.XML,
    "application/json": Encoding.JSON,
    "application/xml": Encoding.XML,
    "text/xml": Encoding.XML,
}
"""The types of YANG data, those that we prefer first."""

PATCH: Final[Mapping[str, Encoding]] = {PATCH_JSON: Encoding.JSON, PATCH_XML: Encoding.XML}
"""The types of a YANG Patch (RFC 8072 section 2)."""

STATUS: Final[Mapping[Encoding, tuple[str, Encoding]]] = {
    Encoding.JSON: (JSON, Encoding.JSON),
    Encoding.XML: (XML, Encoding.XML),
}
"""What the status of a patch is written in, unless the client wants something else."""

LISTS: Final[Mapping[str, Encoding]] = {**DATA, XML_LIST: Encoding.XML}
"""The types of several entries of a list."""

_HIGHEST: Final = 1.0


class Media(NamedTuple):
    """A media type and the encoding that it means."""

    name: str
    encoding: Encoding


PLAIN: Final = Media(JSON, Encoding.JSON)
"""What is spoken to a client that says nothing about what it understands."""


class _Range(NamedTuple):
    """A media range of an Accept field: "*/*", "application/*" or a type, with its weight."""

    name: str
    weight: float

    def includes(self, name: str) -> bool:
        return self.name in {"*/*", name} or (self.name.endswith("/*") and name.startswith(self.name[:-1]))

    @property
    def precision(self) -> int:
        return 0 if self.name == "*/*" else 1 if self.name.endswith("/*") else 2


def given(request: Headers, known: Mapping[str, Encoding] = DATA) -> Media:
    """Return in what the body of a request is written.

    Raises:
        UnsupportedMedia: it is in nothing that is known here, or nothing is said of it.
    """
    value = request.header("Content-Type")
    if not value:
        raise UnsupportedMedia(f"a body must have a Content-Type: one of {', '.join(known)}")
    name, _, parameters = value.partition(";")
    name = name.strip().lower()
    if name not in known:
        raise UnsupportedMedia(f"the Content-Type must be one of {', '.join(known)}")
    charset = _parameters(parameters).get("charset", "utf-8")
    if charset.lower() not in {"utf-8", "utf8", "us-ascii"}:
        raise UnsupportedMedia("the charset of a body must be utf-8")
    return Media(name, known[name])


def wanted(request: Headers, known: Mapping[str, Encoding] = DATA, usual: Media = PLAIN) -> Media:
    """Return in what the answer is to be written: the type of the highest weight, and of those the first that we know.

    `usual` is what is taken where the client leaves it to us; it is then that of the request's body, if that is known.

    Raises:
        NotAcceptable: the client understands nothing that we can write.
    """
    accept = request.header("Accept")
    if accept is None or not accept.strip() or accept == "*/*":
        return _own(request, known) or usual
    name = _chosen(accept, tuple(known), (_own(request, known) or usual).name)
    if name is None:
        raise NotAcceptable(f"the Accept field must name one of {', '.join(known)}")
    return Media(name, known[name])


def _own(request: Headers, known: Mapping[str, Encoding]) -> Media | None:
    """Return the type of the request's body, if answers can be in it."""
    name = (request.header("Content-Type") or "").partition(";")[0].strip().lower()
    return Media(name, known[name]) if name in known else None


@lru_cache(256)
def _chosen(accept: str, known: Sequence[str], usual: str) -> str | None:
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    best: tuple[float, str] | None = None
    for name in (usual, *known):
        fitting = [found for found in ranges if found.includes(name)]
        if not fitting:
            continue
        weight = max(fitting, key=lambda found: found.precision).weight  # RFC 9110 section 12.5.1: the most specific
        if weight > 0 and (best is None or weight > best[0]):
            best = (weight, name)
    return None if best is None else best[1]


def _range(text: str) -> _Range:
    name, _, parameters = text.partition(";")
    try:
        weight = float(_parameters(parameters).get("q", "1"))
    except ValueError:
        weight = 0.0
    return _Range(name.strip().lower(), weight if 0 <= weight <= _HIGHEST else 0.0)


def _parameters(text: str) -> dict[str, str]:
    found = (part.partition("=") for part in text.split(";") if part.strip())
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in found}
