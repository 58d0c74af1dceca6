"""<get> and <get-config> (RFC 6241 sections 7.1 and 7.7), and what every reading has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promise.errors import Invalid
from promise.northbound.defaults import Report, reported
from promise.northbound.port import Content, Datastore, tree_for
from promise.northbound.rpcs.filters import DEFAULTS, filter_of, report_of
from promise.northbound.rpcs.parameters import datastore_of, parameters_of, path_of
from promise.northbound.shown import Shown, text_of
from promise.northbound.treexml import Writer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lxml.etree import _Element

    from promise.northbound.access import Caller
    from promise.northbound.datastore import Node, Schema
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
        self._sources = [(_node(datastores.schema, source), source) for source in sources]

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
        if found.exact and wanted.built and mode is Report.EXPLICIT:
            return b"".join([b"<data>", *found.texts(), b"</data>"])
        top = self._datastores.schema.top
        try:
            shown = self.readable(caller, reported(found.elements(), top, mode, wanted.building))
            return data(wanted.prune(shown, top))
        except Invalid as fault:  # an expression may fail only when it is evaluated
            fault.path = fault.path or f"{path}/nc:filter"
            raise

    async def nodes(self, caller: Caller, datastore: Datastore, wanted: Selection, content: Content) -> Shown:
        """Return the top-level nodes of a datastore, in operation with what the server tells of itself.

        What the caller may not read is left out before any filter looks at it, so no filter can tell of it.
        """
        found = await self._datastores.read(caller, datastore, wanted, content)
        if datastore is not Datastore.OPERATIONAL or content is Content.CONFIG:
            return found
        asked = [
            (node, source) for node, source in self._sources if wanted.child(node.namespace, node.name) is not None
        ]
        return found.and_also(await self._told(caller, asked, wanted)) if asked else found

    async def _told(self, caller: Caller, asked: Sequence[tuple[Node, StateSource]], wanted: Selection) -> Shown:
        """Return what the server tells of itself, as far as the caller may read it."""
        if self._events is not None:
            await self._events.log_times()  # two of the sources tell them
        writer = Writer(exact=wanted.plain)
        texts = [writer.nodes({node.member: tree_for(source, caller)}, [node], wanted) for node, source in asked]
        found = Shown([text for text in texts if text], exact=writer.exact)
        if self._access.reads_whole(caller, ((node,) for node, _ in asked)):
            return found
        exact = found.exact and wanted.by_names  # a value that was asked for may be what is taken out
        return Shown.of(self._access.readable(caller, found.elements()), exact=exact)


def _node(schema: Schema, source: StateSource) -> Node:
    """Return the top-level node that a source tells."""
    return next(node for node in schema.top.values() if node.member == source.top)


def data(elements: Sequence[_Element], namespace: str = "") -> bytes:
    """Return the <data> of a reply around what was found; it stands in NETCONF's namespace, or in another one."""
    shown = b"".join([text_of(element) for element in elements])
    return b"<data%b>%b</data>" % (f' xmlns="{namespace}"'.encode() if namespace else b"", shown)
