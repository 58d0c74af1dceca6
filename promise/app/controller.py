"""What was built, running: the doors, what works behind them, and the end of it all."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from promise import __version__
from promise.app.doors import http_options, proofs_of
from promise.config import ConfigError
from promise.northbound.certificates import UnusableCertificate
from promise.northbound.restconf.door import Door
from promise.northbound.restconf.server import HttpServer
from promise.northbound.restconf.subscribing import Subscribing

if TYPE_CHECKING:
    from promise.allocation.replies import Replies
    from promise.allocation.sync import Sync
    from promise.allocation.worker import Worker
    from promise.config import Config
    from promise.ledger.pruning import Pruning
    from promise.ledger.state import State
    from promise.ledger.writer import Ledger
    from promise.northbound.datastores.service import DatastoreService
    from promise.northbound.datastores.trials import Trials
    from promise.northbound.events.callbacks import Callbacks
    from promise.northbound.events.registry import Registry
    from promise.northbound.events.stream import EventStream
    from promise.northbound.events.watch import Watch
    from promise.northbound.nacm.control import Control
    from promise.northbound.netconf import NetconfServer
    from promise.northbound.operations import OperationTable
    from promise.northbound.records import Records
    from promise.northbound.restconf.bearer import Bearer
    from promise.northbound.restconf.streaming import Streams
    from promise.northbound.users import Users
    from promise.reservation.lifecycle import Lifecycle
    from promise.vim.clouds import Clouds
    from promise.vim.openstack import Keystone

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """What is done without being asked at a door: for clouds, with time, and with the journal."""

    clouds: Clouds
    replies: Replies
    worker: Worker
    sync: Sync
    lifecycle: Lifecycle
    pruning: Pruning


@dataclass(frozen=True, slots=True)
class Front:
    """What both doors share: configuration, reads, access rules, and what is told of events."""

    access: Control
    events: EventStream
    watch: Watch
    callbacks: Callbacks
    registry: Registry
    streams: Streams
    records: Records
    datastores: DatastoreService
    trials: Trials


@dataclass
class App:
    """A running controller. `address` is where NETCONF listens, `http` where RESTCONF and /healthz are."""

    config: Config
    ledger: Ledger[State]
    state: State
    work: Work
    front: Front
    users: Users
    operations: OperationTable
    server: NetconfServer
    tokens: Bearer | None = None
    keystone: Keystone | None = None
    restconf: HttpServer | None = None
    address: tuple[str, int] = ("", 0)
    http: tuple[str, int] = ("", 0)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _ready: bool = False

    async def start(self) -> None:
        """Open the doors and set everything going."""
        self.address = await self.server.start()
        await self._start_restconf()
        self.run()
        self._ready = True
        http = f"{self.http[0]}:{self.http[1]}"
        log.info("ready", netconf=f"{self.address[0]}:{self.address[1]}", http=http, seq=self.ledger.durable_seq)

    def run(self) -> None:
        """Set going what works behind the doors by itself: what was asked of clouds, the looks at them, and time."""
        for name, work in (
            ("ledger", self.ledger.watch()),
            ("lifecycle", self.work.lifecycle.run()),
            ("worker", self.work.worker.run()),
            ("sync", self.work.sync.run()),
            ("thresholds", self.front.watch.run()),
            ("callbacks", self.front.callbacks.run()),
            ("trials", self.front.trials.run()),
            ("pruning", self.work.pruning.run()),
        ):
            self._tasks.append(asyncio.create_task(work, name=name))

    async def _start_restconf(self) -> None:
        """Listen for RESTCONF; that the usual address is taken stops nobody who has not asked for it."""
        said = self.config.restconf
        subscribed = self.server.subscribed
        self.front.streams.operations = Subscribing(subscribed, self.front.access) if subscribed is not None else None
        door = Door(
            self.operations,
            self.front.records,
            self.front.datastores,
            proofs_of(self.config, self.users, self.tokens),
            self._state,
            data_missing=404 if said.data_missing_is_404 else 409,
            streams=self.front.streams,
        )
        self.restconf = HttpServer(door.answer, http_options(self.config), self.front.events.clock)
        try:
            self.http = await self.restconf.start()
        except UnusableCertificate as error:
            raise ConfigError(f"restconf: {error}") from None
        except ssl.SSLError as error:
            raise ConfigError(f"restconf.certificate {said.certificate}: {error}") from None
        except OSError as error:
            if said.listen or said.certificate:
                raise
            log.warning("no restconf", why=str(error))
        else:
            self.front.streams.origin = said.url or _origin(*self.http, secure=said.certificate is not None)

    def _state(self) -> dict[str, object] | None:
        """Return what /healthz tells, None while the controller is not ready."""
        alive = self._ready and not any(task.done() for task in self._tasks)
        return {"version": __version__, "sequence": self.ledger.durable_seq} if alive else None

    async def failed(self) -> None:
        """Return never; raise what has stopped a part of the controller that should run for ever."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
            raise RuntimeError(f"{task.get_name()} has stopped")

    async def stop(self) -> None:
        """Answer what is being decided, then let go of everything. What clouds are doing goes on at the next start."""
        self._ready = False
        self.front.streams.close()
        if self.address[1]:
            await self.server.stop()
        if self.restconf:
            await self.restconf.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.front.callbacks.stop()
        await self.ledger.close()
        await self.work.clouds.close()
        if self.keystone is not None:
            await self.keystone.close()
        self.users.close()
        log.info("stopped", seq=self.ledger.durable_seq)


def _origin(host: str, port: int, *, secure: bool) -> str:
    """Return scheme and authority of a door that listens there; of every address, by the name of the machine."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - it is only asked whether it is that
        host = socket.gethostname()
    return f"{'https' if secure else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
