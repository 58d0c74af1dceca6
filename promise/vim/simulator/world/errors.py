"""What a cloud says no with: the status and the words that the real service would answer."""

from __future__ import annotations

from promise.errors import PromiseError


class ApiError(PromiseError):
    """A request that the cloud answers with an HTTP error.

    `status` is the HTTP status and `message` the text of the real service; `kind` is what some services name
    beside it: Neutron's exception ("NetworkNotFound") or Placement's error code ("placement.concurrent_update").
    """

    def __init__(self, status: int, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind


class NoValidHost(PromiseError):
    """The scheduler found no host; the server becomes ERROR with this as its fault."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(f"No valid host was found. {reason}")


class BuildAborted(PromiseError):
    """A server could not be built on its host; it becomes ERROR with this as its fault."""

    def __init__(self, server_id: str, reason: str) -> None:
        super().__init__(f"Build of instance {server_id} aborted: {reason}")
