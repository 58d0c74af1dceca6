"""The datastores as the doors use them; see `port.Datastores`. Decisions are made in `decisions`, by the ledger.

edit, copy ---> candidate (memory) --commit--> decision --> running (ledger)
edit, copy -----------------------------------> decision --> running (ledger)
"""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import structlog

from promise.actor import Actor
from promise.errors import (
    BadValue,
    Denied,
    InUse,
    Invalid,
    Locked,
    MissingElement,
    NoRoom,
    NoTrial,
    PromiseError,
    Unsupported,
)
from promise.events import Decision
from promise.northbound import subscribed
from promise.northbound.datastores import decisions
from promise.northbound.datastores.candidate import Candidate
from promise.northbound.datastores.decisions import Author, Confirmation, Rules
from promise.northbound.datastores.defaulting import defaulted
from promise.northbound.datastores.locks import Locks, permit_edit
from promise.northbound.datastores.others import Others, visible
from promise.northbound.datastores.reading import Reading
from promise.northbound.datastores.state import AT_ONCE, Asked
from promise.northbound.defaults import Report
from promise.northbound.editing import LARGEST, Edit, size_of
from promise.northbound.nacm.control import Control
from promise.northbound.port import Content, Datastore, Testing
from promise.northbound.running import tree_of
from promise.northbound.shown import Shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from promise.allocation.book import AllocationBook
    from promise.capacity.book import CapacityBook
    from promise.capacity.ledger import Decisions
    from promise.clock import Clock
    from promise.configuration.model import Trial
    from promise.northbound.access import Caller
    from promise.northbound.datastore import Schema, Tree
    from promise.northbound.datastores.state import Rest
    from promise.northbound.port import Confirm, Lock, Subscriptions
    from promise.northbound.subtree import Selection

T = TypeVar("T")

SERVER = "promise"
"""Who goes back to an earlier configuration when nobody has confirmed the later one."""

log = structlog.get_logger(__name__)


