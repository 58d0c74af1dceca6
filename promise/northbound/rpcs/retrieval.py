"""<get> and <get-config> (RFC 6241 sections 7.1 and 7.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from promise.northbound import notifications
from promise.northbound.port import Content, Datastore
from promise.northbound.rpcs.filters import selection
from promise.northbound.rpcs.parameters import expect_running, parameters_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.etree import _Element

    from promise.northbound.access import Caller
    from promise.northbound.port import Datastores, Events


class Retrieval:
    """The operations that only read."""

    def __init__(self, datastores: Datastores, events: Events | None) -> None:
        self._datastores = datastores
        self._events = events

    async def get(self, caller: Caller, operation: _Element) -> bytes:
        """Show the running configuration and the state."""
        parameters = parameters_of(operation, "filter")
        wanted = selection(operation, parameters.get("filter"))
        found = [*await self._datastores.read(caller, Datastore.OPERATIONAL, wanted)]
        if self._events is not None:
            found += await notifications.streams(self._events, wanted)
        return _data(wanted.prune(found))

    async def get_config(self, caller: Caller, operation: _Element) -> bytes:
        """Show a configuration."""
        parameters = parameters_of(operation, "source", "filter")
        expect_running(operation, parameters, "source")
        wanted = selection(operation, parameters.get("filter"))
        found = await self._datastores.read(caller, Datastore.RUNNING, wanted, Content.CONFIG)
        return _data(wanted.prune(found))


def _data(elements: Sequence[_Element]) -> bytes:
    shown = [etree.tostring(element, encoding="utf-8", with_tail=False) for element in elements]
    return b"<data>%b</data>" % b"".join(shown)
