"""What is configured and what is so, as RFC 7951 writes it: the whole, one node below /promise, an entry, or a page.

Everything that RESTCONF shows comes from here, with what the caller may not see left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

from promise.allocation.model import Allocation, Operation
from promise.capacity.model import Pool
from promise.capacity.provider import Provider
from promise.configuration.model import Section
from promise.errors import Denied
from promise.northbound import bindings as yang
from promise.northbound import running, subscribed
from promise.northbound.datastores import state
from promise.northbound.datastores.kept import Kept
from promise.northbound.datastores.others import visible
from promise.northbound.datastores.state import PARTS
from promise.northbound.nacm.control import NACM
from promise.northbound.pages import Page, Seen, following, page_of
from promise.northbound.port import Content, tree_for
from promise.northbound.running import TOP
from promise.reservation.model import Reservation
from promise.reservation.policy import Policy
from promise.subscription.model import Subscription

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from promise.actor import Actor
    from promise.allocation.book import AllocationBook
    from promise.capacity.ledger import Decisions
    from promise.events import Entry, Event
    from promise.northbound.access import Caller
    from promise.northbound.datastore import Tree
    from promise.northbound.nacm.control import Control
    from promise.northbound.pages import Behind, Place
    from promise.northbound.port import StateSource, Subscriptions

Body: TypeAlias = dict[str, Any]
"""The members of a container or list entry."""

CONFIGURED: Final = frozenset({Policy.table, Provider.table, Section.table, Subscription.table})
"""The tables whose records hold configuration."""


AGED: Final = frozenset({Pool.table, Reservation.table, Allocation.table, Operation.table})
"""The kinds of record that have an age, by which their lists are read page by page."""

LISTS: Final[Mapping[str, str]] = {f"{table}s": table for table in AGED}
"""The lists below /promise that hold them."""


_OF_PROVIDERS: Final = frozenset({"provider-added", "provider-changed", "provider-removed"})
"""Events of providers that change their configuration: the others tell what their clouds show."""

_LOOK: Final = 500
_LOOKS: Final = 20
"""So many entries of the journal are read at once, and so often, to find the last change."""


class Part(NamedTuple):
    """What is asked for: a top-level node, or one child of /promise (None = all), of a list one entry."""

    top: str | None = None
    child: str | None = None
    key: str | None = None
    content: Content = Content.ALL


@dataclass(slots=True)
class Found:
    """What is there of a part; `cursor` is that of the next page, empty when there is nothing more.

    `long` are lists that are not in the tree, because they are too long to be read at once.
    """

    tree: Tree
    cursor: str = ""
    long: tuple[str, ...] = ()


class Configuration(NamedTuple):
    """The running configuration, and the second in which it changed last, as far as this process has seen it."""

    tree: Tree
    modified: int


class Begin(Protocol):
    """The entry behind which the journal begins."""

    @property
    def seq(self) -> int:
        """Return its number."""

    @property
    def at(self) -> int:
        """Return its moment."""


class Journal(Protocol):
    """What has happened."""

    @property
    def durable_seq(self) -> int:
        """Return the number of the last entry."""

    async def journal(self, after: int, limit: int) -> list[Entry]:
        """Return up to `limit` entries behind seq `after`."""

    async def base(self) -> Begin:
        """Return the entry behind which the journal begins."""


async def changed_last(log: Journal) -> int:
    """Return when the configuration was changed last; no later than that if the journal tells it too far back."""
    end, base = log.durable_seq, await log.base()
    found = base.at
    for _ in range(_LOOKS):
        start = max(base.seq, end - _LOOK)
        entries = await log.journal(start, end - start)
        for entry in reversed(entries):
            if _configures(entry.event):
                return entry.at
        found = entries[0].at if entries else found
        if start == base.seq:
            break
        end = start
    return found


def _configures(event: Event) -> bool:
    return event.table in CONFIGURED and (event.table != Provider.table or event.kind in _OF_PROVIDERS)


class Records:
    """Reads, and knows when the configuration was changed last."""

    def __init__(
        self, ledger: Decisions[AllocationBook], now: int, told: Subscriptions | None, access: Control
    ) -> None:
        self._access = access
        self._ledger = ledger
        self._told = told
        self.sources: Sequence[StateSource] = ()
        """What the server tells of itself."""
        self._known: Tree | None = None
        self._touched: int | None = now
        self._modified = now
        self._kept: Kept[Body] = Kept()

    def heard(self, entries: Sequence[Entry]) -> None:
        """Take note of what was committed; records of a provider hold configuration, but also what its cloud shows."""
        for entry in entries:
            if entry.event.table in CONFIGURED:
                self._touched = entry.at

    async def read(self, caller: Caller, part: Part) -> Found:
        """Return what of a part the caller may see."""
        actor = self._access.actor(caller)
        found = await self._ledger.read(lambda book, now: self._found(book, actor, now, part))
        if part.content is not Content.CONFIG:
            told = {one.top: tree_for(one, caller) for one in self.sources if part.top in {None, one.top}}
            found.tree.update({top: tree for top, tree in told.items() if tree})
            if part.top in {None, NACM}:
                found.tree = self._access.counted(found.tree)
        found.tree = self.shown(caller, found.tree)
        if part.child is None:
            for name in found.long:
                more = await self.page(caller, name, Page())
                found.tree.setdefault(TOP, {}).update(more.tree.get(TOP, {}))
            found.long = ()
        return found

    async def page(self, caller: Caller, child: str, page: Page) -> Found:
        """Return a page of one of the `LISTS`, of what the caller may see. Raises BadParameter."""
        bodies, cursor = await page_of(
            _Aged(self._ledger, self._access.actor(caller), child, partial(self.shown, caller)), page
        )
        return Found({TOP: {child: bodies}} if bodies else {}, cursor)

    def permit(self, caller: Caller, namespace: str, operation: str) -> None:
        """Raise Denied unless the caller may run an operation of NETCONF, or what counts as one."""
        try:
            self._access.execute(caller, namespace, operation)
        except Denied as error:
            error.path = ""  # there is no <rpc> here that it could lead to
            raise

    def shown(self, caller: Caller, tree: Tree) -> Tree:
        """Return what of a tree the caller may read."""
        return self._access.readable_tree(caller, tree)

    def _found(self, book: AllocationBook, actor: Actor, now: int, part: Part) -> Found:
        """Return what the records say, with the subscriptions that live on sessions and how it goes with the others."""
        found = _found(book, actor, now, part, self._kept)
        asked = part.top in {None, TOP} and part.child in {None, "subscriptions"}
        if self._told is not None and asked and part.content is not Content.CONFIG:
            entry = yang.DATA["/promise/subscriptions"]
            bodies = [body_of(entry, one) for one in self._told.listed(book, actor, part.content)]
            if bodies:
                found.tree.setdefault(TOP, {})["subscriptions"] = bodies
        return found

    async def configuration_for(self, caller: Caller) -> Configuration:
        """Return what of the running configuration a caller may see."""
        actor = self._access.actor(caller)
        found, own = await self._ledger.read(
            lambda book, _now: (self._configuration(book), frozenset(one.id for one in subscribed.visible(book, actor)))
        )
        return Configuration(self.shown(caller, visible(found.tree, found.tree, own)), found.modified)

    async def configuration(self) -> Configuration:
        """Return the running configuration."""
        return await self._ledger.read(lambda book, _now: self._configuration(book))

    def _configuration(self, book: AllocationBook) -> Configuration:
        if self._touched is not None or self._known is None:
            tree = running.tree_of(book)
            if self._known is not None and tree != self._known and self._touched is not None:
                self._modified = self._touched
            self._known, self._touched = tree, None
        return Configuration(self._known, self._modified)


def _found(book: AllocationBook, actor: Actor, now: int, part: Part, kept: Kept[Body]) -> Found:
    tree: Tree = {}
    long: tuple[str, ...] = ()
    if part.top in {None, TOP}:
        known = PARTS[part.content]
        keys = None if part.key is None else frozenset({part.key})
        names = [name for name in known if part.child in {None, name}]
        if keys is None:
            long = tuple(name for name in names if name in state.LISTS and len(getattr(book, name)) > state.AT_ONCE)
        inside: Body = {}
        for name in names:
            if name in long:
                continue
            if name in state.LISTS:
                found = _listed(name, state.LISTS[name].chosen(book, actor, keys), kept)
            else:
                found = _body(yang.DATA[f"/promise/{name}"], known[name](book, actor, now, keys))
            if found is not None:
                inside[name] = found
        if inside:
            tree[TOP] = inside
    if part.content is not Content.NONCONFIG:
        _add_sections(tree, book, part)
    return Found(tree, long=long)


def _add_sections(tree: Tree, book: AllocationBook, part: Part) -> None:
    """Add the configuration that is kept in sections: top-level nodes, or children of /promise."""
    for name, section in book.sections.items():
        top, _, child = name.partition("/")
        if part.top not in {None, top} or (part.child is not None and part.child != child):
            continue
        if child:
            tree.setdefault(top, {})[child] = section.value
        else:
            tree[top] = section.value


def _listed(name: str, records: Iterable[Any], kept: Kept[Body]) -> list[Body] | None:
    """Return the entries of a list, None where there are none; those of records that have not changed are not new."""
    data, listing = yang.DATA[f"/promise/{name}"], state.LISTS[name]
    make = partial(_entry, data, listing)
    return [kept.of((name, listing.id_of(record)), record, make) for record in records] or None


def _entry(data: Any, listing: state.Listing, record: Any) -> Body:
    body: Body = body_of(data, listing.made(record))
    return body


def _body(data: Any, values: Iterable[Any]) -> Any:
    """Return what is in a container, or the entries of a list; None when there is nothing."""
    bodies = [body_of(data, value) for value in values]
    return (bodies or None) if data.entry else next(iter(bodies), None)


def body_of(data: Any, value: Any) -> Any:
    """Return what is in a container or in an entry of a list."""
    (body,) = data.encode_json(value).values()
    return body[0] if data.entry else body


class _Aged:
    """One of the `LISTS`, for one reader; see `pages.Source`."""

    def __init__(
        self, ledger: Decisions[AllocationBook], actor: Actor, child: str, shown: Callable[[Tree], Tree]
    ) -> None:
        self._ledger = ledger
        self._actor = actor
        self._child = child
        self._shown = shown
        self._data = yang.DATA[f"/promise/{child}"]
        self._values = PARTS[Content.ALL][child]

    async def after(self, place: Behind | None, count: int, *, backwards: bool) -> Sequence[Seen]:
        return await self._ledger.read(
            lambda book, now: self._some(book, now, following(self._records(book), place, count, backwards=backwards))
        )

    async def some(self, places: Sequence[Place]) -> Sequence[Seen]:
        return await self._ledger.read(lambda book, now: self._some(book, now, places))

    def _some(self, book: AllocationBook, now: int, places: Iterable[Place]) -> list[Seen]:
        return [Seen(place, self._body(book, now, place.key)) for place in places]

    def _body(self, book: AllocationBook, now: int, key: str) -> Any:
        """Return the entry with a key, None where it is not for these eyes."""
        bodies = [body_of(self._data, value) for value in self._values(book, self._actor, now, frozenset({key}))]
        tree = self._shown({TOP: {self._child: bodies}}) if bodies else {}
        return next(iter(tree.get(TOP, {}).get(self._child, ())), None)

    def _records(self, book: AllocationBook) -> Mapping[str, Any]:
        found: Mapping[str, Any] = getattr(book, self._child)
        return found
