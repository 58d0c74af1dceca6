"""Bearer tokens (RFC 6750) of an OpenStack: Keystone says whose they are, and for which project.

    Authorization: Bearer gAAAA...        or        X-Auth-Token: gAAAA...

What Keystone has said of a token counts for a while, and never longer than the token; so a token that was revoked is
refused after that while at the latest. Tokens themselves are kept and logged nowhere: a keyed digest stands for each.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeVar

import structlog

from promise.errors import CloudError, Overloaded, Unauthenticated, Unverifiable
from promise.northbound.access import Identity
from promise.northbound.restconf.authentication import REALM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from promise.northbound.restconf.exchange import Request

Key = TypeVar("Key")
Value = TypeVar("Value")

MOST_KNOWN: Final = 10_000
"""So many tokens, and so many users, are kept in mind; then what was not wanted for longest is forgotten."""

MOST_QUESTIONS: Final = 64
"""So many tokens may be asked about at a time: what comes beyond that is told to try again."""

REFUSED_FOR: Final = 10
"""Seconds for which a token that was not valid is refused without asking again."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,4096}")
_SCHEME: Final = "bearer "
_log: Final = structlog.get_logger(__name__)


class Named(Protocol):
    """A user or a project of Keystone."""

    @property
    def id(self) -> str:
        """Return what tells it from all others, for ever."""

    @property
    def name(self) -> str:
        """Return its name in its domain."""

    @property
    def domain(self) -> str:
        """Return the name of its domain."""


class Token(Protocol):
    """What a valid token says."""

    @property
    def user(self) -> Named:
        """Return whose it is."""

    @property
    def project(self) -> Named | None:
        """Return the project that it is for, None when it is for none."""

    @property
    def roles(self) -> frozenset[str]:
        """Return what the user is in the project."""

    @property
    def expires(self) -> int:
        """Return until when it is valid, in seconds."""


class Authority(Protocol):
    """Who gives out tokens."""

    async def validate(self, token: str) -> Token | None:
        """Return what a token says, None when it is not valid; raises errors.CloudError when that cannot be known."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """Who the users of Keystone are here.

    Those of the first of the `domains` go by their names, those of the others by "name@domain"; users and projects of
    further domains are nobody. With `by_id` all go by their ids. `groups` are those that a role brings; `role` is one
    that everybody must have, None = no such.
    """

    domains: tuple[str, ...] = ("Default",)
    by_id: bool = False
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    role: str | None = None

    def identity(self, token: Token) -> Identity:
        """Return who a token's user is. Raises errors.Unauthenticated for one who is nobody here."""
        if token.project is None:
            raise Unauthenticated("the token is for no project; ask Keystone for one that is scoped to a project")
        if self.role is not None and self.role not in token.roles:
            raise Unauthenticated(f"the token's user has not the role {self.role} in that project")
        groups = frozenset(group for role in token.roles for group in self.groups.get(role, ()))
        return Identity(self._called(token.user, "user"), groups, self._called(token.project, "project"))

    def _called(self, one: Named, what: str) -> str:
        if one.domain not in self.domains:
            raise Unauthenticated(f"the token's {what} is of the domain {one.domain}, whose users are not known here")
        if self.by_id:
            return one.id
        if one.domain != self.domains[0]:
            return f"{one.name}@{one.domain}"
        if one.name.rpartition("@")[2] in self.domains[1:]:  # it would be called like somebody of that domain
            raise Unauthenticated(f"the name of the token's {what} ends in the name of another domain")
        return one.name


class _Known(NamedTuple):
    """What is known of a token up to a moment: who its user is, or why it is nobody's."""

    identity: Identity | None
    why: str
    until: int


class Bearer:
    """The proof by token; `span` is for how many seconds a token that was valid is taken without asking again."""

    challenge = f'Bearer realm="{REALM}"'
    passing = True

    def __init__(
        self, authority: Authority, mapped: Mapped, now: Callable[[], int], *, span: int = 60, in_clear: bool = False
    ) -> None:
        self._authority = authority
        self._mapped = mapped
        self._now = now
        self._span = span
        self._in_clear = in_clear
        self._secret = os.urandom(32)
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[_Known]] = {}
        self._seen: OrderedDict[str, frozenset[str]] = OrderedDict()

    def groups(self, username: str) -> frozenset[str]:
        """Return the groups in which a user was seen last, none for one who was never seen since the start."""
        return self._seen.get(username, frozenset())

    async def identity(self, request: Request) -> Identity | None:
        """Return whose token came with a request.

        Raises:
            Unauthenticated: it is not valid, or its user is nobody here.
            Unverifiable: Keystone does not say.
            Overloaded: too many are asked about.
        """
        token = _token_in(request)
        if token is None:
            return None
        if not (self._in_clear or request.private):
            raise Unauthenticated("a token is taken over TLS only, or from this machine (restconf.certificate)")
        key = hashlib.blake2b(token.encode(), key=self._secret, digest_size=32).digest()
        known = self._known.get(key)
        if known is None or known.until <= self._now():
            known = await self._asked(key, token, request.source)
        else:
            self._known.move_to_end(key)
        if known.identity is None:
            raise Unauthenticated(known.why)
        return known.identity

    async def _asked(self, key: bytes, token: str, source: str) -> _Known:
        """Ask about a token, once, however many come with it at the same time."""
        asking = self._asking.get(key)
        if asking is None:
            if len(self._asking) >= MOST_QUESTIONS:
                raise Overloaded("too many log-ins at a time; try again")
            asking = self._asking[key] = asyncio.create_task(self._judged(key, token, source))
            asking.add_done_callback(partial(self._answered, key))
        return await asyncio.shield(asking)

    def _answered(self, key: bytes, asking: asyncio.Task[_Known]) -> None:
        del self._asking[key]
        if not asking.cancelled():
            asking.exception()  # whoever asked may have gone

    async def _judged(self, key: bytes, token: str, source: str) -> _Known:
        try:
            found = await self._authority.validate(token)
        except CloudError as error:
            _log.warning("token-not-validated", source=source, why=error.message)
            raise Unverifiable("Keystone does not say at the moment whose token this is; try again") from None
        known = self._judgement(found)
        if known.identity is None:
            _log.info("token-refused", source=source, why=known.why)
        else:
            _remember(self._seen, known.identity.username, known.identity.groups)
        _remember(self._known, key, known)
        return known

    def _judgement(self, found: Token | None) -> _Known:
        now = self._now()
        if found is None:
            return _Known(None, "the token is not valid, or not any more", now + REFUSED_FOR)
        try:
            return _Known(self._mapped.identity(found), "", min(found.expires, now + self._span))
        except Unauthenticated as error:
            return _Known(None, str(error), now + REFUSED_FOR)


def _remember(known: OrderedDict[Key, Value], key: Key, value: Value) -> None:
    known[key] = value
    known.move_to_end(key)
    while len(known) > MOST_KNOWN:
        known.popitem(last=False)


def _token_in(request: Request) -> str | None:
    """Return the token that a request brings, None when it brings none."""
    said = request.header("Authorization") or ""
    bearer = said[len(_SCHEME) :].strip() if said[: len(_SCHEME)].lower() == _SCHEME else None
    other = request.header("X-Auth-Token")
    if bearer is not None and other is not None and bearer != other.strip():
        raise Unauthenticated("Authorization and X-Auth-Token bring different tokens")
    token = other.strip() if bearer is None and other is not None else bearer
    if token is not None and _TOKEN.fullmatch(token) is None:
        raise Unauthenticated("this is not a token as Keystone writes them")
    return token
