"""One notification, encoded once for each encoding and then shared by all who are told it; pure.

What differs from one receiver to the next is `subscription-id` alone, which follows `time` in the schema: the bytes
before and behind it are the same for everybody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from promise.northbound.codec.moment import DATE_AND_TIME
from promise.northbound.expression import held
from promise.northbound.words import sure
from promise.subscription.matching import kind_of, passes
from promise.subscription.model import Subscription

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lxml.etree import _Element

    from promise.actor import Actor
    from promise.northbound.codec import Notification
    from promise.subscription.matching import Subject
    from promise.subscription.model import Filter, Kind

NAMESPACE: Final = "urn:ietf:params:xml:ns:netconf:notification:1.0"
"""The namespace of <notification> and <create-subscription> (RFC 5277 section 4)."""

_TIME: Final = b"</time>"
_COMPACT: Final = (",", ":")


EVENT_IDS: Final = UUID("b3f0b3a0-6a0e-5d0e-9a7c-5f1f0c6f5a11")
"""The ids of notifications follow from this and from where they stand, so that one sent again has the same id."""


def head(name: str, seq: int, at: int) -> dict[str, Any]:
    """Return what every notification begins with; its id follows from the name."""
    return {"event_id": str(uuid5(EVENT_IDS, name)), "sequence": seq, "time": sure(at)}


class Notice:
    """A notification about a subject, for those who may see that; `only` is the one subscription that it is for.

    `make` returns the leaves of the binding's body. It is asked when somebody first wants the notification. `shared`
    keeps other forms of it, for whoever makes them; `number` is which of those of its entry it is.
    """

    __slots__ = (
        "_at", "_binding", "_content", "_document", "_holder", "_json", "_make", "number", "only", "seq", "shared",
        "subject",
    )  # fmt: skip

    def __init__(
        self,
        binding: Notification[Any],
        place: tuple[int, int],
        subject: Subject | Subscription | None,
        make: Callable[[], dict[str, Any]],
        only: str | None = None,
    ) -> None:
        self.seq, self._at = place
        self.subject = subject
        self.only = only
        self._binding = binding
        self._make = make
        self._content = b""
        self._document = b""
        self._holder: _Element | None = None
        self._json: tuple[str, str] | None = None
        self.shared: dict[str, bytes] = {}
        self.number = 0

    @property
    def namespace(self) -> str:
        """The namespace of its element."""
        return self._binding.namespace

    @property
    def name(self) -> str:
        """The name of its element: "capacity-event", "reservation-event", "allocation-event"..."""
        return self._binding.name

    @property
    def event_id(self) -> str:
        """Its id, the same however often it is told."""
        return str(self._make()["event_id"])

    def matches(self, kind: Kind, wanted: Filter) -> bool:
        """Tell whether it is of this kind, and passes the filter."""
        subject = self.subject
        if subject is None or isinstance(subject, Subscription):
            return False
        return kind_of(subject) is kind and passes(wanted, subject)

    def for_eyes_of(self, actor: Actor) -> bool:
        """Tell whether the actor may know: numbers are for all, a record for those who may see it."""
        subject = self.subject
        if isinstance(subject, Subscription):  # a user's own: his project has no part in it
            return subject.owner == actor.user or actor.oversees(subject.project)
        return subject is None or isinstance(subject, Mapping) or actor.sees(subject)

    def seen_by(self, actor: Actor, shows: Callable[[Actor, str], bool]) -> Notice | None:  # noqa: ARG002 - see below
        """Return it as the actor may know it, None where it may not; `shows` says which nodes, by path, it may see."""
        return self if self.for_eyes_of(actor) else None

    @property
    def content(self) -> bytes:
        """Its element, which stands beside <eventTime>."""
        if not self._content:
            self._content = self._binding.encode_xml(self._binding.body(**self._make()))
        return self._content

    @property
    def holder(self) -> _Element:
        """An element with its element in it, parsed, for filters (see `expression`)."""
        if self._holder is None:
            self._holder = held([self.content])
        return self._holder

    @property
    def element(self) -> _Element:
        """Its element, parsed, for filters."""
        return self.holder[0]

    @property
    def document(self) -> bytes:
        """The whole <notification>."""
        if not self._document:
            self._document = document(self._at, self.content)
        return self._document

    def written(self) -> bytes:
        """Return the whole <notification>."""
        return self.document

    def document_for(self, subscriptions: Sequence[str]) -> bytes:
        """Return the whole <notification> with the ids of the receiver's subscriptions."""
        head, found, tail = self.document.partition(_TIME)
        ids = "".join(f"<subscription-id>{key}</subscription-id>" for key in subscriptions)
        return b"%b%b%b%b" % (head, found, ids.encode(), tail)

    def json_for(self, subscriptions: Sequence[str] = ()) -> bytes:
        """Return {"ietf-restconf:notification": …} (RFC 8040 section 6.4) with the ids of the subscriptions."""
        head, tail = self._json or self._split_json()
        ids = f'"subscription-id":{json.dumps(list(subscriptions), separators=_COMPACT)},' if subscriptions else ""
        return f"{head}{ids}{tail}".encode()

    def _split_json(self) -> tuple[str, str]:
        """Return the text before and behind the place of the ids."""
        ((member, body),) = dict(self._binding.encode_json(self._binding.body(**self._make()))).items()
        leading = {name: body.pop(name) for name in ("event-id", "sequence", "time")}
        head = json.dumps(leading, separators=_COMPACT)[:-1]
        tail = json.dumps(body, separators=_COMPACT)[1:]
        told = json.dumps(DATE_AND_TIME.text(sure(self._at)))
        head = f'{{"ietf-restconf:notification":{{"eventTime":{told},{json.dumps(member)}:{head},'
        self._json = head, f"{tail}}}}}"
        return self._json


def document(at: int, content: bytes) -> bytes:
    """Return the <notification> of a moment around an element (RFC 5277 section 4)."""
    return b'<notification xmlns="%b"><eventTime>%b</eventTime>%b</notification>' % (
        NAMESPACE.encode(),
        DATE_AND_TIME.text(sure(at)).encode(),
        content,
    )
