"""What is told to one subscription alone and is in no journal: changes of its state, and what is pushed to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from promise.northbound.codec.moment import DATE_AND_TIME
from promise.northbound.events.notice import Notice
from promise.northbound.library.modules import library
from promise.northbound.words import sure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from promise.subscription.model import Filter, Kind

SUBSCRIBED: Final = "ietf-subscribed-notifications"
PUSH: Final = "ietf-yang-push"


class Statement(Notice):
    """A notification of a module; `inside` is what stands in its element, `body` returns the same for JSON.

    It has no place in the journal (seq 0), so a reader who comes back cannot name it.
    """

    __slots__ = ("_body", "_inside", "_module", "_name")

    def __init__(self, module: str, name: str, at: int, inside: bytes, body: Callable[[], Mapping[str, Any]]) -> None:
        super().__init__(None, (0, at), None, dict)  # type: ignore[arg-type]  # its binding is below
        self._module = module
        self._name = name
        self._inside = inside
        self._body = body

    @property
    def namespace(self) -> str:
        """The namespace of its element."""
        return library().modules[self._module].namespace

    @property
    def name(self) -> str:
        """The name of its element."""
        return self._name

    def matches(self, kind: Kind, wanted: Filter) -> bool:  # noqa: ARG002 - whatever is asked for
        """Tell that it is none of the kinds that subscriptions of Promise's own are about."""
        return False

    @property
    def content(self) -> bytes:
        """Its element."""
        if not self._content:
            name = self._name.encode()
            self._content = b'<%b xmlns="%b">%b</%b>' % (name, self.namespace.encode(), self._inside, name)
        return self._content

    def document_for(self, subscriptions: Sequence[str]) -> bytes:  # noqa: ARG002 - it has no place for them
        """Return the whole <notification>."""
        return self.document

    def json_for(self, subscriptions: Sequence[str] = ()) -> bytes:  # noqa: ARG002 - it has no place for them
        """Return {"ietf-restconf:notification": …} (RFC 8040 section 6.4)."""
        told = {"eventTime": DATE_AND_TIME.text(sure(self._at)), f"{self._module}:{self._name}": self._body()}
        return json.dumps({"ietf-restconf:notification": told}, ensure_ascii=False, separators=(",", ":")).encode()


def change_of_state(name: str, at: int, number: int, reason: str = "", module: str = SUBSCRIBED) -> Statement:
    """Return a change of the state of a subscription (RFC 8639 section 2.7); `module` is that of the reason."""
    said: dict[str, Any] = {"id": number} | ({"reason": f"{module}:{reason}"} if reason else {})
    inside = f"<id>{number}</id>"
    if reason and module != SUBSCRIBED:
        inside += f'<reason xmlns:{module}="{library().modules[module].namespace}">{module}:{reason}</reason>'
    elif reason:
        inside += f"<reason>{reason}</reason>"
    return Statement(SUBSCRIBED, name, at, inside.encode(), lambda: said)
