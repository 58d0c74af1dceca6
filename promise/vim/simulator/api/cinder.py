"""Cinder v3: its versions, and all its routes together."""

from __future__ import annotations

from typing import Any, Final

from promise.vim.simulator.api import cinder_quotas, cinder_snapshots, cinder_volumes
from promise.vim.simulator.api.exchange import Answer, Call, Routes
from promise.vim.simulator.api.service import Microversions, Service, dotted, nova_shape

LEAST: Final = (3, 0)
MOST: Final = (3, 71)


def _version(call: Call) -> dict[str, Any]:
    return {
        "id": "v3.0",
        "status": "CURRENT",
        "version": dotted(MOST),
        "min_version": dotted(LEAST),
        "updated": "2024-02-15T00:00:00Z",
        "links": [
            {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"},
            {"rel": "self", "href": call.link("")},
        ],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.volume+json;version=3"}],
    }


def versions(call: Call) -> Answer:
    """GET /: the versions, as 300 Multiple Choices."""
    return Answer(300, {"versions": [_version(call)]})


def version(call: Call) -> Answer:
    """GET /v3."""
    return Answer(200, {"versions": [_version(call)]})


_ROUTES: Final[Routes] = {**cinder_volumes.ROUTES, **cinder_snapshots.ROUTES, **cinder_quotas.ROUTES}

SERVICE: Final = Service(
    name="volume",
    mount="/volume",
    base="/volume/v3",
    shape=nova_shape,
    microversions=Microversions("volume", LEAST, MOST),
    open_to_all=frozenset({"GET /", "GET /v3"}),
    routes={
        "/": {"GET": versions},
        "/v3": {"GET": version},
        **{f"/v3{path}": methods for path, methods in _ROUTES.items()},
    },
)
