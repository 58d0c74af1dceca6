"""One HTTP connection: how long its head may be, how long it may keep us waiting, and words that are no HTTP."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import structlog
from aiohttp import web

from promise.errors import Malformed, Unsupported
from promise.northbound.faults import fault
from promise.northbound.restconf.exchange import Encoding
from promise.northbound.restconf.faultbody import errors
from promise.northbound.restconf.media import JSON

if TYPE_CHECKING:
    from promise.northbound.gate import Newcomer

LINGER: Final = 5.0
"""Seconds that a client has to take the last of what was sent to it."""

READ_AHEAD: Final = 32 * 1024
"""Bytes of a body that are taken before anybody asks for them."""

SERVER: Final = "promise"
"""What we say of ourselves: not which release of which library has which faults."""

_log: Final = structlog.get_logger(__name__)


class Connection(web.RequestHandler):
    """A connection, which is a stranger until `known`.

    Its head may have `max_head` bytes. A client that takes nothing for `patience` seconds is cut off.
    """

    def __init__(
        self,
        manager: web.Server,
        newcomer: Newcomer,
        max_head: int,
        patience: float,
        **more: Any,
    ) -> None:
        line = min(max_head, 8190)
        super().__init__(manager, max_line_size=line, max_field_size=line, read_bufsize=READ_AHEAD, **more)
        self.patience = patience
        self.sending: asyncio.Task[None] | None = None
        """Sends a stream, until the client has gone."""
        self._newcomer = newcomer
        self._max_head = max_head
        self._head = 0  # bytes since the last request
        self._stalled: asyncio.TimerHandle | None = None

    def known(self) -> None:
        """Note that somebody has proved who he is."""
        self._newcomer.known()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Let go of everything."""
        self._newcomer.gone()
        self._takes_again()
        if self.sending is not None:
            self.sending.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head that does not end is told, and closed."""
        waiting, before = self._waiter is not None and not self._messages, self._request_count
        super().data_received(data)
        if self._request_count != before:
            self._head = 0
        elif waiting:
            self._head += len(data)
            if self._head > self._max_head and self.transport is not None:
                _log.info("restconf-unreadable", source=self._newcomer.source, why="the head is too long")
                self.transport.write(bare(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))
                self.transport.close()

    def pause_writing(self) -> None:
        """Note that the client does not take what is sent to it."""
        super().pause_writing()
        self._stalled = asyncio.get_running_loop().call_later(self.patience, self._give_up)

    def resume_writing(self) -> None:
        """Note that the client takes it again."""
        self._takes_again()
        super().resume_writing()

    def force_close(self) -> None:
        """Close after what was written, if it is taken."""
        transport = self.transport
        super().force_close()
        if transport is not None and transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(LINGER, transport.abort)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer what cannot be parsed, and close the connection."""
        if request.writer.output_size:
            raise ConnectionError("an answer was begun and cannot be ended")
        error: Exception = Malformed(f"this is not HTTP as we read it: {(message or '').splitlines()[0][:200]}")
        if "Invalid method" in (message or "") and " HTTP/1." in (message or ""):
            error = Unsupported("this method")  # RFC 9110 section 9.1
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            error = exc if isinstance(exc, Exception) else RuntimeError(message)
        told = fault(error)
        _log.info("restconf-unreadable", source=str(self.peername), why=told.message)
        response = web.Response(
            status=told.row.status,
            body=errors([told], Encoding.JSON),
            headers={"Server": SERVER, "Content-Type": JSON},
        )
        response.force_close()
        return response

    def _takes_again(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _give_up(self) -> None:
        _log.info("restconf-stalled", source=self._newcomer.source, patience=self.patience)
        if self.transport is not None:
            self.transport.abort()


def bare(status: HTTPStatus, *fields: str) -> bytes:
    """Return an answer that closes the connection, without a body."""
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", "Connection: close", *fields, "Content-Length: 0"]
    return "\r\n".join([*lines, "\r\n"]).encode()
