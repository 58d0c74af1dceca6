"""`ietf-restconf-monitoring:restconf-state`: what this server can do (RFC 8040 section 9)."""

from __future__ import annotations

from typing import Any, Final

BASIC_MODE: Final = "explicit"
"""How defaults are shown where nobody says how (RFC 6243 section 2): as they were set."""

_CAPABILITY: Final = "urn:ietf:params:restconf:capability:"
CAPABILITIES: Final = (
    f"{_CAPABILITY}defaults:1.0?basic-mode={BASIC_MODE}",
    f"{_CAPABILITY}depth:1.0",
    f"{_CAPABILITY}fields:1.0",
    f"{_CAPABILITY}with-defaults:1.0",
    f"{_CAPABILITY}yang-patch:1.0",
    f"{_CAPABILITY}limit:1.0",
    f"{_CAPABILITY}offset:1.0",
    f"{_CAPABILITY}cursor:1.0",
    f"{_CAPABILITY}direction:1.0",
)


class RestconfState:
    """See `port.StateSource`."""

    top = "ietf-restconf-monitoring:restconf-state"

    def tree(self) -> dict[str, Any]:
        """Return the content, as RFC 7951 writes it."""
        return {"capabilities": {"capability": list(CAPABILITIES)}}
