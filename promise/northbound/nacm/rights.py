"""What one user may do, by the rules in force (RFC 8341 section 3.4); the same rights on every door.

`Rights` answers for whole operations and notifications at once, and for data by a `Walk`: a place in the tree that
knows how far each rule's path has been followed to it. What may not be read is left out with all that is below it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from promise.northbound.nacm.rulebook import Access, Rule, Rulebook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promise.northbound.nacm.path import Values

ALWAYS: Final = frozenset({("ietf-netconf", "close-session")})
"""Whoever is there may leave (sections 3.1.3 and 3.4.4)."""

WRITERS: Final = "writers"
"""The mark of operations that are for those who may change something; a rule can say otherwise."""

_WRITING: Final = frozenset({Access.CREATE, Access.UPDATE, Access.DELETE})


class Verdict(NamedTuple):
    """Whether something is permitted, and what says so: a rule ("list/rule"), a default, or a mark of the YANG."""

    permits: bool
    by: str


@dataclass(frozen=True, slots=True)
class Marks:
    """What the modules themselves deny where no rule says otherwise: "all" or "write"; operations also `WRITERS`.

    `operations` and `notifications` are by (module, name), `data` by the (module, name) of each step from the top.
    """

    operations: Mapping[tuple[str, str], str]
    notifications: Mapping[tuple[str, str], str]
    data: Mapping[tuple[tuple[str, str], ...], str]


@dataclass(frozen=True, slots=True)
class Rights:
    """The rights of one user; `unrestricted` = a recovery session, or no access control (section 3.4.4, 1 and 2)."""

    book: Rulebook
    marks: Marks
    user: str
    rules: tuple[Rule, ...] = ()
    unrestricted: bool = False
    told: dict[tuple[str, str], Verdict] = field(default_factory=dict, compare=False, repr=False)
    """What was found out of notifications."""

    @classmethod
    def of(cls, book: Rulebook, marks: Marks, user: str, groups: frozenset[str], *, recovery: bool = False) -> Rights:
        """Return the rights of a user in these groups; with `recovery` no rule binds him."""
        if recovery or not book.enabled:
            return cls(book, marks, user, unrestricted=True)
        return cls(book, marks, user, book.rules_for(user, groups))

    def may_execute(self, module: str, operation: str) -> bool:
        """Tell whether he may run an operation (section 3.4.4)."""
        return self.execution(module, operation).permits

    def execution(self, module: str, operation: str) -> Verdict:
        """Return whether he may run an operation, and why."""
        if self.unrestricted or (module, operation) in ALWAYS:
            return _ALL
        for rule in self.rules:
            named = rule.general or rule.rpc in ("*", operation)
            if named and rule.covers(module) and Access.EXECUTE in rule.access:
                return Verdict(rule.permits, rule.place)
        mark = self.marks.operations.get((module, operation))
        if mark == "all":
            return _DENIED_BY_MODULE
        if mark == WRITERS and not self.writes_some:
            return Verdict(False, "no right to write")  # noqa: FBT003 - it has a name
        return Verdict(self.book.executes, "exec-default")

    def may_be_told(self, module: str, notification: str) -> bool:
        """Tell whether he may receive a notification (section 3.4.6)."""
        return self.telling(module, notification).permits

    def telling(self, module: str, notification: str) -> Verdict:
        """Return whether he may receive a notification, and why; found out once."""
        key = module, notification
        found = self.told.get(key)
        if found is None:
            found = self.told[key] = self._telling(module, notification)
        return found

    def _telling(self, module: str, notification: str) -> Verdict:
        if self.unrestricted:
            return _ALL
        for rule in self.rules:
            named = rule.general or rule.notification in ("*", notification)
            if named and rule.covers(module) and Access.READ in rule.access:
                return Verdict(rule.permits, rule.place)
        if self.marks.notifications.get((module, notification)) == "all":
            return _DENIED_BY_MODULE
        return Verdict(self.book.reads, "read-default")

    @property
    def reads_all(self) -> bool:
        """Tell whether there is no data at all that he may not read."""
        if self.unrestricted:
            return True
        denying = any(_about_data(rule) and Access.READ in rule.access and not rule.permits for rule in self.rules)
        return self.book.reads and not denying and "all" not in self.marks.data.values()

    def reads_whole(self, steps: tuple[tuple[str, str], ...]) -> bool:
        """Tell whether he may read all that can be in a branch of the tree, whatever values are there."""
        walk = self.top()
        for module, name in steps:
            if walk.depends(module, name):
                return False
            walk = walk.into(module, name, {})
            if not walk.may(Access.READ):
                return False
        return not walk.varies_below(Access.READ)

    @property
    def writes_some(self) -> bool:
        """Tell whether there is anything at all that he may change."""
        permitting = any(_about_data(rule) and rule.permits and rule.access & _WRITING for rule in self.rules)
        return self.unrestricted or self.book.writes or permitting

    def top(self) -> Walk:
        """Return the place above all data."""
        paths = ((rule, 0) for rule in self.rules if _about_data(rule))
        return Walk(self, (), tuple(paths), "")


@dataclass(frozen=True, slots=True)
class Walk:
    """A place in the data tree; `followed` has the data rules that can still apply here, in order.

    With each rule goes how many steps of its path lead here; -1 = the place is what it names, or is below that.
    """

    rights: Rights
    steps: tuple[tuple[str, str], ...]
    followed: tuple[tuple[Rule, int], ...]
    mark: str

    def into(self, module: str, name: str, values: Values) -> Walk:
        """Return the place of a child; `values` are its leaves by name, or its own value as "." (of a leaf)."""
        steps = (*self.steps, (module, name))
        mark = self.rights.marks.data.get(steps, self.mark)
        if self.rights.unrestricted:
            return Walk(self.rights, steps, (), mark)
        followed = []
        for rule, at in self.followed:
            after = _follow(rule, at, module, name, values, self.rights.user)
            if after is not None:
                followed.append((rule, after))
        return Walk(self.rights, steps, tuple(followed), mark)

    def depends(self, module: str, name: str) -> bool:
        """Tell whether what is decided on such a child depends on the values in it."""
        steps = (rule.path[at] for rule, at in self.followed if rule.path and at != _REACHED)
        return any(bool(step.keys) and step.leads_to(module, name) for step in steps)

    def may(self, access: Access) -> bool:
        """Tell whether he may do this with the node here (section 3.4.5)."""
        return self.verdict(access).permits

    def verdict(self, access: Access) -> Verdict:
        """Return whether he may do this with the node here, and why."""
        rights = self.rights
        if rights.unrestricted:
            return _ALL
        module = self.steps[-1][0]
        for rule, at in self.followed:
            meant = rule.path is None or at == _REACHED
            if meant and access in rule.access and rule.covers(module):
                return Verdict(rule.permits, rule.place)
        if self.mark == "all":
            return _DENIED_BY_MODULE
        if access is Access.READ:
            return Verdict(rights.book.reads, "read-default")
        if self.mark == "write":
            return Verdict(False, "default-deny-write")  # noqa: FBT003 - it has a name
        return Verdict(rights.book.writes, "write-default")

    def varies_below(self, access: Access) -> bool:
        """Tell whether something below may be decided otherwise than here."""
        if self.rights.unrestricted:
            return False
        depth = len(self.steps)
        if any(path[:depth] == self.steps and len(path) > depth for path in self.rights.marks.data):
            return True
        return any(
            access in rule.access and ((rule.path is None and rule.module != "*") or at != _REACHED)
            for rule, at in self.followed
        )


_REACHED: Final = -1
_ALL: Final = Verdict(True, "unrestricted")  # noqa: FBT003 - it has a name
_DENIED_BY_MODULE: Final = Verdict(False, "default-deny-all")  # noqa: FBT003 - it has a name


def _about_data(rule: Rule) -> bool:
    return rule.general or rule.path is not None


def _follow(rule: Rule, at: int, module: str, name: str, values: Values, user: str) -> int | None:
    """Return how far the path of a rule leads at a child, None when it leads elsewhere."""
    if rule.path is None or at == _REACHED:
        return at
    if not rule.path:
        return _REACHED
    step = rule.path[at]
    if not (step.leads_to(module, name) and step.holds(values, user)):
        return None
    return _REACHED if at + 1 == len(rule.path) else at + 1
