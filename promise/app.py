"""The composition root: builds every room, hands each what it needs of the others, and keeps them running."""

from __future__ import annotations

import asyncio
import gc
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from promise import __version__
from promise.allocation.replies import Replies
from promise.allocation.service import AllocationService
from promise.allocation.sync import Sync
from promise.allocation.worker import Patience, Worker
from promise.capacity.service import CapacityService
from promise.clock import Clock, SystemClock
from promise.config import ConfigError, address_of, addresses_of, password_of
from promise.events import Decision, fact
from promise.ledger.pruning import Pruning
from promise.ledger.state import CODECS, State
from promise.ledger.writer import Ledger, Settings
from promise.northbound import defaults
from promise.northbound.bindings import MODULES
from promise.northbound.brakes import Brakes
from promise.northbound.brakes import Limits as BrakeLimits
from promise.northbound.certificates import UnusableCertificate
from promise.northbound.datastore import schema
from promise.northbound.datastores.accounts import Accounts
from promise.northbound.datastores.service import DatastoreService
from promise.northbound.datastores.trials import Trials
from promise.northbound.dialogue import Limits
from promise.northbound.events.callback import Patience as CallbackPatience
from promise.northbound.events.callback import Surroundings
from promise.northbound.events.callbacks import Callbacks
from promise.northbound.events.post import Poster
from promise.northbound.events.registry import Registry
from promise.northbound.events.stream import EventStream
from promise.northbound.events.watch import Watch
from promise.northbound.listening import call_home, cert_to_name, tls_options
from promise.northbound.nacm.control import NACM, Control
from promise.northbound.netconf import NetconfOptions, NetconfServer
from promise.northbound.operations import OperationTable, Rooms
from promise.northbound.port import Module
from promise.northbound.records import Records
from promise.northbound.restconf.authentication import Basic, ClientCertificate
from promise.northbound.restconf.door import Door
from promise.northbound.restconf.monitoring import RestconfState
from promise.northbound.restconf.server import HttpOptions, HttpServer
from promise.northbound.restconf.streaming import Streams
from promise.northbound.users import BadCredential, User, Users, hash_password, public_key
from promise.northbound.words import fresh_id
from promise.reservation.lifecycle import Lifecycle
from promise.reservation.policy import Policy
from promise.reservation.service import ReservationService
from promise.vim.clouds import Clouds
from promise.vim.openstack import Limits as CloudLimits
from promise.vim.openstack import OpenStack

if TYPE_CHECKING:
    from collections.abc import Callable

    from promise.capacity.provider import Access, Provider
    from promise.config import Config, UserConfig
    from promise.ledger.store import Store
    from promise.vim.port import Cloud, CloudFactory

log = structlog.get_logger(__name__)

USUAL_HTTP = "127.0.0.1:8080"
CAPABILITIES = (
    "urn:ietf:params:netconf:capability:writable-running:1.0",
    "urn:ietf:params:netconf:capability:candidate:1.0",
    "urn:ietf:params:netconf:capability:confirmed-commit:1.0",
    "urn:ietf:params:netconf:capability:confirmed-commit:1.1",
    "urn:ietf:params:netconf:capability:validate:1.0",
    "urn:ietf:params:netconf:capability:validate:1.1",
    "urn:ietf:params:netconf:capability:rollback-on-error:1.0",
    "urn:ietf:params:netconf:capability:xpath:1.0",
    defaults.CAPABILITY,
    defaults.OPERATIONAL,
)


