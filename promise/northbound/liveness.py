"""Whether the other end of a connection is still there: TCP asks, so that dead peers hold neither locks nor seats."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from asyncio.trsock import TransportSocket

PROBES: Final = 3
"""So many questions without an answer, and the other end counts as gone."""


def keep_alive(connected: socket.socket | TransportSocket, seconds: float) -> None:
    """Ask after so many seconds of silence (0 = never), and give up after four times as long.

    So long, at most, stays also what was sent without anybody acknowledging it (TCP_USER_TIMEOUT, RFC 5482).
    """
    if not seconds or connected.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    pause = max(1, int(seconds))
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, pause)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, pause)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1000 * pause * (PROBES + 1))
