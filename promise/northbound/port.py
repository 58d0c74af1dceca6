"""What the doors need of the rooms behind them; `app` fills these ports."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping

    from lxml.etree import _Element

    from promise.actor import Actor
    from promise.allocation.book import AllocationBook
    from promise.capacity.refusal import Refusal
    from promise.northbound.access import Caller
    from promise.northbound.bindings import PromiseSubscriptions
    from promise.northbound.datastore import Schema
    from promise.northbound.defaults import Report
    from promise.northbound.editing import Edit
    from promise.northbound.shown import Shown
    from promise.northbound.subtree import Selection
    from promise.northbound.xpath import XPathFilter
    from promise.subscription.model import Filter, Kind, Threshold


class Module(NamedTuple):
    """A YANG module that this server implements, as its capability names it (RFC 7950 section 5.6.4, RFC 6020)."""

    name: str
    revision: str
    namespace: str
    prefix: str
    features: tuple[str, ...] = ()

    @property
    def capability(self) -> str:
        """The module's capability URI."""
        features = f"&features={','.join(self.features)}" if self.features else ""
        return f"{self.namespace}?module={self.name}&revision={self.revision}{features}"


@dataclass(frozen=True, slots=True)
class Pending:
    """A request that is decided while its answer takes longer: `reply` gives the content, or raises.

    Requests that come after it on the same session are decided meanwhile; their answers wait for this one.
    `reply` is always awaited to its end, also when the session is gone.
    """

    reply: Awaitable[bytes]


class Operations(Protocol):
    """The operations of the modules."""

    async def call(self, caller: Caller, operation: _Element) -> bytes | Pending:
        """Decide a request.

        `operation` is the element of the operation, a child of <rpc>. Returns the serialized content of the
        <rpc-reply>, for a place where `xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"` is in force: b"<ok/>", or
        elements which declare their own namespace. Raises errors.PromiseError. It is called for a session's next
        request as soon as it has returned, never before.
        """


class Datastore(StrEnum):
    """The datastores of this server (RFC 8342 section 5), by the name that ietf-datastores gives them."""

    RUNNING = "running"
    CANDIDATE = "candidate"
    OPERATIONAL = "operational"


@dataclass(frozen=True, slots=True)
class Lock:
    """A session that has locked a datastore, and since when (in seconds)."""

    session_id: int
    since: int


class Content(StrEnum):
    """Which nodes a read is about (RFC 8040 section 4.8.1); list keys come with each of them."""

    CONFIG = "config"
    NONCONFIG = "nonconfig"
    ALL = "all"


class Testing(StrEnum):
    """What an edit is to do with its result (RFC 6241 section 8.6.4.1, test-option)."""

    TEST_THEN_SET = "test-then-set"
    SET = "set"
    TEST_ONLY = "test-only"


class Confirm(NamedTuple):
    """A commit on trial: it goes back unless it is confirmed within `timeout` seconds (RFC 6241 section 8.4).

    With `persist` it survives its session, and whoever knows this token may confirm it.
    """

    timeout: int
    persist: str | None = None


class Datastores(Protocol):
    """The datastores, whichever protocol asks. A session-id is 0 where there is no NETCONF session.

    All of them raise errors.PromiseError: `Denied` when the caller may not, `Invalid` where something does not apply,
    `InUse` when another session has the datastore locked or on trial, `Unsupported` for what no datastore like this
    can do.
    """

    @property
    def schema(self) -> Schema:
        """Return the nodes that there may be; the door reads edits with it."""

    @property
    def locks(self) -> Mapping[Datastore, Lock]:
        """Return the locks that are held."""

    async def read(
        self, caller: Caller, datastore: Datastore, wanted: Selection, content: Content = Content.ALL
    ) -> Shown:
        """Return the top-level nodes of a datastore; running and candidate hold configuration only.

        The elements are new and belong to the door afterwards. What `wanted` does not ask for may be left out, but
        need not: the door applies the filter to what it gets. Only what the caller may see is included.
        """

    async def edit(self, caller: Caller, datastore: Datastore, edit: Edit, testing: Testing = Testing.SET) -> None:
        """Make an edit, all of it or nothing; in running it is valid, durable and in force afterwards."""

    async def copy(self, caller: Caller, source: Datastore | Edit, target: Datastore, mode: Report) -> None:
        """Replace a configuration by another one, or by the whole one that is given as an edit of nothing.

        `mode` tells which defaults the copy sets.
        """

    async def validate(self, caller: Caller, source: Datastore | Edit) -> None:
        """See whether a configuration could be put into force."""

    async def commit(self, caller: Caller, confirm: Confirm | None, persist_id: str | None) -> None:
        """Put the candidate into force, for good (which confirms what is on trial) or on trial."""

    async def cancel(self, caller: Caller, persist_id: str | None) -> None:
        """Take back the commit that is on trial; raises `NoTrial` when none is."""

    async def discard(self, caller: Caller) -> None:
        """Forget the changes of the candidate."""

    async def lock(self, caller: Caller, datastore: Datastore) -> None:
        """Lock a datastore for the caller's session; raises `Locked` at once when that cannot be."""

    async def unlock(self, caller: Caller, datastore: Datastore) -> None:
        """Give a lock back, with the changes of the candidate under it; raises `NotLocked`."""

    async def ended(self, session_id: int) -> None:
        """Take back the locks of a session that is over, and what it has put on trial for itself."""


