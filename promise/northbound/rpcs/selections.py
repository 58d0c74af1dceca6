"""What a subscription selects: by a filter of its own, or by one that is configured; and what reads a datastore so.

Configured filters (`filters` of ietf-subscribed-notifications) are found in the running configuration, as far as the
subscriber may read it (RFC 8639 section 2.2).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from promise.errors import BadValue, Invalid
from promise.northbound.events.pushing import LARGEST, Look, OnChange, Periodic, too_big
from promise.northbound.message import split
from promise.northbound.port import Content, Datastore
from promise.northbound.rpcs import pushed, streamed
from promise.northbound.rpcs.filters import ALL
from promise.northbound.rpcs.subscribing import PUSH_TAG, SN, SUBSCRIBED_TAG, YP, text
from promise.northbound.subtree import Selection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lxml.etree import _Element

    from promise.northbound.access import Caller
    from promise.northbound.events.touched import Touched
    from promise.northbound.port import Datastores, Interest
    from promise.northbound.rpcs.filters import Filter
    from promise.northbound.rpcs.retrieval import Retrieval

OPERATIONAL: Final = Datastore.OPERATIONAL
STREAM_FILTER: Final = "stream-filter"
SELECTION_FILTER: Final = "selection-filter"

_FILTERS: Final = f"{{{SN}}}filters"


class Selections:
    """Finds filters, and makes what reads a datastore through them."""

    def __init__(self, datastores: Datastores, retrieval: Retrieval) -> None:
        self._datastores = datastores
        self._retrieval = retrieval

    async def interest(
        self, caller: Caller, given: Mapping[str, _Element], path: str, plain: Interest, operation: str
    ) -> Interest:
        """Return an interest in events with the filter that is given, if one is."""
        name = streamed.filter_given(given, path)
        if name is None:
            return plain
        where = f"{path}/sn:{name}"
        if name == "stream-filter-name":
            found = await self._expected(caller, STREAM_FILTER, text(given[name]), where)
            return streamed.narrowed(plain, found, where, operation)
        return streamed.filtered(plain, given[name], where, operation)

    async def reading(
        self,
        caller: Caller,
        datastore: Datastore,
        given: Mapping[str, _Element],
        trigger: Periodic | OnChange,
        path: str,
        operation: str,
    ) -> Look:
        """Return what reads of a datastore what is selected, once it is seen that it can be read, and is not too much.

        Raises:
            Invalid: with the identity that says why it cannot be pushed.
        """
        name = streamed.filter_given(given, path, pushed.FILTERS)
        element = None if name is None else given[name]
        where = f"{path}/yp:{name or 'datastore'}"
        if element is not None and name == "selection-filter-ref":
            (element,) = await self._expected(caller, SELECTION_FILTER, text(element), where) or (None,)
        return await self.through(caller, datastore, element, trigger, where, operation)

    async def through(
        self,
        caller: Caller,
        datastore: Datastore,
        element: _Element | None,
        trigger: Periodic | OnChange,
        path: str,
        operation: str,
    ) -> Look:
        """Return what reads through a filter; None = everything."""
        wanted = ALL if element is None else pushed.filter_of(element, path, operation)
        pushed.expect_selection(wanted, self._datastores.schema.top, trigger, path, operation)
        reads = self._datastores.read if isinstance(trigger, OnChange) else self._retrieval.nodes
        local = datastore is not OPERATIONAL or _local(element)
        look = Look(partial(self._read, reads, caller, datastore, wanted), local)
        try:
            found = await look.read(None) or ()
        except Invalid as fault:  # an expression may fail only when it is evaluated
            raise pushed.unfit(fault, path, operation) from None
        if isinstance(trigger, Periodic) or trigger.sync:
            expect_room(sum(len(etree.tostring(one)) for one in found), trigger, path, operation)
        return look

    async def configured(self, caller: Caller, kind: str, name: str) -> Sequence[_Element] | None:
        """Return what a configured filter consists of: one element, or none where everything passes.

        None: there is no such filter, or the caller may not read it.
        """
        wanted = etree.Element("filter")
        etree.SubElement(wanted, _FILTERS)
        found = await self._datastores.read(caller, Datastore.RUNNING, Selection.of(wanted), Content.CONFIG)
        entries = [entry for element in found.elements() if element.tag == _FILTERS for entry in element]
        named = (entry for entry in entries if split(entry.tag)[1] == kind and len(entry) and text(entry[0]) == name)
        entry = next(named, None)
        return None if entry is None else list(entry)[1:]

    async def _expected(self, caller: Caller, kind: str, name: str, path: str) -> Sequence[_Element]:
        found = await self.configured(caller, kind, name)
        if found is None:
            rule = f"there is no {kind} {name!r} to refer to"
            raise BadValue(rule, path=path, app_tag=f"{SUBSCRIBED_TAG}filter-unsupported")
        return found

    async def _read(
        self, reads: Any, caller: Caller, datastore: Datastore, wanted: Filter, touched: Touched | None
    ) -> Sequence[_Element] | None:
        """Return what is selected: of all, or where parts can be told apart of what is touched."""
        if touched is not None and datastore is not OPERATIONAL:
            return None  # of configuration, everything is touched or nothing
        content = Content.ALL if datastore is OPERATIONAL else Content.CONFIG
        building = wanted.building
        if touched is not None:
            some = touched.within(building)
            if some is None:
                return None
            building = some
        found = await reads(caller, datastore, building, content)
        return wanted.prune(found.elements(), self._datastores.schema.top)


def _local(element: _Element | None) -> bool:
    """Tell whether what a filter selects of a part does not depend on other parts; None = there is no filter."""
    if element is None or str(element.tag).endswith("subtree-filter"):
        return True
    return not any(sign in text(element) for sign in ("[", "..", "::"))


def expect_room(size: int, trigger: Periodic | OnChange, path: str, operation: str) -> None:
    """Raise where so many bytes would have to be pushed at once."""
    if size > LARGEST:
        error = too_big(size, f"{{{YP}}}{operation}-subscription-datastore-error-info")
        error.path = path
        error.app_tag = f"{PUSH_TAG}{'update' if isinstance(trigger, Periodic) else 'sync'}-too-big"
        raise error
