"""What is modelled and comes later: a request that names it is told so, and nothing of it is ignored."""

from __future__ import annotations

from promise.errors import Unsupported


def refuse(rpc: str, **given: object) -> None:
    """Raise `Unsupported` for the first of these nodes that the request has; names are written as in Python."""
    for name, value in given.items():
        if value not in (None, (), False):
            node = name.replace("_", "-")
            raise Unsupported(f"{node} of {rpc}", path=f"/promise:{rpc}/promise:{node}")
