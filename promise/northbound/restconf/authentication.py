"""Who asks: the ways in which a request proves that it comes from a user (RFC 8040 section 2.5).

A way is a `Proof`: a client certificate, HTTP Basic (RFC 7617) with the users of the SSH door, or a token (`bearer`).
"""

from __future__ import annotations

import base64
import binascii
from contextlib import aclosing
from typing import TYPE_CHECKING, Final, Protocol

from promise.errors import Overloaded, Unauthenticated, Unverifiable
from promise.northbound.certificates import username

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from promise.northbound.access import Authenticator, Identity
    from promise.northbound.certificates import CertToName
    from promise.northbound.restconf.exchange import Request

REALM: Final = "promise"
MOST_GUESSES: Final = 64
"""So many passwords may be looked at at a time: what comes beyond that is told to try again."""


class Proof(Protocol):
    """A way to prove who one is."""

    challenge: str
    """What WWW-Authenticate says of it, empty where HTTP has no words for it."""

    passing: bool
    """Whether what it proves may be over while a long answer goes on."""

    async def identity(self, request: Request) -> Identity | None:
        """Return who asks; None when the request does not try this way. Raises errors.Unauthenticated."""


class ClientCertificate:
    """A certificate that TLS has verified, with the name that cert-to-name finds in it (RFC 8040 section 2.5).

    One that belongs to nobody here proves nothing: the request may still do so in another way.
    """

    challenge = ""
    passing = False

    def __init__(self, entries: Sequence[CertToName], find: Callable[[str], Identity | None]) -> None:
        self._entries = entries
        self._find = find

    async def identity(self, request: Request) -> Identity | None:
        """Return whose certificate came with the request."""
        chain = request.chain
        name = username(chain, self._entries) if chain else None
        return None if name is None else self._find(name)


class Basic:
    """User and password with every request; only where nobody reads along, unless `in_clear`."""

    challenge = f'Basic realm="{REALM}", charset="UTF-8"'
    passing = False

    def __init__(self, authenticator: Authenticator, *, in_clear: bool = False) -> None:
        self._authenticator = authenticator
        self._in_clear = in_clear
        self._guesses = 0

    async def identity(self, request: Request) -> Identity | None:
        """Return whose name and password the Authorization field holds."""
        field = request.header("Authorization")
        if field is None or field[:6].lower() != "basic ":
            return None
        if not (self._in_clear or request.private):
            raise Unauthenticated("a password is taken over TLS only, or from this machine (restconf.certificate)")
        if self._guesses >= MOST_GUESSES:
            raise Overloaded("too many log-ins at a time; try again")
        self._guesses += 1
        try:
            return await self._verified(*_credentials(field[6:]), request.source)
        finally:
            self._guesses -= 1

    async def _verified(self, username: str, password: str, source: str) -> Identity:
        found = await self._authenticator.by_password(username, password, source)
        if found is None:
            raise Unauthenticated("no such user, not this password, or too many wrong ones before")
        return found


def _credentials(text: str) -> tuple[str, str]:
    try:
        name, colon, password = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = ""
    if not colon:
        raise Unauthenticated('Basic must be followed by base64 of "user:password" in UTF-8')
    return name, password


async def identified(request: Request, proofs: Sequence[Proof]) -> tuple[Identity, Proof]:
    """Return who asks, and the first way that the request tries, in which that is proved.

    Raises:
        Unauthenticated: it proves nothing.
    """
    for proof in proofs:
        found = await proof.identity(request)
        if found is not None:
            return found, proof
    raise Unauthenticated("a request must say who sends it")


async def while_proved(
    pieces: AsyncGenerator[bytes, None], request: Request, identity: Identity, proof: Proof
) -> AsyncGenerator[bytes, None]:
    """Yield an answer that goes on for long, as long as its request would be taken again from the same user.

    Nothing is cut off because nobody can say it at the moment.
    """
    async with aclosing(pieces):
        async for piece in pieces:
            try:
                found = await proof.identity(request)
            except Unauthenticated:
                return
            except (Overloaded, Unverifiable):
                found = identity
            if found != identity:
                return
            yield piece
