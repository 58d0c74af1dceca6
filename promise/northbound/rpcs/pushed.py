"""What an establish- or modify-subscription of a datastore asks for (RFC 8641 sections 4.4.1 and 4.4.2).

<yp:datastore>ds:operational</yp:datastore>
<yp:selection-filter-ref/> | <yp:datastore-subtree-filter>…</…> | <yp:datastore-xpath-filter>…</…>
<yp:periodic><yp:period>500</yp:period><yp:anchor-time/>?</…>
| <yp:on-change><yp:dampening-period/>? <yp:sync-on-start/>? <yp:excluded-change/>*</…>
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from promise.errors import (
    BadValue,
    DuplicateNode,
    Invalid,
    MissingElement,
    NothingSelected,
    UnknownElement,
    Unsupported,
)
from promise.northbound.codec.moment import DATE_AND_TIME
from promise.northbound.events.pushing import HUNDREDTH, OnChange, Periodic
from promise.northbound.events.selecting import module_names
from promise.northbound.message import split
from promise.northbound.port import Datastore
from promise.northbound.rpcs.filters import ALL, SubtreeFilter
from promise.northbound.rpcs.subscribing import PUSH_TAG, SUBSCRIBED_TAG, YP, hinted, identity, text
from promise.northbound.subtree import Selection
from promise.northbound.words import starting
from promise.northbound.xpath import XPathFilter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element

    from promise.northbound.datastore import Node
    from promise.northbound.rpcs.filters import Filter

FILTERS: Final = ("selection-filter-ref", "datastore-subtree-filter", "datastore-xpath-filter")
TRIGGERS: Final = ("periodic", "on-change")
KNOWN: Final = (*(f"yp:{name}" for name in ("datastore", *FILTERS, *TRIGGERS)), "sn:stop-time", "sn:encoding")
"""The parameters of an establish-subscription."""

_CHANGES: Final = frozenset({"create", "delete", "insert", "move", "replace"})
_SUBSCRIBABLE: Final = (Datastore.OPERATIONAL, Datastore.RUNNING)
_LEAVES: Final = {"periodic": {"period", "anchor-time"}, "on-change": {"dampening-period"}}
_AT_START: Final = {"periodic": set[str](), "on-change": {"sync-on-start", "excluded-change"}}
"""What cannot be changed later."""


def datastore_of(given: Mapping[str, _Element], path: str) -> Datastore:
    """Return the datastore that is to be pushed; the candidate changes without a commit that could be told."""
    where = f"{path}/yp:datastore"
    name = identity(given["datastore"], "ietf-datastores", where)
    if name not in _SUBSCRIBABLE:
        rule = f"the datastores that are pushed are {', '.join(_SUBSCRIBABLE)}"
        raise BadValue(rule, path=where, name="datastore", app_tag=f"{PUSH_TAG}datastore-not-subscribable")
    return Datastore(name)


def filter_of(element: _Element, path: str, operation: str) -> Filter:
    """Return what a filter selects; `path` is its own, `operation` the one that it is given to.

    Raises:
        BadValue: with the identity filter-unsupported, and a hint.
    """
    try:
        if str(element.tag).endswith("datastore-subtree-filter"):
            return SubtreeFilter(Selection.of(element))
        spaces: dict[str | None, str] = dict(element.nsmap)
        for name, namespace in module_names().items():
            spaces.setdefault(name, namespace)
        return XPathFilter(text(element), spaces)
    except Invalid as fault:
        raise unfit(fault, path, operation) from None


def unfit(fault: Invalid, path: str, operation: str) -> BadValue:
    """Return what says why a filter cannot be used."""
    error = BadValue(fault.rule, path=path, app_tag=f"{SUBSCRIBED_TAG}filter-unsupported")
    return hinted(error, f"{operation}-subscription-datastore-error-info", (("filter-failure-hint", fault.rule),))


def expect_selection(
    wanted: Filter, top: Mapping[str, Node], trigger: Periodic | OnChange, path: str, operation: str
) -> None:
    """Raise where nothing of these nodes will ever be selected, or nothing that changes with commits."""
    if wanted is ALL or wanted.building.everything:
        return
    chosen = [node for node in top.values() if wanted.building.child(node.namespace, node.name) is not None]
    if not chosen:
        rule = "the filter selects nothing that this datastore has, or ever will have"
        if not isinstance(wanted, SubtreeFilter):
            raise unfit(BadValue(f"{rule}: it must begin with the path of a node"), path, operation)
        raise NothingSelected(rule, path=path, app_tag=f"{PUSH_TAG}unchanging-selection")
    if isinstance(trigger, OnChange) and not any(node.config for node in chosen):
        what = f"on-change for {', '.join(node.member for node in chosen)}, which the server tells of itself,"
        raise Unsupported(what, path=path, app_tag=f"{PUSH_TAG}on-change-unsupported")


def trigger_of(given: Mapping[str, _Element], path: str, operation: str) -> Periodic | OnChange | None:
    """Return when is to be pushed, None where nothing is said."""
    chosen = [name for name in TRIGGERS if name in given]
    if len(chosen) > 1:
        raise DuplicateNode("it is either periodic or on-change", path=f"{path}/yp:{chosen[1]}", name=chosen[1])
    if not chosen:
        return None
    where, name = f"{path}/yp:{chosen[0]}", chosen[0]
    leaves = _leaves(given[name], _LEAVES[name] | (_AT_START[name] if operation == "establish" else set()), where)
    return _periodic(leaves, where, operation) if name == "periodic" else _on_change(leaves, where, operation)


def _leaves(element: _Element, known: set[str], where: str) -> dict[str, list[_Element]]:
    found: dict[str, list[_Element]] = {}
    for leaf in element:
        if not isinstance(leaf.tag, str):
            continue
        namespace, name = split(leaf.tag)
        if namespace != YP or name not in known:
            rule = f"<{name}> may not stand here, or cannot be changed"
            raise UnknownElement(rule, path=where, name=name, namespace=namespace)
        found.setdefault(name, []).append(leaf)
        if len(found[name]) > 1 and name != "excluded-change":
            raise DuplicateNode(f"<{name}> is given twice", path=f"{where}/yp:{name}", name=name)
    return found


def _periodic(leaves: Mapping[str, list[_Element]], where: str, operation: str) -> Periodic:
    if "period" not in leaves:
        raise MissingElement("a periodic subscription must have a period", path=where, name="period")
    period = _hundredths(leaves["period"][0], f"{where}/yp:period")
    if period < HUNDREDTH:
        raise _too_short("the period", f"{where}/yp:period", operation)
    anchor = leaves.get("anchor-time")
    if anchor is None:
        return Periodic(period)
    try:
        return Periodic(period, starting(DATE_AND_TIME.read_xml(text(anchor[0]), anchor[0])))
    except BadValue as error:
        raise BadValue(error.rule, path=f"{where}/yp:anchor-time", name="anchor-time") from None


def _on_change(leaves: Mapping[str, list[_Element]], where: str, operation: str) -> OnChange:
    excluded = frozenset(text(leaf) for leaf in leaves.get("excluded-change", ()))
    if strange := excluded - _CHANGES:
        rule = f"there is no change {min(strange)}; there are {', '.join(sorted(_CHANGES))}"
        raise BadValue(rule, path=f"{where}/yp:excluded-change", name="excluded-change")
    sync = text(leaves["sync-on-start"][0]) if "sync-on-start" in leaves else "true"
    if sync not in {"true", "false"}:
        raise BadValue("sync-on-start must be true or false", path=f"{where}/yp:sync-on-start", name="sync-on-start")
    dampening = 0
    if "dampening-period" in leaves:
        dampening = _hundredths(leaves["dampening-period"][0], f"{where}/yp:dampening-period")
        if 0 < dampening < HUNDREDTH:
            raise _too_short("a dampening-period other than 0", f"{where}/yp:dampening-period", operation)
    return OnChange(dampening, sync == "true", excluded)


def _hundredths(leaf: _Element, path: str) -> int:
    said = text(leaf)
    if not (said.isascii() and said.isdigit() and int(said[:11]) < 2**32):
        raise BadValue("a period is a number of hundredths of a second", path=path, name=path.rpartition(":")[2])
    return int(said)


def _too_short(what: str, path: str, operation: str) -> BadValue:
    rule = f"{what} must be at least {HUNDREDTH} hundredths of a second"
    error = BadValue(rule, path=path, name=path.rpartition(":")[2], app_tag=f"{PUSH_TAG}period-unsupported")
    return hinted(error, f"{operation}-subscription-datastore-error-info", (("period-hint", HUNDREDTH),))
