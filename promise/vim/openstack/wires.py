"""HTTP connections of one provider: every request has both time-outs, and all can be cut at once.

A thread that waits for a cloud cannot be stopped; its connection can. Without this a hung cloud would hold up the end
of the process until the last time-out.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from keystoneauth1.session import TCPKeepAliveAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

if TYPE_CHECKING:
    import requests


class Wires(TCPKeepAliveAdapter):
    """An adapter for requests; `connect` and `read` are seconds, `at_once` is how many connections are kept."""

    def __init__(self, connect: float, read: float, at_once: int) -> None:
        self._timeout = (connect, read)
        self._made: WeakSet[HTTPConnection] = WeakSet()
        self._making = Lock()
        super().__init__(pool_maxsize=at_once)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make a pool whose connections are remembered."""
        super().init_poolmanager(*args, **kwargs)
        http = {"ConnectionCls": partial(self._remembered, HTTPConnection)}
        https = {"ConnectionCls": partial(self._remembered, HTTPSConnection)}
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("Plain", (HTTPConnectionPool,), http),
            "https": type("Secured", (HTTPSConnectionPool,), https),
        }

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send with our time-outs, also what the libraries ask for themselves."""
        return super().send(request, *args, **kwargs | {"timeout": self._timeout})

    def cut(self) -> None:
        """Cut all connections: who waits on one sees it broken at once."""
        with self._making:
            made = list(self._made)
        for connection in made:
            if connection.sock is not None:
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def _remembered(self, kind: type[HTTPConnection], *args: Any, **kwargs: Any) -> HTTPConnection:
        connection = kind(*args, **kwargs)
        with self._making:
            self._made.add(connection)
        return connection
