"""Whether somebody may change the configuration from one tree into another (RFC 8341 sections 3.2.5 and 3.2.8).

What counts is the effect: the nodes that are created, deleted or changed, whichever operation does it, and on whichever
door it came. Trees are those of `datastore`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from promise.errors import Denied
from promise.northbound.datastore import Kind
from promise.northbound.nacm.pruning import Leaves
from promise.northbound.nacm.rulebook import Access

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from promise.northbound.datastore import Node, Tree
    from promise.northbound.nacm.rights import Rights, Verdict, Walk


@dataclass(frozen=True, slots=True)
class Effect:
    """One node that is created, deleted or changed; `walk` is its place, `path` tells it."""

    access: Access
    walk: Walk
    path: str


def refused(
    rights: Rights, top: Mapping[str, Node], before: Tree, after: Tree, modules: Mapping[str, str]
) -> tuple[Effect, Verdict] | None:
    """Return the first node that may not be changed so, and what says so; `modules` has the module of each namespace.

    None when all of it is permitted.
    """
    if not rights.unrestricted:
        for effect in effects(rights, top, before, after, modules):
            verdict = effect.walk.verdict(effect.access)
            if not verdict.permits:
                return effect, verdict
    return None


def check(rights: Rights, top: Mapping[str, Node], before: Tree, after: Tree, modules: Mapping[str, str]) -> None:
    """Raise Denied for the first node that may not be changed so."""
    found = refused(rights, top, before, after, modules)
    if found is not None:
        raise Denied(f"{found[0].access} of {found[0].path}", path=found[0].path)


def effects(
    rights: Rights, top: Mapping[str, Node], before: Tree, after: Tree, modules: Mapping[str, str]
) -> Iterator[Effect]:
    """Yield what changes between two configurations."""
    comparison = _Comparison(modules)
    yield from comparison.inside(rights.top(), "", top.values(), before, after)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Two trees, walked together."""

    modules: Mapping[str, str]

    def inside(self, walk: Walk, path: str, nodes: Iterable[Node], before: Tree, after: Tree) -> Iterator[Effect]:
        for node in nodes:
            old, new = before.get(node.member), after.get(node.member)
            if old != new:
                if node.many:
                    yield from self._entries(walk, path, node, old or [], new or [])
                else:
                    yield from self._node(walk, path + node.segment, node, old, new)

    def _entries(self, walk: Walk, path: str, node: Node, old: list[Any], new: list[Any]) -> Iterator[Effect]:
        was = {node.key_of(entry): entry for entry in old}
        now = {node.key_of(entry): entry for entry in new}
        for key in [*was, *(key for key in now if key not in was)]:
            where = f"{path}{node.segment}{node.predicates(key)}"
            yield from self._node(walk, where, node, was.get(key), now.get(key))
        common = [key for key in was if key in now]
        if node.ordered and common != [key for key in now if key in was]:
            for key in common:
                here = walk.into(self.modules[node.namespace], node.name, Leaves(now[key]))
                yield Effect(Access.UPDATE, here, f"{path}{node.segment}{node.predicates(key)}")

    def _node(self, walk: Walk, path: str, node: Node, old: Any, new: Any) -> Iterator[Effect]:
        if old == new:
            return
        here = walk.into(self.modules[node.namespace], node.name, Leaves(old if new is None else new))
        bare = node.kind is Kind.CONTAINER and not node.presence
        if old is None and not bare:
            yield Effect(Access.CREATE, here, path)
        elif new is None and not bare:
            yield Effect(Access.DELETE, here, path)
        elif node.kind is Kind.LEAF:
            yield Effect(Access.UPDATE, here, path)
        if node.kind in {Kind.CONTAINER, Kind.LIST}:
            yield from self.inside(here, path, node.children.values(), old or {}, new or {})