class StateSource(Protocol):
    """A top-level node of state that is no datastore's: the server tells it of itself."""

    top: str
    """Its name, as RFC 7951 writes it: "module:node"."""

    def tree(self) -> dict[str, Any]:
        """Return its content, as RFC 7951 writes it."""


@runtime_checkable
class PersonalSource(StateSource, Protocol):
    """One that does not tell everybody the same."""

    def tree_for(self, caller: Caller) -> dict[str, Any]:
        """Return what of its content a caller is shown."""


def tree_for(source: StateSource, caller: Caller) -> dict[str, Any]:
    """Return what a source tells a caller."""
    return source.tree_for(caller) if isinstance(source, PersonalSource) else source.tree()


class Interest(NamedTuple):
    """What a subscription is about: events of a stream that `wanted` selects (None = all), from `start` to `stop`.

    Both are in seconds and count themselves. None: `start` is now, there is no `stop`. `test` is a further filter, on
    an events.notice.Notice. `behind` is a place to go on from: an entry, and how many notifications of it were told.
    """

    wanted: Selection | XPathFilter | None = None
    start: int | None = None
    stop: int | None = None
    stream: str = "NETCONF"
    test: Callable[[Any], bool] | None = None
    behind: tuple[int, int] | None = None


class Subscription(Protocol):
    """What one receiver is told."""

    over: bool
    """Whether nothing will come any more."""

    def documents(self) -> AsyncGenerator[Callable[[], bytes], None]:
        """Yield what writes each <notification> in order, as slowly as they are taken, until the stop time.

        It is asked when the notification goes out, and writes nothing when it is not wanted any more.
        """

    def close(self) -> None:
        """End it, read or not."""


class Events(Protocol):
    """The stream of all events (RFC 5277 section 3.2.3: NETCONF), with replay."""

    async def subscribe(self, actor: Actor, interest: Interest) -> Subscription:
        """Return what the actor may know of what interests it."""

    def now(self) -> int:
        """Return the moment that counts as now."""

    def tell(self, notice: Any) -> None:
        """Tell whoever is subscribed now of an events.notice.Notice that is not in the log, so is never replayed."""

    async def log_times(self) -> tuple[int | None, int | None]:
        """Return when the log behind the replay was created, and up to when it was cut, in seconds; None = not."""


class Receiver(Protocol):
    """A session on which notifications can come."""

    def subscribe(self, subscription: Subscription) -> None:
        """Send what the subscription tells, from the answer to the present request on."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a subscription of Promise's own asks for.

    `start` (seconds) or `after` (a sequence number) say from when on; None: from now on. `present`: begin with the
    present state of everything that matches. `callback`: where it is posted to, signed with `secret`; None: it comes
    on the session.
    """

    kind: Kind
    wanted: Filter
    start: int | None = None
    after: int | None = None
    present: bool = False
    thresholds: tuple[Threshold, ...] = ()
    callback: str | None = None
    secret: str | None = field(default=None, repr=False)


class Subscribed(NamedTuple):
    """The answer to a wish: the subscription's id, the last sequence before it, and the stream that it is part of."""

    id: str
    sequence: int
    stream: str | None = None


class Subscriptions(Protocol):
    """The subscriptions of Promise's own: those that live on sessions, and those with a callback-uri."""

    async def subscribe(self, caller: Caller, wish: Wish) -> Subscribed | Refusal:
        """Begin to tell a session what it wishes to know; raises errors.Invalid for a beginning that cannot be."""

    async def unsubscribe(self, caller: Caller, key: str) -> Refusal | None:
        """End a subscription."""

    def listed(self, book: AllocationBook, actor: Actor, content: Content) -> Iterable[PromiseSubscriptions]:
        """Return those that the actor may see, oldest first, those that live on sessions at the end."""
