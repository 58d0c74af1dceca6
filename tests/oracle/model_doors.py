"""The ways into a controller: over its NETCONF socket, or straight to the operations behind all doors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from lxml import etree
from oracle import model_wire

from promise.errors import PromiseError
from promise.northbound.access import Caller
from promise.northbound.port import Pending

if TYPE_CHECKING:
    from netconf_client import NetconfClient

    from promise.app import App

GROUPS = {"admin": frozenset({"admin"})}
"""The groups of each user; whoever is not here is in none."""


class Door(Protocol):
    async def ask(self, user: str, operation: str, query: dict[str, Any]) -> dict[str, Any]:
        """Ask on behalf of a user, and return the answer as a plain dict."""


class SocketDoor:
    """NETCONF sessions, one of each user."""

    def __init__(self, clients: dict[str, NetconfClient]) -> None:
        self._clients = clients

    async def ask(self, user: str, operation: str, query: dict[str, Any]) -> dict[str, Any]:
        reply = await self._clients[user].rpc(model_wire.request(operation, query))
        return model_wire.answer(operation, reply)


class TableDoor:
    """The operation table, where both kinds of door end."""

    def __init__(self, app: App) -> None:
        self._operations = app.operations

    async def ask(self, user: str, operation: str, query: dict[str, Any]) -> dict[str, Any]:
        caller = Caller(user, GROUPS.get(user, frozenset()))
        try:
            content = await self._operations.call(caller, etree.fromstring(model_wire.request(operation, query)))
            if isinstance(content, Pending):
                content = await content.reply
        except PromiseError as error:
            return {"result": "rpc-error", "text": f"{type(error).__name__}: {error}"}
        return model_wire.answer(operation, etree.fromstring(b"<rpc-reply>" + content + b"</rpc-reply>"))
