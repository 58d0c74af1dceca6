"""What an establish- or modify-subscription of a stream asks for (RFC 8639 sections 2.4.2 and 2.4.3).

<stream>NETCONF</stream>  <stream-filter-name/> | <stream-subtree-filter>…</…> | <stream-xpath-filter>…</…>
<replay-start-time/>?  <stop-time/>?
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from promise.errors import BadValue, DuplicateNode, Invalid, MissingElement
from promise.northbound.events.selecting import STREAMS, XPath, module_names
from promise.northbound.port import Interest
from promise.northbound.rpcs.subscribing import SUBSCRIBED_TAG, hinted, moment, text
from promise.northbound.subtree import Selection
from promise.northbound.words import ending, starting, sure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lxml.etree import _Element

FILTERS: Final = ("stream-filter-name", "stream-subtree-filter", "stream-xpath-filter")
KNOWN: Final = tuple(f"sn:{name}" for name in ("stream", *FILTERS, "replay-start-time", "stop-time", "encoding"))
"""The parameters of an establish-subscription."""


def begun(given: Mapping[str, _Element], path: str, now: int) -> Interest:
    """Return what a new subscription is about, but for its filter."""
    if "stream" not in given:
        raise MissingElement("a subscription must name a stream, or a datastore", path=path, name="stream")
    stream = text(given["stream"])
    if stream not in STREAMS:
        rule = f"there is no stream {stream!r}; there are {', '.join(STREAMS)}"
        raise BadValue(rule, path=f"{path}/sn:stream", name="stream")
    begin = moment(given, "replay-start-time", path)
    if begin is not None and begin > sure(now + 1):  # the second that the clock shows is not over
        rule = "replay-start-time must not be in the future"
        raise BadValue(rule, path=f"{path}/sn:replay-start-time", name="replay-start-time")
    return stopped(given, path, Interest(start=ending(begin), stream=stream), begin or sure(now))


def stopped(given: Mapping[str, _Element], path: str, plain: Interest, after: datetime) -> Interest:
    """Return the interest with the stop time that is given, which has to be later than this moment."""
    stop = moment(given, "stop-time", path)
    if stop is None:
        return plain
    if stop <= after:
        rule = "stop-time must be later than replay-start-time, and without that than now"
        raise BadValue(rule, path=f"{path}/sn:stop-time", name="stop-time")
    return plain._replace(stop=starting(stop))


def filter_given(given: Mapping[str, Any], path: str, names: tuple[str, ...] = FILTERS) -> str | None:
    """Return which of the filters is given; there is one at most."""
    chosen = [name for name in names if name in given]
    if len(chosen) > 1:
        prefix = "sn" if names is FILTERS else "yp"
        raise DuplicateNode("one filter may be given", path=f"{path}/{prefix}:{chosen[1]}", name=chosen[1])
    return chosen[0] if chosen else None


def narrowed(plain: Interest, found: Sequence[_Element], where: str, operation: str) -> Interest:
    """Return the interest with what a configured filter consists of: one element, or none."""
    return filtered(plain, found[0], where, operation) if found else plain._replace(wanted=None, test=None)


def filtered(plain: Interest, element: _Element, where: str, operation: str) -> Interest:
    """Return the interest with a filter; `where` is its path, and `operation` the one that it is given to.

    Raises:
        Invalid: with the identity filter-unsupported, and a hint.
    """
    bare = plain._replace(wanted=None, test=None)
    try:
        if str(element.tag).endswith("stream-subtree-filter"):
            return bare._replace(wanted=Selection.of(element))
        spaces = module_names() | {prefix: uri for prefix, uri in element.nsmap.items() if prefix}
        return bare._replace(test=XPath(text(element), spaces, where))
    except Invalid as fault:
        error = BadValue(fault.rule, path=where, app_tag=f"{SUBSCRIBED_TAG}filter-unsupported")
        raise hinted(
            error, f"{operation}-subscription-stream-error-info", (("filter-failure-hint", fault.rule),)
        ) from None
