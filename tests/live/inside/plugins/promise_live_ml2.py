"""An ML2 mechanism driver that says of every port that it is wired: there are no agents to do it."""

from __future__ import annotations

from typing import Any

from neutron_lib import constants  # type: ignore[import-not-found]
from neutron_lib.api.definitions import portbindings  # type: ignore[import-not-found]
from neutron_lib.plugins.ml2 import api  # type: ignore[import-not-found]


class Wired(api.MechanismDriver):  # type: ignore[misc]
    """Binds each port to the first segment of its network."""

    def initialize(self) -> None:
        """Need nothing."""

    def bind_port(self, context: Any) -> None:
        """Bind at once."""
        segment, *_ = context.segments_to_bind
        context.set_binding(
            segment[api.ID],
            portbindings.VIF_TYPE_OVS,
            {portbindings.CAP_PORT_FILTER: True},
            status=constants.PORT_STATUS_ACTIVE,
        )
