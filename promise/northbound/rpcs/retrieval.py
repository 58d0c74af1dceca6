"""<get> and <get-config> (RFC 6241 sections 7.1 and 7.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from promise.northbound import notifications
from promise.northbound.port import Content, Datastore
from promise.northbound.rpcs.filters import selection
from promise.northbound.rpcs.parameters import datastore_of, parameters_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.etree import _Element

    from promise.northbound.access import Caller
    from promise.northbound.datastore import Schema
    from promise.northbound.port import Datastores, Events, StateSource


class Retrieval:
    """The operations that only read."""

    def __init__(self, datastores: Datastores, events: Events | None, sources: Sequence[StateSource] = ()) -> None:
        self._datastores = datastores
        self._events = events
        self._sources = [(*_tag(datastores.schema, source), source) for source in sources]

    async def get(self, caller: Caller, operation: _Element) -> bytes:
        """Show the running configuration and the state."""
        parameters = parameters_of(operation, "filter")
        wanted = selection(operation, parameters.get("filter"))
        found = [*await self._datastores.read(caller, Datastore.OPERATIONAL, wanted)]
        if self._events is not None:
            found += await notifications.streams(self._events, wanted)
        told = {
            source.top: source.tree()
            for namespace, name, source in self._sources
            if wanted.child(namespace, name) is not None
        }
        found += self._datastores.schema.elements(told) if told else []
        return _data(wanted.prune(found))

    async def get_config(self, caller: Caller, operation: _Element) -> bytes:
        """Show a configuration."""
        parameters = parameters_of(operation, "source", "filter")
        source = datastore_of(operation, parameters, "source")
        wanted = selection(operation, parameters.get("filter"))
        found = await self._datastores.read(caller, source, wanted, Content.CONFIG)
        return _data(wanted.prune(found))


def _tag(schema: Schema, source: StateSource) -> tuple[str, str]:
    """Return the namespace and name of the node that a source tells."""
    node = next(node for node in schema.top.values() if node.member == source.top)
    return node.namespace, node.name


def _data(elements: Sequence[_Element]) -> bytes:
    shown = [etree.tostring(element, encoding="utf-8", with_tail=False) for element in elements]
    return b"<data>%b</data>" % b"".join(shown)
