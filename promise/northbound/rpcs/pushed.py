"""What an <establish-subscription> to a datastore asks for (RFC 8641 section 4.4.1).

<yp:datastore>ds:operational</yp:datastore>
<yp:datastore-subtree-filter>…</…> | <yp:datastore-xpath-filter>…</…>
<yp:periodic><yp:period>500</yp:period><yp:anchor-time/>?</…>
| <yp:on-change><yp:dampening-period/>? <yp:sync-on-start/>? <yp:excluded-change/>*</…>
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from promise.errors import BadValue, Invalid, MissingElement, UnknownElement
from promise.northbound.codec.moment import DATE_AND_TIME
from promise.northbound.events.dynamic import NAMESPACE
from promise.northbound.message import split
from promise.northbound.rpcs.filters import SubtreeFilter, xpath_of
from promise.northbound.rpcs.pushing import HUNDREDTH, YANG_PUSH, OnChange, Periodic
from promise.northbound.subtree import Selection
from promise.northbound.words import starting

if TYPE_CHECKING:
    from lxml.etree import _Element

    from promise.northbound.rpcs.filters import Filter

_PATH: Final = "/nc:rpc/sn:establish-subscription"
_FILTERS: Final = frozenset({"datastore-subtree-filter", "datastore-xpath-filter"})
_TRIGGERS: Final = frozenset({"periodic", "on-change"})
_CHANGES: Final = frozenset({"create", "delete", "insert", "move", "replace"})
_APP_TAG: Final = "ietf-yang-push:"


class Asked(NamedTuple):
    """What is wanted of the operational datastore, when, and until when (seconds)."""

    wanted: Filter
    trigger: Periodic | OnChange
    stop: int | None


def push_of(operation: _Element, now: int) -> Asked:
    """Return what is asked for; raises errors.Invalid with the identity of RFC 8641 that says why it cannot be."""
    found: dict[str, _Element] = {}
    for element in operation:
        namespace, name = split(element.tag)
        known = {"datastore", *_FILTERS, *_TRIGGERS} if namespace == YANG_PUSH else {"stop-time", "encoding"}
        if name not in known or namespace not in {YANG_PUSH, NAMESPACE} or name in found:
            rule = f"<{name}> may not stand here, or not twice"
            raise UnknownElement(rule, path=_PATH, name=name, namespace=namespace)
        found[name] = element
    if _text(found["datastore"]).rpartition(":")[2] != "operational":
        rule = "the datastore that is pushed is operational"
        raise BadValue(rule, path=f"{_PATH}/yp:datastore", app_tag=f"{_APP_TAG}datastore-not-subscribable")
    if "encoding" in found and _text(found["encoding"]).rpartition(":")[2] != "encode-xml":
        tag = "ietf-subscribed-notifications:encoding-unsupported"
        raise BadValue("on a NETCONF session the encoding is encode-xml", path=f"{_PATH}/sn:encoding", app_tag=tag)
    stop = _moment(found["stop-time"]) if "stop-time" in found else None
    if stop is not None and stop <= now:
        raise BadValue("stop-time must be later than now", path=f"{_PATH}/sn:stop-time", name="stop-time")
    return Asked(_filter(found), _trigger(found), stop)


def _filter(found: dict[str, _Element]) -> Filter:
    chosen = [name for name in sorted(_FILTERS) if name in found]
    path = f"{_PATH}/yp:{chosen[0] if chosen else ''}"
    if len(chosen) != 1:
        rule = "one datastore-subtree-filter or datastore-xpath-filter must say what is pushed"
        raise BadValue(rule, path=_PATH, app_tag=f"{_APP_TAG}unchanging-selection")
    element = found[chosen[0]]
    try:
        if chosen[0] == "datastore-subtree-filter":
            return SubtreeFilter(Selection.of(element))
        return xpath_of(_text(element), element, path)
    except Invalid as fault:
        fault.app_tag = "ietf-subscribed-notifications:filter-unsupported"
        raise


def _trigger(found: dict[str, _Element]) -> Periodic | OnChange:
    chosen = [name for name in sorted(_TRIGGERS) if name in found]
    if len(chosen) != 1:
        raise MissingElement("periodic or on-change must say when it is pushed", path=_PATH, name="periodic")
    leaves: dict[str, list[str]] = {}
    for leaf in found[chosen[0]]:
        leaves.setdefault(split(leaf.tag)[1], []).append(_text(leaf))
    path = f"{_PATH}/yp:{chosen[0]}"
    if chosen[0] == "periodic":
        period = _number(leaves.get("period", [""])[0], f"{path}/yp:period")
        if period < HUNDREDTH:
            rule = f"the period must be at least {HUNDREDTH} hundredths of a second"
            raise BadValue(rule, path=f"{path}/yp:period", app_tag=f"{_APP_TAG}period-unsupported")
        anchor = leaves.get("anchor-time")
        return Periodic(period, None if anchor is None else starting(DATE_AND_TIME.read_json(anchor[0])))
    excluded = frozenset(leaves.get("excluded-change", ()))
    if strange := excluded - _CHANGES:
        raise BadValue(f"there is no change {min(strange)}", path=f"{path}/yp:excluded-change")
    sync = leaves.get("sync-on-start", ["true"])[0]
    if sync not in {"true", "false", "1", "0"}:
        raise BadValue("sync-on-start must be true or false", path=f"{path}/yp:sync-on-start")
    dampening = _number(leaves.get("dampening-period", ["0"])[0], f"{path}/yp:dampening-period")
    return OnChange(dampening, sync in {"true", "1"}, excluded)


def _number(text: str, path: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:11]) < 2**32):
        raise BadValue("a period is a number of hundredths of a second", path=path)
    return int(text)


def _moment(element: _Element) -> int:
    try:
        return starting(DATE_AND_TIME.read_xml(_text(element), element)) or 0
    except BadValue as error:
        raise BadValue(error.rule, path=f"{_PATH}/sn:stop-time", name="stop-time") from None


def _text(element: _Element) -> str:
    return (element.text or "").strip()
