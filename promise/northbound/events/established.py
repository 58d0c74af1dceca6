"""The dynamic subscriptions of RFC 8639 that there are: on NETCONF sessions, and those made over RESTCONF (RFC 8650).

One that was made over RESTCONF has a URI of its own, which only its user can read. It waits for its reader, who may go
and come back; one that nobody reads for too long is forgotten.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from promise.errors import NoRoom
from promise.northbound.events.bounds import Bounds
from promise.northbound.words import fresh_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from promise.clock import Clock
    from promise.northbound.access import Caller
    from promise.northbound.events.dynamic import Dynamic
    from promise.northbound.events.notice import Notice
    from promise.northbound.events.pushing import Push

ALONE: Final = 300
"""Seconds for which one waits for its reader."""

PATH: Final = "/restconf/subscriptions/"
"""Where those that were made over RESTCONF are read."""


@dataclass(eq=False, slots=True)
class Established:
    """One subscription; one that its caller has made over RESTCONF has a `key` in its URI.

    `terms` are what was asked for, as RFC 7951 writes it in the list of subscriptions. `reference` is the configured
    filter that it uses, by list and name, and `filter` what stands there.
    """

    subject: Dynamic | Push
    caller: Caller
    terms: dict[str, Any]
    key: str = ""
    uri: str = ""
    reference: tuple[str, str] | None = None
    filter: bytes | None = None
    reader: Reading | None = None
    alone_since: int | None = None

    @property
    def session(self) -> int:
        """The session that it is on, 0 where it is read over HTTP."""
        return self.caller.session_id

    @property
    def user(self) -> str:
        """Whose it is."""
        return self.caller.username

    @property
    def xml(self) -> bool:
        """Whether it is told in XML."""
        return str(self.terms.get("encoding", "")).endswith("encode-xml")

    @property
    def body(self) -> dict[str, Any]:
        """The entry of the list of subscriptions."""
        subject = self.subject
        source = self.caller.source
        receiver = {
            "name": f"{self.user}@{source}" if source else self.user,
            "sent-event-records": str(subject.sent),
            "excluded-event-records": str(subject.excluded),
            "state": "suspended" if subject.suspended else "active",
        }
        return {"id": subject.number, **self.told, "receivers": {"receiver": [receiver]}}

    @property
    def told(self) -> dict[str, Any]:
        """What is told of its terms."""
        uri = {"ietf-restconf-subscribed-notifications:uri": self.uri} if self.uri else {}
        return {**self.terms, **uri}


class Subscriptions:
    """All of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)
        self._known: dict[int, Established] = {}
        self.most = Bounds().established
        """So many a session, or a user over RESTCONF, may have."""

    def __iter__(self) -> Iterator[Established]:
        """Yield those that there are, oldest first; who is over, or forsaken, is forgotten."""
        now = self._clock.now()
        for one in list(self._known.values()):
            if one.alone_since is not None and now >= one.alone_since + ALONE:
                one.subject.close()
            if one.subject.over:
                del self._known[one.subject.number]
            else:
                yield one

    def number(self, caller: Caller) -> int:
        """Return the id of a further one. Raises NoRoom where the session, or the user, has as many as may be."""
        if sum(self._belongs(one, caller) for one in self) >= self.most:
            rule = f"a session, or a user over RESTCONF, may have {self.most} subscriptions"
            raise NoRoom(rule, app_tag="ietf-subscribed-notifications:insufficient-resources")
        return next(self._numbers)

    def add(self, one: Established, origin: str) -> None:
        """Take a new one in; `origin` is scheme and authority of its URI, where it has one."""
        if not one.session:
            one.key = fresh_id()
            one.uri = f"{origin}{PATH}{one.key}"
            one.alone_since = self._clock.now()
        self._known[one.subject.number] = one

    def find(self, number: int) -> Established | None:
        """Return the one with this id."""
        return next((one for one in self if one.subject.number == number), None)

    def own(self, caller: Caller, number: int) -> Established | None:
        """Return one of the caller's session, or over RESTCONF of the caller's; those of others do not exist for it."""
        found = self.find(number)
        return found if found is not None and self._belongs(found, caller) else None

    def attach(self, caller: Caller, key: str, behind: tuple[int, int] | None) -> tuple[Reading, bool] | None:
        """Let the caller read one, and tell whether in XML; None where the caller has none with this key.

        A new reader takes the place of the one before: the server may learn late that a connection is lost.
        """
        found = next((one for one in self if one.key == key and one.user == caller.username), None)
        if found is None or not key:
            return None
        if found.reader is not None:
            found.reader.over = True
        if behind is not None:
            found.subject.rewind(behind)
        found.alone_since = None
        found.reader = Reading(found, self._clock)
        found.reader.wake()
        return found.reader, found.xml

    def _belongs(self, one: Established, caller: Caller) -> bool:
        return one.session == caller.session_id and (bool(one.session) or one.user == caller.username)


class Reading:
    """One reading of a subscription over HTTP; see `restconf.streaming.Source`."""

    def __init__(self, established: Established, clock: Clock) -> None:
        self.over = False
        self._established = established
        self._clock = clock

    async def take(self) -> Sequence[tuple[Notice, Sequence[str]]] | None:
        """Return what is told next; None when there is nothing yet."""
        if self.over:
            return None
        subject = self._established.subject
        told = await subject.take()
        if self._established.reader is not self:  # somebody else reads now, and is told it
            for notice, _ in told or ():
                subject.say(notice)
            return None
        self.over = subject.over
        return told

    async def news(self) -> None:
        """Wait until there may be something."""
        subject = self._established.subject
        if self.over:
            return
        await subject.news()
        if subject.over:
            self.over = True

    def wake(self) -> None:
        """Let `news` return."""
        self._established.subject.wake()

    def close(self) -> None:
        """Go away; the subscription waits for somebody else."""
        if self._established.reader is self:
            self._established.reader = None
            self._established.alone_since = self._clock.now()
