"""A NETCONF door with small operations behind it, for tests of the door alone."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from lxml import etree

from promise.errors import Denied, LedgerFailure, Locked, Overloaded, UnknownElement
from promise.northbound.datastore import schema
from promise.northbound.netconf import NetconfOptions, NetconfServer
from promise.northbound.port import Content, Datastore, Lock, Module, Pending
from promise.northbound.shown import Shown
from promise.northbound.users import User, Users, public_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from promise.clock import Clock
    from promise.northbound.access import Caller
    from promise.northbound.datastore import Schema
    from promise.northbound.subtree import Selection

PROMISE = "urn:opnfv:promise"
P = f"{{{PROMISE}}}"
MODULE = Module("opnfv-promise", "2026-11-20", PROMISE, "promise")
ADMIN = ("admin", "secret")
HASH = "scrypt$16$8$1$c2FsdA==$DtMC/2Lur3h+/FR3+aski0Wvs2RJrYB7pfKp7l1B99s="
"""Of "secret", cheaper than any that `hash_password` makes."""


class FakeOperations:
    """Echoes, waits and fails as it is asked to; `decided` is what was decided, in order."""

    def __init__(self) -> None:
        self.decided: list[str] = []
        self.callers: list[Caller] = []
        self.gates: dict[str, asyncio.Event] = {}

    def gate(self, name: str) -> asyncio.Event:
        return self.gates.setdefault(name, asyncio.Event())

    async def call(self, caller: Caller, operation: Any) -> bytes | Pending:
        self.callers.append(caller)
        name = etree.QName(operation).localname
        text = (operation.text or "").strip()
        match name:
            case "echo":
                self.decided.append(text)
                return etree.tostring(operation, encoding="utf-8", with_tail=False)
            case "pending":  # decided at once, answered when its gate opens
                self.decided.append(text)
                return Pending(self._later(text))
            case "cancelled":  # decided, but what would answer is cancelled
                answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
                answer.cancel()
                return Pending(answer)
            case "slow":  # decided when its gate opens
                await self.gate(text).wait()
                self.decided.append(text)
                return b"<ok/>"
            case "large":
                return f'<text xmlns="{PROMISE}">{"x" * int(text)}</text>'.encode()
            case "denied":
                raise Denied("denied")
            case "overloaded":
                raise Overloaded("no room")
            case "bug":
                raise ValueError("a secret of the server")
        raise UnknownElement(f"no RPC {name}", path="/nc:rpc", name=name, namespace=PROMISE)

    async def _later(self, text: str) -> bytes:
        await self.gate(text).wait()
        if text == "fails":
            raise LedgerFailure("not durable")
        return f'<late xmlns="{PROMISE}">{text}</late>'.encode()


class FakeDatastores:
    """A small tree; `asked` is what was asked for, in order."""

    CONFIG = f'<promise xmlns="{PROMISE}"><policy><reservation><expiry>5</expiry></reservation></policy></promise>'
    STATE = (
        f'<promise xmlns="{PROMISE}"><policy><reservation><expiry>5</expiry></reservation></policy>'
        "<pools><id>1</id><zone>north</zone></pools><pools><id>2</id><zone>söuth</zone></pools></promise>"
    )

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []

    @property
    def schema(self) -> Schema:
        return schema()

    @property
    def locks(self) -> dict[Datastore, Lock]:
        return {Datastore.CANDIDATE: Lock(7, 1_900_000_000)}

    async def read(
        self, caller: Caller, datastore: Datastore, wanted: Selection, content: Content = Content.ALL
    ) -> Shown:
        config_only = datastore is not Datastore.OPERATIONAL or content is Content.CONFIG
        self.asked.append((caller.username, config_only))
        if wanted.child(PROMISE, "promise") is None:
            return Shown((), exact=True)
        return Shown([(self.CONFIG if config_only else self.STATE).encode()], exact=False)

    async def lock(self, caller: Caller, datastore: Datastore) -> None:
        raise Locked(f"<{datastore}>", 7)

    async def nothing(self, *args: Any, **named: Any) -> None:
        """Do what is asked: nothing."""

    edit = copy = validate = commit = cancel = discard = unlock = ended = nothing


class Door:
    """A running server and what is behind it."""

    def __init__(self, server: NetconfServer, operations: FakeOperations, datastores: FakeDatastores) -> None:
        self.server = server
        self.operations = operations
        self.datastores = datastores
        self.host = ""
        self.port = 0

    @property
    def admin(self) -> tuple[str, int, str, str]:
        return self.host, self.port, *ADMIN


async def until(holds: Callable[[], object]) -> None:
    """Let everybody else run until something holds."""
    while not holds():  # noqa: ASYNC110 - what is waited for is the state of the product, which has no events for tests
        await asyncio.sleep(0)


@asynccontextmanager
async def serving(
    state_dir: Path, *, keys: tuple[str, ...] = (), clock: Clock | None = None, **options: Any
) -> AsyncIterator[Door]:
    """Run a server with the users admin and fred (password "secret"), and keyed (these keys, no password)."""
    operations, datastores = FakeOperations(), FakeDatastores()
    users = Users(
        [
            User("admin", frozenset({"admin"}), "operators", HASH),
            User("fred", frozenset({"tenant"}), "bedrock", HASH),
            User("keyed", frozenset(), "bedrock", public_keys=tuple(public_key(key) for key in keys)),
        ]
    )
    wanted: dict[str, Any] = {"state_dir": state_dir, "modules": (MODULE,), "port": 0, **options}
    server = NetconfServer(operations, datastores, users, NetconfOptions(**wanted), clock=clock)
    door = Door(server, operations, datastores)
    door.host, door.port = await server.start()
    try:
        yield door
    finally:
        await server.stop(grace=0.2)
        users.close()
