"""Who is speaking: identities, callers, and the port through which the doors ask whether somebody is who he says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

ADMINISTRATORS: Final = "admin"
"""The group that sees and changes what belongs to anybody, and that no rule binds, where nothing else is configured."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A user who has proved who he is: his groups, and the project whose records are his."""

    username: str
    groups: frozenset[str] = frozenset()
    project: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent a request, and on which way.

    `session_id` is that of the NETCONF session, 0 on other transports. `transport` is "netconf-ssh" or "restconf".
    `source` is the peer's address, "192.0.2.7:40022", empty when there is none.
    """

    username: str
    groups: frozenset[str] = frozenset()
    project: str = ""
    session_id: int = 0
    transport: str = ""
    source: str = ""


def host_of(source: str) -> str:
    """Return the host of a peer's address, empty when there is none."""
    return source.rpartition(":")[0].strip("[]")


class Authenticator(Protocol):
    """Knows the users. Neither method says why somebody was refused, nor takes longer for users that exist."""

    async def by_password(self, username: str, password: str, source: str = "") -> Identity | None:
        """Return who this is, or None: the password is not his, he does not exist, or there were too many guesses.

        `source` is the peer's address.
        """

    def by_public_key(self, username: str, key: bytes) -> Identity | None:
        """Return who this is, or None when the key (an SSH public key blob, RFC 4253 section 6.6) is not his."""


class CertificateAuthenticator(Authenticator, Protocol):
    """Knows the users also by what certificates say."""

    def by_certificate(self, username: str) -> Identity | None:
        """Return who has proved with a certificate to be this user, or None when he does not exist."""
