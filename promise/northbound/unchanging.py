"""What never changes as long as the server runs, and so need not be written anew for every reader."""

from __future__ import annotations

from typing import Any


class Unchanging(dict[str, Any]):
    """The content of a container, as RFC 7951 writes it: never changed, so whoever writes it may keep its `text`."""

    __slots__ = ("text",)
    text: str
