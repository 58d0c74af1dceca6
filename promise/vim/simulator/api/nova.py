"""Nova: its versions, and all its routes together."""

from __future__ import annotations

from typing import Any, Final

from promise.vim.simulator.api import (
    nova_actions,
    nova_attachments,
    nova_flavors,
    nova_groups,
    nova_hosts,
    nova_quotas,
    nova_servers,
)
from promise.vim.simulator.api.exchange import Answer, Call, Routes
from promise.vim.simulator.api.service import Microversions, Service, dotted, nova_shape

LEAST: Final = (2, 1)
MOST: Final = (2, 96)


def _version(call: Call) -> dict[str, Any]:
    return {
        "id": "v2.1",
        "status": "CURRENT",
        "version": dotted(MOST),
        "min_version": dotted(LEAST),
        "updated": "2013-07-23T11:33:21Z",
        "links": [{"rel": "self", "href": call.link("")}],
    }


def versions(call: Call) -> Answer:
    """GET /."""
    return Answer(200, {"versions": [_version(call)]})


def version(call: Call) -> Answer:
    """GET /v2.1."""
    media = [{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}]
    return Answer(200, {"version": {**_version(call), "media-types": media}})


_ROUTES: Final[Routes] = {
    **nova_flavors.ROUTES,
    **nova_servers.ROUTES,
    **nova_actions.ROUTES,
    **nova_attachments.ROUTES,
    **nova_groups.ROUTES,
    **nova_quotas.ROUTES,
    **nova_hosts.ROUTES,
}

SERVICE: Final = Service(
    name="compute",
    mount="/compute",
    base="/compute/v2.1",
    shape=nova_shape,
    microversions=Microversions("compute", LEAST, MOST, "x-openstack-nova-api-version"),
    open_to_all=frozenset({"GET /", "GET /v2.1"}),
    routes={
        "/": {"GET": versions},
        "/v2.1": {"GET": version},
        **{f"/v2.1{path}": methods for path, methods in _ROUTES.items()},
    },
)