class DatastoreService:
    """Running, candidate and operational, for all sessions; `told` are the subscriptions that live on sessions.

    `reserved` are the names of the users of the configuration file. `access` says who may read and change what;
    whether somebody may run an operation at all, the doors have asked already.
    """

    def __init__(
        self,
        ledger: Decisions[AllocationBook],
        schema: Schema,
        clock: Clock,
        told: Subscriptions | None = None,
        reserved: frozenset[str] = frozenset(),
        access: Control | None = None,
    ) -> None:
        self._access = access or Control(schema)
        self._ledger = ledger
        self._schema = schema
        self._rules = Rules(schema, reserved)
        self._clock = clock
        self._candidate = Candidate(schema.top.values())
        self._locks = Locks()
        self._reading = Reading(schema, self._access, told)
        self.largest = LARGEST
        """How many nodes a configuration may have."""

    @property
    def schema(self) -> Schema:
        """Return the nodes that there may be."""
        return self._schema

    @property
    def locks(self) -> Mapping[Datastore, Lock]:
        """Return the locks that are held."""
        return self._locks.held

    # --- reading -------------------------------------------------------------------------------------------------

    async def tree(self, datastore: Datastore, caller: Caller | None = None) -> Tree:
        """Return the configuration of running or candidate, as RFC 7951 writes it; not to be changed.

        With a caller it is what that one may see.
        """
        await asyncio.sleep(0)  # requests that came before are queued first, and so seen
        running, own = await self._ledger.read(lambda book, _now: (tree_of(book), self._subscriptions_of(caller, book)))
        tree = self._candidate.over(running) if datastore is Datastore.CANDIDATE else running
        return tree if caller is None else self._access.readable_tree(caller, visible(tree, running, own))

    async def read(
        self, caller: Caller, datastore: Datastore, wanted: Selection, content: Content = Content.ALL
    ) -> Shown:
        """Return the top-level nodes of a datastore that are wanted."""
        if datastore is not Datastore.OPERATIONAL and content is Content.NONCONFIG:
            return Shown((), exact=True)
        if datastore is Datastore.CANDIDATE:
            return self._reading.configuration(await self.tree(datastore, caller), wanted)
        if datastore is Datastore.RUNNING:
            content = Content.CONFIG
        await asyncio.sleep(0)  # requests that came before are queued first, and so seen
        rests: list[Rest] = []
        found = await self._ledger.read(
            lambda book, now: self._reading.records(
                Asked(book, now, caller, self._access.actor(caller), content), wanted, rests
            )
        )
        inside = [text for rest in rests async for text in self._rest(caller, wanted, rest)]
        if inside:
            found.put(*self._reading.top, inside)
        return found

    async def _rest(self, caller: Caller, wanted: Selection, rest: Rest) -> AsyncIterator[bytes]:
        """Yield what is wanted of a long list; others have their turn meanwhile, so entries may come and go."""
        for first in range(0, len(rest.keys), AT_ONCE):
            await asyncio.sleep(0)
            some = partial(self._some, caller, wanted, rest, rest.keys[first : first + AT_ONCE])
            if text := await self._ledger.read(some):
                yield text

    def _some(
        self, caller: Caller, wanted: Selection, rest: Rest, keys: Sequence[str], book: AllocationBook, now: int
    ) -> bytes:
        asked = Asked(book, now, caller, self._access.actor(caller), Content.NONCONFIG)
        return self._reading.some(asked, wanted, rest, keys)

    # --- changing ------------------------------------------------------------------------------------------------

    async def edit(self, caller: Caller, datastore: Datastore, edit: Edit, testing: Testing = Testing.SET) -> None:
        """Make an edit, all of it or nothing."""
        _expect_configuration(datastore, "editing")
        await self._change(caller, datastore, edit.applied, testing, _first(edit))

    async def copy(
        self, caller: Caller, source: Datastore | Edit, target: Datastore, mode: Report = Report.EXPLICIT
    ) -> None:
        """Replace a whole configuration by another one, or by what stands in an edit (RFC 6241 section 7.3)."""
        _expect_configuration(target, "copying to")
        nodes = self._schema.top.values()
        if isinstance(source, Edit):
            new = defaulted(source.applied({}), nodes, mode)
            await self._change(caller, target, lambda _old: new, Testing.SET, _first(source))
            return
        _expect_configuration(source, "copying from")
        running = await self.tree(Datastore.RUNNING) if target is Datastore.CANDIDATE else None

        def copied(old: Tree) -> Tree:
            tree = self._candidate.over(old) if running is None else running
            return defaulted(self._access.readable_tree(caller, tree), nodes, mode)

        await self._change(caller, target, copied, Testing.SET)

    async def _change(
        self, caller: Caller, datastore: Datastore, make: Callable[[Tree], Tree], testing: Testing, path: str = ""
    ) -> None:
        """Change a datastore as far as the caller may; `path` tells what whoever may change nothing has asked for."""
        self._access.writes(caller, path)
        try:
            others = await self._ledger.read(lambda book, _now: Others.of(self._access.actor(caller), book))
            await self._changed(caller, datastore, partial(self._made, caller, make, others), testing)
        except Invalid as error:
            raise self._access.screened(caller, error) from None

    def _made(self, caller: Caller, make: Callable[[Tree], Tree], others: Others, before: Tree) -> Tree:
        """Return what an edit makes of what its editor sees of a configuration; the rest stays as it is."""
        try:
            after = others.kept(before, make(others.without(before)))
        except Denied as error:
            raise self._access.refused(caller, error) from None
        self._access.change(caller, before, after)
        if size_of(after) > max(self.largest, size_of(before)):
            raise NoRoom(f"a configuration may have at most {self.largest} nodes")
        return after

    async def _changed(
        self, caller: Caller, datastore: Datastore, make: Callable[[Tree], Tree], testing: Testing
    ) -> None:
        self._locks.permit(caller.session_id, datastore)
        if testing is Testing.TEST_ONLY or (testing is Testing.TEST_THEN_SET and datastore is Datastore.CANDIDATE):
            await self._verify(make(await self.tree(datastore)))
        if testing is Testing.TEST_ONLY:
            return
        if datastore is Datastore.RUNNING:
            await self._decide(caller, self._on_running(caller, partial(decisions.change, self._rules, make)))
            return
        running = await self.tree(Datastore.RUNNING)
        self._locks.permit(caller.session_id, datastore)  # somebody may have locked it meanwhile
        self._candidate.put(running, make(self._candidate.over(running)), caller.session_id)

    def _on_running(
        self, caller: Caller, decide: Callable[[AllocationBook, int, Author], Decision[T]]
    ) -> Callable[[AllocationBook, int], Decision[T]]:
        """Return the decision with what must hold at the moment at which it is made."""

        def permitted(book: AllocationBook, now: int) -> Decision[T]:
            self._locks.permit(caller.session_id, Datastore.RUNNING)
            permit_edit(book.revision.trial, caller.session_id)
            return decide(book, now, self._author(caller))

        return permitted

    async def _decide(self, caller: Caller, decide: Callable[[AllocationBook, int], Decision[T]]) -> T:
        await asyncio.sleep(0)  # requests that came before are queued first
        return await self._ledger.submit(decide, actor=caller.username)

    async def validate(self, caller: Caller, source: Datastore | Edit) -> None:
        """Raise what would stop a configuration from being put into force (RFC 6241 section 8.6.4)."""
        if not isinstance(source, Edit):
            _expect_configuration(source, "validating")
        try:
            await self._verify(source.applied({}) if isinstance(source, Edit) else await self.tree(source))
        except Invalid as error:
            raise self._access.screened(caller, error) from None

    async def _verify(self, tree: Tree) -> None:
        await self._ledger.read(lambda book, now: decisions.verify(self._rules, tree, book, now))

    # --- commits -------------------------------------------------------------------------------------------------

    async def commit(self, caller: Caller, confirm: Confirm | None, persist_id: str | None) -> None:
        """Put the candidate in force, for good or on trial (RFC 6241 sections 8.3.4.1 and 8.4.5.1)."""
        wanted = None if confirm is None else Confirmation(confirm.timeout, _digest(confirm.persist))

        def decide(book: AllocationBook, now: int) -> Decision[Tree]:
            self._locks.permit(caller.session_id, Datastore.RUNNING, Datastore.CANDIDATE)
            _permit_confirming(book.revision.trial, caller, persist_id, now)
            running = tree_of(book)
            committed = self._candidate.over(running)
            self._access.change(caller, running, committed)
            made = decisions.commit(self._rules, lambda _old: committed, book, now, self._author(caller), wanted)
            return Decision(committed, made.events, made.secrets)

        try:
            self._candidate.committed(await self._decide(caller, decide))
        except Invalid as error:
            raise self._access.screened(caller, error) from None

    async def cancel(self, caller: Caller, persist_id: str | None) -> None:
        """Go back to what was in force before the open trial (RFC 6241 section 8.4.4.1)."""

        def decide(book: AllocationBook, now: int) -> Decision[bool]:
            trial = book.revision.trial
            if trial is None and persist_id is None:
                raise NoTrial("there is no confirmed commit to cancel")
            _permit_confirming(trial, caller, persist_id, now)
            return decisions.back(self._rules, book, now, self._author(caller), "cancel")

        await self._decide(caller, decide)

    async def discard(self, caller: Caller) -> None:
        """Let the candidate be the running configuration again (RFC 6241 section 8.3.4.2)."""
        await asyncio.sleep(0)
        self._locks.permit(caller.session_id, Datastore.CANDIDATE)
        self._candidate.discard()

    async def back(self, why: str, expected: Trial | None = None) -> None:
        """Go back to what was in force before the open trial, when there is one (and it is the expected one)."""

        def decide(book: AllocationBook, now: int) -> Decision[bool]:
            if expected is not None and book.revision.trial != expected:
                return Decision(False)  # noqa: FBT003 - the answer
            author = Author(Actor(book.revision.trial.user if book.revision.trial else SERVER, ""))
            return decisions.back(self._rules, book, now, author, why)

        if await self._ledger.submit(decide, actor=SERVER):
            log.warning("configuration-restored", why=why)

    # --- locks and sessions --------------------------------------------------------------------------------------

    async def lock(self, caller: Caller, datastore: Datastore) -> None:
        """Lock a datastore for a session, or say at once why not (RFC 6241 section 7.5)."""
        _expect_configuration(datastore, "locking")
        running, trial = await self._ledger.read(lambda book, _now: (tree_of(book), book.revision.trial))
        if datastore is Datastore.RUNNING and trial is not None and trial.session_id != caller.session_id:
            raise Locked("<running>", trial.session_id, why=f"has a confirmed commit of session {trial.session_id}")
        if datastore is Datastore.CANDIDATE and datastore not in self._locks.held and self._candidate.edited(running):
            author = f"session {self._candidate.author}"
            raise Locked("<candidate>", 0, why=f"has changes of {author}, neither committed nor discarded")
        self._locks.grant(datastore, caller.session_id, self._clock.now())

    async def unlock(self, caller: Caller, datastore: Datastore) -> None:
        """Give a lock back; changes of the candidate that are not committed go with it (RFC 6241 section 8.3.5.2)."""
        _expect_configuration(datastore, "unlocking")
        await asyncio.sleep(0)
        self._locks.release(datastore, caller.session_id)
        if datastore is Datastore.CANDIDATE:
            self._candidate.discard()

    async def ended(self, session_id: int) -> None:
        """Take back what was a session's: its locks, the changes under them, and a commit that it has not confirmed."""
        if Datastore.CANDIDATE in self._locks.released(session_id):
            self._candidate.discard()
        try:
            trial = await self._ledger.read(lambda book, _now: book.revision.trial)
            if trial is not None and trial.persist is None and trial.session_id == session_id:
                await self.back("session-ended", trial)
        except PromiseError as error:  # the ledger does not answer: the trial is durable, and ends by its time-out
            log.warning("rollback-delayed", session=session_id, why=str(error))

    def _subscriptions_of(self, caller: Caller | None, book: AllocationBook) -> frozenset[str]:
        """Return the ids of the subscriptions that a caller may see; nobody asks for any."""
        seen = [] if caller is None else subscribed.visible(book, self._access.actor(caller))
        return frozenset(one.id for one in seen)

    def _author(self, caller: Caller) -> Author:
        return Author(self._access.actor(caller), caller.source)

    def permit(self, actor: Actor, book: CapacityBook) -> None:
        """Raise InUse where an RPC may not change the running configuration for this actor at the moment."""
        self._locks.permit(actor.session_id, Datastore.RUNNING)
        trial: Trial | None = book.revision.trial
        if trial is not None:
            raise InUse("a confirmed commit is waiting to be confirmed or cancelled")


