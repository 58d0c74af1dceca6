"""The subscriptions of others in a configuration: who does not see them cannot touch them, whatever an edit replaces.

An edit is made on what its editor sees; what he does not see is put back beside the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from promise.errors import Denied
from promise.northbound.running import TOP
from promise.northbound.subscribed import MEMBER
from promise.northbound.subscribed import visible as recorded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promise.actor import Actor
    from promise.allocation.book import AllocationBook
    from promise.northbound.datastore import Tree
    from promise.subscription.book import SubscriptionBook


class Others(NamedTuple):
    """Subscriptions that are not an editor's: by id those that he does not see, and those that he may only see."""

    hidden: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()

    @classmethod
    def of(cls, actor: Actor, book: AllocationBook) -> Others:
        """Return whose are not the actor's."""
        seen = {one.id: actor.owns(one) or actor.commands(one.project) for one in recorded(book, actor)}
        records = cast("SubscriptionBook", book).subscriptions
        return cls(frozenset(records.keys() - seen.keys()), frozenset(key for key, his in seen.items() if not his))

    def without(self, tree: Tree) -> Tree:
        """Return a configuration as the editor sees it."""
        if not self.hidden:
            return tree
        return visible(tree, tree, frozenset(one["id"] for one in _entries(tree)) - self.hidden)

    def kept(self, before: Tree, after: Tree) -> Tree:
        """Return what an edit has made of what its editor sees, with all that he does not see as it was.

        Raises:
            Denied: it changes what he may not change, or takes an id that is not his.
        """
        was, now = ({one["id"]: one for one in _entries(tree)} for tree in (before, after))
        for key in self.fixed & was.keys():
            if now.get(key) != was[key]:
                raise _not_his(key)
        if clash := sorted(self.hidden & was.keys() & now.keys()):
            raise _not_his(clash[0])
        hidden = [one for key, one in was.items() if key in self.hidden]
        if not hidden:
            return after
        return {**after, TOP: {**after.get(TOP, {}), MEMBER: [*hidden, *_entries(after)]}}


def _not_his(key: str) -> Denied:
    path = f"/promise:promise/promise:subscriptions[promise:id='{key}']"
    return Denied(f"update of {path}", path=path)


def _entries(tree: Tree) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = tree.get(TOP, {}).get(MEMBER, ())
    return found


def visible(tree: Tree, running: Tree, own: frozenset[str]) -> Tree:
    """Return a configuration without the subscriptions of others, which are those in running that are not one's own.

    What the candidate has besides belongs to nobody yet: to whoever commits it.
    """
    inside = tree.get(TOP, {})
    if MEMBER not in inside:
        return tree
    kept = {name: value for name, value in inside.items() if name != MEMBER}
    hidden = {entry["id"] for entry in running.get(TOP, {}).get(MEMBER, ())} - own
    if shown := [entry for entry in inside[MEMBER] if entry["id"] not in hidden]:
        kept[MEMBER] = shown
    rest = {top: value for top, value in tree.items() if top != TOP}
    return {TOP: kept, **rest} if kept else rest
