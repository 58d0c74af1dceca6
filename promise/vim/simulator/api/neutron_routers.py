"""Neutron: the interfaces of routers."""

from __future__ import annotations

from typing import Any, Final

from promise.vim.simulator.api.exchange import Answer, Call, Routes
from promise.vim.simulator.world import routers
from promise.vim.simulator.world.errors import ApiError


def _router(call: Call) -> dict[str, Any]:
    row = call.world.network.get("router", call.parts["id"])
    if row["project_id"] != call.token.project_id and not call.token.admin:
        raise ApiError(404, f"Router {row['id']} could not be found.", "RouterNotFound")
    return row


def add_interface(call: Call) -> Answer:
    """PUT /v2.0/routers/{id}/add_router_interface."""
    return Answer(200, routers.add_interface(call.world.network, _router(call), call.json(), call.now))


def remove_interface(call: Call) -> Answer:
    """PUT /v2.0/routers/{id}/remove_router_interface."""
    return Answer(200, routers.remove_interface(call.world.network, _router(call), call.json()))


ROUTES: Final[Routes] = {
    "/v2.0/routers/{id}/add_router_interface": {"PUT": add_interface},
    "/v2.0/routers/{id}/remove_router_interface": {"PUT": remove_interface},
}