@dataclass
class App:
    """A running controller. `address` is where NETCONF listens, `http` where RESTCONF and /healthz are."""

    config: Config
    ledger: Ledger[State]
    state: State
    clouds: Clouds
    worker: Worker
    sync: Sync
    lifecycle: Lifecycle
    watch: Watch
    callbacks: Callbacks
    streams: Streams
    datastores: DatastoreService
    trials: Trials
    pruning: Pruning
    users: Users
    operations: OperationTable
    server: NetconfServer
    records: Records
    restconf: HttpServer | None = None
    address: tuple[str, int] = ("", 0)
    http: tuple[str, int] = ("", 0)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _ready: bool = False

    async def start(self) -> None:
        """Open the door and set everything going."""
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
            ("lifecycle", self.lifecycle.run()),
            ("worker", self.worker.run()),
            ("sync", self.sync.run()),
            ("thresholds", self.watch.run()),
            ("callbacks", self.callbacks.run()),
            ("trials", self.trials.run()),
            ("pruning", self.pruning.run()),
        ):
            self._tasks.append(asyncio.create_task(work, name=name))

    async def _start_restconf(self) -> None:
        """Listen for RESTCONF; that the usual address is taken stops nobody who has not asked for it."""
        said = self.config.restconf
        host, port = address_of(said.listen or USUAL_HTTP)
        shown = ClientCertificate(cert_to_name("restconf", said.cert_to_name), self.users.by_certificate)
        basic = Basic(self.users, in_clear=said.plain)
        missing = 404 if said.data_missing_is_404 else 409
        door = Door(
            self.operations,
            self.records,
            self.datastores,
            [shown, basic],
            self._state,
            data_missing=missing,
            streams=self.streams,
        )
        options = HttpOptions(
            host=host,
            port=port,
            certificate=said.certificate,
            key=said.key,
            authorities=said.ca,
            idle_timeout=said.idle_timeout,
            request_timeout=said.request_timeout,
            max_body=said.max_body,
            max_connections=said.max_connections,
        )
        self.restconf = HttpServer(door.answer, options)
        try:
            self.http = await self.restconf.start()
            host = f"[{self.http[0]}]" if ":" in self.http[0] else self.http[0]
            self.streams.origin = f"{'https' if said.certificate else 'http'}://{host}:{self.http[1]}"
        except UnusableCertificate as error:
            raise ConfigError(f"restconf: {error}") from None
        except ssl.SSLError as error:
            raise ConfigError(f"restconf.certificate {said.certificate}: {error}") from None
        except OSError as error:
            if said.listen or said.certificate:
                raise
            log.warning("no restconf", why=str(error))

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
        self.streams.close()
        if self.address[1]:
            await self.server.stop()
        if self.restconf:
            await self.restconf.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.callbacks.stop()
        await self.ledger.close()
        await self.clouds.close()
        self.users.close()
        log.info("stopped", seq=self.ledger.durable_seq)


async def build(
    config: Config,
    clock: Clock | None = None,
    cloud: CloudFactory | None = None,
    new_id: Callable[[], str] = fresh_id,
    store: Callable[[], Store] | None = None,
) -> App:
    """Build a controller from its configuration; `cloud` makes drivers, OpenStack's by default.

    `store` opens the ledger's database, by default the one at the configured URL.

    Raises:
        ConfigError: a user, an address or a key cannot be used.
        LedgerUnusable: the ledger cannot be opened.
    """
    clock = clock or SystemClock()
    users = Users([_user(user) for user in config.user], brakes=Brakes(_limits(config), clock.now))
    (host, port), *further = addresses_of(config.netconf.listen)
    tls, homes = tls_options(config.netconf), call_home(config.netconf)
    config.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    rules = asyncio.create_task(asyncio.to_thread(schema), name="yang")
    state = State()
    ledger = await Ledger.open(
        store or config.ledger_url,
        state,
        clock=clock,
        codecs=CODECS,
        advance=State.advance,
        load=State.load,
        settings=Settings(group=config.ledger.group),
    )
    gc.collect()
    gc.freeze()  # what was loaded stays: collections need not look at a million records again
    await _seed(ledger, config)
    make = cloud or _openstack(config)
    clouds = Clouds(_Registry(ledger), make)
    replies = Replies(ledger, config.cloud.reply_wait)
    worker = Worker(ledger, ledger, clouds.of, clock, Patience(create_settle=config.cloud.create_settle))
    sync = Sync(ledger, clouds.of, clock, config.cloud.poll_interval)
    lifecycle = Lifecycle(ledger, state.next_due, clock)
    modules = await rules
    access = Control(
        modules,
        lambda: _nacm(state),
        recovery=frozenset(config.access.recovery_groups),
        groups_of=users.groups,
    )
    events = EventStream(ledger, clock, permits=access.tells)
    watch = Watch(ledger, state, clock)
    around = _surroundings(config, ledger, events, watch)
    callbacks = Callbacks(around)
    registry = Registry(around, callbacks, new_id)
    streams = Streams(events, registry)
    records = Records(ledger, ledger.now(), registry, access)
    datastores = DatastoreService(ledger, modules, clock, registry, users.names, access)
    registry.permit = datastores.permit
    await events.log_times()
    await datastores.back("restart")
    trials = Trials(datastores, lambda: state.revision.trial, clock)
    listeners = (replies, worker, sync, lifecycle, trials, events, watch, callbacks, records)
    for listener in listeners:
        ledger.subscribe(listener.heard)
    accounts = Accounts(ledger, lambda: state.sections, ledger.secret, datastores.permit)
    users.directory = accounts
    rooms = Rooms(
        CapacityService(ledger, make, datastores.permit),
        ReservationService(ledger, clouds.of),
        AllocationService(ledger, clouds.of, replies.settled, sync.look, datastores.permit),
        registry,
        accounts,
        new_id,
    )
    options = NetconfOptions(
        state_dir=config.state_dir,
        modules=_modules(),
        capabilities=CAPABILITIES,
        host=host,
        port=port,
        further=tuple(further),
        host_key_files=tuple(config.netconf.host_keys),
        login_timeout=config.netconf.login_timeout,
        max_unauthenticated=config.netconf.max_unauthenticated,
        max_sessions=config.netconf.max_sessions,
        largest_message=config.netconf.max_message,
        limits=Limits(hello_timeout=config.netconf.hello_timeout, idle_timeout=config.netconf.idle_timeout),
        sources=(RestconfState(lambda: streams.origin, lambda: events.known_times[0]),),
        access=access,
        tls=tls,
        call_home=homes,
    )
    operations = OperationTable(rooms, access)
    server = NetconfServer(operations, datastores, users, options, events, registry, clock)
    records.sources = server.sources
    return App(
        config,
        ledger,
        state,
        clouds,
        worker,
        sync,
        lifecycle,
        watch,
        callbacks,
        streams,
        datastores,
        trials,
        Pruning(ledger, clock, config.ledger.journal_days),
        users,
        operations,
        server,
        records,
    )


