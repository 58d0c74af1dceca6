"""Keystone: where every service is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.world.names import bare, lasting

if TYPE_CHECKING:
    from promise.vim.simulator.api.exchange import Call

SERVICES: Final = (
    ("keystone", "identity", "/identity"),
    ("nova", "compute", "/compute/v2.1"),
    ("placement", "placement", "/placement"),
    ("glance", "image", "/image"),
    ("neutron", "network", "/network"),
    ("cinder", "block-storage", "/volume/v3"),
    ("aodh", "alarming", "/alarming"),
)
"""Name, type and path of every service in the catalog."""


def catalog(call: Call) -> list[dict[str, Any]]:
    """Return the catalog as tokens carry it, with addresses at which the caller came in."""
    region = call.world.options.region
    return [
        {
            "id": bare(lasting("service", kind)),
            "type": kind,
            "name": name,
            "endpoints": [
                {
                    "id": bare(lasting("endpoint", f"{kind}/{interface}")),
                    "interface": interface,
                    "region": region,
                    "region_id": region,
                    "url": call.request.origin + path,
                }
                for interface in ("public", "internal", "admin")
            ],
        }
        for name, kind, path in SERVICES
    ]
