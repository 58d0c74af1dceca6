"""The event streams, and what of one is wanted: filters on the element of a notification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from lxml import etree

from promise.errors import BadValue, TooBig
from promise.northbound.expression import LONGEST, Expression, read
from promise.northbound.library.modules import library

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promise.northbound.events.notice import Notice

DEAREST: Final = 500_000
"""Steps that an expression may need for a notification of `USUAL` nodes: some milliseconds, for each that is told."""

USUAL: Final = 50


class Stream(NamedTuple):
    """An event stream: what it is for people, and the notifications in it (None = all)."""

    description: str
    names: frozenset[str] | None = None


NETCONF: Final = "NETCONF"
"""The stream that RFC 5277 section 3.2.3 wants."""

STREAMS: Final[Mapping[str, Stream]] = {
    NETCONF: Stream("every event that the reader may know of"),
    "capacity": Stream("changes of capacity: capacity-event", frozenset({"capacity-event"})),
    "reservation": Stream("changes of reservations: reservation-event", frozenset({"reservation-event"})),
    "allocation": Stream("changes of instances: allocation-event", frozenset({"allocation-event"})),
}
"""All streams by name; each is replayed from the journal."""


class XPath:
    """An XPath 1.0 filter: it passes what the expression is true of, or finds any node in.

    The tree is the notification's element alone, below the root (RFC 8639 section 5.2, RFC 8040 section 4.8.4).
    """

    def __init__(self, text: str, namespaces: Mapping[str, str], path: str = "") -> None:
        """Raise BadValue, of the node at this path, for what is no expression."""
        self.text = text
        reading = read(text[: LONGEST + 1])
        if len(text) > LONGEST or USUAL**reading.power * reading.factor > DEAREST:
            raise TooBig("an XPath filter must be shorter, or search less in predicates", path=path)
        try:
            self._find = Expression(reading, namespaces)
        except etree.XPathError as error:
            raise BadValue(f"the filter is no XPath 1.0 expression: {error}", path=path) from None

    def __call__(self, notice: Notice) -> bool:
        """Tell whether a notification passes."""
        try:
            return bool(self._find(notice.holder))
        except etree.XPathError:
            return False


def module_names() -> dict[str, str]:
    """Return the namespaces by the names and the prefixes of modules, as filters in a URI use them."""
    modules = library().modules.values()
    return {module.prefix: module.namespace for module in modules} | {
        module.name: module.namespace for module in modules
    }
