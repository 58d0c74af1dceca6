"""<get> and <get-config> (RFC 6241 sections 7.1 and 7.7), and what every reading has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from promise.errors import Invalid
from promise.northbound.defaults import Report, reported
from promise.northbound.port import Content, Datastore
from promise.northbound.rpcs.filters import DEFAULTS, filter_of, report_of
from promise.northbound.rpcs.parameters import datastore_of, parameters_of, path_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lxml.etree import _Element

    from promise.northbound.access import Caller
    from promise.northbound.datastore import Schema
    from promise.northbound.nacm.control import Control
    from promise.northbound.port import Datastores, Events, StateSource
    from promise.northbound.subtree import Selection


class Retrieval:
    """The operations that only read."""

    def __init__(
        self, datastores: Datastores, events: Events | None, sources: Sequence[StateSource], access: Control
    ) -> None:
        self._access = access
        self._datastores = datastores
        self._events = events
        self._sources = [(*_tag(datastores.schema, source), source) for source in sources]

    async def get(self, caller: Caller, operation: _Element) -> bytes:
        """Show the running configuration and the state."""
        parameters = parameters_of(operation, "filter", DEFAULTS)
        return await self._shown(caller, operation, parameters, Datastore.OPERATIONAL, Content.ALL)

    async def get_config(self, caller: Caller, operation: _Element) -> bytes:
        """Show a configuration."""
        parameters = parameters_of(operation, "source", "filter", DEFAULTS)
        source = datastore_of(operation, parameters, "source")
        return await self._shown(caller, operation, parameters, source, Content.CONFIG)

    def readable(self, caller: Caller, elements: Sequence[_Element]) -> Sequence[_Element]:
        """Return what the caller may read of top-level elements."""
        return self._access.readable(caller, elements)

    async def _shown(
        self,
        caller: Caller,
        operation: _Element,
        parameters: Mapping[str, _Element],
        datastore: Datastore,
        content: Content,
    ) -> bytes:
        path = path_of(operation)
        wanted = filter_of(operation, parameters.get("filter"))
        mode = report_of(parameters.get(DEFAULTS), path) or Report.EXPLICIT
        found = await self.nodes(caller, datastore, wanted.building, content)
        top = self._datastores.schema.top
        try:
            shown = self.readable(caller, reported(found, top, mode, wanted.building))
            return data(wanted.prune(shown, top))
        except Invalid as fault:  # an expression may fail only when it is evaluated
            fault.path = fault.path or f"{path}/nc:filter"
            raise

    async def nodes(
        self, caller: Caller, datastore: Datastore, wanted: Selection, content: Content
    ) -> Sequence[_Element]:
        """Return the top-level nodes of a datastore, in operation with what the server tells of itself.

        What the caller may not read is left out before any filter looks at it, so no filter can tell of it.
        """
        found = [*await self._datastores.read(caller, datastore, wanted, content)]
        if datastore is not Datastore.OPERATIONAL or content is Content.CONFIG:
            return found
        if self._events is not None:
            await self._events.log_times()  # two of the sources tell them
        told = {
            source.top: source.tree()
            for namespace, name, source in self._sources
            if wanted.child(namespace, name) is not None
        }
        more = self._datastores.schema.elements(told) if told else []
        return found + self._access.readable(caller, more)


def _tag(schema: Schema, source: StateSource) -> tuple[str, str]:
    """Return the namespace and name of the node that a source tells."""
    node = next(node for node in schema.top.values() if node.member == source.top)
    return node.namespace, node.name


def data(elements: Sequence[_Element], namespace: str = "") -> bytes:
    """Return the <data> of a reply around what was found; it stands in NETCONF's namespace, or in another one."""
    shown = b"".join(etree.tostring(element, encoding="utf-8", with_tail=False) for element in elements)
    return b"<data%b>%b</data>" % (f' xmlns="{namespace}"'.encode() if namespace else b"", shown)
