"""In which order a controller is made: users and addresses, the ledger, what works behind the doors, the doors."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from promise.allocation.replies import Replies
from promise.allocation.service import AllocationService
from promise.allocation.sync import Sync
from promise.allocation.worker import Patience, Worker
from promise.app.clouds import Accesses, keystone, openstack
from promise.app.controller import App, Front, Work
from promise.app.doors import netconf_options, tokens_of
from promise.app.users import users_of
from promise.capacity.service import CapacityService
from promise.clock import Clock, SystemClock
from promise.events import Decision, fact
from promise.ledger.pruning import Pruning
from promise.ledger.state import CODECS, State
from promise.ledger.writer import Ledger, Settings
from promise.northbound.datastore import schema
from promise.northbound.datastores.accounts import Accounts
from promise.northbound.datastores.service import DatastoreService
from promise.northbound.datastores.trials import Trials
from promise.northbound.events.bounds import Bounds
from promise.northbound.events.callback import Patience as CallbackPatience
from promise.northbound.events.callback import Surroundings
from promise.northbound.events.callbacks import Callbacks
from promise.northbound.events.post import Poster
from promise.northbound.events.registry import Registry
from promise.northbound.events.stream import EventStream
from promise.northbound.events.watch import Watch
from promise.northbound.nacm.control import NACM, Control
from promise.northbound.nacm.grants import GRANTS
from promise.northbound.netconf import NetconfServer
from promise.northbound.operations import OperationTable, Rooms
from promise.northbound.records import Records, changed_last
from promise.northbound.restconf.monitoring import RestconfState
from promise.northbound.restconf.streaming import Streams
from promise.northbound.words import fresh_id
from promise.reservation.lifecycle import Lifecycle
from promise.reservation.policy import Policy
from promise.reservation.service import ReservationService
from promise.vim.clouds import Clouds

if TYPE_CHECKING:
    from collections.abc import Callable

    from promise.config import Config
    from promise.ledger.store import Store
    from promise.northbound.datastore import Schema
    from promise.northbound.restconf.bearer import Bearer
    from promise.northbound.users import Users
    from promise.vim.port import CloudFactory


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
    users = users_of(config, clock)
    options = netconf_options(config)
    authority = keystone(config)
    tokens = tokens_of(config, authority, clock)
    config.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    rules = asyncio.create_task(asyncio.to_thread(schema), name="yang")
    state = State()
    ledger = await _ledger(config, state, clock, store)
    make = cloud or openstack(config)
    work = _work(config, ledger, state, clock, Clouds(Accesses(ledger), make))
    access = _access(config, state, users, tokens, await rules)
    front = await _front(config, ledger, state, clock, users, access, new_id)
    for listener in (work.replies, work.worker, work.sync, work.lifecycle, front.trials, front.events, front.watch,
                     front.callbacks, front.records):  # fmt: skip
        ledger.subscribe(listener.heard)
    operations = OperationTable(_rooms(ledger, state, work, front, users, make, new_id), front.access)
    options = replace(
        options,
        sources=(RestconfState(lambda: front.streams.origin, lambda: front.events.known_times[0]),),
        origin=lambda: front.streams.origin,
        access=front.access,
    )
    server = NetconfServer(operations, front.datastores, users, options, front.events, front.registry, clock)
    front.records.sources = server.sources
    if server.subscribed is not None:
        ledger.subscribe(server.subscribed.heard)
    return App(config, ledger, state, work, front, users, operations, server, tokens, authority)


async def _ledger(config: Config, state: State, clock: Clock, store: Callable[[], Store] | None) -> Ledger[State]:
    """Open the ledger, which fills the state."""
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
    return ledger


async def _seed(ledger: Ledger[State], config: Config) -> None:
    """Take the policy of the file at the very first start; afterwards it is configuration of its own."""
    if ledger.durable_seq == 0:
        policy = Policy(**config.policy.model_dump(exclude_unset=True))
        await ledger.submit(lambda _book, _now: Decision(None, (fact("policy-changed", policy),)), actor="promise.toml")


def _work(config: Config, ledger: Ledger[State], state: State, clock: Clock, clouds: Clouds) -> Work:
    """Return what works behind the doors."""
    said = config.cloud
    return Work(
        clouds,
        Replies(ledger, said.reply_wait),
        Worker(ledger, ledger, clouds.of, clock, Patience(create_settle=said.create_settle)),
        Sync(ledger, clouds.of, clock, said.poll_interval),
        Lifecycle(ledger, state.next_due, clock),
        Pruning(ledger, clock, config.ledger.journal_days),
    )


async def _front(
    config: Config,
    ledger: Ledger[State],
    state: State,
    clock: Clock,
    users: Users,
    access: Control,
    new_id: Callable[[], str],
) -> Front:
    """Return what both doors share; a configuration on trial is taken back, as a restart is no confirmation."""
    events = EventStream(ledger, clock, permits=access.tells, current=access.current, shows=access.shows)
    said = config.subscription
    events.bound(Bounds(said.max_established, said.max_own, said.max_streams_per_user, said.max_waiting))
    watch = Watch(ledger, state, clock)
    around = _surroundings(config, ledger, events, watch)
    callbacks = Callbacks(around)
    registry = Registry(around, callbacks, new_id)
    datastores = DatastoreService(ledger, access.schema, clock, registry, users.names, access)
    datastores.largest = config.netconf.max_config
    registry.permit = datastores.permit
    await events.log_times()
    await datastores.back("restart")
    return Front(
        access,
        events,
        watch,
        callbacks,
        registry,
        Streams(events, registry),
        Records(ledger, await changed_last(ledger) or ledger.now(), registry, access),
        datastores,
        Trials(datastores, lambda: state.revision.trial, clock),
    )


def _surroundings(config: Config, ledger: Ledger[State], events: EventStream, watch: Watch) -> Surroundings:
    """Return what subscriptions with a callback-uri work with."""
    said = config.callback
    patience = CallbackPatience(said.first_pause, said.longest_pause, said.give_up)
    return Surroundings(ledger, events, watch, Poster(said.timeout), patience)


def _access(config: Config, state: State, users: Users, tokens: Bearer | None, modules: Schema) -> Control:
    """Return who says who may do what, by the configuration in force."""
    said = config.access
    return Control(
        modules,
        lambda: _section(state, NACM),
        recovery=frozenset(said.recovery_groups),
        groups_of=lambda user: _groups_of(user, users, tokens),
        grants=lambda: _section(state, GRANTS),
        operators=frozenset(said.operator_groups),
    )


def _section(state: State, name: str) -> Any:
    """Return a section of the configuration, None when nothing of it is configured."""
    section = state.sections.get(name)
    return None if section is None else section.value


def _groups_of(user: str, users: Users, tokens: Bearer | None) -> frozenset[str]:
    """Return the groups of a user who is not there: as he is configured, else as his last token said."""
    if tokens is None or users.knows(user):
        return users.groups(user)
    return tokens.groups(user)


def _rooms(
    ledger: Ledger[State],
    state: State,
    work: Work,
    front: Front,
    users: Users,
    make: CloudFactory,
    new_id: Callable[[], str],
) -> Rooms:
    """Return the rooms behind the operation table."""
    clouds, permit = work.clouds.of, front.datastores.permit
    accounts = Accounts(ledger, lambda: state.sections, ledger.secret, permit)
    users.directory = accounts
    return Rooms(
        CapacityService(ledger, make, permit),
        ReservationService(ledger, clouds),
        AllocationService(ledger, clouds, work.replies.settled, work.sync.look, permit),
        front.registry,
        accounts,
        new_id,
    )
