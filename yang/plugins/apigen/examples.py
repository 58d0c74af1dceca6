"""Examples of what operations are asked; a test sends each of them to a controller, which has to understand it."""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]

_ID: Final = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
_ASKED: Final[dict[str, Json]] = {
    "query-capacity": {
        "capacity": "available",
        "window": {"start": "2027-03-01T08:00:00Z", "end": "2027-03-01T18:00:00Z"},
    },
    "increase-capacity": {"source": _ID, "capacity": {"cores": 16, "ram": "65536", "instances": 10}},
    "decrease-capacity": {"source": _ID, "start": "2027-03-01T08:00:00Z", "capacity": {"cores": 4}},
    "create-reservation": {
        "name": "night shift",
        "start": "2027-03-01T20:00:00Z",
        "end": "2027-03-02T06:00:00Z",
        "capacity": {"cores": 4, "ram": "8192", "instances": 2},
        "idempotency-key": "order-4711",
    },
    "update-reservation": {"reservation-id": _ID, "capacity": {"cores": 6}},
    "cancel-reservation": {"reservation-id": _ID},
    "create-instance": {"name": "worker-1", "flavor": "m1.small", "image": "cirros", "reservation-id": _ID},
    "destroy-instance": {"instance-id": _ID},
    "add-provider": {
        "provider-type": "openstack",
        "endpoint": "https://keystone.example/v3",
        "username": "promise",
        "password": "secret",
        "project": {"name": "promise", "domain-name": "Default"},
    },
    "subscribe-capacity-events": {"filter": {"resource": ["cores"]}},
}


def asked_of(module: str, rpc: str) -> Json:
    """Return the example of an operation's input, as a part of its media type."""
    return {"example": {f"{module}:input": _ASKED[rpc]}} if rpc in _ASKED else {}
