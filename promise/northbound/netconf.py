"""The NETCONF door: a listener, its open sessions, and the end of them."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from promise.clock import Clock, SystemClock
from promise.northbound.access import Caller, CertificateAuthenticator, Identity
from promise.northbound.callhome import CallHome, CallingHome
from promise.northbound.dialogue import Dialogue
from promise.northbound.events.netconf_events import SessionEvents
from promise.northbound.events.state import Capabilities, NetconfStreams, StreamsState, SubscriptionsState
from promise.northbound.framing import Store
from promise.northbound.library.modules import library
from promise.northbound.library.trees import ModulesState, YangLibrary, capability
from promise.northbound.message import DEEPEST
from promise.northbound.monitor import Monitor, NetconfState
from promise.northbound.patience import Limits
from promise.northbound.port import Datastore, Module
from promise.northbound.requests import Requests
from promise.northbound.rpcs import notifications
from promise.northbound.seats import Seats
from promise.northbound.session import BASE_1_0, BASE_1_1, LARGEST_MESSAGE, LARGEST_SKIPPED, Session
from promise.northbound.ssh import SshListener, SshOptions
from promise.northbound.strangers import Room, Strangers
from promise.northbound.tls import TlsListener, TlsOptions

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from promise.northbound.events.registry import Registry
    from promise.northbound.events.stream import EventStream
    from promise.northbound.library.modules import YangModule
    from promise.northbound.nacm.control import Control
    from promise.northbound.port import Datastores, Operations, StateSource
    from promise.northbound.rpcs.subscribed import SubscribedRpcs
    from promise.northbound.wire import Wire

SSH: Final = "netconf-ssh"
TLS: Final = "netconf-tls"

_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NetconfOptions:
    """How the server listens and what it allows; times in seconds, sizes in bytes.

    `modules` are those whose RPCs the operation table knows. `capabilities` are advertised besides base:1.0, base:1.1
    and the modules of the library. Without `host_key_files` the host keys are made and kept in `state_dir`. A message
    longer than `largest_message` is answered with too-big, one longer than `largest_skipped` ends its session; the
    unfinished ones of all sessions together may have `largest_unfinished`. Elements may be nested as deep as `deepest`.
    `strangers` says how many may be logging in. `sources` are what other doors tell of themselves, `origin` is scheme
    and authority of RESTCONF, "" without it. `access` says who may do what. It listens at `host` and `port`, and at
    `further` addresses; `tls` says how it speaks TLS besides, `call_home` which clients it calls.
    """

    state_dir: Path
    modules: tuple[Module, ...]
    capabilities: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    port: int = 1830
    further: tuple[tuple[str, int], ...] = ()
    host_key_files: tuple[Path, ...] = ()
    login_timeout: float = 60.0
    keepalive: float = 60.0
    strangers: Room = field(default_factory=Room)
    password_tries: int = 6
    key_tries: int = 32
    max_channels: int = 64
    max_sessions: int = 4096
    max_sessions_per_user: int = 3500
    largest_message: int = LARGEST_MESSAGE
    largest_skipped: int = LARGEST_SKIPPED
    largest_unfinished: int = LARGEST_SKIPPED
    deepest: int = DEEPEST
    limits: Limits = field(default_factory=Limits)
    sources: tuple[StateSource, ...] = ()
    origin: Callable[[], str] = str
    access: Control | None = None
    tls: TlsOptions | None = None
    call_home: tuple[CallHome, ...] = ()


def _named(module: YangModule) -> str:
    """Return the capability of a module (RFC 6020 section 5.6.4).

    Modules of which only definitions are used are told of as well: clients that read no YANG library (yangcli) load
    what the hello lists, and fail at an import that it does not list.
    """
    return Module(module.name, module.revision, module.namespace, module.prefix, module.features).capability


class NetconfServer:
    """NETCONF over SSH and TLS for these operations, datastores and users; without `events` there are no notifications.

    `registry` is told of sessions, so that the operations know on which one somebody subscribes.
    """

    def __init__(
        self,
        operations: Operations,
        datastores: Datastores,
        authenticator: CertificateAuthenticator,
        options: NetconfOptions,
        events: EventStream | None = None,
        registry: Registry | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._options = options
        self._registry = registry
        self._dialogues: dict[int, Dialogue] = {}
        known = library()
        self._capabilities = (
            *(notifications.CAPABILITIES if events else ()),
            *options.capabilities,
            capability(known),
            *(_named(module) for module in known.modules.values()),
        )
        clock = clock or SystemClock()
        self._monitor = Monitor(clock.now, SessionEvents(events) if events else None)
        self.sources: tuple[StateSource, ...] = (
            NetconfState(self._monitor, known, (BASE_1_0, BASE_1_1, *self._capabilities), lambda: datastores.locks),
            YangLibrary(known, Datastore, options.origin),
            ModulesState(known, options.origin),
            *((StreamsState(events), NetconfStreams(events)) if events is not None else ()),
            *((SubscriptionsState(events.established, events.current), Capabilities()) if events is not None else ()),
            *options.sources,
        )
        """What the server tells of itself."""
        self._requests = Requests(
            operations, datastores, options.modules, self._dialogues, events, self.sources, options.access
        )
        self._store = Store(options.largest_unfinished)
        self._session_ids = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        strangers = Strangers(options.strangers, clock.now)
        seats = Seats(options.max_sessions, options.max_sessions_per_user)
        self._listener = SshListener(
            partial(self._open, SSH),
            authenticator,
            SshOptions(
                ((options.host, options.port), *options.further),
                options.state_dir,
                options.host_key_files,
                login_timeout=options.login_timeout,
                subsystem_timeout=options.limits.hello_timeout,
                keepalive=options.keepalive,
                password_tries=options.password_tries,
                key_tries=options.key_tries,
                max_channels=options.max_channels,
            ),
            strangers,
            seats,
        )
        self._clock = clock
        self._calling: list[asyncio.Task[None]] = []
        self._tls: TlsListener | None = None
        if options.tls is not None:
            self._tls = TlsListener(
                partial(self._open, TLS), authenticator.by_certificate, options.tls, strangers, seats
            )
        self.addresses: list[tuple[str, int]] = []
        """Where it listens for SSH."""
        self.tls_addresses: list[tuple[str, int]] = []
        """Where it listens for TLS."""

    @property
    def subscribed(self) -> SubscribedRpcs | None:
        """The operations on dynamic subscriptions, which all doors share."""
        return self._requests.subscribed

    @property
    def sessions(self) -> Mapping[int, Dialogue]:
        """The open sessions, by session-id."""
        return self._dialogues

    async def start(self) -> tuple[str, int]:
        """Listen; returns the first host and port. Raises hostkeys.UnusableHostKey; OSError when it cannot listen."""
        self.addresses = await self._listener.start()
        for host, port in self.addresses:
            _log.info("netconf-listening", host=host, port=port)
        if self._tls is not None:
            try:
                self.tls_addresses = await self._tls.start()
            except OSError:  # all of it, or nothing
                self._listener.stop_listening()
                await self._listener.close()
                raise
        for host, port in self.tls_addresses:
            _log.info("netconf-listening", host=host, port=port, transport="tls")
        holds = {"ssh": self._hold_ssh, "tls": self._hold_tls}
        for home in self._options.call_home:
            calling = CallingHome(home, holds[home.transport], self._clock)
            self._calling.append(asyncio.create_task(calling.run(), name=f"call-home-{home.name}"))
        return self.addresses[0]

    async def _hold_ssh(self, connected: socket.socket, keepalive: float) -> bool:
        """Serve the client behind a socket over SSH, to its end; see `callhome.Hold`."""
        connection = await self._listener.take(connected, keepalive)
        if connection is not None:
            await connection.wait_closed()
        return connection is not None

    async def _hold_tls(self, connected: socket.socket, keepalive: float) -> bool:
        """Serve the client behind a socket over TLS, to its end; TCP keeps it alive."""
        del keepalive
        connection = None if self._tls is None else await self._tls.take(connected)
        if connection is not None:
            await connection.over.wait()
        return connection is not None

    async def stop(self, grace: float = 5.0) -> None:
        """Accept nobody any more, give requests that are being decided `grace` seconds to be answered, then close."""
        self._stopping = True
        for calling in self._calling:
            calling.cancel()
        self._listener.stop_listening()
        if self._tls is not None:
            self._tls.stop_listening()
        for dialogue in self._dialogues.values():
            dialogue.stop()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await asyncio.gather(*self._calling, return_exceptions=True)
        await self._listener.close()
        if self._tls is not None:
            await self._tls.close()

    def _open(self, transport: str, wire: Wire, identity: Identity, source: str, refusal: str = "") -> Dialogue:
        number = next(self._session_ids)
        caller = Caller(identity.username, identity.groups, identity.project, number, transport, source)
        options = self._options
        session = Session(
            number,
            self._capabilities,
            largest=options.largest_message,
            largest_skipped=options.largest_skipped,
            store=self._store,
            deepest=options.deepest,
        )
        dialogue = Dialogue(session, wire, caller, self._requests, options.limits, self._monitor)
        dialogue.refusal = refusal
        self._dialogues[number] = dialogue
        if self._registry is not None:
            self._registry.open(number, dialogue)
        task = asyncio.create_task(self._hold(number, dialogue), name=f"netconf-session-{number}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self._stopping:
            dialogue.stop()
        return dialogue

    async def _hold(self, number: int, dialogue: Dialogue) -> None:
        try:
            await dialogue.run()
        finally:
            del self._dialogues[number]
            await self._requests.ended(number)
            if self._registry is not None:
                self._registry.close(number)