def _first(edit: Edit) -> str:
    """Return the path of the first node that an edit is about, empty when it is about none."""
    path, changes = "", edit.changes
    while changes:
        path, changes = changes[0].path, changes[0].children
    return path


def _expect_configuration(datastore: Datastore, what: str) -> None:
    if datastore is Datastore.OPERATIONAL:
        raise Unsupported(f"{what} the datastore {datastore}")


def _digest(token: str | None) -> str | None:
    return None if token is None else hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _permit_confirming(trial: Trial | None, caller: Caller, persist_id: str | None, now: int) -> None:
    """Raise what stops this caller from confirming, extending or cancelling the open trial, if there is one."""
    if persist_id is not None:
        if trial is None or trial.persist is None or trial.persist != _digest(persist_id):
            rule = "no confirmed commit is waiting that has this persist-id"
            raise BadValue(rule, name="persist-id")
    elif trial is not None and trial.persist is not None:
        raise MissingElement("the confirmed commit that is waiting wants its persist-id", name="persist-id")
    elif trial is not None and trial.session_id != caller.session_id:
        raise InUse(f"a confirmed commit of session {trial.session_id} is waiting to be confirmed")
    if trial is not None and now >= trial.deadline:
        raise InUse("the confirmed commit was not confirmed in time, and is being taken back")
