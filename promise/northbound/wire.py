"""The transport below a session, as the session knows it."""

from __future__ import annotations

from typing import Protocol


class Wire(Protocol):
    """The transport below a session."""

    def write(self, data: bytes) -> None:
        """Send bytes, or keep them until they can be sent."""

    def pause_reading(self) -> None:
        """Deliver no bytes for now."""

    def resume_reading(self) -> None:
        """Deliver bytes again."""

    def finish(self, status: int) -> None:
        """Send what was written, then close; `status` is 0 when all went well, else 1."""

    def abort(self) -> None:
        """Close at once."""