def _surroundings(config: Config, ledger: Ledger[State], events: EventStream, watch: Watch) -> Surroundings:
    """Return what subscriptions with a callback-uri work with."""
    said = config.callback
    patience = CallbackPatience(said.first_pause, said.longest_pause, said.give_up)
    return Surroundings(ledger, events, watch, Poster(said.timeout), patience)


def _limits(config: Config) -> BrakeLimits:
    """Return how fast passwords may be guessed."""
    said = config.access
    return BrakeLimits(said.failures_per_user, said.failures_per_address, said.first_pause, said.longest_pause)


def _nacm(state: State) -> Any:
    """Return the container of the access rules, None when nothing is configured."""
    section = state.sections.get(NACM)
    return None if section is None else section.value


def _modules() -> tuple[Module, ...]:
    """Return the modules that we implement, as the hello names them."""
    implemented = [module for module in MODULES.values() if module.conformance == "implement"]
    return tuple(Module(one.name, one.revision, one.namespace, one.prefix, one.features) for one in implemented)


@dataclass(frozen=True, slots=True)
class _Registry:
    """Where the drivers find providers and passwords: the ledger."""

    ledger: Ledger[State]

    async def provider(self, provider: str) -> Provider | None:
        return await self.ledger.read(lambda book, _now: book.providers.get(provider))

    async def secret(self, key: str) -> str | None:
        return await self.ledger.secret(key)


def _openstack(config: Config) -> CloudFactory:
    limits = CloudLimits(read=config.cloud.request_timeout, discovery=config.cloud.discover_timeout)

    def make(access: Access, password: str) -> Cloud:
        return OpenStack(access, password, limits)

    return make


async def _seed(ledger: Ledger[State], config: Config) -> None:
    """Take the policy of the file at the very first start; afterwards it is configuration of its own."""
    if ledger.durable_seq == 0:
        policy = Policy(**config.policy.model_dump(exclude_unset=True))
        await ledger.submit(lambda _book, _now: Decision(None, (fact("policy-changed", policy),)), actor="promise.toml")


def _user(configured: UserConfig) -> User:
    """Return a user of the configuration as the doors know it; passwords are hashed at once."""
    try:
        password = password_of(configured)
        hashed = configured.password_hash or (hash_password(password) if password else "")
        lines = list(configured.authorized_keys)
        if configured.authorized_keys_file:
            lines += configured.authorized_keys_file.read_text(encoding="utf-8").splitlines()
        keys = tuple(public_key(line) for line in lines if line.strip() and not line.startswith("#"))
    except (BadCredential, OSError) as error:
        raise ConfigError(f"user {configured.name}: {error}") from None
    return User(configured.name, frozenset(configured.groups), configured.project, hashed, keys)
