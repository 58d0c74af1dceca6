"""The one who is asked on every door whether somebody may: by the rules of the running configuration (RFC 8341).

Rights are worked out once per user and groups, and anew when the rules have changed; they are asked at the moment at
which something is decided, so a change of the rules binds from its commit on, on open sessions too. What is denied is
counted and logged here, in one line each, whichever door it was asked at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import structlog

from promise.actor import Actor
from promise.errors import BadValue, Denied, Invalid
from promise.northbound.access import ADMINISTRATORS
from promise.northbound.datastore import Kind
from promise.northbound.library.modules import library
from promise.northbound.nacm.changes import refused
from promise.northbound.nacm.grants import standing
from promise.northbound.nacm.path import read_path
from promise.northbound.nacm.pruning import Leaves, readable, readable_tree
from promise.northbound.nacm.rights import WRITERS, Marks, Rights
from promise.northbound.nacm.rulebook import Access, Rulebook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lxml.etree import _Element

    from promise.northbound.access import Caller
    from promise.northbound.datastore import Node, Schema, Tree
    from promise.northbound.nacm.grants import Standing
    from promise.northbound.nacm.path import Step

NACM: Final = "ietf-netconf-acm:nacm"
"""The container of the rules."""

SENSITIVE: Final = ("delete-config", "kill-session")
"""NETCONF operations, older than the marks, that count as nacm:default-deny-all (RFC 8341 sections 3.2.7, 3.2.10)."""

FOR_WRITERS: Final = ("cancel-commit", "commit", "discard-changes", "lock", "validate")
"""Those that only make sense for, and could disturb, people who change the configuration."""

_WRAPS: Final = 2**32
"""Where a counter32 begins anew (RFC 6991)."""

_MOST_KNOWN: Final = 10_000
_log: Final = structlog.get_logger(__name__)


@dataclass(slots=True)
class Denials:
    """What was denied since the start (RFC 8341 section 3.5.2)."""

    operations: int = 0
    writes: int = 0
    notifications: int = 0

    def tree(self) -> dict[str, int]:
        """Return the counters under their names in the YANG."""
        return {
            "denied-operations": self.operations % _WRAPS,
            "denied-data-writes": self.writes % _WRAPS,
            "denied-notifications": self.notifications % _WRAPS,
        }


@lru_cache(1)
def prefixes() -> Mapping[str, str]:
    """Return the modules behind the prefixes that a rule's path may have: their names, and their own prefixes."""
    modules = library().modules.values()
    return {module.prefix: module.name for module in modules} | {module.name: module.name for module in modules}


def marks(schema: Schema) -> Marks:
    """Return what the modules deny by themselves, with what the operations of NETCONF say in words."""
    tops = {(module, name) for module, name in schema.operations}
    found = {path[0]: mark for path, mark in schema.denials.items() if len(path) == 1}
    said = {("ietf-netconf", name): "all" for name in SENSITIVE}
    said |= {("ietf-netconf", name): WRITERS for name in FOR_WRITERS}
    data = {path: mark for path, mark in schema.denials.items() if path[0] not in tops}
    return Marks({**said, **found}, found, data)


def check_rules(tree: Tree, top: Mapping[str, Node]) -> None:
    """Raise BadValue for a rule whose path could never lead to a node of these: it would protect nothing, silently."""
    known = prefixes()
    for rules in tree.get(NACM, {}).get("rule-list", ()):
        for rule in rules.get("rule", ()):
            try:
                _expect_nodes(read_path(rule["path"], known) if "path" in rule else (), top)
            except BadValue as error:
                at = f"[nacm:name='{rules['name']}']/nacm:rule[nacm:name='{rule['name']}']/nacm:path"
                raise BadValue(error.rule, path=f"/nacm:nacm/nacm:rule-list{at}", name="path") from None


def _expect_nodes(steps: Iterable[Step], top: Mapping[str, Node]) -> None:
    modules = library().modules
    nodes = top
    for step in steps:
        node = nodes.get(f"{{{modules[step.module].namespace}}}{step.name}")
        if node is None:
            raise BadValue(f"must be the path of data nodes; there is no {step.module}:{step.name} in its place")
        keys = {"."} if node.kind is Kind.LEAF_LIST else {node.child(member).name for member in node.keys}
        for key in step.keys:
            if key not in keys:
                raise BadValue(f"must name keys in its predicates; {key} is none of {step.name}")
        nodes = node.children


