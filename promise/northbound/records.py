"""What is configured and what is so, as RFC 7951 writes it: the whole, one node below /promise, an entry, or a page.

Everything that RESTCONF shows comes from here, with what the caller may not see left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from promise.capacity.provider import Provider
from promise.configuration.model import Section
from promise.errors import NoResource
from promise.northbound import bindings as yang
from promise.northbound import running
from promise.northbound.datastores.state import PARTS
from promise.northbound.nacm.control import NACM
from promise.northbound.port import Content
from promise.northbound.running import TOP
from promise.northbound.words import actor_of
from promise.reservation.policy import Policy
from promise.subscription.model import Subscription

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from promise.actor import Actor
    from promise.allocation.book import AllocationBook
    from promise.capacity.ledger import Decisions
    from promise.events import Entry
    from promise.northbound.access import Caller
    from promise.northbound.datastore import Tree
    from promise.northbound.nacm.control import Control
    from promise.northbound.port import StateSource, Subscriptions

Body: TypeAlias = dict[str, Any]
"""The members of a container or list entry."""

CONFIGURED: Final = frozenset({Policy.table, Provider.table, Section.table, Subscription.table})
"""The tables whose records hold configuration."""


_AT_ONCE: Final = {"users": "name"}
"""Lists that are one record as a whole, with their key."""


class Page(NamedTuple):
    """A part of a list: `limit` entries at most, after the one with the key `cursor`, and `offset` further on."""

    limit: int | None = None
    offset: int = 0
    cursor: str = ""
    backwards: bool = False


class Part(NamedTuple):
    """What is asked for: a top-level node, or one child of /promise (None = all), of a list one entry, or a page."""

    top: str | None = None
    child: str | None = None
    key: str | None = None
    page: Page | None = None
    content: Content = Content.ALL


@dataclass(slots=True)
class Found:
    """What is there of a part; `cursor` is that of the next page, empty when there is nothing more."""

    tree: Tree
    cursor: str = ""


class Configuration(NamedTuple):
    """The running configuration, and the second in which it changed last, as far as this process has seen it."""

    tree: Tree
    modified: int


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

    def heard(self, entries: Sequence[Entry]) -> None:
        """Take note of what was committed; records of a provider hold configuration, but also what its cloud shows."""
        for entry in entries:
            if entry.event.table in CONFIGURED:
                self._touched = entry.at

    async def read(self, caller: Caller, part: Part) -> Found:
        """Return what of a part the caller may see. Raises NoResource for a page after an entry that is not there."""
        actor = actor_of(caller)
        shown = partial(self.shown, caller)
        found = await self._ledger.read(lambda book, now: self._found(book, actor, now, part, shown))
        if part.content is not Content.CONFIG:
            found.tree.update({one.top: one.tree() for one in self.sources if part.top in {None, one.top}})
            if part.top in {None, NACM}:
                found.tree = self._access.counted(found.tree)
        found.tree = self.shown(caller, found.tree)
        return found

    def permit(self, caller: Caller, namespace: str, operation: str) -> None:
        """Raise Denied unless the caller may run an operation of the protocol."""
        self._access.execute(caller, namespace, operation)

    def shown(self, caller: Caller, tree: Tree) -> Tree:
        """Return what of a tree the caller may read."""
        return self._access.readable_tree(caller, tree)

    def _found(self, book: AllocationBook, actor: Actor, now: int, part: Part, shown: Callable[[Tree], Tree]) -> Found:
        """Return what the records say, with the subscriptions that live on sessions and how it goes with the others."""
        found = _found(book, actor, now, part, shown)
        asked = part.top in {None, TOP} and part.child in {None, "subscriptions"} and part.page is None
        if self._told is not None and asked and part.content is not Content.CONFIG:
            entry = yang.DATA["/promise/subscriptions"]
            bodies = [body_of(entry, one) for one in self._told.listed(book, actor, part.content)]
            if bodies:
                found.tree.setdefault(TOP, {})["subscriptions"] = bodies
        return found

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


def _found(book: AllocationBook, actor: Actor, now: int, part: Part, shown: Callable[[Tree], Tree]) -> Found:
    if part.page is not None and part.child in PARTS[part.content]:
        return _page(book, actor, now, part, part.page, shown)
    tree: Tree = {}
    if part.top in {None, TOP}:
        known = PARTS[part.content]
        keys = None if part.key is None else frozenset({part.key})
        names = [name for name in known if part.child in {None, name}]
        inside = _bodies(names, known, book, actor, now, keys)
        if inside:
            tree[TOP] = inside
    if part.content is not Content.NONCONFIG:
        _add_sections(tree, book, part)
    return Found(tree)


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


def _bodies(
    names: Iterable[str],
    parts: Mapping[str, Any],
    book: AllocationBook,
    actor: Actor,
    now: int,
    keys: frozenset[str] | None,
) -> Body:
    found: Body = {}
    for name in names:
        data = yang.DATA[f"/promise/{name}"]
        values = parts[name](book, actor, now, keys)
        if data.entry:
            entries = [body_of(data, value) for value in values]
            if entries:
                found[name] = entries
        elif values:
            found[name] = body_of(data, values[0])
    return found


def body_of(data: Any, value: Any) -> Any:
    """Return what is in a container or in an entry of a list."""
    (body,) = data.encode_json(value).values()
    return body[0] if data.entry else body


def _page(book: AllocationBook, actor: Actor, now: int, part: Part, page: Page, shown: Callable[[Tree], Tree]) -> Found:
    """Return a page of a list, in the order in which its entries came.

    Only what may be seen counts, and only what may be seen can be a cursor.
    """
    child = part.child or ""
    values = PARTS[part.content][child]
    data = yang.DATA[f"/promise/{child}"]
    at_once = child in _AT_ONCE
    records: Mapping[str, Any] = (
        {str(getattr(value, _AT_ONCE[child])): value for value in values(book, actor, now, None)}
        if at_once
        else _records(book, child)
    )

    def seen(key: str) -> Any:
        """Return the entry with a key, None where it is not for these eyes."""
        found = [records[key]] if at_once else values(book, actor, now, frozenset({key}))
        bodies = [body_of(data, value) for value in found]
        tree = shown({TOP: {child: bodies}}) if bodies else {}
        return next(iter(tree.get(TOP, {}).get(child, ())), None)

    if page.cursor and (page.cursor not in records or seen(page.cursor) is None):
        raise NoResource("the cursor names no entry of this list", app_tag="ietf-list-pagination:cursor-not-found")
    found = ((key, body) for key in _keys_after(records, page) if (body := seen(key)) is not None)
    wanted = islice(found, page.offset, None)
    entries = list(wanted if page.limit is None else islice(wanted, page.limit))
    more = page.limit is not None and next(wanted, None) is not None
    return Found({TOP: {child: [body for _, body in entries]}}, cursor=entries[-1][0] if more else "")


def _records(book: AllocationBook, child: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = getattr(book, child)
    return found


def _keys_after(records: Mapping[str, Any], page: Page) -> Iterator[str]:
    """Return the keys behind the cursor, which is there; the search for it is one pass in C."""
    keys = iter(reversed(list(records))) if page.backwards else iter(records)
    assert not page.cursor or page.cursor in keys
    return keys
