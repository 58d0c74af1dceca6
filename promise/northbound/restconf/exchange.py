"""A request and its reply, as everything behind the HTTP server sees them: no library, no sockets."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from promise.northbound.access import Caller

RESTCONF: Final = "urn:ietf:params:xml:ns:yang:ietf-restconf"
"""The namespace of the module ietf-restconf."""


class Encoding(Enum):
    """How data is written: the two of RFC 8040 section 3.2."""

    JSON = "json"
    XML = "xml"


class Request(Protocol):
    """What a client asks; `path` and `query` are as they were sent, percent-encoded, without the "?"."""

    @property
    def method(self) -> str:
        """Return the method, in capitals."""

    @property
    def path(self) -> str:
        """Return the path of the request's target."""

    @property
    def query(self) -> str:
        """Return its query, empty when there is none."""

    @property
    def origin(self) -> str:
        """Return scheme and authority by which the client calls us ("https://host:port"), empty if it does not say."""

    @property
    def source(self) -> str:
        """Return the address of the peer ("192.0.2.7:40022")."""

    @property
    def chain(self) -> Sequence[bytes]:
        """Return the verified certificate of the client (DER) with the authorities above it; empty without one."""

    @property
    def private(self) -> bool:
        """Tell whether nobody else reads along: it came over TLS, or has not left this machine."""

    def header(self, name: str) -> str | None:
        """Return the value of a header field, those of several joined by commas; None = there is none."""

    async def body(self) -> bytes:
        """Return the body. Raises errors.TooBig, errors.Malformed, or errors.TooSlow."""


@dataclass(slots=True)
class Reply:
    """An answer; a `stream` follows the headers piece by piece, for as long as it lasts, in the place of a body.

    `user` is who has proved that he asks, empty when nobody has.
    """

    status: int
    body: bytes = b""
    media: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    stream: AsyncGenerator[bytes, None] | None = None
    user: str = ""


class Further(Protocol):
    """Operations that no binding describes: those of protocols."""

    names: Sequence[str]
    """Their names, with those of their modules."""

    def permit(self, caller: Caller, name: str) -> None:
        """Raise errors.Denied unless the caller may run an operation."""

    async def invoke(self, caller: Caller, request: Request, name: str) -> Reply:
        """Decide a request."""


class Headers(Protocol):
    """The header fields of a request."""

    def header(self, name: str) -> str | None:
        """Return the value of a field, None when it is not there."""


def no_content(headers: Mapping[str, str] | None = None) -> Reply:
    """Return 204."""
    return Reply(204, headers=dict(headers or {}))
