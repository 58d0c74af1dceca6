"""<close-session> and <kill-session> (RFC 6241 sections 7.8 and 7.9), and <create-subscription> (RFC 5277)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from promise.errors import AlreadySubscribed, BadValue, MissingElement
from promise.northbound.rpcs import notifications
from promise.northbound.rpcs.parameters import OK, parameters_of
from promise.northbound.words import actor_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element

    from promise.northbound.access import Caller
    from promise.northbound.port import Datastores, Events, Subscription

LARGEST_SESSION_ID: Final = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Farewell:
    """The answer to <close-session>: the last one of its session."""

    content: bytes = OK


class OpenSession(Protocol):
    """A session as <kill-session> and <create-subscription> see it."""

    caller: Caller

    stream: Subscription | None
    """Its subscription of RFC 5277."""

    def subscribe(self, subscription: Subscription) -> None:
        """Send what the subscription tells, from the answer to the present request on."""

    def kill(self, by: Caller) -> None:
        """End the session now; what it asked for and was not answered stays unanswered."""


class SessionRpcs:
    """The operations on sessions; these are the open ones, by session-id."""

    def __init__(self, sessions: Mapping[int, OpenSession], datastores: Datastores) -> None:
        self._sessions = sessions
        self._datastores = datastores

    async def create_subscription(self, caller: Caller, operation: _Element, events: Events) -> bytes:
        """Begin to send notifications on this session (RFC 5277 section 2.1.1), one subscription at a time."""
        interest = notifications.interest(operation, events.now())
        session = self._sessions[caller.session_id]
        if session.stream is not None and not session.stream.over:
            raise AlreadySubscribed("this session has a subscription already; open another session for another one")
        session.stream = await events.subscribe(actor_of(caller), interest)
        session.subscribe(session.stream)
        return OK

    async def close_session(self, caller: Caller, operation: _Element) -> Farewell:
        """End the session once everything before is answered."""
        del caller
        parameters_of(operation)
        return Farewell()

    async def kill_session(self, caller: Caller, operation: _Element) -> bytes:
        """End another session (RFC 6241 section 7.9)."""
        parameters = parameters_of(operation, "session-id")
        path = "/nc:rpc/nc:kill-session"
        if "session-id" not in parameters:
            raise MissingElement("<kill-session> must name a session-id", path=path, name="session-id")
        text = (parameters["session-id"].text or "").strip()
        path += "/nc:session-id"
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:11]) <= LARGEST_SESSION_ID):
            raise BadValue(f"a session-id is a number from 1 to {LARGEST_SESSION_ID}", path=path, name="session-id")
        session_id = int(text)
        if session_id == caller.session_id:
            raise BadValue("a session cannot kill itself", path=path, name="session-id")
        session = self._sessions.get(session_id)
        if session is None:
            raise BadValue(f"there is no session {session_id}", path=path, name="session-id")
        session.kill(caller)
        await self._datastores.ended(session_id)  # its locks are free once this is answered
        return OK