class Control:
    """Answers for everybody; `rules` gives the container of the rules, None when nothing is configured.

    It is the same object for as long as the rules are the same. Users in one of the `recovery` groups are bound by
    no rule (section 3.3.3 of RFC 8341: a recovery session). `groups_of` finds the groups of a user who is not there,
    but has left a subscription. `grants` gives the list of grants, in the same way as `rules`; those in one of the
    `operators` groups get at the records of everybody without any.
    """

    def __init__(
        self,
        schema: Schema,
        rules: Callable[[], Mapping[str, Any] | None] = lambda: None,
        *,
        recovery: frozenset[str] = frozenset({ADMINISTRATORS}),
        groups_of: Callable[[str], frozenset[str]] = lambda _user: frozenset(),
        grants: Callable[[], Sequence[Mapping[str, Any]] | None] = lambda: None,
        operators: frozenset[str] = frozenset({ADMINISTRATORS}),
    ) -> None:
        self.denials = Denials()
        self.schema = schema
        self._rules = rules
        self._recovery = recovery
        self._groups_of = groups_of
        self._marks = marks(schema)
        self._modules = {module.namespace: name for name, module in library().modules.items()}
        self._book = Rulebook()
        self._read: Mapping[str, Any] | None = None
        self._known: dict[tuple[str, frozenset[str]], Rights] = {}
        self._grants = grants
        self._granted: Sequence[Mapping[str, Any]] | None = None
        self._operators = operators
        self._standings: dict[tuple[str, frozenset[str]], Standing] = {}

    # --- whose rights --------------------------------------------------------------------------------------------

    def rights(self, caller: Caller) -> Rights:
        """Return the rights of a caller at this moment."""
        return self._rights(caller.username, caller.groups)

    def actor(self, caller: Caller) -> Actor:
        """Return on whose behalf a request is decided, with what he may see and change at this moment."""
        asking = Actor(caller.username, caller.project, session_id=caller.session_id, groups=caller.groups)
        return self.current(asking)

    def current(self, actor: Actor) -> Actor:
        """Return an actor with what he may see and change at this moment; the same one while that is the same."""
        found = self._standing(actor.user, self._groups_of(actor.user) if actor.groups is None else actor.groups)
        if found == (actor.operator, actor.reads, actor.writes):
            return actor
        return replace(actor, operator=found.operator, reads=found.reads, writes=found.writes)

    def _standing(self, user: str, groups: frozenset[str]) -> Standing:
        self._refresh()
        grants = self._grants()
        if grants is not self._granted or len(self._standings) > _MOST_KNOWN:
            self._granted = grants
            self._standings.clear()
        found = self._standings.get((user, groups))
        if found is None:
            operator = bool(groups & self._operators)
            found = standing(grants or (), self._book.groups_of(user, groups), operator=operator)
            self._standings[user, groups] = found
        return found

    def _refresh(self) -> None:
        """Read the rules anew where they have changed."""
        rules = self._rules()
        if rules is not self._read or len(self._known) > _MOST_KNOWN:
            self._renew(rules)

    def _rights(self, user: str, groups: frozenset[str]) -> Rights:
        self._refresh()
        found = self._known.get((user, groups))
        if found is None:
            recovery = bool(groups & self._recovery)
            found = Rights.of(self._book, self._marks, user, groups, recovery=recovery)
            self._known[user, groups] = found
        return found

    def _renew(self, rules: Mapping[str, Any] | None) -> None:
        """Read the rules; those that cannot be read permit nothing, but to recovery sessions, who can mend them."""
        try:
            self._book = Rulebook.of(rules or {}, prefixes())
        except BadValue as error:
            _log.error("access-rules-unreadable", path=error.path, why=error.rule)
            self._book = Rulebook(reads=False, writes=False, executes=False)
        self._read = rules
        self._known.clear()
        self._standings.clear()

    # --- operations ----------------------------------------------------------------------------------------------

    def execute(self, caller: Caller, namespace: str, operation: str) -> None:
        """Raise Denied unless the caller may run an operation."""
        module = self._modules.get(namespace, namespace)
        verdict = self.rights(caller).execution(module, operation)
        if not verdict.permits:
            self.denials.operations += 1
            self._note(caller, f"exec {module}:{operation}", verdict.by)
            prefix = library().modules[module].prefix if module in library().modules else ""
            raise Denied(operation, path=f"/nc:rpc/{prefix}:{operation}" if prefix else "")

    def denied(self, caller: Caller, error: Denied, namespace: str, operation: str) -> None:
        """Count and log that the caller may run an operation, but not on what he has named."""
        self.denials.operations += 1
        module = self._modules.get(namespace, namespace)
        self._note(caller, f"exec {module}:{operation}: {error.what}", "ownership")

    # --- reading -------------------------------------------------------------------------------------------------

    def reads_whole(self, caller: Caller, places: Iterable[tuple[Node, ...]]) -> bool:
        """Tell whether the caller may read all that can be in these branches; each is told from the top."""
        rights = self.rights(caller)
        return rights.reads_all or all(
            rights.reads_whole(tuple((self._modules[node.namespace], node.name) for node in place)) for place in places
        )

    def readable(self, caller: Caller, elements: Iterable[_Element]) -> list[_Element]:
        """Return what the caller may read of top-level elements; the rest is taken out of them in place."""
        return readable(self.rights(caller), elements, self._modules)

    def readable_tree(self, caller: Caller, tree: Tree) -> Tree:
        """Return what the caller may read of a tree, which itself stays as it is."""
        return readable_tree(self.rights(caller), tree)

    def counted(self, tree: Tree) -> Tree:
        """Return a tree of operation with the counters in it."""
        return {**tree, NACM: {**tree.get(NACM, {}), **self.denials.tree()}}

    # --- writing -------------------------------------------------------------------------------------------------

    def writes(self, caller: Caller, path: str) -> None:
        """Raise Denied for somebody who may change nothing at all, before he learns anything of what is there."""
        if not self.rights(caller).writes_some:
            raise self._denied_write(caller, "update", path, "write-default")

    def change(self, caller: Caller, before: Tree, after: Tree) -> None:
        """Raise Denied unless the caller may do all that leads from one configuration to the other (section 3.2.5)."""
        found = refused(self.rights(caller), self.schema.top, before, after, self._modules)
        if found is not None:
            effect, verdict = found
            raise self._denied_write(caller, effect.access, effect.path, verdict.by)

    def refused(self, caller: Caller, error: Denied) -> Denied:
        """Count and log that an edit would change what belongs to others; returns the error."""
        self.denials.writes += 1
        self._note(caller, error.what, "ownership")
        return error

    def screened(self, caller: Caller, error: Invalid) -> Exception:
        """Return the error, or Denied in the place of one that tells of a node which the caller may not see."""
        if not error.path or _sees(self.rights(caller), error.path, otherwise=True):
            return error
        return self._denied_write(caller, "update", error.path, "hidden")

    def shows(self, actor: Actor, path: str) -> bool:
        """Tell whether somebody may read a node, by its path with the prefixes of the modules."""
        groups = self._groups_of(actor.user) if actor.groups is None else actor.groups
        return _sees(self._rights(actor.user, groups), path, otherwise=False)

    def _denied_write(self, caller: Caller, access: str, path: str, by: str) -> Denied:
        self.denials.writes += 1
        self._note(caller, f"{access} {path}", by)
        return Denied(f"{access} of {path}", path=path)

    # --- being told ----------------------------------------------------------------------------------------------

    def tells(self, actor: Actor, namespace: str, notification: str) -> bool:
        """Tell whether somebody may be told a notification that he would be told (section 3.4.6); a denial counts."""
        groups = self._groups_of(actor.user) if actor.groups is None else actor.groups
        module = self._modules.get(namespace, namespace)
        verdict = self._rights(actor.user, groups).telling(module, notification)
        if not verdict.permits:
            self.denials.notifications += 1
            what = f"notification {module}:{notification}"
            _log.info("access-denied", user=actor.user, session=actor.session_id, what=what, rule=verdict.by)
        return verdict.permits

    def _note(self, caller: Caller, what: str, rule: str) -> None:
        _log.info(
            "access-denied",
            user=caller.username,
            session=caller.session_id,
            transport=caller.transport,
            source=caller.source,
            what=what,
            rule=rule,
        )


def _sees(rights: Rights, path: str, *, otherwise: bool) -> bool:
    """Tell whether a node may be read, and all above it; `otherwise` is for what is no path of a node."""
    if rights.reads_all:
        return True
    try:
        steps = read_path(path, prefixes())
    except BadValue:
        return otherwise
    walk = rights.top()
    for step in steps:
        walk = walk.into(step.module, step.name, Leaves(dict(step.keys)))
        if not walk.may(Access.READ):
            return False
    return True
